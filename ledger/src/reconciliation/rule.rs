//! The rules by which items are matched, from the most certain to the least.

use std::fmt;

use super::ReconciliationError;

/// Days that two dates may lie apart at most, whatever is asked for.
pub const MAX_TOLERANCE_DAYS: i32 = 31;
/// Minor units that two amounts may differ at most, whatever is asked for.
pub const MAX_TOLERANCE_MINOR: i64 = 1_000_000;

/// Why items belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// One line and one posting of the same reference and amount.
    ReferenceAndAmount,
    /// One line whose bank's reference is the posting's, and the same amount.
    BankReferenceAndAmount,
    /// All lines and all postings of a reference, when both come to the same.
    ReferenceGroup,
    /// One line and one posting of the same amount, within days.
    AmountAndDate,
    /// One line and one posting of the same reference, within minor units.
    AmountTolerance,
    /// One line and the only postings within days that sum to it.
    OneLineManyPostings,
    /// One posting and the only lines within days that sum to it.
    OnePostingManyLines,
    /// A person decided.
    ByHand,
}

impl Rule {
    /// The rules that are tried, in this order. What one of them matched, the next does not see.
    pub const ORDER: [Self; 7] = [
        Self::ReferenceAndAmount,
        Self::BankReferenceAndAmount,
        Self::ReferenceGroup,
        Self::AmountAndDate,
        Self::AmountTolerance,
        Self::OneLineManyPostings,
        Self::OnePostingManyLines,
    ];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReferenceAndAmount => "reference-and-amount",
            Self::BankReferenceAndAmount => "bank-reference-and-amount",
            Self::ReferenceGroup => "reference-group",
            Self::AmountAndDate => "amount-and-date",
            Self::AmountTolerance => "amount-tolerance",
            Self::OneLineManyPostings => "one-line-many-postings",
            Self::OnePostingManyLines => "one-posting-many-lines",
            Self::ByHand => "by-hand",
        }
    }

    /// The rule of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ORDER.into_iter().chain([Self::ByHand]).find(|rule| rule.name() == name)
    }

    /// Why the items of such a match belong together, in a sentence.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::ReferenceAndAmount => "no other open line and no other open posting had this reference and amount",
            Self::BankReferenceAndAmount => {
                "the entry names the bank's reference, and no other open line and posting had it with this amount"
            }
            Self::ReferenceGroup => "all open lines and all open postings of this reference came to the same amount",
            Self::AmountAndDate => {
                "within the days of tolerance each was the only one of its side with this amount, and neither named something else that was open"
            }
            Self::AmountTolerance => {
                "no other open line and no other open posting had this reference, and the amounts differ within the tolerance"
            }
            Self::OneLineManyPostings => {
                "within the days of tolerance these were the only open postings that sum to the line"
            }
            Self::OnePostingManyLines => {
                "within the days of tolerance these were the only open lines that sum to the posting"
            }
            Self::ByHand => "a person decided",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// How far two items may be from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerances {
    days: i32,
    minor: i64,
}

impl Tolerances {
    /// What is usual: a weekend, and no difference in the amount.
    pub const USUAL: Self = Self { days: 3, minor: 0 };

    /// Days between two dates, and minor units between two amounts.
    ///
    /// # Errors
    /// [`ReconciliationError::Tolerance`] beyond [`MAX_TOLERANCE_DAYS`] and [`MAX_TOLERANCE_MINOR`].
    pub fn try_new(days: i32, minor: i64) -> Result<Self, ReconciliationError> {
        if (0..=MAX_TOLERANCE_DAYS).contains(&days) && (0..=MAX_TOLERANCE_MINOR).contains(&minor) {
            return Ok(Self { days, minor });
        }
        Err(ReconciliationError::Tolerance { most_days: MAX_TOLERANCE_DAYS, most_minor: MAX_TOLERANCE_MINOR })
    }

    /// Days between two dates.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.days
    }

    /// Minor units between two amounts.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_name() {
        for rule in Rule::ORDER.into_iter().chain([Rule::ByHand]) {
            assert_eq!(Rule::named(rule.name()), Some(rule));
        }
        assert_eq!(Rule::named("guess"), None);
    }

    #[test]
    fn tolerances_have_bounds() {
        assert!(Tolerances::try_new(0, 0).is_ok() && Tolerances::try_new(31, 1_000_000).is_ok());
        for (days, minor) in [(-1, 0), (32, 0), (0, -1), (0, 1_000_001)] {
            assert!(Tolerances::try_new(days, minor).is_err(), "{days} {minor}");
        }
    }
}
