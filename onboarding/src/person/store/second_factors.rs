//! Second factors: set up, confirmed, checked, removed. Whoever changes them has just shown more than the password.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use secrecy::{ExposeSecret, SecretString};
use webauthn_rs::prelude::{Passkey, PasskeyAuthentication, PasskeyRegistration};

use super::challenges::{CHALLENGE_LIFE, CHALLENGE_TRIES, ChallengePurpose, PASSKEY_STATE, prune, take_try};
use super::failures::{self, SECOND_FACTORS};
use super::{CONTACT, People};
use crate::Error;
use crate::person::notice::SECOND_FACTORS_CHANGED_TEMPLATE;
use crate::person::second_factor::{ChallengeId, Factor, FactorId, FactorKind, MOST_FACTORS, NewOneTimeCodes};
use crate::person::{ClientNetwork, Person, PersonId, one_time};
use crate::schema::{devices, people, second_factor_challenges, second_factors};

const NAME: &str = "onboarding.second_factors.name";
const SECRET: &str = "onboarding.second_factors.secret";
const CREDENTIAL: &str = "onboarding.second_factors.credential";

/// A second factor that counts.
pub(super) struct Kept {
    id: FactorId,
    pub(super) kind: FactorKind,
    secret: SecretString,
    last_step: Option<i64>,
}

impl Kept {
    fn passkey(&self) -> Result<Option<Passkey>, Error> {
        let is_one = self.kind == FactorKind::Passkey;
        let read = is_one.then(|| serde_json::from_str(self.secret.expose_secret())).transpose();
        read.map_err(|_| Error::Corrupt("a passkey"))
    }

    pub(super) fn passkeys(kept: &[Self]) -> Result<Vec<Passkey>, Error> {
        kept.iter().filter_map(|factor| factor.passkey().transpose()).collect()
    }
}

impl People {
    /// The second factors that count, with their rows locked: a code that is good once is taken once.
    pub(super) async fn confirmed_factors(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
    ) -> Result<Vec<Kept>, Error> {
        let rows: Vec<(FactorId, String, Vec<u8>, Option<i64>)> = second_factors::table
            .filter(second_factors::person_id.eq(person))
            .filter(second_factors::confirmed_at.is_not_null())
            .order(second_factors::factor_id)
            .select((
                second_factors::factor_id,
                second_factors::kind,
                second_factors::sealed_secret,
                second_factors::last_step,
            ))
            .for_no_key_update()
            .load(connection)
            .await?;
        rows.into_iter()
            .map(|(id, kind, sealed, last_step)| {
                let secret = self.cipher.decrypt(SECRET, &sealed)?.into();
                Ok(Kept { id, kind: FactorKind::from_word(&kind)?, secret, last_step })
            })
            .collect()
    }

    /// Whether it is a code of one of the person's authenticator apps that was not taken yet.
    pub(super) async fn takes_one_time_code(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        code: &SecretString,
    ) -> Result<bool, Error> {
        for factor in self.confirmed_factors(connection, person).await? {
            if factor.kind != FactorKind::Totp {
                continue;
            }
            let step = one_time::step(&factor.secret, code.expose_secret(), factor.last_step, self.clock.now())?;
            if let Some(step) = step {
                diesel::update(second_factors::table.find(factor.id))
                    .set(second_factors::last_step.eq(step))
                    .execute(connection)
                    .await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether one of the person's passkeys answered what was asked.
    pub(super) async fn takes_passkey(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        answer: serde_json::Value,
        state: &PasskeyAuthentication,
    ) -> Result<bool, Error> {
        let kept = self.confirmed_factors(connection, person).await?;
        let Some(used) = self.passkeys.answered(answer, state, &Kept::passkeys(&kept)?)? else { return Ok(false) };
        let text = serde_json::to_string(&used).map_err(|_| Error::Corrupt("a passkey"))?;
        diesel::update(second_factors::table)
            .filter(second_factors::credential_index.eq(self.credential_index(&used)))
            .set(second_factors::sealed_secret.eq(self.cipher.encrypt(SECRET, &text)))
            .execute(connection)
            .await?;
        Ok(true)
    }

    fn credential_index(&self, passkey: &Passkey) -> Vec<u8> {
        self.cipher.blind_index(CREDENTIAL, &hex::encode(passkey.cred_id()))
    }

    /// A person's second factors, the oldest first; at most [`MOST_FACTORS`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn second_factors(&self, person: &Person) -> Result<Vec<Factor>, Error> {
        type Row = (FactorId, String, Option<Vec<u8>>, Option<DateTime<Utc>>);
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = second_factors::table
            .filter(second_factors::person_id.eq(person.id()))
            .order(second_factors::factor_id)
            .select((
                second_factors::factor_id,
                second_factors::kind,
                second_factors::sealed_name,
                second_factors::confirmed_at,
            ))
            .load(&mut connection)
            .await?;
        let mut factors = Vec::new();
        for (id, kind, name, confirmed_at) in rows {
            let Some(confirmed_at) = confirmed_at else { continue };
            let name = name.map(|sealed| self.cipher.decrypt(NAME, &sealed)).transpose()?;
            factors.push(Factor { id, kind: FactorKind::from_word(&kind)?, name, confirmed_at });
        }
        Ok(factors)
    }

    /// Begins to set up an authenticator app; one that was begun and not confirmed is forgotten.
    ///
    /// # Errors
    /// [`Error::DeviceNotProven`], [`Error::SecondFactorNeeded`], [`Error::TooManyFactors`].
    pub async fn begin_one_time_codes(&self, person: &Person, name: Option<&str>) -> Result<NewOneTimeCodes, Error> {
        person.must_be_strong()?;
        let secret = one_time::new_secret();
        let id = FactorId::generate();
        let mut connection = self.database.connection().await?;
        let account = connection
            .transaction(async |connection| {
                let account = self.room_for_a_factor(connection, person.id()).await?;
                diesel::delete(second_factors::table)
                    .filter(second_factors::person_id.eq(person.id()))
                    .filter(second_factors::confirmed_at.is_null())
                    .execute(connection)
                    .await?;
                diesel::insert_into(second_factors::table)
                    .values((
                        second_factors::factor_id.eq(id),
                        second_factors::person_id.eq(person.id()),
                        second_factors::kind.eq(FactorKind::Totp.word()),
                        second_factors::sealed_name.eq(name.map(|name| self.cipher.encrypt(NAME, name))),
                        second_factors::sealed_secret.eq(self.cipher.encrypt(SECRET, secret.expose_secret())),
                        second_factors::made_at.eq(self.clock.now()),
                    ))
                    .execute(connection)
                    .await?;
                Ok::<_, Error>(account)
            })
            .await?;
        let address = one_time::address(&secret, &self.issuer, &account)?;
        Ok(NewOneTimeCodes { id, secret, address })
    }

    /// The contact of a person who may have one more second factor, with their row locked.
    async fn room_for_a_factor(&self, connection: &mut AsyncPgConnection, person: PersonId) -> Result<String, Error> {
        let sealed: Vec<u8> =
            people::table.find(person).select(people::sealed_contact).for_no_key_update().first(connection).await?;
        if self.confirmed_factors(connection, person).await?.len() >= MOST_FACTORS {
            return Err(Error::TooManyFactors { most: MOST_FACTORS });
        }
        Ok(self.cipher.decrypt(CONTACT, &sealed)?)
    }

    /// Confirms an authenticator app by a code that it shows. From then on it is asked for.
    ///
    /// # Errors
    /// [`Error::WrongCode`], also for an app that was not begun; [`Error::Locked`] after repeated failures;
    /// [`Error::DeviceNotProven`], [`Error::SecondFactorNeeded`].
    pub async fn confirm_one_time_codes(
        &self,
        person: &Person,
        id: FactorId,
        code: &SecretString,
        network: ClientNetwork,
    ) -> Result<(), Error> {
        person.must_be_strong()?;
        let now = self.clock.now();
        let source = self.factor_source(person.id(), network);
        let mut connection = self.database.connection().await?;
        failures::count(&mut connection, &source, SECOND_FACTORS, now).await?;
        connection
            .transaction(async |connection| {
                let sealed: Vec<u8> = second_factors::table
                    .find(id)
                    .filter(second_factors::person_id.eq(person.id()))
                    .filter(second_factors::confirmed_at.is_null())
                    .select(second_factors::sealed_secret)
                    .for_no_key_update()
                    .first(connection)
                    .await
                    .optional()?
                    .ok_or(Error::WrongCode)?;
                let secret = self.cipher.decrypt(SECRET, &sealed)?.into();
                let step = one_time::step(&secret, code.expose_secret(), None, now)?.ok_or(Error::WrongCode)?;
                diesel::update(second_factors::table.find(id))
                    .set((second_factors::confirmed_at.eq(now), second_factors::last_step.eq(step)))
                    .execute(connection)
                    .await?;
                self.factors_changed(connection, person).await
            })
            .await?;
        failures::clear(&mut connection, &source, SECOND_FACTORS, now).await
    }

    /// What a passkey that a person wants to use is asked to make (`PublicKeyCredentialCreationOptions` of WebAuthn).
    ///
    /// # Errors
    /// [`Error::NoPasskeysHere`]; [`Error::DeviceNotProven`], [`Error::SecondFactorNeeded`], [`Error::TooManyFactors`].
    pub async fn begin_passkey(&self, person: &Person) -> Result<(ChallengeId, serde_json::Value), Error> {
        person.must_be_strong()?;
        let now = self.clock.now();
        let id = ChallengeId::generate();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                prune(connection, now).await?;
                let account = self.room_for_a_factor(connection, person.id()).await?;
                let known = Kept::passkeys(&self.confirmed_factors(connection, person.id()).await?)?;
                let (request, state) = self.passkeys.enrol(person.id(), &account, &known)?;
                let state = serde_json::to_string(&state).map_err(|_| Error::Corrupt("a passkey's state"))?;
                diesel::insert_into(second_factor_challenges::table)
                    .values((
                        second_factor_challenges::challenge_id.eq(id),
                        second_factor_challenges::person_id.eq(person.id()),
                        second_factor_challenges::device_id.eq(person.device()),
                        second_factor_challenges::sealed_passkey_state.eq(self.cipher.encrypt(PASSKEY_STATE, &state)),
                        second_factor_challenges::purpose.eq(ChallengePurpose::Enrolment.word()),
                        second_factor_challenges::tries_left.eq(CHALLENGE_TRIES),
                        second_factor_challenges::expires_at.eq(now + CHALLENGE_LIFE),
                    ))
                    .execute(connection)
                    .await?;
                let request = serde_json::to_value(request).map_err(|_| Error::Corrupt("a passkey's request"))?;
                Ok((id, request))
            })
            .await
    }

    /// Keeps the passkey that answered. From then on it is asked for.
    ///
    /// # Errors
    /// [`Error::WrongSecondFactor`] when the answer does not fit, or is that of a passkey that is known already.
    pub async fn confirm_passkey(
        &self,
        person: &Person,
        challenge: ChallengeId,
        name: Option<&str>,
        answer: serde_json::Value,
    ) -> Result<Factor, Error> {
        person.must_be_strong()?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let made: Result<Option<Factor>, Error> = connection
            .transaction(async |connection| {
                let asked = take_try(connection, challenge, ChallengePurpose::Enrolment, now).await?;
                let Some(asked) = asked.filter(|asked| asked.device_id == Some(person.device())) else {
                    return Ok(None);
                };
                let sealed = asked.sealed_passkey_state.ok_or(Error::Corrupt("a passkey's state"))?;
                let state: PasskeyRegistration = serde_json::from_str(&self.cipher.decrypt(PASSKEY_STATE, &sealed)?)
                    .map_err(|_| Error::Corrupt("a passkey's state"))?;
                let Some(passkey) = self.passkeys.enrolled(answer, &state)? else { return Ok(None) };
                diesel::delete(second_factor_challenges::table.find(challenge)).execute(connection).await?;
                let factor = Factor {
                    id: FactorId::generate(),
                    kind: FactorKind::Passkey,
                    name: name.map(ToOwned::to_owned),
                    confirmed_at: now,
                };
                let kept = self.keep_passkey(connection, person, &factor, &passkey).await?;
                Ok(kept.then_some(factor))
            })
            .await;
        made?.ok_or(Error::WrongSecondFactor)
    }

    async fn keep_passkey(
        &self,
        connection: &mut AsyncPgConnection,
        person: &Person,
        factor: &Factor,
        passkey: &Passkey,
    ) -> Result<bool, Error> {
        self.room_for_a_factor(connection, person.id()).await?;
        let text = serde_json::to_string(passkey).map_err(|_| Error::Corrupt("a passkey"))?;
        let kept = diesel::insert_into(second_factors::table)
            .values((
                second_factors::factor_id.eq(factor.id),
                second_factors::person_id.eq(person.id()),
                second_factors::kind.eq(FactorKind::Passkey.word()),
                second_factors::sealed_name.eq(factor.name.as_ref().map(|name| self.cipher.encrypt(NAME, name))),
                second_factors::sealed_secret.eq(self.cipher.encrypt(SECRET, &text)),
                second_factors::credential_index.eq(self.credential_index(passkey)),
                second_factors::made_at.eq(factor.confirmed_at),
                second_factors::confirmed_at.eq(factor.confirmed_at),
            ))
            .on_conflict(second_factors::credential_index)
            .do_nothing()
            .execute(connection)
            .await?;
        if kept == 1 {
            self.factors_changed(connection, person).await?;
        }
        Ok(kept == 1)
    }

    /// Removes a second factor.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::DeviceNotProven`], [`Error::SecondFactorNeeded`].
    pub async fn remove_second_factor(&self, person: &Person, id: FactorId) -> Result<(), Error> {
        person.must_be_strong()?;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let removed = diesel::delete(second_factors::table.find(id))
                    .filter(second_factors::person_id.eq(person.id()))
                    .filter(second_factors::confirmed_at.is_not_null())
                    .execute(connection)
                    .await?;
                if removed == 0 {
                    return Err(Error::NotFound("second factor"));
                }
                self.factors_changed(connection, person).await
            })
            .await
    }

    /// Tells the person, and lets the device that did it go on.
    async fn factors_changed(&self, connection: &mut AsyncPgConnection, person: &Person) -> Result<(), Error> {
        let now = self.clock.now();
        diesel::update(devices::table.find(person.device()))
            .set((devices::second_factor_at.eq(now), devices::proven_at.eq(now)))
            .execute(connection)
            .await?;
        self.notify_person(connection, person.id(), SECOND_FACTORS_CHANGED_TEMPLATE, None).await
    }
}
