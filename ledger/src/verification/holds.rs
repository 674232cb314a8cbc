//! Holds replayed from their changes, in the book's order, beside the postings of the accounts that had any.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::accounts::Facts;
use super::{Differences, Kind};
use crate::schema::holds;
use crate::{BookId, Error};

/// Postings and changes of holds of every account that ever had a hold, in order; within an entry postings come first.
const EVENTS: &str = "with held as (
        select distinct account from ledger.hold_changes where book_id = $1
    )
    select e.sequence, e.booked_at, event.account, event.balance, event.hold, event.change, event.amount
    from (
        select p.sequence, p.ordinal, p.account, p.balance_minor as balance, null::uuid as hold, null::text as change,
            p.amount_minor as amount, 0 as part
        from ledger.postings p
        join held on held.account = p.account
        where p.book_id = $1 and p.sequence <= $2
        union all
        select h.sequence, h.ordinal, h.account, null, h.hold_id, h.change, h.amount_minor, 1
        from ledger.hold_changes h
        where h.book_id = $1 and h.sequence <= $2
    ) event
    join ledger.entries e on e.book_id = $1 and e.sequence = event.sequence
    order by e.sequence, event.part, event.ordinal";

#[derive(QueryableByName)]
struct Event {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Timestamptz)]
    booked_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    account: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    balance: Option<i64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    hold: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    change: Option<String>,
    #[diesel(sql_type = BigInt)]
    amount: i64,
}

#[derive(Queryable)]
struct Stored {
    id: Uuid,
    commodity: i32,
    account: i64,
    amount: i64,
    remaining: i64,
    expires_at: DateTime<Utc>,
    placed: i64,
    changed: i64,
}

#[derive(Clone, Copy)]
struct Replayed {
    account: i64,
    amount: i64,
    remaining: i64,
    placed: i64,
    changed: i64,
}

struct Replay<'a> {
    book: BookId,
    facts: &'a Facts,
    stored: HashMap<Uuid, Stored>,
    replayed: HashMap<Uuid, Replayed>,
    open: HashMap<i64, Vec<Uuid>>,
    balances: HashMap<i64, i64>,
    touched: Vec<i64>,
    at: (i64, DateTime<Utc>),
}

pub(super) async fn check(
    connection: &mut AsyncPgConnection,
    book: BookId,
    head: i64,
    facts: &Facts,
    differences: &mut Differences,
) -> Result<(), Error> {
    let stored: Vec<Stored> = holds::table
        .filter(holds::book_id.eq(book.number()))
        .select((
            holds::hold_id,
            holds::commodity,
            holds::account,
            holds::amount_minor,
            holds::remaining_minor,
            holds::expires_at,
            holds::placed_sequence,
            holds::last_sequence,
        ))
        .load(connection)
        .await?;
    let mut replay = Replay {
        book,
        facts,
        stored: stored.into_iter().map(|hold| (hold.id, hold)).collect(),
        replayed: HashMap::new(),
        open: HashMap::new(),
        balances: HashMap::new(),
        touched: Vec::new(),
        at: (0, DateTime::UNIX_EPOCH),
    };
    let events = diesel::sql_query(EVENTS)
        .bind::<SmallInt, _>(book.number())
        .bind::<BigInt, _>(head)
        .load_stream::<Event>(connection)
        .await?;
    futures_util::pin_mut!(events);
    while let Some(event) = events.try_next().await? {
        if event.sequence != replay.at.0 {
            replay.end_entry(differences);
            replay.at = (event.sequence, event.booked_at);
        }
        if let Err(what) = replay.take(&event) {
            differences.found(Kind::Hold, book, event.sequence, None, what);
        }
    }
    replay.end_entry(differences);
    replay.compare(differences);
    Ok(())
}

impl Replay<'_> {
    fn take(&mut self, event: &Event) -> Result<(), String> {
        if let Some(balance) = event.balance {
            self.balances.insert(event.account, balance);
            self.touched.push(event.account);
            return Ok(());
        }
        let (Some(id), Some(change)) = (event.hold, event.change.as_deref()) else { return Ok(()) };
        let expires_at = self.stored.get(&id).map(|hold| hold.expires_at).ok_or(format!("hold {id} is missing"))?;
        let is_over = expires_at <= self.at.1;
        if change == "placed" {
            let placed = Replayed {
                account: event.account,
                amount: event.amount,
                remaining: event.amount,
                placed: event.sequence,
                changed: event.sequence,
            };
            self.touched.push(event.account);
            self.open.entry(event.account).or_default().push(id);
            let again = self.replayed.insert(id, placed).is_some();
            return if again || is_over { Err(format!("hold {id} could not be placed")) } else { Ok(()) };
        }
        let hold = self.replayed.get_mut(&id).ok_or(format!("hold {id} was never placed"))?;
        let whole = matches!(change, "released" | "expired");
        let fits = event.amount <= hold.remaining && (!whole || event.amount == hold.remaining);
        hold.remaining -= event.amount;
        hold.changed = event.sequence;
        let in_time = is_over == (change == "expired");
        if event.account != hold.account || !fits || !in_time {
            return Err(format!("hold {id} could not be {change}"));
        }
        Ok(())
    }

    /// After each entry, what is available on the accounts that it touched is not below their floors.
    fn end_entry(&mut self, differences: &mut Differences) {
        let now = self.at.1;
        for account in std::mem::take(&mut self.touched) {
            let Some(facts) = self.facts.account(account) else { continue };
            let open = self.open.entry(account).or_default();
            open.retain(|id| self.replayed.get(id).is_some_and(|hold| hold.remaining > 0));
            let live = open.iter().filter(|id| self.stored.get(id).is_some_and(|hold| hold.expires_at > now));
            let held = live.filter_map(|id| self.replayed.get(id)).map(|hold| i128::from(hold.remaining)).sum();
            let balance = self.balances.get(&account).copied().unwrap_or(0);
            if facts.is_below_floor(balance, held) {
                let what = format!("account {} has {held} reserved that is not there", facts.code);
                differences.found(Kind::Hold, self.book, self.at.0, None, what);
            }
        }
    }

    fn compare(&self, differences: &mut Differences) {
        for stored in self.stored.values() {
            let is_of_account =
                self.facts.account(stored.account).map(|account| account.commodity) == Some(stored.commodity);
            let agrees = is_of_account
                && self.replayed.get(&stored.id).is_some_and(|hold| {
                    (hold.account, hold.amount, hold.remaining, hold.placed, hold.changed)
                        == (stored.account, stored.amount, stored.remaining, stored.placed, stored.changed)
                });
            if !agrees {
                let what = format!("hold {} is not what its changes left", stored.id);
                differences.found(Kind::Hold, self.book, stored.changed, None, what);
            }
        }
    }
}
