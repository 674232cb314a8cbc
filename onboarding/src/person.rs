//! People: contact, password, identity.

mod client_network;
mod contact;
mod device;
mod notice;
mod one_time;
mod passkey;
mod password;
mod recovery;
mod second_factor;
mod store;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use platform::unseen::is_misleading;
use serde::{Deserialize, Serialize};

pub use client_network::ClientNetwork;
pub use contact::{Contact, ContactError};
pub use device::{Device, DeviceId, MOST_DEVICES, RefreshToken};
pub(crate) use notice::notify_in;
pub use notice::{
    CONFIRMATION_TEMPLATE, DEVICE_CODE_TEMPLATE, NEW_DEVICE_TEMPLATE, Notice, PASSWORD_CHANGED_TEMPLATE,
    RECOVERED_TEMPLATE, RECOVERY_BEGUN_TEMPLATE, RECOVERY_CODE_TEMPLATE, REGISTERED_ALREADY_TEMPLATE,
    SECOND_FACTOR_GUESSED_TEMPLATE, SECOND_FACTORS_CHANGED_TEMPLATE, TOKEN_REUSED_TEMPLATE,
};
pub use passkey::SecondFactorPolicy;
pub use password::PasswordPolicy;
pub use recovery::{RecoveryBegun, RecoveryId, RecoveryKey};
pub use second_factor::{
    Assurance, Challenge, ChallengeId, Factor, FactorAnswer, FactorId, FactorKind, MOST_FACTORS, NewOneTimeCodes,
    SignIn, SignedIn,
};
pub(crate) use store::{CONTACT, identity_in};
pub use store::{People, RecoveryPolicy, SignInPolicy, StatedIdentity};

use crate::{Country, Error};

platform::define_id!(PersonId, "A person.");

/// The least age at which a person opens an account alone.
const ADULT_YEARS: u32 = 18;
/// The year in which the oldest people who live can have been born.
const EARLIEST_BIRTH: i32 = 1900;
/// Characters that a name or an address has at most.
const LONGEST_TEXT: usize = 200;

/// Where a person stands with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonState {
    /// Registered; the contact is not confirmed.
    Registered,
    /// The contact is confirmed, and more as far as the tier says.
    Verified(Tier),
    /// May look, but not move money.
    Restricted,
    /// Gone.
    Closed,
}

/// How much is known of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The contact is confirmed: browse and quote.
    Contact,
    /// Name, birth date and address are stated: small amounts.
    Identity,
    /// A document was seen: ordinary amounts.
    Document,
    /// The source of funds is known: high amounts.
    Funds,
}

impl Tier {
    /// The number by which people call it.
    #[must_use]
    pub const fn number(self) -> i16 {
        match self {
            Self::Contact => 0,
            Self::Identity => 1,
            Self::Document => 2,
            Self::Funds => 3,
        }
    }

    pub(crate) fn from_number(number: i16) -> Result<Self, Error> {
        [Self::Contact, Self::Identity, Self::Document, Self::Funds]
            .into_iter()
            .find(|tier| tier.number() == number)
            .ok_or(Error::Corrupt("a tier"))
    }
}

/// A language that we speak to people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// Portuguese.
    Pt,
    /// Arabic.
    Ar,
}

/// The text is no language that we speak.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("we write in en, fr, es, pt and ar")]
pub struct UnknownLanguage;

impl Language {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::En, Self::Fr, Self::Es, Self::Pt, Self::Ar];

    /// The BCP 47 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::Pt => "pt",
            Self::Ar => "ar",
        }
    }

    /// The language of that code.
    ///
    /// # Errors
    /// [`UnknownLanguage`] when we do not speak it.
    pub fn try_new(code: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL.into_iter().find(|language| language.code() == code).ok_or(UnknownLanguage)
    }
}

/// A person who is let in: comes only out of a check.
#[derive(Clone, Debug)]
pub struct Person {
    id: PersonId,
    tier: Tier,
    language: Language,
    device: DeviceId,
    assurance: Assurance,
    limits_lowered: bool,
}

impl Person {
    /// On which device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// How sure it is that it is them.
    #[must_use]
    pub const fn assurance(&self) -> Assurance {
        self.assurance
    }

    /// Whether they can send only little at the moment, since their account was recovered.
    #[must_use]
    pub const fn has_lowered_limits(&self) -> bool {
        self.limits_lowered
    }

    /// Lets go on only who showed more than the password: for money that goes out, and for what guards the account.
    ///
    /// # Errors
    /// [`Error::DeviceNotProven`], [`Error::SecondFactorNeeded`].
    pub const fn must_be_strong(&self) -> Result<(), Error> {
        match self.assurance {
            Assurance::Strong => Ok(()),
            Assurance::SecondFactorDue => Err(Error::SecondFactorNeeded),
            Assurance::Password => Err(Error::DeviceNotProven),
        }
    }

    /// Who.
    #[must_use]
    pub const fn id(&self) -> PersonId {
        self.id
    }

    /// How much is known of them.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// The language that they read.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }
}

/// Who a person says to be.
#[derive(Clone)]
pub struct Identity {
    pub(crate) name: String,
    pub(crate) birth_date: NaiveDate,
    pub(crate) address: String,
    pub(crate) country: Country,
}

impl Identity {
    /// A stated identity; the name is kept as given, in one piece and in any script.
    ///
    /// # Errors
    /// [`Error::Text`] for an empty or overlong text, [`Error::TooYoung`] for a child, [`Error::BirthDate`] for
    /// a year before the oldest people's.
    pub fn try_new(
        name: &str,
        birth_date: NaiveDate,
        address: &str,
        country: Country,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let name = text("name", name)?;
        let address = text("address", address)?;
        if birth_date.year() < EARLIEST_BIRTH {
            return Err(Error::BirthDate { earliest: EARLIEST_BIRTH });
        }
        let eighteenth = i32::try_from(ADULT_YEARS)
            .ok()
            .and_then(|years| birth_date.with_year(birth_date.year() + years))
            // Born on 29 February: of age on 1 March.
            .or_else(|| NaiveDate::from_ymd_opt(birth_date.year() + 18, 3, 1));
        if eighteenth.is_none_or(|day| day > now.date_naive()) {
            return Err(Error::TooYoung { years: ADULT_YEARS });
        }
        Ok(Self { name, birth_date, address, country })
    }
}

pub(crate) fn text(field: &'static str, given: &str) -> Result<String, Error> {
    let given = given.trim();
    if given.is_empty() || given.chars().count() > LONGEST_TEXT || given.chars().any(is_misleading) {
        return Err(Error::Text { field, maximum: LONGEST_TEXT });
    }
    Ok(given.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_cannot_open_an_account_alone() -> Result<(), Box<dyn std::error::Error>> {
        let now: DateTime<Utc> = "2026-03-01T00:00:00Z".parse()?;
        let senegal = Country::try_new("SN")?;
        let born = |text: &str| -> Result<bool, Box<dyn std::error::Error>> {
            Ok(Identity::try_new("Awa", text.parse()?, "Thiès", senegal, now).is_ok())
        };
        assert!(born("2008-03-01")?);
        assert!(!born("2008-03-02")?);
        assert!(born("2004-02-29")?);
        Ok(())
    }
}
