//! What a protected account may be spent for: pure rules.

use chrono::{DateTime, Duration, Utc};
use ledger::{Currency, Money};
use serde::Deserialize;

use super::ChildError;
use crate::{Error, InstitutionCode, PersonId};

/// The window of the ceilings: any thirty days.
pub const SPENDING_WINDOW: Duration = Duration::days(30);

/// What a protected account may be spent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Fees, books, the way there.
    School,
    /// Cover, treatment, medicine.
    Health,
    /// Food, clothes, a roof.
    Living,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 3] = [Self::School, Self::Health, Self::Living];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::School => "school",
            Self::Health => "health",
            Self::Living => "living",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|purpose| purpose.word() == word).ok_or(Error::Corrupt("a purpose"))
    }
}

/// A purpose that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// For what.
    pub purpose: Purpose,
    /// How much in any thirty days.
    pub ceiling: Money,
    /// The one institution that is paid for it; none for any that is live.
    pub institution: Option<InstitutionCode>,
}

/// What a protected account may be spent for, and above which amount two guardians have to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    limit: Money,
    allowances: Vec<Allowance>,
}

/// What a guardian wants to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// For what.
    pub purpose: Purpose,
    /// How much.
    pub amount: Money,
    /// Who pays it.
    pub institution: InstitutionCode,
    /// Who wants it.
    pub by: PersonId,
}

/// What a wish is judged on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The moment.
    pub now: DateTime<Utc>,
    /// From when on nobody spends.
    pub protected_until: DateTime<Utc>,
    /// Those who may spend.
    pub guardians: Vec<PersonId>,
    /// What was ordered for the same purpose in the window before that moment, and not returned.
    pub spent: Money,
}

/// What becomes of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is ordered.
    Order,
    /// Another guardian has to agree.
    AskSecond,
}

impl Rules {
    /// Rules in one currency.
    ///
    /// # Errors
    /// [`ChildError::Purposes`], [`ChildError::WrongCurrency`], [`ChildError::NotPositive`].
    pub fn try_new(limit: Money, allowances: Vec<Allowance>) -> Result<Self, ChildError> {
        let most = Purpose::ALL.len();
        let once = |purpose| allowances.iter().filter(|one| one.purpose == purpose).count() <= 1;
        if allowances.is_empty() || !Purpose::ALL.into_iter().all(once) {
            return Err(ChildError::Purposes { most });
        }
        for amount in allowances.iter().map(|one| one.ceiling).chain([limit]) {
            require_fitting(amount, limit.currency())?;
        }
        Ok(Self { limit, allowances })
    }

    /// Above it, two guardians have to agree.
    #[must_use]
    pub const fn limit(&self) -> Money {
        self.limit
    }

    /// The purposes that were set.
    #[must_use]
    pub fn allowances(&self) -> &[Allowance] {
        &self.allowances
    }

    /// The account's currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.limit.currency()
    }

    /// Whether a wish may be fulfilled, and by whose word.
    ///
    /// # Errors
    /// [`ChildError`], with what would be right.
    pub fn judge(&self, wish: &Wish, ground: &Ground) -> Result<Verdict, ChildError> {
        if ground.now >= ground.protected_until {
            return Err(ChildError::OfAge);
        }
        if !ground.guardians.contains(&wish.by) {
            return Err(ChildError::NotGuardian);
        }
        let (purpose, amount) = (wish.purpose, wish.amount);
        require_fitting(amount, self.currency())?;
        let allowance = self.allowances.iter().find(|one| one.purpose == purpose);
        let allowance = allowance.ok_or(ChildError::PurposeNotSet(purpose))?;
        if let Some(only) = allowance.institution.as_ref().filter(|only| **only != wish.institution) {
            return Err(ChildError::OtherInstitution { purpose, institution: only.as_str().to_owned() });
        }
        let left = allowance.ceiling.checked_sub(ground.spent).map_err(|_| ChildError::TooLarge)?;
        if amount.minor() > left.minor() {
            let left = Money::from_minor(left.minor().max(0), left.currency());
            return Err(ChildError::BeyondCeiling { purpose, left });
        }
        if amount.minor() <= self.limit.minor() {
            return Ok(Verdict::Order);
        }
        if ground.guardians.iter().any(|guardian| *guardian != wish.by) {
            return Ok(Verdict::AskSecond);
        }
        Err(ChildError::NoSecondGuardian { limit: self.limit })
    }

    /// Whether a guardian's word is the one that was missing.
    ///
    /// # Errors
    /// [`ChildError`], with what would be right.
    pub fn judge_approval(&self, wish: &Wish, by: PersonId, ground: &Ground) -> Result<(), ChildError> {
        if !ground.guardians.contains(&by) {
            return Err(ChildError::NotGuardian);
        }
        if by == wish.by {
            return Err(ChildError::SamePerson);
        }
        self.judge(wish, ground).map(|_| ()).map_err(|error| match error {
            ChildError::NotGuardian => ChildError::AskerGone,
            other => other,
        })
    }
}

/// Whether an amount is one that the account can move.
pub(super) fn require_fitting(amount: Money, expected: Currency) -> Result<(), ChildError> {
    if amount.currency() != expected {
        return Err(ChildError::WrongCurrency { given: amount.currency(), expected });
    }
    if amount.is_positive() { Ok(()) } else { Err(ChildError::NotPositive) }
}

#[cfg(test)]
mod tests;
