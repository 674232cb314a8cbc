//! Messages to the outside: written in the transaction that caused them, delivered at least once by a worker.
//!
//! # Phases of a delivery
//! 1. A short transaction claims the message: it counts the attempt and makes the message due again when the lease ends.
//! 2. It is delivered, with no transaction open and no connection held. A delivery that takes too long is given up.
//! 3. Its outcome is recorded.
//!
//! A worker that dies between 1 and 3 leaves a message that is due again after its lease. A delivery takes less than
//! the lease, so that no other worker takes the message up meanwhile.
//!
//! # When it fails
//! A passing failure is tried again after a pause that grows, for about three days. A lasting one, and the last passing
//! one, make it a dead letter: it is kept for a person, who can have it delivered again. See [`DeadLetter`].

mod dead_letters;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use uuid::Uuid;

use crate::Error;
use crate::cipher::Cipher;
use crate::database::Database;
use crate::schema::outbox;

pub use dead_letters::{DeadLetter, Redelivery, backlog, dead_letters, redeliver, return_to_sender};

/// How long a delivery may take.
const DELIVER_WITHIN: Duration = Duration::from_secs(20);
/// How long a claimed message is left to its worker: a delivery, its record, and much to spare.
const LEASE: Duration = Duration::from_secs(60);
/// Attempts before a message is left for a person: with the pauses below, about three days.
const MAX_ATTEMPTS: i32 = 18;
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// What is kept of a delivery that was given up.
const TOO_SLOW: &str = "no answer within 20 s";
/// How long an idle worker waits before it looks again.
const IDLE: Duration = Duration::from_millis(500);

/// A message that is not written yet.
#[derive(Debug, Insertable)]
#[diesel(table_name = outbox)]
pub struct Message {
    message_id: Uuid,
    topic: &'static str,
    sealed_payload: Vec<u8>,
}

impl Message {
    /// A message on a topic; the payload is sealed, since it may hold an address or a code.
    ///
    /// # Errors
    /// [`Error::Json`] when the payload is nothing that JSON can say.
    pub fn try_new(topic: &'static str, payload: &impl Serialize, cipher: &Cipher) -> Result<Self, Error> {
        let sealed_payload = cipher.encrypt(topic, &serde_json::to_string(payload)?);
        Ok(Self { message_id: Uuid::now_v7(), topic, sealed_payload })
    }
}

/// Writes messages in the caller's transaction.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue_in(connection: &mut AsyncPgConnection, messages: &[Message]) -> Result<(), Error> {
    diesel::insert_into(outbox::table).values(messages).execute(connection).await?;
    Ok(())
}

/// Why a message was not delivered. The reason is kept with the message and must hold no personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may go well another time.
    #[error("{0}")]
    Passing(String),
    /// It will never go well: trying again would be of no use.
    #[error("{0}")]
    Lasting(String),
}

impl Failure {
    /// It may go well another time.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self::Passing(reason.into())
    }

    /// It will never go well.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self::Lasting(reason.into())
    }
}

/// A delivery in progress.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// Brings messages of a topic to the outside.
pub trait Deliver: Send + Sync {
    /// Delivers one message. The id stays the same over all attempts, so that a receiver can tell a repeat.
    fn deliver<'a>(&'a self, id: Uuid, topic: &'a str, payload: &'a serde_json::Value) -> Delivery<'a>;
}

impl<D: Deliver> Deliver for Arc<D> {
    fn deliver<'a>(&'a self, id: Uuid, topic: &'a str, payload: &'a serde_json::Value) -> Delivery<'a> {
        D::deliver(self, id, topic, payload)
    }
}

/// Delivers what is due; any number of workers in any number of processes.
pub struct Worker<D> {
    database: Database,
    cipher: Cipher,
    deliver: D,
}

impl<D: Deliver> Worker<D> {
    /// A worker that has not begun.
    pub fn new(database: Database, cipher: Cipher, deliver: D) -> Self {
        Self { database, cipher, deliver }
    }

    /// Delivers until `stop` is done; a delivery that is under way then is brought to its end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let pause = match self.deliver_due().await {
                Ok(0) => IDLE,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be used");
                    IDLE * 4
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Delivers the message that is due longest, if one is; answers how many were tried.
    ///
    /// # Errors
    /// When the database cannot be reached; a failed delivery is no error.
    pub async fn deliver_due(&self) -> Result<usize, Error> {
        let Some(claimed) = claim(&mut *self.database.connection().await?).await? else { return Ok(0) };
        let delivered = if claimed.attempts > MAX_ATTEMPTS {
            // Its workers died of it, or with it: the last attempt was never recorded.
            Err(Failure::lasting("its delivery was cut off again and again"))
        } else {
            let delivery = self.deliver(&claimed);
            tokio::time::timeout(DELIVER_WITHIN, delivery).await.unwrap_or_else(|_| Err(Failure::passing(TOO_SLOW)))
        };
        record(&mut *self.database.connection().await?, &claimed, delivered).await?;
        Ok(1)
    }

    async fn deliver(&self, message: &Claimed) -> Result<(), Failure> {
        let Claimed { id, topic, sealed_payload, .. } = message;
        // The right key may come with the next start.
        let clear = self.cipher.decrypt(topic, sealed_payload).map_err(|error| Failure::passing(error.to_string()))?;
        let payload = serde_json::from_str(&clear).map_err(|_| Failure::lasting("the payload is no JSON"))?;
        self.deliver.deliver(*id, topic, &payload).await
    }
}

/// A message that is ours to deliver until the lease ends.
#[derive(Queryable)]
struct Claimed {
    id: Uuid,
    topic: String,
    sealed_payload: Vec<u8>,
    /// This one included.
    attempts: i32,
}

async fn claim(connection: &mut AsyncPgConnection) -> Result<Option<Claimed>, Error> {
    connection
        .transaction(async |connection| {
            let now = Utc::now();
            let due: Option<Uuid> = outbox::table
                .filter(outbox::delivered_at.is_null())
                .filter(outbox::dead_at.is_null())
                .filter(outbox::due_at.le(now))
                .order(outbox::due_at)
                .select(outbox::message_id)
                .for_update()
                .skip_locked()
                .first(connection)
                .await
                .optional()?;
            let Some(id) = due else { return Ok(None) };
            let claimed = diesel::update(outbox::table.find(id))
                .set((outbox::due_at.eq(now + LEASE), outbox::attempts.eq(outbox::attempts + 1)))
                .returning((outbox::message_id, outbox::topic, outbox::sealed_payload, outbox::attempts))
                .get_result(connection)
                .await?;
            Ok(Some(claimed))
        })
        .await
}

async fn record(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    delivered: Result<(), Failure>,
) -> Result<(), Error> {
    let open = outbox::table.find(claimed.id).filter(outbox::delivered_at.is_null()).filter(outbox::dead_at.is_null());
    // After the lease another worker may have begun: that we failed is then no longer of interest.
    let ours = open.filter(outbox::attempts.eq(claimed.attempts));
    let now = Utc::now();
    match delivered {
        Ok(()) => {
            diesel::update(open).set(outbox::delivered_at.eq(now)).execute(connection).await?;
        }
        Err(Failure::Passing(reason)) if claimed.attempts < MAX_ATTEMPTS => {
            let due_at = now + pause_after(claimed.attempts);
            tracing::info!(message_id = %claimed.id, topic = claimed.topic, reason, %due_at, "a delivery failed; it waits");
            diesel::update(ours)
                .set((outbox::due_at.eq(due_at), outbox::last_error.eq(reason)))
                .execute(connection)
                .await?;
        }
        Err(Failure::Passing(reason) | Failure::Lasting(reason)) => {
            tracing::warn!(message_id = %claimed.id, topic = claimed.topic, reason, "a message was given up");
            diesel::update(ours)
                .set((outbox::dead_at.eq(now), outbox::last_error.eq(reason)))
                .execute(connection)
                .await?;
        }
    }
    Ok(())
}

/// Doubles from a second on, up to [`LONGEST_PAUSE`], with up to a quarter more so that failures do not march in step.
fn pause_after(attempts: i32) -> chrono::Duration {
    let exponent = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let seconds = (1_u64 << exponent).min(LONGEST_PAUSE.as_secs());
    let jitter = rand::random_range(0..=seconds * 250);
    chrono::Duration::milliseconds(i64::try_from(seconds * 1_000 + jitter).unwrap_or(i64::MAX))
}
