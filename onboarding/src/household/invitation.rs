//! Invitations: a head lets a person join by a code, and lets somebody without an account be confirmed by one.
//!
//! An agent of a live institution enters the code that the recipient tells, and what their document says. The recipient
//! is held against the lists of sanctions before the confirmation is kept.

mod store;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

pub use store::Invitations;

use super::{HouseholdId, RecipientId};
use crate::child::require_adult;
use crate::person::text;
use crate::{Country, Error};

/// What an agent saw of whom they confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenDocument {
    /// A passport.
    Passport,
    /// A national card.
    NationalCard,
    /// A card of a consulate.
    ConsularCard,
    /// A residence permit.
    ResidencePermit,
    /// A document of a refugee or an asylum seeker.
    RefugeeDocument,
    /// A voter's card.
    VoterCard,
    /// An extract of the register of births, with two people who know them.
    BirthCertificate,
}

impl SeenDocument {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Passport,
        Self::NationalCard,
        Self::ConsularCard,
        Self::ResidencePermit,
        Self::RefugeeDocument,
        Self::VoterCard,
        Self::BirthCertificate,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passport => "passport",
            Self::NationalCard => "national-card",
            Self::ConsularCard => "consular-card",
            Self::ResidencePermit => "residence-permit",
            Self::RefugeeDocument => "refugee-document",
            Self::VoterCard => "voter-card",
            Self::BirthCertificate => "birth-certificate",
        }
    }
}

/// Who a recipient is, as an agent read it.
#[derive(Clone)]
pub struct RecipientStatement {
    name: String,
    birth_date: NaiveDate,
    address: String,
    seen: SeenDocument,
}

impl RecipientStatement {
    /// What an agent states.
    ///
    /// # Errors
    /// [`Error::Text`] for a faulty text, [`Error::BirthDate`], [`Error::TooYoung`] for a minor.
    pub fn try_new(
        name: &str,
        birth_date: NaiveDate,
        address: &str,
        seen: SeenDocument,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let (name, address) = (text("name", name)?, text("address", address)?);
        require_adult(birth_date, now)?;
        Ok(Self { name, birth_date, address, seen })
    }
}

/// A recipient who is confirmed.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// Who.
    pub recipient: RecipientId,
    /// In which household.
    pub household: HouseholdId,
    /// Where they live, as the household said.
    pub country: Country,
    /// The region there.
    pub region: String,
    /// When.
    pub confirmed_at: DateTime<Utc>,
}
