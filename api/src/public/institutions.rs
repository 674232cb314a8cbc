use actix_web::{HttpResponse, get, web};
use onboarding::InstitutionApplication;
use serde::Serialize;
use utoipa::ToSchema;

use crate::house::House;
use crate::openapi::OpenProblems;
use crate::problem::Problem;
use crate::wire::words;

/// An institution that serves people.
#[derive(Serialize, ToSchema)]
#[schema(as = Institution)]
pub(super) struct InstitutionBody {
    code: String,
    name: String,
    country: String,
    /// None means the whole country.
    regions: Vec<String>,
    languages: Vec<String>,
    #[schema(value_type = Vec<words::Product>)]
    products: Vec<&'static str>,
}

impl From<InstitutionApplication> for InstitutionBody {
    fn from(profile: InstitutionApplication) -> Self {
        Self {
            code: profile.code.as_str().to_owned(),
            name: profile.name,
            country: profile.country.code().to_owned(),
            regions: profile.regions,
            languages: profile.languages,
            products: profile.products.iter().map(|product| product.word()).collect(),
        }
    }
}

/// The institutions that serve people, by code.
#[utoipa::path(tag = "institutions",
    responses((status = 200, description = "The institutions", body = [InstitutionBody]), OpenProblems))]
#[get("/institutions")]
pub(super) async fn list_institutions(house: web::Data<House>) -> Result<HttpResponse, Problem> {
    let live = house.institutions.live().await?;
    let bodies: Vec<_> = live.into_iter().map(|(_, profile)| InstitutionBody::from(profile)).collect();
    Ok(HttpResponse::Ok().json(bodies))
}
