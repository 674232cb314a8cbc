use actix_web::{HttpResponse, post, web};
use onboarding::{
    Country, InstitutionApplication, InstitutionCode, InstitutionEvent, InstitutionId, Operator, Product,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::openapi::WriteProblems;
use crate::problem::{Faults, Problem};
use crate::wire::words;

/// An institution's profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewInstitution {
    /// Its short name, as it stands in account codes.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", example = "caisse-thies")]
    code: String,
    /// Its legal name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// None means the whole country.
    #[serde(default)]
    #[schema(max_items = 50)]
    regions: Vec<String>,
    /// BCP 47.
    #[serde(default)]
    #[schema(max_items = 50)]
    languages: Vec<String>,
    #[schema(value_type = Vec<words::Product>, max_items = 6)]
    products: Vec<Product>,
}

/// Where an institution stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Institution)]
pub(super) struct InstitutionStanding {
    id: Uuid,
    #[schema(value_type = words::InstitutionState)]
    state: &'static str,
}

/// Takes in an institution's profile.
#[utoipa::path(tag = "institutions", security(("token" = [])), request_body = NewInstitution,
    responses((status = 201, description = "The institution", body = InstitutionStanding), WriteProblems))]
#[post("/institutions")]
pub(super) async fn apply_institution(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    body: Body<NewInstitution>,
) -> Result<HttpResponse, Problem> {
    let given = body.value;
    let mut faults = Faults::default();
    let code = faults.check("/code", "institution-code", InstitutionCode::try_new(&given.code));
    let country = faults.check("/country", "country", Country::try_new(&given.country));
    let (Some(code), Some(country)) = (code, country) else { return Err(faults.problem()) };
    let application = InstitutionApplication {
        code,
        name: given.name,
        country,
        regions: given.regions,
        languages: given.languages,
        products: given.products,
    };
    let id = house.institutions.apply(&operator, application).await?;
    let state = onboarding::InstitutionState::Applied.word();
    Ok(HttpResponse::Created().json(InstitutionStanding { id: id.uuid(), state }))
}

async fn advance(
    house: &House,
    operator: &Operator,
    id: Uuid,
    event: InstitutionEvent,
) -> Result<HttpResponse, Problem> {
    let state = house.institutions.advance(operator, InstitutionId::from_uuid(id), event).await?;
    Ok(HttpResponse::Ok().json(InstitutionStanding { id, state: state.word() }))
}

/// Approves an institution that applied.
#[utoipa::path(tag = "institutions", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The institution", body = InstitutionStanding), WriteProblems))]
#[post("/institutions/{id}/approval")]
pub(super) async fn approve_institution(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    advance(&house, &operator, *id, InstitutionEvent::Approve).await
}

/// Lets an institution serve people.
#[utoipa::path(tag = "institutions", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The institution", body = InstitutionStanding), WriteProblems))]
#[post("/institutions/{id}/launch")]
pub(super) async fn launch_institution(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    advance(&house, &operator, *id, InstitutionEvent::GoLive).await
}

/// Stops an institution; its tokens are refused at once.
#[utoipa::path(tag = "institutions", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The institution", body = InstitutionStanding), WriteProblems))]
#[post("/institutions/{id}/suspension")]
pub(super) async fn suspend_institution(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    advance(&house, &operator, *id, InstitutionEvent::Suspend).await
}
