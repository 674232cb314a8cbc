//! What a person shows beside the password.
//!
//! Who has a second factor shows it at each sign-in, and again when money goes out or the account's security is changed
//! and the last time was a while ago. Who has none shows a code that is sent to the contact, once for each device.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::PersonId;
use super::device::{DeviceId, RefreshToken};
use crate::Error;

platform::define_id!(FactorId, "A second factor of a person.");
platform::define_id!(ChallengeId, "A second factor that is asked for.");

/// Second factors that one person can have.
pub const MOST_FACTORS: usize = 10;

/// What kind of second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorKind {
    /// Codes by time (RFC 6238).
    Totp,
    /// A key that the person's device or token keeps (WebAuthn).
    Passkey,
}

impl FactorKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Totp, Self::Passkey];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
        }
    }

    pub(super) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(Error::Corrupt("a factor's kind"))
    }
}

/// A second factor, as its owner sees it.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Which.
    pub id: FactorId,
    /// What kind.
    pub kind: FactorKind,
    /// What its owner calls it.
    pub name: Option<String>,
    /// Since when it counts.
    pub confirmed_at: DateTime<Utc>,
}

/// An authenticator app that is being set up.
pub struct NewOneTimeCodes {
    /// Which factor it will be.
    pub id: FactorId,
    /// The secret in base 32, for typing.
    pub secret: SecretString,
    /// The address with the secret, for a square code.
    pub address: String,
}

/// A second factor that is asked for.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Which.
    pub id: ChallengeId,
    /// Until when it can be answered.
    pub expires_at: DateTime<Utc>,
    /// Whether a code by time answers it.
    pub totp: bool,
    /// What to ask the person's passkey, if they have one (`PublicKeyCredentialRequestOptions` of WebAuthn).
    pub passkey: Option<serde_json::Value>,
}

/// What is shown for a challenge.
#[derive(Debug)]
pub enum FactorAnswer {
    /// A code by time.
    Totp(SecretString),
    /// What the passkey answered (`PublicKeyCredential` of WebAuthn).
    Passkey(serde_json::Value),
}

/// How a sign-in went on.
#[derive(Debug)]
pub enum SignIn {
    /// They are in.
    Admitted(SignedIn),
    /// They have a second factor, and have to show it first.
    SecondFactor(Challenge),
}

/// Who is in, and by what they stay in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub person: PersonId,
    /// On which device.
    pub device: DeviceId,
    /// What brings the next access token.
    pub refresh_token: RefreshToken,
}

/// How sure it is that a request comes from whom it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assurance {
    /// The password was shown on a device that nothing else proves.
    Password,
    /// A second factor is there, and was not shown lately.
    SecondFactorDue,
    /// The device is proven, and the second factor was shown lately if there is one.
    Strong,
}

impl Assurance {
    pub(super) const fn of(proven: bool, has_factor: bool, factor_is_fresh: bool) -> Self {
        match (has_factor, factor_is_fresh, proven) {
            (true, true, _) | (false, _, true) => Self::Strong,
            (true, false, _) => Self::SecondFactorDue,
            (false, _, false) => Self::Password,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proven_device_is_not_enough_for_who_has_a_second_factor() {
        assert_eq!(Assurance::of(true, true, false), Assurance::SecondFactorDue);
        assert_eq!(Assurance::of(false, true, true), Assurance::Strong);
        assert_eq!(Assurance::of(true, false, false), Assurance::Strong);
        assert_eq!(Assurance::of(false, false, true), Assurance::Password, "a removed factor proves nothing");
    }
}
