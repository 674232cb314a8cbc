//! Failed tries, counted for each contact or person: by client network, and over all networks.
//!
//! # What it promises
//! - A try is counted before its password is looked at, under the rows' locks: tries at the same moment all count.
//! - Known and unknown contacts are counted alike, so that the answers do not tell them apart.
//! - Who guesses from one network locks that network out; the owner elsewhere comes in, until the failures over all
//!   networks are so many that somebody guesses from many of them.
//! - Failures count for an hour; a lock lasts a quarter of one at most.
//!
//! Rows are locked in one order: the one over all networks first.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use crate::Error;
use crate::schema::sign_in_failures::{self, dsl};

/// How many failures are free; each further one doubles the while for which more are refused.
#[derive(Clone, Copy)]
pub(super) struct Free {
    /// From one network.
    own: i32,
    /// From all networks: far beyond what an owner mistypes.
    all: i32,
}

/// Passwords.
pub(super) const PASSWORDS: Free = Free { own: 5, all: 100 };
/// Second factors, after the right password.
pub(super) const SECOND_FACTORS: Free = Free { own: 5, all: 20 };
/// Recoveries that are asked for; each sends a message.
pub(super) const RECOVERIES: Free = Free { own: 3, all: 10 };

/// The longest while, so that nobody can lock another person out for long.
const LONGEST_LOCK: Duration = Duration::minutes(15);
/// How long a failure counts.
const WINDOW: Duration = Duration::hours(1);
/// The network of the row that counts the failures of all networks.
const ALL_NETWORKS: &[u8] = b"";

/// Whose failures: blind indexes.
pub(super) struct Source {
    pub(super) contact: Vec<u8>,
    pub(super) network: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
struct Count {
    failures: i32,
    since: DateTime<Utc>,
    locked_until: Option<DateTime<Utc>>,
}

impl Count {
    /// Seconds until the lock ends, rounded up.
    fn locked_for(self, now: DateTime<Utc>) -> Option<i64> {
        self.locked_until.filter(|until| *until > now).map(|until| (until - now).num_seconds() + 1)
    }

    fn one_more(self, free: i32, now: DateTime<Utc>) -> Self {
        let counts = self.since + WINDOW > now;
        let (since, failures) = if counts { (self.since, self.failures.saturating_add(1)) } else { (now, 1) };
        let beyond = failures - free;
        let locked_until = (beyond >= 0).then(|| {
            let seconds = 1_i64 << beyond.clamp(0, 20);
            now + Duration::seconds(seconds.min(LONGEST_LOCK.num_seconds()))
        });
        Self { failures, since, locked_until }
    }
}

/// Counts a try as failed, until [`clear`] says that it was none.
///
/// # Errors
/// [`Error::Locked`], and then the try is not counted.
pub(super) async fn count(
    connection: &mut AsyncPgConnection,
    source: &Source,
    free: Free,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    prune(connection, now).await?;
    connection
        .transaction(async |connection| {
            let all = locked(connection, &source.contact, ALL_NETWORKS, now).await?;
            let own = locked(connection, &source.contact, &source.network, now).await?;
            if let Some(seconds) = all.locked_for(now).max(own.locked_for(now)) {
                return Err(Error::Locked { seconds });
            }
            keep(connection, &source.contact, ALL_NETWORKS, all.one_more(free.all, now)).await?;
            keep(connection, &source.contact, &source.network, own.one_more(free.own, now)).await
        })
        .await
}

/// Takes back what was counted for a network whose user knows the password. What came from elsewhere stays counted.
pub(super) async fn clear(
    connection: &mut AsyncPgConnection,
    source: &Source,
    free: Free,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    connection
        .transaction(async |connection| {
            let all = locked(connection, &source.contact, ALL_NETWORKS, now).await?;
            let own: Option<i32> = diesel::delete(dsl::sign_in_failures.find((&source.contact, &source.network)))
                .returning(sign_in_failures::failures)
                .get_result(connection)
                .await
                .optional()?;
            let failures = (all.failures - own.unwrap_or(0)).max(0);
            let locked_until = all.locked_until.filter(|_| failures >= free.all);
            keep(connection, &source.contact, ALL_NETWORKS, Count { failures, locked_until, ..all }).await
        })
        .await
}

/// The row, locked until the transaction ends; made when there is none.
async fn locked(
    connection: &mut AsyncPgConnection,
    contact: &[u8],
    network: &[u8],
    now: DateTime<Utc>,
) -> Result<Count, Error> {
    Ok(diesel::insert_into(dsl::sign_in_failures)
        .values((
            sign_in_failures::contact_index.eq(contact),
            sign_in_failures::network_index.eq(network),
            sign_in_failures::failures.eq(0),
            sign_in_failures::since.eq(now),
        ))
        .on_conflict((sign_in_failures::contact_index, sign_in_failures::network_index))
        .do_update()
        // Changes nothing, but locks the row and answers it.
        .set(sign_in_failures::failures.eq(sign_in_failures::failures))
        .returning((sign_in_failures::failures, sign_in_failures::since, sign_in_failures::locked_until))
        .get_result(connection)
        .await?)
}

async fn keep(connection: &mut AsyncPgConnection, contact: &[u8], network: &[u8], count: Count) -> Result<(), Error> {
    diesel::update(dsl::sign_in_failures.find((contact, network)))
        .set((
            sign_in_failures::failures.eq(count.failures),
            sign_in_failures::since.eq(count.since),
            sign_in_failures::locked_until.eq(count.locked_until),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes what counts no more, so that made-up contacts do not pile up. Rows that somebody is at are left: waiting for
/// them could be a deadlock, and diesel cannot say `skip locked` within a `delete`.
async fn prune(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<(), Error> {
    diesel::sql_query(
        "delete from onboarding.sign_in_failures
        where (contact_index, network_index) in (
            select contact_index, network_index
            from onboarding.sign_in_failures
            where since <= $1
              and (locked_until is null or locked_until <= $2)
            order by since
            limit 100
            for update skip locked
        )",
    )
    .bind::<Timestamptz, _>(now - WINDOW)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_double_up_to_a_quarter_of_an_hour_and_failures_count_for_an_hour() {
        let start = DateTime::UNIX_EPOCH;
        let mut count = Count { failures: 0, since: start, locked_until: None };
        let mut locks = Vec::new();
        for _ in 0..18 {
            count = count.one_more(PASSWORDS.own, start);
            locks.push(count.locked_until.map_or(0, |until| (until - start).num_seconds()));
        }
        assert_eq!(locks, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert_eq!(count.locked_for(start), Some(901));
        let later = start + WINDOW;
        assert_eq!(count.locked_for(later), None);
        assert_eq!(count.one_more(PASSWORDS.own, later), Count { failures: 1, since: later, locked_until: None });
    }
}
