//! Signing in: tokens, and the client credentials of OAuth 2 (RFC 6749, 4.4).

use actix_web::HttpResponse;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::house::House;
use crate::problem::{Problem, kinds};
use crate::tokens::{Audience, Bearer};

/// A token, as RFC 6749 answers it.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenBody {
    access_token: String,
    /// Bearer
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
}

/// What a client can be given a token for.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes what is checked by hand, so that its refusal has the word of RFC 6749")]
enum GrantType {
    ClientCredentials,
}

/// Client credentials, sent as a form. Parameters that are not known are ignored (RFC 6749, 3.2).
#[derive(Deserialize, ToSchema)]
pub(crate) struct ClientCredentials {
    #[schema(inline, value_type = GrantType)]
    grant_type: String,
    pub(crate) client_id: Uuid,
    #[schema(value_type = String, min_length = 1, max_length = 200, format = Password)]
    pub(crate) client_secret: SecretString,
}

impl ClientCredentials {
    pub(crate) fn check_grant_type(&self) -> Result<(), Problem> {
        if self.grant_type == "client_credentials" {
            return Ok(());
        }
        Err(Problem::new(&kinds::MALFORMED, "grant_type: client_credentials").named_by_oauth("unsupported_grant_type"))
    }
}

/// The answer that hands over a token.
pub(crate) fn token(house: &House, audience: Audience, subject: Uuid) -> Result<HttpResponse, Problem> {
    let access_token = access_token(house, audience, Bearer { subject, device: None })?;
    let body = TokenBody { access_token, token_type: "Bearer", expires_in: house.tokens.lifetime_seconds() };
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(body))
}

/// A signed token.
pub(crate) fn access_token(house: &House, audience: Audience, bearer: Bearer) -> Result<String, Problem> {
    let token = house.tokens.issue(audience, bearer, house.clock.now());
    token.ok_or_else(|| Problem::internal(&"a token cannot be signed"))
}

/// What a failed sign-in of a client answers: nobody learns which part was wrong, or whether the client is stopped.
pub(crate) fn refused(error: onboarding::Error) -> Problem {
    match error {
        onboarding::Error::WrongCredentials | onboarding::Error::AccountUnusable => {
            Problem::new(&kinds::WRONG_CREDENTIALS, "client_id or client_secret is not right")
                .named_by_oauth("invalid_client")
        }
        other => other.into(),
    }
}
