//! Periods: a book closed through a date takes no entry with an effective date in it.
//!
//! - A close names the last date that it closes; it lies before the day of the close and after what is closed already.
//! - A reopening names the first date that opens again and has two who approved it; all later dates open with it.
//! - An adjusting entry may take effect in a closed period; it has two who approved it, who are not the same.
//! - Closes and reopenings are entries without postings, so they stand in the book's order and in its log.

mod record;

use chrono::NaiveDate;
use uuid::Uuid;

pub use record::{ClosingBalances, RecordedChange};

/// Two different people who approved something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approvals {
    first: Uuid,
    second: Uuid,
}

/// Both approvals are by one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two approvals are by two people, not twice by {0}")]
pub struct SameApprover(pub Uuid);

impl Approvals {
    /// The approvals of two people.
    ///
    /// # Errors
    /// [`SameApprover`] when they are one.
    pub fn try_new(first: Uuid, second: Uuid) -> Result<Self, SameApprover> {
        if first == second { Err(SameApprover(first)) } else { Ok(Self { first, second }) }
    }

    /// Who approved first.
    #[must_use]
    pub const fn first(self) -> Uuid {
        self.first
    }

    /// Who approved second.
    #[must_use]
    pub const fn second(self) -> Uuid {
        self.second
    }
}

/// A change of what is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodChange {
    /// No entry may take effect on that date or before it.
    Closed {
        /// The last closed date.
        through: NaiveDate,
        /// Who closes.
        approver: Uuid,
    },
    /// Entries may take effect from that date on again.
    Reopened {
        /// The first open date.
        from: NaiveDate,
        /// Who approved it.
        approvals: Approvals,
    },
}

impl PeriodChange {
    /// The last date that is closed afterwards.
    #[must_use]
    pub fn closed_through(self) -> Option<NaiveDate> {
        match self {
            Self::Closed { through, .. } => Some(through),
            Self::Reopened { from, .. } => from.pred_opt(),
        }
    }

    /// The word in the tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Reopened { .. } => "reopened",
        }
    }

    /// The date that it names.
    pub(crate) const fn date(self) -> NaiveDate {
        match self {
            Self::Closed { through, .. } => through,
            Self::Reopened { from, .. } => from,
        }
    }

    pub(crate) const fn approvers(self) -> (Uuid, Option<Uuid>) {
        match self {
            Self::Closed { approver, .. } => (approver, None),
            Self::Reopened { approvals, .. } => (approvals.first, Some(approvals.second)),
        }
    }
}
