//! The one mapping from the rooms' errors to problems.

mod families;

use ledger::reconciliation::ReconciliationError;
use ledger::{Money, PostError, ProposalError, Refusal};

use super::{Faults, Problem, kinds};

/// The problem of one faulty field.
fn invalid(pointer: &str, code: &'static str, said: String) -> Problem {
    let mut faults = Faults::default();
    faults.add(pointer, code, said);
    faults.problem()
}

fn with_currency(money: Money) -> String {
    format!("{money} {}", money.currency())
}

/// The problem of a question to screening that it did not answer.
fn not_looked_up(said: &str) -> Problem {
    tracing::warn!(said, "screening did not answer");
    Problem::new(&kinds::UNAVAILABLE, "it cannot be looked up at the moment whether this may go on").retry_after(1)
}

impl From<platform::Error> for Problem {
    fn from(error: platform::Error) -> Self {
        match error {
            platform::Error::Pool(_) | platform::Error::Connection(_) => {
                tracing::warn!(%error, "the database could not be reached");
                Self::new(&kinds::UNAVAILABLE, "the database does not answer").retry_after(1)
            }
            other => Self::internal(&other),
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        let lost = matches!(
            &error,
            Error::DatabaseError(Kind::ClosedConnection | Kind::UnableToSendCommand, _)
                | Error::BrokenTransactionManager
        ) || error.to_string().contains("terminating connection")
            || error.to_string().contains("connection closed");
        if lost {
            tracing::warn!(%error, "a connection was lost");
            return Self::new(&kinds::UNAVAILABLE, "the database does not answer").retry_after(1);
        }
        Self::internal(&error)
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<onboarding::Error> for Problem {
    fn from(error: onboarding::Error) -> Self {
        use onboarding::Error;
        let said = error.to_string();
        match error {
            Error::Database(error) => error.into(),
            Error::Platform(error) => error.into(),
            Error::PasswordLength { .. } => invalid("/password", "password-length", said),
            Error::WrongCredentials => Self::new(&kinds::WRONG_CREDENTIALS, said),
            Error::Locked { seconds } => {
                Self::new(&kinds::TOO_MANY_REQUESTS, said).retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
            }
            Error::WrongCode => invalid("/code", "wrong-code", said),
            Error::WrongSecondFactor => Self::new(&kinds::WRONG_CREDENTIALS, said),
            Error::DeviceNotProven => Self::new(&kinds::DEVICE_NOT_PROVEN, said),
            Error::SecondFactorNeeded => Self::new(&kinds::SECOND_FACTOR_NEEDED, said),
            Error::TooManyFactors { .. } | Error::NoPasskeysHere => Self::new(&kinds::WRONG_STATE, said),
            Error::TooManyMessages => Self::new(&kinds::TOO_MANY_REQUESTS, said).retry_after(60),
            Error::NoRecovery => Self::new(&kinds::NOT_FOUND, said),
            Error::TooEarly { .. } => Self::new(&kinds::TOO_EARLY, said),
            Error::AccountUnusable => Self::new(&kinds::UNAUTHENTICATED, said),
            Error::BirthDate { .. } => invalid("/birth_date", "birth-date", said),
            Error::TooYoung { .. } => invalid("/birth_date", "too-young", said),
            Error::Text { field, .. } => invalid(&format!("/{field}"), "text", said),
            Error::Books { .. } => invalid("/books", "books", said),
            Error::Backwards { .. } => invalid("/booked_through", "backwards", said),
            Error::NotFound(_) => Self::new(&kinds::NOT_FOUND, said),
            Error::WrongState { .. } | Error::SomebodyElse => Self::new(&kinds::WRONG_STATE, said),
            Error::SamePerson => Self::new(&kinds::TWO_PEOPLE, said),
            Error::CodeTaken => Self::new(&kinds::CODE_TAKEN, said),
            Error::Paragraphs { field, .. } => invalid(&format!("/{field}"), "text", said),
            Error::NoIdentity | Error::NoDocument => Self::new(&kinds::FORBIDDEN, said),
            Error::DocumentNumber { .. } => invalid("/number", "document-number", said),
            Error::ExpiryDate { .. } => invalid("/expires_on", "expiry-date", said),
            Error::Zone(_) => invalid("/machine_readable_zone", "machine-readable-zone", said),
            Error::Disagrees(disagreements) => {
                let mut faults = Faults::default();
                for one in disagreements {
                    faults.add(format!("/{}", one.field()), "disagrees", one.to_string());
                }
                faults.problem()
            }
            Error::TooManyWaiting { .. } => Self::new(&kinds::WRONG_STATE, said),
            Error::Image(onboarding::ImageFault::Bytes { .. }) => Self::new(&kinds::TOO_LARGE, said),
            Error::Image(_) => Self::new(&kinds::FILE_REFUSED, said),
            Error::OtherContent => Self::new(&kinds::OTHER_CONTENT, said),
            Error::ListRefused(_) | Error::ListUnread(_) | Error::ListShrinks { .. } => {
                Self::new(&kinds::FILE_REFUSED, said)
            }
            Error::Household(error) => error.into(),
            Error::Child(error) => error.into(),
            Error::ListChanging => Self::new(&kinds::BUSY, said).retry_after(1),
            other => Self::internal(&other),
        }
    }
}

impl From<remittance::Error> for Problem {
    fn from(error: remittance::Error) -> Self {
        use remittance::Error;
        let said = error.to_string();
        match error {
            Error::Database(error) => error.into(),
            Error::Platform(error) => error.into(),
            Error::UnknownCorridor(_) => invalid("/corridor", "unknown-corridor", said),
            Error::NoRate { .. } | Error::StaleRate { .. } => Self::new(&kinds::RATE_STALE, said),
            Error::RatesFile(_) => invalid("/rates", "rates", said),
            Error::WrongCurrency { .. } => invalid("/amount/currency", "wrong-currency", said),
            Error::AmountOutOfBounds { minimum, maximum } => invalid("/amount", "amount-out-of-bounds", said)
                .naming([("minimum", with_currency(minimum)), ("maximum", with_currency(maximum))]),
            Error::AmountTooLarge | Error::Money(_) => invalid("/amount", "amount-too-large", said),
            Error::FamilyBelowMinimum { left, minimum } => invalid("/allocations", "family-below-minimum", said)
                .naming([("left", with_currency(left)), ("minimum", with_currency(minimum))]),
            Error::Allocation(_) => invalid("/allocations", "allocation", said),
            Error::NotFound(_) => Self::new(&kinds::NOT_FOUND, said),
            Error::QuoteExpired(_) => Self::new(&kinds::QUOTE_EXPIRED, said),
            Error::QuoteTaken | Error::WrongState { .. } => Self::new(&kinds::WRONG_STATE, said),
            Error::BeneficiaryElsewhere => invalid("/beneficiary", "beneficiary-elsewhere", said),
            Error::Beneficiary { field, what } => invalid(&format!("/{field}"), "beneficiary", what.to_owned()),
            Error::LimitReached { left } => {
                Self::new(&kinds::LIMIT_REACHED, said).naming([("left", with_currency(left))])
            }
            Error::TooManyBeneficiaries { .. } => Self::new(&kinds::LIMIT_REACHED, said),
            Error::UnderReview => Self::new(&kinds::UNDER_REVIEW, said),
            Error::PaidAt { .. } => invalid("/paid_at", "paid-at", said),
            Error::Clearance(_) => not_looked_up(&said),
            Error::TooLateToCancel { .. } => Self::new(&kinds::TOO_LATE, said),
            Error::File { .. } => Self::new(&kinds::FILE_REFUSED, said),
            Error::PayIn(_) => invalid("", "pay-in", said),
            other => Self::internal(&other),
        }
    }
}

impl From<coinvestment::Error> for Problem {
    fn from(error: coinvestment::Error) -> Self {
        use coinvestment::Error;
        let said = error.to_string();
        match error {
            Error::Database(error) => error.into(),
            Error::Platform(error) => error.into(),
            Error::NotFound(_) => Self::new(&kinds::NOT_FOUND, said),
            Error::WrongState { .. }
            | Error::NotOpen { .. }
            | Error::DeadlinePassed(_)
            | Error::BelowMinimum { .. }
            | Error::NotApproved { .. } => Self::new(&kinds::WRONG_STATE, said),
            Error::NotKnownEnough { .. } => Self::new(&kinds::FORBIDDEN, said),
            Error::Acquaintance(_) => {
                tracing::warn!(said, "onboarding did not answer");
                Self::new(&kinds::UNAVAILABLE, "it cannot be looked up at the moment whether this may go on")
                    .retry_after(1)
            }
            Error::WrongCurrency { .. } => invalid("/allocations", "wrong-currency", said),
            Error::NotPositive | Error::BeyondMaximum { .. } => invalid("/allocations", "allocation", said),
            Error::BusinessNotOffered => invalid("/kind", "business-not-offered", said),
            Error::Text { field, .. } => invalid(&format!("/{field}"), "text", said),
            Error::InstitutionCode => invalid("/institution", "institution-code", said),
            Error::Amounts { .. } | Error::Money(_) => invalid("/minimum", "amounts", said),
            Error::Deadline { .. } => invalid("/deadline", "deadline", said),
            Error::MilestoneCount { .. } | Error::Shares { .. } | Error::ShareTooSmall { .. } => {
                invalid("/milestones", "milestones", said)
            }
            Error::Checklist { .. } => invalid("/checklist", "checklist", said),
            Error::UnderReview => Self::new(&kinds::UNDER_REVIEW, said),
            Error::Clearance(_) => not_looked_up(&said),
            other => Self::internal(&other),
        }
    }
}

impl From<ledger::Error> for Problem {
    fn from(error: ledger::Error) -> Self {
        use ledger::Error;
        match error {
            Error::Database(error) => error.into(),
            Error::Platform(error) => error.into(),
            Error::UnknownAccount { .. } | Error::UnknownEntry(_) => Self::new(&kinds::NOT_FOUND, error.to_string()),
            Error::BeforeHistory { .. } | Error::NothingEffective { .. } => {
                invalid("", "before-history", error.to_string())
            }
            Error::NotYet { .. } => invalid("", "not-yet", error.to_string()),
            Error::Filter(reason) => invalid("", "filter", reason.to_string()),
            Error::Behind { .. } => Self::new(&kinds::UNAVAILABLE, error.to_string()).retry_after(1),
            Error::SequenceAhead { .. } => {
                let mut faults = Faults::default();
                faults.add("as_of_sequence", "sequence-ahead", error.to_string());
                faults.problem()
            }
            Error::NotReversible { .. } => Self::new(&kinds::WRONG_STATE, error.to_string()),
            Error::NotRecorded { .. } => Self::new(&kinds::NOT_FOUND, error.to_string()),
            Error::NoExtent { .. } => invalid("from_sequence", "no-extent", error.to_string()),
            other => Self::internal(&other),
        }
    }
}

impl From<ledger::ClearingError> for Problem {
    fn from(error: ledger::ClearingError) -> Self {
        use ledger::ClearingError as Error;
        let said = error.to_string();
        match error {
            Error::Ledger(error) => error.into(),
            Error::Post(error) => error.into(),
            Error::UnknownBook(_) => invalid("book", "unknown-book", said),
            Error::IdReused(_) => Self::new(&kinds::KEY_REUSED, said),
            Error::UnknownTransfer(_) => Self::new(&kinds::NOT_FOUND, said),
            Error::ReturnRefused { .. } | Error::Overtaken(_) => Self::new(&kinds::WRONG_STATE, said),
            other => Self::internal(&other),
        }
    }
}

impl From<ReconciliationError> for Problem {
    fn from(error: ReconciliationError) -> Self {
        use ReconciliationError as Error;
        let said = error.to_string();
        match error {
            Error::Ledger(error) => error.into(),
            Error::File(_) | Error::Unread(_) => Self::new(&kinds::FILE_REFUSED, said),
            Error::NotReconciled { .. } | Error::UnknownMatch(_) | Error::UnknownBreak(_) => {
                Self::new(&kinds::NOT_FOUND, said)
            }
            Error::Busy { .. } => Self::new(&kinds::BUSY, said).retry_after(5),
            Error::ExternalAccount { .. } => invalid("/external_account", "external-account", said),
            Error::StatementChanged { .. } | Error::WrongState { .. } => Self::new(&kinds::WRONG_STATE, said),
            Error::Tolerance { .. } => invalid("/tolerance_days", "tolerance", said),
            Error::Items(_) => invalid("/items", "items", said),
            Error::UnknownEntry(_) => invalid("/entry", "unknown-entry", said),
            Error::Reason { .. } => invalid("/reason", "reason", said),
            other => Self::internal(&other),
        }
    }
}

impl From<ledger::LogError> for Problem {
    fn from(error: ledger::LogError) -> Self {
        use ledger::LogError as Error;
        let said = error.to_string();
        match error {
            Error::Ledger(error) => error.into(),
            Error::NotSigned { .. }
            | Error::NotIncluded { .. }
            | Error::UnknownEntry(_)
            | Error::UnknownTile(_)
            | Error::TooLongForBundle(_) => Self::new(&kinds::NOT_FOUND, said),
            Error::Malformed { .. } | Error::Unproven(_) => invalid("", "unproven", said),
            other => Self::internal(&other),
        }
    }
}

impl From<ProposalError> for Problem {
    fn from(error: ProposalError) -> Self {
        use ProposalError as Error;
        use ledger::ClearingError as Clearing;
        let said = error.to_string();
        match error {
            Error::Ledger(ledger::Error::SequenceAhead { .. }) => invalid("/action/sequence", "sequence-ahead", said),
            Error::Ledger(error) => error.into(),
            Error::Post(PostError::Refused(
                refusal @ (Refusal::UnknownAccount(_) | Refusal::AccountErased(_) | Refusal::BalanceTooLarge(_)),
            )) => invalid("/action/lines", refusal.reason(), said),
            Error::Post(error) => error.into(),
            Error::NotDeparting(
                refusal @ (Refusal::UnknownAccount(_) | Refusal::AccountErased(_) | Refusal::BalanceTooLarge(_)),
            ) => invalid("/action/from", refusal.reason(), said),
            Error::NotDeparting(refusal) => PostError::Refused(refusal).into(),
            Error::Transfer(Clearing::SameBook(_)) => invalid("/action/to/book", "same-book", said),
            Error::Transfer(Clearing::UnknownBook(_)) => invalid("/action/to/book", "unknown-book", said),
            Error::Transfer(Clearing::Amount { .. }) => invalid("/action/amount", "amount", said),
            Error::Transfer(Clearing::ClearingAccount(_)) => invalid("/action", "clearing-account", said),
            Error::Transfer(error) => error.into(),
            Error::Reason => invalid("/reason", "reason", said),
            Error::LineCount { .. } | Error::Entry(_) => invalid("/action/lines", "lines", said),
            Error::ClearingAccount(_) => invalid("/action/lines", "clearing-account", said),
            Error::Bound { .. } => invalid("/action/sequence", "bound-entry", said),
            Error::NotErasable(_) => invalid("/action/account", "not-erasable", said),
            Error::SamePerson(_) => Self::new(&kinds::TWO_PEOPLE, said),
            Error::OtherContent(_) | Error::Rewritten(_) => Self::new(&kinds::OTHER_CONTENT, said),
            Error::WrongState { .. } | Error::Overtaken(_) => Self::new(&kinds::WRONG_STATE, said),
            Error::IdReused(_) => Self::new(&kinds::KEY_REUSED, said),
            Error::Unknown(_) => Self::new(&kinds::NOT_FOUND, said),
            other => Self::internal(&other),
        }
    }
}

impl From<PostError> for Problem {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Busy { retry_after_seconds } => {
                Self::new(&kinds::BUSY, "too much is waiting to be booked").retry_after(retry_after_seconds)
            }
            PostError::Unavailable(cause) => {
                tracing::warn!(cause, "the ledger did not answer");
                Self::new(&kinds::UNAVAILABLE, "the ledger does not answer; try again with the same key").retry_after(1)
            }
            PostError::Refused(Refusal::BelowFloor { account, .. }) => {
                Self::new(&kinds::BELOW_FLOOR, format!("{account} does not hold enough"))
            }
            PostError::Refused(
                refusal @ (Refusal::PeriodClosed { .. } | Refusal::PeriodChange { .. } | Refusal::AlreadyReversed(_)),
            ) => Self::new(&kinds::WRONG_STATE, refusal.to_string()),
            PostError::Refused(Refusal::EffectNotApplicable { .. } | Refusal::KeyReused) => {
                Self::new(&kinds::WRONG_STATE, "it was changed by somebody else at the same moment; read it again")
            }
            other => Self::internal(&other),
        }
    }
}
