//! Balances of the past: an account that takes part in every entry of a year, beside its balance now.
//!
//! The book is one of its own. Its clock goes through a year while it is filled, and some entries take effect on the
//! day before they are booked, so that a past date is more than a place in the order.

use std::time::{Duration, Instant};

use chrono::{NaiveDate, TimeDelta, Utc};
use ledger::{AccountCode, AsOf, BookId, Currency, Ledger, Moment, Sequence};
use platform::clock::Clock;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio_postgres::Client;

use crate::Result;
use crate::goals::Contender;
use crate::measure::{Meter, Sample, Tally};
use crate::posting::{FILL_UNITS, Posting};
use crate::server::{Base, Server};
use crate::workload::{Pattern, Transfers};

/// Not the first, whose length the other rows speak of.
const BOOK: BookId = BookId::new(2);
/// The days from the first entry to the last.
const DAYS: i64 = 364;
/// One in so many entries takes effect the day before it is booked.
const SHIFTED: u64 = 500;

/// The book.
pub struct Past<'a> {
    meter: &'a Meter,
    client: Client,
    posting: Posting,
    first_day: NaiveDate,
    head: i64,
}

impl<'a> Past<'a> {
    /// Books a year in which the first wallet has so many postings.
    pub async fn prepare(server: &Server, meter: &'a Meter, postings: u64, seed: u64) -> Result<Self> {
        let clock = Clock::fixed(Utc::now() - TimeDelta::days(DAYS + 1));
        let first_day = clock.today();
        let posting = Posting::open(server.database(Base::First)?, BOOK, clock.clone()).await?;
        posting.open_wallets().await?;
        let mut transfers = Transfers::new(Pattern::Hot, seed);
        let batches = postings.div_ceil(u64::try_from(FILL_UNITS)?);
        let step = TimeDelta::days(DAYS) / i32::try_from(batches.max(1))?;
        for batch in 0..batches {
            let first = batch * u64::try_from(FILL_UNITS)?;
            let last = postings.min(first + u64::try_from(FILL_UNITS)?);
            let units = (first..last).map(|number| {
                let today = clock.today();
                let day = if number % SHIFTED == 0 { today.pred_opt().unwrap_or(today) } else { today };
                posting.wallets().unit_effective(day, transfers.next())
            });
            posting.post_all(units.collect::<Result<_>>()?).await?;
            clock.advance(step);
        }
        server.settle(Base::First).await?;
        let head = posting.ledger().head().await?.number();
        Ok(Self { meter, client: server.connect().await?, posting, first_day, head })
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        self.posting.ledger()
    }

    /// Lets one caller ask for so long, and checks an answer against the sum of all postings that count.
    pub async fn run(&self, contender: Contender, length: Duration, seed: u64) -> Result<Sample> {
        let sample = self.meter.measure(self.ask(contender, length, seed)).await?;
        self.check(contender, seed).await?;
        Ok(sample)
    }

    async fn ask(&self, contender: Contender, length: Duration, seed: u64) -> Result<Tally> {
        let mut random = SmallRng::seed_from_u64(seed);
        let started = Instant::now();
        let mut done = 0;
        while started.elapsed() < length {
            self.balance(self.point(contender, &mut random)?.moment()).await?;
            done += 1;
        }
        Ok(Tally { done, elapsed: started.elapsed(), batches: None })
    }

    async fn balance(&self, moment: Moment) -> Result<i64> {
        Ok(self.ledger().balance(self.account(), Currency::EUR, moment).await?.minor())
    }

    fn account(&self) -> &AccountCode {
        &self.posting.wallets().codes()[0]
    }

    fn point(&self, contender: Contender, random: &mut SmallRng) -> Result<Point> {
        Ok(match contender {
            Contender::BalanceNow => Point::Now,
            Contender::BalanceAtDate => Point::Day(self.first_day + TimeDelta::days(random.random_range(0..DAYS))),
            Contender::BalanceAtSequence => Point::Sequence(random.random_range(1..=self.head)),
            other => return Err(format!("{other} does not ask for a balance").into()),
        })
    }

    async fn check(&self, contender: Contender, seed: u64) -> Result {
        let point = self.point(contender, &mut SmallRng::seed_from_u64(seed))?;
        let (sequence, day) = match point {
            Point::Now => (self.head, self.ledger().today()),
            Point::Day(day) => (self.head, day),
            Point::Sequence(sequence) => (sequence, self.ledger().today()),
        };
        // The normal side of a wallet is credit.
        let text = "select coalesce(-sum(p.amount_minor), 0)::int8
            from ledger.postings p
            inner join ledger.entries e using (book_id, sequence)
            inner join ledger.accounts a using (book_id, account)
            where p.book_id = $1
              and a.code = $2
              and p.sequence <= $3
              and e.effective_date <= $4";
        let code = self.account().as_str();
        let sum: i64 = self.client.query_one(text, &[&BOOK.number(), &code, &sequence, &day]).await?.get(0);
        let answer = self.balance(point.moment()).await?;
        if answer == sum {
            return Ok(());
        }
        Err(format!("{contender}: {point:?} was answered by {answer}, its postings say {sum}").into())
    }
}

/// What a balance is asked of.
#[derive(Clone, Copy, Debug)]
enum Point {
    Now,
    Day(NaiveDate),
    Sequence(i64),
}

impl Point {
    fn moment(self) -> Moment {
        match self {
            Self::Now => AsOf::Now.into(),
            Self::Day(day) => AsOf::Now.effective_by(day),
            Self::Sequence(sequence) => AsOf::Sequence(Sequence::new(sequence)).into(),
        }
    }
}
