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
    /// What is stored is not what the ledger writes.
    #[error("the ledger holds something that it never writes: {0}")]
    Corrupt(String),
    /// The account is not opened.
    #[error("there is no account {code} in {currency}")]
    UnknownAccount {
        /// The code asked for.
        code: crate::AccountCode,
        /// The currency asked for.
        currency: crate::Currency,
    },
    /// The book has not come so far.
    #[error("the book stands at sequence {head}, {asked} was asked for")]
    SequenceAhead {
        /// The newest sequence.
        head: i64,
        /// The sequence asked for.
        asked: i64,
    },
    /// The first entry asked for comes after the last.
    #[error("there is nothing from entry {first} through entry {last}")]
    NoExtent {
        /// The first entry asked for.
        first: i64,
        /// The last entry asked for.
        last: i64,
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
