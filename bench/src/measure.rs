//! One run of one contender, with what it cost: processors, WAL, and what the backends waited for.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::Client;

use crate::Result;
use crate::machine::{self, ProcessorShare, ProcessorTimes};
use crate::quantity::{Hundredths, nanoseconds};

/// How often the backends are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a contender did.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// Transfers or commits that are durable.
    pub done: u64,
    /// From the first to the last.
    pub elapsed: Duration,
    /// Transactions that it took, where the contender counts them.
    pub batches: Option<u64>,
}

impl Tally {
    /// How many a second.
    pub fn rate(&self) -> u64 {
        let per_second = u128::from(self.done) * 1_000_000_000 / u128::from(nanoseconds(self.elapsed).max(1));
        u64::try_from(per_second).unwrap_or(u64::MAX)
    }
}

/// Looks at the backends, summed: how many were doing what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    looks: u64,
    running: u64,
    wal: u64,
    row_locks: u64,
    other: u64,
    most: u64,
}

impl Waits {
    /// Backends that ran, or could have if a processor had been free, on average.
    pub fn running(&self) -> Hundredths {
        Hundredths::ratio(self.running, self.looks)
    }

    /// Backends that wrote the WAL out or waited for it, on average.
    pub fn wal(&self) -> Hundredths {
        Hundredths::ratio(self.wal, self.looks)
    }

    /// Backends that waited for a row, on average.
    pub fn row_locks(&self) -> Hundredths {
        Hundredths::ratio(self.row_locks, self.looks)
    }

    /// Backends that waited for anything else, on average.
    pub fn other(&self) -> Hundredths {
        Hundredths::ratio(self.other, self.looks)
    }

    /// The most backends that were seen at work at once.
    pub const fn most(&self) -> u64 {
        self.most
    }
}

/// A run and its cost.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub tally: Tally,
    pub processors: ProcessorShare,
    pub waits: Waits,
    pub wal_bytes: u64,
    pub memory: MemoryUse,
}

/// Our memory in a run.
#[derive(Clone, Copy, Debug)]
pub struct MemoryUse {
    /// What we had before.
    pub before_kib: u64,
    /// The most that we had; of the whole process where a peak cannot be forgotten.
    pub peak_kib: u64,
}

/// Measures runs, over a connection of its own.
pub struct Meter {
    client: Arc<Client>,
    postmaster: Option<u32>,
    server: Option<u32>,
}

impl Meter {
    pub fn new(client: Client, postmaster: Option<u32>) -> Self {
        Self { client: Arc::new(client), postmaster, server: None }
    }

    /// The same meter, for which the processor time of a server of the house is ours.
    pub fn with_server(&self, server: u32) -> Self {
        Self { client: Arc::clone(&self.client), postmaster: self.postmaster, server: Some(server) }
    }

    pub async fn measure(&self, run: impl Future<Output = Result<Tally>>) -> Result<Sample> {
        let wal_before = self.wal_position().await?;
        let before_kib = machine::resident_kib();
        // Where it cannot be forgotten, the growth that is printed is too large, never too small.
        let _ = machine::forget_peak();
        let before = ProcessorTimes::read(self.postmaster, self.server);
        let over = Arc::new(AtomicBool::new(false));
        let looking = tokio::spawn(look(Arc::clone(&self.client), Arc::clone(&over)));
        let tally = run.await;
        let processors = ProcessorTimes::read(self.postmaster, self.server).since(&before);
        let memory = MemoryUse { before_kib, peak_kib: machine::peak_kib() };
        over.store(true, Ordering::Relaxed);
        let waits = looking.await??;
        let wal_bytes = self.wal_position().await?.saturating_sub(wal_before);
        Ok(Sample { tally: tally?, processors, waits, wal_bytes, memory })
    }

    async fn wal_position(&self) -> Result<u64> {
        let text = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
        Ok(u64::try_from(self.client.query_one(text, &[]).await?.get::<_, i64>(0))?)
    }
}

async fn look(client: Arc<Client>, over: Arc<AtomicBool>) -> std::result::Result<Waits, tokio_postgres::Error> {
    const TEXT: &str = "select count(*) filter (where wait_event is null),
            count(*) filter (where wait_event in ('WALSync', 'WALWrite')),
            count(*) filter (where wait_event_type = 'Lock'),
            count(*) filter (where wait_event not in ('WALSync', 'WALWrite', 'ClientRead') and wait_event_type <> 'Lock')
        from pg_stat_activity
        where backend_type = 'client backend'
          and state = 'active'
          and pid <> pg_backend_pid()";
    let statement = client.prepare(TEXT).await?;
    let mut waits = Waits::default();
    while !over.load(Ordering::Relaxed) {
        let row = client.query_one(&statement, &[]).await?;
        let count = |column: usize| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
        waits.looks += 1;
        waits.running += count(0);
        waits.wal += count(1);
        waits.row_locks += count(2);
        waits.other += count(3);
        waits.most = waits.most.max((0..4).map(count).sum());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(waits)
}
