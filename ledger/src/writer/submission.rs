//! The way into the writer's queue, and the way back to those who wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::careful::Purpose;
use super::{MAX_QUEUED_UNITS, RETRY_AFTER_SECONDS};
use crate::unit_of_work::{PostError, Receipt, UnitOfWork};

type Answer = Result<Receipt, PostError>;

/// The way into the writer's queue.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::UnboundedSender<Submission>,
    room: Arc<Semaphore>,
}

/// Units that were handed in together.
pub(super) struct Submission {
    pub(super) units: Vec<UnitOfWork>,
    pub(super) purpose: Purpose,
    answer: oneshot::Sender<Vec<Answer>>,
    room: OwnedSemaphorePermit,
}

impl Queue {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Submission>) {
        let (sender, submissions) = mpsc::unbounded_channel();
        (Self { sender, room: Arc::new(Semaphore::new(MAX_QUEUED_UNITS)) }, submissions)
    }

    pub(super) fn room(&self) -> Arc<Semaphore> {
        Arc::clone(&self.room)
    }

    /// Hands in units that are decided in order, each on its own; answers one by one.
    pub(crate) async fn submit(&self, units: Vec<UnitOfWork>, purpose: Purpose) -> Result<Vec<Answer>, PostError> {
        let busy = || PostError::Busy { retry_after_seconds: RETRY_AFTER_SECONDS };
        let count = u32::try_from(units.len()).map_err(|_| busy())?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(count).map_err(|_| busy())?;
        let (answer, answered) = oneshot::channel();
        let gone = || PostError::Unavailable("the ledger is shutting down".to_owned());
        self.sender.send(Submission { units, purpose, answer, room }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    /// Units that wait or are being written.
    pub(crate) fn length(&self) -> usize {
        MAX_QUEUED_UNITS - self.room.available_permits()
    }
}

/// Units of several submissions as one batch, and who waits for them.
pub(super) struct Batch {
    pub(super) units: Arc<Vec<UnitOfWork>>,
    pub(super) purpose: Purpose,
    pub(super) replies: Replies,
}

impl Batch {
    pub(super) fn of(submissions: Vec<Submission>, purpose: Purpose) -> Self {
        let mut units = Vec::with_capacity(submissions.iter().map(|submission| submission.units.len()).sum());
        let mut waiting = Vec::with_capacity(submissions.len());
        for mut submission in submissions {
            waiting.push((submission.units.len(), submission.answer, submission.room));
            units.append(&mut submission.units);
        }
        Self { units: Arc::new(units), purpose, replies: Replies(waiting) }
    }
}

/// Those who wait for a batch, each for how many units; their room in the queue is free once they are answered.
pub(super) struct Replies(Vec<(usize, oneshot::Sender<Vec<Answer>>, OwnedSemaphorePermit)>);

impl Replies {
    /// Gives the answers to the batch's units, in order, to those who wait for them.
    pub(super) fn give(self, mut answers: impl Iterator<Item = Answer>) {
        for (count, answer, room) in self.0 {
            let own = answers.by_ref().take(count).collect();
            drop(room);
            // A caller that went away needs no answer; its units are booked all the same.
            let _ = answer.send(own);
        }
    }
}
