use chrono::{DateTime, Utc};
use ledger::{Currency, Money};

use crate::State;

/// Why a remittance cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database did not answer or refused.
    #[error("the remittances' database failed: {0}")]
    Database(#[from] diesel::result::Error),
    /// A connection or a cipher failed.
    #[error(transparent)]
    Platform(#[from] platform::Error),
    /// An entry could not be built; a fault in this room.
    #[error("an entry could not be built: {0}")]
    Entry(#[from] ledger::EntryError),
    /// An account code could not be built; a fault in this room.
    #[error(transparent)]
    AccountCode(#[from] ledger::InvalidAccountCode),
    /// A sum does not fit, or currencies met.
    #[error(transparent)]
    Money(#[from] ledger::MoneyError),
    /// A payload could not be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// No corridor of that name.
    #[error("there is no corridor {0:?}")]
    UnknownCorridor(String),
    /// No rate is known.
    #[error("no rate from {from} to {to} is known")]
    NoRate {
        /// From.
        from: Currency,
        /// To.
        to: Currency,
    },
    /// The rate is too old to quote with.
    #[error("the rate from {from} to {to} was set at {set_at} and is older than {maximum_age_hours} h")]
    StaleRate {
        /// From.
        from: Currency,
        /// To.
        to: Currency,
        /// When it was set.
        set_at: DateTime<Utc>,
        /// The highest age.
        maximum_age_hours: i64,
    },
    /// The rates given are faulty.
    #[error("the rates are faulty: {0}")]
    RatesFile(String),
    /// The amount is in another currency than the corridor's side.
    #[error("the amount is in {given}, this side of the corridor is in {expected}")]
    WrongCurrency {
        /// As given.
        given: Currency,
        /// As it should be.
        expected: Currency,
    },
    /// The amount is outside of the corridor's bounds.
    #[error("{} {} can be sent at once, from {} {}", .maximum, .maximum.currency(), .minimum, .minimum.currency())]
    AmountOutOfBounds {
        /// The least.
        minimum: Money,
        /// The most.
        maximum: Money,
    },
    /// The amount cannot be computed with.
    #[error("the amount is too large")]
    AmountTooLarge,
    /// The allocations leave too little for the family.
    #[error("the allocations leave {} {} for the family, less than {} {}", .left, .left.currency(), .minimum, .minimum.currency())]
    FamilyBelowMinimum {
        /// What is left.
        left: Money,
        /// The least that must be.
        minimum: Money,
    },
    /// The allocations are faulty.
    #[error("{0}")]
    Allocation(&'static str),
    /// There is no such thing, or it is not for the one who asks.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The quote's time has run out.
    #[error("the quote expired at {0}; ask for another one")]
    QuoteExpired(DateTime<Utc>),
    /// The quote was accepted before.
    #[error("the quote was accepted before")]
    QuoteTaken,
    /// The beneficiary cannot be paid on this corridor.
    #[error("the beneficiary is not in a country of this corridor")]
    BeneficiaryElsewhere,
    /// The sender has named so many already.
    #[error("you have named {most} people to be paid, which is as many as can be")]
    TooManyBeneficiaries {
        /// How many can be.
        most: i64,
    },
    /// The beneficiary's details are faulty.
    #[error("{field}: {what}")]
    Beneficiary {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The sender's tier allows less.
    #[error("this goes beyond what you may send: {left} {} are left", .left.currency())]
    LimitReached {
        /// What is left, in the base currency.
        left: Money,
    },
    /// Somebody looks at who the sender or the beneficiary is.
    #[error("this waits until our staff have looked at it; the money stays where it is, and nothing is lost")]
    UnderReview,
    /// It was paid at a time at which it cannot have been.
    #[error("it was paid between {from} and now")]
    PaidAt {
        /// When the sender had paid it in.
        from: DateTime<Utc>,
    },
    /// Whether somebody has to wait could not be found out.
    #[error("whether somebody has to wait could not be asked: {0}")]
    Clearance(String),
    /// The state does not allow it.
    #[error("a remittance that is {} cannot be {wanted}", .state.word())]
    WrongState {
        /// As it is.
        state: State,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The time for cancelling without cost has run out.
    #[error("a remittance can be cancelled within {minutes} minutes of its pay-in")]
    TooLateToCancel {
        /// How long it can.
        minutes: i64,
    },
    /// The file is not what it should be; nothing of it was taken.
    #[error("the file is refused: {what}")]
    File {
        /// What is wrong, and where.
        what: String,
    },
    /// A pay-in cannot be used like that.
    #[error("{0}")]
    PayIn(&'static str),
    /// What is stored is not what this room writes.
    #[error("the remittances hold something that they never write: {0}")]
    Corrupt(&'static str),
}
