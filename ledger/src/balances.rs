//! Balances: of one account or of all, now or after any entry of the past.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::account::Balance;
use crate::schema::{accounts, books, postings};
use crate::{AccountCode, Currency, Error, Ledger, Money, Sequence};

/// The moment that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// After the newest entry.
    Now,
    /// After the entry of that sequence.
    Sequence(Sequence),
}

/// All balances of a book at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalance {
    /// The newest entry that is counted.
    pub sequence: Sequence,
    /// Every account that was opened by then, by code and currency.
    pub balances: Vec<Balance>,
}

impl TrialBalance {
    /// The sum of all balances of each currency, debits positive: zero, or the book is wrong.
    #[must_use]
    pub fn differences(&self) -> Vec<(Currency, i128)> {
        let mut sums = std::collections::BTreeMap::<Currency, i128>::new();
        for balance in &self.balances {
            *sums.entry(balance.currency).or_default() += i128::from(balance.debit_positive_minor);
        }
        sums.into_iter().collect()
    }
}

impl Ledger {
    /// What an account holds, on its normal side.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when nothing was ever booked on it, [`Error::SequenceAhead`] for a sequence that is
    /// not yet booked.
    pub async fn balance(&self, code: &AccountCode, currency: Currency, as_of: AsOf) -> Result<Money, Error> {
        let mut connection = self.database.connection().await?;
        let unknown = || Error::UnknownAccount { code: code.clone(), currency };
        let (number, now): (i64, i64) = accounts::table
            .filter(accounts::book_id.eq(self.book.number()))
            .filter(accounts::code.eq(code.as_str()))
            .filter(accounts::commodity.eq(currency.number()))
            .select((accounts::account, accounts::balance_minor))
            .first(&mut connection)
            .await
            .optional()?
            .ok_or_else(unknown)?;
        let debit_positive_minor = match as_of {
            AsOf::Now => now,
            AsOf::Sequence(sequence) => {
                drop(connection);
                self.require(sequence).await?;
                let mut connection = self.database.connection().await?;
                postings::table
                    .filter(postings::book_id.eq(self.book.number()))
                    .filter(postings::account.eq(number))
                    .filter(postings::sequence.le(sequence.number()))
                    .order((postings::sequence.desc(), postings::ordinal.desc()))
                    .select(postings::balance_minor)
                    .first(&mut connection)
                    .await
                    .optional()?
                    .unwrap_or(0)
            }
        };
        Ok(Balance { account: code.clone(), currency, debit_positive_minor }.on_normal_side())
    }

    /// What the accounts of a code hold now, by currency; none when nothing was ever booked on it.
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
        let balance = |(commodity, debit_positive_minor)| {
            Ok(Balance { account: code.clone(), currency: currency(commodity)?, debit_positive_minor })
        };
        let mut balances = rows.into_iter().map(balance).collect::<Result<Vec<_>, Error>>()?;
        balances.sort_by_key(|balance| balance.currency);
        Ok(balances)
    }

    /// All balances at one moment.
    ///
    /// # Errors
    /// [`Error::SequenceAhead`] for a sequence that is not yet booked.
    pub async fn trial_balance(&self, as_of: AsOf) -> Result<TrialBalance, Error> {
        let rows: Vec<Row> = match as_of {
            AsOf::Now => self.balances_now().await?,
            AsOf::Sequence(sequence) => {
                self.require(sequence).await?;
                self.balances_after(sequence).await?
            }
        };
        let head = match as_of {
            AsOf::Sequence(sequence) => sequence,
            AsOf::Now => Sequence::new(rows.as_slice().first().map_or(0, |row| row.head)),
        };
        let mut balances = rows.into_iter().map(Row::balance).collect::<Result<Vec<_>, _>>()?;
        balances.sort_by(|a, b| (&a.account, a.currency).cmp(&(&b.account, b.currency)));
        Ok(TrialBalance { sequence: head, balances })
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
        Ok(rows.into_iter().map(|(code, commodity, balance, head)| Row { code, commodity, balance, head }).collect())
    }

    /// For each account its last posting up to that sequence: one index probe an account, however long the history.
    async fn balances_after(&self, sequence: Sequence) -> Result<Vec<Row>, Error> {
        // Diesel has no lateral join.
        const TEXT: &str = "select a.code, a.commodity, last.balance_minor as balance, $1 as head
            from ledger.accounts a
            cross join lateral (
                select p.balance_minor
                from ledger.postings p
                where p.book_id = a.book_id
                  and p.account = a.account
                  and p.sequence <= $1
                order by p.sequence desc, p.ordinal desc
                limit 1
            ) last
            where a.book_id = $2";
        let mut connection = self.database.connection().await?;
        Ok(diesel::sql_query(TEXT)
            .bind::<diesel::sql_types::BigInt, _>(sequence.number())
            .bind::<diesel::sql_types::SmallInt, _>(self.book.number())
            .load(&mut connection)
            .await?)
    }

    pub(crate) async fn require(&self, sequence: Sequence) -> Result<(), Error> {
        let head = self.head().await?.number();
        let asked = sequence.number();
        if asked > head || asked < 0 { Err(Error::SequenceAhead { head, asked }) } else { Ok(()) }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    code: String,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    commodity: i32,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    balance: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    head: i64,
}

impl Row {
    fn balance(self) -> Result<Balance, Error> {
        Ok(Balance {
            account: AccountCode::try_new(&self.code).map_err(|error| Error::Corrupt(error.to_string()))?,
            currency: currency(self.commodity)?,
            debit_positive_minor: self.balance,
        })
    }
}

/// The currency of that number, as the tables keep it.
pub(crate) fn currency(commodity: i32) -> Result<Currency, Error> {
    Currency::from_number(commodity).ok_or_else(|| Error::Corrupt(format!("commodity {commodity} is no currency")))
}
