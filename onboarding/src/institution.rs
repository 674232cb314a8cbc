//! Partner institutions.

mod store;

use serde::{Deserialize, Serialize};

pub use store::Institutions;

use crate::person::text;
use crate::{Country, Error};

platform::define_id!(InstitutionId, "A partner institution.");

/// Regions, languages or products that one institution may list.
const MOST_LISTED: usize = 50;

/// An institution's short name, as it stands in account codes: `caisse-thies`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct InstitutionCode(String);

/// The text is no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an institution's code has 1 to 40 lower-case letters, digits and hyphens, such as caisse-thies")]
pub struct InvalidInstitutionCode;

impl InstitutionCode {
    /// The code that a text spells.
    ///
    /// # Errors
    /// [`InvalidInstitutionCode`].
    pub fn try_new(text: &str) -> Result<Self, InvalidInstitutionCode> {
        let characters = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let edges = !text.starts_with('-') && !text.ends_with('-');
        if (1..=40).contains(&text.len()) && characters && edges {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidInstitutionCode)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an institution offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// Pays out in cash.
    CashPayout,
    /// Pays out to accounts.
    AccountPayout,
    /// Pays out to mobile wallets.
    WalletPayout,
    /// Savings accounts.
    Savings,
    /// Credit.
    Credit,
    /// Products made for women.
    ForWomen,
}

impl Product {
    const ALL: [Self; 6] =
        [Self::CashPayout, Self::AccountPayout, Self::WalletPayout, Self::Savings, Self::Credit, Self::ForWomen];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CashPayout => "cash-payout",
            Self::AccountPayout => "account-payout",
            Self::WalletPayout => "wallet-payout",
            Self::Savings => "savings",
            Self::Credit => "credit",
            Self::ForWomen => "for-women",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|product| product.word() == word).ok_or(Error::Corrupt("a product"))
    }
}

/// Where an institution stands with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstitutionState {
    /// Handed in its profile.
    Applied,
    /// Vetted by us.
    Approved,
    /// Serves people.
    Live,
    /// Serves nobody for now.
    Suspended,
}

/// What happens to an institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstitutionEvent {
    /// We vetted it.
    Approve,
    /// It begins, or begins again, to serve people.
    GoLive,
    /// It is stopped.
    Suspend,
}

impl InstitutionState {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Live => "live",
            Self::Suspended => "suspended",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        [Self::Applied, Self::Approved, Self::Live, Self::Suspended]
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or(Error::Corrupt("an institution's state"))
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`Error::WrongState`] when the event does not fit.
    pub fn after(self, event: InstitutionEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Applied, InstitutionEvent::Approve) => Ok(Self::Approved),
            (Self::Approved | Self::Suspended, InstitutionEvent::GoLive) => Ok(Self::Live),
            (Self::Approved | Self::Live, InstitutionEvent::Suspend) => Ok(Self::Suspended),
            (state, event) => Err(Error::WrongState {
                thing: "institution",
                state: state.word(),
                wanted: match event {
                    InstitutionEvent::Approve => "approved",
                    InstitutionEvent::GoLive => "live",
                    InstitutionEvent::Suspend => "suspended",
                },
            }),
        }
    }
}

/// A live institution that is let in.
#[derive(Clone, Debug)]
pub struct Institution {
    id: InstitutionId,
    code: InstitutionCode,
}

impl Institution {
    pub(crate) fn stored(id: InstitutionId, code: &str) -> Result<Self, Error> {
        let code = InstitutionCode::try_new(code).map_err(|_| Error::Corrupt("an institution's code"))?;
        Ok(Self { id, code })
    }

    /// Who.
    #[must_use]
    pub const fn id(&self) -> InstitutionId {
        self.id
    }

    /// Its name in account codes.
    #[must_use]
    pub const fn code(&self) -> &InstitutionCode {
        &self.code
    }
}

/// The profile that an institution hands in; public once it is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstitutionApplication {
    /// Its short name.
    pub code: InstitutionCode,
    /// Its legal name.
    pub name: String,
    /// Where it is licensed.
    pub country: Country,
    /// The regions that it serves; none means the whole country.
    pub regions: Vec<String>,
    /// The languages of its staff, as BCP 47 codes.
    pub languages: Vec<String>,
    /// What it offers.
    pub products: Vec<Product>,
}

impl InstitutionApplication {
    /// Checks the texts of a profile.
    ///
    /// # Errors
    /// [`Error::Text`] with the field.
    pub fn checked(mut self) -> Result<Self, Error> {
        self.name = text("name", &self.name)?;
        for (field, list) in [("regions", &mut self.regions), ("languages", &mut self.languages)] {
            if list.len() > MOST_LISTED {
                return Err(Error::Text { field, maximum: MOST_LISTED });
            }
            for item in list.iter_mut() {
                *item = text(field, item)?;
            }
        }
        self.products.dedup();
        self.products.truncate(MOST_LISTED);
        Ok(self)
    }
}
