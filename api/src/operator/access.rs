use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Duration, Utc};
use onboarding::{IssuedCredential, Operator};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::audit::SafeguardingBody;
use crate::body::Body;
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::tokens::Audience;
use crate::wire::sign_in::{self, ClientCredentials, TokenBody};

/// The longest that an auditor may read under one grant.
const LONGEST_GRANT: Duration = Duration::days(366);

/// A credential, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct Credential {
    client_id: Uuid,
    client_secret: String,
}

impl From<IssuedCredential> for Credential {
    fn from(issued: IssuedCredential) -> Self {
        Self { client_id: issued.client_id, client_secret: issued.secret.reveal().to_owned() }
    }
}

/// Whom to let read, until when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAuditGrant {
    /// The auditor's name.
    #[schema(min_length = 1, max_length = 200)]
    auditor: String,
    ends_at: DateTime<Utc>,
}

/// A grant and the credential for it, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditGrant {
    grant: Uuid,
    #[serde(flatten)]
    credential: Credential,
}

/// Gives a token for client credentials (RFC 6749, 4.4).
#[utoipa::path(tag = "access",
    request_body(content = ClientCredentials, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A token", body = TokenBody), WriteProblems))]
#[post("/oauth/token")]
pub(super) async fn give_token(
    house: web::Data<House>,
    form: web::Form<ClientCredentials>,
) -> Result<HttpResponse, Problem> {
    form.check_grant_type()?;
    let operator = house.access.sign_in_operator(form.client_id, &form.client_secret).await;
    sign_in::token(&house, Audience::Operator, operator.map_err(sign_in::refused)?.id().uuid())
}

/// Lets an auditor read until a time. The credential is not kept in clear: a repeated request makes another grant.
#[utoipa::path(tag = "access", security(("token" = [])), request_body = NewAuditGrant,
    responses((status = 201, description = "The grant", body = AuditGrant), WriteProblems))]
#[post("/audit-grants")]
pub(super) async fn grant_audit(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    body: Body<NewAuditGrant>,
) -> Result<HttpResponse, Problem> {
    let now = house.clock.now();
    if body.value.ends_at <= now || body.value.ends_at > now + LONGEST_GRANT {
        let mut faults = Faults::default();
        faults.add("/ends_at", "ends-at", "a grant ends in the future, within 366 days");
        return Err(faults.problem());
    }
    let (grant, issued) = house.access.grant_audit(&operator, &body.value.auditor, body.value.ends_at).await?;
    let answer = AuditGrant { grant: grant.uuid(), credential: issued.into() };
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(answer))
}

/// Whether clients' money is covered, at the day's rates.
#[utoipa::path(tag = "book", security(("token" = [])),
    responses((status = 200, description = "The equation", body = SafeguardingBody), ReadProblems))]
#[get("/safeguarding")]
pub(super) async fn read_safeguarding(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(SafeguardingBody::read(&house).await?))
}
