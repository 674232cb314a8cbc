//! The entries that a page of a list looks at: found along one index, in order, so many and no more.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;

use super::entries::{EntryQuery, Order};
use super::filter::{
    Dates, EntryFilter, InvalidFilter, MAX_EXAMINED_ENTRIES, MAX_FILTERED_ACCOUNTS, MAX_METADATA_MATCHES, MetadataFact,
};
use super::moment::{FIRST_DAY, LAST_DAY, start_of};
use super::tree::AccountPrefix;
use crate::schema::entries;
use crate::{Error, Ledger, Sequence};

/// What a page looks at.
pub(super) struct Candidates {
    /// The entries, in the order that is asked for.
    pub(super) sequences: Vec<i64>,
    /// Whether there may be more behind them.
    pub(super) go_on: bool,
}

/// Entries after one and up to another, in an order.
#[derive(Clone, Copy)]
struct Span {
    after: i64,
    through: i64,
    order: Order,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
}

impl Ledger {
    pub(super) async fn candidates(&self, query: &EntryQuery, known: i64, limit: i64) -> Result<Candidates, Error> {
        let filter = &query.filter;
        let (after, through) = self.booked_between(filter.booked, known).await?;
        let mut span = Span { after, through, order: query.order };
        if let Some(cursor) = query.after.map(Sequence::number) {
            match query.order {
                Order::OldestFirst => span.after = cursor.clamp(after, through.max(after)),
                Order::NewestFirst => span.through = cursor.saturating_sub(1).clamp(after, through.max(after)),
            }
        }
        // One more than the page holds tells whether it goes on.
        let count = if filter.is_answered_by_one_index() { limit + 1 } else { MAX_EXAMINED_ENTRIES };
        let sequences = if filter.subject.is_some() {
            self.about(filter, span, count).await?
        } else if let Some(prefix) = &filter.accounts {
            self.touching(prefix, span, count).await?
        } else if let Some(fact) = &filter.metadata {
            self.stating(fact, span, count).await?
        } else if filter.effective.are_open() {
            span.first(count)
        } else {
            self.effective_on(filter.effective, known, span, count).await?
        };
        let go_on = i64::try_from(sequences.len()) == Ok(count);
        Ok(Candidates { sequences, go_on })
    }

    /// The entries after which and up to which those of the dates were booked.
    async fn booked_between(&self, dates: Dates, known: i64) -> Result<(i64, i64), Error> {
        if let Some(from) = dates.from
            && from > self.today()
        {
            return Err(Error::NotYet { now: self.now(), asked: start_of(from) });
        }
        let (after, through) = self.span_of(dates, known).await?;
        match dates.through {
            Some(day) if through == 0 => Err(Error::BeforeHistory { asked: start_of(day) }),
            _ => Ok((after, through)),
        }
    }

    async fn span_of(&self, dates: Dates, known: i64) -> Result<(i64, i64), Error> {
        let (from, through) = (dates.from.unwrap_or(FIRST_DAY), dates.through.unwrap_or(LAST_DAY));
        self.booked_within(known, from, through).await
    }

    async fn about(&self, filter: &EntryFilter, span: Span, count: i64) -> Result<Vec<i64>, Error> {
        let found = entries::table
            .filter(entries::book_id.eq(self.book.number()))
            .filter(entries::subject.eq(filter.subject))
            .filter(entries::sequence.gt(span.after))
            .filter(entries::sequence.le(span.through))
            .select(entries::sequence)
            .limit(count);
        let mut connection = self.database.connection().await?;
        Ok(match span.order {
            Order::OldestFirst => found.order(entries::sequence.asc()).load(&mut connection).await?,
            Order::NewestFirst => found.order(entries::sequence.desc()).load(&mut connection).await?,
        })
    }

    async fn touching(&self, prefix: &AccountPrefix, span: Span, count: i64) -> Result<Vec<i64>, Error> {
        let numbers = self.numbers_below(prefix).await?;
        self.sequences_touching(&numbers, (span.after, span.through), span.order, count).await
    }

    /// The first entries, after one and up to another, with postings on these accounts. Each account's postings are read
    /// along their index; an entry may have several on one account.
    pub(crate) async fn sequences_touching(
        &self,
        numbers: &[i64],
        (after, through): (i64, i64),
        order: Order,
        count: i64,
    ) -> Result<Vec<i64>, Error> {
        let order = order.word();
        // Diesel has no lateral join.
        let text = format!(
            "select distinct touching.sequence
            from unnest($1) number
            cross join lateral (
                select distinct p.sequence
                from ledger.postings p
                where p.book_id = $2
                  and p.account = number
                  and p.sequence > $3
                  and p.sequence <= $4
                order by p.sequence {order}
                limit $5
            ) touching
            order by touching.sequence {order}
            limit $5"
        );
        let mut connection = self.database.connection().await?;
        let found: Vec<Found> = diesel::sql_query(text)
            .bind::<Array<BigInt>, _>(numbers)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(through)
            .bind::<BigInt, _>(count)
            .load(&mut connection)
            .await?;
        Ok(found.into_iter().map(|found| found.sequence).collect())
    }

    /// The numbers of the accounts with this code or below it.
    pub(super) async fn numbers_below(&self, prefix: &AccountPrefix) -> Result<Vec<i64>, Error> {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            account: i64,
        }
        // Diesel has no collations.
        const TEXT: &str = "select account
            from ledger.accounts
            where book_id = $1
              and (code collate \"C\" = $2 or (code collate \"C\" >= $3 and code collate \"C\" < $4))
            limit $5";
        let (from, to) = prefix.below();
        let mut connection = self.database.connection().await?;
        let numbers: Vec<Number> = diesel::sql_query(TEXT)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<Text, _>(prefix.as_str())
            .bind::<Text, _>(from)
            .bind::<Text, _>(to)
            .bind::<BigInt, _>(MAX_FILTERED_ACCOUNTS + 1)
            .load(&mut connection)
            .await?;
        match i64::try_from(numbers.len()) {
            Ok(0) => Err(InvalidFilter::NoSuchAccounts { prefix: prefix.clone() }.into()),
            Ok(count) if count <= MAX_FILTERED_ACCOUNTS => Ok(numbers.into_iter().map(|row| row.account).collect()),
            _ => Err(InvalidFilter::TooManyAccounts { prefix: prefix.clone() }.into()),
        }
    }

    /// The index of metadata knows no order, so all that it finds is read, within bounds.
    async fn stating(&self, fact: &MetadataFact, span: Span, count: i64) -> Result<Vec<i64>, Error> {
        let mut connection = self.database.connection().await?;
        let found: Vec<i64> = entries::table
            .filter(entries::book_id.eq(self.book.number()))
            .filter(entries::metadata.contains(fact.object()))
            .filter(entries::sequence.gt(span.after))
            .filter(entries::sequence.le(span.through))
            .select(entries::sequence)
            .limit(MAX_METADATA_MATCHES + 1)
            .load(&mut connection)
            .await?;
        if i64::try_from(found.len()).is_ok_and(|found| found > MAX_METADATA_MATCHES) {
            return Err(InvalidFilter::TooManyMatches.into());
        }
        Ok(span.order.first_of(found.into_iter().collect(), count))
    }

    /// Ordinary entries of those days stand together in the book; the shifted ones are found by their index.
    async fn effective_on(&self, dates: Dates, known: i64, span: Span, count: i64) -> Result<Vec<i64>, Error> {
        let (after, through) = self.span_of(dates, known).await?;
        let ordinary = Span { after: span.after.max(after), through: span.through.min(through), ..span };
        let text = format!(
            "select e.sequence
            from ledger.shifted(daterange($4, $5, '[]')) e
            where e.book_id = $1
              and e.sequence > $2
              and e.sequence <= $3
              and e.effective_date between coalesce($4, '-infinity') and coalesce($5, 'infinity')
            order by e.sequence {}
            limit $6",
            span.order.word()
        );
        let mut connection = self.database.connection().await?;
        let shifted: Vec<Found> = diesel::sql_query(text)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(span.after)
            .bind::<BigInt, _>(span.through)
            .bind::<Nullable<Date>, _>(dates.from)
            .bind::<Nullable<Date>, _>(dates.through)
            .bind::<BigInt, _>(count)
            .load(&mut connection)
            .await?;
        let shifted = shifted.into_iter().map(|found| found.sequence);
        Ok(span.order.first_of(ordinary.first(count).into_iter().chain(shifted).collect(), count))
    }
}

impl Span {
    /// Sequences have no gaps, so the first entries of a span are known without a look.
    fn first(self, count: i64) -> Vec<i64> {
        match self.order {
            Order::OldestFirst => (self.after + 1..=self.through.min(self.after + count)).collect(),
            Order::NewestFirst => (self.after.max(self.through - count) + 1..=self.through).rev().collect(),
        }
    }
}

impl Order {
    const fn word(self) -> &'static str {
        match self {
            Self::OldestFirst => "asc",
            Self::NewestFirst => "desc",
        }
    }

    fn first_of(self, sequences: BTreeSet<i64>, count: i64) -> Vec<i64> {
        let count = usize::try_from(count).unwrap_or(0);
        match self {
            Self::OldestFirst => sequences.into_iter().take(count).collect(),
            Self::NewestFirst => sequences.into_iter().rev().take(count).collect(),
        }
    }
}
