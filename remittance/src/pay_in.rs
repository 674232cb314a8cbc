//! Pay-ins: money that arrived at a provider of ours, for a remittance or for a person to decide.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | received | it fits a remittance | matched |
//! | received | it fits none | unmatched |
//! | unmatched | a person finds its remittance | matched |
//! | unmatched | a person credits it to the sender's wallet | credited |
//!
//! A pay-in is kept as `received` before anything is done with it, so that a crash leaves it to be taken up again.

mod store;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use ledger::{AccountCode, Money};
use serde::Serialize;
use uuid::Uuid;

pub use store::PayIns;

use crate::{Error, RemittanceId, reference};

platform::define_id!(PayInId, "Money that arrived.");

/// Characters of a provider's reference.
const LONGEST_REFERENCE: usize = 140;
/// Characters of the text that came with the money that are kept: four lines of ISO 20022's unstructured text.
const LONGEST_TEXT: usize = 560;

/// Where a pay-in stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayInState {
    /// Kept, and nothing done with it yet.
    Received,
    /// It funded a remittance.
    Matched,
    /// It waits for a person.
    Unmatched,
    /// It is in the sender's wallet.
    Credited,
}

impl PayInState {
    const ALL: [Self; 4] = [Self::Received, Self::Matched, Self::Unmatched, Self::Credited];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Matched => "matched",
            Self::Unmatched => "unmatched",
            Self::Credited => "credited",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|state| state.word() == word).ok_or(Error::Corrupt("a pay-in's state"))
    }
}

/// Why a pay-in fits no remittance by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnmatchedReason {
    /// No reference of ours stands in its text.
    NoReference,
    /// Its reference belongs to no remittance.
    UnknownReference,
    /// Another amount or currency than the remittance asks for.
    WrongAmount,
    /// The remittance does not wait for money: paid before, expired or given up.
    NotAwaited,
    /// It fits, and yet cannot be booked: the log says why.
    CannotFund,
}

impl UnmatchedReason {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoReference => "no-reference",
            Self::UnknownReference => "unknown-reference",
            Self::WrongAmount => "wrong-amount",
            Self::NotAwaited => "not-awaited",
            Self::CannotFund => "cannot-fund",
        }
    }
}

/// Money as a provider reports it, checked and not yet kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayIn {
    pub(crate) provider: String,
    pub(crate) provider_reference: String,
    pub(crate) amount: Money,
    pub(crate) value_date: NaiveDate,
    pub(crate) text: String,
}

impl NewPayIn {
    /// Checks what a provider reports. The text is what the payer wrote; it is cut where it is longer than four lines
    /// of ISO 20022.
    ///
    /// # Errors
    /// [`Error::PayIn`] with what is wrong.
    pub fn try_new(
        provider: &str,
        provider_reference: &str,
        amount: Money,
        value_date: NaiveDate,
        text: &str,
    ) -> Result<Self, Error> {
        AccountCode::held_by("assets:pay-in", provider).map_err(|_| Error::PayIn("the provider is not known"))?;
        let provider_reference = provider_reference.trim();
        let length = provider_reference.chars().count();
        if !(1..=LONGEST_REFERENCE).contains(&length) || provider_reference.chars().any(char::is_control) {
            return Err(Error::PayIn("the provider's reference has 1 to 140 characters on one line"));
        }
        if !amount.is_positive() {
            return Err(Error::PayIn("the amount is above zero"));
        }
        if !(1970..=9999).contains(&value_date.year()) {
            return Err(Error::PayIn("the value date lies in the years 1970 to 9999"));
        }
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_TEXT).collect();
        Ok(Self {
            provider: provider.to_owned(),
            provider_reference: provider_reference.to_owned(),
            amount,
            value_date,
            text,
        })
    }

    /// The one id of this reference at this provider.
    #[must_use]
    pub fn id(&self) -> PayInId {
        let provider = Uuid::new_v5(&Uuid::NAMESPACE_URL, self.provider.as_bytes());
        PayInId::from_uuid(Uuid::new_v5(&provider, self.provider_reference.as_bytes()))
    }
}

/// Money that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayIn {
    /// Which.
    pub id: PayInId,
    /// Who collected it.
    pub provider: String,
    /// The provider's name for it.
    pub provider_reference: String,
    /// How much.
    pub amount: Money,
    /// When it counts.
    pub value_date: NaiveDate,
    /// What the payer wrote.
    pub text: String,
    /// Where it stands.
    pub state: PayInState,
    /// Why it waits for a person.
    pub reason: Option<String>,
    /// For which remittance.
    pub remittance: Option<RemittanceId>,
    /// When it was kept.
    pub received_at: DateTime<Utc>,
}

impl PayIn {
    /// The reference of ours that stands in its text.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        reference::find(&self.text)
    }

    /// Whether something can still be done with it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, PayInState::Received | PayInState::Unmatched)
    }
}
