mod allowance;
mod failures;
mod identity;
mod registration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use self::failures::Source;
pub use self::identity::StatedIdentity;
pub(crate) use self::identity::identity_in;
use super::password::{PasswordPolicy, Passwords};
use super::{ClientNetwork, Contact, Language, Person, PersonId, PersonState, Tier};
use crate::Error;
use crate::schema::people;

/// The template of the message that carries a code.
pub const CONFIRMATION_TEMPLATE: &str = "confirmation-code";
/// The template of the message to somebody who registers a second time.
pub const REGISTERED_ALREADY_TEMPLATE: &str = "registered-already";

pub(crate) const CONTACT: &str = "onboarding.people.contact";
const NETWORK: &str = "onboarding.sign_in_failures.network";

/// A message to a person, as it lies sealed in the outbox: topic `mail` or `phone`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Address or number.
    pub to: String,
    /// The language to write in.
    pub language: Language,
    /// Which text.
    pub template: String,
    /// The code, where the text has one.
    pub code: Option<String>,
}

/// All people.
#[derive(Clone)]
pub struct People {
    database: Database,
    cipher: Cipher,
    clock: Clock,
    passwords: Passwords,
}

impl People {
    /// The people of a database.
    ///
    /// # Errors
    /// [`Error::Hashing`] when the policy is beyond what Argon2 can do.
    pub fn try_new(database: Database, cipher: Cipher, clock: Clock, policy: PasswordPolicy) -> Result<Self, Error> {
        Ok(Self { database, cipher, clock, passwords: Passwords::try_new(policy)? })
    }

    /// Lets in who knows the password of a confirmed contact. The try is counted before the password is looked at.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] whatever is wrong, [`Error::Locked`] after repeated failures, known contact or not.
    pub async fn sign_in(
        &self,
        contact: &Contact,
        password: &SecretString,
        network: ClientNetwork,
    ) -> Result<Person, Error> {
        type Row = (PersonId, String, i16, String, String);
        let source = Source {
            contact: self.cipher.blind_index(CONTACT, contact.text()),
            network: self.cipher.blind_index(NETWORK, &network.text()),
        };
        let row: Option<Row> = {
            let mut connection = self.database.connection().await?;
            failures::count(&mut connection, &source, self.clock.now()).await?;
            people::table
                .filter(people::contact_index.eq(&source.contact))
                .select((people::person_id, people::state, people::tier, people::language, people::password_hash))
                .first(&mut connection)
                .await
                .optional()?
        };
        let fits = self.passwords.fits(password, row.as_ref().map(|row| row.4.as_str())).await?;
        let Some((id, state, tier, language, stored)) = row.filter(|_| fits) else {
            return Err(Error::WrongCredentials);
        };
        let mut connection = self.database.connection().await?;
        failures::clear(&mut connection, &source, self.clock.now()).await?;
        let person = admit(id, &state, tier, &language)?;
        if self.passwords.is_outdated(&stored) {
            // Hashing may wait for its turn: nobody else's connection waits with it.
            drop(connection);
            let password_hash = self.passwords.hash(password).await?;
            let mut connection = self.database.connection().await?;
            diesel::update(people::table.find(id))
                .filter(people::password_hash.eq(&stored))
                .set(people::password_hash.eq(password_hash))
                .execute(&mut connection)
                .await?;
        }
        Ok(person)
    }

    /// Lets in the bearer of a token that we made for them, if they may still come in.
    ///
    /// # Errors
    /// [`Error::AccountUnusable`].
    pub async fn recognise(&self, id: PersonId) -> Result<Person, Error> {
        let mut connection = self.database.connection().await?;
        let (state, tier, language): (String, i16, String) = people::table
            .find(id)
            .select((people::state, people::tier, people::language))
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::AccountUnusable)?;
        admit(id, &state, tier, &language)
    }
}

fn admit(id: PersonId, state: &str, tier: i16, language: &str) -> Result<Person, Error> {
    let tier = Tier::from_number(tier)?;
    let state = match state {
        "registered" => PersonState::Registered,
        "verified" => PersonState::Verified(tier),
        "restricted" => PersonState::Restricted,
        "closed" => PersonState::Closed,
        _ => return Err(Error::Corrupt("a person's state")),
    };
    let language = Language::try_new(language).map_err(|_| Error::Corrupt("a language"))?;
    match state {
        PersonState::Verified(tier) => Ok(Person::new(id, tier, language)),
        PersonState::Registered | PersonState::Restricted | PersonState::Closed => Err(Error::AccountUnusable),
    }
}
