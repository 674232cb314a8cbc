//! The lines of an account's statement: in the order of the book, or in that of effective dates.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{self, BigInt, Date, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::period::Place;
use crate::schema::{entries, postings};
use crate::{Error, Ledger};

/// A posting with its entry.
#[derive(Clone, Debug, Queryable, QueryableByName)]
pub(crate) struct Line {
    #[diesel(sql_type = BigInt)]
    pub(crate) sequence: i64,
    #[diesel(sql_type = SmallInt)]
    pub(crate) ordinal: i16,
    #[diesel(sql_type = sql_types::Uuid)]
    pub(crate) entry_key: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) booked_at: DateTime<Utc>,
    #[diesel(sql_type = Date)]
    pub(crate) effective_date: NaiveDate,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) description: Option<String>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub(crate) subject: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    pub(crate) amount_minor: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) balance_minor: i64,
}

/// In which direction one reads on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toward {
    /// To what comes later.
    Newer,
    /// To what came before.
    Older,
}

/// Which lines in the order of the book: of entries after one and up to another, from a place on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) after: i64,
    pub(crate) through: i64,
    /// Sequence and ordinal of the line from which one reads on; it is not read again.
    pub(crate) place: (i64, i16),
}

/// Which lines in the order of effective dates, as known after an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct EffectiveBounds {
    pub(super) known: i64,
    pub(super) from: NaiveDate,
    pub(super) through: NaiveDate,
    pub(super) place: Place,
}

impl Ledger {
    /// Lines in the order of the book, the nearest to the place first.
    pub(crate) async fn lines(
        &self,
        account: i64,
        bounds: Bounds,
        toward: Toward,
        limit: i64,
    ) -> Result<Vec<Line>, Error> {
        let (sequence, ordinal) = bounds.place;
        let lines = postings::table
            .inner_join(
                entries::table.on(entries::book_id.eq(postings::book_id).and(entries::sequence.eq(postings::sequence))),
            )
            .filter(postings::book_id.eq(self.book.number()))
            .filter(postings::account.eq(account))
            .filter(postings::sequence.gt(bounds.after))
            .filter(postings::sequence.le(bounds.through))
            .limit(limit)
            .select((
                postings::sequence,
                postings::ordinal,
                entries::entry_key,
                entries::booked_at,
                entries::effective_date,
                entries::kind,
                entries::description,
                entries::subject,
                postings::amount_minor,
                postings::balance_minor,
            ));
        let mut connection = self.database.connection().await?;
        Ok(match toward {
            Toward::Newer => {
                let from_place = postings::sequence.gt(sequence).or(postings::ordinal.gt(ordinal));
                lines
                    .filter(postings::sequence.ge(sequence))
                    .filter(from_place)
                    .order((postings::sequence, postings::ordinal))
                    .load(&mut connection)
                    .await?
            }
            Toward::Older => {
                let from_place = postings::sequence.lt(sequence).or(postings::ordinal.lt(ordinal));
                lines
                    .filter(postings::sequence.le(sequence))
                    .filter(from_place)
                    .order((postings::sequence.desc(), postings::ordinal.desc()))
                    .load(&mut connection)
                    .await?
            }
        })
    }

    /// Lines in the order of effective dates, the nearest to the place first: the ordinary ones, which keep the order of
    /// the book, and the shifted ones among them.
    pub(super) async fn lines_by_effective_date(
        &self,
        account: i64,
        bounds: EffectiveBounds,
        toward: Toward,
        limit: i64,
    ) -> Result<Vec<Line>, Error> {
        let EffectiveBounds { known, place, .. } = bounds;
        // What lies beyond the place is not looked at.
        let (from, through) = match toward {
            Toward::Newer => (bounds.from.max(place.effective_date), bounds.through),
            Toward::Older => (bounds.from, bounds.through.min(place.effective_date)),
        };
        let (mut after, mut up_to) = self.booked_within(known, from, through).await?;
        // Ordinary lines of the place's day stand within these; a shifted one may stand anywhere.
        let (first, last) = self.booked_within(known, place.effective_date, place.effective_date).await?;
        let sequence = place.sequence.number();
        match toward {
            Toward::Newer => after = after.max(sequence.saturating_sub(1).clamp(first, last)),
            Toward::Older => up_to = up_to.min(sequence.clamp(first, last)),
        }
        let mut connection = self.database.connection().await?;
        Ok(diesel::sql_query(by_effective_date(toward))
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(account)
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(up_to)
            .bind::<Date, _>(place.effective_date)
            .bind::<BigInt, _>(place.sequence.number())
            .bind::<SmallInt, _>(place.ordinal)
            .bind::<BigInt, _>(limit)
            .bind::<BigInt, _>(known)
            .bind::<Date, _>(from)
            .bind::<Date, _>(through)
            .load(&mut connection)
            .await?)
    }
}

/// Diesel has no comparison of rows and no lateral join.
fn by_effective_date(toward: Toward) -> String {
    const COLUMNS: &str = "p.sequence, p.ordinal, e.entry_key, e.booked_at, e.effective_date, e.kind, e.description,
        e.subject, p.amount_minor, p.balance_minor";
    let (beyond, order) = match toward {
        Toward::Newer => (">", "asc"),
        Toward::Older => ("<", "desc"),
    };
    format!(
        "(
            select {COLUMNS}
            from ledger.postings p
            join ledger.entries e on e.book_id = p.book_id and e.sequence = p.sequence
            where p.book_id = $1
              and p.account = $2
              and p.sequence > $3
              and p.sequence <= $4
              and e.effective_date = (e.booked_at at time zone 'UTC')::date
              and (e.effective_date, p.sequence, p.ordinal) {beyond} ($5, $6, $7)
            order by p.sequence {order}, p.ordinal {order}
            limit $8
        )
        union all
        (
            select {COLUMNS}
            from ledger.shifted(daterange($10, $11, '[]')) e
            cross join lateral (
                select p.sequence, p.ordinal, p.amount_minor, p.balance_minor
                from ledger.postings p
                where p.book_id = $1
                  and p.account = $2
                  and p.sequence = e.sequence
                offset 0
            ) p
            where e.book_id = $1
              and e.sequence <= $9
              and e.effective_date between $10 and $11
              and (e.effective_date, p.sequence, p.ordinal) {beyond} ($5, $6, $7)
            order by e.effective_date {order}, p.sequence {order}, p.ordinal {order}
            limit $8
        )
        order by effective_date {order}, sequence {order}, ordinal {order}
        limit $8"
    )
}
