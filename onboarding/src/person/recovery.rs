//! Accounts whose owner lost the password or a second factor.
//!
//! `asked → waiting → completed | cancelled`. Reading the contact alone is not enough: whoever does has to wait, every
//! device of the owner shows it meanwhile and can stop it, and afterwards little can be sent for a while. Who shows a
//! second factor too waits for nothing.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

platform::define_id!(RecoveryId, "A recovery of an account.");

/// Where a recovery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecoveryState {
    /// A code was sent.
    Asked,
    /// The code was shown; the owner can stop it.
    Waiting,
    /// There is a new password.
    Completed,
    /// The owner stopped it, or a later one took its place.
    Cancelled,
}

impl RecoveryState {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What completes a recovery: 256 random bits in hexadecimal, shown once.
pub struct RecoveryKey(pub(super) SecretString);

impl RecoveryKey {
    pub(super) fn generate() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(hex::encode(bytes).into())
    }

    /// The key, for the answer that hands it over.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A recovery that has begun.
pub struct RecoveryBegun {
    /// What completes it.
    pub key: RecoveryKey,
    /// From when on.
    pub ready_at: DateTime<Utc>,
}
