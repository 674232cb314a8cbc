use actix_web::{HttpRequest, HttpResponse, get, post, web};
use coinvestment::ProjectId;
use ledger::{NewUnit, Registration, UnitCode, UnitError};
use onboarding::Operator;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::Body;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::unit::{UnitBody, UnitPage};

/// A unit to be registered; never changed afterwards.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUnit)]
pub(super) struct NewUnitBody {
    #[schema(pattern = "^unit:[a-z][a-z0-9-]{0,17}[a-z0-9]$", example = "unit:solar-1")]
    code: String,
    /// What it is called, on one line; no personal data.
    #[schema(min_length = 1, max_length = 120, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    name: String,
    /// Decimals of its smallest part; whole units when left out.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 6)]
    decimals: u8,
    /// The project whose units they are; it is vetted.
    project: Uuid,
}

/// Registers a unit of a project, once and for all books. Saying the same again changes nothing.
#[utoipa::path(tag = "units", security(("token" = [])), request_body = NewUnitBody,
    responses(
        (status = 200, description = "It was registered before", body = UnitBody),
        (status = 201, description = "The unit", body = UnitBody),
        WriteProblems))]
#[post("/units")]
pub(super) async fn register_unit(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    body: Body<NewUnitBody>,
) -> Result<HttpResponse, Problem> {
    let given = body.value;
    let mut faults = Faults::default();
    let code = faults.check("/code", "unit-code", UnitCode::try_new(&given.code));
    let project = house.projects.get(ProjectId::from_uuid(given.project)).await;
    if matches!(project, Err(coinvestment::Error::NotFound(_))) {
        faults.add("/project", "unknown-project", "name a project that was vetted");
    } else {
        project?;
    }
    let Some(code) = code else { return Err(faults.problem()) };
    faults.finish()?;
    let new = NewUnit { code, name: given.name, decimals: given.decimals, subject: given.project };
    let (unit, registration) = house.ledger.register_unit(new).await?;
    let mut response = match registration {
        Registration::Registered => HttpResponse::Created(),
        Registration::AlreadyRegistered => HttpResponse::Ok(),
    };
    Ok(response.json(UnitBody::from(unit)))
}

/// The registered units.
#[utoipa::path(tag = "units", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = UnitPage), ReadProblems))]
#[get("/units")]
pub(super) async fn list_units(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let page = UnitPage::read(&house.ledger, &page).await?;
    Ok(cursor::answer(&request, page.next.as_deref()).json(page))
}

impl From<UnitError> for Problem {
    fn from(error: UnitError) -> Self {
        let mut faults = Faults::default();
        let said = error.to_string();
        match error {
            UnitError::Taken { .. } => return Self::new(&crate::problem::kinds::CODE_TAKEN, said),
            UnitError::Ledger(error) => return error.into(),
            UnitError::Name => faults.add("/name", "text", said),
            UnitError::Decimals(_) => faults.add("/decimals", "decimals", said),
            other => return Self::internal(&other),
        }
        faults.problem()
    }
}
