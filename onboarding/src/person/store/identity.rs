//! Who a person says to be, as it is kept.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;

use super::People;
use crate::document::outdate_in;
use crate::person::{Identity, Person, PersonId, Tier};
use crate::schema::people;
use crate::{Country, Error};

const NAME: &str = "onboarding.people.name";
const BIRTH_DATE: &str = "onboarding.people.birth_date";
const ADDRESS: &str = "onboarding.people.address";

/// Who a person says to be.
#[derive(Clone)]
pub struct StatedIdentity {
    /// Their name, in one piece.
    pub name: String,
    /// When they were born.
    pub birth_date: NaiveDate,
    /// Where they live.
    pub address: String,
    /// In which country.
    pub country: Country,
}

impl People {
    /// Keeps who a person says to be, which lifts them to tier 1. A higher tier stays as long as name and birth date do:
    /// the documents that carry it are those of who they were said to be before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn state_identity(&self, person: &Person, identity: &Identity) -> Result<Tier, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let tier: i16 =
                    people::table.find(person.id()).select(people::tier).for_update().first(connection).await?;
                let known = identity_in(connection, &self.cipher, person.id()).await?;
                let is_another =
                    known.is_some_and(|known| (&known.name, known.birth_date) != (&identity.name, identity.birth_date));
                let tier = if is_another { Tier::Identity } else { Tier::from_number(tier)?.max(Tier::Identity) };
                diesel::update(people::table.find(person.id()))
                    .set((
                        people::sealed_name.eq(self.cipher.encrypt(NAME, &identity.name)),
                        people::sealed_birth_date.eq(self.cipher.encrypt(BIRTH_DATE, &identity.birth_date.to_string())),
                        people::sealed_address.eq(self.cipher.encrypt(ADDRESS, &identity.address)),
                        people::country.eq(identity.country.code()),
                        people::tier.eq(tier.number()),
                    ))
                    .execute(connection)
                    .await?;
                if is_another {
                    outdate_in(connection, person.id(), self.clock.now()).await?;
                }
                Ok(tier)
            })
            .await
    }
}

/// Who a person says to be; none before they said it.
pub(crate) async fn identity_in(
    connection: &mut AsyncPgConnection,
    cipher: &Cipher,
    person: PersonId,
) -> Result<Option<StatedIdentity>, Error> {
    type Row = (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, Option<String>);
    let row: Row = people::table
        .find(person)
        .select((people::sealed_name, people::sealed_birth_date, people::sealed_address, people::country))
        .first(connection)
        .await?;
    let (Some(name), Some(birth_date), Some(address), Some(country)) = row else { return Ok(None) };
    let birth_date = cipher.decrypt(BIRTH_DATE, &birth_date)?;
    Ok(Some(StatedIdentity {
        name: cipher.decrypt(NAME, &name)?,
        birth_date: birth_date.parse().map_err(|_| Error::Corrupt("a birth date"))?,
        address: cipher.decrypt(ADDRESS, &address)?,
        country: Country::try_new(&country).map_err(|_| Error::Corrupt("a country"))?,
    }))
}
