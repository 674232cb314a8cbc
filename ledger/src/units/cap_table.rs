//! The cap table of a unit: its trial balance, which is who holds how many and how many were issued.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;

use super::Unit;
use crate::balances::stored_code;
use crate::{Amount, Balance, Error, Ledger, Moment, Sequence, Subjects};

/// Holders that one page of a cap table has at most.
pub const MAX_CAP_TABLE_LINES: i64 = 500;

/// What is asked of a cap table.
#[derive(Clone, Debug)]
pub struct CapTableQuery {
    /// Of which unit.
    pub unit: Unit,
    /// At which moment.
    pub moment: Moment,
    /// Where the page before ended.
    pub after: Option<i64>,
    /// How many lines at most, up to [`MAX_CAP_TABLE_LINES`].
    pub limit: i64,
}

/// What somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapTableLine {
    /// The account, a pseudonym in the place of a person where the question is asked under one.
    pub account: String,
    /// How many units, on the account's normal side.
    pub held: Amount,
    /// The account's number, after which the next page goes on.
    pub place: i64,
}

/// A page of the cap table, in the order in which the accounts were opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapTable {
    /// The newest entry that is known; the next page is asked for as of it.
    pub sequence: Sequence,
    /// All units that were issued and not taken back.
    pub issued: Amount,
    /// Who holds them; accounts that hold none are left out.
    pub lines: Vec<CapTableLine>,
    /// Whether more follow.
    pub goes_on: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    account: i64,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    balance: i64,
}

#[derive(QueryableByName)]
struct Issued {
    #[diesel(sql_type = Text)]
    minor: String,
}

/// Diesel has no lateral join. The last condition lets the planner use the index of units.
const HELD: &str = "select a.account, a.code, held.balance
    from ledger.accounts a
    cross join lateral (select ledger.balance_at(a.book_id, a.account, $1, $2, $3, $4) as balance) held
    where a.book_id = $5
      and a.commodity = $6
      and a.account > $7
      and a.kind <> 'asset'
      and held.balance <> 0
      and a.commodity >= 100000
    order by a.account
    limit $8";

const ISSUED: &str = "select coalesce(sum(ledger.balance_at(a.book_id, a.account, $1, $2, $3, $4)), 0)::text as minor
    from ledger.accounts a
    where a.book_id = $5
      and a.commodity = $6
      and a.kind = 'asset'
      and a.commodity >= 100000";

impl Ledger {
    /// A page of the cap table of a unit: the trial balance of that commodity.
    ///
    /// # Errors
    /// As [`Ledger::trial_balance`].
    pub async fn cap_table(&self, query: CapTableQuery, subjects: &Subjects) -> Result<CapTable, Error> {
        let unit = query.unit;
        let cut = self.cut(query.moment).await?;
        let limit = query.limit.clamp(1, MAX_CAP_TABLE_LINES);
        let mut connection = self.database.connection().await?;
        let mut rows: Vec<Row> = diesel::sql_query(HELD)
            .bind::<BigInt, _>(cut.base)
            .bind::<BigInt, _>(cut.known)
            .bind::<Nullable<Date>, _>(cut.day)
            .bind::<BigInt, _>(cut.on_day)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<Integer, _>(unit.number())
            .bind::<BigInt, _>(query.after.unwrap_or(0))
            .bind::<BigInt, _>(limit + 1)
            .load(&mut connection)
            .await?;
        let issued: Issued = diesel::sql_query(ISSUED)
            .bind::<BigInt, _>(cut.base)
            .bind::<BigInt, _>(cut.known)
            .bind::<Nullable<Date>, _>(cut.day)
            .bind::<BigInt, _>(cut.on_day)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<Integer, _>(unit.number())
            .get_result(&mut connection)
            .await?;
        let goes_on = i64::try_from(rows.len()).is_ok_and(|read| read > limit);
        if goes_on {
            rows.pop();
        }
        let issued = issued.minor.parse().map_err(|_| Error::Corrupt(format!("the sum {}", issued.minor)))?;
        let line = |row: Row| {
            let code = stored_code(&row.code)?;
            let account = subjects.code(&code, &self.chart);
            let balance = Balance { account: code, commodity: unit.into(), debit_positive_minor: row.balance };
            Ok(CapTableLine { account, held: balance.on_normal_side(), place: row.account })
        };
        Ok(CapTable {
            sequence: Sequence::new(cut.known),
            issued: Amount::from_minor(issued, unit),
            lines: rows.into_iter().map(line).collect::<Result<_, Error>>()?,
            goes_on,
        })
    }
}
