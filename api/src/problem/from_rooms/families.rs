//! Problems of households and of protected accounts.

use onboarding::{ChildError, HouseholdError};

use super::invalid;
use crate::problem::{Problem, kinds};

impl From<HouseholdError> for Problem {
    fn from(error: HouseholdError) -> Self {
        use HouseholdError as Error;
        let said = error.to_string();
        match error {
            Error::IdentityNeeded | Error::NotHead => Self::new(&kinds::FORBIDDEN, said),
            Error::TooManyCodes { seconds } => {
                Self::new(&kinds::TOO_MANY_REQUESTS, said).retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
            }
            Error::LastHead | Error::StillGuardian | Error::Full { .. } => Self::new(&kinds::WRONG_STATE, said),
            other => Self::internal(&other),
        }
    }
}

impl From<ChildError> for Problem {
    fn from(error: ChildError) -> Self {
        use ChildError as Error;
        let said = error.to_string();
        match error {
            Error::NotBorn => invalid("/birth_date", "not-born", said),
            Error::NotMinor => invalid("/birth_date", "not-minor", said),
            Error::Purposes { .. } => invalid("/purposes", "purposes", said),
            Error::WrongCurrency { .. } => invalid("/amount/currency", "wrong-currency", said),
            Error::NotPositive => invalid("/amount/amount", "amount-not-positive", said),
            Error::TooLarge => invalid("/amount", "amount-too-large", said),
            Error::PurposeNotSet(_) => invalid("/purpose", "purpose-not-set", said),
            Error::OtherInstitution { .. } => invalid("/institution", "other-institution", said),
            Error::BeyondCeiling { .. } => Self::new(&kinds::LIMIT_REACHED, said),
            Error::SameGuardian | Error::SamePerson | Error::NoSecondGuardian { .. } => {
                Self::new(&kinds::TWO_PEOPLE, said)
            }
            Error::NotGuardian | Error::OtherPerson | Error::DocumentNeeded => Self::new(&kinds::FORBIDDEN, said),
            Error::EnoughGuardians { .. } | Error::AskerGone | Error::OfAge | Error::NotOfAge => {
                Self::new(&kinds::WRONG_STATE, said)
            }
            other => Self::internal(&other),
        }
    }
}
