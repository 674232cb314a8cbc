//! The reviewers' queue. Decisions are repeated without harm or refused by the state that they left, so no idempotency
//! key is asked for; whoever looks at a document or an image of it is recorded.

mod wire;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use onboarding::{
    DocumentFilter, DocumentId, DocumentKind, DocumentRejection, DocumentState, DocumentVerdict, ImageOrdinal,
    Operator, PersonId,
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use self::wire::{AcceptanceBody, DocumentPage, DocumentQuery, ExaminedBody, QueuedBody, RejectionBody};
use crate::admission::Admitted;
use crate::body::Body;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::image::ImageBytes;

/// All endpoints of documents.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_documents)
        .service(examine_document)
        .service(read_image)
        .service(accept_document)
        .service(reject_document);
}

/// Documents, the oldest first; those that wait for a verdict when no state is named.
#[utoipa::path(tag = "documents", security(("token" = [])), params(DocumentQuery),
    responses((status = 200, description = "A page", body = DocumentPage), ReadProblems))]
#[get("/documents")]
pub(super) async fn list_documents(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    query: web::Query<DocumentQuery>,
) -> Result<HttpResponse, Problem> {
    let DocumentQuery { state, kind, person, limit, cursor } = query.into_inner();
    let page = Page::new(limit, cursor);
    let (limit, after) = (page.limit()?, page.after::<Uuid>()?.map(|(time, id)| (time, DocumentId::from_uuid(id))));
    let mut faults = Faults::default();
    let state = state.map(|word| DocumentState::from_word(&word).ok_or("it is no state of a document")).transpose();
    let kind = kind.map(|word| DocumentKind::from_word(&word).ok_or("it is no kind of document")).transpose();
    let (state, kind) = (faults.check("state", "state", state), faults.check("kind", "kind", kind));
    let (Some(state), Some(kind)) = (state, kind) else { return Err(faults.problem()) };
    let filter = DocumentFilter { state, kind, person: person.map(PersonId::from_uuid) };
    let found = house.documents.queue(&operator, &filter, after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.submitted_at, last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    response.insert_header(("Cache-Control", "no-store"));
    Ok(response.json(DocumentPage { items: found.into_iter().map(QueuedBody::from).collect(), next }))
}

/// One document with all that is known of it: number, holder, the identity that is stated, the same document in other
/// hands. That one looked is recorded, and the person can see it.
#[utoipa::path(tag = "documents", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The document", body = ExaminedBody), ReadProblems))]
#[get("/documents/{id}")]
pub(super) async fn examine_document(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let examined = house.documents.examine(&operator, DocumentId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(ExaminedBody::from(examined)))
}

/// An image of a document. That one looked is recorded, and the person can see it.
#[utoipa::path(tag = "documents", security(("token" = [])),
    params(("id" = Uuid, Path), ("ordinal" = i16, Path, minimum = 1, maximum = 4)),
    responses((status = 200, description = "The image", content_type = "image/jpeg", body = ImageBytes), ReadProblems))]
#[get("/documents/{id}/images/{ordinal}")]
pub(super) async fn read_image(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    path: web::Path<(Uuid, i16)>,
) -> Result<HttpResponse, Problem> {
    let (id, ordinal) = path.into_inner();
    let image = house.documents.image(&operator, DocumentId::from_uuid(id), ImageOrdinal::try_new(ordinal)?).await?;
    Ok(HttpResponse::Ok()
        .content_type("image/jpeg")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("Content-Security-Policy", "sandbox"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(image))
}

/// Says that a document is good, of the `revision` that one has seen. Papers of refugees and asylum seekers and the
/// source of funds take another operator after the first.
#[utoipa::path(tag = "documents", security(("token" = [])), params(("id" = Uuid, Path)), request_body = AcceptanceBody,
    responses((status = 200, description = "The document", body = QueuedBody), WriteProblems))]
#[post("/documents/{id}/acceptance")]
pub(super) async fn accept_document(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
    body: Body<AcceptanceBody>,
) -> Result<HttpResponse, Problem> {
    let AcceptanceBody { revision, note } = &body.value;
    decide(&house, &operator, *id, *revision, DocumentVerdict::Accept, note).await
}

/// Says that a document is not good, of the `revision` that one has seen. The person sees the reason, not the note.
#[utoipa::path(tag = "documents", security(("token" = [])), params(("id" = Uuid, Path)), request_body = RejectionBody,
    responses((status = 200, description = "The document", body = QueuedBody), WriteProblems))]
#[post("/documents/{id}/rejection")]
pub(super) async fn reject_document(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
    body: Body<RejectionBody>,
) -> Result<HttpResponse, Problem> {
    let RejectionBody { revision, reason, note } = &body.value;
    let mut faults = Faults::default();
    let reason = DocumentRejection::from_word(reason).ok_or("it is no reason to reject a document");
    let Some(reason) = faults.check("/reason", "reason", reason) else { return Err(faults.problem()) };
    decide(&house, &operator, *id, *revision, DocumentVerdict::Reject(reason), note).await
}

async fn decide(
    house: &House,
    operator: &Operator,
    id: Uuid,
    revision: u32,
    verdict: DocumentVerdict,
    note: &str,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let revision = faults.check("/revision", "revision", i32::try_from(revision));
    let Some(revision) = revision else { return Err(faults.problem()) };
    let decided = house.documents.decide(operator, DocumentId::from_uuid(id), revision, verdict, note).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(QueuedBody::from(decided)))
}
