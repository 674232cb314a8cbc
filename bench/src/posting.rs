//! The contender: callers who post through the ledger's own API and wait for each answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ledger::{BookId, BookSettings, Chart, Ledger, WriterTask};
use platform::clock::Clock;
use platform::database::Database;

use crate::Result;
use crate::measure::Tally;
use crate::workload::{CHART, Pattern, Transfers, Wallets};

/// Units that are handed in at once while the book is filled; nobody measures that.
const FILL_UNITS: usize = 2_000;

/// A ledger, and those who post.
pub struct Posting {
    ledger: Ledger,
    _writer: WriterTask,
    wallets: Arc<Wallets>,
    batches: Arc<AtomicU64>,
}

impl Posting {
    /// Opens the first book.
    pub async fn open(database: Database) -> Result<Self> {
        let batches = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&batches);
        let settings = BookSettings {
            book: BookId::FIRST,
            name: "bench".to_owned(),
            chart: Chart::from_toml(CHART)?,
            clock: Clock::system(),
            observer: Some(Arc::new(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
            })),
        };
        let (ledger, writer) = Ledger::open(database, settings).await?;
        Ok(Self { ledger, _writer: writer, wallets: Arc::new(Wallets::try_new()?), batches })
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Gives the wallets their money and books uniform transfers until the book has so many entries.
    pub async fn fill(&self, entries: u64, seed: u64) -> Result {
        self.post_all(self.wallets.opening_units(&self.ledger)?).await?;
        let mut transfers = Transfers::new(Pattern::Uniform, seed);
        let mut missing = entries.saturating_sub(u64::try_from(self.wallets.codes().len())?);
        while missing > 0 {
            let count = FILL_UNITS.min(usize::try_from(missing)?);
            let units = (0..count).map(|_| self.wallets.unit(&self.ledger, transfers.next()));
            self.post_all(units.collect::<Result<_>>()?).await?;
            missing -= u64::try_from(count)?;
        }
        Ok(())
    }

    async fn post_all(&self, units: Vec<ledger::UnitOfWork>) -> Result {
        for answer in self.ledger.post_all(units).await? {
            answer?;
        }
        Ok(())
    }

    /// Lets so many callers post for so long, each one transfer after the other.
    pub async fn run(&self, callers: u64, pattern: Pattern, length: Duration, seed: u64) -> Result<Tally> {
        let batches_before = self.batches.load(Ordering::Relaxed);
        let started = Instant::now();
        let callers: Vec<_> = (0..callers)
            .map(|caller| {
                let transfers = Transfers::new(pattern, seed << 16 | caller);
                tokio::spawn(call(self.ledger.clone(), Arc::clone(&self.wallets), transfers, started + length))
            })
            .collect();
        let mut done = 0;
        for caller in callers {
            done += caller.await??;
        }
        let elapsed = started.elapsed();
        Ok(Tally { done, elapsed, batches: Some(self.batches.load(Ordering::Relaxed) - batches_before) })
    }
}

async fn call(ledger: Ledger, wallets: Arc<Wallets>, mut transfers: Transfers, deadline: Instant) -> Result<u64> {
    let mut done = 0;
    while Instant::now() < deadline {
        ledger.post(wallets.unit(&ledger, transfers.next())?).await?;
        done += 1;
    }
    Ok(done)
}
