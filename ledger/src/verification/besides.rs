//! What stands beside entries: reversals, adjustments, periods, changes of holds. Their content is in the log's leaves;
//! here is looked for what belongs to no entry.

use chrono::NaiveDate;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Difference, Differences, Kind};
use crate::schema::{accounts, close_records, closing_balances, period_changes};
use crate::{BookId, Error, Ledger};

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Text)]
    what: String,
}

/// Rows beyond the book's head, before its beginning, or of an entry that looks back at itself; and closes whose record
/// of balances is not what took effect by then, as known then.
const STRAYS: &str = "select sequence, what from (
        select sequence, 'an entry beyond the head of the book' as what
        from ledger.entries where book_id = $1 and (sequence > $2 or sequence < 1)
        union all
        select sequence, 'a posting beyond the head of the book'
        from ledger.postings where book_id = $1 and (sequence > $2 or sequence < 1)
        union all
        select r.sequence, 'a reversal of or by an entry that is not there'
        from ledger.reversals r
        where r.book_id = $1 and (r.sequence > $2 or r.reverses < 1 or r.reverses >= r.sequence)
        union all
        select sequence, 'an adjustment of an entry that is not there'
        from ledger.adjustments where book_id = $1 and (sequence > $2 or sequence < 1)
        union all
        select sequence, 'a change of period by an entry that is not there'
        from ledger.period_changes where book_id = $1 and (sequence > $2 or sequence < 1)
        union all
        select sequence, 'a change of a hold by an entry that is not there'
        from ledger.hold_changes where book_id = $1 and (sequence > $2 or sequence < 1)
        union all
        select b.sequence, 'closing balances of an entry that closes nothing'
        from ledger.closing_balances b
        left join ledger.period_changes c
            on c.book_id = b.book_id
            and c.sequence = b.sequence
            and c.change = 'closed'
        where b.book_id = $1 and c.sequence is null
        union all
        select r.sequence, 'the record of a close that is none'
        from ledger.close_records r
        left join ledger.period_changes c
            on c.book_id = r.book_id
            and c.sequence = r.sequence
            and c.change = 'closed'
        where r.book_id = $1 and c.sequence is null
    ) found
    order by sequence
    limit 1";

pub(super) async fn check(
    connection: &mut AsyncPgConnection,
    book: BookId,
    head: i64,
    differences: &mut Differences,
) -> Result<(), Error> {
    let found: Option<Found> = diesel::sql_query(STRAYS)
        .bind::<SmallInt, _>(book.number())
        .bind::<BigInt, _>(head)
        .get_result(connection)
        .await
        .optional()?;
    if let Some(Found { sequence, what }) = found {
        differences.found(Kind::Beside, book, sequence, None, what);
    }
    Ok(())
}

/// How far the newest change of period says that the book is closed.
pub(super) async fn closed_through(
    connection: &mut AsyncPgConnection,
    book: BookId,
    head: i64,
) -> Result<Option<NaiveDate>, Error> {
    let newest: Option<(String, NaiveDate)> = period_changes::table
        .filter(period_changes::book_id.eq(book.number()))
        .filter(period_changes::sequence.le(head))
        .order(period_changes::sequence.desc())
        .select((period_changes::change, period_changes::through))
        .first(connection)
        .await
        .optional()?;
    Ok(newest.and_then(|(change, date)| if change == "closed" { Some(date) } else { date.pred_opt() }))
}

impl Ledger {
    /// The first close whose record is not the trial balance of what took effect by its date, as known then. A close
    /// without any record is one that waits for it.
    pub(super) async fn differing_close(
        &self,
        connection: &mut AsyncPgConnection,
        head: i64,
    ) -> Result<Option<Difference>, Error> {
        let closes: Vec<(i64, NaiveDate)> = period_changes::table
            .filter(period_changes::book_id.eq(self.book.number()))
            .filter(period_changes::change.eq("closed"))
            .filter(period_changes::sequence.le(head))
            .order(period_changes::sequence)
            .select((period_changes::sequence, period_changes::through))
            .load(connection)
            .await?;
        for (sequence, through) in closes {
            let counted: Option<i64> = close_records::table
                .find((self.book.number(), sequence))
                .select(close_records::accounts)
                .first(connection)
                .await
                .optional()?;
            let kept: Vec<(String, i32, i32, i64)> = closing_balances::table
                .inner_join(
                    accounts::table.on(accounts::book_id
                        .eq(closing_balances::book_id)
                        .and(accounts::account.eq(closing_balances::account))),
                )
                .filter(closing_balances::book_id.eq(self.book.number()))
                .filter(closing_balances::sequence.eq(sequence))
                .select((
                    accounts::code,
                    accounts::commodity,
                    closing_balances::commodity,
                    closing_balances::balance_minor,
                ))
                .load(connection)
                .await?;
            if counted.is_none() && kept.is_empty() {
                continue;
            }
            let expected = self.closing_balances(sequence, through).await?;
            let mut expected: Vec<_> = expected
                .iter()
                .map(|balance| {
                    let number = balance.commodity.number();
                    (balance.account.to_string(), number, number, balance.debit_positive_minor)
                })
                .collect();
            let mut kept = kept;
            expected.sort();
            kept.sort();
            let is_whole = counted.is_some_and(|counted| usize::try_from(counted) == Ok(kept.len()));
            if !is_whole || expected != kept {
                let what = format!("the record of the close through {through} is not what took effect by then");
                return Ok(Some(Difference { book: self.book, sequence: Some(sequence), posting: None, what }));
            }
        }
        Ok(None)
    }
}
