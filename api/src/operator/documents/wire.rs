use chrono::{DateTime, NaiveDate, Utc};
use onboarding::{
    Document, DocumentPast, DocumentRejection, ExaminedDocument, OperatorId, PrintedHolder, SameNumber, StatedIdentity,
    StoredImage,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::wire::whole::whole;
use crate::wire::words;

/// Which documents are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DocumentQuery {
    /// Those that wait for a verdict when left out.
    #[param(value_type = Option<words::DocumentState>)]
    pub(super) state: Option<String>,
    #[param(value_type = Option<words::DocumentKind>)]
    pub(super) kind: Option<String>,
    /// Those of one person.
    pub(super) person: Option<Uuid>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    pub(super) cursor: Option<String>,
}

/// A document in the queue.
#[derive(Serialize, ToSchema)]
#[schema(as = QueuedDocument)]
pub(super) struct QueuedBody {
    id: Uuid,
    person: Uuid,
    #[schema(value_type = words::DocumentKind)]
    kind: &'static str,
    #[schema(value_type = words::DocumentState)]
    state: &'static str,
    /// Whether two operators have to accept it.
    takes_two: bool,
    /// Changes with its images; a verdict names the one that was seen.
    revision: i32,
    country: Option<String>,
    expires_on: Option<NaiveDate>,
    images: i16,
    #[schema(value_type = Option<words::DocumentRejection>)]
    rejected_because: Option<&'static str>,
    /// The operator who accepted it first.
    first_accepted_by: Option<Uuid>,
    submitted_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
}

impl From<Document> for QueuedBody {
    fn from(document: Document) -> Self {
        Self {
            id: document.id.uuid(),
            person: document.person.uuid(),
            kind: document.kind.word(),
            state: document.state.word(),
            takes_two: document.kind.takes_two(),
            revision: document.revision,
            country: document.country.map(String::from),
            expires_on: document.expires_on,
            images: document.images,
            rejected_because: document.rejected_because.map(DocumentRejection::word),
            first_accepted_by: document.first_accepted_by.map(OperatorId::uuid),
            submitted_at: document.submitted_at,
            decided_at: document.decided_at,
        }
    }
}

/// A page of documents, the oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentPage)]
pub(super) struct DocumentPage {
    pub(super) items: Vec<QueuedBody>,
    /// The cursor of the next page, where there is one.
    pub(super) next: Option<String>,
}

/// What the machine-readable zone says of the holder.
#[derive(Serialize, ToSchema)]
pub(super) struct Holder {
    surname: String,
    given_names: String,
    /// YYMMDD, with `<` for what is not known.
    birth_date: String,
    /// As ICAO 9303 writes it.
    nationality: String,
}

/// Who the person says to be.
#[derive(Serialize, ToSchema)]
pub(super) struct Stated {
    name: String,
    birth_date: NaiveDate,
    address: String,
    country: String,
}

/// An image of a document, as it is kept.
#[derive(Serialize, ToSchema)]
pub(super) struct DocumentImage {
    ordinal: i16,
    width: i32,
    height: i32,
}

/// The same document in other hands.
#[derive(Serialize, ToSchema)]
pub(super) struct SameDocument {
    document: Uuid,
    person: Uuid,
    #[schema(value_type = words::DocumentState)]
    state: &'static str,
}

/// What happened to a document.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentEventLine)]
pub(super) struct PastBody {
    #[schema(value_type = words::DocumentEvent)]
    event: &'static str,
    /// Where an operator decided.
    operator: Option<Uuid>,
    note: Option<String>,
    happened_at: DateTime<Utc>,
}

/// A document with all that is known of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ExaminedDocument)]
pub(super) struct ExaminedBody {
    #[serde(flatten)]
    document: QueuedBody,
    number: Option<String>,
    holder: Option<Holder>,
    /// What the person says of where their money comes from.
    statement: Option<String>,
    identity: Option<Stated>,
    kept_images: Vec<DocumentImage>,
    same_document: Vec<SameDocument>,
    history: Vec<PastBody>,
}

impl From<ExaminedDocument> for ExaminedBody {
    fn from(examined: ExaminedDocument) -> Self {
        Self {
            document: examined.document.into(),
            number: examined.number,
            holder: examined.holder.map(Holder::from),
            statement: examined.statement,
            identity: examined.identity.map(Stated::from),
            kept_images: examined.images.into_iter().map(DocumentImage::from).collect(),
            same_document: examined.same_number.into_iter().map(SameDocument::from).collect(),
            history: examined.history.into_iter().map(PastBody::from).collect(),
        }
    }
}

impl From<PrintedHolder> for Holder {
    fn from(holder: PrintedHolder) -> Self {
        let PrintedHolder { surname, given_names, birth_date, nationality } = holder;
        Self { surname, given_names, birth_date, nationality }
    }
}

impl From<StatedIdentity> for Stated {
    fn from(identity: StatedIdentity) -> Self {
        let StatedIdentity { name, birth_date, address, country } = identity;
        Self { name, birth_date, address, country: country.into() }
    }
}

impl From<StoredImage> for DocumentImage {
    fn from(image: StoredImage) -> Self {
        let StoredImage { ordinal, width, height } = image;
        Self { ordinal, width, height }
    }
}

impl From<SameNumber> for SameDocument {
    fn from(same: SameNumber) -> Self {
        Self { document: same.document.uuid(), person: same.person.uuid(), state: same.state.word() }
    }
}

impl From<DocumentPast> for PastBody {
    fn from(past: DocumentPast) -> Self {
        Self {
            event: past.event.word(),
            operator: past.operator.map(OperatorId::uuid),
            note: past.note,
            happened_at: past.happened_at,
        }
    }
}

/// That a document is good.
#[derive(Deserialize, ToSchema)]
#[schema(as = DocumentAcceptance)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptanceBody {
    /// The one that was looked at.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 2147483647)]
    pub(super) revision: u32,
    /// What was seen; for colleagues.
    #[schema(min_length = 1, max_length = 1000)]
    pub(super) note: String,
}

/// That a document is not good.
#[derive(Deserialize, ToSchema)]
#[schema(as = DocumentRejectionBody)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectionBody {
    /// The one that was looked at.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 2147483647)]
    pub(super) revision: u32,
    /// Told to the person.
    #[schema(value_type = words::DocumentRejection)]
    pub(super) reason: String,
    /// What was seen; for colleagues.
    #[schema(min_length = 1, max_length = 1000)]
    pub(super) note: String,
}
