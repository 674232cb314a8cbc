//! What documents do to the tier of their person, in the caller's transaction.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{DocumentEvent, DocumentId, DocumentKind, DocumentState};
use crate::schema::{document_history, documents, people};
use crate::{Error, PersonId, Tier};

/// Holds the person's row, before any of their documents.
pub(super) async fn lock_person(connection: &mut AsyncPgConnection, person: PersonId) -> Result<Tier, Error> {
    let tier: Option<i16> =
        people::table.find(person).select(people::tier).for_update().first(connection).await.optional()?;
    Tier::from_number(tier.ok_or(Error::NotFound("person"))?)
}

/// The kinds that a person has accepted and valid today.
pub(super) async fn valid_in(
    connection: &mut AsyncPgConnection,
    person: PersonId,
    today: NaiveDate,
) -> Result<Vec<DocumentKind>, Error> {
    let kinds: Vec<String> = documents::table
        .filter(documents::person_id.eq(person))
        .filter(documents::state.eq(DocumentState::Accepted.word()))
        .filter(documents::expires_on.ge(today))
        .select(documents::kind)
        .load(connection)
        .await?;
    kinds.iter().map(|kind| DocumentKind::stored(kind)).collect()
}

/// Sets the tier that a person's documents carry; the caller holds their row. Who stated no identity stays as they are.
pub(super) async fn settle_in(
    connection: &mut AsyncPgConnection,
    person: PersonId,
    before: Tier,
    today: NaiveDate,
) -> Result<Tier, Error> {
    let carried = DocumentKind::tier_of(&valid_in(connection, person, today).await?);
    if before < Tier::Identity || carried == before {
        return Ok(before);
    }
    diesel::update(people::table.find(person)).set(people::tier.eq(carried.number())).execute(connection).await?;
    Ok(carried)
}

/// Why documents end.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    /// Those whose last day lies before this one are over.
    Before(NaiveDate),
    /// All, since the person states another identity.
    AnotherIdentity,
}

/// Ends documents of a person; the caller holds their row. Answers how many.
pub(super) async fn end_in(
    connection: &mut AsyncPgConnection,
    person: PersonId,
    ending: Ending,
    now: DateTime<Utc>,
) -> Result<usize, Error> {
    let live: Vec<&str> = DocumentState::LIVE.into_iter().map(DocumentState::word).collect();
    let rows: Vec<(DocumentId, String, Option<NaiveDate>)> = documents::table
        .filter(documents::person_id.eq(person))
        .filter(documents::state.eq_any(live))
        .order(documents::document_id)
        .select((documents::document_id, documents::state, documents::expires_on))
        .for_update()
        .load(connection)
        .await?;
    let mut ended = 0;
    for (id, state, expires_on) in rows {
        let event = match ending {
            Ending::Before(today) if expires_on.is_some_and(|last| last < today) => DocumentEvent::Expired,
            Ending::Before(_) => continue,
            Ending::AnotherIdentity => DocumentEvent::Outdated,
        };
        let after = DocumentState::stored(&state)?.after(event)?;
        diesel::update(documents::table.find(id)).set(documents::state.eq(after.word())).execute(connection).await?;
        remember_in(connection, id, event, now).await?;
        ended += 1;
    }
    Ok(ended)
}

/// Keeps what happened to a document without a decision.
pub(super) async fn remember_in(
    connection: &mut AsyncPgConnection,
    id: DocumentId,
    event: DocumentEvent,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::insert_into(document_history::table)
        .values((
            document_history::document_id.eq(id),
            document_history::event.eq(event.word()),
            document_history::happened_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Outdates what a person showed, because they state another identity; the caller holds their row.
pub(crate) async fn outdate_in(
    connection: &mut AsyncPgConnection,
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    end_in(connection, person, Ending::AnotherIdentity, now).await.map(drop)
}
