//! Commitments: what people put into projects, as a part of a remittance.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | held | confirmed | confirmed |
//! | held | refunded | refunded |
//! | held | withdrawn | withdrawn |
//! | confirmed | invested | invested |
//!
//! A commitment is live while it is held, confirmed or invested: a project's `raised` is the sum of these, so a
//! withdrawal or a refund lowers it. The live commitments of a project equal its escrow balance and what was released.

mod effects;
pub(crate) mod store;

use chrono::{DateTime, Utc};
use ledger::{AccountCode, Effect, Money};
use serde::Serialize;
use uuid::Uuid;

pub use store::Commitments;
pub(crate) use store::confirm_in;

use crate::{Error, ProjectId};

platform::define_id!(CommitmentId, "Money that somebody put into a project.");
platform::define_id!(ContributorId, "Somebody who puts money into projects.");

impl CommitmentId {
    /// The one commitment of a remittance to a project.
    fn derived(remittance: Uuid, project: ProjectId) -> Self {
        Self::from_uuid(Uuid::new_v5(&remittance, project.uuid().as_bytes()))
    }
}

/// Where a commitment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitmentState {
    /// In escrow while the campaign runs.
    Held,
    /// The campaign reached its minimum.
    Confirmed,
    /// The project has begun.
    Invested,
    /// Given back: the campaign failed.
    Refunded,
    /// Given back: the remittance was cancelled.
    Withdrawn,
}

/// What happens to a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitmentEvent {
    /// The campaign ended with its minimum.
    Confirmed,
    /// The first tranche was released.
    Invested,
    /// The campaign ended without its minimum.
    Refunded,
    /// The remittance was cancelled while the campaign ran.
    Withdrawn,
}

impl CommitmentState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Held, Self::Confirmed, Self::Invested, Self::Refunded, Self::Withdrawn];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Invested => "invested",
            Self::Refunded => "refunded",
            Self::Withdrawn => "withdrawn",
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
    pub fn after(self, event: CommitmentEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Held, CommitmentEvent::Confirmed) => Ok(Self::Confirmed),
            (Self::Held, CommitmentEvent::Refunded) => Ok(Self::Refunded),
            (Self::Held, CommitmentEvent::Withdrawn) => Ok(Self::Withdrawn),
            (Self::Confirmed, CommitmentEvent::Invested) => Ok(Self::Invested),
            (state, event) => Err(Error::WrongState { thing: "commitment", state: state.word(), wanted: event.word() }),
        }
    }
}

impl CommitmentEvent {
    /// All events.
    pub const ALL: [Self; 4] = [Self::Confirmed, Self::Invested, Self::Refunded, Self::Withdrawn];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Invested => "invested",
            Self::Refunded => "refunded",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Which.
    pub id: CommitmentId,
    /// To what.
    pub project: ProjectId,
    /// Whose.
    pub contributor: ContributorId,
    /// The remittance that it is a part of.
    pub remittance: Uuid,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: CommitmentState,
    /// Since when.
    pub committed_at: DateTime<Utc>,
}

/// What the entry that funds a remittance needs for a part that goes to a project.
#[derive(Clone, Debug)]
pub struct Placing {
    /// The account to credit.
    pub account: AccountCode,
    /// What records the commitment, with the entry or not at all.
    pub effect: Effect,
}

/// What the entry that cancels a remittance needs for a part that comes back from a project.
#[derive(Clone, Debug)]
pub struct Withdrawing {
    /// From which project.
    pub project: ProjectId,
    /// How much.
    pub amount: Money,
    /// The account to debit.
    pub account: AccountCode,
    /// What records the withdrawal, with the entry or not at all.
    pub effect: Effect,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::{documented, transition};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let coded: BTreeSet<_> = CommitmentState::ALL
            .into_iter()
            .flat_map(|state| CommitmentEvent::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| Some(transition(state.word(), event.word(), state.after(event).ok()?.word())))
            .collect();
        assert_eq!(documented(include_str!("commitment.rs")), coded);
    }
}
