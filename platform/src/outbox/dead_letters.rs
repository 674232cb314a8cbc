//! What was given up, or came back: listed without what it says, and delivered again when a person wants it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::Error;
use crate::schema::outbox;

/// A message that was given up. To whom it goes and what it says stays sealed.
#[derive(Clone, Debug, Queryable)]
pub struct DeadLetter {
    /// Which; it goes with the message.
    pub id: Uuid,
    /// By which way it was to go.
    pub topic: String,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was given up.
    pub dead_at: DateTime<Utc>,
}

/// Messages that were given up, the last one first; those after a place when one is given.
///
/// # Errors
/// When the database does not answer.
pub async fn dead_letters(
    connection: &mut AsyncPgConnection,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<DeadLetter>, Error> {
    let mut query = outbox::table
        .filter(outbox::dead_at.is_not_null())
        .order((outbox::dead_at.desc(), outbox::message_id.desc()))
        .limit(limit)
        .select((
            outbox::message_id,
            outbox::topic,
            outbox::last_error,
            outbox::attempts,
            outbox::created_at,
            outbox::dead_at.assume_not_null(),
        ))
        .into_boxed();
    if let Some((time, id)) = after {
        let at_once = outbox::dead_at.eq(time).and(outbox::message_id.lt(id));
        query = query.filter(outbox::dead_at.lt(time).or(at_once));
    }
    Ok(query.load(connection).await?)
}

/// What came of having a message delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redelivery {
    /// It is due now, with all its attempts before it.
    Due,
    /// It is not given up: it was delivered, or is being tried.
    NotDead,
    /// There is no such message.
    Unknown,
}

/// Has a message delivered again that was given up. Its id stays, so that who has it already can tell.
///
/// # Errors
/// When the database does not answer.
pub async fn redeliver(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Redelivery, Error> {
    let dead = outbox::table.find(id).filter(outbox::dead_at.is_not_null());
    let revived = diesel::update(dead)
        .set((outbox::dead_at.eq(None::<DateTime<Utc>>), outbox::due_at.eq(Utc::now()), outbox::attempts.eq(0)))
        .execute(connection)
        .await?;
    if revived > 0 {
        return Ok(Redelivery::Due);
    }
    Ok(if is_known(connection, id).await? { Redelivery::NotDead } else { Redelivery::Unknown })
}

/// Gives up a message that came back after it was handed over; one that is given up already stays as it is. Answers
/// whether there is such a message.
///
/// # Errors
/// When the database does not answer.
pub async fn return_to_sender(connection: &mut AsyncPgConnection, id: Uuid, reason: &str) -> Result<bool, Error> {
    let alive = outbox::table.find(id).filter(outbox::dead_at.is_null());
    let returned = diesel::update(alive)
        .set((
            outbox::delivered_at.eq(None::<DateTime<Utc>>),
            outbox::dead_at.eq(Utc::now()),
            outbox::last_error.eq(reason),
        ))
        .execute(connection)
        .await?;
    Ok(returned > 0 || is_known(connection, id).await?)
}

/// Messages that wait for their first or next attempt, and those that were given up.
///
/// # Errors
/// When the database does not answer.
pub async fn backlog(connection: &mut AsyncPgConnection) -> Result<(i64, i64), Error> {
    let open = outbox::table.filter(outbox::delivered_at.is_null()).filter(outbox::dead_at.is_null());
    let waiting = open.count().get_result(connection).await?;
    let dead = outbox::table.filter(outbox::dead_at.is_not_null()).count().get_result(connection).await?;
    Ok((waiting, dead))
}

async fn is_known(connection: &mut AsyncPgConnection, id: Uuid) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(outbox::table.find(id))).get_result(connection).await?)
}
