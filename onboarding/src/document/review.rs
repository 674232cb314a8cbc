//! The reviewers' side: what waits, one document with all that is known of it, and their verdicts.

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::notices::DOCUMENT_REVIEWED_TEMPLATE;
use super::store::{HOLDER, NUMBER, Row, STATEMENT};
use super::tiers::{lock_person, settle_in};
use super::{
    Document, DocumentEvent, DocumentId, DocumentKind, DocumentState, DocumentVerdict, Documents, PrintedHolder,
    StoredImage,
};
use crate::person::notify_in;
use crate::person::{StatedIdentity, identity_in};
use crate::personal_data::{PersonalData, record_read_in};
use crate::schema::{document_history, document_images, documents};
use crate::{Error, Operator, OperatorId, PersonId};

const NOTE: &str = "onboarding.document_history.note";
/// Characters of what an operator notes.
const LONGEST_NOTE: usize = 1_000;
/// Documents that one list shows at most.
const MOST_SHOWN: i64 = 100;
/// How long the source of funds is good; then it is asked for again.
const FUNDS_GOOD_FOR: Days = Days::new(365);

/// Which documents are asked for: those that wait when no state is named.
#[derive(Clone, Debug, Default)]
pub struct DocumentFilter {
    /// Those in a state.
    pub state: Option<DocumentState>,
    /// Those of a kind.
    pub kind: Option<DocumentKind>,
    /// Those of a person.
    pub person: Option<PersonId>,
}

/// Another person's document of the same country, kind and number.
#[derive(Clone, Debug)]
pub struct SameNumber {
    /// Which.
    pub document: DocumentId,
    /// Whose.
    pub person: PersonId,
    /// Where it stands.
    pub state: DocumentState,
}

/// What happened to a document.
#[derive(Clone)]
pub struct DocumentPast {
    /// What.
    pub event: DocumentEvent,
    /// The operator, where one decided.
    pub operator: Option<OperatorId>,
    /// What they noted.
    pub note: Option<String>,
    /// When.
    pub happened_at: DateTime<Utc>,
}

/// A document with all that is known of it, as a reviewer looks at it.
#[derive(Clone)]
pub struct ExaminedDocument {
    /// The document.
    pub document: Document,
    /// Its number as stated.
    pub number: Option<String>,
    /// What its machine-readable zone says of the holder, where one was given.
    pub holder: Option<PrintedHolder>,
    /// What the person says of their funds.
    pub statement: Option<String>,
    /// Who the person says to be.
    pub identity: Option<StatedIdentity>,
    /// Its images.
    pub images: Vec<StoredImage>,
    /// The same document in the hands of others.
    pub same_number: Vec<SameNumber>,
    /// What happened to it, the oldest first.
    pub history: Vec<DocumentPast>,
}

type SealedRow = (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

impl Documents {
    /// What operators have to look at, the oldest first. A paper joins with its first image.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queue(
        &self,
        _by: &Operator,
        filter: &DocumentFilter,
        after: Option<(DateTime<Utc>, DocumentId)>,
        limit: i64,
    ) -> Result<Vec<Document>, Error> {
        let states = filter.state.map_or_else(|| DocumentState::WAITING.to_vec(), |state| vec![state]);
        let states: Vec<&str> = states.into_iter().map(DocumentState::word).collect();
        let mut query = documents::table
            .filter(documents::state.eq_any(states))
            .filter(documents::images.gt(0).or(documents::kind.eq(DocumentKind::SourceOfFunds.word())))
            .order((documents::submitted_at, documents::document_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(Row::as_select())
            .into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(documents::kind.eq(kind.word()));
        }
        if let Some(person) = filter.person {
            query = query.filter(documents::person_id.eq(person));
        }
        if let Some((time, id)) = after {
            let later = documents::submitted_at.eq(time).and(documents::document_id.gt(id));
            query = query.filter(documents::submitted_at.gt(time).or(later));
        }
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(Row::document).collect()
    }

    /// One document with all that is known of it; that the operator looked at it is recorded.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn examine(&self, by: &Operator, id: DocumentId) -> Result<ExaminedDocument, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let document = read_in(connection, id).await?;
                record_read_in(connection, by, document.person, PersonalData::Document(id), self.clock.now()).await?;
                let (index, number, holder, statement): SealedRow = documents::table
                    .find(id)
                    .select((
                        documents::number_index,
                        documents::sealed_number,
                        documents::sealed_holder,
                        documents::sealed_statement,
                    ))
                    .first(connection)
                    .await?;
                let open = |context: &str, sealed: Option<Vec<u8>>| {
                    sealed.map(|sealed| self.cipher.decrypt(context, &sealed)).transpose()
                };
                let holder = open(HOLDER, holder)?.map(|text| serde_json::from_str(&text)).transpose();
                Ok(ExaminedDocument {
                    number: open(NUMBER, number)?,
                    holder: holder.map_err(|_| Error::Corrupt("a document's holder"))?,
                    statement: open(STATEMENT, statement)?,
                    identity: identity_in(connection, &self.cipher, document.person).await?,
                    images: document_images::table
                        .filter(document_images::document_id.eq(id))
                        .order(document_images::ordinal)
                        .select(StoredImage::as_select())
                        .load(connection)
                        .await?,
                    same_number: same_number_in(connection, &document, index).await?,
                    history: self.history_in(connection, id).await?,
                    document,
                })
            })
            .await
    }

    /// An operator says whether a document is good, and their person is told when that is decided. Saying the same again
    /// changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::OtherContent`] when the images are not those of the revision any more;
    /// [`Error::SamePerson`] when the second to accept is the first; [`Error::WrongState`] when it does not wait for a
    /// verdict, or lacks what it takes; [`Error::Text`] for a faulty note.
    pub async fn decide(
        &self,
        by: &Operator,
        id: DocumentId,
        revision: i32,
        verdict: DocumentVerdict,
        note: &str,
    ) -> Result<Document, Error> {
        let note = note.trim();
        if note.is_empty() || note.chars().count() > LONGEST_NOTE || note.chars().any(char::is_control) {
            return Err(Error::Text { field: "note", maximum: LONGEST_NOTE });
        }
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let person = read_in(connection, id).await?.person;
                let tier = lock_person(connection, person).await?;
                let row: Row =
                    documents::table.find(id).select(Row::as_select()).for_update().first(connection).await?;
                let known = row.document()?;
                let event = known.state.event(known.kind, known.first_accepted_by, verdict, by.id())?;
                let Some(event) = event else { return Ok(known) };
                if known.revision != revision {
                    return Err(Error::OtherContent);
                }
                if verdict == DocumentVerdict::Accept {
                    self.may_be_accepted_in(connection, &known).await?;
                }
                let decided = self.keep_verdict_in(connection, &known, event, verdict, by, note).await?;
                if event == DocumentEvent::Accepted {
                    settle_in(connection, person, tier, self.clock.today()).await?;
                }
                if event != DocumentEvent::AcceptedFirst {
                    notify_in(connection, &self.cipher, person, DOCUMENT_REVIEWED_TEMPLATE, None).await?;
                }
                tracing::info!(document = %id, event = event.word(), "a document was looked at");
                Ok(decided)
            })
            .await
    }

    /// A paper needs an image, a day of validity that is not over, and the source of funds a paper beside it.
    async fn may_be_accepted_in(&self, connection: &mut AsyncPgConnection, known: &Document) -> Result<(), Error> {
        let lacking = match known.kind {
            DocumentKind::Paper(_) if known.images == 0 => "without an image",
            DocumentKind::Paper(_) if known.expires_on.is_none_or(|last| last < self.clock.today()) => "out of date",
            DocumentKind::SourceOfFunds if !self.has_paper_in(connection, known.person).await? => {
                "without a valid paper beside it"
            }
            DocumentKind::Paper(_) | DocumentKind::SourceOfFunds => return Ok(()),
        };
        Err(Error::WrongState { thing: "document", state: lacking, wanted: DocumentEvent::Accepted.word() })
    }

    async fn keep_verdict_in(
        &self,
        connection: &mut AsyncPgConnection,
        known: &Document,
        event: DocumentEvent,
        verdict: DocumentVerdict,
        by: &Operator,
        note: &str,
    ) -> Result<Document, Error> {
        let now = self.clock.now();
        let reason = match verdict {
            DocumentVerdict::Accept => None,
            DocumentVerdict::Reject(reason) => Some(reason.word()),
        };
        let first = known.first_accepted_by.or((event == DocumentEvent::AcceptedFirst).then_some(by.id()));
        let expires_on: Option<NaiveDate> = match (known.kind, event) {
            (DocumentKind::SourceOfFunds, DocumentEvent::Accepted) => Some(self.clock.today() + FUNDS_GOOD_FOR),
            _ => known.expires_on,
        };
        diesel::insert_into(document_history::table)
            .values((
                document_history::document_id.eq(known.id),
                document_history::event.eq(event.word()),
                document_history::operator_id.eq(by.id()),
                document_history::sealed_note.eq(self.cipher.encrypt(NOTE, note)),
                document_history::happened_at.eq(now),
            ))
            .execute(connection)
            .await?;
        let row: Row = diesel::update(documents::table.find(known.id))
            .set((
                documents::state.eq(known.state.after(event)?.word()),
                documents::first_accepted_by.eq(first),
                documents::rejected_because.eq(reason),
                documents::expires_on.eq(expires_on),
                documents::decided_at.eq((event != DocumentEvent::AcceptedFirst).then_some(now)),
            ))
            .returning(Row::as_returning())
            .get_result(connection)
            .await?;
        row.document()
    }

    async fn history_in(&self, connection: &mut AsyncPgConnection, id: DocumentId) -> Result<Vec<DocumentPast>, Error> {
        type PastRow = (String, Option<OperatorId>, Option<Vec<u8>>, DateTime<Utc>);
        let rows: Vec<PastRow> = document_history::table
            .filter(document_history::document_id.eq(id))
            .order(document_history::ordinal)
            .select((
                document_history::event,
                document_history::operator_id,
                document_history::sealed_note,
                document_history::happened_at,
            ))
            .load(connection)
            .await?;
        let past = rows.into_iter().map(|(event, operator, note, happened_at)| {
            let event = DocumentEvent::stored(&event)?;
            let note = note.map(|sealed| self.cipher.decrypt(NOTE, &sealed)).transpose()?;
            Ok(DocumentPast { event, operator, note, happened_at })
        });
        past.collect()
    }
}

async fn read_in(connection: &mut AsyncPgConnection, id: DocumentId) -> Result<Document, Error> {
    let row: Option<Row> = documents::table.find(id).select(Row::as_select()).first(connection).await.optional()?;
    row.ok_or(Error::NotFound("document"))?.document()
}

async fn same_number_in(
    connection: &mut AsyncPgConnection,
    document: &Document,
    index: Option<Vec<u8>>,
) -> Result<Vec<SameNumber>, Error> {
    let Some(index) = index else { return Ok(Vec::new()) };
    let rows: Vec<Row> = documents::table
        .filter(documents::number_index.eq(index))
        .filter(documents::person_id.ne(document.person))
        .order((documents::submitted_at, documents::document_id))
        .limit(MOST_SHOWN)
        .select(Row::as_select())
        .load(connection)
        .await?;
    let same = rows.into_iter().map(|row| {
        let Document { id, person, state, .. } = row.document()?;
        Ok(SameNumber { document: id, person, state })
    });
    same.collect()
}
