use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;

use super::{Beneficiary, BeneficiaryId, Channel, MAX_BENEFICIARIES, NewBeneficiary};
use crate::schema::beneficiaries;
use crate::{Error, SenderId};

const NAME: &str = "remittance.beneficiaries.name";
const ACCOUNT: &str = "remittance.beneficiaries.account";

/// All beneficiaries.
#[derive(Clone)]
pub struct Beneficiaries {
    database: Database,
    cipher: Cipher,
    clock: Clock,
}

type Row = (BeneficiaryId, String, String, String, Vec<u8>, Option<Vec<u8>>, DateTime<Utc>);

impl Beneficiaries {
    /// The beneficiaries of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock) -> Self {
        Self { database, cipher, clock }
    }

    /// That a sender can name somebody else. Only [`Beneficiaries::add`] decides; this is for whoever has work to do
    /// before.
    ///
    /// # Errors
    /// [`Error::TooManyBeneficiaries`].
    pub async fn check_room(&self, sender: SenderId) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        check_room_in(&mut connection, sender, MAX_BENEFICIARIES - 1).await
    }

    /// Keeps a beneficiary; a repeated id changes nothing.
    ///
    /// # Errors
    /// [`Error::TooManyBeneficiaries`].
    pub async fn add(
        &self,
        sender: SenderId,
        id: BeneficiaryId,
        beneficiary: &NewBeneficiary,
    ) -> Result<Beneficiary, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                // Beneficiaries of one sender are added one after the other, so that the count holds.
                diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
                    .bind::<diesel::sql_types::Text, _>(format!("beneficiaries of {sender}"))
                    .execute(connection)
                    .await?;
                diesel::insert_into(beneficiaries::table)
                    .values((
                        beneficiaries::beneficiary_id.eq(id),
                        beneficiaries::sender_id.eq(sender),
                        beneficiaries::channel.eq(beneficiary.channel.word()),
                        beneficiaries::institution.eq(&beneficiary.institution),
                        beneficiaries::country.eq(&beneficiary.country),
                        beneficiaries::sealed_name.eq(self.cipher.encrypt(NAME, &beneficiary.name)),
                        beneficiaries::sealed_account
                            .eq(beneficiary.account.as_ref().map(|account| self.cipher.encrypt(ACCOUNT, account))),
                        beneficiaries::created_at.eq(self.clock.now()),
                    ))
                    .on_conflict_do_nothing()
                    .execute(connection)
                    .await?;
                check_room_in(connection, sender, MAX_BENEFICIARIES).await
            })
            .await?;
        drop(connection);
        self.get(sender, id).await
    }

    /// A sender's beneficiary.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs.
    pub async fn get(&self, sender: SenderId, id: BeneficiaryId) -> Result<Beneficiary, Error> {
        let mut connection = self.database.connection().await?;
        let row: Row = beneficiaries::table
            .find(id)
            .filter(beneficiaries::sender_id.eq(sender))
            .select(COLUMNS)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::NotFound("beneficiary"))?;
        self.open(row)
    }

    /// A sender's beneficiaries, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(&self, sender: SenderId) -> Result<Vec<Beneficiary>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = beneficiaries::table
            .filter(beneficiaries::sender_id.eq(sender))
            .order(beneficiaries::created_at.desc())
            .limit(MAX_BENEFICIARIES)
            .select(COLUMNS)
            .load(&mut connection)
            .await?;
        rows.into_iter().map(|row| self.open(row)).collect()
    }

    /// Those beneficiaries, for the institution that pays them.
    pub(crate) async fn for_payout(
        &self,
        connection: &mut AsyncPgConnection,
        ids: &[BeneficiaryId],
    ) -> Result<Vec<Beneficiary>, Error> {
        let rows: Vec<Row> = beneficiaries::table
            .filter(beneficiaries::beneficiary_id.eq_any(ids))
            .select(COLUMNS)
            .load(connection)
            .await?;
        rows.into_iter().map(|row| self.open(row)).collect()
    }

    fn open(&self, (id, channel, institution, country, name, account, created_at): Row) -> Result<Beneficiary, Error> {
        Ok(Beneficiary {
            id,
            name: self.cipher.decrypt(NAME, &name)?,
            channel: Channel::from_word(&channel)?,
            account: account.map(|sealed| self.cipher.decrypt(ACCOUNT, &sealed)).transpose()?,
            institution,
            country,
            created_at,
        })
    }
}

async fn check_room_in(connection: &mut AsyncPgConnection, sender: SenderId, most: i64) -> Result<(), Error> {
    let kept: i64 =
        beneficiaries::table.filter(beneficiaries::sender_id.eq(sender)).count().get_result(connection).await?;
    if kept <= most { Ok(()) } else { Err(Error::TooManyBeneficiaries { most: MAX_BENEFICIARIES }) }
}

type Columns = (
    beneficiaries::beneficiary_id,
    beneficiaries::channel,
    beneficiaries::institution,
    beneficiaries::country,
    beneficiaries::sealed_name,
    beneficiaries::sealed_account,
    beneficiaries::created_at,
);

const COLUMNS: Columns = (
    beneficiaries::beneficiary_id,
    beneficiaries::channel,
    beneficiaries::institution,
    beneficiaries::country,
    beneficiaries::sealed_name,
    beneficiaries::sealed_account,
    beneficiaries::created_at,
);
