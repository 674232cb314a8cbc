//! The trial balance in pages, so that a book of millions of accounts is read in bounded memory.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;

use super::{balances_within, stored_code};
use crate::account::Balance;
use crate::units::Units;
use crate::{AccountCode, Commodity, Error, Ledger, Moment, Sequence};

/// Accounts that one page of the trial balance looks at, at most.
pub const MAX_PAGE_BALANCES: i64 = 1_000;

/// What is asked of the trial balance.
#[derive(Clone, Debug)]
pub struct TrialBalanceQuery {
    /// At which moment.
    pub moment: Moment,
    /// The account after which the page begins.
    pub after: Option<(AccountCode, Commodity)>,
    /// How many accounts at most, up to [`MAX_PAGE_BALANCES`].
    pub limit: i64,
}

/// A page of the trial balance, by code and the number of the commodity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialBalancePage {
    /// The newest entry that is known; the next page is asked for as of it.
    pub sequence: Sequence,
    /// Of the accounts that were looked at, those on which something was booked by then.
    pub balances: Vec<Balance>,
    /// The account after which the next page begins, when there are more. A page can be short, or empty, and yet be
    /// followed by another: accounts that were opened later are looked at too.
    pub next: Option<(AccountCode, Commodity)>,
}

/// The sum of all balances of a currency or a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencySum {
    /// The currency or the unit.
    pub currency: Commodity,
    /// In minor units, debits positive: zero, or the book is wrong.
    pub debit_positive_minor: i128,
}

impl Ledger {
    /// A page of all balances at one moment. Costs a look into an index for each account of the page, however many there
    /// are, and however long their history.
    ///
    /// # Errors
    /// As [`Ledger::trial_balance`].
    pub async fn trial_balance_page(&self, query: TrialBalanceQuery) -> Result<TrialBalancePage, Error> {
        let cut = self.cut(query.moment).await?;
        let limit = query.limit.clamp(1, MAX_PAGE_BALANCES);
        let text = format!(
            "with page as materialized (
                select book_id, account, code, commodity
                from ledger.accounts
                where book_id = $1
                  and (code collate \"C\", commodity) > ($6 collate \"C\", $7)
                order by code collate \"C\", commodity
                limit $8
            ), {}
            select page.code, page.commodity, b.balance
            from page
            left join balances b on b.code = page.code and b.commodity = page.commodity
            order by page.code collate \"C\", page.commodity",
            balances_within("page")
        );
        let mut connection = self.database.connection().await?;
        let mut rows: Vec<Row> = diesel::sql_query(text)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(cut.base)
            .bind::<BigInt, _>(cut.known)
            .bind::<Nullable<Date>, _>(cut.day)
            .bind::<BigInt, _>(cut.on_day)
            .bind::<Text, _>(query.after.as_ref().map_or("", |(code, _)| code.as_str()))
            .bind::<Integer, _>(query.after.as_ref().map_or(0, |(_, commodity)| commodity.number()))
            .bind::<BigInt, _>(limit + 1)
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, rows.iter().map(|row| row.commodity).collect()).await?;
        drop(connection);
        let goes_on = i64::try_from(rows.len()).is_ok_and(|read| read > limit);
        if goes_on {
            rows.pop();
        }
        let next = rows.as_slice().last().filter(|_| goes_on).map(|row| row.place(&self.units)).transpose()?;
        let balances = rows.iter().filter_map(|row| row.balance(&self.units).transpose()).collect::<Result<_, _>>()?;
        Ok(TrialBalancePage { sequence: Sequence::new(cut.known), balances, next })
    }

    /// The sum of all balances of each currency at one moment. Costs a look into an index for each account of the book.
    ///
    /// # Errors
    /// As [`Ledger::trial_balance`].
    pub async fn trial_balance_sums(&self, moment: impl Into<Moment>) -> Result<Vec<CurrencySum>, Error> {
        let cut = self.cut(moment.into()).await?;
        let text = format!(
            "with {}
            select commodity, sum(balance)::text as minor
            from balances
            group by commodity
            order by commodity",
            balances_within("ledger.accounts")
        );
        let mut connection = self.database.connection().await?;
        let rows: Vec<SumRow> = diesel::sql_query(text)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(cut.base)
            .bind::<BigInt, _>(cut.known)
            .bind::<Nullable<Date>, _>(cut.day)
            .bind::<BigInt, _>(cut.on_day)
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, rows.iter().map(|row| row.commodity).collect()).await?;
        rows.into_iter().map(|row| row.sum(&self.units)).collect()
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Integer)]
    commodity: i32,
    #[diesel(sql_type = Nullable<BigInt>)]
    balance: Option<i64>,
}

impl Row {
    fn place(&self, units: &Units) -> Result<(AccountCode, Commodity), Error> {
        Ok((stored_code(&self.code)?, units.commodity(self.commodity)?))
    }

    fn balance(&self, units: &Units) -> Result<Option<Balance>, Error> {
        let Some(debit_positive_minor) = self.balance else { return Ok(None) };
        let (account, commodity) = self.place(units)?;
        Ok(Some(Balance { account, commodity, debit_positive_minor }))
    }
}

#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = Integer)]
    commodity: i32,
    #[diesel(sql_type = Text)]
    minor: String,
}

impl SumRow {
    fn sum(self, units: &Units) -> Result<CurrencySum, Error> {
        let minor = self.minor.parse().map_err(|_| Error::Corrupt(format!("the sum {}", self.minor)))?;
        Ok(CurrencySum { currency: units.commodity(self.commodity)?, debit_positive_minor: minor })
    }
}
