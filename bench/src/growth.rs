//! The rate in a book that grows, beside the rate in one that stays small.
//!
//! Both begin as copies of one book with 100,000 postings, in databases of their own. The one grows from stage to stage
//! through the ledger; the small one is copied anew for each run, because a run of some seconds makes it several times
//! as long. Before each run there is a checkpoint, and then every wallet takes part in one transfer that does not count:
//! so both writers are warm, and the full pages that PostgreSQL writes once after a checkpoint, of which a long book has
//! more, are no part of a run that is much shorter than the time between two checkpoints.

use std::time::Duration;

use ledger::{BookId, Ledger};
use platform::clock::Clock;

use crate::Result;
use crate::book_check::{BookCheck, BookTables};
use crate::goals::{Contender, SMALL_BOOK};
use crate::measure::{Meter, Sample};
use crate::posting::{CALLERS, Posting};
use crate::server::{Base, Server};
use crate::workload::Pattern;

/// Postings of an entry.
const POSTINGS_EACH: u64 = 2;

/// The book that grows.
pub struct Growth<'a> {
    server: &'a Server,
    meter: &'a Meter,
    grown: Posting,
}

impl<'a> Growth<'a> {
    /// Fills the small book and makes the one that grows from it.
    pub async fn prepare(server: &'a Server, meter: &'a Meter, seed: u64) -> Result<Self> {
        server.renew(Base::Seed).await?;
        let small = open(server, Base::Seed).await?;
        small.fill(SMALL_BOOK / POSTINGS_EACH, seed).await?;
        small.close().await;
        server.settle(Base::Seed).await?;
        server.copy(Base::Seed, Base::Grown).await?;
        let grown = open(server, Base::Grown).await?;
        Ok(Self { server, meter, grown })
    }

    /// Lets the book grow to so many postings.
    pub async fn grow(&self, postings: u64, seed: u64) -> Result {
        self.grown.fill(postings / POSTINGS_EACH, seed).await?;
        self.server.settle(Base::Grown).await
    }

    /// The book.
    pub fn ledger(&self) -> &Ledger {
        self.grown.ledger()
    }

    /// Lets callers post, and checks what they left.
    pub async fn run(&self, contender: Contender, length: Duration, seed: u64) -> Result<Sample> {
        match contender {
            Contender::GrownBook(_) => self.post(Base::Grown, &self.grown, length, seed).await,
            Contender::SmallBook(_) => {
                self.server.copy(Base::Seed, Base::Small).await?;
                let small = open(self.server, Base::Small).await?;
                let sample = self.post(Base::Small, &small, length, seed).await;
                small.close().await;
                sample
            }
            other => Err(format!("{other} does not grow").into()),
        }
    }

    async fn post(&self, base: Base, posting: &Posting, length: Duration, seed: u64) -> Result<Sample> {
        let client = self.server.connect_to(base).await?;
        client.batch_execute("checkpoint").await?;
        posting.touch_all().await?;
        let mut book = BookCheck::begin(&client, BookTables::of_ledger()).await?;
        let sample = self.meter.measure(posting.run(CALLERS, Pattern::Uniform, length, seed)).await?;
        book.check(&client, sample.tally.done).await?;
        Ok(sample)
    }
}

async fn open(server: &Server, base: Base) -> Result<Posting> {
    Posting::open(server.database(base)?, BookId::FIRST, Clock::system()).await
}
