//! Disbursements: what an institution is ordered to pay to a supplier.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | ordered | paid | paid |
//!
//! The release of a milestone orders it, in the entry that makes the institution's claim on us. Paying the supplier
//! moves no money of ours: the claim is settled with the institution's other ones.

mod store;

use chrono::{DateTime, Utc};
use ledger::Money;
use serde::Serialize;
use uuid::Uuid;

pub use store::Disbursements;

use crate::{Error, MilestoneId, ProjectId};

platform::define_id!(DisbursementId, "An order to pay a supplier.");

impl DisbursementId {
    /// The one disbursement of a milestone.
    pub(crate) fn derived(milestone: MilestoneId) -> Self {
        Self::from_uuid(Uuid::new_v5(&milestone.uuid(), b"disbursement"))
    }
}

/// Where a disbursement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisbursementState {
    /// The institution is to pay.
    Ordered,
    /// The institution paid.
    Paid,
}

/// What happens to a disbursement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisbursementEvent {
    /// The institution paid.
    Paid,
}

impl DisbursementState {
    /// All states.
    pub const ALL: [Self; 2] = [Self::Ordered, Self::Paid];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Paid => "paid",
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
    pub fn after(self, event: DisbursementEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Ordered, DisbursementEvent::Paid) => Ok(Self::Paid),
            (state, event) => {
                Err(Error::WrongState { thing: "disbursement", state: state.word(), wanted: event.word() })
            }
        }
    }
}

impl DisbursementEvent {
    /// All events.
    pub const ALL: [Self; 1] = [Self::Paid];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
        }
    }
}

/// A disbursement, as its institution sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disbursement {
    /// Which.
    pub id: DisbursementId,
    /// For which project.
    pub project: ProjectId,
    /// The project's name.
    pub project_title: String,
    /// For which milestone.
    pub milestone: MilestoneId,
    /// What was reached.
    pub milestone_title: String,
    /// Who is to be paid. Personal.
    pub supplier: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: DisbursementState,
    /// Since when.
    pub ordered_at: DateTime<Utc>,
    /// The name that the institution gave to its payment.
    pub reference: Option<String>,
    /// When the institution said that it paid.
    pub paid_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::{documented, transition};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let coded: BTreeSet<_> = DisbursementState::ALL
            .into_iter()
            .flat_map(|state| DisbursementEvent::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| Some(transition(state.word(), event.word(), state.after(event).ok()?.word())))
            .collect();
        assert_eq!(documented(include_str!("disbursement.rs")), coded);
    }
}
