//! What only some entries have: holds, a reversal, an adjustment's approvals, a change of period.

use diesel::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::plan::Plan;
use super::holds::write_holds;
use super::lots::write_lots;
use super::{Bind, Prepared};
use crate::unit_of_work::UnitOfWork;
use crate::{BookId, Sequence};

/// Which of those entries were reversed before.
pub(in super::super) async fn find_reversed(
    connection: &mut AsyncPgConnection,
    book: BookId,
    asked: &[i64],
) -> QueryResult<Vec<i64>> {
    const TEXT: &str = "select reverses from ledger.reversals where book_id = $1 and reverses = any($2)";
    let binds = vec![Bind::SmallInt(book.number()), Bind::BigInts(asked)];
    Prepared::<BigInt>::new(TEXT, binds).load(connection).await
}

/// Writes all of it for the plan's entries.
pub(in super::super) async fn write_besides(
    connection: &mut AsyncPgConnection,
    plan: &Plan,
    units: &[UnitOfWork],
) -> QueryResult<()> {
    write_holds(connection, plan).await?;
    write_lots(connection, plan).await?;
    let numbered =
        plan.accepted.iter().zip(plan.before.sequence + 1..).map(|(&index, sequence)| (sequence, &units[index].entry));
    for (sequence, entry) in numbered.filter(|(_, entry)| !entry.is_plain()) {
        if let Some(reversed) = entry.reverses() {
            write_reversal(connection, plan, sequence, reversed).await?;
        }
        if let Some(approvals) = entry.adjustment() {
            let (first, second) = (approvals.first(), approvals.second());
            write_adjustment(connection, plan, sequence, first, second).await?;
        }
        if entry.period().is_some() {
            write_period(connection, plan, sequence, entry).await?;
        }
    }
    Ok(())
}

async fn write_reversal(
    connection: &mut AsyncPgConnection,
    plan: &Plan,
    sequence: i64,
    reversed: Sequence,
) -> QueryResult<()> {
    const TEXT: &str = "insert into ledger.reversals (book_id, reverses, sequence) values ($1, $2, $3)";
    let book = plan.before.book.number();
    let binds = vec![Bind::SmallInt(book), Bind::BigInt(reversed.number()), Bind::BigInt(sequence)];
    Prepared::<()>::new(TEXT, binds).execute(connection).await?;
    Ok(())
}

async fn write_adjustment(
    connection: &mut AsyncPgConnection,
    plan: &Plan,
    sequence: i64,
    first: Uuid,
    second: Uuid,
) -> QueryResult<()> {
    const TEXT: &str = "insert into ledger.adjustments (book_id, sequence, first_approver, second_approver)
        values ($1, $2, $3, $4)";
    let binds = vec![
        Bind::SmallInt(plan.before.book.number()),
        Bind::BigInt(sequence),
        Bind::OptionalUuid(Some(first)),
        Bind::OptionalUuid(Some(second)),
    ];
    Prepared::<()>::new(TEXT, binds).execute(connection).await?;
    Ok(())
}

async fn write_period(
    connection: &mut AsyncPgConnection,
    plan: &Plan,
    sequence: i64,
    entry: &crate::Entry,
) -> QueryResult<()> {
    const CHANGE: &str = "insert into ledger.period_changes (book_id, sequence, change, through, first_approver,
            second_approver)
        values ($1, $2, $3, $4, $5, $6)";
    const CLOSED: &str = "update ledger.books set closed_through = $1 where book_id = $2";
    let Some(change) = entry.period() else { return Ok(()) };
    let book = plan.before.book.number();
    let (first, second) = change.approvers();
    let binds = vec![
        Bind::SmallInt(book),
        Bind::BigInt(sequence),
        Bind::Text(change.name()),
        Bind::OptionalDate(Some(change.date())),
        Bind::OptionalUuid(Some(first)),
        Bind::OptionalUuid(second),
    ];
    Prepared::<()>::new(CHANGE, binds).execute(connection).await?;
    let binds = vec![Bind::OptionalDate(change.closed_through()), Bind::SmallInt(book)];
    Prepared::<()>::new(CLOSED, binds).execute(connection).await?;
    Ok(())
}
