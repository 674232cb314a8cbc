use super::ProposalId;
use crate::{AccountCode, ClearingError, EntryError, Error, PostError, Refusal, SameApprover, Sequence};

/// Why a proposal was not taken, or not decided on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProposalError {
    /// The reason is missing, too long or not on one line.
    #[error("a reason has 1 to 200 characters on one line")]
    Reason,
    /// There are no lines, or too many.
    #[error("there are 1 to {maximum} lines")]
    LineCount {
        /// Most lines.
        maximum: usize,
    },
    /// The lines are no entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The account is one by which books owe one another.
    #[error("{0} is kept by transfers between books alone")]
    ClearingAccount(AccountCode),
    /// The entry moved something that would be left behind.
    #[error(
        "entry {} is a {kind}: taking it back by hand would leave behind what it moved; there is a way of its own for it", .sequence.number()
    )]
    Bound {
        /// The entry.
        sequence: Sequence,
        /// Its kind.
        kind: String,
    },
    /// There is no such account, it holds or reserves something, or its name does not stand for a person.
    #[error("{0} has no name to erase: it is not opened, holds or reserves something, or stands for no person")]
    NotErasable(AccountCode),
    /// The transfer cannot be carried out between these books.
    #[error(transparent)]
    Transfer(#[from] ClearingError),
    /// The transfer would be refused by the book that it leaves.
    #[error("it cannot leave its book: {0}")]
    NotDeparting(Refusal),
    /// The one who proposed it approves it.
    #[error("it takes two people: another one than who proposed it")]
    SamePerson(#[from] SameApprover),
    /// What is approved is not what was proposed.
    #[error("the digest is not that of proposal {0}: read it again")]
    OtherContent(ProposalId),
    /// A name in it was erased since, so it says something that nobody proposed.
    #[error("a name in proposal {0} was erased since it was proposed: withdraw it")]
    Rewritten(ProposalId),
    /// It was decided on before, or its time is over.
    #[error("a proposal that is {state} cannot be {wanted}")]
    WrongState {
        /// As it is.
        state: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The id was used for another proposal.
    #[error("the id {0} was used for another proposal")]
    IdReused(ProposalId),
    /// There is no such proposal.
    #[error("there is no proposal {0}")]
    Unknown(ProposalId),
    /// It moved at every look.
    #[error("proposal {0} is being decided on elsewhere; read it again")]
    Overtaken(ProposalId),
    /// What is stored asks for nothing that could be booked.
    #[error("proposal {0} asks for nothing that could be booked")]
    NothingToBook(ProposalId),
    /// It could not be booked; whether it was is told by trying again.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The content could not be written or read as JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The book could not be read.
    #[error(transparent)]
    Ledger(#[from] Error),
}

impl From<diesel::result::Error> for ProposalError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<platform::Error> for ProposalError {
    fn from(error: platform::Error) -> Self {
        Self::Ledger(error.into())
    }
}
