use actix_web::{HttpResponse, get, post, put, web};
use chrono::{DateTime, NaiveDate, Utc};
use onboarding::{Assurance, Contact, Country, Identity, Language, Person};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::screened;
use crate::wire::MoneyBody;

/// Who wants to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Registration {
    /// A mail address, or a phone number in E.164 form.
    #[schema(min_length = 3, max_length = 254, example = "awa@example.org")]
    contact: String,
    #[schema(value_type = String, min_length = 10, max_length = 128, format = Password)]
    password: SecretString,
    /// BCP 47.
    #[schema(pattern = "^(en|fr|es|pt|ar)$")]
    language: String,
}

/// A contact.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContactOnly {
    #[schema(min_length = 3, max_length = 254, example = "awa@example.org")]
    pub(super) contact: String,
}

/// The code that was sent to a contact.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    #[schema(min_length = 3, max_length = 254, example = "awa@example.org")]
    contact: String,
    #[schema(pattern = "^[0-9]{6}$")]
    code: String,
}

/// Who a person says to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityBody {
    /// In one piece and in any script.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    birth_date: NaiveDate,
    #[schema(min_length = 1, max_length = 200)]
    address: String,
    /// ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
}

/// A person, and what they may do.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    id: Uuid,
    /// 0 contact confirmed, 1 identity stated, 2 document seen, 3 source of funds known.
    tier: i16,
    language: &'static str,
    /// The most that can be sent at once.
    limit_per_transfer: MoneyBody,
    /// The most that can be sent in any thirty days.
    limit_thirty_days: MoneyBody,
    /// Whether the limits are lower for a while, since the account was recovered.
    limits_lowered: bool,
    /// The device that asks.
    device: Uuid,
    /// Whether money can go out as it is: the device is proven, and the second factor was shown lately if there is one.
    strongly_authenticated: bool,
    /// While somebody recovers the account: from when on they can give it a new password. Stop it if it is not you.
    recovery_ready_at: Option<DateTime<Utc>>,
}

pub(super) fn contact(text: &str, faults: &mut Faults) -> Option<Contact> {
    faults.check("/contact", "contact", Contact::try_new(text))
}

/// Registers a contact and sends it a code. The answer is the same for a contact that is registered already.
#[utoipa::path(tag = "account", request_body = Registration,
    responses((status = 202, description = "A message is on its way"), WriteProblems))]
#[post("/registrations")]
pub(super) async fn register(house: web::Data<House>, body: Body<Registration>) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let contact = contact(&body.value.contact, &mut faults);
    let language = faults.check("/language", "language", Language::try_new(&body.value.language));
    let (Some(contact), Some(language)) = (contact, language) else { return Err(faults.problem()) };
    if matches!(contact, Contact::Phone(_)) && !house.configuration.settings.reaches_phones() {
        faults.add("/contact", "phone-not-reached", "text messages are not sent here; register with a mail address");
        return Err(faults.problem());
    }
    house.people.register(&contact, &body.value.password, language).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Sends another code. The answer is the same for a contact that nobody registered.
#[utoipa::path(tag = "account", request_body = ContactOnly,
    responses((status = 202, description = "A message is on its way, if the contact waits for one"), WriteProblems))]
#[post("/registrations/code")]
pub(super) async fn send_code_again(house: web::Data<House>, body: Body<ContactOnly>) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let Some(contact) = contact(&body.value.contact, &mut faults) else { return Err(faults.problem()) };
    house.people.resend_code(&contact).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Confirms a contact by its code.
#[utoipa::path(tag = "account", request_body = Confirmation,
    responses((status = 204, description = "The contact is confirmed"), WriteProblems))]
#[post("/registrations/confirmation")]
pub(super) async fn confirm_contact(
    house: web::Data<House>,
    body: Body<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let Some(contact) = contact(&body.value.contact, &mut faults) else { return Err(faults.problem()) };
    house.people.confirm(&contact, &body.value.code).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who is signed in.
#[utoipa::path(tag = "account", security(("token" = [])),
    responses((status = 200, description = "The person", body = Me), ReadProblems))]
#[get("/me")]
pub(super) async fn read_me(house: web::Data<House>, person: Admitted<Person>) -> Result<HttpResponse, Problem> {
    let limits = house.sending_limits(&person);
    let recovery_ready_at = house.people.waiting_recovery(&person).await?;
    Ok(HttpResponse::Ok().json(Me {
        id: person.id().uuid(),
        tier: person.tier().number(),
        language: person.language().code(),
        limit_per_transfer: limits.per_transfer.into(),
        limit_thirty_days: limits.thirty_days.into(),
        limits_lowered: person.has_lowered_limits(),
        device: person.device().uuid(),
        strongly_authenticated: person.assurance() == Assurance::Strong,
        recovery_ready_at,
    }))
}

/// Keeps who a person says to be, which lifts them to tier 1.
#[utoipa::path(tag = "account", security(("token" = [])), request_body = IdentityBody,
    responses((status = 204, description = "Kept"), WriteProblems))]
#[put("/me/identity")]
pub(super) async fn state_identity(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    body: Body<IdentityBody>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let given = &body.value;
    let country = faults.check("/country", "country", Country::try_new(&given.country));
    let Some(country) = country else { return Err(faults.problem()) };
    let identity = Identity::try_new(&given.name, given.birth_date, &given.address, country, house.clock.now())?;
    // Held against the lists first: an identity that is kept is one that was screened.
    screened::enter_person(&house, &person, &identity).await?;
    house.people.state_identity(&person, &identity).await?;
    Ok(HttpResponse::NoContent().finish())
}
