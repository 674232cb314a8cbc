use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{Currency, IdempotencyKey, Money, UnitOfWork};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;

use super::{NewPayIn, PayIn, PayInId, PayInState, UnmatchedReason};
use crate::remittance::{entries, pay_in_credited};
use crate::schema::pay_ins;
use crate::{Error, Remittance, RemittanceId};

const TEXT: &str = "remittance.pay_ins.text";
/// Pay-ins that one list shows at most.
const MOST_SHOWN: i64 = 200;
/// Pay-ins that one statement keeps; each takes nine binds of the 65,535 that a statement may have.
const KEPT_AT_ONCE: usize = 1_000;

/// All pay-ins.
#[derive(Clone)]
pub struct PayIns {
    database: Database,
    cipher: Cipher,
    clock: Clock,
}

#[derive(Queryable, Insertable, Selectable)]
#[diesel(table_name = pay_ins)]
struct Row {
    pay_in_id: PayInId,
    provider: String,
    provider_reference: String,
    amount_minor: i64,
    currency: String,
    value_date: NaiveDate,
    sealed_text: Vec<u8>,
    state: String,
    reason: Option<String>,
    remittance_id: Option<RemittanceId>,
    received_at: DateTime<Utc>,
}

impl PayIns {
    /// The pay-ins of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock) -> Self {
        Self { database, cipher, clock }
    }

    /// Keeps pay-ins, all or none; one that was reported before is not kept again. Answers them as they stand now, in
    /// the order given.
    ///
    /// # Errors
    /// [`Error::PayIn`] when a reference was reported before with another amount; then none is kept.
    pub async fn receive(&self, reported: &[NewPayIn]) -> Result<Vec<PayIn>, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let mut kept = Vec::with_capacity(reported.len());
                for part in reported.chunks(KEPT_AT_ONCE) {
                    let rows: Vec<Row> = part.iter().map(|pay_in| self.row(pay_in, now)).collect();
                    diesel::insert_into(pay_ins::table)
                        .values(rows)
                        .on_conflict_do_nothing()
                        .execute(connection)
                        .await?;
                    kept.extend(self.as_they_stand(connection, part).await?);
                }
                Ok(kept)
            })
            .await
    }

    async fn as_they_stand(
        &self,
        connection: &mut AsyncPgConnection,
        reported: &[NewPayIn],
    ) -> Result<Vec<PayIn>, Error> {
        let ids: Vec<PayInId> = reported.iter().map(NewPayIn::id).collect();
        let rows: Vec<Row> =
            pay_ins::table.filter(pay_ins::pay_in_id.eq_any(&ids)).select(Row::as_select()).load(connection).await?;
        let known = rows.into_iter().map(|row| self.pay_in(row)).collect::<Result<Vec<_>, _>>()?;
        let known: std::collections::HashMap<PayInId, PayIn> = known.into_iter().map(|kept| (kept.id, kept)).collect();
        reported
            .iter()
            .map(|reported| {
                let kept = known.get(&reported.id()).ok_or(Error::Corrupt("a pay-in's id"))?;
                let same = kept.amount == reported.amount && kept.value_date == reported.value_date;
                if same {
                    Ok(kept.clone())
                } else {
                    Err(Error::PayIn("the provider's reference was reported before with another amount or date"))
                }
            })
            .collect()
    }

    /// One pay-in.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: PayInId) -> Result<PayIn, Error> {
        let mut connection = self.database.connection().await?;
        let row: Option<Row> =
            pay_ins::table.find(id).select(Row::as_select()).first(&mut connection).await.optional()?;
        self.pay_in(row.ok_or(Error::NotFound("pay-in"))?)
    }

    /// Several pay-ins as they stand now, in no order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn get_all(&self, ids: &[PayInId]) -> Result<Vec<PayIn>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = pay_ins::table
            .filter(pay_ins::pay_in_id.eq_any(ids))
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        rows.into_iter().map(|row| self.pay_in(row)).collect()
    }

    /// Pay-ins in a state, the oldest first, after the one that was shown last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        state: PayInState,
        after: Option<(DateTime<Utc>, PayInId)>,
        limit: i64,
    ) -> Result<Vec<PayIn>, Error> {
        let mut query = pay_ins::table
            .filter(pay_ins::state.eq(state.word()))
            .order((pay_ins::received_at, pay_ins::pay_in_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(Row::as_select())
            .into_boxed();
        if let Some((received_at, id)) = after {
            query = query.filter(
                pay_ins::received_at
                    .gt(received_at)
                    .or(pay_ins::received_at.eq(received_at).and(pay_ins::pay_in_id.gt(id))),
            );
        }
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(|row| self.pay_in(row)).collect()
    }

    /// Leaves a pay-in for a person, with the reason; one that is dealt with stays as it is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_aside(&self, id: PayInId, reason: UnmatchedReason) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        diesel::update(pay_ins::table.find(id))
            .filter(pay_ins::state.eq(PayInState::Received.word()))
            .set((pay_ins::state.eq(PayInState::Unmatched.word()), pay_ins::reason.eq(reason.word())))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    /// The unit of work that credits a pay-in to the wallet of a remittance's sender.
    ///
    /// # Errors
    /// [`Error::PayIn`] when it is dealt with already.
    pub fn crediting(&self, pay_in: &PayIn, remittance: &Remittance) -> Result<UnitOfWork, Error> {
        if !pay_in.is_open() {
            return Err(Error::PayIn("the pay-in is dealt with already"));
        }
        let entry = entries::pay_in_credited(self.clock.today(), remittance, &pay_in.provider, pay_in.amount)?;
        let key = IdempotencyKey::derived(pay_in.id.uuid(), "credit");
        Ok(UnitOfWork::new(key, entry).causing(pay_in_credited(remittance.id.uuid(), pay_in.id.uuid())?))
    }

    fn row(&self, pay_in: &NewPayIn, received_at: DateTime<Utc>) -> Row {
        Row {
            pay_in_id: pay_in.id(),
            provider: pay_in.provider.clone(),
            provider_reference: pay_in.provider_reference.clone(),
            amount_minor: pay_in.amount.minor(),
            currency: pay_in.amount.currency().to_string(),
            value_date: pay_in.value_date,
            sealed_text: self.cipher.encrypt(TEXT, &pay_in.text),
            state: PayInState::Received.word().to_owned(),
            reason: None,
            remittance_id: None,
            received_at,
        }
    }

    fn pay_in(&self, row: Row) -> Result<PayIn, Error> {
        let currency = Currency::try_new(&row.currency).map_err(|_| Error::Corrupt("a currency"))?;
        Ok(PayIn {
            id: row.pay_in_id,
            provider: row.provider,
            provider_reference: row.provider_reference,
            amount: Money::from_minor(row.amount_minor, currency),
            value_date: row.value_date,
            text: self.cipher.decrypt(TEXT, &row.sealed_text)?,
            state: PayInState::from_word(&row.state)?,
            reason: row.reason,
            remittance: row.remittance_id,
            received_at: row.received_at,
        })
    }
}
