//! Second factors that are asked for: at a sign-in, and when money goes out.
//!
//! # What it promises
//! - A challenge is answered once, within its time and its tries; a try is paid for before the answer is looked at.
//! - Wrong answers count for the person by network and in all, like wrong passwords. Who has used up a challenge's tries
//!   knows the password: its owner is told.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use webauthn_rs::prelude::PasskeyAuthentication;

use super::allowance::{Allowance, Purpose};
use super::failures::{self, SECOND_FACTORS, Source};
use super::second_factors::Kept;
use super::{NETWORK, People};
use crate::Error;
use crate::person::device::DeviceId;
use crate::person::notice::SECOND_FACTOR_GUESSED_TEMPLATE;
use crate::person::second_factor::{Challenge, ChallengeId, FactorAnswer, FactorKind, SignIn, SignedIn};
use crate::person::{ClientNetwork, Person, PersonId};
use crate::schema::{devices, people, second_factor_challenges};

pub(super) const PASSKEY_STATE: &str = "onboarding.second_factor_challenges.passkey_state";
const DEVICE_NAME: &str = "onboarding.second_factor_challenges.device_name";
const FACTORS: &str = "onboarding.second_factors.person";
/// How long a challenge can be answered.
pub(super) const CHALLENGE_LIFE: Duration = Duration::minutes(5);
/// How often.
pub(super) const CHALLENGE_TRIES: i32 = 5;

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChallengePurpose {
    SignIn,
    Authentication,
    Enrolment,
}

impl ChallengePurpose {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Authentication => "authentication",
            Self::Enrolment => "enrolment",
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = second_factor_challenges, check_for_backend(diesel::pg::Pg))]
pub(super) struct Asked {
    pub(super) person_id: PersonId,
    pub(super) device_id: Option<DeviceId>,
    sealed_device_name: Option<Vec<u8>>,
    pub(super) sealed_passkey_state: Option<Vec<u8>>,
    tries_left: i32,
}

impl People {
    /// What follows on the right password, if it is still the one: it may have been changed while it was looked at.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] when it is not.
    pub(super) async fn after_password(
        &self,
        person: PersonId,
        verified_hash: &str,
        name: Option<&str>,
    ) -> Result<SignIn, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let present: String = people::table
                    .find(person)
                    .select(people::password_hash)
                    .for_no_key_update()
                    .first(connection)
                    .await?;
                if present != verified_hash {
                    return Err(Error::WrongCredentials);
                }
                let factors = self.confirmed_factors(connection, person).await?;
                if factors.is_empty() {
                    return Ok(SignIn::Admitted(self.open_device(connection, person, name, false).await?));
                }
                Ok(SignIn::SecondFactor(self.ask(connection, person, None, name, &factors).await?))
            })
            .await
    }

    /// Asks a person who is in for their second factor once more.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they have none.
    pub async fn ask_second_factor(&self, person: &Person) -> Result<Challenge, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let factors = self.confirmed_factors(connection, person.id()).await?;
                if factors.is_empty() {
                    return Err(Error::NotFound("second factor"));
                }
                self.ask(connection, person.id(), Some(person.device()), None, &factors).await
            })
            .await
    }

    async fn ask(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        device: Option<DeviceId>,
        device_name: Option<&str>,
        factors: &[Kept],
    ) -> Result<Challenge, Error> {
        let now = self.clock.now();
        prune(connection, now).await?;
        let passkeys = Kept::passkeys(factors)?;
        let asked = self.passkeys.ask(&passkeys)?;
        let state = asked.as_ref().map(|(_, state)| serde_json::to_string(state)).transpose();
        let state = state.map_err(|_| Error::Corrupt("a passkey's state"))?;
        let purpose = if device.is_some() { ChallengePurpose::Authentication } else { ChallengePurpose::SignIn };
        let (id, expires_at) = (ChallengeId::generate(), now + CHALLENGE_LIFE);
        diesel::insert_into(second_factor_challenges::table)
            .values((
                second_factor_challenges::challenge_id.eq(id),
                second_factor_challenges::person_id.eq(person),
                second_factor_challenges::device_id.eq(device),
                second_factor_challenges::sealed_device_name
                    .eq(device_name.map(|name| self.cipher.encrypt(DEVICE_NAME, name))),
                second_factor_challenges::sealed_passkey_state
                    .eq(state.map(|state| self.cipher.encrypt(PASSKEY_STATE, &state))),
                second_factor_challenges::purpose.eq(purpose.word()),
                second_factor_challenges::tries_left.eq(CHALLENGE_TRIES),
                second_factor_challenges::expires_at.eq(expires_at),
            ))
            .execute(connection)
            .await?;
        let passkey = asked.map(|(request, _)| serde_json::to_value(request)).transpose();
        Ok(Challenge {
            id,
            expires_at,
            totp: factors.iter().any(|factor| factor.kind == FactorKind::Totp),
            passkey: passkey.map_err(|_| Error::Corrupt("a passkey's request"))?,
        })
    }

    /// Lets in who showed the second factor that their sign-in asked for.
    ///
    /// # Errors
    /// [`Error::WrongSecondFactor`] whatever is wrong, [`Error::Locked`] after repeated failures.
    pub async fn sign_in_by_second_factor(
        &self,
        challenge: ChallengeId,
        answer: FactorAnswer,
        network: ClientNetwork,
    ) -> Result<SignedIn, Error> {
        let (asked, mut connection) = self.answered(challenge, ChallengePurpose::SignIn, answer, network, None).await?;
        let name = asked.sealed_device_name.map(|sealed| self.cipher.decrypt(DEVICE_NAME, &sealed)).transpose()?;
        connection
            .transaction(async |connection| self.open_device(connection, asked.person_id, name.as_deref(), true).await)
            .await
    }

    /// Takes a second factor that a person who is in was asked for.
    ///
    /// # Errors
    /// [`Error::WrongSecondFactor`] whatever is wrong, [`Error::Locked`] after repeated failures.
    pub async fn show_second_factor(
        &self,
        person: &Person,
        challenge: ChallengeId,
        answer: FactorAnswer,
        network: ClientNetwork,
    ) -> Result<(), Error> {
        let device = Some(person.device());
        let (_, mut connection) =
            self.answered(challenge, ChallengePurpose::Authentication, answer, network, device).await?;
        let now = self.clock.now();
        diesel::update(devices::table.find(person.device()))
            .set((devices::second_factor_at.eq(now), devices::proven_at.eq(now)))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    /// The challenge that was answered right; it is gone then.
    async fn answered(
        &self,
        challenge: ChallengeId,
        purpose: ChallengePurpose,
        answer: FactorAnswer,
        network: ClientNetwork,
        device: Option<DeviceId>,
    ) -> Result<(Asked, platform::database::Connection), Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let person: PersonId = second_factor_challenges::table
            .find(challenge)
            .select(second_factor_challenges::person_id)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::WrongSecondFactor)?;
        let source = self.factor_source(person, network);
        failures::count(&mut connection, &source, SECOND_FACTORS, now).await?;
        // A wrong answer is no error of the transaction: the try that it cost has to be kept.
        let right: Result<Option<Asked>, Error> = connection
            .transaction(async |connection| {
                let asked = take_try(connection, challenge, purpose, now).await?;
                let Some(asked) = asked.filter(|asked| asked.device_id == device) else { return Ok(None) };
                if !self.is_right(connection, &asked, answer).await? {
                    if asked.tries_left == 0 {
                        self.tell_of_guesses(connection, asked.person_id).await?;
                    }
                    return Ok(None);
                }
                diesel::delete(second_factor_challenges::table.find(challenge)).execute(connection).await?;
                Ok(Some(asked))
            })
            .await;
        let asked = right?.ok_or(Error::WrongSecondFactor)?;
        failures::clear(&mut connection, &source, SECOND_FACTORS, now).await?;
        Ok((asked, connection))
    }

    /// Under which failures of a person's second factors are counted.
    pub(super) fn factor_source(&self, person: PersonId, network: ClientNetwork) -> Source {
        Source {
            contact: self.cipher.blind_index(FACTORS, &person.to_string()),
            network: self.cipher.blind_index(NETWORK, &network.text()),
        }
    }

    async fn is_right(
        &self,
        connection: &mut AsyncPgConnection,
        asked: &Asked,
        answer: FactorAnswer,
    ) -> Result<bool, Error> {
        match answer {
            FactorAnswer::Totp(code) => self.takes_one_time_code(connection, asked.person_id, &code).await,
            FactorAnswer::Passkey(answer) => {
                let Some(sealed) = &asked.sealed_passkey_state else { return Ok(false) };
                let state: PasskeyAuthentication = serde_json::from_str(&self.cipher.decrypt(PASSKEY_STATE, sealed)?)
                    .map_err(|_| Error::Corrupt("a passkey's state"))?;
                self.takes_passkey(connection, asked.person_id, answer, &state).await
            }
        }
    }

    async fn tell_of_guesses(&self, connection: &mut AsyncPgConnection, person: PersonId) -> Result<(), Error> {
        let used = Allowance::of(connection, person, Purpose::Device, self.clock.now()).await?;
        let Some(allowance) = used.repeated_message(self.clock.now()) else { return Ok(()) };
        allowance.keep(connection, person, Purpose::Device).await?;
        self.notify_person(connection, person, SECOND_FACTOR_GUESSED_TEMPLATE, None).await
    }
}

/// Pays for a try at a challenge; none when it is not there, is for something else, or is used up.
pub(super) async fn take_try(
    connection: &mut AsyncPgConnection,
    challenge: ChallengeId,
    purpose: ChallengePurpose,
    now: DateTime<Utc>,
) -> Result<Option<Asked>, Error> {
    Ok(diesel::update(second_factor_challenges::table.find(challenge))
        .filter(second_factor_challenges::purpose.eq(purpose.word()))
        .filter(second_factor_challenges::tries_left.gt(0))
        .filter(second_factor_challenges::expires_at.gt(now))
        .set(second_factor_challenges::tries_left.eq(second_factor_challenges::tries_left - 1))
        .returning(Asked::as_returning())
        .get_result(connection)
        .await
        .optional()?)
}

/// Removes some of what can be answered no more.
pub(super) async fn prune(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<(), Error> {
    diesel::sql_query(
        "delete from onboarding.second_factor_challenges
        where challenge_id in (
            select challenge_id
            from onboarding.second_factor_challenges
            where expires_at <= $1
            order by expires_at
            limit 20
            for update skip locked
        )",
    )
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}
