use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::Error;

/// Characters of a password. NIST SP 800-63B asks for at least 8 and no composition rules.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=128;

/// What a password costs to check. The defaults are OWASP's for Argon2id: 19 MiB, two passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordPolicy {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Hashes that are computed at once: bounds the memory that sign-ins take.
    pub at_once: usize,
}

#[derive(Clone)]
pub(super) struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    // What a sign-in for an unknown contact is checked against, so that it takes as long as a known one.
    decoy: Arc<str>,
}

impl Passwords {
    pub(super) fn try_new(policy: PasswordPolicy) -> Result<Self, Error> {
        let fault = |error: argon2::Error| Error::Hashing(error.to_string());
        let params = Params::new(policy.memory_kib, policy.passes, 1, None).map_err(fault)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let random: [u8; 32] = rand::random();
        let decoy = hash(&argon2, &random)?.into();
        Ok(Self { argon2, turns: Arc::new(Semaphore::new(policy.at_once.max(1))), decoy })
    }

    pub(super) async fn hash(&self, password: &SecretString) -> Result<String, Error> {
        if !LENGTH.contains(&password.expose_secret().chars().count()) {
            return Err(Error::PasswordLength { minimum: *LENGTH.start(), maximum: *LENGTH.end() });
        }
        let (argon2, password) = (self.argon2.clone(), password.clone());
        self.blocking(move || hash(&argon2, password.expose_secret().as_bytes())).await?
    }

    /// Whether the password fits the hash; without a hash, no, after the same work.
    pub(super) async fn fits(&self, password: &SecretString, stored: Option<&str>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let (argon2, password) = (self.argon2.clone(), password.clone());
        let fits = self
            .blocking(move || {
                let stored = PasswordHash::new(&stored).map_err(|error| Error::Hashing(error.to_string()))?;
                Ok::<_, Error>(argon2.verify_password(password.expose_secret().as_bytes(), &stored).is_ok())
            })
            .await??;
        Ok(fits && known)
    }

    /// Whether a hash was made with other parameters than today's.
    pub(super) fn is_outdated(&self, stored: &str) -> bool {
        let today = self.argon2.params();
        PasswordHash::new(stored)
            .ok()
            .and_then(|hash| Params::try_from(&hash).ok())
            .is_none_or(|params| (params.m_cost(), params.t_cost()) != (today.m_cost(), today.t_cost()))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let fault = |error: &dyn std::fmt::Display| Error::Hashing(error.to_string());
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|error| fault(&error))?;
        // The work goes on when whoever asked is gone, and so its turn is its own.
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        task.await.map_err(|error| fault(&error))
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, Error> {
    Ok(argon2.hash_password(password).map_err(|error| Error::Hashing(error.to_string()))?.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_request_that_is_given_up_keeps_its_turn_until_the_hash_is_done() -> Result<(), Box<dyn std::error::Error>>
    {
        let passwords = Passwords::try_new(PasswordPolicy { memory_kib: 64, passes: 1, at_once: 1 })?;
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let work = passwords.blocking(move || finished.recv());
        assert!(tokio::time::timeout(Duration::from_millis(50), work).await.is_err());
        assert_eq!(passwords.turns.available_permits(), 0, "the work is not done");
        finish.send(())?;
        assert!(passwords.blocking(|| true).await?, "its end frees the turn");
        Ok(())
    }
}
