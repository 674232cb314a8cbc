use actix_web::{HttpResponse, get, post, web};
use coinvestment::{MilestoneId, Party};
use onboarding::Operator;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::funding;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::wire::project::{MilestoneBody, MilestoneForApproval};

/// Milestones that one list shows at most.
const MOST_SHOWN: i64 = 100;

/// Milestones that are reported and wait for approval, the oldest first.
#[utoipa::path(tag = "projects", security(("token" = [])),
    responses((status = 200, description = "The milestones", body = [MilestoneForApproval]), ReadProblems))]
#[get("/milestones")]
pub(super) async fn list_milestones(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
) -> Result<HttpResponse, Problem> {
    let waiting = house.milestones.waiting(MOST_SHOWN).await?;
    Ok(HttpResponse::Ok().json(MilestoneForApproval::read_all(&house, &waiting).await?))
}

/// Approves a reported milestone. With the second kind of party, its tranche is released.
#[utoipa::path(tag = "projects", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The milestone", body = MilestoneBody), WriteProblems))]
#[post("/milestones/{id}/approval")]
pub(super) async fn approve_milestone(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*operator, &key, [0; 32], async |_| {
        let party = Party::Operator(operator.id().uuid());
        let milestone = funding::approve(&house, party, MilestoneId::from_uuid(*id)).await?;
        Answer::ok(MilestoneBody::new(&milestone))
    })
    .await
}
