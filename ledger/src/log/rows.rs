//! Leaves from the tables: what the writer put into the log, computed again from what is booked.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::leaf::{Leaf, LeafHoldChange, LeafHoldEvent, LeafPeriod, LeafPeriodChange, LeafPosting};
use super::leaf::{content_commitment, leaf_hash};
use super::lot_rows::{LotRow, leaf_units, read_lots};
use super::{Frontier, Hash};
use crate::schema::{accounts, adjustments, entries, hold_changes, holds, period_changes, postings, reversals};
use crate::units::Units;
use crate::{BookId, Error};

/// Entries that are read at once: bounds the memory, whatever the length of the book.
const PAGE_ENTRIES: i64 = 1_024;

type Words = (Option<String>, Option<Uuid>, Option<serde_json::Value>, Option<Uuid>);
type Approvers = Option<(Uuid, Uuid)>;
type Period = Option<(String, NaiveDate, Uuid, Option<Uuid>)>;
type EntryRow = (i64, Uuid, DateTime<Utc>, NaiveDate, String, Words, Option<i64>, Approvers, Period);

/// A posting as it is booked.
#[derive(Queryable)]
pub(crate) struct PostingRow {
    pub(crate) sequence: i64,
    pub(crate) ordinal: i16,
    pub(crate) account: i64,
    commitment: Option<Vec<u8>>,
    pub(crate) commodity: i32,
    pub(crate) amount: i64,
    pub(crate) balance: i64,
}

/// A change of a hold as it is booked.
#[derive(Queryable)]
pub(crate) struct HoldChangeRow {
    pub(crate) sequence: i64,
    pub(crate) ordinal: i16,
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
        let mut expected = from;
        for_each_booked(connection, book, from, until, &mut |row| {
            let Row::Entry(booked) = row else {
                return Err(Error::Corrupt("a posting belongs to no entry".to_owned()));
            };
            expected += 1;
            if booked.sequence() != expected {
                return Err(Error::Corrupt(format!("entry {expected} is missing")));
            }
            buffer.clear();
            booked.encode(&mut buffer)?;
            visit(&buffer);
            Ok(())
        })
        .await?;
        if expected != until {
            return Err(Error::Corrupt(format!("entry {} is missing", expected + 1)));
        }
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
pub(crate) struct Booked {
    book: BookId,
    entry: EntryRow,
    pub(crate) postings: Vec<PostingRow>,
    pub(crate) hold_changes: Vec<HoldChangeRow>,
    pub(crate) lots: Vec<LotRow>,
    units: Units,
}

#[allow(clippy::large_enum_variant, reason = "entries are the rule, strays the fault that is looked for")]
/// What is found in the book's order.
pub(crate) enum Row {
    /// An entry.
    Entry(Booked),
    /// A posting that belongs to no entry.
    Stray(PostingRow),
}

/// Gives the entries after `after` up to `to`, in order: the entries and their few changes of holds at once, their
/// postings streamed between them. The caller bounds how many.
pub(crate) async fn for_each_booked(
    connection: &mut AsyncPgConnection,
    book: BookId,
    after: i64,
    to: i64,
    visit: &mut impl FnMut(Row) -> Result<(), Error>,
) -> Result<(), Error> {
    let entries = read_entries(connection, book, after, to).await?;
    let changes = read_hold_changes(connection, book, after, to).await?;
    let lots = read_lots(connection, book, after, to).await?;
    // Read anew each time: a verification must see what is in the table now.
    let units = Units::default();
    let commodities = lots.iter().map(|lot| lot.commodity).chain(changes.iter().map(|change| change.commodity));
    units.learn(connection, commodities.collect()).await?;
    let (mut changes, mut lots) = (changes.into_iter().peekable(), lots.into_iter().peekable());
    let rows = postings::table
        .left_join(
            accounts::table.on(accounts::book_id.eq(postings::book_id).and(accounts::account.eq(postings::account))),
        )
        .filter(postings::book_id.eq(book.number()))
        .filter(postings::sequence.gt(after))
        .filter(postings::sequence.le(to))
        .order((postings::sequence, postings::ordinal))
        .select((
            postings::sequence,
            postings::ordinal,
            postings::account,
            accounts::commitment.nullable(),
            postings::commodity,
            postings::amount_minor,
            postings::balance_minor,
        ))
        .load_stream::<PostingRow>(connection)
        .await?;
    futures_util::pin_mut!(rows);
    let mut next = rows.try_next().await?;
    for entry in entries {
        while let Some(row) = next.take_if(|row| row.sequence < entry.0) {
            visit(Row::Stray(row))?;
            next = rows.try_next().await?;
        }
        let mut postings = Vec::with_capacity(2);
        while let Some(row) = next.take_if(|row| row.sequence == entry.0) {
            postings.push(row);
            next = rows.try_next().await?;
        }
        let mut hold_changes = Vec::new();
        while let Some(change) = changes.next_if(|change| change.sequence == entry.0) {
            hold_changes.push(change);
        }
        let mut own_lots = Vec::new();
        while let Some(lot) = lots.next_if(|lot| lot.sequence == entry.0) {
            own_lots.push(lot);
        }
        visit(Row::Entry(Booked { book, entry, postings, hold_changes, lots: own_lots, units: units.clone() }))?;
    }
    while let Some(row) = next {
        visit(Row::Stray(row))?;
        next = rows.try_next().await?;
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
            hold_changes::ordinal,
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
    /// Its place in the book.
    pub(crate) fn sequence(&self) -> i64 {
        self.entry.0
    }

    /// When it was booked.
    pub(crate) fn booked_at(&self) -> DateTime<Utc> {
        self.entry.2
    }

    /// Whether a salt is kept with nothing that it could salt.
    pub(crate) fn has_idle_salt(&self) -> bool {
        matches!(self.entry.5, (None, None, None, Some(_)))
    }

    /// Whether it does something besides its postings.
    pub(crate) fn acts_otherwise(&self) -> bool {
        !self.hold_changes.is_empty() || self.entry.8.is_some()
    }

    /// Puts its canonical form behind what `out` holds already.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something in it is nothing that the ledger writes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let (sequence, key, booked_at, effective_date, kind, words, reverses, approvers, period) = &self.entry;
        let (description, subject, metadata, salt) = words;
        let postings = self.postings.iter().map(PostingRow::leaf).collect::<Result<Vec<_>, _>>()?;
        let hold_changes = self.hold_changes.iter().map(HoldChangeRow::leaf).collect::<Result<Vec<_>, _>>()?;
        let commodities = self.postings.iter().map(|posting| posting.commodity);
        let reserved = self.hold_changes.iter().map(|change| change.commodity);
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
            units: leaf_units(&self.units, commodities.chain(reserved))?,
            lots: self.lots.iter().map(LotRow::leaf).collect(),
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
            commitment: commitment(self.commitment.as_deref().unwrap_or_default())?,
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
