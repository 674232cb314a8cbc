/// Why the ledger could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database did not answer or refused.
    #[error("the ledger's database failed: {0}")]
    Database(#[from] diesel::result::Error),
    /// No connection could be had.
    #[error(transparent)]
    Platform(#[from] platform::Error),
    /// The writer did not take what the ledger itself wanted to book.
    #[error("the ledger's writer refused: {0}")]
    Writer(String),
    /// What is stored is not what the ledger writes.
    #[error("the ledger holds something that it never writes: {0}")]
    Corrupt(String),
    /// The account is not opened.
    #[error("there is no account {code} in {commodity}")]
    UnknownAccount {
        /// The code asked for.
        code: crate::AccountCode,
        /// The commodity asked for.
        commodity: crate::Commodity,
    },
    /// The entry cannot be taken back by turning its postings round.
    #[error("entry {sequence} cannot be reversed: {reason}")]
    NotReversible {
        /// The entry.
        sequence: i64,
        /// Why.
        reason: &'static str,
    },
    /// The book has not come so far.
    #[error("the book stands at sequence {head}, {asked} was asked for")]
    SequenceAhead {
        /// The newest sequence.
        head: i64,
        /// The sequence asked for.
        asked: i64,
    },
    /// At that time the book had no entry.
    #[error("the book had no entry yet at {asked}")]
    BeforeHistory {
        /// The time asked for.
        asked: chrono::DateTime<chrono::Utc>,
    },
    /// By that day nothing had taken effect.
    #[error("nothing had taken effect by {day}, as far as is known after entry {known}")]
    NothingEffective {
        /// The day asked for.
        day: chrono::NaiveDate,
        /// The newest entry that was to be counted.
        known: i64,
    },
    /// What will be known at a time to come cannot be said.
    #[error("it is {now}; what is known at {asked} cannot be said yet")]
    NotYet {
        /// The time by the ledger's clock.
        now: chrono::DateTime<chrono::Utc>,
        /// The time asked for.
        asked: chrono::DateTime<chrono::Utc>,
    },
    /// The database that is read follows another one and has not come so far.
    #[error("what is read here stands at sequence {head} and did not reach {asked} in time")]
    Behind {
        /// The newest sequence here.
        head: i64,
        /// The sequence that was waited for.
        asked: i64,
    },
    /// There is no such entry.
    #[error("there is no entry {0}")]
    UnknownEntry(String),
    /// A list was asked for in a way that no index serves, or that none could serve well.
    #[error(transparent)]
    Filter(#[from] crate::InvalidFilter),
    /// The first entry asked for comes after the last.
    #[error("there is nothing from entry {first} through entry {last}")]
    NoExtent {
        /// The first entry asked for.
        first: i64,
        /// The last entry asked for.
        last: i64,
    },
    /// No close of that sequence has its balances recorded.
    #[error("entry {sequence} is no close whose balances are recorded")]
    NotRecorded {
        /// The entry asked for.
        sequence: i64,
    },
    /// More may still be booked on the day.
    #[error("{day} is not over; what was booked through it cannot be told yet")]
    DayNotOver {
        /// The day.
        day: chrono::NaiveDate,
    },
    /// A file could not be put into its form.
    #[error("the export could not be written: {0}")]
    Unwritable(String),
}
