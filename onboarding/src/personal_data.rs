//! Who looked at whose personal data: recorded in the transaction that reads it, before anything is shown.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::document::DocumentId;
use crate::schema::personal_data_reads;
use crate::{Error, Operator, People, Person, PersonId};

/// What was looked at.
#[derive(Clone, Copy)]
pub(crate) enum PersonalData {
    /// A document with its number and its holder, and the identity that is stated beside it.
    Document(DocumentId),
    /// An image of one.
    DocumentImage {
        /// Of which.
        document: DocumentId,
        /// Which.
        ordinal: i16,
    },
}

impl std::fmt::Display for PersonalData {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Document(id) => write!(formatter, "document {id}"),
            Self::DocumentImage { document, ordinal } => write!(formatter, "image {ordinal} of document {document}"),
        }
    }
}

/// Records that an operator looks at something of a person.
pub(crate) async fn record_read_in(
    connection: &mut AsyncPgConnection,
    by: &Operator,
    person: PersonId,
    what: PersonalData,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::insert_into(personal_data_reads::table)
        .values((
            personal_data_reads::person_id.eq(person),
            personal_data_reads::reader_kind.eq("operator"),
            personal_data_reads::reader_id.eq(by.id().uuid()),
            personal_data_reads::what.eq(what.to_string()),
            personal_data_reads::read_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// That somebody looked at a person's data, as the person sees it.
#[derive(Clone, Debug, Queryable)]
pub struct PersonalDataRead {
    /// Its number; later ones are larger.
    pub id: i64,
    /// Who of: operator, institution or auditor.
    pub reader_kind: String,
    /// What was looked at.
    pub what: String,
    /// When.
    pub read_at: DateTime<Utc>,
}

impl People {
    /// Who looked at a person's data, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn personal_data_reads(
        &self,
        person: &Person,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<PersonalDataRead>, Error> {
        let mut query = personal_data_reads::table
            .filter(personal_data_reads::person_id.eq(person.id()))
            .order(personal_data_reads::read_id.desc())
            .limit(limit)
            .select((
                personal_data_reads::read_id,
                personal_data_reads::reader_kind,
                personal_data_reads::what,
                personal_data_reads::read_at,
            ))
            .into_boxed();
        if let Some(before) = before {
            query = query.filter(personal_data_reads::read_id.lt(before));
        }
        let mut connection = self.connection().await?;
        Ok(query.load(&mut connection).await?)
    }
}
