//! Balances: of one account or of all, at any moment.

mod page;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, SmallInt, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::account::Balance;
use crate::history::{Cut, end_of, within_calendar};
use crate::schema::{accounts, books};
use crate::units::Units;
use crate::{AccountCode, Amount, AsOf, Commodity, Currency, Error, Ledger, Moment, Sequence};
pub use page::{CurrencySum, MAX_PAGE_BALANCES, TrialBalancePage, TrialBalanceQuery};

diesel::define_sql_function! {
    #[sql_name = "ledger.balance_at"]
    fn balance_at(
        book: SmallInt, account: BigInt, base: BigInt, known: BigInt, day: Nullable<Date>, on_day: BigInt
    ) -> BigInt;
}

diesel::define_sql_function! {
    #[sql_name = "ledger.balance_on"]
    fn balance_on(
        book: SmallInt, account: BigInt, known: BigInt, day: Date, day_over: Timestamptz
    ) -> Nullable<BigInt>;
}

/// All balances of a book at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalance {
    /// The newest entry that is known; the same question about what was known after it has this answer for ever.
    pub sequence: Sequence,
    /// Every account on which something was booked by then, by code and commodity.
    pub balances: Vec<Balance>,
}

impl TrialBalance {
    /// The sum of all balances of each commodity, debits positive: zero, or the book is wrong.
    #[must_use]
    pub fn differences(&self) -> Vec<(Commodity, i128)> {
        let mut sums = std::collections::BTreeMap::<Commodity, i128>::new();
        for balance in &self.balances {
            *sums.entry(balance.commodity).or_default() += i128::from(balance.debit_positive_minor);
        }
        sums.into_iter().collect()
    }
}

impl Ledger {
    /// What an account holds, on its normal side.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when nothing was ever booked on it; [`Error::SequenceAhead`], [`Error::NotYet`],
    /// [`Error::BeforeHistory`] or [`Error::NothingEffective`] for a moment of which nothing can be said.
    pub async fn balance(
        &self,
        code: &AccountCode,
        commodity: impl Into<Commodity>,
        moment: impl Into<Moment>,
    ) -> Result<Amount, Error> {
        let (commodity, moment) = (commodity.into(), moment.into());
        let debit_positive_minor = match moment {
            Moment { known: AsOf::Now, effective_by: None } => self.account(code, commodity).await?.balance_minor,
            Moment { known: AsOf::Now, effective_by: Some(day) } => {
                match self.balance_on(code, commodity, day).await? {
                    Some(balance) => balance,
                    // Nothing had taken effect; the long way says so, or finds what was booked meanwhile.
                    None => self.balance_within(code, commodity, self.cut(moment).await?).await?,
                }
            }
            _ => self.balance_within(code, commodity, self.cut(moment).await?).await?,
        };
        Ok(Balance { account: code.clone(), commodity, debit_positive_minor }.on_normal_side())
    }

    /// The balance by the end of a day, debits positive, in one look; none when nothing had taken effect by then.
    async fn balance_on(&self, code: &AccountCode, commodity: Commodity, day: NaiveDate) -> Result<Option<i64>, Error> {
        let mut connection = self.database.connection().await?;
        let (day, book) = (within_calendar(day), self.book.number());
        accounts::table
            .inner_join(books::table.on(books::book_id.eq(accounts::book_id)))
            .filter(accounts::book_id.eq(book))
            .filter(accounts::code.eq(code.as_str()))
            .filter(accounts::commodity.eq(commodity.number()))
            .select(balance_on(book, accounts::account, books::last_sequence, day, end_of(day)))
            .first(&mut connection)
            .await
            .optional()?
            .ok_or_else(|| Error::UnknownAccount { code: code.clone(), commodity })
    }

    /// The balance of what counts, debits positive.
    pub(crate) async fn balance_within(
        &self,
        code: &AccountCode,
        commodity: Commodity,
        cut: Cut,
    ) -> Result<i64, Error> {
        let mut connection = self.database.connection().await?;
        let book = self.book.number();
        accounts::table
            .filter(accounts::book_id.eq(book))
            .filter(accounts::code.eq(code.as_str()))
            .filter(accounts::commodity.eq(commodity.number()))
            .select(balance_at(book, accounts::account, cut.base, cut.known, cut.day, cut.on_day))
            .first(&mut connection)
            .await
            .optional()?
            .ok_or_else(|| Error::UnknownAccount { code: code.clone(), commodity })
    }

    pub(crate) async fn account(&self, code: &AccountCode, commodity: Commodity) -> Result<Account, Error> {
        let mut connection = self.database.connection().await?;
        accounts::table
            .filter(accounts::book_id.eq(self.book.number()))
            .filter(accounts::code.eq(code.as_str()))
            .filter(accounts::commodity.eq(commodity.number()))
            .select(Account::as_select())
            .first(&mut connection)
            .await
            .optional()?
            .ok_or_else(|| Error::UnknownAccount { code: code.clone(), commodity })
    }

    /// What the accounts of a code hold now, by commodity; none when nothing was ever booked on it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn balances_of(&self, code: &AccountCode) -> Result<Vec<Balance>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<(i32, i64)> = accounts::table
            .filter(accounts::book_id.eq(self.book.number()))
            .filter(accounts::code.eq(code.as_str()))
            .select((accounts::commodity, accounts::balance_minor))
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, rows.iter().map(|row| row.0).collect()).await?;
        let balance = |(commodity, debit_positive_minor)| {
            let commodity = self.units.commodity(commodity)?;
            Ok(Balance { account: code.clone(), commodity, debit_positive_minor })
        };
        let mut balances = rows.into_iter().map(balance).collect::<Result<Vec<_>, Error>>()?;
        balances.sort_by_key(|balance| balance.commodity);
        Ok(balances)
    }

    /// All balances at one moment.
    ///
    /// # Errors
    /// As [`Ledger::balance`], but that no account is asked for.
    pub async fn trial_balance(&self, moment: impl Into<Moment>) -> Result<TrialBalance, Error> {
        let moment = moment.into();
        let (sequence, rows) = if moment == AsOf::Now.into() {
            let rows = self.balances_now().await?;
            (rows.as_slice().first().map_or(0, |row| row.head), rows)
        } else {
            let cut = self.cut(moment).await?;
            (cut.known, self.balances_within(cut).await?)
        };
        let mut balances = rows.into_iter().map(|row| row.balance(&self.units)).collect::<Result<Vec<_>, _>>()?;
        balances.sort_by(|a, b| (&a.account, a.commodity).cmp(&(&b.account, b.commodity)));
        Ok(TrialBalance { sequence: Sequence::new(sequence), balances })
    }

    /// One statement, so one snapshot: the balances and the head they belong to.
    async fn balances_now(&self) -> Result<Vec<Row>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<(String, i32, i64, i64)> = accounts::table
            .inner_join(books::table.on(books::book_id.eq(accounts::book_id)))
            .filter(accounts::book_id.eq(self.book.number()))
            .select((accounts::code, accounts::commodity, accounts::balance_minor, books::last_sequence))
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, rows.iter().map(|row| row.1).collect()).await?;
        Ok(rows.into_iter().map(|(code, commodity, balance, head)| Row { code, commodity, balance, head }).collect())
    }

    /// For each account its last posting up to the base: one index probe an account, however long the history; and what
    /// the entries that cross the day change.
    async fn balances_within(&self, cut: Cut) -> Result<Vec<Row>, Error> {
        let text = format!(
            "with {}
            select code, commodity, balance, $3 as head
            from balances",
            balances_within("ledger.accounts")
        );
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = diesel::sql_query(text)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(cut.base)
            .bind::<BigInt, _>(cut.known)
            .bind::<Nullable<Date>, _>(cut.day)
            .bind::<BigInt, _>(cut.on_day)
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, rows.iter().map(|row| row.commodity).collect()).await?;
        Ok(rows)
    }
}

/// Names `balances (account, code, commodity, balance)` for a statement: of the accounts of a table, those that anything counts
/// for. Binds book, base, known, day and on_day as `$1` to `$5`. Diesel has no lateral join and no functions that answer
/// rows.
pub(crate) fn balances_within(table: &str) -> String {
    format!(
        "corrections as materialized (
            select p.account, sum(c.sign * p.amount_minor) as minor
            from ledger.crossing($1, $2, $3, $4, $5) c
            cross join lateral (
                select p.account, p.amount_minor
                from ledger.postings p
                where p.book_id = $1
                  and p.sequence = c.sequence
                offset 0
            ) p
            group by p.account
        ), balances as (
            select a.account, a.code, a.commodity, (coalesce(last.balance_minor, 0) + coalesce(c.minor, 0))::bigint as balance
            from {table} a
            left join lateral (
                select p.balance_minor
                from ledger.postings p
                where p.book_id = a.book_id
                  and p.account = a.account
                  and p.sequence <= $2
                order by p.sequence desc, p.ordinal desc
                limit 1
            ) last on true
            left join corrections c on c.account = a.account
            where a.book_id = $1
              and (last.balance_minor is not null or c.account is not null)
        )"
    )
}

/// An opened account, as far as reads need it.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(crate) struct Account {
    #[diesel(column_name = account)]
    pub(crate) number: i64,
    pub(crate) balance_minor: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    code: String,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    commodity: i32,
    #[diesel(sql_type = BigInt)]
    balance: i64,
    #[diesel(sql_type = BigInt)]
    head: i64,
}

impl Row {
    fn balance(self, units: &Units) -> Result<Balance, Error> {
        Ok(Balance {
            account: stored_code(&self.code)?,
            commodity: units.commodity(self.commodity)?,
            debit_positive_minor: self.balance,
        })
    }
}

/// The currency of that number, where the tables keep nothing but currencies.
pub(crate) fn currency(commodity: i32) -> Result<Currency, Error> {
    Currency::from_number(commodity).ok_or_else(|| Error::Corrupt(format!("commodity {commodity} is no currency")))
}

/// The account code that the tables keep.
pub(crate) fn stored_code(text: &str) -> Result<AccountCode, Error> {
    AccountCode::try_new(text).map_err(|error| Error::Corrupt(error.to_string()))
}
