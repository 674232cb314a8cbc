use super::{BreakEvent, BreakState, FileFault};
use crate::{AccountCode, Currency};

/// Why a reconciliation could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconciliationError {
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] crate::Error),
    /// The file is refused; nothing of it is kept.
    #[error("the file is refused: {0}")]
    File(#[from] FileFault),
    /// The file could not be read to its end.
    #[error("the file could not be read: {0}")]
    Unread(String),
    /// No statements are taken for the account.
    #[error("{code} in {currency} is not reconciled; name its account outside first")]
    NotReconciled {
        /// The account.
        code: AccountCode,
        /// Its currency.
        currency: Currency,
    },
    /// Somebody else is at the account.
    #[error("{code} in {currency} is being reconciled; try again in a moment")]
    Busy {
        /// The account.
        code: AccountCode,
        /// Its currency.
        currency: Currency,
    },
    /// The name of the account outside is none, or stands for another account.
    #[error("{external_account:?} cannot be the account outside: {what}")]
    ExternalAccount {
        /// The name as given, cut to 64 characters.
        external_account: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A statement of the same name was loaded with other content.
    #[error("statement {external_id} {external_number} was loaded before and said something else")]
    StatementChanged {
        /// The statement's id.
        external_id: String,
        /// Its number.
        external_number: String,
    },
    /// A tolerance is out of bounds.
    #[error("a tolerance has at most {most_days} days and {most_minor} minor units, neither below zero")]
    Tolerance {
        /// Days at most.
        most_days: i32,
        /// Minor units at most.
        most_minor: i64,
    },
    /// The items cannot be matched by hand.
    #[error("the items cannot be matched: {0}")]
    Items(&'static str),
    /// There is no such match, or it was taken apart.
    #[error("there is no match {0}")]
    UnknownMatch(i64),
    /// There is no such break.
    #[error("there is no break {0}")]
    UnknownBreak(i64),
    /// There is no such entry on the account.
    #[error("entry {0} is not in the book or does not touch the account")]
    UnknownEntry(i64),
    /// The break's state does not allow it.
    #[error("a break that is {state} cannot be {event}")]
    WrongState {
        /// The state.
        state: BreakState,
        /// What was to happen.
        event: BreakEvent,
    },
    /// A reason is missing or too long.
    #[error("a reason has 1 to {most} characters on one line")]
    Reason {
        /// Characters at most.
        most: usize,
    },
}

impl From<diesel::result::Error> for ReconciliationError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<platform::Error> for ReconciliationError {
    fn from(error: platform::Error) -> Self {
        Self::Ledger(error.into())
    }
}
