//! Who looked at whose personal data: recorded in the transaction that reads it, before anything is shown.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::document::DocumentId;
use crate::schema::personal_data_reads;
use crate::{Error, Operator, PersonId};

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
