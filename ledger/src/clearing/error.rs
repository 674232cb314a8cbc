use crate::{AccountCode, BookId, EntryError, Error, InvalidAccountCode, Money, PostError, Refusal, TransferId};

/// Why a transfer was not carried out, or could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClearingError {
    /// Both places are in one book.
    #[error("both accounts are in book {}; a transfer is between two books", .0.number())]
    SameBook(BookId),
    /// The book is not among those that were opened here.
    #[error("book {} is not open here", .0.number())]
    UnknownBook(BookId),
    /// Two of the books that clear among themselves have one number.
    #[error("book {} was given twice", .0.number())]
    BookTwice(BookId),
    /// The amount is not above zero, or larger than is taken.
    #[error("{amount} {} cannot be transferred; an amount is above zero and has at most 16 digits", amount.currency())]
    Amount {
        /// The amount.
        amount: Money,
    },
    /// The account is one by which books owe one another.
    #[error("{0} is kept by transfers alone; name the account that the money is for")]
    ClearingAccount(AccountCode),
    /// The id was used for another order.
    #[error("the transfer {0} was ordered before with other content")]
    IdReused(TransferId),
    /// There is no such transfer.
    #[error("there is no transfer {0}")]
    UnknownTransfer(TransferId),
    /// The destination refused, and so did the source when it was to go back; recovery tries both again.
    #[error(
        "the transfer {transfer} is in flight: its destination refused it, and its source does not take it back: {refusal}"
    )]
    ReturnRefused {
        /// The transfer.
        transfer: TransferId,
        /// Why it could not go back.
        refusal: Refusal,
    },
    /// Others moved the transfer at every look; it is on its way.
    #[error("the transfer {0} is being carried out elsewhere; read it again")]
    Overtaken(TransferId),
    /// A key of a leg is taken by another entry, which only a foreign hand can have booked.
    #[error("a leg of the transfer {0} has a key that another entry took")]
    LegKeyTaken(TransferId),
    /// A leg could not be posted; whether it was is told by trying again.
    #[error(transparent)]
    Post(#[from] PostError),
    /// A leg is no entry: the description is too long or not on one line.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A book has no clearing account by its number.
    #[error(transparent)]
    AccountCode(#[from] InvalidAccountCode),
    /// A change of state could not be written as JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A book could not be read.
    #[error(transparent)]
    Ledger(#[from] Error),
}

impl From<diesel::result::Error> for ClearingError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<platform::Error> for ClearingError {
    fn from(error: platform::Error) -> Self {
        Self::Ledger(error.into())
    }
}
