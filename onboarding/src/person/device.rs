//! Devices that a person is signed in on, and their refresh tokens.
//!
//! A refresh token is good once: the answer to it brings the next one. Each names its device and its generation, with a
//! code that only the device's secret makes, so that a token of ours is told from an invented one however old it is, and
//! nothing but the current generation has to be kept.

use chrono::{DateTime, Duration, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

platform::define_id!(DeviceId, "A device that a person is signed in on.");

/// Devices that a person is signed in on at once; one more ends the one that was idle the longest.
pub const MOST_DEVICES: usize = 20;
/// How long the token before the current one gives the current one again: the answer to it may have been lost on the
/// way.
pub(super) const REPEATED_WITHIN: Duration = Duration::minutes(1);

/// Why a device is not signed in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceEnd {
    SignedOut,
    Idle,
    CrowdedOut,
    TokenReused,
    PasswordChanged,
    Recovered,
}

impl DeviceEnd {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Idle => "idle",
            Self::CrowdedOut => "crowded-out",
            Self::TokenReused => "token-reused",
            Self::PasswordChanged => "password-changed",
            Self::Recovered => "recovered",
        }
    }
}

/// A device, as its owner sees it.
#[derive(Clone, Debug)]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// What its owner calls it.
    pub name: Option<String>,
    /// When they signed in on it.
    pub signed_in_at: DateTime<Utc>,
    /// When it was last heard of.
    pub refreshed_at: DateTime<Utc>,
    /// Whether more than the password showed that it is theirs.
    pub proven: bool,
}

/// What a device shows to stay signed in.
#[derive(Clone)]
pub struct RefreshToken {
    pub(super) device: DeviceId,
    pub(super) generation: i32,
    code: Vec<u8>,
}

/// Prints no secret.
impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RefreshToken")
    }
}

impl RefreshToken {
    pub(super) fn make(secret: &SecretString, device: DeviceId, generation: i32) -> Self {
        Self { device, generation, code: code(secret, device, generation) }
    }

    /// Reads a token; whether it is one of ours is another question.
    pub(super) fn parse(text: &SecretString) -> Option<Self> {
        let mut parts = text.expose_secret().splitn(3, '.');
        let device = Uuid::try_parse(parts.next()?).ok()?;
        let generation = parts.next()?.parse().ok()?;
        Some(Self { device: DeviceId::from_uuid(device), generation, code: hex::decode(parts.next()?).ok()? })
    }

    pub(super) fn is_made_with(&self, secret: &SecretString) -> bool {
        code(secret, self.device, self.generation).ct_eq(&self.code).into()
    }

    /// The token, for the answer that hands it over.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}.{}.{}", self.device.uuid().simple(), self.generation, hex::encode(&self.code))
    }
}

/// A secret for a new device: 256 random bits in hexadecimal.
pub(super) fn new_secret() -> SecretString {
    let bytes: [u8; 32] = rand::random();
    hex::encode(bytes).into()
}

fn code(secret: &SecretString, device: DeviceId, generation: i32) -> Vec<u8> {
    // A key of any length fits; without one no code would fit.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return Vec::new() };
    mac.update(device.uuid().as_bytes());
    mac.update(&generation.to_be_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_no_other_secret_generation_or_device_makes_it() {
        let (ours, theirs) = (new_secret(), new_secret());
        let device = DeviceId::generate();
        let token = RefreshToken::make(&ours, device, 7);
        let read = RefreshToken::parse(&token.reveal().into()).expect("a token");
        assert_eq!((read.device, read.generation), (device, 7));
        assert!(read.is_made_with(&ours));
        assert!(!read.is_made_with(&theirs));
        let claimed = token.reveal().replacen(".7.", ".8.", 1);
        assert!(!RefreshToken::parse(&claimed.into()).expect("a token").is_made_with(&ours));
        let moved = RefreshToken { device: DeviceId::generate(), ..token };
        assert!(!moved.is_made_with(&ours));
        for text in ["", "a.b.c", "..", &format!("{}.1", Uuid::nil()), &format!("{}.99999999999.00", Uuid::nil())] {
            assert!(RefreshToken::parse(&text.to_owned().into()).is_none(), "{text}");
        }
    }
}
