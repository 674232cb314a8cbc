use std::net::Ipv4Addr;

use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use onboarding::{Challenge, ChallengeId, ClientNetwork, Device, DeviceId, FactorAnswer, Person, SignIn, SignedIn};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::account::contact;
use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::tokens::{Audience, Bearer};
use crate::wire::sign_in::access_token;

/// Characters that the name of a device or of a second factor has at most.
const LONGEST_NAME: usize = 60;

/// Who wants to come in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    #[schema(min_length = 3, max_length = 254, example = "awa@example.org")]
    contact: String,
    #[schema(value_type = String, min_length = 1, max_length = 128, format = Password)]
    password: SecretString,
    /// What the person calls this device.
    #[schema(min_length = 1, max_length = 60, example = "Awa's phone")]
    device: Option<String>,
}

/// What shows that it is the person: a code of an authenticator app, or what their passkey answered.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schema(as = FactorAnswer)]
pub(super) enum FactorAnswerBody {
    /// A code by time (RFC 6238).
    #[schema(title = "OneTimeCode")]
    Totp {
        #[schema(value_type = String, pattern = "^[0-9]{6}$")]
        code: SecretString,
    },
    /// A passkey.
    #[schema(title = "PasskeyAnswer")]
    Passkey {
        /// The `PublicKeyCredential` of WebAuthn, as its `toJSON` gives it.
        #[schema(value_type = Object)]
        credential: serde_json::Value,
    },
}

impl From<FactorAnswerBody> for FactorAnswer {
    fn from(body: FactorAnswerBody) -> Self {
        match body {
            FactorAnswerBody::Totp { code } => Self::Totp(code),
            FactorAnswerBody::Passkey { credential } => Self::Passkey(credential),
        }
    }
}

/// The answer to a challenge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChallengeAnswer {
    challenge: Uuid,
    answer: FactorAnswerBody,
}

/// The token that brings the next one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    #[schema(value_type = String, min_length = 1, max_length = 200, format = Password)]
    refresh_token: SecretString,
}

/// Tokens of a device.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceTokens {
    access_token: String,
    /// Bearer
    token_type: &'static str,
    /// Seconds for which the access token is good.
    expires_in: i64,
    /// What brings the next tokens, once. An earlier one signs the device out.
    refresh_token: String,
    device: Uuid,
}

/// A second factor that is asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct ChallengeBody {
    challenge: Uuid,
    expires_at: DateTime<Utc>,
    /// Whether a code of an authenticator app answers it.
    totp: bool,
    /// What to ask the passkey, where the person has one: `CredentialRequestOptions` of WebAuthn.
    #[schema(value_type = Option<Object>)]
    passkey: Option<serde_json::Value>,
}

impl From<Challenge> for ChallengeBody {
    fn from(challenge: Challenge) -> Self {
        let Challenge { id, expires_at, totp, passkey } = challenge;
        Self { challenge: id.uuid(), expires_at, totp, passkey }
    }
}

/// A device that the person is signed in on.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(super) struct DeviceBody {
    id: Uuid,
    name: Option<String>,
    signed_in_at: DateTime<Utc>,
    /// When it last fetched tokens.
    refreshed_at: DateTime<Utc>,
    /// Whether more than the password showed that it is theirs.
    proven: bool,
    /// Whether it is the one that asks.
    current: bool,
}

impl DeviceBody {
    fn new(device: Device, person: &Person) -> Self {
        let Device { id, name, signed_in_at, refreshed_at, proven } = device;
        Self { id: id.uuid(), name, signed_in_at, refreshed_at, proven, current: id == person.device() }
    }
}

/// The code that was sent to the contact.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceCode {
    #[schema(pattern = "^[0-9]{6}$")]
    code: String,
}

/// Where a request comes from.
pub(super) fn network(request: &HttpRequest) -> ClientNetwork {
    let address = request.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    ClientNetwork::of(address)
}

/// The name of a device or of a second factor.
pub(super) fn name(pointer: &str, given: Option<&str>, faults: &mut Faults) -> Option<String> {
    let text = given?.trim();
    if text.is_empty() || text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control) {
        faults.add(pointer, "text", format!("1 to {LONGEST_NAME} characters on one line"));
        return None;
    }
    Some(text.to_owned())
}

fn tokens(house: &House, signed_in: &SignedIn) -> Result<HttpResponse, Problem> {
    let bearer = Bearer { subject: signed_in.person.uuid(), device: Some(signed_in.device.uuid()) };
    let body = DeviceTokens {
        access_token: access_token(house, Audience::Mobile, bearer)?,
        token_type: "Bearer",
        expires_in: house.tokens.lifetime_seconds(),
        refresh_token: signed_in.refresh_token.reveal(),
        device: signed_in.device.uuid(),
    };
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(body))
}

/// Signs in on a device by contact and password. Who has a second factor is asked for it by a 202.
#[utoipa::path(tag = "account", request_body = SignInBody,
    responses((status = 200, description = "Tokens", body = DeviceTokens),
        (status = 202, description = "The second factor is asked for", body = ChallengeBody), WriteProblems))]
#[post("/tokens")]
pub(super) async fn sign_in(
    house: web::Data<House>,
    request: HttpRequest,
    body: Body<SignInBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let contact = contact(&body.value.contact, &mut faults);
    let name = name("/device", body.value.device.as_deref(), &mut faults);
    let (Some(contact), true) = (contact, faults.is_empty()) else { return Err(faults.problem()) };
    let signed_in = house.people.sign_in(&contact, &body.value.password, network(&request), name.as_deref()).await?;
    match signed_in {
        SignIn::Admitted(signed_in) => tokens(&house, &signed_in),
        SignIn::SecondFactor(challenge) => {
            let no_store = ("Cache-Control", "no-store");
            Ok(HttpResponse::Accepted().insert_header(no_store).json(ChallengeBody::from(challenge)))
        }
    }
}

/// Goes on with a sign-in by the second factor that it asked for.
#[utoipa::path(tag = "account", request_body = ChallengeAnswer,
    responses((status = 200, description = "Tokens", body = DeviceTokens), WriteProblems))]
#[post("/tokens/second-factor")]
pub(super) async fn sign_in_by_second_factor(
    house: web::Data<House>,
    request: HttpRequest,
    body: Body<ChallengeAnswer>,
) -> Result<HttpResponse, Problem> {
    let challenge = ChallengeId::from_uuid(body.value.challenge);
    let answer = body.value.answer.into();
    tokens(&house, &house.people.sign_in_by_second_factor(challenge, answer, network(&request)).await?)
}

/// Brings the next tokens of a device. Each refresh token is good once; only the one before may come again within a
/// minute, if its answer was lost, and gets the same refresh token.
#[utoipa::path(tag = "account", request_body = Refresh,
    responses((status = 200, description = "Tokens", body = DeviceTokens), WriteProblems))]
#[post("/tokens/refresh")]
pub(super) async fn refresh(house: web::Data<House>, body: Body<Refresh>) -> Result<HttpResponse, Problem> {
    tokens(&house, &house.people.refresh(&body.value.refresh_token).await?)
}

/// Where the person is signed in; at most 20.
#[utoipa::path(tag = "account", security(("token" = [])),
    responses((status = 200, description = "Devices", body = [DeviceBody]), ReadProblems))]
#[get("/me/devices")]
pub(super) async fn list_devices(house: web::Data<House>, person: Admitted<Person>) -> Result<HttpResponse, Problem> {
    let devices = house.people.devices(&person).await?;
    let devices: Vec<DeviceBody> = devices.into_iter().map(|device| DeviceBody::new(device, &person)).collect();
    Ok(HttpResponse::Ok().json(devices))
}

/// Signs a device out, from its next request on.
#[utoipa::path(tag = "account", security(("token" = [])), params(("device" = Uuid, Path)),
    responses((status = 204, description = "Signed out"), ReadProblems))]
#[delete("/me/devices/{device}")]
pub(super) async fn sign_out(
    house: web::Data<House>,
    person: Admitted<Person>,
    device: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let device = DeviceId::from_uuid(*device);
    if device != person.device() {
        // Who has the password alone must not keep the owner out.
        person.must_be_strong()?;
    }
    house.people.sign_out(&person, device).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sends a code to the contact by which this device is proven. Once a minute, and five times a day.
#[utoipa::path(tag = "account", security(("token" = [])),
    responses((status = 202, description = "A message is on its way"), WriteProblems))]
#[post("/me/device/code")]
pub(super) async fn send_device_code(
    house: web::Data<House>,
    person: Admitted<Person>,
) -> Result<HttpResponse, Problem> {
    house.people.send_device_code(&person).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Proves this device by the code that was sent: then money can go out from it.
#[utoipa::path(tag = "account", security(("token" = [])), request_body = DeviceCode,
    responses((status = 204, description = "Proven"), WriteProblems))]
#[put("/me/device/proof")]
pub(super) async fn prove_device(
    house: web::Data<House>,
    person: Admitted<Person>,
    body: Body<DeviceCode>,
) -> Result<HttpResponse, Problem> {
    house.people.prove_device(&person, &body.value.code).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Asks for the second factor once more, so that money can go out.
#[utoipa::path(tag = "account", security(("token" = [])),
    responses((status = 201, description = "What to answer", body = ChallengeBody), WriteProblems))]
#[post("/me/second-factor/challenges")]
pub(super) async fn ask_second_factor(
    house: web::Data<House>,
    person: Admitted<Person>,
) -> Result<HttpResponse, Problem> {
    let challenge = house.people.ask_second_factor(&person).await?;
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(ChallengeBody::from(challenge)))
}

/// Shows the second factor: for a while, money can go out from this device.
#[utoipa::path(tag = "account", security(("token" = [])), request_body = ChallengeAnswer,
    responses((status = 204, description = "Taken"), WriteProblems))]
#[put("/me/second-factor/proof")]
pub(super) async fn show_second_factor(
    house: web::Data<House>,
    request: HttpRequest,
    person: Admitted<Person>,
    body: Body<ChallengeAnswer>,
) -> Result<HttpResponse, Problem> {
    let challenge = ChallengeId::from_uuid(body.value.challenge);
    house.people.show_second_factor(&person, challenge, body.value.answer.into(), network(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}
