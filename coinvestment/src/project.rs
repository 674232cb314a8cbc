//! Projects: states and rules.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | submitted | approved | vetted |
//! | submitted | rejected | rejected |
//! | vetted | opened | open |
//! | open | closed | funded |
//! | open | failed | failed |
//! | funded | begun | in-progress |
//! | in-progress | finished | completed |
//!
//! A campaign is closed by its owner once the minimum is reached, or by its deadline. The first release begins the
//! project, the last one finishes it; a project of one milestone passes through both in one entry, and its history
//! keeps both.
//!
//! # Locks
//! Whatever changes a commitment, the amount raised or the state of a campaign holds the project's row first. So no
//! commitment slips in while a campaign ends, and the ledger's writer and the campaign's end cannot deadlock.

mod campaign;
mod draft;
mod store;

use chrono::{DateTime, Utc};
use ledger::{AccountCode, Currency, Money};
use serde::Serialize;

pub use draft::{LONGEST_CAMPAIGN_DAYS, MAX_MILESTONES, MilestoneDraft, NewProject, ProjectDraft};
pub(crate) use draft::{line, paragraphs};
pub(crate) use store::find_in;
pub use store::{HistoryLine, Projects};

use crate::Error;

platform::define_id!(ProjectId, "Something that people put money together for.");
platform::define_id!(OwnerId, "Somebody who leads a project.");

/// Points that a checklist may have.
pub const MAX_CHECKLIST: usize = 20;

/// Whom a project serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A village, a school, a health post.
    Community,
    /// A business. Cannot be submitted yet.
    Business,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Community, Self::Business];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Community => "community",
            Self::Business => "business",
        }
    }

    fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(Error::Corrupt("a project's kind"))
    }
}

/// What contributors get for their money. Loans and revenue shares will join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Terms {
    /// Nothing back.
    Gift,
}

impl Terms {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gift => "gift",
        }
    }

    fn from_word(word: &str) -> Result<Self, Error> {
        if word == Self::Gift.word() { Ok(Self::Gift) } else { Err(Error::Corrupt("a project's terms")) }
    }
}

/// Where a project stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectState {
    /// Handed in by its owner.
    Submitted,
    /// Found good by its institution.
    Vetted,
    /// Not found good.
    Rejected,
    /// Takes commitments.
    Open,
    /// The campaign reached its minimum.
    Funded,
    /// The campaign did not; everything goes back.
    Failed,
    /// A first tranche was released.
    InProgress,
    /// All tranches were released.
    Completed,
}

/// What happens to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectEvent {
    /// The institution found it good.
    Approved,
    /// The institution did not.
    Rejected,
    /// The owner began the campaign.
    Opened,
    /// The campaign ended with its minimum.
    Closed,
    /// The campaign ended without it.
    Failed,
    /// The first tranche was released.
    Begun,
    /// The last tranche was released.
    Finished,
}

impl ProjectState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Submitted,
        Self::Vetted,
        Self::Rejected,
        Self::Open,
        Self::Funded,
        Self::Failed,
        Self::InProgress,
        Self::Completed,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Vetted => "vetted",
            Self::Rejected => "rejected",
            Self::Open => "open",
            Self::Funded => "funded",
            Self::Failed => "failed",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether anybody may see the project: it was vetted, whatever came then.
    #[must_use]
    pub const fn is_public(self) -> bool {
        !matches!(self, Self::Submitted | Self::Rejected)
    }

    /// Whether the campaign ended with its minimum, so that milestones can be reached.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Funded | Self::InProgress)
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`Error::WrongState`] when the event does not fit.
    pub fn after(self, event: ProjectEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Submitted, ProjectEvent::Approved) => Ok(Self::Vetted),
            (Self::Submitted, ProjectEvent::Rejected) => Ok(Self::Rejected),
            (Self::Vetted, ProjectEvent::Opened) => Ok(Self::Open),
            (Self::Open, ProjectEvent::Closed) => Ok(Self::Funded),
            (Self::Open, ProjectEvent::Failed) => Ok(Self::Failed),
            (Self::Funded, ProjectEvent::Begun) => Ok(Self::InProgress),
            (Self::InProgress, ProjectEvent::Finished) => Ok(Self::Completed),
            (state, event) => Err(Error::WrongState { thing: "project", state: state.word(), wanted: event.word() }),
        }
    }
}

impl ProjectEvent {
    /// All events.
    pub const ALL: [Self; 7] =
        [Self::Approved, Self::Rejected, Self::Opened, Self::Closed, Self::Failed, Self::Begun, Self::Finished];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Begun => "begun",
            Self::Finished => "finished",
        }
    }
}

/// What an institution says of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VettingDecision {
    /// It is good.
    Approve {
        /// What was looked at and found good, each point by its name.
        checklist: Vec<String>,
    },
    /// It is not.
    Reject {
        /// Why.
        reason: String,
    },
}

impl VettingDecision {
    const fn event(&self) -> ProjectEvent {
        match self {
            Self::Approve { .. } => ProjectEvent::Approved,
            Self::Reject { .. } => ProjectEvent::Rejected,
        }
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Which.
    pub id: ProjectId,
    /// Who leads it.
    pub owner: OwnerId,
    /// Whom it serves.
    pub kind: Kind,
    /// What contributors get.
    pub terms: Terms,
    /// Its name; public.
    pub title: String,
    /// What it is about; public.
    pub summary: String,
    /// The code of the institution that vets it and pays its suppliers.
    pub institution: String,
    /// What it needs at least.
    pub minimum: Money,
    /// What it takes at most.
    pub maximum: Money,
    /// What is held, confirmed or invested; what was withdrawn or refunded does not count.
    pub raised: Money,
    /// When the campaign ends.
    pub deadline: DateTime<Utc>,
    /// Where it stands.
    pub state: ProjectState,
    /// What the institution found good.
    pub checklist: Vec<String>,
    /// Why the institution rejected it.
    pub rejected_because: Option<String>,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
}

impl Project {
    /// The currency of its money.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.maximum.currency()
    }

    /// What it still takes.
    ///
    /// # Errors
    /// When the difference does not fit.
    pub fn left(&self) -> Result<Money, Error> {
        Ok(self.maximum.checked_sub(self.raised)?)
    }

    /// Whether the campaign has what it needs.
    #[must_use]
    pub const fn reached_minimum(&self) -> bool {
        self.raised.minor() >= self.minimum.minor()
    }

    /// The account in which its money waits.
    ///
    /// # Errors
    /// Never for an id that this room made.
    pub fn escrow(&self) -> Result<AccountCode, Error> {
        escrow(self.id)
    }

    /// Whether it takes so much at this time.
    ///
    /// # Errors
    /// [`Error::NotOpen`], [`Error::DeadlinePassed`], [`Error::WrongCurrency`], [`Error::NotPositive`] or
    /// [`Error::BeyondMaximum`].
    pub fn takes(&self, amount: Money, now: DateTime<Utc>) -> Result<(), Error> {
        if self.state != ProjectState::Open {
            return Err(Error::NotOpen { state: self.state });
        }
        if self.deadline <= now {
            return Err(Error::DeadlinePassed(self.deadline));
        }
        if amount.currency() != self.currency() {
            return Err(Error::WrongCurrency { given: amount.currency(), expected: self.currency() });
        }
        if !amount.is_positive() {
            return Err(Error::NotPositive);
        }
        let left = self.left()?;
        if amount.minor() > left.minor() { Err(Error::BeyondMaximum { left }) } else { Ok(()) }
    }
}

/// The account in which a project's money waits.
pub(crate) fn escrow(project: ProjectId) -> Result<AccountCode, Error> {
    Ok(AccountCode::held_by("liabilities:escrow", project)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::{documented, transition};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let coded: BTreeSet<_> = ProjectState::ALL
            .into_iter()
            .flat_map(|state| ProjectEvent::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| Some(transition(state.word(), event.word(), state.after(event).ok()?.word())))
            .collect();
        assert_eq!(documented(include_str!("project.rs")), coded);
    }
}
