//! Lots: what postings of units are made of, compared with the postings and with one another.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Differences, Kind};
use crate::log::{Booked, LotRow};
use crate::units::is_unit;
use crate::{BookId, Error};

/// What is wrong with the lots of an entry by itself.
pub(super) fn fault(entry: &Booked) -> Option<String> {
    if entry.lots.is_empty() && !entry.postings.iter().any(|posting| is_unit(posting.commodity)) {
        return None;
    }
    let mut lots = entry.lots.iter().peekable();
    for posting in &entry.postings {
        let mut sum = 0_i128;
        while let Some(lot) = lots.next_if(|lot| lot.ordinal == posting.ordinal) {
            if (lot.account, lot.commodity) != (posting.account, posting.commodity) {
                return Some(format!("lots of posting {} are of another account or unit", posting.ordinal));
            }
            if (lot.amount > 0) != (posting.amount > 0) {
                return Some(format!("a lot of posting {} goes the other way", posting.ordinal));
            }
            sum += i128::from(lot.amount);
        }
        if is_unit(posting.commodity) && sum != i128::from(posting.amount) {
            return Some(format!("the lots of posting {} sum to {sum}, not {}", posting.ordinal, posting.amount));
        }
    }
    match lots.next() {
        Some(stray) => Some(format!("a lot is of posting {}, which is not there", stray.ordinal)),
        None => unbalanced(&entry.lots),
    }
}

/// A lot of which not all that is given is received.
fn unbalanced(lots: &[LotRow]) -> Option<String> {
    let mut sums = BTreeMap::<(i64, i16, i32), (i128, i128)>::new();
    for lot in lots {
        let sum = sums.entry((lot.lot_sequence, lot.lot_number, lot.commodity)).or_default();
        sum.0 += i128::from(lot.amount);
        sum.1 += i128::from(lot.cost.unwrap_or(0));
    }
    let off = sums.into_iter().find(|(_, sums)| *sums != (0, 0))?;
    let ((sequence, number, _), (amount, cost)) = off;
    Some(format!("lot {sequence}-{number} is off by {amount}, its cost by {cost}"))
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Text)]
    what: String,
}

/// Lots of no entry; lots that do not begin with their issue or change on their way; and what was given of a lot, on
/// the side where units are held, without having been held. Diesel has no windows over sums.
const ACROSS: &str = "select sequence, what from (
        select sequence, 'a lot of an entry that is not there' as what
        from ledger.lots
        where book_id = $1
          and (sequence > $2 or sequence < 1)
        union all
        select l.sequence, 'lot ' || l.lot_sequence || '-' || l.lot_number || ' is not what was issued'
        from ledger.lots l
        left join lateral (
            select i.commodity, i.acquired_on, i.cost_commodity
            from ledger.lots i
            join ledger.accounts a on a.book_id = i.book_id and a.account = i.account
            where i.book_id = l.book_id
              and i.sequence = l.lot_sequence
              and i.lot_sequence = l.lot_sequence
              and i.lot_number = l.lot_number
              and i.amount_minor > 0
              and a.kind in ('asset', 'expense')
            limit 1
        ) issued on true
        where l.book_id = $1
          and (l.commodity, l.acquired_on, l.cost_commodity)
              is distinct from (issued.commodity, issued.acquired_on, issued.cost_commodity)
        union all
        select sequence, 'more of lot ' || lot_sequence || '-' || lot_number || ' was given than was held'
        from (
            select l.sequence, l.lot_sequence, l.lot_number,
                sum(l.amount_minor) over upto as amount,
                sum(coalesce(l.cost_minor, 0)) over upto as cost
            from ledger.lots l
            join ledger.accounts a on a.book_id = l.book_id and a.account = l.account
            where l.book_id = $1
              and a.kind in ('liability', 'equity', 'revenue')
            window upto as (
                partition by l.account, l.lot_sequence, l.lot_number
                order by l.sequence
                range between unbounded preceding and current row
            )
        ) held
        where amount > 0
           or cost > 0
           or amount = 0 and cost <> 0
    ) found
    order by sequence
    limit 1";

pub(super) async fn check(
    connection: &mut AsyncPgConnection,
    book: BookId,
    head: i64,
    differences: &mut Differences,
) -> Result<(), Error> {
    let found: Option<Found> = diesel::sql_query(ACROSS)
        .bind::<SmallInt, _>(book.number())
        .bind::<BigInt, _>(head)
        .get_result(connection)
        .await
        .optional()?;
    if let Some(Found { sequence, what }) = found {
        differences.found(Kind::Lot, book, sequence, None, what);
    }
    Ok(())
}
