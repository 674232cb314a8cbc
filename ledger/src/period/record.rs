//! The record of a close: the trial balance of what took effect by its date, as known when it was closed, and the
//! signed head of the log that covers it.
//!
//! What is known after an entry never changes, so the record can be made at any time after the close; it is made once.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, SmallInt, Text};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::balances::stored_code;
use crate::schema::{accounts, closing_balances, entries, period_changes};
use crate::{AsOf, Balance, Error, Ledger, Sequence};

/// Closes that one look records at most.
const CLOSES_AT_ONCE: i64 = 20;

/// A close and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseRecord {
    /// The entry that closed.
    pub sequence: Sequence,
    /// The last closed date.
    pub through: NaiveDate,
    /// Who closed.
    pub approver: Uuid,
    /// When.
    pub closed_at: DateTime<Utc>,
    /// All balances of what took effect by the date, as known then; empty until they are recorded.
    pub balances: Vec<Balance>,
    /// The first signed head of the log that counts the close; none until it is signed.
    pub checkpoint: Option<String>,
}

impl Ledger {
    /// Records the closes that have no record yet; answers how many.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn record_closes(&self) -> Result<usize, Error> {
        let mut connection = self.database.connection().await?;
        let missing: Vec<(i64, NaiveDate)> = period_changes::table
            .filter(period_changes::book_id.eq(self.book.number()))
            .filter(period_changes::change.eq("closed"))
            .filter(diesel::dsl::not(diesel::dsl::exists(
                closing_balances::table
                    .filter(closing_balances::book_id.eq(period_changes::book_id))
                    .filter(closing_balances::sequence.eq(period_changes::sequence)),
            )))
            .order(period_changes::sequence)
            .limit(CLOSES_AT_ONCE)
            .select((period_changes::sequence, period_changes::through))
            .load(&mut connection)
            .await?;
        drop(connection);
        let mut recorded = 0;
        for (sequence, through) in missing {
            recorded += usize::from(self.record_close(sequence, through).await?);
        }
        Ok(recorded)
    }

    async fn record_close(&self, sequence: i64, through: NaiveDate) -> Result<bool, Error> {
        // Another process that records the same has the same to say.
        const TEXT: &str = "insert into ledger.closing_balances (book_id, commodity, sequence, account, balance_minor)
            select a.book_id, a.commodity, $1, a.account, found.balance
            from unnest($2, $3, $4) as found (code, commodity, balance)
            join ledger.accounts a on a.book_id = $5 and a.code = found.code and a.commodity = found.commodity
            on conflict do nothing";
        let balances = self.closing_balances(sequence, through).await?;
        let codes: Vec<&str> = balances.iter().map(|balance| balance.account.as_str()).collect();
        let commodities: Vec<i32> = balances.iter().map(|balance| balance.commodity.number()).collect();
        let amounts: Vec<i64> = balances.iter().map(|balance| balance.debit_positive_minor).collect();
        let mut connection = self.database.connection().await?;
        let written = diesel::sql_query(TEXT)
            .bind::<BigInt, _>(sequence)
            .bind::<Array<Text>, _>(codes)
            .bind::<Array<Integer>, _>(commodities)
            .bind::<Array<BigInt>, _>(amounts)
            .bind::<SmallInt, _>(self.book.number())
            .execute(&mut connection)
            .await?;
        Ok(written > 0)
    }

    /// What the record of a close ought to hold.
    pub(crate) async fn closing_balances(&self, sequence: i64, through: NaiveDate) -> Result<Vec<Balance>, Error> {
        let known = AsOf::Sequence(Sequence::new(sequence));
        match self.trial_balance(known.effective_by(through)).await {
            Ok(balance) => Ok(balance.balances),
            Err(Error::NothingEffective { .. } | Error::BeforeHistory { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The closes of the book, newest first, each with its record; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn closes(&self, limit: i64) -> Result<Vec<CloseRecord>, Error> {
        let mut connection = self.database.connection().await?;
        let book = self.book.number();
        let closes: Vec<(i64, NaiveDate, Uuid, DateTime<Utc>)> =
            period_changes::table
                .inner_join(entries::table.on(
                    entries::book_id.eq(period_changes::book_id).and(entries::sequence.eq(period_changes::sequence)),
                ))
                .filter(period_changes::book_id.eq(book))
                .filter(period_changes::change.eq("closed"))
                .order(period_changes::sequence.desc())
                .limit(limit)
                .select((
                    period_changes::sequence,
                    period_changes::through,
                    period_changes::first_approver,
                    entries::booked_at,
                ))
                .load(&mut connection)
                .await?;
        let mut records = Vec::with_capacity(closes.len());
        for (sequence, through, approver, closed_at) in closes {
            let rows: Vec<(String, i32, i64)> = closing_balances::table
                .inner_join(
                    accounts::table.on(accounts::book_id
                        .eq(closing_balances::book_id)
                        .and(accounts::account.eq(closing_balances::account))),
                )
                .filter(closing_balances::book_id.eq(book))
                .filter(closing_balances::sequence.eq(sequence))
                .order((accounts::code, accounts::commodity))
                .select((accounts::code, accounts::commodity, closing_balances::balance_minor))
                .load(&mut connection)
                .await?;
            self.units.learn(&mut connection, rows.iter().map(|row| row.1).collect()).await?;
            let balances = rows.into_iter().map(|(code, commodity, debit_positive_minor)| {
                let account = stored_code(&code)?;
                Ok(Balance { account, commodity: self.units.commodity(commodity)?, debit_positive_minor })
            });
            let balances = balances.collect::<Result<_, Error>>()?;
            let sequence = Sequence::new(sequence);
            let checkpoint = self.checkpoint_covering(sequence).await?;
            records.push(CloseRecord { sequence, through, approver, closed_at, balances, checkpoint });
        }
        Ok(records)
    }
}
