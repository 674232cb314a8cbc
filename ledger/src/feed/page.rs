use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::balances::stored_code;
use crate::lots::{Lot, LotsOfPostings};
use crate::schema::{accounts, entries, hold_changes, postings, reversals};
use crate::{AccountCode, Amount, Error, Ledger, Sequence};

/// Entries that one page has at most.
pub const MAX_FEED_ENTRIES: i64 = 500;
/// Postings, and changes of holds, that one page has at most: above those of the largest entry, so that it has at
/// least one.
pub(super) const MAX_PAGE_LINES: i64 = 20_000;

/// An entry as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its place in the book, and the consumer's place once it has dealt with it.
    pub sequence: Sequence,
    /// Its public id.
    pub entry: Uuid,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// When it took effect.
    pub effective_date: NaiveDate,
    /// What kind of thing happened.
    pub kind: String,
    /// A line for a reader.
    pub description: Option<String>,
    /// What it was about.
    pub subject: Option<Uuid>,
    /// Further facts.
    pub metadata: Option<serde_json::Value>,
    /// The entry that it takes back.
    pub reverses: Option<Sequence>,
    /// The amounts that it moved, in order.
    pub postings: Vec<FeedPosting>,
    /// What it did to holds, in order.
    pub hold_changes: Vec<FeedHoldChange>,
}

/// An amount on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPosting {
    /// The account.
    pub account: AccountCode,
    /// The amount, debits positive.
    pub amount: Amount,
    /// The account's balance after it, debits positive.
    pub balance: Amount,
    /// The lots that units are of, debits positive; empty for money.
    pub lots: Vec<Lot>,
}

/// What happened to a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedHoldChange {
    /// The hold.
    pub hold: Uuid,
    /// The account that it is on.
    pub account: AccountCode,
    /// `placed`, `posted`, `released` or `expired`.
    pub change: String,
    /// How much of it.
    pub amount: Amount,
}

/// Entries in order, and where the book stood when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPage {
    /// The entries; none when there is nothing after the place asked for.
    pub entries: Vec<FeedEntry>,
    /// The newest entry of the book.
    pub head: Sequence,
}

pub(super) type EntryRow =
    (i64, Uuid, DateTime<Utc>, NaiveDate, String, Option<String>, Option<Uuid>, Option<serde_json::Value>);
type PostingRow = (i64, i16, String, i32, i64, i64);
type HoldRow = (i64, Uuid, String, i32, String, i64);

impl FeedEntry {
    /// What stands in its own row.
    pub(super) fn bare(row: EntryRow) -> Self {
        let (sequence, entry, booked_at, effective_date, kind, description, subject, metadata) = row;
        Self {
            sequence: Sequence::new(sequence),
            entry,
            booked_at,
            effective_date,
            kind,
            description,
            subject,
            metadata,
            reverses: None,
            postings: Vec::new(),
            hold_changes: Vec::new(),
        }
    }
}

/// Which entries are read: after the first, up to the second.
#[derive(Clone, Copy)]
struct Span {
    after: i64,
    through: i64,
}

impl Ledger {
    /// The entries after a place, oldest first; `limit` is bounded by [`MAX_FEED_ENTRIES`]. Entries with very many
    /// postings make a page shorter.
    ///
    /// # Errors
    /// [`Error::SequenceAhead`] for a place that the book has not reached.
    pub async fn entries_after(&self, after: Sequence, limit: i64) -> Result<FeedPage, Error> {
        let head = self.head().await?;
        let (asked, newest) = (after.number(), head.number());
        if asked > newest || asked < 0 {
            return Err(Error::SequenceAhead { head: newest, asked });
        }
        let through = newest.min(asked + limit.clamp(1, MAX_FEED_ENTRIES));
        if through == asked {
            return Ok(FeedPage { entries: Vec::new(), head });
        }
        let span = Span { after: asked, through };
        let mut connection = self.database.connection().await?;
        let rows = self.feed_entries(&mut connection, span).await?;
        require_all(&rows, span)?;
        let mut taken_back = self.feed_reversals(&mut connection, span).await?;
        let (mut postings, span) = self.feed_postings(&mut connection, span).await?;
        let (mut hold_changes, span) = self.feed_hold_changes(&mut connection, span).await?;
        drop(connection);
        let entry = |row: EntryRow| FeedEntry {
            reverses: taken_back.remove(&row.0).map(Sequence::new),
            postings: postings.remove(&row.0).unwrap_or_default(),
            hold_changes: hold_changes.remove(&row.0).unwrap_or_default(),
            ..FeedEntry::bare(row)
        };
        Ok(FeedPage { entries: rows.into_iter().take_while(|row| row.0 <= span.through).map(entry).collect(), head })
    }

    async fn feed_entries(&self, connection: &mut AsyncPgConnection, span: Span) -> Result<Vec<EntryRow>, Error> {
        Ok(entries::table
            .filter(entries::book_id.eq(self.book.number()))
            .filter(entries::sequence.gt(span.after))
            .filter(entries::sequence.le(span.through))
            .order(entries::sequence)
            .select((
                entries::sequence,
                entries::entry_key,
                entries::booked_at,
                entries::effective_date,
                entries::kind,
                entries::description,
                entries::subject,
                entries::metadata,
            ))
            .load(connection)
            .await?)
    }

    async fn feed_reversals(&self, connection: &mut AsyncPgConnection, span: Span) -> Result<HashMap<i64, i64>, Error> {
        let rows: Vec<(i64, i64)> = reversals::table
            .filter(reversals::book_id.eq(self.book.number()))
            .filter(reversals::sequence.gt(span.after))
            .filter(reversals::sequence.le(span.through))
            .select((reversals::sequence, reversals::reverses))
            .load(connection)
            .await?;
        Ok(rows.into_iter().collect())
    }

    async fn feed_postings(
        &self,
        connection: &mut AsyncPgConnection,
        span: Span,
    ) -> Result<(HashMap<i64, Vec<FeedPosting>>, Span), Error> {
        let rows: Vec<PostingRow> = postings::table
            .inner_join(
                accounts::table
                    .on(accounts::book_id.eq(postings::book_id).and(accounts::account.eq(postings::account))),
            )
            .filter(postings::book_id.eq(self.book.number()))
            .filter(postings::sequence.gt(span.after))
            .filter(postings::sequence.le(span.through))
            .order((postings::sequence, postings::ordinal))
            .limit(MAX_PAGE_LINES)
            .select((
                postings::sequence,
                postings::ordinal,
                accounts::code,
                postings::commodity,
                postings::amount_minor,
                postings::balance_minor,
            ))
            .load(connection)
            .await?;
        let span = span.cut(rows.len(), rows.last().map(|row| row.0));
        let commodities: Vec<i32> = rows.iter().map(|row| row.3).collect();
        self.units.learn(connection, commodities.clone()).await?;
        let bounds = (span.after, span.through);
        let mut lots = LotsOfPostings::read(connection, self.book, &self.units, bounds, commodities).await?;
        let mut by_entry = HashMap::<i64, Vec<FeedPosting>>::new();
        for (sequence, ordinal, code, commodity, amount, balance) in rows {
            let commodity = self.units.commodity(commodity)?;
            by_entry.entry(sequence).or_default().push(FeedPosting {
                account: stored_code(&code)?,
                amount: Amount::from_minor(amount, commodity),
                balance: Amount::from_minor(balance, commodity),
                lots: lots.take(sequence, ordinal),
            });
        }
        Ok((by_entry, span))
    }

    async fn feed_hold_changes(
        &self,
        connection: &mut AsyncPgConnection,
        span: Span,
    ) -> Result<(HashMap<i64, Vec<FeedHoldChange>>, Span), Error> {
        let rows: Vec<HoldRow> = hold_changes::table
            .inner_join(
                accounts::table
                    .on(accounts::book_id.eq(hold_changes::book_id).and(accounts::account.eq(hold_changes::account))),
            )
            .filter(hold_changes::book_id.eq(self.book.number()))
            .filter(hold_changes::sequence.gt(span.after))
            .filter(hold_changes::sequence.le(span.through))
            .order((hold_changes::sequence, hold_changes::ordinal))
            .limit(MAX_PAGE_LINES)
            .select((
                hold_changes::sequence,
                hold_changes::hold_id,
                accounts::code,
                hold_changes::commodity,
                hold_changes::change,
                hold_changes::amount_minor,
            ))
            .load(connection)
            .await?;
        let span = span.cut(rows.len(), rows.last().map(|row| row.0));
        self.units.learn(connection, rows.iter().map(|row| row.3).collect()).await?;
        let mut by_entry = HashMap::<i64, Vec<FeedHoldChange>>::new();
        for (sequence, hold, code, commodity, change, amount) in rows {
            by_entry.entry(sequence).or_default().push(FeedHoldChange {
                hold,
                account: stored_code(&code)?,
                change,
                amount: Amount::from_minor(amount, self.units.commodity(commodity)?),
            });
        }
        Ok((by_entry, span))
    }
}

impl Span {
    /// What is whole of it when only so many lines were read, the last one of the entry `last`.
    fn cut(self, lines: usize, last: Option<i64>) -> Self {
        match last {
            Some(last) if i64::try_from(lines) == Ok(MAX_PAGE_LINES) => {
                Self { through: self.through.min(last - 1), ..self }
            }
            _ => self,
        }
    }
}

/// Sequences have no gaps, so a page that has one is not what the ledger wrote.
fn require_all(rows: &[EntryRow], span: Span) -> Result<(), Error> {
    let expected = span.after + 1..=span.through;
    if rows.iter().map(|row| row.0).eq(expected) {
        Ok(())
    } else {
        Err(Error::Corrupt(format!("an entry is missing between {} and {}", span.after + 1, span.through)))
    }
}
