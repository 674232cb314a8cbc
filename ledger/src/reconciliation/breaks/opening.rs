//! How breaks come and go by themselves: statements over all items of an account.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, SmallInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::reconciliation::ReconciliationError;
use crate::reconciliation::account::Turn;
use crate::reconciliation::open_items::{OPEN_ITEMS, SHARED};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Settles the breaks whose items have found a match after that one; answers how many.
pub(in crate::reconciliation) async fn settle_matched(
    connection: &mut AsyncPgConnection,
    turn: &Turn,
    after_match: i64,
) -> Result<i64, ReconciliationError> {
    const TEXT: &str = "with settled as (
            update ledger.reconciliation_breaks b
            set state = 'settled',
                last_event = b.last_event + 1
            from ledger.reconciliation_items i
            where b.book_id = $1
              and b.account = $2
              and b.state in ('open', 'assigned', 'explained')
              and i.book_id = $1
              and i.account = $2
              and i.item = b.item
              and i.match_number > $3
            returning b.break_number, b.last_event
        ),
        told as (
            insert into ledger.reconciliation_break_events
                (book_id, account, break_number, ordinal, event, person, happened_at)
            select $1, $2, break_number, last_event, 'settled', $4, $5
            from settled
        )
        select count(*) as count from settled";
    let Count { count } = diesel::sql_query(TEXT)
        .bind::<SmallInt, _>(turn.book)
        .bind::<BigInt, _>(turn.locked.account)
        .bind::<BigInt, _>(after_match)
        .bind::<diesel::sql_types::Uuid, _>(turn.person)
        .bind::<Timestamptz, _>(turn.at)
        .get_result(connection)
        .await?;
    Ok(count)
}

/// Opens a break for each open item that has none. Those that the search for sums found ambiguous are given.
pub(in crate::reconciliation) async fn open_breaks(
    connection: &mut AsyncPgConnection,
    turn: &mut Turn,
    days: i32,
    ambiguous: Vec<i64>,
) -> Result<i64, ReconciliationError> {
    let text = format!(
        "{OPEN_ITEMS},
        {SHARED},
        seen as (
            select item, is_line, amount_minor, occurs_on, reference,
                count(*) filter (where is_line) over near as lines,
                count(*) filter (where not is_line) over near as postings
            from open_items
            window near as (
                partition by amount_minor
                order by occurs_on - date '2000-01-01'
                range between $3 preceding and $3 following
            )
        ),
        found as (
            select o.item, o.amount_minor, o.occurs_on,
                case when o.is_line then o.postings else o.lines end as candidates,
                s.reference is not null as named,
                $4 + row_number() over (order by o.item) as break_number
            from seen o
            left join shared s using (reference)
            where not exists (
                select 1
                from ledger.reconciliation_breaks b
                where b.book_id = $1
                  and b.account = $2
                  and b.item = o.item
            )
        ),
        opened as (
            insert into ledger.reconciliation_breaks
                (book_id, commodity, account, break_number, item, amount_minor, occurs_on, candidates, cause, state,
                 last_event, opened_at)
            select $1, $5, $2, break_number, item, amount_minor, occurs_on, candidates,
                case
                    when candidates > 0 or item = any($6) then 'ambiguous'
                    when named then 'amount-differs'
                    else 'nothing-fits'
                end,
                'open', 1, $7
            from found
            returning break_number
        ),
        told as (
            insert into ledger.reconciliation_break_events
                (book_id, account, break_number, ordinal, event, person, happened_at)
            select $1, $2, break_number, 1, 'opened', $8, $7
            from opened
        )
        select count(*) as count from opened"
    );
    let Count { count } = diesel::sql_query(text)
        .bind::<SmallInt, _>(turn.book)
        .bind::<BigInt, _>(turn.locked.account)
        .bind::<Integer, _>(days)
        .bind::<BigInt, _>(turn.locked.last_break)
        .bind::<Integer, _>(turn.locked.commodity)
        .bind::<Array<BigInt>, _>(ambiguous)
        .bind::<Timestamptz, _>(turn.at)
        .bind::<diesel::sql_types::Uuid, _>(turn.person)
        .get_result(connection)
        .await?;
    turn.locked.last_break += count;
    Ok(count)
}

/// Opens a break for each match after that number that has a difference.
pub(in crate::reconciliation) async fn open_differences(
    connection: &mut AsyncPgConnection,
    turn: &mut Turn,
    after_match: i64,
) -> Result<i64, ReconciliationError> {
    const TEXT: &str = "with opened as (
            insert into ledger.reconciliation_breaks
                (book_id, commodity, account, break_number, match_number, amount_minor, occurs_on, candidates, cause,
                 state, last_event, opened_at)
            select $1, $3, $2, $4 + row_number() over (order by match_number), match_number, difference_minor, $6, 0,
                'difference', 'open', 1, $7
            from ledger.reconciliation_matches
            where book_id = $1
              and account = $2
              and match_number > $5
              and difference_minor <> 0
            returning break_number
        ),
        told as (
            insert into ledger.reconciliation_break_events
                (book_id, account, break_number, ordinal, event, person, happened_at)
            select $1, $2, break_number, 1, 'opened', $8, $7
            from opened
        )
        select count(*) as count from opened";
    let Count { count } = diesel::sql_query(TEXT)
        .bind::<SmallInt, _>(turn.book)
        .bind::<BigInt, _>(turn.locked.account)
        .bind::<Integer, _>(turn.locked.commodity)
        .bind::<BigInt, _>(turn.locked.last_break)
        .bind::<BigInt, _>(after_match)
        .bind::<Date, _>(turn.at.date_naive())
        .bind::<Timestamptz, _>(turn.at)
        .bind::<diesel::sql_types::Uuid, _>(turn.person)
        .get_result(connection)
        .await?;
    turn.locked.last_break += count;
    Ok(count)
}
