//! The statement of a period, page by page in both directions.
//!
//! A period is one of sequences, of days of booking, or of effective days. The first two are read in the order of the
//! book; the last in that of effective dates, with balances that run in that order. A page belongs to what was known
//! after one entry, so that what is booked meanwhile never moves a line; the next page asks for the same.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::filter::InvalidFilter;
use super::lines::{Bounds, EffectiveBounds, Line, Toward};
use super::moment::{AsOf, Cut, FIRST_DAY, LAST_DAY, start_of};
use crate::schema::postings;
use crate::statement::{MAX_STATEMENT_LINES, StatementLine};
use crate::{AccountCode, Amount, Balance, Commodity, Error, Ledger, Sequence};

/// Which lines a statement has. Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// All.
    Whole,
    /// Those of entries from one to another.
    Sequences(Sequence, Sequence),
    /// What was booked from one day to another, in UTC.
    Booked(NaiveDate, NaiveDate),
    /// What took effect from one day to another.
    Effective(NaiveDate, NaiveDate),
}

/// The place of a line in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the line took effect.
    pub effective_date: NaiveDate,
    /// The entry's place in the book.
    pub sequence: Sequence,
    /// The posting's place in the entry.
    pub ordinal: i16,
}

impl From<&StatementLine> for Place {
    fn from(line: &StatementLine) -> Self {
        Self { effective_date: line.effective_date, sequence: line.sequence, ordinal: line.ordinal }
    }
}

/// Which page of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The oldest lines.
    First,
    /// What follows a line.
    After(Place),
    /// What stands before a line.
    Before(Place),
    /// The newest lines.
    Last,
}

/// What is asked of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementQuery {
    /// Which lines.
    pub period: Period,
    /// What is known.
    pub known: AsOf,
    /// Which page of them.
    pub page: Page,
    /// How many lines at most, up to [`MAX_STATEMENT_LINES`].
    pub limit: i64,
}

/// A page of the statement of a period. Amounts are on the account's normal side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodStatement {
    /// The newest entry that is known; the other pages are asked for as of it.
    pub sequence: Sequence,
    /// The balance at the beginning of the period.
    pub opening: Amount,
    /// The balance at the end of the period.
    pub closing: Amount,
    /// The balance before the first line of the page.
    pub before: Amount,
    /// The lines of the page, oldest first.
    pub lines: Vec<StatementLine>,
    /// The balance after the last line of the page.
    pub after: Amount,
    /// The line before which there are more, if there are.
    pub older: Option<Place>,
    /// The line after which there are more, if there are.
    pub newer: Option<Place>,
}

/// The period, fixed to entries or days.
enum Extent {
    InBook { after: i64, through: i64 },
    ByEffectiveDate { from: NaiveDate, through: NaiveDate },
}

impl Ledger {
    /// A page of an account's statement over a period.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when nothing was ever booked on it; [`Error::Filter`] for a period that ends before it
    /// begins; the errors of [`Ledger::balance`] for one of which nothing can be said.
    pub async fn statement_of(
        &self,
        code: &AccountCode,
        commodity: impl Into<Commodity>,
        query: StatementQuery,
    ) -> Result<PeriodStatement, Error> {
        let commodity = commodity.into();
        let account = self.account(code, commodity).await?;
        let known = self.cut(query.known.into()).await?.known;
        let (extent, opening, closing) = self.extent(query.period, known).await?;
        let opening = self.balance_within(code, commodity, opening).await?;
        let closing = self.balance_within(code, commodity, closing).await?;
        let limit = query.limit.clamp(1, MAX_STATEMENT_LINES);
        let (toward, place) = query.page.start();
        let mut lines = match extent {
            Extent::InBook { after, through } => {
                let bounds = Bounds { after, through, place: (place.sequence.number(), place.ordinal) };
                self.lines(account.number, bounds, toward, limit + 1).await?
            }
            Extent::ByEffectiveDate { from, through } => {
                let bounds = EffectiveBounds { known, from, through, place };
                self.lines_by_effective_date(account.number, bounds, toward, limit + 1).await?
            }
        };
        let more = i64::try_from(lines.len()).is_ok_and(|read| read > limit);
        if more {
            lines.pop();
        }
        if toward == Toward::Older {
            lines.reverse();
        }
        let before = match (lines.as_slice().first(), &extent) {
            (Some(first), Extent::InBook { .. }) => first.balance_minor - first.amount_minor,
            (Some(first), Extent::ByEffectiveDate { .. }) => {
                self.balance_before(code, commodity, account.number, first, known).await?
            }
            (None, _) if toward == Toward::Newer && query.page != Page::First => closing,
            (None, _) => opening,
        };
        let mut running = before;
        let line = |line: Line| {
            running = plus(running, line.amount_minor)?;
            Ok(StatementLine::of(code, commodity, line, running))
        };
        let lines = lines.into_iter().map(line).collect::<Result<Vec<_>, Error>>()?;
        let side =
            |debit_positive_minor| Balance { account: code.clone(), commodity, debit_positive_minor }.on_normal_side();
        let (has_older, has_newer) = match query.page {
            Page::First => (false, more),
            Page::After(_) => (true, more),
            Page::Before(_) => (more, true),
            Page::Last => (more, false),
        };
        Ok(PeriodStatement {
            sequence: Sequence::new(known),
            opening: side(opening),
            closing: side(closing),
            before: side(before),
            older: lines.as_slice().first().filter(|_| has_older).map(Place::from),
            newer: lines.as_slice().last().filter(|_| has_newer).map(Place::from),
            lines,
            after: side(running),
        })
    }

    /// The period with the moments at which it begins and ends.
    async fn extent(&self, period: Period, known: i64) -> Result<(Extent, Cut, Cut), Error> {
        let in_book = |after, through| (Extent::InBook { after, through }, Cut::after(after), Cut::after(through));
        match period {
            Period::Whole => Ok(in_book(0, known)),
            Period::Sequences(first, last) => {
                let (first, last) = (first.number(), last.number());
                if first > last || first < 1 {
                    return Err(InvalidFilter::Backwards { from: first.to_string(), through: last.to_string() }.into());
                }
                if last > known {
                    return Err(Error::SequenceAhead { head: known, asked: last });
                }
                Ok(in_book(first - 1, last))
            }
            Period::Booked(from, through) => {
                forwards(from, through)?;
                if from > self.today() {
                    return Err(Error::NotYet { now: self.now(), asked: start_of(from) });
                }
                match self.booked_within(known, from, through).await? {
                    (_, 0) => Err(Error::BeforeHistory { asked: start_of(through) }),
                    (after, through) => Ok(in_book(after, through)),
                }
            }
            Period::Effective(from, through) => {
                forwards(from, through)?;
                let (from, through) = (from.clamp(FIRST_DAY, LAST_DAY), through.clamp(FIRST_DAY, LAST_DAY));
                let closing = self.cut(AsOf::Sequence(Sequence::new(known)).effective_by(through)).await?;
                let opening = self.cut_before(known, from, 0).await?;
                Ok((Extent::ByEffectiveDate { from, through }, opening, closing))
            }
        }
    }

    /// The balance before a line in the order of effective dates: that before its entry, and what the postings of the
    /// entry that stand before it change.
    async fn balance_before(
        &self,
        code: &AccountCode,
        commodity: Commodity,
        account: i64,
        line: &Line,
        known: i64,
    ) -> Result<i64, Error> {
        let cut = self.cut_before(known, line.effective_date, line.sequence).await?;
        let before_entry = self.balance_within(code, commodity, cut).await?;
        let mut connection = self.database.connection().await?;
        let amounts: Vec<i64> = postings::table
            .filter(postings::book_id.eq(self.book.number()))
            .filter(postings::account.eq(account))
            .filter(postings::sequence.eq(line.sequence))
            .filter(postings::ordinal.lt(line.ordinal))
            .select(postings::amount_minor)
            .load(&mut connection)
            .await?;
        amounts.into_iter().try_fold(before_entry, plus)
    }
}

impl Page {
    fn start(self) -> (Toward, Place) {
        const BEGINNING: Place = Place { effective_date: FIRST_DAY, sequence: Sequence::new(0), ordinal: 0 };
        const END: Place = Place { effective_date: LAST_DAY, sequence: Sequence::new(i64::MAX), ordinal: i16::MAX };
        match self {
            Self::First => (Toward::Newer, BEGINNING),
            Self::After(place) => (Toward::Newer, place),
            Self::Before(place) => (Toward::Older, place),
            Self::Last => (Toward::Older, END),
        }
    }
}

fn forwards(from: NaiveDate, through: NaiveDate) -> Result<(), InvalidFilter> {
    if from <= through {
        Ok(())
    } else {
        Err(InvalidFilter::Backwards { from: from.to_string(), through: through.to_string() })
    }
}

fn plus(balance: i64, amount: i64) -> Result<i64, Error> {
    balance.checked_add(amount).ok_or_else(|| Error::Corrupt(format!("a balance beyond 64 bits: {balance} + {amount}")))
}
