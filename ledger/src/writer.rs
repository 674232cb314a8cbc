//! One writer a book, in batches.
//!
//! Callers hand in units of work and wait; a single task takes what has queued up, decides it in order in memory and
//! sends it as one transaction. While that one commits, the next batch is decided on top of it and its rows are on
//! their way over a second connection, and a third one collects. There is no timer: an idle ledger answers at once, a
//! busy one shares the cost of a commit among all who wait.
//!
//! A batch that needs more than the memory (new accounts, holds, effects, a reversal, a period) is written alone, under
//! the book's lock, and so is one whose memory turned out to be wrong.
//!
//! # Invariants
//! - The book's row is the only lock that matters: whoever moves the head owns the order. Two processes on one book
//!   are correct; each falls back to reading under the lock when the other one was first.
//! - A unit that is refused fails alone. A batch that fails as a whole is split until the culprit stands alone.
//! - After a lost connection the batch is tried again with the same keys, so nothing is booked twice and a caller only
//!   hears of it when the database stays away.

mod accounts;
mod batch;
mod careful;
mod flight;
mod holdings;
mod holds;
mod lots;
mod memory;
mod persistence;
mod plan;
mod prepared;
mod recent;
mod store;
mod submission;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use platform::clock::Clock;
use platform::database::Database;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::account::Chart;
use crate::unit_of_work::UnitOfWork;
use crate::units::Units;
use crate::{BookId, Error};
use batch::Booked;
use flight::{Cargo, Landing, fly};
use memory::Memory;
use persistence::is_lost;
use submission::{Batch, Replies, Submission};

pub(crate) use careful::Purpose;
pub(crate) use submission::Queue;

/// Units that one transaction takes at most: beyond this a batch gains little and only makes the first wait.
pub const MAX_BATCH_UNITS: usize = 2_000;
/// Units that may wait or be written at once; past it callers are told to come back.
pub const MAX_QUEUED_UNITS: usize = 20_000;
/// When a caller who met a full queue ought to try again.
const RETRY_AFTER_SECONDS: u32 = 1;
/// Batches that are on their way at once: one that commits and one whose rows are sent meanwhile.
const MAX_FLIGHTS: usize = 2;
/// Batches that are written under the lock after another process was seen to write the book: deciding ahead would be
/// in vain as long as it does.
const BATCHES_IN_COMPANY: u32 = 50;

/// What one batch was, for metrics and logs.
#[derive(Clone, Copy, Debug)]
pub struct BatchReport {
    /// Units that were written or refused.
    pub units: usize,
    /// Of these, refused.
    pub refused: usize,
    /// Units that waited when the batch was done.
    pub queued: usize,
    /// From taking the batch to its commit.
    pub duration: Duration,
}

/// Told of each batch, on the writer's own task: must be quick.
pub type Observer = Arc<dyn Fn(BatchReport) + Send + Sync>;

/// What a writer knows before it has read anything.
pub(crate) struct Beginning {
    pub(crate) chart: Chart,
    pub(crate) units: Units,
}

/// Starts the writer of a book; it ends when the last [`Queue`] is dropped and everything handed in is answered.
pub(crate) async fn start(
    database: Database,
    book: BookId,
    name: &str,
    beginning: Beginning,
    clock: Clock,
    observer: Option<Observer>,
) -> Result<(Queue, JoinHandle<()>), Error> {
    let mut connection = database.dedicated_connection().await?;
    store::ensure_book(&mut connection, book, name).await?;
    let head = store::read_head(&mut connection, book).await?;
    let Beginning { chart, units } = beginning;
    let memory =
        Memory { chart, units, head, accounts: accounts::Accounts::default(), recent: recent::Recent::default() };
    let (queue, submissions) = Queue::new();
    let room = queue.room();
    let writer = Writer {
        database,
        idle: vec![connection],
        flights: VecDeque::new(),
        in_flight: HashSet::new(),
        company: 0,
        memory,
        clock,
        observer,
        room,
    };
    Ok((queue, tokio::spawn(writer.run(submissions))))
}

struct Writer {
    database: Database,
    idle: Vec<AsyncPgConnection>,
    flights: VecDeque<Flight>,
    /// Keys that those flights book: a repeated one has to wait for what becomes of it.
    in_flight: HashSet<Uuid>,
    /// Batches that are still to be written under the lock because somebody else writes too.
    company: u32,
    memory: Memory,
    clock: Clock,
    observer: Option<Observer>,
    room: Arc<Semaphore>,
}

/// A batch on its way.
struct Flight {
    task: JoinHandle<Landing>,
    units: Arc<Vec<UnitOfWork>>,
    booked: Vec<(Uuid, Booked)>,
    refused: usize,
    started: Instant,
    /// Comes when it is committed; taken by the batch that is decided on top of it.
    committed: Option<oneshot::Receiver<()>>,
}

impl Writer {
    async fn run(mut self, mut submissions: mpsc::UnboundedReceiver<Submission>) {
        let mut next = None;
        let mut open = true;
        while open || !self.flights.is_empty() {
            let may_take = open && self.flights.len() < MAX_FLIGHTS;
            tokio::select! {
                biased;
                landing = landed(&mut self.flights), if !self.flights.is_empty() => self.landed(landing).await,
                first = receive(&mut next, &mut submissions), if may_take => match first {
                    Some(first) => {
                        let (batch, left) = collect(first, &mut submissions);
                        next = left;
                        self.take(batch).await;
                    }
                    None => open = false,
                },
            }
        }
    }

    /// Sends a batch on its way, or writes it with care when the memory does not suffice.
    async fn take(&mut self, batch: Batch) {
        let started = Instant::now();
        let is_simple = batch.purpose == Purpose::Book
            && self.company == 0
            && batch.units.len() <= MAX_BATCH_UNITS
            && self.memory.frontier_is_whole()
            && !self.repeats_what_is_on_its_way(&batch)
            && self.memory.suffices(&batch.units);
        let connection = if is_simple { self.connect().await.ok() } else { None };
        let Some(connection) = connection else {
            // What is on its way was decided before.
            while !self.flights.is_empty() {
                let landing = landed(&mut self.flights).await;
                self.landed(landing).await;
            }
            self.company = self.company.saturating_sub(1);
            if batch.purpose == Purpose::Forget {
                self.memory.accounts.forget_all();
            }
            self.answer(&batch.units, batch.purpose, batch.replies, started).await;
            return;
        };
        let plan = self.memory.plan(&batch.units, self.memory.booked_at(self.clock.now()));
        self.memory.take(&plan);
        let booked: Vec<(Uuid, Booked)> = plan.booked(&batch.units).collect();
        self.in_flight.extend(booked.iter().map(|(key, _)| *key));
        let refused = plan.refused.len();
        let turn = self.flights.back_mut().and_then(|before| before.committed.take()).and_then(still_awaited);
        let (done, committed) = oneshot::channel();
        let cargo = Cargo { units: Arc::clone(&batch.units), plan, replies: batch.replies };
        let task = tokio::spawn(fly(connection, cargo, turn, done));
        self.flights.push_back(Flight {
            task,
            units: batch.units,
            booked,
            refused,
            started,
            committed: Some(committed),
        });
    }

    fn repeats_what_is_on_its_way(&self, batch: &Batch) -> bool {
        !self.in_flight.is_empty() && batch.units.iter().any(|unit| self.in_flight.contains(&unit.key.uuid()))
    }

    /// The oldest flight came to its end; when it did not land, it and all that was decided on top of it are written
    /// again, with care.
    async fn landed(&mut self, (flight, landing): (Flight, Option<Landing>)) {
        let Some(Landing { connection, outcome }) = landing else {
            tracing::error!("a batch was lost on its way: its callers are not answered");
            for (key, _) in flight.booked {
                self.in_flight.remove(&key);
            }
            self.memory.accounts.forget_all();
            return;
        };
        let Err((mishap, replies)) = outcome else {
            self.idle.push(connection);
            for (key, booked) in flight.booked {
                self.in_flight.remove(&key);
                self.memory.recent.remember(key, booked);
            }
            self.report(flight.units.len(), flight.refused, flight.started);
            return;
        };
        tracing::debug!(?mishap, "a batch is written again, with care");
        if mishap.usable() {
            self.idle.push(connection);
        }
        if mishap.speaks_of_company() {
            self.company = BATCHES_IN_COMPANY;
        }
        let mut again = vec![(flight, replies)];
        while !self.flights.is_empty() {
            let (flight, landing) = landed(&mut self.flights).await;
            let Some(Landing { connection, outcome: Err((mishap, replies)) }) = landing else {
                tracing::error!("a batch was lost on its way: its callers are not answered");
                continue;
            };
            if mishap.usable() {
                self.idle.push(connection);
            }
            again.push((flight, replies));
        }
        // What was decided ahead is void; the head is read anew under the lock.
        self.in_flight.clear();
        self.memory.accounts.forget_all();
        for (flight, replies) in again {
            self.answer(&flight.units, Purpose::Book, replies, flight.started).await;
        }
    }

    /// Writes units with care, in parts where they are many, and answers.
    async fn answer(&mut self, units: &[UnitOfWork], purpose: Purpose, replies: Replies, started: Instant) {
        let mut answers = Vec::with_capacity(units.len());
        for part in units.chunks(MAX_BATCH_UNITS) {
            answers.extend(self.write(part, purpose).await);
        }
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        replies.give(answers.into_iter());
        self.report(units.len(), refused, started);
    }

    fn report(&self, units: usize, refused: usize, started: Instant) {
        let queued = MAX_QUEUED_UNITS - self.room.available_permits();
        let report = BatchReport { units, refused, queued, duration: started.elapsed() };
        tracing::debug!(units, refused, queued, "wrote a batch");
        if let Some(observer) = &self.observer {
            observer(report);
        }
    }

    async fn connect(&mut self) -> Result<AsyncPgConnection, Error> {
        match self.idle.pop() {
            Some(connection) => Ok(connection),
            None => Ok(self.database.dedicated_connection().await?),
        }
    }
}

/// The oldest flight, once it is at its end.
async fn landed(flights: &mut VecDeque<Flight>) -> (Flight, Option<Landing>) {
    let Some(oldest) = flights.front_mut() else { return std::future::pending().await };
    let landing = (&mut oldest.task).await;
    match flights.pop_front() {
        Some(flight) => (flight, landing.inspect_err(|error| tracing::error!(%error, "a flight ended badly")).ok()),
        None => std::future::pending().await,
    }
}

/// The submission that was left over, or the next that comes.
async fn receive(
    next: &mut Option<Submission>,
    submissions: &mut mpsc::UnboundedReceiver<Submission>,
) -> Option<Submission> {
    match next.take() {
        Some(next) => Some(next),
        None => submissions.recv().await,
    }
}

/// Takes what waits, as one batch: dry runs go alone. What does not fit any more is left over.
fn collect(first: Submission, submissions: &mut mpsc::UnboundedReceiver<Submission>) -> (Batch, Option<Submission>) {
    let purpose = first.purpose;
    let mut count = first.units.len();
    let mut taken = vec![first];
    while purpose == Purpose::Book
        && count < MAX_BATCH_UNITS
        && let Ok(next) = submissions.try_recv()
    {
        if next.purpose != purpose || count + next.units.len() > MAX_BATCH_UNITS {
            return (Batch::of(taken, purpose), Some(next));
        }
        count += next.units.len();
        taken.push(next);
    }
    (Batch::of(taken, purpose), None)
}

/// The signal, if it did not come yet.
fn still_awaited(mut signal: oneshot::Receiver<()>) -> Option<oneshot::Receiver<()>> {
    match signal.try_recv() {
        Ok(()) => None,
        Err(oneshot::error::TryRecvError::Empty) => Some(signal),
        // The batch before it failed. The signal is used up by having told so; one that nobody will send says it again.
        Err(oneshot::error::TryRecvError::Closed) => Some(oneshot::channel().1),
    }
}

impl flight::Mishap {
    /// Whether the connection can be used again.
    fn usable(&self) -> bool {
        match self {
            Self::NeedsCare => true,
            Self::Failed(error) => !is_lost(error),
        }
    }

    /// Whether it tells that somebody else writes the book: the head stood elsewhere, or a key or sequence was taken.
    fn speaks_of_company(&self) -> bool {
        match self {
            Self::Failed(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            Self::Failed(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, information)) => {
                information.constraint_name() == Some("entries_pkey")
            }
            // Two processes that both sent rows ahead can come to wait for one another.
            Self::Failed(DieselError::DatabaseError(_, information)) => {
                ["deadlock", "lock timeout"].iter().any(|cause| information.message().contains(cause))
            }
            Self::Failed(_) => false,
            Self::NeedsCare => false,
        }
    }
}
