use actix_web::{HttpRequest, HttpResponse, post, put, web};
use chrono::{DateTime, Utc};
use onboarding::RecoveryId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::account::{ContactOnly, contact};
use super::sign_in::network;
use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::house::House;
use crate::openapi::WriteProblems;
use crate::problem::{Faults, Problem};

/// How long an answer takes at least whatever the contact is, so that its time tells nothing.
const ANSWERED_AFTER: std::time::Duration = std::time::Duration::from_millis(250);

/// A recovery that was asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryAsked {
    recovery: Uuid,
}

/// The code that was sent to the contact.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecoveryCode {
    #[schema(pattern = "^[0-9]{10}$")]
    code: String,
    /// A code of the person's authenticator app, if they have it still: then there is nothing to wait for.
    #[schema(value_type = Option<String>, pattern = "^[0-9]{6}$")]
    totp: Option<SecretString>,
}

/// A recovery that has begun.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryBegunBody {
    /// What completes it; shown this once.
    key: String,
    /// From when on. It can be completed for seven days then.
    ready_at: DateTime<Utc>,
}

/// The new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecoveryCompletion {
    #[schema(value_type = String, min_length = 1, max_length = 200, format = Password)]
    key: SecretString,
    #[schema(value_type = String, min_length = 10, max_length = 128, format = Password)]
    password: SecretString,
}

/// The present password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordOnly {
    #[schema(value_type = String, min_length = 1, max_length = 128, format = Password)]
    password: SecretString,
}

/// The present password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    #[schema(value_type = String, min_length = 1, max_length = 128, format = Password)]
    present: SecretString,
    #[schema(value_type = String, min_length = 10, max_length = 128, format = Password)]
    password: SecretString,
}

/// Sends a code to a contact whose password or second factor is lost. The answer is the same for a contact that nobody
/// has.
#[utoipa::path(tag = "account", request_body = ContactOnly,
    responses((status = 202, description = "A message is on its way, if the contact has an account",
        body = RecoveryAsked), WriteProblems))]
#[post("/recoveries")]
pub(super) async fn ask_recovery(
    house: web::Data<House>,
    request: HttpRequest,
    body: Body<ContactOnly>,
) -> Result<HttpResponse, Problem> {
    let answered_at = tokio::time::Instant::now() + ANSWERED_AFTER;
    let mut faults = Faults::default();
    let Some(contact) = contact(&body.value.contact, &mut faults) else { return Err(faults.problem()) };
    let asked = house.people.ask_recovery(&contact, network(&request)).await;
    tokio::time::sleep_until(answered_at).await;
    Ok(HttpResponse::Accepted().json(RecoveryAsked { recovery: asked?.uuid() }))
}

/// Begins a recovery by its code. It waits then: the owner is told, and can stop it.
#[utoipa::path(tag = "account", params(("recovery" = Uuid, Path)), request_body = RecoveryCode,
    responses((status = 200, description = "Begun", body = RecoveryBegunBody), WriteProblems))]
#[post("/recoveries/{recovery}/confirmation")]
pub(super) async fn begin_recovery(
    house: web::Data<House>,
    request: HttpRequest,
    recovery: web::Path<Uuid>,
    body: Body<RecoveryCode>,
) -> Result<HttpResponse, Problem> {
    let answered_at = tokio::time::Instant::now() + ANSWERED_AFTER;
    let (id, body) = (RecoveryId::from_uuid(*recovery), body.value);
    let begun = house.people.begin_recovery(id, &body.code, body.totp.as_ref(), network(&request)).await;
    tokio::time::sleep_until(answered_at).await;
    let begun = begun?;
    let body = RecoveryBegunBody { key: begun.key.reveal().to_owned(), ready_at: begun.ready_at };
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(body))
}

/// Gives the account a new password, and signs all its devices out.
#[utoipa::path(tag = "account", params(("recovery" = Uuid, Path)), request_body = RecoveryCompletion,
    responses((status = 204, description = "There is a new password"), WriteProblems))]
#[post("/recoveries/{recovery}/completion")]
pub(super) async fn complete_recovery(
    house: web::Data<House>,
    recovery: web::Path<Uuid>,
    body: Body<RecoveryCompletion>,
) -> Result<HttpResponse, Problem> {
    let id = RecoveryId::from_uuid(*recovery);
    house.people.complete_recovery(id, &body.value.key, &body.value.password).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Stops the recovery of the account by somebody else.
#[utoipa::path(tag = "account", security(("token" = [])), request_body = PasswordOnly,
    responses((status = 204, description = "Stopped"), WriteProblems))]
#[post("/me/recovery/cancellation")]
pub(super) async fn cancel_recovery(
    house: web::Data<House>,
    request: HttpRequest,
    person: Admitted<StronglyAuthenticated>,
    body: Body<PasswordOnly>,
) -> Result<HttpResponse, Problem> {
    house.people.cancel_recovery(&person, &body.value.password, network(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes the password, and signs the other devices out.
#[utoipa::path(tag = "account", security(("token" = [])), request_body = PasswordChange,
    responses((status = 204, description = "Changed"), WriteProblems))]
#[put("/me/password")]
pub(super) async fn change_password(
    house: web::Data<House>,
    request: HttpRequest,
    person: Admitted<StronglyAuthenticated>,
    body: Body<PasswordChange>,
) -> Result<HttpResponse, Problem> {
    let PasswordChange { present, password } = &body.value;
    house.people.change_password(&person, present, password, network(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}
