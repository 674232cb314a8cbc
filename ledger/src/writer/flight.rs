//! One batch on its way to the database, on a task and a connection of its own.
//!
//! A batch is decided on top of the one before it, while that one may still be on its way. So its rows are inserted at
//! once, which nobody waits for, and its head and balances only when the batch before it is committed. When that one
//! fails, everything decided on top of it is taken back and decided again.
//!
//! # Locks
//! A flight that waits for its turn holds nothing but its own new rows, and nothing in this process waits for those: a
//! batch that repeats a key of a flight is not sent ahead. With a second process a circle is possible (its batch under
//! the lock meets rows that were sent ahead); the database ends it, and from then on everything goes under the lock.

use std::sync::Arc;

use diesel::result::Error as DieselError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::plan::Plan;
use super::store;
use super::submission::Replies;
use crate::unit_of_work::UnitOfWork;

/// How a flight ended that did not land.
#[derive(Debug)]
pub(super) enum Mishap {
    /// A look at what is booked is needed, or the batch before it was not written.
    NeedsCare,
    /// The database failed or refused.
    Failed(DieselError),
}

/// What a flight gives back.
pub(super) struct Landing {
    pub(super) connection: AsyncPgConnection,
    /// The replies are given when it landed, and handed back otherwise.
    pub(super) outcome: Result<(), (Mishap, Replies)>,
}

/// What a flight carries.
pub(super) struct Cargo {
    pub(super) units: Arc<Vec<UnitOfWork>>,
    pub(super) plan: Plan,
    pub(super) replies: Replies,
}

/// Writes the batch and answers its callers. `turn` tells when the batch before it is committed; none when it is
/// already. `done` tells the batch after it.
pub(super) async fn fly(
    mut connection: AsyncPgConnection,
    cargo: Cargo,
    turn: Option<oneshot::Receiver<()>>,
    done: oneshot::Sender<()>,
) -> Landing {
    let Cargo { units, plan, replies } = cargo;
    let written = write(&mut connection, &plan, &units, turn).await;
    match written {
        Ok(()) => {
            // Nobody may have been decided on top of it yet.
            let _ = done.send(());
            replies.give(plan.answers.into_iter().map(|answer| answer.map_err(Into::into)));
            Landing { connection, outcome: Ok(()) }
        }
        Err(mishap) => {
            drop(done);
            let _ = connection.batch_execute("rollback").await;
            Landing { connection, outcome: Err((mishap, replies)) }
        }
    }
}

async fn write(
    connection: &mut AsyncPgConnection,
    plan: &Plan,
    units: &[UnitOfWork],
    turn: Option<oneshot::Receiver<()>>,
) -> Result<(), Mishap> {
    match turn {
        None => {
            look_at_refused(connection, plan, units).await?;
            if plan.accepted.is_empty() {
                look_at_head(connection, plan).await?;
            } else {
                store::write_at_once(connection, plan, units).await?;
            }
        }
        Some(turn) => {
            connection.batch_execute("begin").await?;
            store::insert_rows(connection, plan, units).await?;
            turn.await.map_err(|_| Mishap::NeedsCare)?;
            // Not before its turn: a unit may repeat one of the batch before.
            look_at_refused(connection, plan, units).await?;
            store::finish_and_commit(connection, plan).await?;
        }
    }
    // What is booked is committed: a refusal that cannot be kept must not make it look otherwise.
    if !plan.refused.is_empty()
        && let Err(error) =
            store::record_refusals(connection, plan.before.book, plan.booked_at, units, &plan.refused).await
    {
        tracing::warn!(%error, refused = plan.refused.len(), "refusals were not kept");
    }
    Ok(())
}

/// A retry is answered by what it did, whatever the balance is since.
async fn look_at_refused(connection: &mut AsyncPgConnection, plan: &Plan, units: &[UnitOfWork]) -> Result<(), Mishap> {
    let keys: Vec<Uuid> = plan.refused.iter().map(|(index, _)| units[*index].key.uuid()).collect();
    if keys.is_empty() || store::find_booked(connection, plan.before.book, &keys).await?.is_empty() {
        return Ok(());
    }
    Err(Mishap::NeedsCare)
}

/// A batch that books nothing meets no lock that would tell that another process moved the head, after which what is
/// refused might be accepted.
async fn look_at_head(connection: &mut AsyncPgConnection, plan: &Plan) -> Result<(), Mishap> {
    if plan.refused.is_empty() {
        return Ok(());
    }
    let head = store::read_head(connection, plan.before.book).await?;
    if head.sequence == plan.before.sequence { Ok(()) } else { Err(Mishap::NeedsCare) }
}

impl From<DieselError> for Mishap {
    fn from(error: DieselError) -> Self {
        Self::Failed(error)
    }
}
