use actix_web::{HttpResponse, post, web};
use coinvestment::{MilestoneId, Party};
use onboarding::Operator;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::funding;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::wire::project::MilestoneBody;

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
