//! Writing what was decided: at once, or rows ahead and the book's head and the balances when the turn comes.

use std::fmt::Write as _;

use diesel::QueryResult;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::super::plan::Plan;
use super::{Bind, Prepared};
use crate::unit_of_work::UnitOfWork;

/// The columns of `ledger.entries`.
struct Entries<'a> {
    sequences: Vec<i64>,
    keys: Vec<Uuid>,
    fingerprints: Vec<Uuid>,
    dates: Vec<chrono::NaiveDate>,
    kinds: Vec<&'a str>,
    descriptions: Vec<Option<&'a str>>,
    subjects: Vec<Option<Uuid>>,
    metadata: Vec<Option<&'a serde_json::Value>>,
    salts: Vec<Option<Uuid>>,
}

impl<'a> Entries<'a> {
    fn collect(plan: &Plan, units: &'a [UnitOfWork]) -> Self {
        let accepted = || plan.accepted.iter().map(|&index| &units[index]);
        Self {
            sequences: (plan.before.sequence + 1..=plan.after.sequence).collect(),
            keys: accepted().map(|unit| unit.key.uuid()).collect(),
            fingerprints: accepted().map(|unit| unit.fingerprint).collect(),
            dates: accepted().map(|unit| unit.entry.effective_date()).collect(),
            kinds: accepted().map(|unit| unit.entry.kind().name()).collect(),
            descriptions: accepted().map(|unit| unit.entry.description()).collect(),
            subjects: accepted().map(|unit| unit.entry.subject()).collect(),
            metadata: accepted().map(|unit| unit.entry.metadata()).collect(),
            salts: accepted().map(|unit| unit.salt).collect(),
        }
    }

    fn binds<'b>(&'b self, plan: &'b Plan) -> Vec<Bind<'b>> {
        let book = plan.before.book.number();
        vec![
            Bind::SmallInt(book),
            Bind::Timestamp(plan.booked_at),
            Bind::BigInts(&self.sequences),
            Bind::Uuids(&self.keys),
            Bind::Uuids(&self.fingerprints),
            Bind::Dates(&self.dates),
            Bind::Texts(&self.kinds),
            Bind::OptionalTexts(&self.descriptions),
            Bind::OptionalUuids(&self.subjects),
            Bind::OptionalJsons(&self.metadata),
            Bind::OptionalUuids(&self.salts),
            Bind::SmallInt(book),
            Bind::SmallInts(&plan.postings.ordinals),
            Bind::Integers(&plan.postings.commodities),
            Bind::BigInts(&plan.postings.sequences),
            Bind::BigInts(&plan.postings.accounts),
            Bind::BigInts(&plan.postings.amounts),
            Bind::BigInts(&plan.postings.balances),
        ]
    }
}

/// The two inserts; the second ends the statement or is followed by another part of it.
macro_rules! rows {
    ($before_postings:literal, $after_postings:literal) => {
        concat!(
            "with entries as (
            insert into ledger.entries (book_id, sequence, entry_key, fingerprint, booked_at, effective_date, kind,
                description, subject, metadata, salt)
            select $1, sequence, entry_key, fingerprint, $2, effective_date, kind, description, subject, metadata, salt
            from unnest($3::int8[], $4::uuid[], $5::uuid[], $6::date[], $7::text[], $8::text[], $9::uuid[],
                $10::jsonb[], $11::uuid[])
                as entry (sequence, entry_key, fingerprint, effective_date, kind, description, subject, metadata, salt)
        )",
            $before_postings,
            "insert into ledger.postings (book_id, ordinal, commodity, sequence, account, amount_minor, balance_minor)
            select $12, ordinal, commodity, sequence, account, amount, balance
            from unnest($13::int2[], $14::int4[], $15::int8[], $16::int8[], $17::int8[], $18::int8[])
                as posting (ordinal, commodity, sequence, account, amount, balance)",
            $after_postings
        )
    };
}

/// Writes the plan and moves the head: one statement, so one round trip and, on its own, one transaction.
///
/// Fails as a whole with a serialization failure when the head stands elsewhere, and with a unique violation when a
/// key is booked already.
pub(in super::super) async fn write_at_once(
    connection: &mut AsyncPgConnection,
    plan: &Plan,
    units: &[UnitOfWork],
) -> QueryResult<()> {
    const TEXT: &str = rows!(", postings as (", ") select ledger.finish($19, $20, $21, $22, $23, $24, $25)::text");
    let entries = Entries::collect(plan, units);
    let frontier = plan.after.frontier.to_bytes();
    let mut binds = entries.binds(plan);
    binds.extend([
        Bind::SmallInt(plan.before.book.number()),
        Bind::BigInt(plan.before.sequence),
        Bind::BigInt(plan.after.sequence),
        Bind::Timestamp(plan.booked_at),
        Bind::Blob(&frontier),
        Bind::BigInts(&plan.touched_accounts),
        Bind::BigInts(&plan.touched_balances),
    ]);
    Prepared::<Text>::new(TEXT, binds).execute(connection).await?;
    Ok(())
}

/// Inserts the rows of the plan, without any lock that another batch could wait for.
pub(in super::super) async fn insert_rows(
    connection: &mut AsyncPgConnection,
    plan: &Plan,
    units: &[UnitOfWork],
) -> QueryResult<()> {
    const TEXT: &str = rows!(" ", "");
    let entries = Entries::collect(plan, units);
    Prepared::<()>::new(TEXT, entries.binds(plan)).execute(connection).await?;
    Ok(())
}

/// Moves the head and the balances, and commits: one round trip, the only part for which batches wait for one another.
pub(in super::super) async fn finish_and_commit(connection: &mut AsyncPgConnection, plan: &Plan) -> QueryResult<()> {
    connection.batch_execute(&finish_text(plan)).await
}

/// Numbers alone, so nothing in it can be taken for SQL.
fn finish_text(plan: &Plan) -> String {
    let mut text = String::with_capacity(1_000 + plan.touched_accounts.len() * 24);
    let list = |text: &mut String, numbers: &[i64]| {
        text.push_str(", '{");
        for (index, number) in numbers.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(text, "{comma}{number}");
        }
        text.push_str("}'::int8[]");
    };
    let _ = write!(
        text,
        "select ledger.finish({}::int2, {}, {}, '{}'::timestamptz, '\\x{}'::bytea",
        plan.before.book.number(),
        plan.before.sequence,
        plan.after.sequence,
        plan.after.booked_at.format("%Y-%m-%d %H:%M:%S%.6f+00"),
        hex::encode(plan.after.frontier.to_bytes()),
    );
    list(&mut text, &plan.touched_accounts);
    list(&mut text, &plan.touched_balances);
    text.push_str("); commit");
    text
}
