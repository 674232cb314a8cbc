//! Recoveries, and new passwords.
//!
//! # What it promises
//! - Nobody learns whether a contact has an account: each who asks gets a recovery's id, and tries at it cost the same.
//! - Tries belong to the recovery that was asked for: nobody's tries use up those of the owner.
//! - Whoever completes one has shown its code and kept its key; all devices are signed out then.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::failures::{self, RECOVERIES, SECOND_FACTORS, Source};
use super::{CONTACT, NETWORK, People, devices};
use crate::Error;
use crate::person::device::DeviceEnd;
use crate::person::notice::{
    PASSWORD_CHANGED_TEMPLATE, RECOVERED_TEMPLATE, RECOVERY_BEGUN_TEMPLATE, RECOVERY_CODE_TEMPLATE,
};
use crate::person::recovery::{RecoveryBegun, RecoveryId, RecoveryKey, RecoveryState};
use crate::person::{ClientNetwork, Contact, Person, PersonId};
use crate::schema::{people, recoveries, second_factors};

const ASKED_FOR: &str = "onboarding.recoveries.contact";
const CODE: &str = "onboarding.recoveries.code";
/// How long a code can be used.
const CODE_LIFE: Duration = Duration::minutes(15);
/// How often a code can be tried.
const CODE_TRIES: i32 = 5;
/// How long a recovery that is ready can be completed.
const COMPLETED_WITHIN: Duration = Duration::days(7);

#[derive(Queryable, Selectable)]
#[diesel(table_name = recoveries, check_for_backend(diesel::pg::Pg))]
struct Waiting {
    person_id: PersonId,
    key_digest: Option<Vec<u8>>,
    by_second_factor: bool,
    ready_at: Option<DateTime<Utc>>,
}

impl People {
    /// Sends a code to a contact by which its account can be recovered. The answer is the same for a contact that
    /// nobody has.
    ///
    /// # Errors
    /// [`Error::Locked`] when it is asked too often, known contact or not.
    pub async fn ask_recovery(&self, contact: &Contact, network: ClientNetwork) -> Result<RecoveryId, Error> {
        let now = self.clock.now();
        let id = RecoveryId::generate();
        let source = Source {
            contact: self.cipher.blind_index(ASKED_FOR, contact.text()),
            network: self.cipher.blind_index(NETWORK, &network.text()),
        };
        let mut connection = self.database.connection().await?;
        failures::count(&mut connection, &source, RECOVERIES, now).await?;
        connection
            .transaction(async |connection| {
                let person: Option<PersonId> = people::table
                    .filter(people::contact_index.eq(self.cipher.blind_index(CONTACT, contact.text())))
                    .filter(people::state.eq("verified"))
                    .select(people::person_id)
                    .for_no_key_update()
                    .first(connection)
                    .await
                    .optional()?;
                let Some(person) = person else { return Ok(id) };
                forget_unanswered(connection, person, now).await?;
                let code = ten_digits();
                diesel::insert_into(recoveries::table)
                    .values((
                        recoveries::recovery_id.eq(id),
                        recoveries::person_id.eq(person),
                        recoveries::state.eq(RecoveryState::Asked.word()),
                        recoveries::code_index.eq(self.cipher.blind_index(CODE, &code)),
                        recoveries::tries_left.eq(CODE_TRIES),
                        recoveries::code_expires_at.eq(now + CODE_LIFE),
                        recoveries::asked_at.eq(now),
                    ))
                    .execute(connection)
                    .await?;
                self.notify_person(connection, person, RECOVERY_CODE_TEMPLATE, Some(code)).await?;
                Ok(id)
            })
            .await
    }

    /// Begins a recovery by the code that was sent, and answers the key that completes it. With a code of an
    /// authenticator app it can be completed at once. An earlier one of the same account is cancelled.
    ///
    /// # Errors
    /// [`Error::WrongCode`] whatever is wrong, [`Error::WrongSecondFactor`], [`Error::Locked`].
    pub async fn begin_recovery(
        &self,
        id: RecoveryId,
        code: &str,
        one_time_code: Option<&SecretString>,
        network: ClientNetwork,
    ) -> Result<RecoveryBegun, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let tried: Option<(PersonId, Vec<u8>)> = diesel::update(recoveries::table.find(id))
            .filter(recoveries::state.eq(RecoveryState::Asked.word()))
            .filter(recoveries::tries_left.gt(0))
            .filter(recoveries::code_expires_at.gt(now))
            .set(recoveries::tries_left.eq(recoveries::tries_left - 1))
            .returning((recoveries::person_id, recoveries::code_index))
            .get_result(&mut connection)
            .await
            .optional()?;
        let index = self.cipher.blind_index(CODE, code);
        let fits = |sent: &[u8]| bool::from(sent.ct_eq(&index));
        let (person, _) = tried.filter(|(_, sent)| fits(sent)).ok_or(Error::WrongCode)?;
        let by_second_factor = match one_time_code {
            None => false,
            Some(code) => {
                let source = self.factor_source(person, network);
                failures::count(&mut connection, &source, SECOND_FACTORS, now).await?;
                let fits: Result<bool, Error> = connection
                    .transaction(async |connection| self.takes_one_time_code(connection, person, code).await)
                    .await;
                if !fits? {
                    return Err(Error::WrongSecondFactor);
                }
                failures::clear(&mut connection, &source, SECOND_FACTORS, now).await?;
                true
            }
        };
        let wait = if by_second_factor { Duration::zero() } else { Duration::hours(self.recovery.wait_hours.into()) };
        let begun = RecoveryBegun { key: RecoveryKey::generate(), ready_at: now + wait };
        connection
            .transaction(async |connection| {
                lock(connection, person).await?;
                cancel_waiting(connection, person, now).await?;
                let taken = diesel::update(recoveries::table.find(id))
                    .filter(recoveries::state.eq(RecoveryState::Asked.word()))
                    .set((
                        recoveries::state.eq(RecoveryState::Waiting.word()),
                        recoveries::key_digest.eq(digest(&begun.key.0)),
                        recoveries::by_second_factor.eq(by_second_factor),
                        recoveries::ready_at.eq(begun.ready_at),
                    ))
                    .execute(connection)
                    .await?;
                if taken == 0 {
                    return Err(Error::WrongCode);
                }
                self.notify_person(connection, person, RECOVERY_BEGUN_TEMPLATE, None).await
            })
            .await?;
        Ok(begun)
    }

    /// Gives an account a new password. All devices are signed out; unless a second factor was shown, those of the
    /// account are removed and little can be sent for a while.
    ///
    /// # Errors
    /// [`Error::NoRecovery`] whatever is wrong with id or key, [`Error::TooEarly`], [`Error::PasswordLength`].
    pub async fn complete_recovery(
        &self,
        id: RecoveryId,
        key: &SecretString,
        password: &SecretString,
    ) -> Result<(), Error> {
        let ready = |waiting: Option<Waiting>, now: DateTime<Utc>| {
            let digest = digest(key);
            let known = |kept: &Waiting| bool::from(kept.key_digest.as_deref().unwrap_or_default().ct_eq(&digest));
            let kept = waiting.filter(known).ok_or(Error::NoRecovery)?;
            match kept.ready_at {
                Some(at) if at > now => Err(Error::TooEarly { ready_at: at }),
                Some(at) if at + COMPLETED_WITHIN > now => Ok(kept),
                _ => Err(Error::NoRecovery),
            }
        };
        {
            // Hashing costs a lot: only who has the key causes it.
            let mut connection = self.database.connection().await?;
            ready(waiting(&mut connection, id).await?, self.clock.now())?;
        }
        let password_hash = self.passwords.hash(password).await?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let kept = ready(waiting(connection, id).await?, now)?;
                let person = kept.person_id;
                lock(connection, person).await?;
                let completed = diesel::update(recoveries::table.find(id))
                    .filter(recoveries::state.eq(RecoveryState::Waiting.word()))
                    .set((recoveries::state.eq(RecoveryState::Completed.word()), recoveries::ended_at.eq(now)))
                    .execute(connection)
                    .await?;
                if completed == 0 {
                    return Err(Error::NoRecovery);
                }
                diesel::update(people::table.find(person))
                    .set(people::password_hash.eq(&password_hash))
                    .execute(connection)
                    .await?;
                devices::end_all(connection, person, None, DeviceEnd::Recovered, now).await?;
                if !kept.by_second_factor {
                    self.trust_less(connection, person, now).await?;
                }
                self.notify_person(connection, person, RECOVERED_TEMPLATE, None).await
            })
            .await
    }

    async fn trust_less(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        diesel::delete(second_factors::table.filter(second_factors::person_id.eq(person))).execute(connection).await?;
        let lowered_until = now + Duration::days(self.recovery.lowered_days.into());
        diesel::update(people::table.find(person))
            .set(people::limits_lowered_until.eq(lowered_until))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// From when on somebody can complete the recovery of this person's account, while one waits.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting_recovery(&self, person: &Person) -> Result<Option<DateTime<Utc>>, Error> {
        let mut connection = self.database.connection().await?;
        let ready_at: Option<Option<DateTime<Utc>>> = recoveries::table
            .filter(recoveries::person_id.eq(person.id()))
            .filter(recoveries::state.eq(RecoveryState::Waiting.word()))
            .filter(recoveries::ready_at.gt(self.clock.now() - COMPLETED_WITHIN))
            .select(recoveries::ready_at)
            .first(&mut connection)
            .await
            .optional()?;
        Ok(ready_at.flatten())
    }

    /// Stops the recovery of a person's account: they are in on a proven device, and know the password. A stolen phone
    /// alone cannot stop its owner's, nor a stolen password.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none waits; [`Error::WrongCredentials`], [`Error::Locked`].
    pub async fn cancel_recovery(
        &self,
        person: &Person,
        password: &SecretString,
        network: ClientNetwork,
    ) -> Result<(), Error> {
        person.must_be_strong()?;
        self.password_hash_of(person.id(), password, network).await?.ok_or(Error::WrongCredentials)?;
        let mut connection = self.database.connection().await?;
        match cancel_waiting(&mut connection, person.id(), self.clock.now()).await? {
            0 => Err(Error::NotFound("recovery")),
            _ => Ok(()),
        }
    }

    /// Changes the password. The other devices are signed out, and a recovery that waits is cancelled.
    ///
    /// # Errors
    /// [`Error::DeviceNotProven`], [`Error::SecondFactorNeeded`]; [`Error::WrongCredentials`] and [`Error::Locked`] for
    /// the present password, [`Error::PasswordLength`] for the new one.
    pub async fn change_password(
        &self,
        person: &Person,
        present: &SecretString,
        new: &SecretString,
        network: ClientNetwork,
    ) -> Result<(), Error> {
        person.must_be_strong()?;
        let verified = self.password_hash_of(person.id(), present, network).await?.ok_or(Error::WrongCredentials)?;
        let password_hash = self.passwords.hash(new).await?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                // Somebody else may have changed it meanwhile, by a recovery above all: theirs stays.
                let changed = diesel::update(people::table.find(person.id()))
                    .filter(people::password_hash.eq(&verified))
                    .set(people::password_hash.eq(&password_hash))
                    .execute(connection)
                    .await?;
                if changed == 0 {
                    return Err(Error::WrongCredentials);
                }
                cancel_waiting(connection, person.id(), now).await?;
                let but = Some(person.device());
                devices::end_all(connection, person.id(), but, DeviceEnd::PasswordChanged, now).await?;
                self.notify_person(connection, person.id(), PASSWORD_CHANGED_TEMPLATE, None).await
            })
            .await
    }
}

/// A code that cannot be guessed however many recoveries are asked for.
fn ten_digits() -> String {
    format!("{:010}", rand::random_range(0..10_000_000_000_u64))
}

fn digest(key: &SecretString) -> Vec<u8> {
    Sha256::digest(key.expose_secret().as_bytes()).to_vec()
}

async fn waiting(connection: &mut AsyncPgConnection, id: RecoveryId) -> Result<Option<Waiting>, Error> {
    Ok(recoveries::table
        .find(id)
        .filter(recoveries::state.eq(RecoveryState::Waiting.word()))
        .select(Waiting::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// Locks a person's row: what changes their account takes turns.
async fn lock(connection: &mut AsyncPgConnection, person: PersonId) -> Result<(), Error> {
    let _: PersonId =
        people::table.find(person).select(people::person_id).for_no_key_update().first(connection).await?;
    Ok(())
}

async fn cancel_waiting(
    connection: &mut AsyncPgConnection,
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<usize, Error> {
    Ok(diesel::update(recoveries::table)
        .filter(recoveries::person_id.eq(person))
        .filter(recoveries::state.eq(RecoveryState::Waiting.word()))
        .set((recoveries::state.eq(RecoveryState::Cancelled.word()), recoveries::ended_at.eq(now)))
        .execute(connection)
        .await?)
}

/// Removes recoveries whose code was never shown.
async fn forget_unanswered(
    connection: &mut AsyncPgConnection,
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::delete(recoveries::table)
        .filter(recoveries::person_id.eq(person))
        .filter(recoveries::state.eq(RecoveryState::Asked.word()))
        .filter(recoveries::code_expires_at.le(now))
        .execute(connection)
        .await?;
    Ok(())
}
