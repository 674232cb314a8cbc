//! Guardians: one or two for each child, who each accepted it.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | named | agreed | active |
//! | named | declined | declined |
//! | active | stepped-down | stepped-down |
//! | named | stepped-down | stepped-down |
//!
//! Who is named when the child is registered only has to accept. Who is named later needs the consent of the other
//! guardian too, or of an operator where there is none: else a guardian could be replaced, or brought into a minority
//! of one's own making, by a single person. Both words come in any order.

mod store;

use chrono::{DateTime, Utc};

pub use store::Guardians;
pub(super) use store::{lock_in, raise_version_in, register_in};

use super::{ChildId, GuardianId};
use crate::{Error, PersonId};

/// Where a guardian stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuardianState {
    /// Has not accepted, or waits for consent.
    Named,
    /// Spends by the rules.
    Active,
    /// Did not want to be one.
    Declined,
    /// Is it no more.
    SteppedDown,
}

/// What happens to a guardian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardianEvent {
    /// They accepted, and whose consent was needed gave it.
    Agreed,
    /// They declined.
    Declined,
    /// They stepped down, or their name was taken back.
    SteppedDown,
}

impl GuardianState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Named, Self::Active, Self::Declined, Self::SteppedDown];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Active => "active",
            Self::Declined => "declined",
            Self::SteppedDown => "stepped-down",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|state| state.word() == word).ok_or(Error::Corrupt("a guardian's state"))
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`Error::WrongState`] when the event does not fit.
    pub fn after(self, event: GuardianEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Named, GuardianEvent::Agreed) => Ok(Self::Active),
            (Self::Named, GuardianEvent::Declined) => Ok(Self::Declined),
            (Self::Named | Self::Active, GuardianEvent::SteppedDown) => Ok(Self::SteppedDown),
            (state, event) => Err(Error::WrongState { thing: "guardian", state: state.word(), wanted: event.word() }),
        }
    }
}

impl GuardianEvent {
    /// All events.
    pub const ALL: [Self; 3] = [Self::Agreed, Self::Declined, Self::SteppedDown];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Declined => "declined",
            Self::SteppedDown => "stepped-down",
        }
    }
}

/// A guardian of a child, or somebody who was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guardian {
    /// Which.
    pub id: GuardianId,
    /// Who.
    pub person: PersonId,
    /// Where they stand.
    pub state: GuardianState,
    /// Whether another guardian or an operator has to agree.
    pub waits_for_consent: bool,
    /// Whether they accepted.
    pub has_accepted: bool,
}

/// Somebody who was named and needs consent, as operators see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingGuardian {
    /// Which.
    pub id: GuardianId,
    /// Of whom.
    pub child: ChildId,
    /// Who.
    pub person: PersonId,
    /// Who named them.
    pub named_by: PersonId,
    /// When.
    pub named_at: DateTime<Utc>,
    /// Guardians that the child has now, who can consent themselves.
    pub active_guardians: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::{documented, transition};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let coded: BTreeSet<_> = GuardianState::ALL
            .into_iter()
            .flat_map(|state| GuardianEvent::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| Some(transition(state.word(), event.word(), state.after(event).ok()?.word())))
            .collect();
        assert_eq!(documented(include_str!("guardian.rs")), coded);
    }
}
