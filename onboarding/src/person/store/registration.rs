//! Registrations: anybody can register a contact, and only its owner reads the codes that are sent to it.
//!
//! # What it promises
//! - A code belongs to one registration, and makes that registration's password good and no other. Whoever registers
//!   another person's contact, before or after them, gets nothing when they confirm with the code of their own.
//! - Nobody learns from an answer whether a contact is registered, waits for a code, or has used up its day's messages.
//! - Tries are paid for before a code is looked at, under the lock of the person's row.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use secrecy::SecretString;

use super::allowance::{Allowance, Purpose};
use super::{CONTACT, People, six_digits};
use crate::Error;
use crate::person::notice::{CONFIRMATION_TEMPLATE, REGISTERED_ALREADY_TEMPLATE};
use crate::person::{Contact, Language, PersonId};
use crate::schema::{confirmations, people};

platform::define_id!(ConfirmationId, "A registration that waits for its code.");

/// How long a code can be used.
const CODE_LIFE: Duration = Duration::minutes(15);
/// How often a code can be tried: with six digits, one chance in 200,000.
const CODE_TRIES: i32 = 5;
/// Registrations of one contact that wait at once; the newest ones stay.
const MOST_WAITING: usize = 3;

const CODE: &str = "onboarding.confirmations.code";

impl People {
    /// Registers a contact and sends it a code. The answer is the same when the contact is registered already; its
    /// owner is told by a message. While the contact is not confirmed, each registration has a code of its own.
    ///
    /// # Errors
    /// [`Error::PasswordLength`].
    pub async fn register(&self, contact: &Contact, password: &SecretString, language: Language) -> Result<(), Error> {
        let password_hash = self.passwords.hash(password).await?;
        let index = self.cipher.blind_index(CONTACT, contact.text());
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                diesel::insert_into(people::table)
                    .values((
                        people::person_id.eq(PersonId::generate()),
                        people::state.eq("registered"),
                        people::tier.eq(0),
                        people::contact_kind.eq(contact.kind()),
                        people::contact_index.eq(&index),
                        people::sealed_contact.eq(self.cipher.encrypt(CONTACT, contact.text())),
                        people::password_hash.eq(&password_hash),
                        people::language.eq(language.code()),
                        people::registered_at.eq(now),
                    ))
                    .on_conflict(people::contact_index)
                    .do_nothing()
                    .execute(connection)
                    .await?;
                let (person, state): (PersonId, String) = people::table
                    .filter(people::contact_index.eq(&index))
                    .select((people::person_id, people::state))
                    .for_update()
                    .first(connection)
                    .await?;
                let allowance = Allowance::of(connection, person, Purpose::Registration, now).await?.message(now);
                let Some(allowance) = allowance else { return Ok(()) };
                allowance.keep(connection, person, Purpose::Registration).await?;
                if state != "registered" {
                    return self.notify(connection, contact, language, REGISTERED_ALREADY_TEMPLATE, None).await;
                }
                diesel::update(people::table.find(person))
                    .set((people::password_hash.eq(&password_hash), people::language.eq(language.code())))
                    .execute(connection)
                    .await?;
                let code = self.fresh_code(connection, person).await?;
                diesel::insert_into(confirmations::table)
                    .values((
                        confirmations::confirmation_id.eq(ConfirmationId::generate()),
                        confirmations::person_id.eq(person),
                        confirmations::password_hash.eq(&password_hash),
                        confirmations::language.eq(language.code()),
                        self.terms(&code, now),
                    ))
                    .execute(connection)
                    .await?;
                drop_oldest(connection, person).await?;
                self.notify(connection, contact, language, CONFIRMATION_TEMPLATE, Some(code)).await
            })
            .await
    }

    /// Sends another code to a contact that is not confirmed; says nothing about whether there is one. The code before
    /// it dies. A minute lies between two messages. When several registrations wait none is sent, since it could be
    /// that of somebody else's registration: who registers again gets one of their own.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn resend_code(&self, contact: &Contact) -> Result<(), Error> {
        let index = self.cipher.blind_index(CONTACT, contact.text());
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let Some(person) = registered(connection, &index).await? else { return Ok(()) };
                let waiting: Vec<(ConfirmationId, String)> = confirmations::table
                    .filter(confirmations::person_id.eq(person))
                    .select((confirmations::confirmation_id, confirmations::language))
                    .load(connection)
                    .await?;
                let [(confirmation, language)] = waiting.as_slice() else { return Ok(()) };
                let language = Language::try_new(language).map_err(|_| Error::Corrupt("a language"))?;
                let allowance =
                    Allowance::of(connection, person, Purpose::Registration, now).await?.repeated_message(now);
                let Some(allowance) = allowance else { return Ok(()) };
                allowance.keep(connection, person, Purpose::Registration).await?;
                let code = self.fresh_code(connection, person).await?;
                diesel::update(confirmations::table.find(confirmation))
                    .set(self.terms(&code, now))
                    .execute(connection)
                    .await?;
                self.notify(connection, contact, language, CONFIRMATION_TEMPLATE, Some(code)).await
            })
            .await
    }

    /// Confirms a contact by the code that was sent to it, and makes the password good that this code was asked for
    /// with.
    ///
    /// # Errors
    /// [`Error::WrongCode`], also for an unknown contact.
    pub async fn confirm(&self, contact: &Contact, code: &str) -> Result<(), Error> {
        let index = self.cipher.blind_index(CONTACT, contact.text());
        let code_index = self.cipher.blind_index(CODE, code);
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        // A wrong code is no error of the transaction: the try that it cost has to be kept.
        let confirmed: Result<bool, Error> = connection
            .transaction(async |connection| {
                let Some(person) = registered(connection, &index).await? else { return Ok(false) };
                let allowance = Allowance::of(connection, person, Purpose::Registration, now).await?.attempt();
                let Some(allowance) = allowance else { return Ok(false) };
                allowance.keep(connection, person, Purpose::Registration).await?;
                let waiting: Vec<(Vec<u8>, String, String)> = diesel::update(confirmations::table)
                    .filter(confirmations::person_id.eq(person))
                    .filter(confirmations::tries_left.gt(0))
                    .filter(confirmations::expires_at.gt(now))
                    .set(confirmations::tries_left.eq(confirmations::tries_left - 1))
                    .returning((confirmations::code_index, confirmations::password_hash, confirmations::language))
                    .get_results(connection)
                    .await?;
                let fits = |sent: &[u8]| bool::from(subtle::ConstantTimeEq::ct_eq(sent, code_index.as_slice()));
                let Some((_, password_hash, language)) = waiting.iter().find(|(sent, ..)| fits(sent)) else {
                    return Ok(false);
                };
                diesel::update(people::table.find(person))
                    .set((
                        people::state.eq("verified"),
                        people::confirmed_at.eq(now),
                        people::password_hash.eq(password_hash),
                        people::language.eq(language),
                    ))
                    .execute(connection)
                    .await?;
                diesel::delete(confirmations::table.filter(confirmations::person_id.eq(person)))
                    .execute(connection)
                    .await?;
                Ok(true)
            })
            .await;
        if confirmed? { Ok(()) } else { Err(Error::WrongCode) }
    }

    /// A code that no other registration of the person has.
    async fn fresh_code(&self, connection: &mut AsyncPgConnection, person: PersonId) -> Result<String, Error> {
        let taken: Vec<Vec<u8>> = confirmations::table
            .filter(confirmations::person_id.eq(person))
            .select(confirmations::code_index)
            .load(connection)
            .await?;
        loop {
            let code = six_digits();
            if !taken.contains(&self.cipher.blind_index(CODE, &code)) {
                return Ok(code);
            }
        }
    }

    fn terms(&self, code: &str, now: DateTime<Utc>) -> Terms {
        Terms { code_index: self.cipher.blind_index(CODE, code), tries_left: CODE_TRIES, expires_at: now + CODE_LIFE }
    }
}

/// What a new code brings to its registration.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = confirmations)]
struct Terms {
    code_index: Vec<u8>,
    tries_left: i32,
    expires_at: DateTime<Utc>,
}

/// The person whose contact is not confirmed, with their row locked.
async fn registered(connection: &mut AsyncPgConnection, contact_index: &[u8]) -> Result<Option<PersonId>, Error> {
    Ok(people::table
        .filter(people::contact_index.eq(contact_index))
        .filter(people::state.eq("registered"))
        .select(people::person_id)
        .for_update()
        .first(connection)
        .await
        .optional()?)
}

async fn drop_oldest(connection: &mut AsyncPgConnection, person: PersonId) -> Result<(), Error> {
    let waiting: Vec<ConfirmationId> = confirmations::table
        .filter(confirmations::person_id.eq(person))
        .order(confirmations::confirmation_id.desc())
        .select(confirmations::confirmation_id)
        .load(connection)
        .await?;
    let oldest = waiting.get(MOST_WAITING..).unwrap_or_default();
    diesel::delete(confirmations::table.filter(confirmations::confirmation_id.eq_any(oldest)))
        .execute(connection)
        .await?;
    Ok(())
}
