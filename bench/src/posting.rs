//! The contender: callers who post through the ledger's own API, one transfer or several at a time, and wait for each
//! answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ledger::{BookId, BookSettings, Chart, Ledger, MAX_QUEUED_UNITS, UnitOfWork, WriterTask};
use platform::clock::Clock;
use platform::database::Database;

use crate::Result;
use crate::measure::Tally;
use crate::workload::{CHART, Pattern, Transfer, Transfers, Wallets};

/// Units that are handed in at once while the book is filled; nobody measures that.
pub const FILL_UNITS: usize = 2_000;
/// What makes the seed of the other half of a filling from that of the one.
const FILL_SEED: u64 = 1 << 40;
/// Callers who post at once, one transfer after the other.
pub const CALLERS: u64 = 256;
/// Callers who hand in several transfers at once.
const BATCH_CALLERS: usize = 32;

/// A ledger, and those who post.
pub struct Posting {
    ledger: Ledger,
    writer: WriterTask,
    wallets: Arc<Wallets>,
    batches: Arc<AtomicU64>,
}

impl Posting {
    /// Opens a book, making it if it is new.
    pub async fn open(database: Database, book: BookId, clock: Clock) -> Result<Self> {
        let batches = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&batches);
        let settings = BookSettings {
            book,
            name: format!("bench {}", book.number()),
            chart: Chart::from_toml(CHART)?,
            clock,
            observer: Some(Arc::new(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
            })),
        };
        let (ledger, writer) = Ledger::open(database, settings).await?;
        Ok(Self { ledger, writer, wallets: Arc::new(Wallets::try_new()?), batches })
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The accounts between which money moves.
    pub fn wallets(&self) -> &Wallets {
        &self.wallets
    }

    /// Lets go of the book.
    pub async fn close(self) {
        let Self { ledger, writer, .. } = self;
        drop(ledger);
        writer.finished().await;
    }

    /// Books uniform transfers until the book has so many entries; the wallets of a new one get their money first.
    pub async fn fill(&self, entries: u64, seed: u64) -> Result {
        let mut head = u64::try_from(self.ledger.head().await?.number())?;
        if head == 0 {
            self.open_wallets().await?;
            head = u64::try_from(self.wallets.codes().len())?;
        }
        let missing = entries.saturating_sub(head);
        // Two take turns: while the one's are written the other's are handed in.
        let half = missing / 2;
        tokio::try_join!(self.post_transfers(half, seed), self.post_transfers(missing - half, FILL_SEED ^ seed))?;
        Ok(())
    }

    async fn post_transfers(&self, mut missing: u64, seed: u64) -> Result {
        let mut transfers = Transfers::new(Pattern::Uniform, seed);
        while missing > 0 {
            let count = FILL_UNITS.min(usize::try_from(missing)?);
            let units = (0..count).map(|_| self.wallets.unit(&self.ledger, transfers.next()));
            self.post_all(units.collect::<Result<_>>()?).await?;
            missing -= u64::try_from(count)?;
        }
        Ok(())
    }

    /// Gives the wallets their money.
    pub async fn open_wallets(&self) -> Result {
        self.post_all(self.wallets.opening_units(&self.ledger)?).await
    }

    /// Books one transfer of every wallet, each with its neighbour.
    pub async fn touch_all(&self) -> Result {
        let places = (0..self.wallets.codes().len() - 1).step_by(2);
        let transfers = places.map(|place| Transfer { debit: place, credit: place + 1, cents: 1 });
        self.post_all(transfers.map(|transfer| self.wallets.unit(&self.ledger, transfer)).collect::<Result<_>>()?).await
    }

    /// Books all of these.
    pub async fn post_all(&self, units: Vec<UnitOfWork>) -> Result {
        for answer in self.ledger.post_all(units).await? {
            answer?;
        }
        Ok(())
    }

    /// Lets so many callers post for so long, each one transfer after the other.
    pub async fn run(&self, callers: u64, pattern: Pattern, length: Duration, seed: u64) -> Result<Tally> {
        let started = Instant::now();
        let deadline = started + length;
        self.tally(started, callers, |caller| {
            let transfers = Transfers::new(pattern, seed << 16 | caller);
            call(self.ledger.clone(), Arc::clone(&self.wallets), transfers, deadline)
        })
        .await
    }

    /// Lets callers post so many transfers at once for so long, any two wallets in each.
    pub async fn run_batches(&self, size: usize, length: Duration, seed: u64) -> Result<Tally> {
        let started = Instant::now();
        let deadline = started + length;
        self.tally(started, u64::try_from(batch_callers(size))?, |caller| {
            let transfers = Transfers::new(Pattern::Uniform, seed << 16 | caller);
            call_in_batches(self.ledger.clone(), Arc::clone(&self.wallets), transfers, size, deadline)
        })
        .await
    }

    async fn tally<Calls>(&self, started: Instant, callers: u64, call: impl Fn(u64) -> Calls) -> Result<Tally>
    where
        Calls: Future<Output = Result<u64>> + Send + 'static,
    {
        let batches_before = self.batches.load(Ordering::Relaxed);
        let callers: Vec<_> = (0..callers).map(|caller| tokio::spawn(call(caller))).collect();
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

async fn call_in_batches(
    ledger: Ledger,
    wallets: Arc<Wallets>,
    mut transfers: Transfers,
    size: usize,
    deadline: Instant,
) -> Result<u64> {
    let mut done = 0;
    while Instant::now() < deadline {
        let units = (0..size).map(|_| wallets.unit(&ledger, transfers.next())).collect::<Result<_>>()?;
        for answer in ledger.post_all(units).await? {
            answer?;
            done += 1;
        }
    }
    Ok(done)
}

/// How many callers hand in so many transfers at once: no more than the ledger's queue has room for.
pub fn batch_callers(size: usize) -> usize {
    BATCH_CALLERS.min(MAX_QUEUED_UNITS / size.max(1))
}
