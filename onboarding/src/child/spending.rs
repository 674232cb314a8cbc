//! Spendings: what guardians ask to be paid for a child.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | requested | ordered | ordered |
//! | requested | refused | refused |
//! | requested | cancelled | cancelled |
//! | ordered | paid | paid |
//! | ordered | declined | declined |
//!
//! Up to the limit a spending is ordered with the request; above it, with the word of another guardian. The order moves
//! the money into what we owe to the institution, which says that it paid or that it cannot; then it moves back.

mod payment;
mod store;

use chrono::{DateTime, Utc};
use ledger::{Money, UnitOfWork};

pub use store::Spendings;

use super::{ChildId, Purpose, SpendingId};
use crate::person::text;
use crate::{Error, InstitutionCode, PersonId};

/// Where a spending stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpendingState {
    /// Waits for another guardian.
    Requested,
    /// The institution is to pay.
    Ordered,
    /// The institution paid.
    Paid,
    /// The institution cannot pay; the money is back.
    Declined,
    /// Another guardian did not agree.
    Refused,
    /// Who asked for it took it back, or the child came of age.
    Cancelled,
}

/// What happens to a spending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpendingEvent {
    /// Those agreed who have to.
    Ordered,
    /// The institution paid.
    Paid,
    /// The institution cannot pay.
    Declined,
    /// Another guardian does not agree.
    Refused,
    /// Who asked for it does not want it any more.
    Cancelled,
}

impl SpendingState {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Requested, Self::Ordered, Self::Paid, Self::Declined, Self::Refused, Self::Cancelled];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Ordered => "ordered",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
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
    pub fn after(self, event: SpendingEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Requested, SpendingEvent::Ordered) => Ok(Self::Ordered),
            (Self::Requested, SpendingEvent::Refused) => Ok(Self::Refused),
            (Self::Requested, SpendingEvent::Cancelled) => Ok(Self::Cancelled),
            (Self::Ordered, SpendingEvent::Paid) => Ok(Self::Paid),
            (Self::Ordered, SpendingEvent::Declined) => Ok(Self::Declined),
            (state, event) => Err(Error::WrongState { thing: "spending", state: state.word(), wanted: event.word() }),
        }
    }
}

impl SpendingEvent {
    /// All events.
    pub const ALL: [Self; 5] = [Self::Ordered, Self::Paid, Self::Declined, Self::Refused, Self::Cancelled];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a guardian asks for.
#[derive(Clone)]
pub struct NewSpending {
    purpose: Purpose,
    amount: Money,
    institution: InstitutionCode,
    note: String,
}

impl NewSpending {
    /// Something to be paid by a live institution.
    ///
    /// # Errors
    /// [`Error::Text`] for a faulty note.
    pub fn try_new(purpose: Purpose, amount: Money, institution: InstitutionCode, note: &str) -> Result<Self, Error> {
        Ok(Self { purpose, amount, institution, note: text("note", note)? })
    }
}

/// Something that is paid for a child.
#[derive(Clone)]
pub struct Spending {
    /// Which.
    pub id: SpendingId,
    /// For whom.
    pub child: ChildId,
    /// For what.
    pub purpose: Purpose,
    /// How much.
    pub amount: Money,
    /// Who pays it.
    pub institution: InstitutionCode,
    /// Whom to pay and for what, in the guardian's words.
    pub note: String,
    /// Who asked for it.
    pub requested_by: PersonId,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// Where it stands.
    pub state: SpendingState,
    /// The other guardian, where one had to agree.
    pub approved_by: Option<PersonId>,
    /// Since when the institution is to pay.
    pub ordered_at: Option<DateTime<Utc>>,
    /// The institution's name for its payment.
    pub reference: Option<String>,
    /// Why it was refused or declined.
    pub reason: Option<String>,
    /// When it came to its end.
    pub answered_at: Option<DateTime<Utc>>,
    /// The child's name, for the institution that pays.
    pub child_name: String,
}

/// What becomes of what a guardian asked for.
#[must_use]
pub enum Asked {
    /// It is to be ordered by this unit of work.
    Order(Box<UnitOfWork>),
    /// It waits for another guardian, or came further before.
    Kept,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::{documented, transition};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let coded: BTreeSet<_> = SpendingState::ALL
            .into_iter()
            .flat_map(|state| SpendingEvent::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| Some(transition(state.word(), event.word(), state.after(event).ok()?.word())))
            .collect();
        assert_eq!(documented(include_str!("spending.rs")), coded);
    }
}
