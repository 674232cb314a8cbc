use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;
use tokio::sync::Semaphore;

use super::agreement::bare;
use super::tiers::{lock_person, remember_in, valid_in};
use super::{
    Document, DocumentEvent, DocumentId, DocumentKind, DocumentRejection, DocumentState, LONGEST_STATEMENT, NewPaper,
    PrintedHolder,
};
use crate::person::{StatedIdentity, identity_in};
use crate::schema::{document_images, documents};
use crate::{Country, Error, OperatorId, Person, PersonId, Tier};

pub(super) const NUMBER: &str = "onboarding.documents.number";
pub(super) const HOLDER: &str = "onboarding.documents.holder";
pub(super) const STATEMENT: &str = "onboarding.documents.statement";
/// Documents of a person that wait for somebody at once: what is stored for nothing has a bound.
const MOST_WAITING: i64 = 4;
/// Documents that one list shows at most.
const MOST_SHOWN: i64 = 100;
/// Images that are decoded at once: each takes a processor, and memory for its pixels.
const DECODED_AT_ONCE: usize = 2;

/// All documents.
#[derive(Clone)]
pub struct Documents {
    pub(super) database: Database,
    pub(super) cipher: Cipher,
    pub(super) clock: Clock,
    pub(super) decoding: Arc<Semaphore>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = documents)]
pub(super) struct Row {
    document_id: DocumentId,
    person_id: PersonId,
    kind: String,
    state: String,
    revision: i32,
    country: Option<String>,
    expires_on: Option<NaiveDate>,
    images: i16,
    rejected_because: Option<String>,
    first_accepted_by: Option<OperatorId>,
    submitted_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
}

#[derive(Insertable)]
#[diesel(table_name = documents)]
struct NewRow {
    document_id: DocumentId,
    person_id: PersonId,
    kind: &'static str,
    state: &'static str,
    revision: i32,
    country: Option<String>,
    number_index: Option<Vec<u8>>,
    sealed_number: Option<Vec<u8>>,
    sealed_holder: Option<Vec<u8>>,
    sealed_statement: Option<Vec<u8>>,
    expires_on: Option<NaiveDate>,
    images: i16,
    submitted_at: DateTime<Utc>,
}

impl Documents {
    /// The documents of a database.
    #[must_use]
    pub fn new(database: Database, cipher: Cipher, clock: Clock) -> Self {
        Self { database, cipher, clock, decoding: Arc::new(Semaphore::new(DECODED_AT_ONCE)) }
    }

    /// Takes in what a person states of a paper; its images follow. Doing it again under the same id changes nothing.
    ///
    /// # Errors
    /// [`Error::NoIdentity`] before an identity is stated, [`Error::Disagrees`] when the paper's machine-readable zone
    /// says other things, [`Error::TooManyWaiting`].
    pub async fn submit(&self, person: &Person, id: DocumentId, paper: &NewPaper) -> Result<Document, Error> {
        let holder = paper.zone.as_ref().map(PrintedHolder::from);
        let holder = holder.map(|holder| serde_json::to_string(&holder)).transpose();
        let holder = holder.map_err(|_| Error::Corrupt("a document's holder"))?;
        let kind = DocumentKind::Paper(paper.kind);
        let row = NewRow {
            country: Some(paper.country.code().to_owned()),
            number_index: Some(self.number_index(kind, paper.country, &paper.number)),
            sealed_number: Some(self.cipher.encrypt(NUMBER, &paper.number)),
            sealed_holder: holder.map(|holder| self.cipher.encrypt(HOLDER, &holder)),
            expires_on: Some(paper.expires_on),
            ..self.row(person, id, kind)
        };
        self.insert(row, |identity| match paper.disagreements(identity.birth_date) {
            none if none.is_empty() => Ok(()),
            some => Err(Error::Disagrees(some)),
        })
        .await
    }

    /// Takes in what a person says of where their money comes from; images may follow.
    ///
    /// # Errors
    /// [`Error::Text`] for an empty or overlong text, [`Error::NoDocument`] before a paper is accepted,
    /// [`Error::TooManyWaiting`].
    pub async fn state_funds(&self, person: &Person, id: DocumentId, statement: &str) -> Result<Document, Error> {
        let statement = statement.trim();
        let is_control = |character: char| character.is_control() && character != '\n';
        if statement.is_empty() || statement.chars().count() > LONGEST_STATEMENT || statement.contains(is_control) {
            return Err(Error::Paragraphs { field: "statement", maximum: LONGEST_STATEMENT });
        }
        if person.tier() < Tier::Document {
            return Err(Error::NoDocument);
        }
        let row = NewRow {
            sealed_statement: Some(self.cipher.encrypt(STATEMENT, statement)),
            ..self.row(person, id, DocumentKind::SourceOfFunds)
        };
        self.insert(row, |_| Ok(())).await
    }

    /// A person's documents, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(&self, person: &Person) -> Result<Vec<Document>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = documents::table
            .filter(documents::person_id.eq(person.id()))
            .order((documents::submitted_at.desc(), documents::document_id.desc()))
            .limit(MOST_SHOWN)
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        rows.into_iter().map(Row::document).collect()
    }

    /// One of a person's documents.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for somebody else's.
    pub async fn get(&self, person: &Person, id: DocumentId) -> Result<Document, Error> {
        let mut connection = self.database.connection().await?;
        let row: Option<Row> = documents::table
            .find(id)
            .filter(documents::person_id.eq(person.id()))
            .select(Row::as_select())
            .first(&mut connection)
            .await
            .optional()?;
        row.ok_or(Error::NotFound("document"))?.document()
    }

    /// Takes back a document at which nobody has looked; its images are gone with it. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`].
    pub async fn withdraw(&self, person: &Person, id: DocumentId) -> Result<Document, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let known = own_in(connection, person, id).await?;
                if known.state == DocumentState::Withdrawn {
                    return Ok(known);
                }
                let after = known.state.after(DocumentEvent::Withdrawn)?;
                let now = self.clock.now();
                diesel::delete(document_images::table.filter(document_images::document_id.eq(id)))
                    .execute(connection)
                    .await?;
                remember_in(connection, id, DocumentEvent::Withdrawn, now).await?;
                let row: Row = diesel::update(documents::table.find(id))
                    .set((documents::state.eq(after.word()), documents::images.eq(0), documents::decided_at.eq(now)))
                    .returning(Row::as_returning())
                    .get_result(connection)
                    .await?;
                row.document()
            })
            .await
    }

    /// The same number of the same country's same kind has the same index, however it is written.
    fn number_index(&self, kind: DocumentKind, country: Country, number: &str) -> Vec<u8> {
        self.cipher.blind_index(NUMBER, &format!("{country}/{}/{}", kind.word(), bare(number)))
    }

    fn row(&self, person: &Person, id: DocumentId, kind: DocumentKind) -> NewRow {
        NewRow {
            document_id: id,
            person_id: person.id(),
            kind: kind.word(),
            state: DocumentState::Submitted.word(),
            revision: 0,
            country: None,
            number_index: None,
            sealed_number: None,
            sealed_holder: None,
            sealed_statement: None,
            expires_on: None,
            images: 0,
            submitted_at: self.clock.now(),
        }
    }

    async fn insert(
        &self,
        row: NewRow,
        agrees: impl Fn(&StatedIdentity) -> Result<(), Error> + Send + Sync,
    ) -> Result<Document, Error> {
        let (id, person) = (row.document_id, row.person_id);
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                lock_person(connection, person).await?;
                let known: Option<Row> =
                    documents::table.find(id).select(Row::as_select()).first(connection).await.optional()?;
                if let Some(known) = known {
                    return known.document();
                }
                let identity = identity_in(connection, &self.cipher, person).await?.ok_or(Error::NoIdentity)?;
                agrees(&identity)?;
                let waiting: Vec<&str> = DocumentState::WAITING.into_iter().map(DocumentState::word).collect();
                let waiting: i64 = documents::table
                    .filter(documents::person_id.eq(person))
                    .filter(documents::state.eq_any(waiting))
                    .count()
                    .get_result(connection)
                    .await?;
                if waiting >= MOST_WAITING {
                    return Err(Error::TooManyWaiting { most: MOST_WAITING });
                }
                let inserted: Row = diesel::insert_into(documents::table)
                    .values(&row)
                    .returning(Row::as_returning())
                    .get_result(connection)
                    .await?;
                remember_in(connection, id, DocumentEvent::Submitted, row.submitted_at).await?;
                inserted.document()
            })
            .await
    }

    /// Whether a person has an accepted paper that is valid today.
    pub(super) async fn has_paper_in(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
    ) -> Result<bool, Error> {
        let valid = valid_in(connection, person, self.clock.today()).await?;
        Ok(DocumentKind::tier_of(&valid) >= Tier::Document)
    }
}

/// A person's own document, its row held.
pub(super) async fn own_in(
    connection: &mut AsyncPgConnection,
    person: &Person,
    id: DocumentId,
) -> Result<Document, Error> {
    let row: Option<Row> = documents::table
        .find(id)
        .filter(documents::person_id.eq(person.id()))
        .select(Row::as_select())
        .for_update()
        .first(connection)
        .await
        .optional()?;
    row.ok_or(Error::NotFound("document"))?.document()
}

impl Row {
    pub(super) fn document(self) -> Result<Document, Error> {
        let country = self.country.as_deref().map(Country::try_new).transpose();
        let rejected_because = self
            .rejected_because
            .as_deref()
            .map(|word| DocumentRejection::from_word(word).ok_or(Error::Corrupt("why a document is rejected")));
        Ok(Document {
            id: self.document_id,
            person: self.person_id,
            kind: DocumentKind::stored(&self.kind)?,
            state: DocumentState::stored(&self.state)?,
            revision: self.revision,
            country: country.map_err(|_| Error::Corrupt("a document's country"))?,
            expires_on: self.expires_on,
            images: self.images,
            rejected_because: rejected_because.transpose()?,
            first_accepted_by: self.first_accepted_by,
            submitted_at: self.submitted_at,
            decided_at: self.decided_at,
        })
    }
}
