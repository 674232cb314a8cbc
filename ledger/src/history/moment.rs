//! Moments: which entries count.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Timestamptz};
use diesel_async::RunQueryDsl;

use super::filter::Dates;
use crate::schema::books;
use crate::{Error, Ledger, Sequence};

/// How long a read waits at most for the database to come as far as it asks.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// How long it waits between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);
/// Days beyond which nothing is looked for: the database's times and ours do not reach equally far.
pub(super) const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).expect("a date");
pub(super) const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date");

diesel::define_sql_function! {
    #[sql_name = "ledger.last_booked_before"]
    fn last_booked_before(book: SmallInt, instant: Nullable<Timestamptz>, newest: BigInt) -> BigInt;
}

/// What is known: everything up to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// After the newest entry.
    Now,
    /// After the entry of that sequence.
    Sequence(Sequence),
    /// After the last entry that was booked at that time or before. A batch that is being written has its time already,
    /// so a time of the last moments may gain entries still; the sequence that an answer names is what stays.
    BookedBy(DateTime<Utc>),
}

/// The moment that is asked for: what is known, and of that perhaps only what had taken effect by a day.
///
/// ```
/// # use ledger::{AsOf, Moment, Sequence};
/// // What the auditors saw in March of the year before, from the entries booked until then.
/// let year_end = "2025-12-31".parse()?;
/// let moment: Moment = AsOf::BookedBy("2026-03-15T00:00:00Z".parse()?).effective_by(year_end);
/// # let _ = moment;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub(crate) known: AsOf,
    pub(crate) effective_by: Option<NaiveDate>,
}

impl AsOf {
    /// Of what is known, only what had taken effect by the end of that day.
    #[must_use]
    pub const fn effective_by(self, day: NaiveDate) -> Moment {
        Moment { known: self, effective_by: Some(day) }
    }
}

impl From<AsOf> for Moment {
    fn from(known: AsOf) -> Self {
        Self { known, effective_by: None }
    }
}

/// A moment fixed to sequences: entries up to `base` count, but for those that cross the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The newest entry that is known.
    pub(crate) known: i64,
    /// The last entry that counts when nothing is shifted.
    pub(crate) base: i64,
    /// By which day entries must have taken effect.
    pub(crate) day: Option<NaiveDate>,
    /// On that day itself, up to which sequence.
    pub(crate) on_day: i64,
}

impl Cut {
    /// Nothing at all.
    pub(crate) const NOTHING: Self = Self::after(0);

    /// Everything up to an entry.
    pub(crate) const fn after(sequence: i64) -> Self {
        Self { known: sequence, base: sequence, day: None, on_day: i64::MAX }
    }
}

/// The day, or the nearest that the database knows.
pub(crate) fn within_calendar(day: NaiveDate) -> NaiveDate {
    day.clamp(FIRST_DAY, LAST_DAY)
}

/// The first instant after a day.
pub(crate) fn end_of(day: NaiveDate) -> DateTime<Utc> {
    let next = within_calendar(day).succ_opt().unwrap_or(LAST_DAY);
    start_of(next)
}

/// The first instant of a day.
pub(super) fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl Ledger {
    /// Fixes a moment to sequences, in one look at the book.
    pub(crate) async fn cut(&self, moment: Moment) -> Result<Cut, Error> {
        let book = self.book.number();
        // The database counts in microseconds.
        let known_before = match moment.known {
            AsOf::BookedBy(time) => Some(self.past(time)? + TimeDelta::microseconds(1)),
            AsOf::Now | AsOf::Sequence(_) => None,
        };
        let day = moment.effective_by.map(within_calendar);
        let effective_before = day.map(end_of);
        let mut connection = self.database.connection().await?;
        let (head, known, base): (i64, i64, i64) = books::table
            .filter(books::book_id.eq(book))
            .select((
                books::last_sequence,
                last_booked_before(book, known_before, books::last_sequence),
                last_booked_before(book, effective_before, books::last_sequence),
            ))
            .first(&mut connection)
            .await?;
        drop(connection);
        let known = match moment.known {
            AsOf::Now => head,
            AsOf::Sequence(sequence) => within(sequence, head)?,
            AsOf::BookedBy(asked) if known == 0 => return Err(Error::BeforeHistory { asked }),
            AsOf::BookedBy(_) => known,
        };
        let cut = Cut { known, base: base.min(known), day, on_day: i64::MAX };
        match day {
            Some(day) if cut.base == 0 && !self.crosses(cut).await? => Err(Error::NothingEffective { day, known }),
            _ => Ok(cut),
        }
    }

    /// What had taken effect before an entry of a day: all of the days before, and of the day itself what comes before
    /// the entry in the book.
    pub(crate) async fn cut_before(&self, known: i64, day: NaiveDate, sequence: i64) -> Result<Cut, Error> {
        let (before, through) = self.booked_within(known, day, day).await?;
        let on_day = sequence - 1;
        Ok(Cut { known, base: on_day.clamp(before, through), day: Some(day), on_day })
    }

    /// The last entries, up to one, that were booked before a day and by the end of another one.
    pub(crate) async fn booked_within(
        &self,
        known: i64,
        from: NaiveDate,
        through: NaiveDate,
    ) -> Result<(i64, i64), Error> {
        let book = self.book.number();
        let start = start_of(within_calendar(from));
        let mut connection = self.database.connection().await?;
        Ok(diesel::select((
            last_booked_before(book, Some(start), known),
            last_booked_before(book, Some(end_of(through)), known),
        ))
        .get_result(&mut connection)
        .await?)
    }

    /// The entries that were booked on those days, by UTC, as far as the book has come: those after the first sequence,
    /// up to the second.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn booked_in(&self, dates: Dates) -> Result<(Sequence, Sequence), Error> {
        let head = self.head().await?.number();
        let (from, through) = (dates.from.unwrap_or(FIRST_DAY), dates.through.unwrap_or(LAST_DAY));
        let (after, through) = self.booked_within(head, from, through).await?;
        Ok((Sequence::new(after), Sequence::new(through.max(after))))
    }

    async fn crosses(&self, cut: Cut) -> Result<bool, Error> {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            found: bool,
        }
        // Diesel has no functions that answer rows.
        const TEXT: &str = "select exists (select from ledger.crossing($1, $2, $3, $4, $5)) as found";
        let mut connection = self.database.connection().await?;
        let found: Found = diesel::sql_query(TEXT)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<BigInt, _>(cut.base)
            .bind::<BigInt, _>(cut.known)
            .bind::<Nullable<diesel::sql_types::Date>, _>(cut.day)
            .bind::<BigInt, _>(cut.on_day)
            .get_result(&mut connection)
            .await?;
        Ok(found.found)
    }

    fn past(&self, time: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
        let now = self.now();
        if time > now { Err(Error::NotYet { now, asked: time }) } else { Ok(time.max(DateTime::UNIX_EPOCH)) }
    }

    /// Waits until the database that is read has come as far as an entry: a replica follows after a moment. Then
    /// everything up to the entry can be read; so one reads one's own write.
    ///
    /// # Errors
    /// [`Error::Behind`] when it does not come so far within `patience`, of which 5 seconds count at most.
    pub async fn at_least(&self, sequence: Sequence, patience: Duration) -> Result<(), Error> {
        let until = tokio::time::Instant::now() + patience.min(MAX_WAIT);
        loop {
            let head = self.head().await?;
            if head >= sequence {
                return Ok(());
            }
            if tokio::time::Instant::now() + BETWEEN_LOOKS > until {
                return Err(Error::Behind { head: head.number(), asked: sequence.number() });
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

fn within(asked: Sequence, head: i64) -> Result<i64, Error> {
    let asked = asked.number();
    if (0..=head).contains(&asked) { Ok(asked) } else { Err(Error::SequenceAhead { head, asked }) }
}
