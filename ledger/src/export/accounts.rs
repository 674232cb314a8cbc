use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Bytea, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use futures_util::{Stream, stream};

use super::Export;
use super::page::Named;
use crate::account::AccountRole;
use crate::{Amount, Error};

/// Accounts that are read at once.
const PAGE_ACCOUNTS: i64 = 2_000;

/// An account that had a posting by the end of an export, with what it held before and after it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) named: Named,
    pub(crate) opened_at: DateTime<Utc>,
    /// Whether it is the first of its code, which other currencies may have too.
    pub(crate) leads: bool,
    /// Whether its code had a posting before the export.
    pub(crate) known: bool,
    /// How it counts in the safeguarding equation.
    pub(crate) role: AccountRole,
    /// What stands for it in the log.
    pub(crate) commitment: Vec<u8>,
    floor_minor: Option<i64>,
    opening_minor: i64,
    closing_minor: i64,
}

impl Opened {
    /// The least that may remain on its normal side.
    pub(crate) fn floor(&self) -> Option<Amount> {
        self.floor_minor.map(|minor| Amount::from_minor(minor, self.named.commodity))
    }

    /// What it held before the first entry of the export, debits positive.
    pub(crate) fn opening(&self) -> Amount {
        Amount::from_minor(self.opening_minor, self.named.commodity)
    }

    /// What it held after the last entry of the export, debits positive.
    pub(crate) fn closing(&self) -> Amount {
        Amount::from_minor(self.closing_minor, self.named.commodity)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    account: i64,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Integer)]
    commodity: i32,
    #[diesel(sql_type = Timestamptz)]
    opened_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    leads: bool,
    #[diesel(sql_type = Bool)]
    known: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    floor_minor: Option<i64>,
    #[diesel(sql_type = Bytea)]
    commitment: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    opening: i64,
    #[diesel(sql_type = BigInt)]
    closing: i64,
}

/// A few index probes an account, however long its history. Diesel has no lateral join.
const TEXT: &str = "select a.account, a.code, a.commodity, a.opened_at, a.floor_minor, a.commitment,
        a.account = family.lead as leads,
        family.known,
        coalesce(before.balance_minor, 0) as opening,
        last.balance_minor as closing
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
    left join lateral (
        select p.balance_minor
        from ledger.postings p
        where p.book_id = a.book_id
          and p.account = a.account
          and p.sequence < $2
        order by p.sequence desc, p.ordinal desc
        limit 1
    ) before on true
    cross join lateral (
        select min(b.account) as lead, bool_or(first.sequence < $2) as known
        from ledger.accounts b
        cross join lateral (
            select p.sequence
            from ledger.postings p
            where p.book_id = b.book_id
              and p.account = b.account
              and p.sequence <= $1
            order by p.sequence
            limit 1
        ) first
        where b.book_id = a.book_id
          and b.code = a.code
    ) family
    where a.book_id = $3
      and a.account > $4
    order by a.account
    limit $5";

impl Export {
    /// The accounts by number, page after page.
    pub(crate) fn opened(&self) -> impl Stream<Item = Result<Vec<Opened>, Error>> + Send + use<> {
        stream::try_unfold((self.clone(), Some(0)), |(export, after)| async move {
            let Some(after) = after else { return Ok(None) };
            let page = export.opened_after(after).await?;
            let is_full = i64::try_from(page.len()) == Ok(PAGE_ACCOUNTS);
            let next = page.last().filter(|_| is_full).map(|account| account.named.number);
            Ok(Some((page, (export, next))))
        })
    }

    async fn opened_after(&self, after: i64) -> Result<Vec<Opened>, Error> {
        let mut connection = self.ledger.database.connection().await?;
        let rows: Vec<Row> = diesel::sql_query(TEXT)
            .bind::<BigInt, _>(self.last)
            .bind::<BigInt, _>(self.first)
            .bind::<SmallInt, _>(self.ledger.book.number())
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(PAGE_ACCOUNTS)
            .load(&mut connection)
            .await?;
        self.directory.learn(&mut connection, rows.iter().map(|row| row.commodity).collect()).await?;
        let opened = |row: Row| {
            Ok(Opened {
                named: self.directory.name(row.account, &row.code, row.commodity)?,
                opened_at: row.opened_at,
                leads: row.leads,
                known: row.known,
                role: self.directory.role(&row.code)?,
                commitment: row.commitment,
                floor_minor: row.floor_minor,
                opening_minor: row.opening,
                closing_minor: row.closing,
            })
        };
        rows.into_iter().map(opened).collect()
    }
}
