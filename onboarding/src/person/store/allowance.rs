//! How many messages a contact gets unasked, and how often its codes are tried: bounded for each day, so that nobody
//! fills another person's mailbox or works through all codes.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::super::PersonId;
use crate::Error;
use crate::schema::message_allowances::{self, dsl};

/// Messages to one contact in a day.
const MESSAGES_A_DAY: i32 = 5;
/// Tries of all its codes in a day: with six digits and three codes at once, one chance in 22,000.
const TRIES_A_DAY: i32 = 15;
/// The time between a message and another one that is asked for without registering.
const PAUSE: Duration = Duration::minutes(1);
const DAY: Duration = Duration::days(1);

/// What messages are for. Each has an allowance of its own: whoever uses up one leaves the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Registration,
    Device,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Device => "device",
        }
    }
}

/// What was used of the day's allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub(super) struct Allowance {
    since: DateTime<Utc>,
    messages: i32,
    tries: i32,
    last_message_at: Option<DateTime<Utc>>,
}

impl Allowance {
    /// The allowance of a person whose row is locked, which keeps others from using it at the same moment.
    pub(super) async fn of(
        connection: &mut AsyncPgConnection,
        person: PersonId,
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let used: Option<Self> = dsl::message_allowances
            .find((person, purpose.word()))
            .select((
                message_allowances::since,
                message_allowances::messages,
                message_allowances::tries,
                message_allowances::last_message_at,
            ))
            .first(connection)
            .await
            .optional()?;
        let fresh = Self { since: now, messages: 0, tries: 0, last_message_at: None };
        Ok(used.filter(|used| used.since + DAY > now).unwrap_or(fresh))
    }

    /// With one more message, if it may be sent.
    pub(super) fn message(self, now: DateTime<Utc>) -> Option<Self> {
        let with_it = Self { messages: self.messages + 1, last_message_at: Some(now), ..self };
        (self.messages < MESSAGES_A_DAY).then_some(with_it)
    }

    /// The same, for a message that is asked for again and again.
    pub(super) fn repeated_message(self, now: DateTime<Utc>) -> Option<Self> {
        let rested = self.last_message_at.is_none_or(|last| last + PAUSE <= now);
        self.message(now).filter(|_| rested)
    }

    /// With one more try, if it may be made.
    pub(super) fn attempt(self) -> Option<Self> {
        (self.tries < TRIES_A_DAY).then_some(Self { tries: self.tries + 1, ..self })
    }

    pub(super) async fn keep(
        self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        purpose: Purpose,
    ) -> Result<(), Error> {
        let used = (
            message_allowances::since.eq(self.since),
            message_allowances::messages.eq(self.messages),
            message_allowances::tries.eq(self.tries),
            message_allowances::last_message_at.eq(self.last_message_at),
        );
        diesel::insert_into(dsl::message_allowances)
            .values((message_allowances::person_id.eq(person), message_allowances::purpose.eq(purpose.word()), used))
            .on_conflict((message_allowances::person_id, message_allowances::purpose))
            .do_update()
            .set(used)
            .execute(connection)
            .await?;
        Ok(())
    }
}
