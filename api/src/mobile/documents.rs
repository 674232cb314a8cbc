//! What people show of themselves, and its images.

mod upload;

use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use chrono::{DateTime, NaiveDate, Utc};
use onboarding::{
    Country, Document, DocumentId, DocumentRejection, ImageOrdinal, MachineReadableZone, NewPaper, PaperKind, Person,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::{Body, is_of_type};
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem, kinds};
use crate::wire::image::ImageBytes;
use crate::wire::words;

/// All endpoints of documents.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(submit_document)
        .service(state_funds)
        .service(list_documents)
        .service(put_image)
        .service(withdraw_document);
}

/// A paper that says who a person is.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewDocument)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDocumentBody {
    #[schema(value_type = words::PaperKind)]
    kind: String,
    /// Who issued it, by ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9 ./-]{0,31}$", example = "A01234567")]
    number: String,
    /// Its last day.
    expires_on: NaiveDate,
    /// The lines of `<` at its foot or on its back, where it has them, each as printed.
    #[schema(min_items = 2, max_items = 3)]
    machine_readable_zone: Option<Vec<String>>,
}

/// Where a person's money comes from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceOfFunds {
    /// In one's own words: work, trade, a sale, an inheritance.
    #[schema(min_length = 1, max_length = 4000)]
    statement: String,
}

/// Something that a person shows of themselves.
#[derive(Serialize, ToSchema)]
#[schema(as = Document)]
pub(super) struct DocumentBody {
    id: Uuid,
    #[schema(value_type = words::DocumentKind)]
    kind: &'static str,
    #[schema(value_type = words::DocumentState)]
    state: &'static str,
    /// Who issued it; none for the source of funds.
    country: Option<String>,
    /// Its last day; for the source of funds once it is accepted.
    expires_on: Option<NaiveDate>,
    /// How many images there are.
    images: i16,
    #[schema(value_type = Option<words::DocumentRejection>)]
    rejected_because: Option<&'static str>,
    submitted_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
}

impl From<Document> for DocumentBody {
    fn from(document: Document) -> Self {
        Self {
            id: document.id.uuid(),
            kind: document.kind.word(),
            state: document.state.word(),
            country: document.country.map(String::from),
            expires_on: document.expires_on,
            images: document.images,
            rejected_because: document.rejected_because.map(DocumentRejection::word),
            submitted_at: document.submitted_at,
            decided_at: document.decided_at,
        }
    }
}

impl NewDocumentBody {
    fn checked(&self, today: NaiveDate) -> Result<NewPaper, Problem> {
        let mut faults = Faults::default();
        let kind = PaperKind::from_word(&self.kind).ok_or("it is no kind of paper");
        let kind = faults.check("/kind", "kind", kind);
        let country = faults.check("/country", "country", Country::try_new(&self.country));
        let zone = self.machine_readable_zone.as_deref().map(|lines| MachineReadableZone::read(lines, today));
        let zone = faults.check("/machine_readable_zone", "machine-readable-zone", zone.transpose());
        let (Some(kind), Some(country), Some(zone)) = (kind, country, zone) else { return Err(faults.problem()) };
        Ok(NewPaper::try_new(kind, country, &self.number, self.expires_on, zone, today)?)
    }
}

/// Hands in a paper; its images follow, and with the first one our staff look at it. What its machine-readable zone says
/// has to agree with what is stated.
#[utoipa::path(tag = "documents", security(("token" = [])), params(KeyHeader), request_body = NewDocumentBody,
    responses((status = 201, description = "The document", body = DocumentBody), WriteProblems))]
#[post("/documents")]
pub(super) async fn submit_document(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    body: Body<NewDocumentBody>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |seed| {
        let paper = body.value.checked(house.clock.today())?;
        let id = DocumentId::from_uuid(Uuid::new_v5(&seed, b"document"));
        Answer::created(DocumentBody::from(house.documents.submit(&person, id, &paper).await?))
    })
    .await
}

/// Says where one's money comes from, for the highest limits. Images of what shows it may follow.
#[utoipa::path(tag = "documents", security(("token" = [])), params(KeyHeader), request_body = SourceOfFunds,
    responses((status = 201, description = "The document", body = DocumentBody), WriteProblems))]
#[post("/documents/source-of-funds")]
pub(super) async fn state_funds(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    body: Body<SourceOfFunds>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |seed| {
        let id = DocumentId::from_uuid(Uuid::new_v5(&seed, b"document"));
        let document = house.documents.state_funds(&person, id, &body.value.statement).await?;
        Answer::created(DocumentBody::from(document))
    })
    .await
}

/// One's own documents, the newest first.
#[utoipa::path(tag = "documents", security(("token" = [])),
    responses((status = 200, description = "The documents", body = [DocumentBody]), ReadProblems))]
#[get("/documents")]
pub(super) async fn list_documents(house: web::Data<House>, person: Admitted<Person>) -> Result<HttpResponse, Problem> {
    let own = house.documents.of(&person).await?;
    let own: Vec<DocumentBody> = own.into_iter().map(DocumentBody::from).collect();
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(own))
}

/// Sends an image of a document, in place of the one that was there under its number, until somebody has looked at it.
/// What is kept is made of its pixels alone.
#[utoipa::path(tag = "documents", security(("token" = [])),
    params(("id" = Uuid, Path), ("ordinal" = i16, Path, minimum = 1, maximum = 4)),
    request_body(content((ImageBytes = "image/jpeg"), (ImageBytes = "image/png"), (ImageBytes = "image/webp"))),
    responses((status = 200, description = "The document", body = DocumentBody), WriteProblems))]
#[put("/documents/{id}/images/{ordinal}")]
pub(super) async fn put_image(
    request: HttpRequest,
    house: web::Data<House>,
    person: Admitted<Person>,
    path: web::Path<(Uuid, i16)>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (id, ordinal) = path.into_inner();
    let (id, ordinal) = (DocumentId::from_uuid(id), ImageOrdinal::try_new(ordinal)?);
    if !["image/jpeg", "image/png", "image/webp"].iter().any(|form| is_of_type(&request, form)) {
        return Err(Problem::new(&kinds::MEDIA_TYPE, "an image is read as image/jpeg, image/png or image/webp"));
    }
    house.documents.takes_images(&person, id).await?;
    let (bytes, _place) = upload::receive(&request, body).await?;
    let document = house.documents.put_image(&person, id, ordinal, bytes).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(DocumentBody::from(document)))
}

/// Takes back a document at which nobody has looked; its images are gone with it.
#[utoipa::path(tag = "documents", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The document", body = DocumentBody), WriteProblems))]
#[post("/documents/{id}/withdrawal")]
pub(super) async fn withdraw_document(
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let document = house.documents.withdraw(&person, DocumentId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(DocumentBody::from(document)))
}
