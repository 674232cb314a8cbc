use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::HoldId;
use crate::balances::stored_code;
use crate::schema::{accounts, books, holds};
use crate::{AccountCode, Amount, Balance, Commodity, Error, Ledger, Sequence};

/// A hold as its changes left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// The account.
    pub account: AccountCode,
    /// What was reserved, on the account's normal side.
    pub amount: Amount,
    /// What is neither posted nor released.
    pub remaining: Amount,
    /// From this moment on it is over.
    pub expires_at: DateTime<Utc>,
    /// The entry that placed it.
    pub placed: Sequence,
    /// The entry that changed it last.
    pub changed: Sequence,
}

impl Hold {
    /// Whether it reserves anything at that time.
    #[must_use]
    pub fn is_live(&self, at: DateTime<Utc>) -> bool {
        self.remaining.is_positive() && self.expires_at > at
    }
}

/// What an account holds and how much of it is reserved, on its normal side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// The account.
    pub account: AccountCode,
    /// The sum of its postings.
    pub balance: Amount,
    /// The sum of its live holds.
    pub held: Amount,
}

impl Available {
    /// What is neither moved nor reserved.
    ///
    /// # Errors
    /// [`crate::MoneyError::Overflow`] when it does not fit into 64 bits.
    pub fn available(&self) -> Result<Amount, crate::MoneyError> {
        self.balance.checked_sub(self.held)
    }
}

type HoldRow = (HoldId, String, i32, i64, i64, DateTime<Utc>, i64, i64);

impl Ledger {
    /// One hold; `None` when nothing was ever held under that id.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn hold(&self, hold: HoldId) -> Result<Option<Hold>, Error> {
        let mut connection = self.database.connection().await?;
        let row: Option<HoldRow> = holds::table
            .inner_join(
                accounts::table.on(accounts::book_id.eq(holds::book_id).and(accounts::account.eq(holds::account))),
            )
            .filter(holds::book_id.eq(self.book.number()))
            .filter(holds::hold_id.eq(hold))
            .select(columns())
            .first(&mut connection)
            .await
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        self.units.learn(&mut connection, vec![row.2]).await?;
        self.read(row).map(Some)
    }

    /// The holds of an account that are live now, by id; at most [`super::MAX_LIVE_HOLDS`].
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn live_holds(&self, code: &AccountCode, commodity: impl Into<Commodity>) -> Result<Vec<Hold>, Error> {
        let commodity = commodity.into();
        let now = self.time_of_reading().await?;
        let mut connection = self.database.connection().await?;
        let rows: Vec<HoldRow> = holds::table
            .inner_join(
                accounts::table.on(accounts::book_id.eq(holds::book_id).and(accounts::account.eq(holds::account))),
            )
            .filter(holds::book_id.eq(self.book.number()))
            .filter(accounts::code.eq(code.as_str()))
            .filter(accounts::commodity.eq(commodity.number()))
            .filter(holds::remaining_minor.gt(0))
            .filter(holds::expires_at.gt(now))
            .order(holds::hold_id)
            .select(columns())
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, vec![commodity.number()]).await?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    /// What an account holds, and how much of it is reserved now: one snapshot.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when nothing was ever booked on it.
    pub async fn available(&self, code: &AccountCode, commodity: impl Into<Commodity>) -> Result<Available, Error> {
        // One statement, so one snapshot of balance and holds.
        const TEXT: &str = "select a.balance_minor as balance, coalesce(sum(h.remaining_minor), 0)::int8 as held
            from ledger.accounts a
            left join ledger.holds h
                on h.book_id = a.book_id
                and h.account = a.account
                and h.remaining_minor > 0
                and h.expires_at > $1
            where a.book_id = $2
              and a.code = $3
              and a.commodity = $4
            group by a.balance_minor";
        let commodity = commodity.into();
        let now = self.time_of_reading().await?;
        let mut connection = self.database.connection().await?;
        let row: Option<AvailableRow> = diesel::sql_query(TEXT)
            .bind::<diesel::sql_types::Timestamptz, _>(now)
            .bind::<diesel::sql_types::SmallInt, _>(self.book.number())
            .bind::<diesel::sql_types::Text, _>(code.as_str())
            .bind::<diesel::sql_types::Integer, _>(commodity.number())
            .get_result(&mut connection)
            .await
            .optional()?;
        let row = row.ok_or_else(|| Error::UnknownAccount { code: code.clone(), commodity })?;
        let balance = Balance { account: code.clone(), commodity, debit_positive_minor: row.balance }.on_normal_side();
        Ok(Available { account: code.clone(), balance, held: Amount::from_minor(row.held, commodity) })
    }

    /// Holds whose time was over at `now` and that still stand in the books, oldest expiry first; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn expired_holds(&self, limit: i64) -> Result<Vec<HoldId>, Error> {
        let now = self.time_of_reading().await?;
        let mut connection = self.database.connection().await?;
        Ok(holds::table
            .filter(holds::book_id.eq(self.book.number()))
            .filter(holds::remaining_minor.gt(0))
            .filter(holds::expires_at.le(now))
            .order((holds::expires_at, holds::hold_id))
            .limit(limit)
            .select(holds::hold_id)
            .load(&mut connection)
            .await?)
    }

    /// The clock, or the newest entry's time when the clock was set back: what was over for the writer stays over.
    async fn time_of_reading(&self) -> Result<DateTime<Utc>, Error> {
        let mut connection = self.database.connection().await?;
        let booked: DateTime<Utc> = books::table
            .filter(books::book_id.eq(self.book.number()))
            .select(books::last_booked_at)
            .first(&mut connection)
            .await?;
        Ok(self.now().max(booked))
    }

    fn read(&self, row: HoldRow) -> Result<Hold, Error> {
        let (id, code, commodity, amount, remaining, expires_at, placed, changed) = row;
        let commodity = self.units.commodity(commodity)?;
        Ok(Hold {
            id,
            account: stored_code(&code)?,
            amount: Amount::from_minor(amount, commodity),
            remaining: Amount::from_minor(remaining, commodity),
            expires_at,
            placed: Sequence::new(placed),
            changed: Sequence::new(changed),
        })
    }
}

#[derive(QueryableByName)]
struct AvailableRow {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    balance: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    held: i64,
}

type Columns = (
    holds::hold_id,
    accounts::code,
    holds::commodity,
    holds::amount_minor,
    holds::remaining_minor,
    holds::expires_at,
    holds::placed_sequence,
    holds::last_sequence,
);

const fn columns() -> Columns {
    (
        holds::hold_id,
        accounts::code,
        holds::commodity,
        holds::amount_minor,
        holds::remaining_minor,
        holds::expires_at,
        holds::placed_sequence,
        holds::last_sequence,
    )
}
