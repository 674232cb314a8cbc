//! Remittances: states and rules.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | awaiting-funds | funded | funded |
//! | awaiting-funds | expired | expired |
//! | awaiting-funds | cancelled | cancelled |
//! | funded | submitted | submitted |
//! | funded | cancelled | cancelled |
//! | funded | returned | refunded |
//! | submitted | made-ready | ready-for-pickup |
//! | submitted | paid | paid-out |
//! | submitted | rejected | refunded |
//! | submitted | returned | refunded |
//! | submitted | cancelled | cancelled |
//! | ready-for-pickup | paid | paid-out |
//! | ready-for-pickup | rejected | refunded |
//! | ready-for-pickup | returned | refunded |
//! | ready-for-pickup | cancelled | cancelled |
//!
//! A rejection passes through `rejected`, which the history keeps, and is refunded in the same unit of work. `recalled`
//! is kept for recalls of what was paid out, which are not offered yet.

mod effects;
pub(crate) mod entries;
mod payout;
mod store;
mod units;

use chrono::{DateTime, Duration, Utc};
use ledger::{AccountCode, Currency, Effect, Money};
use serde::Serialize;
use uuid::Uuid;

pub(crate) use effects::pay_in_credited;
pub use payout::{ClaimId, Confirmable, Handover};
pub use store::{HistoryLine, Remittances, SendingLimits};

use crate::quote::Allocation;
use crate::rate::Rate;
use crate::{Beneficiary, BeneficiaryId, CorridorCode, Error, SenderId};

platform::define_id!(RemittanceId, "An accepted quote on its way to a beneficiary.");

/// How long after the pay-in a sender may cancel without cost: 12 CFR 1005.34(a), US Regulation E.
pub const CANCEL_WITHIN: Duration = Duration::minutes(30);

/// Where a remittance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Accepted; the pay-in has not arrived.
    AwaitingFunds,
    /// Paid in.
    Funded,
    /// Handed to the institution.
    Submitted,
    /// The beneficiary can come for it.
    ReadyForPickup,
    /// The beneficiary has it.
    PaidOut,
    /// Not paid in within the time.
    Expired,
    /// Given up by the sender.
    Cancelled,
    /// The institution could not pay it.
    Rejected,
    /// The sender has everything back.
    Refunded,
    /// Called back after the payout.
    Recalled,
}

/// What happens to a remittance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The pay-in arrived.
    Funded,
    /// The time for paying ran out.
    Expired,
    /// The sender gave it up.
    Cancelled,
    /// The institution fetched it.
    Submitted,
    /// The institution has the money ready.
    MadeReady,
    /// The institution paid.
    Paid,
    /// The institution cannot pay.
    Rejected,
    /// Our own staff give it back, because the institution was stopped.
    Returned,
}

impl State {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::AwaitingFunds,
        Self::Funded,
        Self::Submitted,
        Self::ReadyForPickup,
        Self::PaidOut,
        Self::Expired,
        Self::Cancelled,
        Self::Rejected,
        Self::Refunded,
        Self::Recalled,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AwaitingFunds => "awaiting-funds",
            Self::Funded => "funded",
            Self::Submitted => "submitted",
            Self::ReadyForPickup => "ready-for-pickup",
            Self::PaidOut => "paid-out",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Refunded => "refunded",
            Self::Recalled => "recalled",
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
    pub fn after(self, event: Event) -> Result<Self, Error> {
        match (self, event) {
            (Self::AwaitingFunds, Event::Funded) => Ok(Self::Funded),
            (Self::AwaitingFunds, Event::Expired) => Ok(Self::Expired),
            (Self::AwaitingFunds | Self::Funded | Self::Submitted | Self::ReadyForPickup, Event::Cancelled) => {
                Ok(Self::Cancelled)
            }
            (Self::Funded, Event::Submitted) => Ok(Self::Submitted),
            (Self::Submitted, Event::MadeReady) => Ok(Self::ReadyForPickup),
            (Self::Submitted | Self::ReadyForPickup, Event::Paid) => Ok(Self::PaidOut),
            (Self::Submitted | Self::ReadyForPickup, Event::Rejected) => Ok(Self::Refunded),
            (Self::Funded | Self::Submitted | Self::ReadyForPickup, Event::Returned) => Ok(Self::Refunded),
            (state, event) => Err(Error::WrongState { state, wanted: event.word() }),
        }
    }
}

impl Event {
    /// All events.
    pub const ALL: [Self; 8] = [
        Self::Funded,
        Self::Expired,
        Self::Cancelled,
        Self::Submitted,
        Self::MadeReady,
        Self::Paid,
        Self::Rejected,
        Self::Returned,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Funded => "funded",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Submitted => "submitted",
            Self::MadeReady => "made-ready",
            Self::Paid => "paid",
            Self::Rejected => "rejected",
            Self::Returned => "returned",
        }
    }
}

/// Why an institution cannot pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionReason {
    /// There is no such account or wallet.
    UnknownAccount,
    /// The account is in another name.
    NameDiffers,
    /// The account takes no payments.
    AccountClosed,
    /// Nobody came for the cash.
    NotCollected,
    /// The institution's own rules forbid it.
    NotPermitted,
    /// Something else.
    Other,
}

impl RejectionReason {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown-account",
            Self::NameDiffers => "name-differs",
            Self::AccountClosed => "account-closed",
            Self::NotCollected => "not-collected",
            Self::NotPermitted => "not-permitted",
            Self::Other => "other",
        }
    }
}

/// A remittance.
#[derive(Clone, Debug)]
pub struct Remittance {
    /// Which.
    pub id: RemittanceId,
    /// Whose.
    pub sender: SenderId,
    /// For whom.
    pub beneficiary: BeneficiaryId,
    /// Through whom.
    pub institution: String,
    /// On which way.
    pub corridor: CorridorCode,
    /// What the sender writes on the transfer.
    pub reference: String,
    /// Where it stands.
    pub state: State,
    /// What is sent, without the fee.
    pub sent: Money,
    /// The fee.
    pub fee: Money,
    /// What of `sent` goes to the family.
    pub family: Money,
    /// That at the mid rate.
    pub at_mid: Money,
    /// What the family gets.
    pub received: Money,
    /// The rate given.
    pub rate: Rate,
    /// The mid rate.
    pub mid_rate: Rate,
    /// The other parts.
    pub allocations: Vec<Allocation>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// Until when it can be paid in.
    pub pay_by: DateTime<Utc>,
    /// When it was paid in.
    pub funded_at: Option<DateTime<Utc>>,
}

impl Remittance {
    /// What the sender pays in all.
    ///
    /// # Errors
    /// When the sum does not fit.
    pub fn to_pay(&self) -> Result<Money, Error> {
        Ok(self.sent.checked_add(self.fee)?)
    }

    /// The currency paid in.
    #[must_use]
    pub const fn source(&self) -> Currency {
        self.sent.currency()
    }
}

/// A part of a remittance that another room takes: where its money goes, and what changes there with it.
#[derive(Clone, Debug)]
pub struct Placement {
    /// For which project.
    pub allocation: Allocation,
    /// The account that takes the money, or gave it back.
    pub account: AccountCode,
    /// What changes in the other room.
    pub effect: Effect,
}

/// What an institution is asked to pay, and whom.
#[derive(Clone)]
pub struct Payout {
    /// The remittance.
    pub remittance: Remittance,
    /// Who is paid.
    pub beneficiary: Beneficiary,
}

impl Payout {
    /// Whom it is asked of whether anybody has to wait.
    #[must_use]
    pub fn parties(&self) -> Vec<Uuid> {
        vec![self.remittance.sender.uuid(), self.remittance.beneficiary.uuid()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let documented: BTreeSet<(String, String, String)> = include_str!("remittance.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | "))
            .filter(|line| !line.starts_with("from") && !line.starts_with("---"))
            .map(|line| {
                let mut cells = line.split('|').map(|cell| cell.trim().to_owned());
                let mut next = || cells.next().unwrap_or_default();
                (next(), next(), next())
            })
            .collect();
        let coded: BTreeSet<(String, String, String)> = State::ALL
            .into_iter()
            .flat_map(|state| Event::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| {
                let after = state.after(event).ok()?;
                Some((state.word().to_owned(), event.word().to_owned(), after.word().to_owned()))
            })
            .collect();
        assert_eq!(documented, coded);
    }
}
