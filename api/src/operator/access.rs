use actix_web::{HttpResponse, get, post, web};
use onboarding::{IssuedCredential, Operator};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::audit::SafeguardingBody;
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::tokens::Audience;
use crate::wire::sign_in::{self, ClientCredentials, TokenBody};

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

/// Whether clients' money is covered, at the day's rates.
#[utoipa::path(tag = "book", security(("token" = [])),
    responses((status = 200, description = "The equation", body = SafeguardingBody), ReadProblems))]
#[get("/safeguarding")]
pub(super) async fn read_safeguarding(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(SafeguardingBody::read(&house, &house.audited).await?))
}
