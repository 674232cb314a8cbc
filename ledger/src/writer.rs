//! One writer a book, in batches.
//!
//! Callers hand in units of work and wait; a single task takes what has queued up, decides it in order in memory and
//! writes it as one transaction, while the next batch collects. There is no timer: an idle ledger answers at once, a
//! busy one shares the cost of a commit among all who wait.
//!
//! # Invariants
//! - The book's row is the only lock that matters: whoever moves the head owns the order. Two processes on one book
//!   are correct; each falls back to reading under the lock when the other one was first.
//! - A unit that is refused fails alone. A batch that fails as a whole is split until the culprit stands alone.
//! - After a lost connection the batch is tried again with the same keys, so nothing is booked twice and a caller only
//!   hears of it when the database stays away.

mod accounts;
mod attempt;
mod batch;
mod prepared;
mod store;

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use platform::clock::Clock;
use platform::database::Database;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::account::Chart;
use crate::unit_of_work::{PostError, Receipt, Refusal, UnitOfWork};
use crate::{BookId, Error};
use attempt::Memory;

/// Units that one transaction takes at most: beyond this a batch gains little and only makes the first wait.
pub const MAX_BATCH_UNITS: usize = 2_000;
/// Units that may wait or be written at once; past it callers are told to come back.
pub const MAX_QUEUED_UNITS: usize = 20_000;
/// How long a batch is tried again while the database does not answer.
const UNAVAILABLE_AFTER: Duration = Duration::from_secs(20);
/// When a caller who met a full queue ought to try again.
const RETRY_AFTER_SECONDS: u32 = 1;

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

/// The way into the writer's queue.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::UnboundedSender<Submission>,
    room: Arc<Semaphore>,
}

struct Submission {
    units: Vec<UnitOfWork>,
    answer: oneshot::Sender<Vec<Result<Receipt, PostError>>>,
    _room: OwnedSemaphorePermit,
}

impl Queue {
    /// Hands in units that are decided in order, each on its own; answers one by one.
    pub(crate) async fn submit(&self, units: Vec<UnitOfWork>) -> Result<Vec<Result<Receipt, PostError>>, PostError> {
        let busy = || PostError::Busy { retry_after_seconds: RETRY_AFTER_SECONDS };
        let count = u32::try_from(units.len()).map_err(|_| busy())?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(count).map_err(|_| busy())?;
        let (answer, answered) = oneshot::channel();
        let gone = || PostError::Unavailable("the ledger is shutting down".to_owned());
        self.sender.send(Submission { units, answer, _room: room }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    /// Units that wait or are being written.
    pub(crate) fn length(&self) -> usize {
        MAX_QUEUED_UNITS - self.room.available_permits()
    }
}

/// Starts the writer of a book; it ends when the last [`Queue`] is dropped and everything handed in is answered.
pub(crate) async fn start(
    database: Database,
    book: BookId,
    name: &str,
    chart: Chart,
    clock: Clock,
    observer: Option<Observer>,
) -> Result<(Queue, tokio::task::JoinHandle<()>), Error> {
    let mut connection = database.dedicated_connection().await?;
    store::ensure_book(&mut connection, book, name).await?;
    let head = store::read_head(&mut connection, book).await?;
    let memory = Memory { book, chart, head, accounts: accounts::Accounts::default() };
    let (sender, submissions) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(MAX_QUEUED_UNITS));
    let queue = Queue { sender, room: Arc::clone(&room) };
    let writer = Writer { database, connection: Some(connection), memory, clock, observer, room };
    Ok((queue, tokio::spawn(writer.run(submissions))))
}

struct Writer {
    database: Database,
    connection: Option<AsyncPgConnection>,
    memory: Memory,
    clock: Clock,
    observer: Option<Observer>,
    room: Arc<Semaphore>,
}

impl Writer {
    async fn run(mut self, mut submissions: mpsc::UnboundedReceiver<Submission>) {
        while let Some(first) = submissions.recv().await {
            let mut count = first.units.len();
            let mut batch = vec![first];
            while count < MAX_BATCH_UNITS
                && let Ok(next) = submissions.try_recv()
            {
                count += next.units.len();
                batch.push(next);
            }
            self.answer(batch, count).await;
        }
    }

    async fn answer(&mut self, batch: Vec<Submission>, count: usize) {
        let started = Instant::now();
        let units: Vec<&UnitOfWork> = batch.iter().flat_map(|submission| &submission.units).collect();
        let mut answers = Vec::with_capacity(count);
        // A batch larger than the bound is one large submission: written in parts, in order.
        for part in units.chunks(MAX_BATCH_UNITS) {
            answers.extend(self.write(part).await);
        }
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        let mut answers = answers.into_iter();
        for submission in batch {
            let own = answers.by_ref().take(submission.units.len()).collect();
            // A caller that went away needs no answer; its units are booked all the same.
            let _ = submission.answer.send(own);
        }
        let queued = MAX_QUEUED_UNITS - self.room.available_permits();
        let report = BatchReport { units: count, refused, queued, duration: started.elapsed() };
        tracing::debug!(units = count, refused, queued, "wrote a batch");
        if let Some(observer) = &self.observer {
            observer(report);
        }
    }

    /// Writes units as one batch, or, when the database refuses the batch, as smaller ones.
    async fn write(&mut self, units: &[&UnitOfWork]) -> Vec<Result<Receipt, PostError>> {
        let mut answers = Vec::with_capacity(units.len());
        let mut waiting = vec![units];
        while let Some(part) = waiting.pop() {
            match self.write_persistently(part).await {
                Ok(written) => answers.extend(written.into_iter().map(|answer| answer.map_err(PostError::from))),
                Err(Failure::Unavailable(reason)) => {
                    answers.extend(part.iter().map(|_| Err(PostError::Unavailable(reason.clone()))));
                }
                Err(Failure::Rejected(reason)) if part.len() == 1 => {
                    tracing::error!(reason, "the database rejected a unit of work");
                    answers.push(Err(PostError::Rejected(reason)));
                }
                Err(Failure::Rejected(_)) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    waiting.push(second);
                    waiting.push(first);
                }
            }
        }
        answers
    }

    /// Tries a batch until the database accepts or rejects it, through lost connections and lost races.
    async fn write_persistently(&mut self, units: &[&UnitOfWork]) -> Result<Vec<Result<Receipt, Refusal>>, Failure> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            let error = match self.connect().await {
                Ok(mut connection) => {
                    let written = self.memory.write(&mut connection, units, self.clock.now()).await;
                    match written {
                        Ok(answers) => {
                            self.connection = Some(connection);
                            return Ok(answers);
                        }
                        Err(error) => {
                            if !is_lost(&error) {
                                self.connection = Some(connection);
                            }
                            if is_final(&error) {
                                return Err(Failure::Rejected(error.to_string()));
                            }
                            error.to_string()
                        }
                    }
                }
                Err(error) => error.to_string(),
            };
            if started.elapsed() > UNAVAILABLE_AFTER {
                tracing::error!(error, units = units.len(), "gave up a batch: the database does not answer");
                return Err(Failure::Unavailable(error));
            }
            tracing::warn!(error, "a batch is tried again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn connect(&mut self) -> Result<AsyncPgConnection, Error> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Ok(self.database.dedicated_connection().await?),
        }
    }
}

/// Why a batch was not written.
enum Failure {
    /// The database said no to the data; nothing was booked.
    Rejected(String),
    /// The database did not answer; whether something was booked is unknown.
    Unavailable(String),
}

/// Whether the connection can't be used again.
fn is_lost(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
            | DieselError::BrokenTransactionManager
    ) || !matches!(error, DieselError::DatabaseError(..))
}

/// Whether trying the same again would fail the same way.
fn is_final(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => false,
            DatabaseErrorKind::Unknown => !passes(information.message()),
            _ => true,
        },
        DieselError::NotFound
        | DieselError::QueryBuilderError(_)
        | DieselError::DeserializationError(_)
        | DieselError::SerializationError(_) => true,
        _ => false,
    }
}

/// Failures that PostgreSQL has no other name for here and that pass by themselves.
fn passes(message: &str) -> bool {
    [
        "deadlock",
        "terminating connection",
        "shutting down",
        "starting up",
        "recovery mode",
        "timeout",
        "too many clients",
    ]
    .iter()
    .any(|cause| message.contains(cause))
}
