//! Credentials of institutions: asked for by one operator, let in by another.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::{CredentialRecord, InstitutionId, Operator, OperatorId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::Credential;
use crate::admission::Admitted;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::wire::words;

/// A credential of an institution, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewInstitutionCredential {
    #[serde(flatten)]
    credential: Credential,
    /// Until a second operator approves it lets nobody in.
    #[schema(value_type = words::CredentialState)]
    state: &'static str,
}

/// A credential of an institution, without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct InstitutionCredential {
    client_id: Uuid,
    #[schema(value_type = words::CredentialState)]
    state: &'static str,
    created_at: DateTime<Utc>,
    /// Who asked for it; none for those of before this was kept.
    issued_by: Option<Uuid>,
    /// The second person who let it in; none where there was nobody else yet.
    approved_by: Option<Uuid>,
    approved_at: Option<DateTime<Utc>>,
    revoked_by: Option<Uuid>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<CredentialRecord> for InstitutionCredential {
    fn from(record: CredentialRecord) -> Self {
        Self {
            client_id: record.client_id,
            state: record.state().word(),
            created_at: record.created_at,
            issued_by: record.issued_by.map(OperatorId::uuid),
            approved_by: record.approved_by.map(OperatorId::uuid),
            approved_at: record.approved_at,
            revoked_by: record.revoked_by.map(OperatorId::uuid),
            revoked_at: record.revoked_at,
        }
    }
}

/// A page of credentials, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct InstitutionCredentialPage {
    items: Vec<InstitutionCredential>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// Makes a further credential for an institution; those it has stay valid. It lets nobody in before another operator
/// approves it; the first operator's is valid at once while there is no second one.
#[utoipa::path(tag = "institutions", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 201, description = "The credential, shown this once", body = NewInstitutionCredential),
        WriteProblems))]
#[post("/institutions/{id}/credentials")]
pub(super) async fn issue_credential(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let (state, issued) = house.access.issue_for_institution(&operator, InstitutionId::from_uuid(*id)).await?;
    let answer = NewInstitutionCredential { credential: issued.into(), state: state.word() };
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(answer))
}

/// The credentials of an institution, the oldest first, with who asked for each and who let it in.
#[utoipa::path(tag = "institutions", security(("token" = [])), params(("id" = Uuid, Path), Page),
    responses((status = 200, description = "A page", body = InstitutionCredentialPage), ReadProblems))]
#[get("/institutions/{id}/credentials")]
pub(super) async fn list_credentials(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let (limit, after) = (page.limit()?, page.after::<Uuid>()?);
    let institution = InstitutionId::from_uuid(*id);
    let found = house.access.credentials_of_institution(&operator, institution, after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.created_at, last.client_id));
    let mut response = cursor::answer(&request, next.as_deref());
    let items = found.into_iter().map(InstitutionCredential::from).collect();
    Ok(response.json(InstitutionCredentialPage { items, next }))
}

/// Lets a credential in that another operator asked for. One that is valid stays so.
#[utoipa::path(tag = "institutions", security(("token" = [])), params(("id" = Uuid, Path), ("client" = Uuid, Path)),
    responses((status = 200, description = "The credential", body = InstitutionCredential), WriteProblems))]
#[post("/institutions/{id}/credentials/{client}/approval")]
pub(super) async fn approve_credential(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let (institution, client) = path.into_inner();
    let institution = InstitutionId::from_uuid(institution);
    let record = house.access.approve_of_institution(&operator, institution, client).await?;
    Ok(HttpResponse::Ok().json(InstitutionCredential::from(record)))
}

/// Takes a credential of an institution back. No token is given by it any more; when it was the last one, the
/// institution's tokens are refused from the next request on.
#[utoipa::path(tag = "institutions", security(("token" = [])), params(("id" = Uuid, Path), ("client" = Uuid, Path)),
    responses((status = 204, description = "It is revoked"), WriteProblems))]
#[post("/institutions/{id}/credentials/{client}/revocation")]
pub(super) async fn revoke_credential(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let (institution, client) = path.into_inner();
    house.access.revoke_of_institution(&operator, InstitutionId::from_uuid(institution), client).await?;
    Ok(HttpResponse::NoContent().finish())
}
