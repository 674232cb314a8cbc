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
    #[error("there is no account {code} in {currency}")]
    UnknownAccount {
        /// The code asked for.
        code: crate::AccountCode,
        /// The currency asked for.
        currency: crate::Currency,
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
}
