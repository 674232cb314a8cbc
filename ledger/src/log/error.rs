/// Why the log could not answer or would not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] crate::Error),
    /// What is booked is not what the log was told: nothing is signed until a person has looked.
    #[error("the log is not signed at {size} entries: {what}")]
    Disagrees {
        /// How many entries were to be signed.
        size: i64,
        /// What differs.
        what: String,
    },
    /// There is no signed head of that size.
    #[error("no checkpoint has {asked} entries; the newest has {newest}")]
    NotSigned {
        /// The size asked for.
        asked: i64,
        /// The size of the newest checkpoint; zero when there is none.
        newest: i64,
    },
    /// The entry is not in the tree that was asked for.
    #[error("entry {sequence} is not among the first {size}")]
    NotIncluded {
        /// The entry's place in the book.
        sequence: i64,
        /// The size of the tree.
        size: i64,
    },
    /// No entry has that key.
    #[error("no entry has the key {0}")]
    UnknownEntry(uuid::Uuid),
    /// The tree has no such tile yet.
    #[error("the log has no tile {0}")]
    UnknownTile(String),
    /// An entry is too long for a bundle, whose lengths have two bytes; its proof carries it.
    #[error("entry {0} is longer than 65535 bytes and fits into no bundle; read it with its proof")]
    TooLongForBundle(i64),
    /// A text is not what it ought to be.
    #[error("this is no {what}: {reason}")]
    Malformed {
        /// What it ought to be.
        what: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// A proof or signature does not hold.
    #[error("{0}")]
    Unproven(String),
}

impl LogError {
    pub(crate) fn malformed(what: &'static str, reason: impl ToString) -> Self {
        Self::Malformed { what, reason: reason.to_string() }
    }
}

impl From<diesel::result::Error> for LogError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<platform::Error> for LogError {
    fn from(error: platform::Error) -> Self {
        Self::Ledger(error.into())
    }
}
