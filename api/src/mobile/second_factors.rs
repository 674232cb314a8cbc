use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use onboarding::{ChallengeId, Factor, FactorId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::sign_in::{name, network};
use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::words;

/// A second factor.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactor)]
pub(super) struct FactorBody {
    id: Uuid,
    #[schema(value_type = words::SecondFactorKind)]
    kind: &'static str,
    name: Option<String>,
    /// Since when it is asked for.
    confirmed_at: DateTime<Utc>,
}

impl From<Factor> for FactorBody {
    fn from(factor: Factor) -> Self {
        let Factor { id, kind, name, confirmed_at } = factor;
        Self { id: id.uuid(), kind: kind.word(), name, confirmed_at }
    }
}

/// What the person calls it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FactorName {
    #[schema(min_length = 1, max_length = 60)]
    name: Option<String>,
}

/// An authenticator app that is being set up.
#[derive(Serialize, ToSchema)]
pub(super) struct NewOneTimeCodesBody {
    id: Uuid,
    /// In base 32, for typing.
    secret: String,
    /// For a square code.
    #[schema(format = "uri")]
    address: String,
}

/// A code of an authenticator app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneTimeCodeBody {
    #[schema(value_type = String, pattern = "^[0-9]{6}$")]
    code: SecretString,
}

/// What a passkey is asked to make.
#[derive(Serialize, ToSchema)]
pub(super) struct NewPasskeyBody {
    challenge: Uuid,
    /// `CredentialCreationOptions` of WebAuthn.
    #[schema(value_type = Object)]
    passkey: serde_json::Value,
}

/// What a passkey made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyMade {
    /// What the person calls it.
    #[schema(min_length = 1, max_length = 60)]
    name: Option<String>,
    /// The `PublicKeyCredential` of WebAuthn, as its `toJSON` gives it.
    #[schema(value_type = Object)]
    credential: serde_json::Value,
}

/// The person's second factors; at most ten.
#[utoipa::path(tag = "account", security(("token" = [])),
    responses((status = 200, description = "Second factors", body = [FactorBody]), ReadProblems))]
#[get("/me/second-factors")]
pub(super) async fn list_second_factors(
    house: web::Data<House>,
    person: Admitted<onboarding::Person>,
) -> Result<HttpResponse, Problem> {
    let factors = house.people.second_factors(&person).await?;
    Ok(HttpResponse::Ok().json(factors.into_iter().map(FactorBody::from).collect::<Vec<_>>()))
}

/// Begins to set up an authenticator app. One that was begun before and not confirmed is forgotten.
#[utoipa::path(tag = "account", security(("token" = [])), request_body = FactorName,
    responses((status = 201, description = "What the app reads", body = NewOneTimeCodesBody), WriteProblems))]
#[post("/me/second-factors/totp")]
pub(super) async fn begin_one_time_codes(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    body: Body<FactorName>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let name = name("/name", body.value.name.as_deref(), &mut faults);
    if !faults.is_empty() {
        return Err(faults.problem());
    }
    let begun = house.people.begin_one_time_codes(&person, name.as_deref()).await?;
    let secret = begun.secret.expose_secret().to_owned();
    let body = NewOneTimeCodesBody { id: begun.id.uuid(), secret, address: begun.address };
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(body))
}

/// Confirms an authenticator app by a code that it shows. From then on it is asked for at each sign-in.
#[utoipa::path(tag = "account", security(("token" = [])), params(("factor" = Uuid, Path)),
    request_body = OneTimeCodeBody, responses((status = 204, description = "Confirmed"), WriteProblems))]
#[put("/me/second-factors/totp/{factor}/confirmation")]
pub(super) async fn confirm_one_time_codes(
    house: web::Data<House>,
    request: HttpRequest,
    person: Admitted<StronglyAuthenticated>,
    factor: web::Path<Uuid>,
    body: Body<OneTimeCodeBody>,
) -> Result<HttpResponse, Problem> {
    let factor = FactorId::from_uuid(*factor);
    house.people.confirm_one_time_codes(&person, factor, &body.value.code, network(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Begins to set up a passkey.
#[utoipa::path(tag = "account", security(("token" = [])),
    responses((status = 201, description = "What the passkey is asked", body = NewPasskeyBody), WriteProblems))]
#[post("/me/second-factors/passkeys")]
pub(super) async fn begin_passkey(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
) -> Result<HttpResponse, Problem> {
    let (challenge, passkey) = house.people.begin_passkey(&person).await?;
    let body = NewPasskeyBody { challenge: challenge.uuid(), passkey };
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(body))
}

/// Keeps the passkey that answered. From then on it is asked for at each sign-in.
#[utoipa::path(tag = "account", security(("token" = [])), params(("challenge" = Uuid, Path)),
    request_body = PasskeyMade, responses((status = 201, description = "Kept", body = FactorBody), WriteProblems))]
#[post("/me/second-factors/passkeys/{challenge}/confirmation")]
pub(super) async fn confirm_passkey(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    challenge: web::Path<Uuid>,
    body: Body<PasskeyMade>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let name = name("/name", body.value.name.as_deref(), &mut faults);
    if !faults.is_empty() {
        return Err(faults.problem());
    }
    let challenge = ChallengeId::from_uuid(*challenge);
    let factor = house.people.confirm_passkey(&person, challenge, name.as_deref(), body.value.credential).await?;
    Ok(HttpResponse::Created().json(FactorBody::from(factor)))
}

/// Removes a second factor.
#[utoipa::path(tag = "account", security(("token" = [])), params(("factor" = Uuid, Path)),
    responses((status = 204, description = "Removed"), ReadProblems))]
#[delete("/me/second-factors/{factor}")]
pub(super) async fn remove_second_factor(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    factor: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    house.people.remove_second_factor(&person, FactorId::from_uuid(*factor)).await?;
    Ok(HttpResponse::NoContent().finish())
}
