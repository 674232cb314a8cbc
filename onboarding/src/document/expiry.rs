use chrono::Days;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::notices::{DOCUMENT_EXPIRED_TEMPLATE, DOCUMENT_EXPIRES_SOON_TEMPLATE};
use super::tiers::{Ending, end_in, settle_in};
use super::{DocumentId, DocumentState, Documents};
use crate::person::notify_in;
use crate::schema::{documents, people};
use crate::{Error, PersonId, Tier};

/// How long before its last day a person is reminded of a document: time enough for a new one to be looked at.
const REMIND_BEFORE: Days = Days::new(30);
/// People whose documents one run ends, and documents that it reminds of.
const AT_ONCE: i64 = 200;

impl Documents {
    /// Ends the documents whose last day is over, and takes back the tier that they carried, of some people; answers of
    /// how many. Who falls by it is told. Any number of processes may do it at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire_due(&self) -> Result<usize, Error> {
        let today = self.clock.today();
        let live: Vec<&str> = DocumentState::LIVE.into_iter().map(DocumentState::word).collect();
        let mut connection = self.database.connection().await?;
        let due: Vec<PersonId> = documents::table
            .filter(documents::state.eq_any(live))
            .filter(documents::expires_on.lt(today))
            .select(documents::person_id)
            .distinct()
            .limit(AT_ONCE)
            .load(&mut connection)
            .await?;
        let mut ended = 0;
        for person in due {
            let done: Result<usize, Error> = connection
                .transaction(async |connection| {
                    // Somebody is at this person already: their documents are looked at again the next time.
                    let tier: Option<i16> = people::table
                        .find(person)
                        .select(people::tier)
                        .for_update()
                        .skip_locked()
                        .first(connection)
                        .await
                        .optional()?;
                    let Some(before) = tier.map(Tier::from_number).transpose()? else { return Ok(0) };
                    let ended = end_in(connection, person, Ending::Before(today), self.clock.now()).await?;
                    if settle_in(connection, person, before, today).await? < before {
                        notify_in(connection, &self.cipher, person, DOCUMENT_EXPIRED_TEMPLATE, None).await?;
                    }
                    Ok(ended)
                })
                .await;
            ended += done?;
        }
        Ok(ended)
    }

    /// Reminds people, once, of accepted documents that expire within thirty days; answers of how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remind_due(&self) -> Result<usize, Error> {
        let soon = self.clock.today() + REMIND_BEFORE;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let due: Vec<(DocumentId, PersonId)> = documents::table
                    .filter(documents::state.eq(DocumentState::Accepted.word()))
                    .filter(documents::reminded_at.is_null())
                    .filter(documents::expires_on.between(self.clock.today(), soon))
                    .order(documents::document_id)
                    .limit(AT_ONCE)
                    .select((documents::document_id, documents::person_id))
                    .for_update()
                    .skip_locked()
                    .load(connection)
                    .await?;
                for (id, person) in &due {
                    diesel::update(documents::table.find(id))
                        .set(documents::reminded_at.eq(self.clock.now()))
                        .execute(connection)
                        .await?;
                    notify_in(connection, &self.cipher, *person, DOCUMENT_EXPIRES_SOON_TEMPLATE, None).await?;
                }
                Ok(due.len())
            })
            .await
    }
}
