//! Reading entries for exports: page by page, each whole, up to a fixed last entry.
//!
//! History up to a sequence never changes, so pages that are read one after the other show one consistent view without
//! a transaction that would hold the database back. A page comes as a few rows of arrays instead of a row a posting:
//! what a row costs between server and client is paid once a page. The next page is read while one is printed.
//!
//! What a grant does not show is replaced here, before any format sees it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::Export;
use super::page::{ChangeRow, EntryRow, Named, Page, PeriodChange, PostingRow};
use crate::lots::LotsOfPostings;
use crate::schema::{adjustments, hold_changes, period_changes, reversals};
use crate::{Error, MAX_POSTINGS};

/// Entries that a page has at most.
const MAX_PAGE_ENTRIES: i64 = 8_000;
/// Postings that are asked for at once; more than an entry can have, so that a page always advances.
const MAX_PAGE_POSTINGS: i64 = 40_000;

const _: () = assert!(MAX_PAGE_POSTINGS as usize > MAX_POSTINGS);

#[derive(QueryableByName)]
struct EntryColumns {
    #[diesel(sql_type = Array<BigInt>)]
    sequences: Vec<i64>,
    #[diesel(sql_type = Array<SqlUuid>)]
    keys: Vec<Uuid>,
    #[diesel(sql_type = Array<Timestamptz>)]
    booked: Vec<DateTime<Utc>>,
    #[diesel(sql_type = Array<Date>)]
    effective: Vec<NaiveDate>,
    #[diesel(sql_type = Array<Text>)]
    kinds: Vec<String>,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    descriptions: Vec<Option<String>>,
    #[diesel(sql_type = Array<Nullable<SqlUuid>>)]
    subjects: Vec<Option<Uuid>>,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    metadata: Vec<Option<String>>,
}

#[derive(QueryableByName)]
struct PostingColumns {
    #[diesel(sql_type = Array<BigInt>)]
    sequences: Vec<i64>,
    #[diesel(sql_type = Array<SmallInt>)]
    ordinals: Vec<i16>,
    #[diesel(sql_type = Array<BigInt>)]
    accounts: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    amounts: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    balances: Vec<i64>,
}

const ENTRIES: &str = "select
        coalesce(array_agg(sequence), '{}') as sequences,
        coalesce(array_agg(entry_key), '{}') as keys,
        coalesce(array_agg(booked_at), '{}') as booked,
        coalesce(array_agg(effective_date), '{}') as effective,
        coalesce(array_agg(kind), '{}') as kinds,
        coalesce(array_agg(description), '{}') as descriptions,
        coalesce(array_agg(subject), '{}') as subjects,
        coalesce(array_agg(metadata::text), '{}') as metadata
    from (
        select sequence, entry_key, booked_at, effective_date, kind, description, subject, metadata
        from ledger.entries
        where book_id = $1
          and sequence > $2
          and sequence <= $3
        order by sequence
    ) page";

const POSTINGS: &str = "select
        coalesce(array_agg(sequence), '{}') as sequences,
        coalesce(array_agg(ordinal), '{}') as ordinals,
        coalesce(array_agg(account), '{}') as accounts,
        coalesce(array_agg(amount_minor), '{}') as amounts,
        coalesce(array_agg(balance_minor), '{}') as balances
    from (
        select sequence, ordinal, account, amount_minor, balance_minor
        from ledger.postings
        where book_id = $1
          and sequence > $2
          and sequence <= $3
        order by sequence, ordinal
        limit $4
    ) page";

type HoldRow = (i64, i16, i64, Uuid, String, i64);
type PeriodRow = (i64, String, NaiveDate, Uuid, Option<Uuid>);

/// What only some entries have, by sequence.
struct Marks {
    reverses: HashMap<i64, i64>,
    approvers: HashMap<i64, [Uuid; 2]>,
    periods: HashMap<i64, PeriodChange>,
    changes: Vec<HoldRow>,
}

impl Export {
    /// The entries of the export, page after page; at least one page, if an empty one. Ends with the first error.
    pub(crate) fn pages(&self) -> impl Stream<Item = Result<Page, Error>> + Send + use<> {
        let export = self.clone();
        let (pages, received) = mpsc::channel(1);
        // Ends by itself when nobody receives any more.
        tokio::spawn(async move {
            let mut after = export.first - 1;
            loop {
                let page = export.page(after).await;
                let ended = page.as_ref().map_or(true, |page| page.is_last);
                after = page.as_ref().ok().and_then(|page| page.entries.last()).map_or(after, |entry| entry.sequence);
                if pages.send(page).await.is_err() || ended {
                    return;
                }
            }
        });
        stream::unfold(received, |mut received| async move { received.recv().await.map(|page| (page, received)) })
    }

    /// The entries after a sequence, as many as a page may have.
    async fn page(&self, after: i64) -> Result<Page, Error> {
        let mut to = self.last.min(after.saturating_add(MAX_PAGE_ENTRIES));
        if to <= after {
            return Ok(Page { is_last: true, ..Page::default() });
        }
        let mut connection = self.ledger.database.connection().await?;
        let connection = &mut connection;
        let mut postings: PostingColumns = diesel::sql_query(POSTINGS)
            .bind::<SmallInt, _>(self.ledger.book.number())
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(to)
            .bind::<BigInt, _>(MAX_PAGE_POSTINGS)
            .get_result(connection)
            .await?;
        if postings.sequences.len() == usize::try_from(MAX_PAGE_POSTINGS).unwrap_or(usize::MAX) {
            // The last entry may be cut in the middle: it is left to the next page.
            to = postings.sequences.last().map_or(to, |cut| cut - 1);
            postings.end_with(to);
        }
        let entries: EntryColumns = diesel::sql_query(ENTRIES)
            .bind::<SmallInt, _>(self.ledger.book.number())
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(to)
            .get_result(connection)
            .await?;
        if !(after + 1..=to).eq(entries.sequences.iter().copied()) {
            return Err(Error::Corrupt(format!("entries are missing between {} and {to}", after + 1)));
        }
        let marks = self.marks(connection, after, to).await?;
        let numbers = postings.accounts.iter().copied().chain(marks.changes.iter().map(|change| change.2));
        let accounts = self.directory.find(connection, numbers).await?;
        let commodities = accounts.values().map(|account| account.commodity.number()).collect();
        let ledger = &self.ledger;
        let lots = LotsOfPostings::read(connection, ledger.book, &ledger.units, (after, to), commodities).await?;
        self.assemble(entries, postings, (marks, lots), &accounts, to == self.last)
    }

    async fn marks(&self, connection: &mut AsyncPgConnection, after: i64, to: i64) -> Result<Marks, Error> {
        let book = self.ledger.book.number();
        let reverses: Vec<(i64, i64)> = reversals::table
            .filter(reversals::book_id.eq(book))
            .filter(reversals::sequence.gt(after))
            .filter(reversals::sequence.le(to))
            .select((reversals::sequence, reversals::reverses))
            .load(connection)
            .await?;
        let approvers: Vec<(i64, Uuid, Uuid)> = adjustments::table
            .filter(adjustments::book_id.eq(book))
            .filter(adjustments::sequence.gt(after))
            .filter(adjustments::sequence.le(to))
            .select((adjustments::sequence, adjustments::first_approver, adjustments::second_approver))
            .load(connection)
            .await?;
        let periods: Vec<PeriodRow> = period_changes::table
            .filter(period_changes::book_id.eq(book))
            .filter(period_changes::sequence.gt(after))
            .filter(period_changes::sequence.le(to))
            .select((
                period_changes::sequence,
                period_changes::change,
                period_changes::through,
                period_changes::first_approver,
                period_changes::second_approver,
            ))
            .load(connection)
            .await?;
        let changes: Vec<HoldRow> = hold_changes::table
            .filter(hold_changes::book_id.eq(book))
            .filter(hold_changes::sequence.gt(after))
            .filter(hold_changes::sequence.le(to))
            .order((hold_changes::sequence, hold_changes::ordinal))
            .select((
                hold_changes::sequence,
                hold_changes::ordinal,
                hold_changes::account,
                hold_changes::hold_id,
                hold_changes::change,
                hold_changes::amount_minor,
            ))
            .load(connection)
            .await?;
        let period = |(sequence, change, through, first_approver, second_approver)| {
            (sequence, PeriodChange { change, through, first_approver, second_approver })
        };
        Ok(Marks {
            reverses: reverses.into_iter().collect(),
            approvers: approvers.into_iter().map(|(sequence, first, second)| (sequence, [first, second])).collect(),
            periods: periods.into_iter().map(period).collect(),
            changes,
        })
    }

    fn assemble(
        &self,
        columns: EntryColumns,
        postings: PostingColumns,
        (mut marks, mut lots): (Marks, LotsOfPostings),
        accounts: &HashMap<i64, Arc<Named>>,
        is_last: bool,
    ) -> Result<Page, Error> {
        let named = |sequence: i64, number: i64| {
            let account = accounts.get(&number);
            account.map(Arc::clone).ok_or_else(|| Error::Corrupt(format!("entry {sequence} names account {number}")))
        };
        let mut page = Page { entries: Vec::with_capacity(columns.sequences.len()), is_last, ..Page::default() };
        let mut changes = std::mem::take(&mut marks.changes).into_iter().peekable();
        let mut next = 0;
        let texts = columns.kinds.into_iter().zip(columns.descriptions).zip(columns.metadata);
        for (place, ((kind, description), metadata)) in texts.enumerate() {
            let sequence = columns.sequences[place];
            let from = (page.postings.len(), page.changes.len());
            while postings.sequences.get(next) == Some(&sequence) {
                page.postings.push(PostingRow {
                    ordinal: postings.ordinals[next],
                    account: named(sequence, postings.accounts[next])?,
                    amount_minor: postings.amounts[next],
                    balance_minor: postings.balances[next],
                    lots: lots.take(sequence, postings.ordinals[next]),
                });
                next += 1;
            }
            while let Some((_, ordinal, account, hold, change, amount_minor)) = changes.next_if(|row| row.0 == sequence)
            {
                let account = named(sequence, account)?;
                page.changes.push(ChangeRow { ordinal, account, hold, change, amount_minor });
            }
            page.entries.push(EntryRow {
                sequence,
                key: columns.keys[place],
                booked_at: columns.booked[place],
                effective_date: columns.effective[place],
                kind,
                description,
                subject: columns.subjects[place].map(|subject| self.subjects.subject(subject)),
                metadata: metadata.filter(|_| self.subjects.shows_metadata()),
                reverses: marks.reverses.remove(&sequence),
                approvers: marks.approvers.remove(&sequence),
                period: marks.periods.remove(&sequence),
                postings: from.0..page.postings.len(),
                changes: from.1..page.changes.len(),
            });
        }
        Ok(page)
    }
}

impl PostingColumns {
    fn end_with(&mut self, last: i64) {
        let kept = self.sequences.partition_point(|sequence| *sequence <= last);
        self.sequences.truncate(kept);
    }
}
