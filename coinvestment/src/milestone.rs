//! Milestones: the steps of a project, each with its share of the money.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | planned | reported | reported |
//! | reported | released | released |
//!
//! The owner reports with evidence once the campaign is funded, in any order. [`APPROVALS_NEEDED`] different kinds of
//! party approve; then the milestone's amount is released: the institution owes it to the supplier, and is ordered to
//! pay. While somebody looks at who the owner or the supplier is, the release waits. Amounts are fixed when the
//! campaign is funded and do not change.

mod effects;
pub(crate) mod release;
pub(crate) mod store;
mod tranches;

use chrono::{DateTime, Utc};
use ledger::{BasisPoints, Money};
use serde::Serialize;
use uuid::Uuid;

pub use store::Milestones;
pub(crate) use store::{SUPPLIER, fix_amounts_in, plan_in};
pub use tranches::tranches;

use crate::{Error, ProjectId};

platform::define_id!(MilestoneId, "A step of a project.");

impl MilestoneId {
    /// The milestone at that place of a project.
    pub(crate) fn derived(project: ProjectId, ordinal: i32) -> Self {
        Self::from_uuid(Uuid::new_v5(&project.uuid(), format!("milestone {ordinal}").as_bytes()))
    }
}

/// Different kinds of party that have to approve before a tranche is released.
pub const APPROVALS_NEEDED: usize = 2;

/// Where a milestone stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MilestoneState {
    /// Not reached yet.
    Planned,
    /// Reached, as its owner says.
    Reported,
    /// Its money is released.
    Released,
}

/// What happens to a milestone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MilestoneEvent {
    /// The owner says that it is reached.
    Reported,
    /// The parties agreed.
    Released,
}

impl MilestoneState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Planned, Self::Reported, Self::Released];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Reported => "reported",
            Self::Released => "released",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`Error::WrongState`] when the event does not fit.
    pub fn after(self, event: MilestoneEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Planned, MilestoneEvent::Reported) => Ok(Self::Reported),
            (Self::Reported, MilestoneEvent::Released) => Ok(Self::Released),
            (state, event) => Err(Error::WrongState { thing: "milestone", state: state.word(), wanted: event.word() }),
        }
    }
}

impl MilestoneEvent {
    /// All events.
    pub const ALL: [Self; 2] = [Self::Reported, Self::Released];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Released => "released",
        }
    }
}

/// Who may approve a milestone. Municipalities and associations will join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// The institution of that code; it counts where it vetted the project.
    Institution(String),
    /// One of our own staff.
    Operator(Uuid),
}

impl Party {
    /// Of what kind it is.
    #[must_use]
    pub const fn kind(&self) -> PartyKind {
        match self {
            Self::Institution(_) => PartyKind::Institution,
            Self::Operator(_) => PartyKind::Operator,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Institution(code) => code.clone(),
            Self::Operator(operator) => operator.to_string(),
        }
    }
}

/// The kinds of party; one approval of each counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartyKind {
    /// The vetting institution.
    Institution,
    /// Our own staff.
    Operator,
}

impl PartyKind {
    const ALL: [Self; 2] = [Self::Institution, Self::Operator];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Institution => "institution",
            Self::Operator => "operator",
        }
    }

    fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(Error::Corrupt("a kind of party"))
    }
}

/// That a party agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What kind of party.
    pub kind: PartyKind,
    /// The institution's code, or the operator's id.
    pub party: String,
    /// When.
    pub approved_at: DateTime<Utc>,
}

/// A milestone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// Which.
    pub id: MilestoneId,
    /// Of which project.
    pub project: ProjectId,
    /// Its place among the project's milestones, from 1.
    pub ordinal: i32,
    /// What is to be reached; public.
    pub title: String,
    /// Its share of what is raised.
    pub share: BasisPoints,
    /// Its amount, once the campaign is funded.
    pub amount: Option<Money>,
    /// Where it stands.
    pub state: MilestoneState,
    /// Who is paid for it. Personal: not for the public.
    pub supplier: String,
    /// What the owner showed. May be personal: not for the public.
    pub evidence: Option<String>,
    /// When the owner reported it.
    pub reported_at: Option<DateTime<Utc>>,
    /// Who agreed, in the order of time.
    pub approvals: Vec<Approval>,
    /// When its money was released.
    pub released_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::{documented, transition};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let coded: BTreeSet<_> = MilestoneState::ALL
            .into_iter()
            .flat_map(|state| MilestoneEvent::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| Some(transition(state.word(), event.word(), state.after(event).ok()?.word())))
            .collect();
        assert_eq!(documented(include_str!("milestone.rs")), coded);
    }
}
