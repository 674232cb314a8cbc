//! A transfer: what is ordered, how far it came, and which leg is next. Pure.

use chrono::{DateTime, Utc};

use super::ClearingError;
use crate::{AccountCode, BookId, MAX_MINOR_UNITS, Money};

platform::define_id!(TransferId, "A transfer between two books.");

/// The second segment of the accounts by which books owe one another.
const CLEARING: &str = "clearing";

/// An account of a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookAccount {
    /// The book.
    pub book: BookId,
    /// The account in it.
    pub account: AccountCode,
}

/// What is wanted: the amount is debited to one place and credited to the other one.
///
/// A wallet falls by a debit and rises by a credit, so client money moves from `from` to `to`. An asset rises by a
/// debit: money at a bank moves the other way, from the credited to the debited book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferOrder {
    /// Chosen by the caller; every retry has the same.
    pub id: TransferId,
    /// What is debited.
    pub from: BookAccount,
    /// What is credited.
    pub to: BookAccount,
    /// How much; above zero.
    pub amount: Money,
    /// A line for a reader of both entries; never personal data.
    pub description: Option<String>,
}

/// How far a transfer came.
///
/// | state | by | next state |
/// | --- | --- | --- |
/// | initiated | departure | departed |
/// | initiated | departure, refused | refused |
/// | departed | arrival | arrived |
/// | departed | return, after an arrival that was refused | returned |
///
/// Arrived, returned and refused are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferState {
    /// Nothing is booked yet.
    Initiated,
    /// It left its source and is in flight.
    Departed,
    /// It is at its destination.
    Arrived,
    /// The destination refused it; it is back at its source.
    Returned,
    /// The source refused it; nothing was booked.
    Refused,
}

/// One entry of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leg {
    /// Out of the source, into what its book owes.
    Departure,
    /// Out of what the other book claims, into the destination.
    Arrival,
    /// Back to the source.
    Return,
}

/// A transfer as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What was ordered.
    pub order: TransferOrder,
    /// How far it came.
    pub state: TransferState,
    /// Why it was returned or refused.
    pub reason: Option<String>,
    /// How often recovery took it up.
    pub attempts: i16,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
    /// When it left its source.
    pub departed_at: Option<DateTime<Utc>>,
    /// When it came into a final state.
    pub settled_at: Option<DateTime<Utc>>,
}

impl TransferState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Initiated, Self::Departed, Self::Arrived, Self::Returned, Self::Refused];

    /// The word by which it is stored and told.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Departed => "departed",
            Self::Arrived => "arrived",
            Self::Returned => "returned",
            Self::Refused => "refused",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.next_leg().is_none()
    }

    /// The leg that is tried next.
    pub(super) const fn next_leg(self) -> Option<Leg> {
        match self {
            Self::Initiated => Some(Leg::Departure),
            Self::Departed => Some(Leg::Arrival),
            Self::Arrived | Self::Returned | Self::Refused => None,
        }
    }
}

impl Leg {
    /// The one state in which the leg may be booked.
    pub(super) const fn before(self) -> TransferState {
        match self {
            Self::Departure => TransferState::Initiated,
            Self::Arrival | Self::Return => TransferState::Departed,
        }
    }

    /// The state that it leads to.
    pub(super) const fn after(self) -> TransferState {
        match self {
            Self::Departure => TransferState::Departed,
            Self::Arrival => TransferState::Arrived,
            Self::Return => TransferState::Returned,
        }
    }
}

impl TransferOrder {
    /// Whether it can be carried out at all.
    pub(super) fn check(&self) -> Result<(), ClearingError> {
        if self.from.book == self.to.book {
            return Err(ClearingError::SameBook(self.from.book));
        }
        if !self.amount.is_positive() || self.amount.minor() > MAX_MINOR_UNITS {
            return Err(ClearingError::Amount { amount: self.amount });
        }
        // What books owe one another moves by transfers alone, or no sum over them would mean anything.
        let mut accounts = [&self.from.account, &self.to.account].into_iter();
        match accounts.find(|account| account.segments().nth(1) == Some(CLEARING)) {
            Some(account) => Err(ClearingError::ClearingAccount(account.clone())),
            None => Ok(()),
        }
    }
}

impl Transfer {
    /// The transfer after a leg that was booked at that moment.
    pub(super) fn after(self, leg: Leg, booked_at: DateTime<Utc>, reason: Option<String>) -> Self {
        let state = leg.after();
        let departed_at = if leg == Leg::Departure { Some(booked_at) } else { self.departed_at };
        let settled_at = state.is_final().then_some(booked_at);
        Self { state, reason, departed_at, settled_at, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_docs_is_what_the_code_does() {
        let row = |text: &str| -> Vec<String> {
            text.trim_start_matches("/// |").split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let rows: Vec<Vec<String>> = include_str!("transfer.rs")
            .lines()
            .filter(|line| line.starts_with("/// | ") && !line.contains("---") && !line.contains("next state"))
            .map(row)
            .collect();
        let steps = [
            (Leg::Departure.before(), "departure", Leg::Departure.after()),
            (TransferState::Initiated, "departure, refused", TransferState::Refused),
            (Leg::Arrival.before(), "arrival", Leg::Arrival.after()),
            (Leg::Return.before(), "return, after an arrival that was refused", Leg::Return.after()),
        ];
        assert_eq!(rows.len(), steps.len());
        for (row, (before, by, after)) in rows.iter().zip(steps) {
            assert_eq!(row[..3], [before.word(), by, after.word()]);
            assert!(!before.is_final());
        }
        let last = TransferState::ALL.into_iter().filter(|state| state.is_final());
        assert!(last.eq([TransferState::Arrived, TransferState::Returned, TransferState::Refused]));
    }
}
