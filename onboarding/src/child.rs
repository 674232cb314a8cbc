//! Children: minors of a household, each with a protected account that is spent only for purposes that were set.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | protected | came-of-age | of-age |
//! | protected | handed-over | handed-over |
//! | of-age | handed-over | handed-over |
//!
//! # What it promises
//! - Money leaves a protected account in three ways only: to an institution that pays for a purpose that was set, back
//!   from there, and to the grown-up child. No entry credits a guardian.
//! - What is allowed is decided by pure rules ([`Rules::judge`]) on what is known of the child at a version; the entry
//!   is booked only if that version still stands. Whatever a decision may rest on raises the version: a deposit, an
//!   order, a return, a guardian who comes or goes.
//! - There is never less than nothing on the account: the floor is the ledger's.
//! - On the eighteenth birthday nobody spends any more, whether or not a worker has looked by then.

mod age;
mod effects;
mod entries;
mod error;
mod guardian;
mod handover;
mod rules;
mod spending;
mod store;

use chrono::{DateTime, NaiveDate, Utc};
use ledger::{AccountCode, Currency};

pub use age::of_age_on;
pub(crate) use age::require_adult;
pub use entries::ENTRY_KINDS;
pub use error::ChildError;
pub use guardian::{Guardian, GuardianEvent, GuardianState, Guardians, WaitingGuardian};
pub use handover::{Claim, HandoverStatement, Handovers};
pub use rules::{Allowance, Ground, Purpose, Rules, SPENDING_WINDOW, Verdict, Wish};
pub use spending::{Asked, NewSpending, Spending, SpendingEvent, SpendingState, Spendings};
pub use store::{Children, Deposit};

use crate::household::HouseholdId;
use crate::person::text;
use crate::{Error, PersonId};

platform::define_id!(ChildId, "A minor with a protected account.");
platform::define_id!(GuardianId, "Somebody as the guardian of a child.");
platform::define_id!(SpendingId, "Something that is paid for a child.");
platform::define_id!(DepositId, "Money that was put into a protected account.");

/// Children of a household at most.
pub const MAX_CHILDREN: usize = 20;
/// Guardians of a child at once; one more may be named, to take the place of one of them.
pub const MAX_GUARDIANS: usize = 2;

/// Where a protected account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChildState {
    /// Guardians spend it by the rules.
    Protected,
    /// The child is of age; the account waits for them.
    OfAge,
    /// The money is theirs.
    HandedOver,
}

/// What happens to a protected account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildEvent {
    /// The eighteenth birthday.
    CameOfAge,
    /// The grown-up child took it over.
    HandedOver,
}

impl ChildState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Protected, Self::OfAge, Self::HandedOver];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::OfAge => "of-age",
            Self::HandedOver => "handed-over",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|state| state.word() == word).ok_or(Error::Corrupt("a child's state"))
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`Error::WrongState`] when the event does not fit.
    pub fn after(self, event: ChildEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Protected, ChildEvent::CameOfAge) => Ok(Self::OfAge),
            (Self::Protected | Self::OfAge, ChildEvent::HandedOver) => Ok(Self::HandedOver),
            (state, event) => {
                Err(Error::WrongState { thing: "protected account", state: state.word(), wanted: event.word() })
            }
        }
    }
}

impl ChildEvent {
    /// All events.
    pub const ALL: [Self; 2] = [Self::CameOfAge, Self::HandedOver];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CameOfAge => "came-of-age",
            Self::HandedOver => "handed-over",
        }
    }
}

/// A child who is to be registered.
#[derive(Clone)]
pub struct NewChild {
    name: String,
    birth_date: NaiveDate,
    rules: Rules,
}

impl NewChild {
    /// A minor, and what their account may be spent for.
    ///
    /// # Errors
    /// [`Error::Text`] for a faulty name; [`ChildError::NotBorn`], [`ChildError::NotMinor`].
    pub fn try_new(name: &str, birth_date: NaiveDate, rules: Rules, now: DateTime<Utc>) -> Result<Self, Error> {
        let name = text("name", name)?;
        age::require_minor(birth_date, now)?;
        Ok(Self { name, birth_date, rules })
    }

    /// Their name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When they were born.
    #[must_use]
    pub const fn birth_date(&self) -> NaiveDate {
        self.birth_date
    }
}

/// A name and a birth date, as somebody states them.
#[derive(Clone)]
pub(crate) struct SeenBirth {
    pub(crate) name: String,
    pub(crate) birth_date: NaiveDate,
}

/// A child, as a member of their household sees them.
#[derive(Clone)]
pub struct Child {
    /// Which.
    pub id: ChildId,
    /// Of which household.
    pub household: HouseholdId,
    /// What the account is called at an institution's counter.
    pub account_number: String,
    /// Their name.
    pub name: String,
    /// When they were born.
    pub birth_date: NaiveDate,
    /// What the account may be spent for.
    pub rules: Rules,
    /// Where it stands.
    pub state: ChildState,
    /// Those who spend, and those who were named and have not answered.
    pub guardians: Vec<Guardian>,
    /// Since when.
    pub registered_at: DateTime<Utc>,
    /// Whose the money is now.
    pub handed_over_to: Option<PersonId>,
    pub(crate) version: i64,
}

impl Child {
    /// The account in the ledger.
    ///
    /// # Errors
    /// Never for an id.
    pub fn account(&self) -> Result<AccountCode, Error> {
        entries::protected(self.id)
    }

    /// The one currency of the account.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.rules.currency()
    }

    /// From this moment on nobody spends for them.
    #[must_use]
    pub fn protected_until(&self) -> DateTime<Utc> {
        age::of_age_at(self.birth_date)
    }

    /// Where the account stands at a moment: on the birthday it is of age, whether or not a worker has looked.
    #[must_use]
    pub fn state_at(&self, now: DateTime<Utc>) -> ChildState {
        match self.state {
            ChildState::Protected if now >= self.protected_until() => ChildState::OfAge,
            state => state,
        }
    }

    /// Whether a person may spend by the rules.
    #[must_use]
    pub fn is_guardian(&self, person: PersonId) -> bool {
        self.active_guardians().any(|guardian| guardian == person)
    }

    /// Those who may spend by the rules.
    pub fn active_guardians(&self) -> impl Iterator<Item = PersonId> {
        self.guardians.iter().filter(|one| one.state == GuardianState::Active).map(|one| one.person)
    }

    /// Lets guardians in; other members see that there is a child, and no more.
    pub(crate) fn require_guardian(&self, person: PersonId) -> Result<(), Error> {
        if self.is_guardian(person) { Ok(()) } else { Err(ChildError::NotGuardian.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::{documented, transition};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let coded: BTreeSet<_> = ChildState::ALL
            .into_iter()
            .flat_map(|state| ChildEvent::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| Some(transition(state.word(), event.word(), state.after(event).ok()?.word())))
            .collect();
        assert_eq!(documented(include_str!("child.rs")), coded);
    }
}
