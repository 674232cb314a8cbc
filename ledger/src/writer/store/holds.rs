//! Holds: reading those that matter to a batch, writing what it did to them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::plan::Plan;
use super::{Bind, Prepared, named};
use crate::hold::HoldId;
use crate::units::Units;
use crate::{AccountCode, BookId, Commodity};

/// A hold as the table has it.
pub(in super::super) struct StoredHold {
    pub(in super::super) hold: HoldId,
    pub(in super::super) account: (AccountCode, Commodity),
    pub(in super::super) amount_minor: i64,
    pub(in super::super) remaining_minor: i64,
    pub(in super::super) expires_at: DateTime<Utc>,
}

type Row = (Uuid, String, i32, i64, i64, DateTime<Utc>);
type SqlRow = (SqlUuid, Text, Integer, BigInt, BigInt, Timestamptz);

/// The holds with those ids.
pub(in super::super) async fn find_holds(
    connection: &mut AsyncPgConnection,
    book: BookId,
    units: &Units,
    holds: &[Uuid],
) -> QueryResult<Vec<StoredHold>> {
    const TEXT: &str = "select h.hold_id, a.code, a.commodity, h.amount_minor, h.remaining_minor, h.expires_at
        from ledger.holds h
        join ledger.accounts a on a.book_id = h.book_id and a.account = h.account
        where h.book_id = $1
          and h.hold_id = any($2)";
    let binds = vec![Bind::SmallInt(book.number()), Bind::Uuids(holds)];
    let rows: Vec<Row> = Prepared::<SqlRow>::new(TEXT, binds).load(connection).await?;
    units.learn(connection, rows.iter().map(|row| row.2).collect()).await?;
    read(units, rows)
}

/// The holds with something left on those accounts.
pub(in super::super) async fn load_open_holds(
    connection: &mut AsyncPgConnection,
    book: BookId,
    units: &Units,
    accounts: &[i64],
) -> QueryResult<Vec<StoredHold>> {
    const TEXT: &str = "select h.hold_id, a.code, a.commodity, h.amount_minor, h.remaining_minor, h.expires_at
        from ledger.holds h
        join ledger.accounts a on a.book_id = h.book_id and a.account = h.account
        where h.book_id = $1
          and h.account = any($2)
          and h.remaining_minor > 0";
    let binds = vec![Bind::SmallInt(book.number()), Bind::BigInts(accounts)];
    let rows: Vec<Row> = Prepared::<SqlRow>::new(TEXT, binds).load(connection).await?;
    units.learn(connection, rows.iter().map(|row| row.2).collect()).await?;
    read(units, rows)
}

fn read(units: &Units, rows: Vec<Row>) -> QueryResult<Vec<StoredHold>> {
    rows.into_iter()
        .map(|(hold, code, commodity, amount_minor, remaining_minor, expires_at)| {
            let (hold, account) = (HoldId::from_uuid(hold), named(units, &code, commodity)?);
            Ok(StoredHold { hold, account, amount_minor, remaining_minor, expires_at })
        })
        .collect()
}

/// Writes the plan's changes of holds, and the holds as they leave them.
pub(super) async fn write_holds(connection: &mut AsyncPgConnection, plan: &Plan) -> QueryResult<()> {
    const CHANGES: &str = "insert into ledger.hold_changes (book_id, ordinal, commodity, sequence, account, hold_id,
            change, amount_minor)
        select $1, ordinal, commodity, sequence, account, hold_id, change, amount_minor
        from unnest($2::int2[], $3::int4[], $4::int8[], $5::int8[], $6::uuid[], $7::text[], $8::int8[])
            as change (ordinal, commodity, sequence, account, hold_id, change, amount_minor)";
    const HOLDS: &str =
        "insert into ledger.holds (book_id, placed_sequence, last_sequence, hold_id, commodity, account,
            amount_minor, remaining_minor, expires_at)
        select $1, placed, changed, hold_id, commodity, account, amount_minor, remaining_minor, expires_at
        from unnest($2::int8[], $3::int8[], $4::uuid[], $5::int4[], $6::int8[], $7::int8[], $8::int8[],
            $9::timestamptz[])
            as hold (placed, changed, hold_id, commodity, account, amount_minor, remaining_minor, expires_at)
        on conflict (book_id, hold_id) do update
        set remaining_minor = excluded.remaining_minor,
            last_sequence = excluded.last_sequence";
    if plan.changes.is_empty() {
        return Ok(());
    }
    let book = plan.before.book.number();
    let ordinals: Vec<i16> = plan.changes.iter().map(|change| change.ordinal).collect();
    let commodities: Vec<i32> = plan.changes.iter().map(|change| change.commodity).collect();
    let sequences: Vec<i64> = plan.changes.iter().map(|change| change.sequence).collect();
    let accounts: Vec<i64> = plan.changes.iter().map(|change| change.account).collect();
    let holds: Vec<Uuid> = plan.changes.iter().map(|change| change.hold.uuid()).collect();
    let kinds: Vec<&str> = plan.changes.iter().map(|change| change.kind).collect();
    let amounts: Vec<i64> = plan.changes.iter().map(|change| change.amount_minor).collect();
    let binds = vec![
        Bind::SmallInt(book),
        Bind::SmallInts(&ordinals),
        Bind::Integers(&commodities),
        Bind::BigInts(&sequences),
        Bind::BigInts(&accounts),
        Bind::Uuids(&holds),
        Bind::Texts(&kinds),
        Bind::BigInts(&amounts),
    ];
    Prepared::<()>::new(CHANGES, binds).execute(connection).await?;
    // The entry that placed or last changed each hold.
    let mut by = HashMap::<HoldId, (i64, i64)>::new();
    for change in &plan.changes {
        by.entry(change.hold).or_insert((change.sequence, change.sequence)).1 = change.sequence;
    }
    let by = |hold: &HoldId| by.get(hold).copied().unwrap_or((plan.after.sequence, plan.after.sequence));
    let holds: Vec<Uuid> = plan.holds.iter().map(|row| row.hold.uuid()).collect();
    let placed: Vec<i64> = plan.holds.iter().map(|row| by(&row.hold).0).collect();
    let changed: Vec<i64> = plan.holds.iter().map(|row| by(&row.hold).1).collect();
    let commodities: Vec<i32> = plan.holds.iter().map(|row| row.commodity).collect();
    let accounts: Vec<i64> = plan.holds.iter().map(|row| row.account).collect();
    let amounts: Vec<i64> = plan.holds.iter().map(|row| row.amount_minor).collect();
    let remaining: Vec<i64> = plan.holds.iter().map(|row| row.remaining_minor).collect();
    let expiries: Vec<DateTime<Utc>> = plan.holds.iter().map(|row| row.expires_at).collect();
    let binds = vec![
        Bind::SmallInt(book),
        Bind::BigInts(&placed),
        Bind::BigInts(&changed),
        Bind::Uuids(&holds),
        Bind::Integers(&commodities),
        Bind::BigInts(&accounts),
        Bind::BigInts(&amounts),
        Bind::BigInts(&remaining),
        Bind::Timestamps(&expiries),
    ];
    Prepared::<()>::new(HOLDS, binds).execute(connection).await?;
    Ok(())
}
