//! Beneficiaries: who is paid, where and how.

mod store;

use chrono::{DateTime, Utc};
use iban::IbanLike;
use platform::unseen::is_misleading;
use serde::{Deserialize, Serialize};

pub use store::Beneficiaries;

use crate::Error;

platform::define_id!(BeneficiaryId, "Somebody who is paid.");

/// Beneficiaries that one sender has at most: as many as the list shows.
pub const MAX_BENEFICIARIES: i64 = 200;

/// Characters that a name or an account has at most.
const LONGEST_TEXT: usize = 200;

/// How somebody is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// To a bank account, by IBAN.
    BankAccount,
    /// To a mobile wallet, by phone number.
    MobileWallet,
    /// In cash, over the counter.
    Cash,
    /// To an account that the institution keeps.
    InstitutionAccount,
}

impl Channel {
    const ALL: [Self; 4] = [Self::BankAccount, Self::MobileWallet, Self::Cash, Self::InstitutionAccount];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::BankAccount => "bank-account",
            Self::MobileWallet => "mobile-wallet",
            Self::Cash => "cash",
            Self::InstitutionAccount => "institution-account",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|channel| channel.word() == word).ok_or(Error::Corrupt("a channel"))
    }
}

/// What this room needs to know of an institution that pays out; whoever asks has looked that it is live.
#[derive(Clone, Debug)]
pub struct PayoutPartner {
    /// Its name in account codes.
    pub code: String,
    /// Where it pays out.
    pub country: String,
    /// How.
    pub channels: Vec<Channel>,
}

/// Who is paid, checked and not yet kept.
#[derive(Clone)]
pub struct NewBeneficiary {
    pub(crate) name: String,
    pub(crate) channel: Channel,
    pub(crate) account: Option<String>,
    pub(crate) institution: String,
    pub(crate) country: String,
}

/// Who is paid.
#[derive(Clone)]
pub struct Beneficiary {
    /// Which.
    pub id: BeneficiaryId,
    /// As the sender wrote it.
    pub name: String,
    /// How.
    pub channel: Channel,
    /// IBAN, phone number or account number.
    pub account: Option<String>,
    /// Through whom.
    pub institution: String,
    /// Where.
    pub country: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl NewBeneficiary {
    /// Their name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The country in which they are paid.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// Whether it is the same one, paid in the same way.
    #[must_use]
    pub fn is(&self, kept: &Beneficiary) -> bool {
        self.name == kept.name
            && self.channel == kept.channel
            && self.account == kept.account
            && self.institution == kept.institution
            && self.country == kept.country
    }

    /// Checks who is to be paid by a partner.
    ///
    /// # Errors
    /// [`Error::Beneficiary`] with the field.
    pub fn try_new(
        name: &str,
        channel: Channel,
        account: Option<&str>,
        partner: &PayoutPartner,
    ) -> Result<Self, Error> {
        let fault = |field, what| Error::Beneficiary { field, what };
        if !partner.channels.contains(&channel) {
            return Err(fault("channel", "the institution does not pay out like that"));
        }
        let account = match (channel, account.map(str::trim).filter(|text| !text.is_empty())) {
            (Channel::Cash, None) => None,
            (Channel::Cash, Some(_)) => return Err(fault("account", "cash needs no account")),
            (_, None) => return Err(fault("account", "is missing")),
            (Channel::BankAccount, Some(text)) => {
                let iban: iban::Iban = text.parse().map_err(|_| fault("account", "is no IBAN"))?;
                Some(iban.electronic_str().to_owned())
            }
            (Channel::MobileWallet, Some(text)) => {
                let digits = text.strip_prefix('+').unwrap_or("");
                let valid = (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
                if !valid {
                    return Err(fault("account", "is no phone number such as +221771234567"));
                }
                Some(text.to_owned())
            }
            (Channel::InstitutionAccount, Some(text)) => Some(
                checked(text)
                    .ok_or_else(|| fault("account", "is empty, too long, or has characters that cannot be seen"))?,
            ),
        };
        Ok(Self {
            name: checked(name)
                .ok_or_else(|| fault("name", "is empty, too long, or has characters that cannot be seen"))?,
            channel,
            account,
            institution: partner.code.clone(),
            country: partner.country.clone(),
        })
    }
}

fn checked(text: &str) -> Option<String> {
    let text = text.trim();
    let valid = !text.is_empty() && text.chars().count() <= LONGEST_TEXT && !text.chars().any(is_misleading);
    valid.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_fit_their_channel() {
        use Channel::{BankAccount, Cash, InstitutionAccount, MobileWallet};
        let partner = PayoutPartner {
            code: "caisse-thies".to_owned(),
            country: "SN".to_owned(),
            channels: vec![BankAccount, Cash, MobileWallet],
        };
        let made = |channel, account| NewBeneficiary::try_new("Fatou", channel, account, &partner).is_ok();
        assert!(made(Cash, None));
        assert!(!made(Cash, Some("1")));
        assert!(made(BankAccount, Some("FR14 2004 1010 0505 0001 3M02 606")));
        assert!(!made(BankAccount, Some("FR14 2004 1010 0505 0001 3M02 607")));
        assert!(!made(BankAccount, None));
        assert!(made(MobileWallet, Some("+221771234567")));
        assert!(!made(MobileWallet, Some("771234567")));
        assert!(!made(InstitutionAccount, Some("1")), "the partner does not offer it");
    }

    #[test]
    fn a_name_holds_nothing_that_cannot_be_seen() {
        let partner =
            PayoutPartner { code: "caisse-thies".to_owned(), country: "SN".to_owned(), channels: vec![Channel::Cash] };
        let made = |name: &str| NewBeneficiary::try_new(name, Channel::Cash, None, &partner).is_ok();
        assert!(made("Fatou Ndiaye") && made("علی\u{200c}رضا"));
        for unseen in ['\u{ad}', '\u{200b}', '\u{202e}', '\u{2060}', '\u{feff}', '\n'] {
            assert!(!made(&format!("Fa{unseen}tou")), "{unseen:?}");
        }
    }
}
