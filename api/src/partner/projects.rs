use actix_web::{HttpResponse, get, post, web};
use coinvestment::{MilestoneId, Party, ProjectId, VettingDecision};
use onboarding::Institution;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::Body;
use crate::funding;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::wire::project::{MilestoneBody, MilestoneForApproval, ProjectBody};

/// Projects that one list shows at most.
const MOST_SHOWN: i64 = 100;

/// What the institution says of a project.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "decision", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Vetting {
    /// It is good.
    Approve {
        /// What was looked at and found good.
        #[schema(min_items = 1, max_items = 20)]
        checklist: Vec<String>,
    },
    /// It is not.
    Reject {
        #[schema(min_length = 1, max_length = 500)]
        reason: String,
    },
}

impl From<Vetting> for VettingDecision {
    fn from(vetting: Vetting) -> Self {
        match vetting {
            Vetting::Approve { checklist } => Self::Approve { checklist },
            Vetting::Reject { reason } => Self::Reject { reason },
        }
    }
}

/// Projects that ask, or asked, for this institution's vetting.
#[utoipa::path(tag = "projects", security(("token" = [])),
    responses((status = 200, description = "The projects", body = [ProjectBody]), ReadProblems))]
#[get("/projects")]
pub(super) async fn list_projects(
    house: web::Data<House>,
    institution: Admitted<Institution>,
) -> Result<HttpResponse, Problem> {
    let projects = house.projects.for_institution(institution.code().as_str(), MOST_SHOWN).await?;
    Ok(HttpResponse::Ok().json(ProjectBody::read_all(&house, projects).await?))
}

/// Decides on a project.
#[utoipa::path(tag = "projects", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = Vetting,
    responses((status = 200, description = "The project", body = ProjectBody), WriteProblems))]
#[post("/projects/{id}/vetting")]
pub(super) async fn vet_project(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<Vetting>,
) -> Result<HttpResponse, Problem> {
    let Body { value, digest } = body;
    once(&house, &*institution, &key, digest, async |_| {
        let decision = value.into();
        let project = house.projects.vet(institution.code().as_str(), ProjectId::from_uuid(*id), decision).await?;
        Answer::ok(ProjectBody::read(&house, project).await?)
    })
    .await
}

/// The milestones of a project, with what is shown for them and who is paid.
#[utoipa::path(tag = "projects", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The milestones", body = [MilestoneForApproval]), ReadProblems))]
#[get("/projects/{id}/milestones")]
pub(super) async fn list_milestones(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let project = house.projects.vetted_by(institution.code().as_str(), ProjectId::from_uuid(*id)).await?;
    let milestones = house.milestones.of(project.id).await?;
    Ok(HttpResponse::Ok().json(MilestoneForApproval::read_all(&house, &milestones).await?))
}

/// Approves a reported milestone. With the second kind of party, its tranche is released.
#[utoipa::path(tag = "projects", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The milestone", body = MilestoneBody), WriteProblems))]
#[post("/milestones/{id}/approval")]
pub(super) async fn approve_milestone(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*institution, &key, [0; 32], async |_| {
        let party = Party::Institution(institution.code().as_str().to_owned());
        let milestone = funding::approve(&house, party, MilestoneId::from_uuid(*id)).await?;
        Answer::ok(MilestoneBody::new(&milestone))
    })
    .await
}
