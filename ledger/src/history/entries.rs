//! Entries as they were booked: one by its key or sequence, many by a filter.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::filter::EntryFilter;
use super::moment::AsOf;
use crate::balances::stored_code;
use crate::lots::{Lot, LotsOfPostings};
use crate::schema::{accounts, entries, postings, reversals};
use crate::{AccountCode, Amount, Error, IdempotencyKey, Ledger, Sequence};

/// Entries that one page of a list has at most.
pub const MAX_PAGE_ENTRIES: i64 = 500;

/// What names one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryName {
    /// Its key, which is its public id.
    Key(IdempotencyKey),
    /// Its place in the book.
    Sequence(Sequence),
}

impl fmt::Display for EntryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.uuid().fmt(formatter),
            Self::Sequence(sequence) => sequence.number().fmt(formatter),
        }
    }
}

/// An entry as it was booked, without its postings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedEntry {
    /// Its place in the book.
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
    /// The entry that took it back.
    pub reversed_by: Option<Sequence>,
}

/// A posting as it was booked, debits positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedPosting {
    /// Its place in the entry.
    pub ordinal: i16,
    /// The account.
    pub account: AccountCode,
    /// The amount.
    pub amount: Amount,
    /// The balance that it left.
    pub balance: Amount,
    /// The lots that units are of; empty for money.
    pub lots: Vec<Lot>,
}

/// An entry with its postings, at most [`MAX_POSTINGS`](crate::MAX_POSTINGS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeEntry {
    /// The entry.
    pub entry: BookedEntry,
    /// Its postings, in order.
    pub postings: Vec<BookedPosting>,
}

/// In which order entries are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were booked.
    OldestFirst,
    /// The newest ones first.
    NewestFirst,
}

/// What is asked of the list of entries.
#[derive(Clone, Debug)]
pub struct EntryQuery {
    /// Which entries.
    pub filter: EntryFilter,
    /// What is known.
    pub known: AsOf,
    /// In which order.
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<Sequence>,
    /// How many at most, up to [`MAX_PAGE_ENTRIES`].
    pub limit: i64,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPage {
    /// The newest entry that is known; the next page is asked for as of it.
    pub sequence: Sequence,
    /// The entries.
    pub entries: Vec<BookedEntry>,
    /// Where the next page goes on, if there may be one. A page that has fewer entries than it could may be followed by
    /// another: see [`MAX_EXAMINED_ENTRIES`](crate::MAX_EXAMINED_ENTRIES).
    pub next: Option<Sequence>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = entries)]
struct Row {
    sequence: i64,
    entry_key: Uuid,
    booked_at: DateTime<Utc>,
    effective_date: NaiveDate,
    kind: String,
    description: Option<String>,
    subject: Option<Uuid>,
    metadata: Option<serde_json::Value>,
}

impl Ledger {
    /// One entry with its postings.
    ///
    /// # Errors
    /// [`Error::UnknownEntry`] when there is none of that name.
    pub async fn entry(&self, name: EntryName) -> Result<WholeEntry, Error> {
        let book = self.book.number();
        let mut connection = self.database.connection().await?;
        let entries = entries::table.filter(entries::book_id.eq(book)).select(Row::as_select());
        let found = match name {
            EntryName::Key(key) => entries.filter(entries::entry_key.eq(key.uuid())).first(&mut connection).await,
            EntryName::Sequence(number) => {
                entries.filter(entries::sequence.eq(number.number())).first(&mut connection).await
            }
        };
        let row: Row = found.optional()?.ok_or_else(|| Error::UnknownEntry(name.to_string()))?;
        let rows: Vec<(i16, String, i32, i64, i64)> = postings::table
            .inner_join(
                accounts::table
                    .on(accounts::book_id.eq(postings::book_id).and(accounts::account.eq(postings::account))),
            )
            .filter(postings::book_id.eq(book))
            .filter(postings::sequence.eq(row.sequence))
            .order(postings::ordinal)
            .select((
                postings::ordinal,
                accounts::code,
                postings::commodity,
                postings::amount_minor,
                postings::balance_minor,
            ))
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, rows.iter().map(|row| row.2).collect()).await?;
        let commodities = rows.iter().map(|row| row.2).collect();
        let span = (row.sequence - 1, row.sequence);
        let mut lots = LotsOfPostings::read(&mut connection, self.book, &self.units, span, commodities).await?;
        drop(connection);
        let posting = |(ordinal, code, commodity, amount, balance): (i16, String, i32, i64, i64)| {
            let commodity = self.units.commodity(commodity)?;
            Ok(BookedPosting {
                ordinal,
                account: stored_code(&code)?,
                amount: Amount::from_minor(amount, commodity),
                balance: Amount::from_minor(balance, commodity),
                lots: lots.take(row.sequence, ordinal),
            })
        };
        let postings = rows.into_iter().map(posting).collect::<Result<Vec<_>, Error>>()?;
        let mut entries = self.with_reversals(vec![row]).await?;
        let entry = entries.pop().ok_or_else(|| Error::UnknownEntry(name.to_string()))?;
        Ok(WholeEntry { entry, postings })
    }

    /// A page of the entries that a filter lets through.
    ///
    /// # Errors
    /// [`Error::Filter`] for a filter that no index serves well enough; the errors of [`Ledger::balance`] for a moment
    /// of which nothing can be said.
    pub async fn entries(&self, query: EntryQuery) -> Result<EntryPage, Error> {
        query.filter.check()?;
        let known = self.cut(query.known.into()).await?.known;
        let limit = query.limit.clamp(1, MAX_PAGE_ENTRIES);
        let candidates = self.candidates(&query, known, limit).await?;
        let mut rows = self.let_through(&query, &candidates.sequences, limit + 1).await?;
        let is_full = i64::try_from(rows.len()).is_ok_and(|read| read > limit);
        if is_full {
            rows.pop();
        }
        let next = match (rows.as_slice().last(), candidates.sequences.last()) {
            (Some(last), _) if is_full => Some(last.sequence),
            (_, Some(&last)) if candidates.go_on => Some(last),
            _ => None,
        };
        let entries = self.with_reversals(rows).await?;
        Ok(EntryPage { sequence: Sequence::new(known), entries, next: next.map(Sequence::new) })
    }

    /// Of the candidates those that the whole filter lets through, in the order asked for.
    async fn let_through(&self, query: &EntryQuery, candidates: &[i64], limit: i64) -> Result<Vec<Row>, Error> {
        let book = self.book.number();
        let filter = &query.filter;
        let mut rows = entries::table
            .filter(entries::book_id.eq(book))
            .filter(entries::sequence.eq_any(candidates))
            .select(Row::as_select())
            .limit(limit)
            .into_boxed();
        if let Some(subject) = filter.subject {
            rows = rows.filter(entries::subject.eq(subject));
        }
        if let Some(kind) = &filter.kind {
            rows = rows.filter(entries::kind.eq(kind));
        }
        if let Some(from) = filter.effective.from {
            rows = rows.filter(entries::effective_date.ge(from));
        }
        if let Some(through) = filter.effective.through {
            rows = rows.filter(entries::effective_date.le(through));
        }
        if let Some(fact) = &filter.metadata {
            rows = rows.filter(entries::metadata.contains(fact.object()));
        }
        // Without a subject the candidates were found by their accounts.
        if let (Some(prefix), Some(_)) = (&filter.accounts, filter.subject) {
            let numbers = self.numbers_below(prefix).await?;
            let touching = postings::table
                .filter(postings::book_id.eq(book))
                .filter(postings::sequence.eq(entries::sequence))
                .filter(postings::account.eq_any(numbers));
            rows = rows.filter(diesel::dsl::exists(touching));
        }
        rows = match query.order {
            Order::OldestFirst => rows.order(entries::sequence.asc()),
            Order::NewestFirst => rows.order(entries::sequence.desc()),
        };
        let mut connection = self.database.connection().await?;
        Ok(rows.load(&mut connection).await?)
    }

    /// Adds which entries each one takes back or was taken back by.
    async fn with_reversals(&self, rows: Vec<Row>) -> Result<Vec<BookedEntry>, Error> {
        let sequences: Vec<i64> = rows.iter().map(|row| row.sequence).collect();
        let mut connection = self.database.connection().await?;
        let pairs: Vec<(i64, i64)> = reversals::table
            .filter(reversals::book_id.eq(self.book.number()))
            .filter(reversals::reverses.eq_any(&sequences).or(reversals::sequence.eq_any(&sequences)))
            .select((reversals::reverses, reversals::sequence))
            .load(&mut connection)
            .await?;
        let reversed_by: BTreeMap<i64, i64> = pairs.iter().copied().collect();
        let reverses: BTreeMap<i64, i64> = pairs.into_iter().map(|(reverses, sequence)| (sequence, reverses)).collect();
        let entry = |row: Row| BookedEntry {
            reverses: reverses.get(&row.sequence).copied().map(Sequence::new),
            reversed_by: reversed_by.get(&row.sequence).copied().map(Sequence::new),
            sequence: Sequence::new(row.sequence),
            entry: row.entry_key,
            booked_at: row.booked_at,
            effective_date: row.effective_date,
            kind: row.kind,
            description: row.description,
            subject: row.subject,
            metadata: row.metadata,
        };
        Ok(rows.into_iter().map(entry).collect())
    }
}
