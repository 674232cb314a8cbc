use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;
use platform::outbox::{Message, enqueue_in};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::password::{PasswordPolicy, Passwords};
use super::{Contact, Identity, Language, Person, PersonId, PersonState, Tier};
use crate::Error;
use crate::schema::{confirmations, people};

/// The template of the message that carries a code.
pub const CONFIRMATION_TEMPLATE: &str = "confirmation-code";
/// The template of the message to somebody who registers a second time.
pub const REGISTERED_ALREADY_TEMPLATE: &str = "registered-already";

/// How long a code can be used.
const CODE_LIFE: Duration = Duration::minutes(15);
/// How often a code can be tried: with six digits, one chance in 200,000.
const CODE_TRIES: i32 = 5;
/// Failures after which sign-in is refused for a while; each further one doubles the while.
const FREE_FAILURES: i32 = 5;
/// The longest while, so that nobody can lock another person out for long.
const LONGEST_LOCK: Duration = Duration::minutes(15);

const CONTACT: &str = "onboarding.people.contact";
const CODE: &str = "onboarding.confirmations.code";

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

    /// Registers a contact and sends it a code. The answer is the same when the contact is registered already; its
    /// owner is told by a message.
    ///
    /// # Errors
    /// [`Error::PasswordLength`].
    pub async fn register(&self, contact: &Contact, password: &SecretString, language: Language) -> Result<(), Error> {
        let password_hash = self.passwords.hash(password).await?;
        let index = self.cipher.blind_index(CONTACT, contact.text());
        let person = PersonId::generate();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let inserted = diesel::insert_into(people::table)
                    .values((
                        people::person_id.eq(person),
                        people::state.eq("registered"),
                        people::tier.eq(0),
                        people::contact_kind.eq(contact.kind()),
                        people::contact_index.eq(&index),
                        people::sealed_contact.eq(self.cipher.encrypt(CONTACT, contact.text())),
                        people::password_hash.eq(&password_hash),
                        people::language.eq(language.code()),
                        people::registered_at.eq(self.clock.now()),
                    ))
                    .on_conflict(people::contact_index)
                    .do_nothing()
                    .execute(connection)
                    .await?;
                if inserted == 1 {
                    self.send_code(connection, person, contact, language).await
                } else {
                    self.notify(connection, contact, language, REGISTERED_ALREADY_TEMPLATE, None).await
                }
            })
            .await
    }

    /// Sends another code to a contact that is not confirmed; says nothing about whether there is one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn resend_code(&self, contact: &Contact) -> Result<(), Error> {
        let index = self.cipher.blind_index(CONTACT, contact.text());
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let waiting: Option<(PersonId, String)> = people::table
                    .filter(people::contact_index.eq(&index))
                    .filter(people::state.eq("registered"))
                    .select((people::person_id, people::language))
                    .for_update()
                    .first(connection)
                    .await
                    .optional()?;
                let Some((person, language)) = waiting else { return Ok(()) };
                let language = Language::try_new(&language).map_err(|_| Error::Corrupt("a language"))?;
                self.send_code(connection, person, contact, language).await
            })
            .await
    }

    /// Confirms a contact by the code that was sent to it.
    ///
    /// # Errors
    /// [`Error::WrongCode`], also for an unknown contact.
    pub async fn confirm(&self, contact: &Contact, code: &str) -> Result<(), Error> {
        let index = self.cipher.blind_index(CONTACT, contact.text());
        let code_index = self.cipher.blind_index(CODE, code);
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let person: PersonId = people::table
            .filter(people::contact_index.eq(&index))
            .filter(people::state.eq("registered"))
            .select(people::person_id)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::WrongCode)?;
        // A try is paid for before it is looked at, so that tries at the same moment cannot share one.
        let sent: Vec<u8> = diesel::update(confirmations::table.find(person))
            .filter(confirmations::tries_left.gt(0))
            .filter(confirmations::expires_at.gt(now))
            .set(confirmations::tries_left.eq(confirmations::tries_left - 1))
            .returning(confirmations::code_index)
            .get_result(&mut connection)
            .await
            .optional()?
            .ok_or(Error::WrongCode)?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(sent.as_slice(), code_index.as_slice())) {
            return Err(Error::WrongCode);
        }
        connection
            .transaction(async |connection| {
                diesel::update(people::table.find(person))
                    .filter(people::state.eq("registered"))
                    .set(people::state.eq("verified"))
                    .execute(connection)
                    .await?;
                diesel::delete(confirmations::table.find(person)).execute(connection).await?;
                Ok(())
            })
            .await
    }

    /// Lets in who knows the password of a confirmed contact.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] whatever is wrong, [`Error::Locked`] after repeated failures.
    pub async fn sign_in(&self, contact: &Contact, password: &SecretString) -> Result<Person, Error> {
        type Row = (PersonId, String, i16, String, String, i32, Option<DateTime<Utc>>);
        let index = self.cipher.blind_index(CONTACT, contact.text());
        let row: Option<Row> = {
            let mut connection = self.database.connection().await?;
            people::table
                .filter(people::contact_index.eq(&index))
                .select((
                    people::person_id,
                    people::state,
                    people::tier,
                    people::language,
                    people::password_hash,
                    people::failed_sign_ins,
                    people::locked_until,
                ))
                .first(&mut connection)
                .await
                .optional()?
        };
        let now = self.clock.now();
        if let Some(until) = row.as_ref().and_then(|row| row.6).filter(|until| *until > now) {
            return Err(Error::Locked { seconds: (until - now).num_seconds() + 1 });
        }
        let fits = self.passwords.fits(password, row.as_ref().map(|row| row.4.as_str())).await?;
        let Some((id, state, tier, language, stored, failures, _)) = row else { return Err(Error::WrongCredentials) };
        if !fits {
            self.count_failure(id, failures + 1).await?;
            return Err(Error::WrongCredentials);
        }
        let person = admit(id, &state, tier, &language)?;
        let mut connection = self.database.connection().await?;
        let cleared = (people::failed_sign_ins.eq(0), people::locked_until.eq(None::<DateTime<Utc>>));
        if failures > 0 {
            diesel::update(people::table.find(id)).set(cleared).execute(&mut connection).await?;
        }
        if self.passwords.is_outdated(&stored) {
            let password_hash = self.passwords.hash(password).await?;
            diesel::update(people::table.find(id))
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

    /// Keeps who a person says to be, which lifts them to tier 1. A higher tier stays.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn state_identity(&self, person: &Person, identity: &Identity) -> Result<Tier, Error> {
        let mut connection = self.database.connection().await?;
        let tier = person.tier().max(Tier::Identity);
        diesel::update(people::table.find(person.id()))
            .set((
                people::sealed_name.eq(self.cipher.encrypt("onboarding.people.name", &identity.name)),
                people::sealed_birth_date
                    .eq(self.cipher.encrypt("onboarding.people.birth_date", &identity.birth_date.to_string())),
                people::sealed_address.eq(self.cipher.encrypt("onboarding.people.address", &identity.address)),
                people::country.eq(identity.country.code()),
                people::tier.eq(tier.number()),
            ))
            .execute(&mut connection)
            .await?;
        Ok(tier)
    }

    async fn count_failure(&self, id: PersonId, failures: i32) -> Result<(), Error> {
        let beyond = failures - FREE_FAILURES;
        let locked_until = (beyond >= 0).then(|| {
            let seconds = 1_i64.checked_shl(beyond.clamp(0, 20).unsigned_abs()).unwrap_or(i64::MAX);
            self.clock.now() + Duration::seconds(seconds.min(LONGEST_LOCK.num_seconds()))
        });
        let mut connection = self.database.connection().await?;
        diesel::update(people::table.find(id))
            .set((people::failed_sign_ins.eq(failures), people::locked_until.eq(locked_until)))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    async fn send_code(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        contact: &Contact,
        language: Language,
    ) -> Result<(), Error> {
        let code = format!("{:06}", rand::random_range(0..1_000_000));
        let row = (
            confirmations::code_index.eq(self.cipher.blind_index(CODE, &code)),
            confirmations::tries_left.eq(CODE_TRIES),
            confirmations::expires_at.eq(self.clock.now() + CODE_LIFE),
        );
        diesel::insert_into(confirmations::table)
            .values((confirmations::person_id.eq(person), row.clone()))
            .on_conflict(confirmations::person_id)
            .do_update()
            .set(row)
            .execute(connection)
            .await?;
        self.notify(connection, contact, language, CONFIRMATION_TEMPLATE, Some(code)).await
    }

    async fn notify(
        &self,
        connection: &mut AsyncPgConnection,
        contact: &Contact,
        language: Language,
        template: &str,
        code: Option<String>,
    ) -> Result<(), Error> {
        let notice = Notice { to: contact.text().to_owned(), language, template: template.to_owned(), code };
        enqueue_in(connection, &[Message::try_new(contact.kind(), &notice, &self.cipher)?]).await?;
        Ok(())
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
