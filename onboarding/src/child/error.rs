use ledger::{Currency, Money};

use super::Purpose;

/// Why something about a protected account cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// The birth date lies ahead.
    #[error("a birth date does not lie ahead")]
    NotBorn,
    /// Who is of age has an account of their own.
    #[error("who is of age opens an account of their own")]
    NotMinor,
    /// Purposes are set once each.
    #[error("a protected account has 1 to {most} purposes, each once")]
    Purposes {
        /// The most.
        most: usize,
    },
    /// One account, one currency.
    #[error("the amount is in {given}, the account is in {expected}")]
    WrongCurrency {
        /// As given.
        given: Currency,
        /// As it should be.
        expected: Currency,
    },
    /// The amount is zero or negative.
    #[error("an amount is above zero")]
    NotPositive,
    /// A sum does not fit.
    #[error("the amount is larger than can be accepted")]
    TooLarge,
    /// A guardian is somebody else than those who are it.
    #[error("the second guardian is another person than the first")]
    SameGuardian,
    /// The person is named already, or there are two.
    #[error("a child has at most {most} guardians")]
    EnoughGuardians {
        /// The most.
        most: usize,
    },
    /// Only guardians.
    #[error("only a guardian of the child may do this")]
    NotGuardian,
    /// Who asked for it has stepped down.
    #[error("who asked for it is not a guardian any more")]
    AskerGone,
    /// The birthday.
    #[error("the child is of age: the account waits for them, and guardians do not spend it any more")]
    OfAge,
    /// The birthday has not come.
    #[error("the child is not of age yet")]
    NotOfAge,
    /// Nothing is spent for that.
    #[error("the account may not be spent for {}", .0.word())]
    PurposeNotSet(Purpose),
    /// Only one institution is paid for that.
    #[error("for {} only {institution} is paid", .purpose.word())]
    OtherInstitution {
        /// For what.
        purpose: Purpose,
        /// Who is paid.
        institution: String,
    },
    /// The month's ceiling.
    #[error("for {} at most {left} {} are left in these thirty days", .purpose.word(), .left.currency())]
    BeyondCeiling {
        /// For what.
        purpose: Purpose,
        /// What is left of the ceiling.
        left: Money,
    },
    /// Above the limit, alone.
    #[error("above {limit} {} a second guardian has to agree, and there is none", .limit.currency())]
    NoSecondGuardian {
        /// The limit.
        limit: Money,
    },
    /// It takes another guardian.
    #[error("it takes two people: another guardian than the one who asked for it")]
    SamePerson,
    /// Who claims an account is not known to be the child.
    #[error("the account is handed over to the child whose it is: name and birth date differ from yours")]
    OtherPerson,
    /// A guardian's word is not enough.
    #[error(
        "with a code of a guardian, we have to have seen your document; or ask an agent of an institution for a code"
    )]
    DocumentNeeded,
}
