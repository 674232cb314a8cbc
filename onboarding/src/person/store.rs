mod allowance;
mod challenges;
mod devices;
mod failures;
mod identity;
mod recoveries;
mod registration;
mod second_factors;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;
use platform::outbox::{Message, enqueue_in};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use self::failures::{PASSWORDS, Source};
pub use self::identity::StatedIdentity;
pub(crate) use self::identity::identity_in;
use super::notice::{Notice, notify_in};
use super::passkey::{Passkeys, SecondFactorPolicy};
use super::password::{PasswordPolicy, Passwords};
use super::second_factor::SignIn;
use super::{ClientNetwork, Contact, Language, PersonId, PersonState, Tier};
use crate::Error;
use crate::schema::people;

pub(crate) const CONTACT: &str = "onboarding.people.contact";
const NETWORK: &str = "onboarding.sign_in_failures.network";

/// How people are let in.
#[derive(Clone, Debug)]
pub struct SignInPolicy {
    /// What a password costs to check.
    pub passwords: PasswordPolicy,
    /// Second factors.
    pub second_factors: SecondFactorPolicy,
    /// Lost passwords and second factors.
    pub recovery: RecoveryPolicy,
    /// Days after which a device that was not heard of is signed out.
    pub idle_days: u16,
    /// Minutes after the contact was confirmed in which a sign-in proves its device.
    pub confirmation_proves_minutes: u16,
}

/// How an account comes back to who lost the password or a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryPolicy {
    /// Hours in which the owner can stop it.
    pub wait_hours: u16,
    /// Days after it for which only little can be sent.
    pub lowered_days: u16,
}

/// All people.
#[derive(Clone)]
pub struct People {
    database: Database,
    cipher: Cipher,
    clock: Clock,
    passwords: Passwords,
    passkeys: Passkeys,
    issuer: String,
    factor_counts_for: Duration,
    idle_after: Duration,
    confirmation_proves_for: Duration,
    recovery: RecoveryPolicy,
}

impl People {
    /// The people of a database.
    ///
    /// # Errors
    /// [`Error::Hashing`] when the policy is beyond what Argon2 can do, [`Error::Passkeys`] when passkeys cannot be used
    /// where it says.
    pub fn try_new(database: Database, cipher: Cipher, clock: Clock, policy: &SignInPolicy) -> Result<Self, Error> {
        Ok(Self {
            database,
            cipher,
            clock,
            passwords: Passwords::try_new(policy.passwords)?,
            passkeys: Passkeys::try_new(&policy.second_factors)?,
            issuer: policy.second_factors.issuer.clone(),
            factor_counts_for: Duration::minutes(policy.second_factors.fresh_minutes.into()),
            idle_after: Duration::days(policy.idle_days.into()),
            confirmation_proves_for: Duration::minutes(policy.confirmation_proves_minutes.into()),
            recovery: policy.recovery,
        })
    }

    /// Lets in who knows the password of a confirmed contact, or asks them for their second factor. The try is counted
    /// before the password is looked at.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] whatever is wrong, [`Error::Locked`] after repeated failures, known contact or not.
    pub async fn sign_in(
        &self,
        contact: &Contact,
        password: &SecretString,
        network: ClientNetwork,
        device_name: Option<&str>,
    ) -> Result<SignIn, Error> {
        type Row = (PersonId, String, i16, String);
        let source = Source {
            contact: self.cipher.blind_index(CONTACT, contact.text()),
            network: self.cipher.blind_index(NETWORK, &network.text()),
        };
        let row: Option<Row> = {
            let mut connection = self.database.connection().await?;
            failures::count(&mut connection, &source, PASSWORDS, self.clock.now()).await?;
            people::table
                .filter(people::contact_index.eq(&source.contact))
                .select((people::person_id, people::state, people::tier, people::password_hash))
                .first(&mut connection)
                .await
                .optional()?
        };
        let fits = self.passwords.fits(password, row.as_ref().map(|row| row.3.as_str())).await?;
        let Some((id, state, tier, stored)) = row.filter(|_| fits) else {
            return Err(Error::WrongCredentials);
        };
        let mut connection = self.database.connection().await?;
        failures::clear(&mut connection, &source, PASSWORDS, self.clock.now()).await?;
        verified(&state, tier)?;
        drop(connection);
        let mut verified_hash = stored;
        if self.passwords.is_outdated(&verified_hash) {
            // Hashing may wait for its turn: nobody else's connection waits with it.
            let password_hash = self.passwords.hash(password).await?;
            let mut connection = self.database.connection().await?;
            diesel::update(people::table.find(id))
                .filter(people::password_hash.eq(&verified_hash))
                .set(people::password_hash.eq(&password_hash))
                .execute(&mut connection)
                .await?;
            verified_hash = password_hash;
        }
        self.after_password(id, &verified_hash, device_name).await
    }

    pub(crate) async fn connection(&self) -> Result<platform::database::Connection, Error> {
        Ok(self.database.connection().await?)
    }

    /// How much is known of a person, if they may come in.
    ///
    /// # Errors
    /// [`Error::AccountUnusable`].
    pub async fn tier_of(&self, id: PersonId) -> Result<Tier, Error> {
        let mut connection = self.database.connection().await?;
        let (state, tier): (String, i16) = people::table
            .find(id)
            .select((people::state, people::tier))
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::AccountUnusable)?;
        verified(&state, tier)
    }

    /// The hash of the person's password, if this is it: counted like a sign-in, for who is in already.
    async fn password_hash_of(
        &self,
        person: PersonId,
        password: &SecretString,
        network: ClientNetwork,
    ) -> Result<Option<String>, Error> {
        let mut connection = self.database.connection().await?;
        let (contact, stored): (Vec<u8>, String) = people::table
            .find(person)
            .select((people::contact_index, people::password_hash))
            .first(&mut connection)
            .await?;
        let source = Source { contact, network: self.cipher.blind_index(NETWORK, &network.text()) };
        failures::count(&mut connection, &source, PASSWORDS, self.clock.now()).await?;
        drop(connection);
        let fits = self.passwords.fits(password, Some(&stored)).await?;
        if fits {
            let mut connection = self.database.connection().await?;
            failures::clear(&mut connection, &source, PASSWORDS, self.clock.now()).await?;
        }
        Ok(fits.then_some(stored))
    }

    /// Puts a message to a contact into the outbox.
    async fn notify(
        &self,
        connection: &mut AsyncPgConnection,
        contact: &Contact,
        language: Language,
        template: &str,
        code: Option<String>,
    ) -> Result<(), Error> {
        let (to, template) = (contact.text().to_owned(), template.to_owned());
        let notice = Notice { to, language, template, code, arguments: BTreeMap::new() };
        enqueue_in(connection, &[Message::try_new(contact.kind(), &notice, &self.cipher)?]).await?;
        Ok(())
    }

    /// Puts a message to a person into the outbox, in their language.
    async fn notify_person(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        template: &str,
        code: Option<String>,
    ) -> Result<(), Error> {
        notify_in(connection, &self.cipher, person, template, code).await
    }
}

/// The tier of somebody who may come in.
fn verified(state: &str, tier: i16) -> Result<Tier, Error> {
    let tier = Tier::from_number(tier)?;
    let state = match state {
        "registered" => PersonState::Registered,
        "verified" => PersonState::Verified(tier),
        "restricted" => PersonState::Restricted,
        "closed" => PersonState::Closed,
        _ => return Err(Error::Corrupt("a person's state")),
    };
    match state {
        PersonState::Verified(tier) => Ok(tier),
        PersonState::Registered | PersonState::Restricted | PersonState::Closed => Err(Error::AccountUnusable),
    }
}

/// A code of six digits.
fn six_digits() -> String {
    format!("{:06}", rand::random_range(0..1_000_000))
}

/// Whether a moment lies less than that long ago.
fn within(moment: Option<DateTime<Utc>>, span: Duration, now: DateTime<Utc>) -> bool {
    moment.is_some_and(|moment| moment + span > now)
}
