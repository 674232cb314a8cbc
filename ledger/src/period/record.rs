//! The record of a close: the trial balance of what took effect by its date, as known when it was closed, and the
//! signed head of the log that covers it.
//!
//! What is known after an entry never changes, so the record can be made at any time after the close; it is made once.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, SmallInt, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Approvals, PeriodChange};
use crate::balances::{balances_within, stored_code};
use crate::history::Cut;
use crate::schema::{accounts, close_records, closing_balances, entries, period_changes};
use crate::{AsOf, Balance, Error, Ledger, Sequence};

/// Closes that one look records at most.
const CLOSES_AT_ONCE: i64 = 20;

/// A change of what is closed, and what is recorded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedChange {
    /// The entry that closed or reopened.
    pub sequence: Sequence,
    /// What it changed.
    pub change: PeriodChange,
    /// When.
    pub booked_at: DateTime<Utc>,
    /// Balances that the record of a close has; none for a reopening, and until a close is recorded.
    pub balances: Option<i64>,
}

/// Some of the balances that a close recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingBalances {
    /// What had taken effect by the date, as known then, by the accounts' numbers.
    pub balances: Vec<Balance>,
    /// The number of the last account here, after which the next page begins; none when this is all.
    pub next: Option<i64>,
}

type ChangeRow = (i64, String, NaiveDate, Uuid, Option<Uuid>, DateTime<Utc>, Option<i64>);

fn recorded((sequence, change, date, first, second, booked_at, balances): ChangeRow) -> Result<RecordedChange, Error> {
    let corrupt = |what: &str| Error::Corrupt(format!("the change of period {sequence} {what}"));
    let change = match (change.as_str(), second) {
        ("closed", _) => PeriodChange::Closed { through: date, approver: first },
        ("reopened", Some(second)) => {
            let approvals = Approvals::try_new(first, second).map_err(|_| corrupt("has one approver"))?;
            PeriodChange::Reopened { from: date, approvals }
        }
        _ => return Err(corrupt("is of no known kind")),
    };
    Ok(RecordedChange { sequence: Sequence::new(sequence), change, booked_at, balances })
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
                close_records::table
                    .filter(close_records::book_id.eq(period_changes::book_id))
                    .filter(close_records::sequence.eq(period_changes::sequence)),
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

    /// One statement, so the balances and the word that they are whole are written together, and nothing of them goes
    /// through this process.
    async fn record_close(&self, sequence: i64, through: NaiveDate) -> Result<bool, Error> {
        let known = AsOf::Sequence(Sequence::new(sequence));
        let cut = match self.cut(known.effective_by(through)).await {
            Ok(cut) => cut,
            Err(Error::NothingEffective { .. } | Error::BeforeHistory { .. }) => Cut::NOTHING,
            Err(error) => return Err(error),
        };
        // Another process that records the same has the same to say.
        let text = format!(
            "with {}, written as (
                insert into ledger.closing_balances (book_id, commodity, sequence, account, balance_minor)
                select $1, commodity, $6, account, balance
                from balances
                on conflict do nothing
            )
            insert into ledger.close_records (book_id, sequence, accounts, recorded_at)
            select $1, $6, count(*), $7
            from balances
            on conflict do nothing",
            balances_within("ledger.accounts")
        );
        let now = self.now();
        let mut connection = self.database.connection().await?;
        let written = diesel::sql_query(text)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(cut.base)
            .bind::<BigInt, _>(cut.known)
            .bind::<Nullable<Date>, _>(cut.day)
            .bind::<BigInt, _>(cut.on_day)
            .bind::<BigInt, _>(sequence)
            .bind::<Timestamptz, _>(now)
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

    /// Closes and reopenings, the newest first, from before an entry on; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn period_changes(&self, before: Option<Sequence>, limit: i64) -> Result<Vec<RecordedChange>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<ChangeRow> =
            period_changes::table
                .inner_join(entries::table.on(
                    entries::book_id.eq(period_changes::book_id).and(entries::sequence.eq(period_changes::sequence)),
                ))
                .left_join(
                    close_records::table.on(close_records::book_id
                        .eq(period_changes::book_id)
                        .and(close_records::sequence.eq(period_changes::sequence))),
                )
                .filter(period_changes::book_id.eq(self.book.number()))
                .filter(period_changes::sequence.lt(before.map_or(i64::MAX, Sequence::number)))
                .order(period_changes::sequence.desc())
                .limit(limit)
                .select((
                    period_changes::sequence,
                    period_changes::change,
                    period_changes::through,
                    period_changes::first_approver,
                    period_changes::second_approver,
                    entries::booked_at,
                    close_records::accounts.nullable(),
                ))
                .load(&mut connection)
                .await?;
        rows.into_iter().map(recorded).collect()
    }

    /// Balances that a close recorded, from after an account's number on; at most `limit`.
    ///
    /// # Errors
    /// [`Error::NotRecorded`] when no close of that sequence is recorded.
    pub async fn recorded_balances(
        &self,
        close: Sequence,
        after: Option<i64>,
        limit: i64,
    ) -> Result<ClosingBalances, Error> {
        let book = self.book.number();
        let mut connection = self.database.connection().await?;
        let is_recorded: bool = diesel::select(diesel::dsl::exists(close_records::table.find((book, close.number()))))
            .get_result(&mut connection)
            .await?;
        if !is_recorded {
            return Err(Error::NotRecorded { sequence: close.number() });
        }
        let rows: Vec<(i64, String, i32, i64)> = closing_balances::table
            .inner_join(accounts::table.on(
                accounts::book_id.eq(closing_balances::book_id).and(accounts::account.eq(closing_balances::account)),
            ))
            .filter(closing_balances::book_id.eq(book))
            .filter(closing_balances::sequence.eq(close.number()))
            .filter(closing_balances::account.gt(after.unwrap_or(i64::MIN)))
            .order(closing_balances::account)
            .limit(limit)
            .select((accounts::account, accounts::code, accounts::commodity, closing_balances::balance_minor))
            .load(&mut connection)
            .await?;
        let full = i64::try_from(rows.len()) == Ok(limit);
        let next = rows.last().filter(|_| full).map(|row| row.0);
        self.units.learn(&mut connection, rows.iter().map(|row| row.2).collect()).await?;
        let balances = rows.into_iter().map(|(_, code, commodity, debit_positive_minor)| {
            let account = stored_code(&code)?;
            Ok(Balance { account, commodity: self.units.commodity(commodity)?, debit_positive_minor })
        });
        Ok(ClosingBalances { balances: balances.collect::<Result<_, Error>>()?, next })
    }
}
