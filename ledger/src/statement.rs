//! The statement of an account: its postings in order, each with the balance it left.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::balances::AsOf;
use crate::schema::{accounts, entries, postings};
use crate::{AccountCode, Balance, Currency, Error, Ledger, Money, Sequence};

/// Lines that one page has at most.
pub const MAX_STATEMENT_LINES: i64 = 500;

/// One posting on a statement. Amounts are on the account's normal side: positive is more in the wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// The entry's place in the book.
    pub sequence: Sequence,
    /// The posting's place in the entry.
    pub ordinal: i16,
    /// The entry's public id.
    pub entry: Uuid,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// When it took effect.
    pub effective_date: NaiveDate,
    /// What kind of thing happened.
    pub kind: String,
    /// A line for a reader.
    pub description: Option<String>,
    /// What it was about.
    pub subject: Option<Uuid>,
    /// The amount.
    pub amount: Money,
    /// The balance after it.
    pub balance: Money,
}

/// A page of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The balance before the first line.
    pub opening: Money,
    /// The lines, oldest first.
    pub lines: Vec<StatementLine>,
    /// The balance after the last line.
    pub closing: Money,
}

/// Where a page starts: after that posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The entry's place in the book.
    pub sequence: Sequence,
    /// The posting's place in the entry.
    pub ordinal: i16,
}

impl After {
    /// Before everything.
    pub const BEGINNING: Self = Self { sequence: Sequence::new(0), ordinal: 0 };
}

type Line = (i64, i16, Uuid, DateTime<Utc>, NaiveDate, String, Option<String>, Option<Uuid>, i64, i64);

impl Ledger {
    /// A page of an account's statement, oldest first; `limit` is bounded by [`MAX_STATEMENT_LINES`].
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when nothing was ever booked on it.
    pub async fn statement(
        &self,
        code: &AccountCode,
        currency: Currency,
        after: After,
        limit: i64,
    ) -> Result<Statement, Error> {
        let mut connection = self.database.connection().await?;
        let number: i64 = accounts::table
            .filter(accounts::book_id.eq(self.book.number()))
            .filter(accounts::code.eq(code.as_str()))
            .filter(accounts::commodity.eq(currency.number()))
            .select(accounts::account)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or_else(|| Error::UnknownAccount { code: code.clone(), currency })?;
        let from = (after.sequence.number(), after.ordinal);
        let rows: Vec<Line> = postings::table
            .inner_join(
                entries::table.on(entries::book_id.eq(postings::book_id).and(entries::sequence.eq(postings::sequence))),
            )
            .filter(postings::book_id.eq(self.book.number()))
            .filter(postings::account.eq(number))
            .filter(postings::sequence.ge(from.0))
            .filter(postings::sequence.gt(from.0).or(postings::ordinal.gt(from.1)))
            .order((postings::sequence, postings::ordinal))
            .limit(limit.clamp(1, MAX_STATEMENT_LINES))
            .select((
                postings::sequence,
                postings::ordinal,
                entries::entry_key,
                entries::booked_at,
                entries::effective_date,
                entries::kind,
                entries::description,
                entries::subject,
                postings::amount_minor,
                postings::balance_minor,
            ))
            .load(&mut connection)
            .await?;
        drop(connection);
        let side =
            |debit_positive_minor| Balance { account: code.clone(), currency, debit_positive_minor }.on_normal_side();
        let opening = match rows.as_slice().first() {
            Some(first) => side(first.9 - first.8),
            None => self.balance(code, currency, AsOf::Now).await?,
        };
        let closing = rows.as_slice().last().map_or(opening, |last| side(last.9));
        let line = |row: Line| StatementLine {
            sequence: Sequence::new(row.0),
            ordinal: row.1,
            entry: row.2,
            booked_at: row.3,
            effective_date: row.4,
            kind: row.5,
            description: row.6,
            subject: row.7,
            amount: side(row.8),
            balance: side(row.9),
        };
        Ok(Statement { opening, lines: rows.into_iter().map(line).collect(), closing })
    }
}
