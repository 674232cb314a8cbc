//! Messages to the outside: written in the transaction that caused them, delivered at least once by a worker.

use std::future::Future;
use std::pin::Pin;
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

/// Messages that one worker takes at once.
const BATCH: i64 = 20;
/// Attempts before a message is left for a person: with the pauses below, about three days.
const MAX_ATTEMPTS: i32 = 18;
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
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

/// A delivery in progress.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Brings messages of a topic to the outside.
pub trait Deliver: Send + Sync {
    /// Delivers one message. The id stays the same over all attempts, so that a receiver can tell a repeat. The
    /// reason of a failure is kept with the message and must hold no personal data.
    fn deliver<'a>(&'a self, id: Uuid, topic: &'a str, payload: &'a serde_json::Value) -> Delivery<'a>;
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

    /// Delivers until `stop` is done.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let pause = match self.deliver_due().await {
                Ok(0) => IDLE,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be read");
                    IDLE * 4
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Delivers one batch of what is due; answers how many messages were tried.
    ///
    /// # Errors
    /// When the database cannot be reached; a failed delivery is no error.
    pub async fn deliver_due(&self) -> Result<usize, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let due: Vec<(Uuid, String, Vec<u8>, i32)> = outbox::table
                    .filter(outbox::delivered_at.is_null())
                    .filter(outbox::dead_at.is_null())
                    .filter(outbox::due_at.le(Utc::now()))
                    .order(outbox::due_at)
                    .limit(BATCH)
                    .select((outbox::message_id, outbox::topic, outbox::sealed_payload, outbox::attempts))
                    .for_update()
                    .skip_locked()
                    .load(connection)
                    .await?;
                for (id, topic, sealed, attempts) in &due {
                    let delivered = self.deliver(*id, topic, sealed).await;
                    record(connection, *id, attempts + 1, delivered).await?;
                }
                Ok(due.len())
            })
            .await
    }

    async fn deliver(&self, id: Uuid, topic: &str, sealed: &[u8]) -> Result<(), String> {
        let clear = self.cipher.decrypt(topic, sealed).map_err(|error| error.to_string())?;
        let payload = serde_json::from_str(&clear).map_err(|_| "the payload is no JSON".to_owned())?;
        self.deliver.deliver(id, topic, &payload).await
    }
}

async fn record(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    attempts: i32,
    delivered: Result<(), String>,
) -> Result<(), Error> {
    let message = diesel::update(outbox::table.find(id));
    let now = Utc::now();
    match delivered {
        Ok(()) => {
            message.set((outbox::attempts.eq(attempts), outbox::delivered_at.eq(now))).execute(connection).await?;
        }
        Err(reason) if attempts >= MAX_ATTEMPTS => {
            tracing::error!(message = %id, reason, "a message was given up");
            message
                .set((outbox::attempts.eq(attempts), outbox::dead_at.eq(now), outbox::last_error.eq(reason)))
                .execute(connection)
                .await?;
        }
        Err(reason) => {
            let due_at = now + pause_after(attempts);
            message
                .set((outbox::attempts.eq(attempts), outbox::due_at.eq(due_at), outbox::last_error.eq(reason)))
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
