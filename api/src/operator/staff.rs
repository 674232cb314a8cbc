use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::{Operator, OperatorId, OperatorRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::Credential;
use crate::admission::Admitted;
use crate::body::Body;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::wire::words;

/// Who is to become an operator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOperator {
    /// As colleagues know them.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// An operator.
#[derive(Serialize, ToSchema)]
#[schema(as = Operator)]
pub(super) struct OperatorBody {
    id: Uuid,
    name: String,
    #[schema(value_type = words::OperatorState)]
    state: &'static str,
    created_at: DateTime<Utc>,
    /// Who asked for them; none for one that was made on the machine itself.
    made_by: Option<Uuid>,
    /// The second person who let them in.
    approved_by: Option<Uuid>,
    approved_at: Option<DateTime<Utc>>,
    revoked_by: Option<Uuid>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<OperatorRecord> for OperatorBody {
    fn from(record: OperatorRecord) -> Self {
        let state = record.state().word();
        Self {
            id: record.id.uuid(),
            name: record.name,
            state,
            created_at: record.created_at,
            made_by: record.made_by.map(OperatorId::uuid),
            approved_by: record.approved_by.map(OperatorId::uuid),
            approved_at: record.approved_at,
            revoked_by: record.revoked_by.map(OperatorId::uuid),
            revoked_at: record.revoked_at,
        }
    }
}

/// A new operator and the credential, shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = MadeOperator)]
pub(super) struct MadeOperatorBody {
    operator: OperatorBody,
    credential: Credential,
}

/// A page of operators, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct OperatorPage {
    items: Vec<OperatorBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// Makes a further operator. They are let in once an operator who did not ask for them approves; the very first operator
/// makes the second one alone. A repeated request makes another one.
#[utoipa::path(tag = "access", security(("token" = [])), request_body = NewOperator,
    responses((status = 201, description = "The operator and the credential", body = MadeOperatorBody), WriteProblems))]
#[post("/operators")]
pub(super) async fn make_operator(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    body: Body<NewOperator>,
) -> Result<HttpResponse, Problem> {
    let (made, issued) = house.access.make_operator(&operator, &body.value.name).await?;
    let answer = MadeOperatorBody { operator: made.into(), credential: issued.into() };
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(answer))
}

/// Lets in an operator for whom a colleague asked.
#[utoipa::path(tag = "access", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The operator", body = OperatorBody), WriteProblems))]
#[post("/operators/{id}/approval")]
pub(super) async fn approve_operator(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let record = house.access.approve_operator(&operator, OperatorId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(OperatorBody::from(record)))
}

/// Sends an operator away: credentials and tokens are good no more, from this moment on. One may send oneself away.
#[utoipa::path(tag = "access", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The operator", body = OperatorBody), WriteProblems))]
#[post("/operators/{id}/revocation")]
pub(super) async fn revoke_operator(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let record = house.access.revoke_operator(&operator, OperatorId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(OperatorBody::from(record)))
}

/// All operators, the oldest first.
#[utoipa::path(tag = "access", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = OperatorPage), ReadProblems))]
#[get("/operators")]
pub(super) async fn list_operators(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let after = page.after::<Uuid>()?.map(|(time, id)| (time, OperatorId::from_uuid(id)));
    let found = house.access.operators(after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.created_at, last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(OperatorPage { items: found.into_iter().map(OperatorBody::from).collect(), next }))
}
