use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::{GuardianId, Operator, WaitingGuardian};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;

/// Somebody who was named as a guardian and waits for consent.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingGuardian)]
pub(super) struct WaitingGuardianBody {
    id: Uuid,
    child: Uuid,
    person: Uuid,
    named_by: Uuid,
    named_at: DateTime<Utc>,
    /// Guardians that the child has now; where another than who named them is among these, they have to agree.
    active_guardians: i64,
}

impl From<WaitingGuardian> for WaitingGuardianBody {
    fn from(waiting: WaitingGuardian) -> Self {
        Self {
            id: waiting.id.uuid(),
            child: waiting.child.uuid(),
            person: waiting.person.uuid(),
            named_by: waiting.named_by.uuid(),
            named_at: waiting.named_at,
            active_guardians: waiting.active_guardians,
        }
    }
}

/// Guardians who were named and wait for consent, the oldest first.
#[utoipa::path(tag = "guardians", security(("token" = [])),
    responses((status = 200, description = "Those who wait", body = [WaitingGuardianBody]), ReadProblems))]
#[get("/guardians")]
pub(super) async fn list_waiting_guardians(
    house: web::Data<House>,
    operator: Admitted<Operator>,
) -> Result<HttpResponse, Problem> {
    let waiting = house.families.guardians.waiting(&operator).await?;
    Ok(HttpResponse::Ok().json(waiting.into_iter().map(WaitingGuardianBody::from).collect::<Vec<_>>()))
}

/// Agrees to a guardian where the child has no other one who could.
#[utoipa::path(tag = "guardians", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 204, description = "Agreed"), WriteProblems))]
#[post("/guardians/{id}/consent")]
pub(super) async fn consent_to_guardian(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    house.families.guardians.consent_by_operator(&operator, GuardianId::from_uuid(*id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
