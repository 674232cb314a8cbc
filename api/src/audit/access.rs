use actix_web::{HttpResponse, post, web};

use crate::house::House;
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::tokens::Audience;
use crate::wire::sign_in::{self, ClientCredentials, TokenBody};

/// Gives a token for client credentials (RFC 6749, 4.4), while the grant lasts.
#[utoipa::path(tag = "access",
    request_body(content = ClientCredentials, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A token", body = TokenBody), WriteProblems))]
#[post("/oauth/token")]
pub(super) async fn give_token(
    house: web::Data<House>,
    form: web::Form<ClientCredentials>,
) -> Result<HttpResponse, Problem> {
    form.check_grant_type()?;
    let auditor = house.access.sign_in_auditor(form.client_id, &form.client_secret).await;
    sign_in::token(&house, Audience::Audit, auditor.map_err(sign_in::refused)?.grant().uuid())
}
