//! Devices: signed in on, refreshed, proven, signed out.
//!
//! # What it promises
//! - A refresh token is good once. An earlier one that comes again ends the device: somebody has a copy, and which of
//!   the two is the thief nobody can tell. Only the one just before may come again within a minute, and gets the same
//!   answer: that of the first time may be lost.
//! - A device that was signed out is out from the next request on, whatever its access token says.

use chrono::{DateTime, Duration, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use secrecy::SecretString;

use super::allowance::{Allowance, Purpose};
use super::{People, six_digits, verified, within};
use crate::Error;
use crate::person::device::{Device, DeviceEnd, DeviceId, MOST_DEVICES, REPEATED_WITHIN, RefreshToken, new_secret};
use crate::person::notice::{DEVICE_CODE_TEMPLATE, NEW_DEVICE_TEMPLATE, TOKEN_REUSED_TEMPLATE};
use crate::person::second_factor::{Assurance, SignedIn};
use crate::person::{Language, Person, PersonId};
use crate::schema::{devices, people, second_factor_challenges, second_factors};

const NAME: &str = "onboarding.devices.name";
const SECRET: &str = "onboarding.devices.secret";
const CODE: &str = "onboarding.devices.code";
/// How long a code can be used.
const CODE_LIFE: Duration = Duration::minutes(15);
/// How often a code can be tried.
const CODE_TRIES: i32 = 5;

#[derive(Queryable, Selectable)]
#[diesel(table_name = devices, check_for_backend(diesel::pg::Pg))]
struct Held {
    person_id: PersonId,
    sealed_secret: Vec<u8>,
    generation: i32,
    refreshed_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

/// What a refresh token that is one of ours brings.
enum Refreshed {
    To(SignedIn),
    No,
}

impl People {
    /// Lets in the bearer of an access token on a device that is signed in, if the person may still come in.
    ///
    /// # Errors
    /// [`Error::AccountUnusable`].
    pub async fn recognise(&self, id: PersonId, device: DeviceId) -> Result<Person, Error> {
        type Row = (String, i16, String, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<DateTime<Utc>>, bool);
        let now = self.clock.now();
        let factors = second_factors::table
            .filter(second_factors::person_id.eq(id))
            .filter(second_factors::confirmed_at.is_not_null());
        let mut connection = self.database.connection().await?;
        let row: Option<Row> = devices::table
            .inner_join(people::table)
            .filter(devices::device_id.eq(device))
            .filter(devices::person_id.eq(id))
            .filter(devices::ended_at.is_null())
            .select((
                people::state,
                people::tier,
                people::language,
                people::limits_lowered_until,
                devices::proven_at,
                devices::second_factor_at,
                exists(factors),
            ))
            .first(&mut connection)
            .await
            .optional()?;
        let (state, tier, language, lowered_until, proven_at, factor_at, has_factor) =
            row.ok_or(Error::AccountUnusable)?;
        let language = Language::try_new(&language).map_err(|_| Error::Corrupt("a language"))?;
        let fresh = within(factor_at, self.factor_counts_for, now);
        Ok(Person {
            id,
            tier: verified(&state, tier)?,
            language,
            device,
            assurance: Assurance::of(proven_at.is_some(), has_factor, fresh),
            limits_lowered: lowered_until.is_some_and(|until| until > now),
        })
    }

    /// Signs a person in on a new device. A message tells them, unless it is their first one.
    pub(super) async fn open_device(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        name: Option<&str>,
        by_second_factor: bool,
    ) -> Result<SignedIn, Error> {
        let now = self.clock.now();
        let confirmed_at: Option<DateTime<Utc>> =
            people::table.find(person).select(people::confirmed_at).for_no_key_update().first(connection).await?;
        let others = devices::table.filter(devices::person_id.eq(person));
        let further: bool = diesel::select(exists(others)).get_result(connection).await?;
        crowd_out(connection, person, now).await?;
        let proven = by_second_factor || within(confirmed_at, self.confirmation_proves_for, now);
        let (device, secret) = (DeviceId::generate(), new_secret());
        diesel::insert_into(devices::table)
            .values((
                devices::device_id.eq(device),
                devices::person_id.eq(person),
                devices::sealed_name.eq(name.map(|name| self.cipher.encrypt(NAME, name))),
                devices::sealed_secret.eq(self.cipher.encrypt(SECRET, secrecy::ExposeSecret::expose_secret(&secret))),
                devices::generation.eq(0),
                devices::signed_in_at.eq(now),
                devices::refreshed_at.eq(now),
                devices::proven_at.eq(proven.then_some(now)),
                devices::second_factor_at.eq(by_second_factor.then_some(now)),
            ))
            .execute(connection)
            .await?;
        if further {
            self.notify_person(connection, person, NEW_DEVICE_TEMPLATE, None).await?;
        }
        Ok(SignedIn { person, device, refresh_token: RefreshToken::make(&secret, device, 0) })
    }

    /// The next refresh token for the present one.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] whatever is wrong; [`Error::AccountUnusable`].
    pub async fn refresh(&self, token: &SecretString) -> Result<SignedIn, Error> {
        let shown = RefreshToken::parse(token).ok_or(Error::WrongCredentials)?;
        let mut connection = self.database.connection().await?;
        // A refusal is no error of the transaction: that the device was ended for it has to be kept.
        let refreshed: Result<Refreshed, Error> = connection
            .transaction(async |connection| {
                let held: Option<Held> = devices::table
                    .find(shown.device)
                    .select(Held::as_select())
                    .for_no_key_update()
                    .first(connection)
                    .await
                    .optional()?;
                let Some(held) = held.filter(|held| held.ended_at.is_none()) else { return Ok(Refreshed::No) };
                self.next_token(connection, &shown, &held).await
            })
            .await;
        match refreshed? {
            Refreshed::To(signed_in) => Ok(signed_in),
            Refreshed::No => Err(Error::WrongCredentials),
        }
    }

    async fn next_token(
        &self,
        connection: &mut AsyncPgConnection,
        shown: &RefreshToken,
        held: &Held,
    ) -> Result<Refreshed, Error> {
        let (device, person, now) = (shown.device, held.person_id, self.clock.now());
        let secret: SecretString = self.cipher.decrypt(SECRET, &held.sealed_secret)?.into();
        if !shown.is_made_with(&secret) {
            return Ok(Refreshed::No);
        }
        if held.refreshed_at + self.idle_after <= now {
            end(connection, device, DeviceEnd::Idle, now).await?;
            return Ok(Refreshed::No);
        }
        let repeated = shown.generation.checked_add(1) == Some(held.generation)
            && within(Some(held.refreshed_at), REPEATED_WITHIN, now);
        if shown.generation != held.generation && !repeated {
            end(connection, device, DeviceEnd::TokenReused, now).await?;
            self.notify_person(connection, person, TOKEN_REUSED_TEMPLATE, None).await?;
            return Ok(Refreshed::No);
        }
        let (state, tier): (String, i16) =
            people::table.find(person).select((people::state, people::tier)).first(connection).await?;
        verified(&state, tier)?;
        let generation = if repeated { held.generation } else { held.generation.saturating_add(1) };
        if !repeated {
            diesel::update(devices::table.find(device))
                .set((devices::generation.eq(generation), devices::refreshed_at.eq(now)))
                .execute(connection)
                .await?;
        }
        let refresh_token = RefreshToken::make(&secret, device, generation);
        Ok(Refreshed::To(SignedIn { person, device, refresh_token }))
    }

    /// Where a person is signed in, the oldest first; at most [`MOST_DEVICES`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn devices(&self, person: &Person) -> Result<Vec<Device>, Error> {
        type Row = (DeviceId, Option<Vec<u8>>, DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>);
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = devices::table
            .filter(devices::person_id.eq(person.id()))
            .filter(devices::ended_at.is_null())
            .filter(devices::refreshed_at.gt(self.clock.now() - self.idle_after))
            .order(devices::device_id)
            .select((
                devices::device_id,
                devices::sealed_name,
                devices::signed_in_at,
                devices::refreshed_at,
                devices::proven_at,
            ))
            .load(&mut connection)
            .await?;
        rows.into_iter()
            .map(|(id, name, signed_in_at, refreshed_at, proven_at)| {
                let name = name.map(|sealed| self.cipher.decrypt(NAME, &sealed)).transpose()?;
                Ok(Device { id, name, signed_in_at, refreshed_at, proven: proven_at.is_some() })
            })
            .collect()
    }

    /// Signs a device of a person's out; doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they have no such device.
    pub async fn sign_out(&self, person: &Person, device: DeviceId) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        let own = devices::table.filter(devices::device_id.eq(device)).filter(devices::person_id.eq(person.id()));
        let known: bool = diesel::select(exists(own)).get_result(&mut connection).await?;
        if !known {
            return Err(Error::NotFound("device"));
        }
        end(&mut connection, device, DeviceEnd::SignedOut, self.clock.now()).await
    }

    /// Sends a code to the contact by which the device is proven. A minute lies between two, and there are five a day.
    ///
    /// # Errors
    /// [`Error::WrongState`] for a device that is proven, [`Error::SecondFactorNeeded`] when the person has a second
    /// factor, which proves it instead; [`Error::TooManyMessages`].
    pub async fn send_device_code(&self, person: &Person) -> Result<(), Error> {
        match person.assurance() {
            Assurance::Password => {}
            Assurance::SecondFactorDue => return Err(Error::SecondFactorNeeded),
            Assurance::Strong => {
                return Err(Error::WrongState { thing: "device", state: "proven", wanted: "proven by a code" });
            }
        }
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let locked: PersonId = people::table
                    .find(person.id())
                    .select(people::person_id)
                    .for_no_key_update()
                    .first(connection)
                    .await?;
                let used = Allowance::of(connection, locked, Purpose::Device, now).await?;
                let allowance = used.repeated_message(now).ok_or(Error::TooManyMessages)?;
                allowance.keep(connection, locked, Purpose::Device).await?;
                let code = six_digits();
                diesel::update(devices::table.find(person.device()))
                    .set((
                        devices::code_index.eq(self.cipher.blind_index(CODE, &code)),
                        devices::code_tries_left.eq(CODE_TRIES),
                        devices::code_expires_at.eq(now + CODE_LIFE),
                    ))
                    .execute(connection)
                    .await?;
                self.notify_person(connection, locked, DEVICE_CODE_TEMPLATE, Some(code)).await
            })
            .await
    }

    /// Proves the device by the code that was sent to the contact. The try is paid for before the code is looked at.
    ///
    /// # Errors
    /// [`Error::WrongCode`].
    pub async fn prove_device(&self, person: &Person, code: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let sent: Option<Option<Vec<u8>>> = diesel::update(devices::table.find(person.device()))
            .filter(devices::ended_at.is_null())
            .filter(devices::code_tries_left.gt(0))
            .filter(devices::code_expires_at.gt(now))
            .set(devices::code_tries_left.eq(devices::code_tries_left - 1))
            .returning(devices::code_index)
            .get_result(&mut connection)
            .await
            .optional()?;
        let index = self.cipher.blind_index(CODE, code);
        let sent = sent.flatten().unwrap_or_default();
        if !bool::from(subtle::ConstantTimeEq::ct_eq(sent.as_slice(), index.as_slice())) {
            return Err(Error::WrongCode);
        }
        let none: Option<Vec<u8>> = None;
        diesel::update(devices::table.find(person.device()))
            .filter(devices::code_index.eq(&sent))
            .set((
                devices::proven_at.eq(now),
                devices::code_index.eq(none),
                devices::code_tries_left.eq(0),
                devices::code_expires_at.eq(None::<DateTime<Utc>>),
            ))
            .execute(&mut connection)
            .await?;
        Ok(())
    }
}

/// Ends a device that has not ended yet.
async fn end(
    connection: &mut AsyncPgConnection,
    device: DeviceId,
    because: DeviceEnd,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(devices::table.find(device))
        .filter(devices::ended_at.is_null())
        .set((devices::ended_at.eq(now), devices::ended_because.eq(because.word())))
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends all devices of a person, or all but one, and the second factors that sign-ins are asked for.
pub(super) async fn end_all(
    connection: &mut AsyncPgConnection,
    person: PersonId,
    but: Option<DeviceId>,
    because: DeviceEnd,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut ending = diesel::update(devices::table)
        .filter(devices::person_id.eq(person))
        .filter(devices::ended_at.is_null())
        .set((devices::ended_at.eq(now), devices::ended_because.eq(because.word())))
        .into_boxed();
    if let Some(but) = but {
        ending = ending.filter(devices::device_id.ne(but));
    }
    ending.execute(connection).await?;
    diesel::delete(second_factor_challenges::table.filter(second_factor_challenges::person_id.eq(person)))
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes room for one more device: those that were idle the longest go.
async fn crowd_out(connection: &mut AsyncPgConnection, person: PersonId, now: DateTime<Utc>) -> Result<(), Error> {
    let there: Vec<DeviceId> = devices::table
        .filter(devices::person_id.eq(person))
        .filter(devices::ended_at.is_null())
        .order(devices::refreshed_at.desc())
        .select(devices::device_id)
        .load(connection)
        .await?;
    for device in there.iter().skip(MOST_DEVICES - 1) {
        end(connection, *device, DeviceEnd::CrowdedOut, now).await?;
    }
    Ok(())
}
