//! Leaves from the tables: what the writer put into the log, computed again from what is booked.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::leaf::{Leaf, LeafHoldChange, LeafHoldEvent, LeafPeriod, LeafPeriodChange, LeafPosting};
use super::leaf::{content_commitment, leaf_hash};
use super::{Frontier, Hash};
use crate::schema::{accounts, adjustments, entries, hold_changes, holds, period_changes, postings, reversals};
use crate::{BookId, Error};

/// Entries that are read at once: bounds the memory, whatever the length of the book.
const PAGE_ENTRIES: i64 = 1_024;

type Words = (Option<String>, Option<Uuid>, Option<serde_json::Value>, Option<Uuid>);
type Approvers = Option<(Uuid, Uuid)>;
type Period = Option<(String, NaiveDate, Uuid, Option<Uuid>)>;
type EntryRow = (i64, Uuid, DateTime<Utc>, NaiveDate, String, Words, Option<i64>, Approvers, Period);

#[derive(Queryable)]
struct PostingRow {
    sequence: i64,
    account: i64,
    commitment: Vec<u8>,
    commodity: i32,
    amount: i64,
    balance: i64,
}

#[derive(Queryable)]
struct HoldChangeRow {
    sequence: i64,
    hold: Uuid,
    account: i64,
    commitment: Vec<u8>,
    commodity: i32,
    change: String,
    amount: i64,
    expires_at: DateTime<Utc>,
}

/// Gives the canonical form of each entry after `after` up to `to`, in order.
///
/// # Errors
/// [`Error::Corrupt`] when one of them is missing or is nothing that the ledger writes.
pub(crate) async fn for_each_leaf(
    connection: &mut AsyncPgConnection,
    book: BookId,
    after: i64,
    to: i64,
    mut visit: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let mut buffer = Vec::new();
    let mut from = after;
    while from < to {
        let until = to.min(from + PAGE_ENTRIES);
        page(connection, book, from, until, &mut |leaf| {
            buffer.clear();
            leaf.encode(&mut buffer)?;
            visit(&buffer);
            Ok(())
        })
        .await?;
        from = until;
    }
    Ok(())
}

/// The hashes of the leaves after `after` up to `to`, in order; the caller bounds how many.
///
/// # Errors
/// As [`for_each_leaf`].
#[allow(dead_code, reason = "what keeps the tiles follows")]
pub(crate) async fn leaf_hashes(
    connection: &mut AsyncPgConnection,
    book: BookId,
    after: i64,
    to: i64,
) -> Result<Vec<Hash>, Error> {
    let mut hashes = Vec::new();
    for_each_leaf(connection, book, after, to, |leaf| hashes.push(leaf_hash(leaf))).await?;
    Ok(hashes)
}

/// The head of the log over the entries up to `to`, computed from all of them.
///
/// # Errors
/// As [`for_each_leaf`].
pub(crate) async fn frontier_of(connection: &mut AsyncPgConnection, book: BookId, to: i64) -> Result<Frontier, Error> {
    let mut frontier = Frontier::empty();
    for_each_leaf(connection, book, 0, to, |leaf| frontier.push(leaf_hash(leaf))).await?;
    Ok(frontier)
}

/// An entry with all that belongs to it.
struct Booked {
    book: BookId,
    entry: EntryRow,
    postings: Vec<PostingRow>,
    hold_changes: Vec<HoldChangeRow>,
}

/// One page: the entries and their few changes of holds at once, their postings streamed between them.
async fn page(
    connection: &mut AsyncPgConnection,
    book: BookId,
    after: i64,
    to: i64,
    visit: &mut impl FnMut(Booked) -> Result<(), Error>,
) -> Result<(), Error> {
    let entries = read_entries(connection, book, after, to).await?;
    let mut expected = after;
    for entry in &entries {
        expected += 1;
        if entry.0 != expected {
            return Err(Error::Corrupt(format!("entry {expected} is missing")));
        }
    }
    if expected != to {
        return Err(Error::Corrupt(format!("entry {} is missing", expected + 1)));
    }
    let mut changes = read_hold_changes(connection, book, after, to).await?.into_iter().peekable();
    let rows = postings::table
        .inner_join(
            accounts::table.on(accounts::book_id.eq(postings::book_id).and(accounts::account.eq(postings::account))),
        )
        .filter(postings::book_id.eq(book.number()))
        .filter(postings::sequence.gt(after))
        .filter(postings::sequence.le(to))
        .order((postings::sequence, postings::ordinal))
        .select((
            postings::sequence,
            postings::account,
            accounts::commitment,
            postings::commodity,
            postings::amount_minor,
            postings::balance_minor,
        ))
        .load_stream::<PostingRow>(connection)
        .await?;
    futures_util::pin_mut!(rows);
    let mut next = rows.try_next().await?;
    for entry in entries {
        let mut postings = Vec::with_capacity(2);
        while let Some(row) = next.take_if(|row| row.sequence == entry.0) {
            postings.push(row);
            next = rows.try_next().await?;
        }
        let mut hold_changes = Vec::new();
        while let Some(change) = changes.next_if(|change| change.sequence == entry.0) {
            hold_changes.push(change);
        }
        visit(Booked { book, entry, postings, hold_changes })?;
    }
    Ok(())
}

async fn read_entries(
    connection: &mut AsyncPgConnection,
    book: BookId,
    after: i64,
    to: i64,
) -> QueryResult<Vec<EntryRow>> {
    entries::table
        .left_join(
            reversals::table.on(reversals::book_id.eq(entries::book_id).and(reversals::sequence.eq(entries::sequence))),
        )
        .left_join(
            adjustments::table
                .on(adjustments::book_id.eq(entries::book_id).and(adjustments::sequence.eq(entries::sequence))),
        )
        .left_join(
            period_changes::table
                .on(period_changes::book_id.eq(entries::book_id).and(period_changes::sequence.eq(entries::sequence))),
        )
        .filter(entries::book_id.eq(book.number()))
        .filter(entries::sequence.gt(after))
        .filter(entries::sequence.le(to))
        .order(entries::sequence)
        .select((
            entries::sequence,
            entries::entry_key,
            entries::booked_at,
            entries::effective_date,
            entries::kind,
            (entries::description, entries::subject, entries::metadata, entries::salt),
            reversals::reverses.nullable(),
            (adjustments::first_approver, adjustments::second_approver).nullable(),
            (
                period_changes::change,
                period_changes::through,
                period_changes::first_approver,
                period_changes::second_approver,
            )
                .nullable(),
        ))
        .load(connection)
        .await
}

async fn read_hold_changes(
    connection: &mut AsyncPgConnection,
    book: BookId,
    after: i64,
    to: i64,
) -> QueryResult<Vec<HoldChangeRow>> {
    hold_changes::table
        .inner_join(
            accounts::table
                .on(accounts::book_id.eq(hold_changes::book_id).and(accounts::account.eq(hold_changes::account))),
        )
        .inner_join(
            holds::table.on(holds::book_id.eq(hold_changes::book_id).and(holds::hold_id.eq(hold_changes::hold_id))),
        )
        .filter(hold_changes::book_id.eq(book.number()))
        .filter(hold_changes::sequence.gt(after))
        .filter(hold_changes::sequence.le(to))
        .order((hold_changes::sequence, hold_changes::ordinal))
        .select((
            hold_changes::sequence,
            hold_changes::hold_id,
            hold_changes::account,
            accounts::commitment,
            hold_changes::commodity,
            hold_changes::change,
            hold_changes::amount_minor,
            holds::expires_at,
        ))
        .load(connection)
        .await
}

impl Booked {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let (sequence, key, booked_at, effective_date, kind, words, reverses, approvers, period) = &self.entry;
        let (description, subject, metadata, salt) = words;
        let postings = self.postings.iter().map(PostingRow::leaf).collect::<Result<Vec<_>, _>>()?;
        let hold_changes = self.hold_changes.iter().map(HoldChangeRow::leaf).collect::<Result<Vec<_>, _>>()?;
        let leaf = Leaf {
            book: self.book.number(),
            sequence: *sequence,
            key: *key,
            booked_at: booked_at.timestamp_micros(),
            effective_date: effective_date.to_epoch_days(),
            kind,
            reverses: *reverses,
            approvers: *approvers,
            period: period.as_ref().map(leaf_period).transpose()?,
            content: content_commitment(salt.unwrap_or(*key), description.as_deref(), *subject, metadata.as_ref()),
            postings,
            hold_changes,
        };
        leaf.encode(out);
        Ok(())
    }
}

fn leaf_period(
    (change, through, approver, second): &(String, NaiveDate, Uuid, Option<Uuid>),
) -> Result<LeafPeriod, Error> {
    let change = match change.as_str() {
        "closed" => LeafPeriodChange::Closed,
        "reopened" => LeafPeriodChange::Reopened,
        other => return Err(Error::Corrupt(format!("a period was {other}"))),
    };
    Ok(LeafPeriod { change, through: through.to_epoch_days(), approver: *approver, second: *second })
}

fn commitment(bytes: &[u8]) -> Result<&Hash, Error> {
    bytes.try_into().map_err(|_| Error::Corrupt(format!("a commitment has {} bytes", bytes.len())))
}

impl PostingRow {
    fn leaf(&self) -> Result<LeafPosting<'_>, Error> {
        Ok(LeafPosting {
            account: self.account,
            commitment: commitment(&self.commitment)?,
            commodity: self.commodity,
            amount: self.amount,
            balance: self.balance,
        })
    }
}

impl HoldChangeRow {
    fn leaf(&self) -> Result<LeafHoldChange<'_>, Error> {
        let change = match self.change.as_str() {
            "placed" => LeafHoldEvent::Placed { expires_at: self.expires_at.timestamp_micros() },
            "posted" => LeafHoldEvent::Posted,
            "released" => LeafHoldEvent::Released,
            "expired" => LeafHoldEvent::Expired,
            other => return Err(Error::Corrupt(format!("a hold was {other}"))),
        };
        Ok(LeafHoldChange {
            hold: self.hold,
            account: self.account,
            commitment: commitment(&self.commitment)?,
            commodity: self.commodity,
            change,
            amount: self.amount,
        })
    }
}
