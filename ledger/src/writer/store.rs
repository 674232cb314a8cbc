//! The writer's statements: set-based, prepared, a few a batch.

mod besides;
mod holds;
mod lots;
mod plan;

pub(super) use besides::{find_reversed, write_besides};
pub(super) use holds::{StoredHold, find_holds, load_open_holds};
pub(super) use lots::load_lots;
pub(super) use plan::{finish_and_commit, insert_rows, write_at_once};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Bytea, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::accounts::{Account, Accounts, Slot};
use super::batch::Booked;
use super::prepared::{Bind, Prepared};
use crate::account::{AccountCode, AccountKind};
use crate::log::Frontier;
use crate::unit_of_work::{EffectKind, UnitOfWork};
use crate::units::Units;
use crate::{BookId, Commodity, Refusal};

/// Where a book stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) book: BookId,
    pub(super) sequence: i64,
    pub(super) account: i64,
    pub(super) booked_at: DateTime<Utc>,
    pub(super) closed_through: Option<NaiveDate>,
    /// Over all entries; behind the sequence in a book that was written before there was a log.
    pub(super) frontier: Frontier,
}

/// Takes the book's lock until the transaction ends.
pub(super) async fn lock_head(connection: &mut AsyncPgConnection, book: BookId) -> QueryResult<Head> {
    const TEXT: &str = "select last_sequence, last_account, last_booked_at, closed_through, frontier
        from ledger.books
        where book_id = $1
        for update";
    head(connection, TEXT, book).await
}

/// Reads the book's head without a lock.
pub(super) async fn read_head(connection: &mut AsyncPgConnection, book: BookId) -> QueryResult<Head> {
    const TEXT: &str = "select last_sequence, last_account, last_booked_at, closed_through, frontier
        from ledger.books
        where book_id = $1";
    head(connection, TEXT, book).await
}

async fn head(connection: &mut AsyncPgConnection, text: &'static str, book: BookId) -> QueryResult<Head> {
    type Row = (i64, i64, DateTime<Utc>, Option<NaiveDate>, Vec<u8>);
    type SqlRow = (BigInt, BigInt, Timestamptz, Nullable<Date>, Bytea);
    let (sequence, account, booked_at, closed_through, frontier): Row =
        Prepared::<SqlRow>::new(text, vec![Bind::SmallInt(book.number())]).get_result(connection).await?;
    // A frontier of another size belongs to entries from before there was a log; it is made anew under the lock.
    let frontier = Frontier::from_bytes(sequence, &frontier).unwrap_or_else(|_| Frontier::empty());
    Ok(Head { book, sequence, account, booked_at, closed_through, frontier })
}

/// Makes the book if it is not there.
pub(super) async fn ensure_book(connection: &mut AsyncPgConnection, book: BookId, name: &str) -> QueryResult<()> {
    const TEXT: &str =
        "insert into ledger.books (book_id, name) select $1, unnest($2::text[]) on conflict (book_id) do nothing";
    Prepared::<()>::new(TEXT, vec![Bind::SmallInt(book.number()), Bind::Texts(&[name])]).execute(connection).await?;
    Ok(())
}

/// The accounts of those codes, as far as they are opened.
pub(super) async fn load_accounts(
    connection: &mut AsyncPgConnection,
    book: BookId,
    units: &Units,
    wanted: &[(AccountCode, Commodity)],
) -> QueryResult<Vec<Account>> {
    const TEXT: &str = "select a.code, a.commodity, a.account, a.floor_minor, a.commitment, a.balance_minor
        from unnest($1::text[], $2::int4[]) as wanted (code, commodity)
        join ledger.accounts a on a.code = wanted.code and a.commodity = wanted.commodity and a.book_id = $3";
    type SqlRow = (Text, Integer, BigInt, Nullable<BigInt>, Bytea, BigInt);
    type Row = (String, i32, i64, Option<i64>, Vec<u8>, i64);
    let codes: Vec<&str> = wanted.iter().map(|(code, _)| code.as_str()).collect();
    let commodities: Vec<i32> = wanted.iter().map(|(_, commodity)| commodity.number()).collect();
    let binds = vec![Bind::Texts(&codes), Bind::Integers(&commodities), Bind::SmallInt(book.number())];
    let rows: Vec<Row> = Prepared::<SqlRow>::new(TEXT, binds).load(connection).await?;
    units.learn(connection, commodities.clone()).await?;
    rows.into_iter()
        .map(|(code, commodity, number, floor, commitment, balance)| {
            let (code, commodity) = named(units, &code, commodity)?;
            let commitment = commitment.try_into().map_err(|_| corrupt(&"a commitment has 32 bytes"))?;
            Ok(Account::stored(code, commodity, number, floor, commitment, balance))
        })
        .collect()
}

/// The account of that code and commodity, as the tables name it.
pub(super) fn named(units: &Units, code: &str, commodity: i32) -> QueryResult<(AccountCode, Commodity)> {
    let code = AccountCode::try_new(code).map_err(|error| corrupt(&error))?;
    let commodity = units.find(commodity).ok_or_else(|| corrupt(&format!("commodity {commodity}")))?;
    Ok((code, commodity))
}

fn corrupt(what: &impl ToString) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(what.to_string().into())
}

/// The entries that have one of those keys already.
pub(super) async fn find_booked(
    connection: &mut AsyncPgConnection,
    book: BookId,
    keys: &[Uuid],
) -> QueryResult<Vec<(Uuid, Booked)>> {
    const TEXT: &str = "select entry_key, sequence, fingerprint, booked_at
        from ledger.entries
        where book_id = $1
          and entry_key = any($2)";
    let binds = vec![Bind::SmallInt(book.number()), Bind::Uuids(keys)];
    let rows: Vec<(Uuid, i64, Uuid, DateTime<Utc>)> =
        Prepared::<(SqlUuid, BigInt, SqlUuid, Timestamptz)>::new(TEXT, binds).load(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(key, sequence, fingerprint, booked_at)| (key, Booked { sequence, fingerprint, booked_at }))
        .collect())
}

/// Applies one kind of effect; answers the units for which it applied.
pub(super) async fn apply_effects(
    connection: &mut AsyncPgConnection,
    kind: &'static EffectKind,
    rows: &serde_json::Value,
) -> QueryResult<Vec<i32>> {
    Prepared::<Integer>::new(kind.statement, vec![Bind::Json(rows)]).load(connection).await
}

/// Opens accounts that the accepted units use for the first time; answers the number of the last one.
pub(super) async fn open_accounts(
    connection: &mut AsyncPgConnection,
    book: BookId,
    last: i64,
    unopened: &[Slot],
    accounts: &mut Accounts,
    opened_at: DateTime<Utc>,
) -> QueryResult<i64> {
    const TEXT: &str = "with opened as (
            insert into ledger.accounts (book_id, account, code, commodity, kind, floor_minor, opened_at, salt, commitment)
            select $1, account, code, commodity, kind, floor_minor, $2, salt, commitment
            from unnest($3::int8[], $4::text[], $5::int4[], $6::text[], $7::int8[], $8::uuid[], $9::bytea[])
                as opened (account, code, commodity, kind, floor_minor, salt, commitment)
            returning account, book_id
        )
        update ledger.books
        set last_account = (select max(account) from opened)
        where book_id = (select max(book_id) from opened)";
    if unopened.is_empty() {
        return Ok(last);
    }
    let mut last = last;
    let mut numbers = Vec::with_capacity(unopened.len());
    for &slot in unopened {
        last += 1;
        numbers.push(last);
        accounts.opened(slot, last);
    }
    let codes: Vec<&str> = unopened.iter().map(|&slot| accounts.get(slot).code.as_str()).collect();
    let commodities: Vec<i32> = unopened.iter().map(|&slot| accounts.get(slot).commodity.number()).collect();
    let kinds: Vec<&str> = unopened.iter().map(|&slot| kind_text(accounts.get(slot).code.kind())).collect();
    let floors: Vec<Option<i64>> = unopened.iter().map(|&slot| accounts.get(slot).floor_minor).collect();
    let salts: Vec<Option<Uuid>> = unopened.iter().map(|&slot| accounts.get(slot).salt).collect();
    let commitments: Vec<&[u8]> = unopened.iter().map(|&slot| accounts.get(slot).commitment.as_slice()).collect();
    let binds = vec![
        Bind::SmallInt(book.number()),
        Bind::Timestamp(opened_at),
        Bind::BigInts(&numbers),
        Bind::Texts(&codes),
        Bind::Integers(&commodities),
        Bind::Texts(&kinds),
        Bind::OptionalBigInts(&floors),
        Bind::OptionalUuids(&salts),
        Bind::Blobs(&commitments),
    ];
    Prepared::<()>::new(TEXT, binds).execute(connection).await?;
    Ok(last)
}

fn kind_text(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Asset => "asset",
        AccountKind::Liability => "liability",
        AccountKind::Equity => "equity",
        AccountKind::Revenue => "revenue",
        AccountKind::Expense => "expense",
    }
}

/// Keeps refused attempts with their reasons.
pub(super) async fn record_refusals(
    connection: &mut AsyncPgConnection,
    book: BookId,
    refused_at: DateTime<Utc>,
    units: &[UnitOfWork],
    refused: &[(usize, Refusal)],
) -> QueryResult<()> {
    const TEXT: &str = "insert into ledger.refusals (book_id, entry_key, kind, reason, detail, refused_at)
        select $1, entry_key, kind, reason, detail, $2
        from unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) as refused (entry_key, kind, reason, detail)";
    let keys: Vec<Uuid> = refused.iter().map(|(index, _)| units[*index].key.uuid()).collect();
    let kinds: Vec<&str> = refused.iter().map(|(index, _)| units[*index].entry.kind().name()).collect();
    let reasons: Vec<&str> = refused.iter().map(|(_, refusal)| refusal.reason()).collect();
    let details: Vec<String> = refused.iter().map(|(_, refusal)| refusal.to_string()).collect();
    let details: Vec<&str> = details.iter().map(String::as_str).collect();
    let binds = vec![
        Bind::SmallInt(book.number()),
        Bind::Timestamp(refused_at),
        Bind::Uuids(&keys),
        Bind::Texts(&kinds),
        Bind::Texts(&reasons),
        Bind::Texts(&details),
    ];
    Prepared::<()>::new(TEXT, binds).execute(connection).await?;
    Ok(())
}
