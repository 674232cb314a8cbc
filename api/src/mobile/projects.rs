use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use coinvestment::{
    Commitment, ContributorId, Kind, MilestoneDraft, MilestoneId, NewProject, OwnerId, ProjectDraft, ProjectId,
};
use ledger::BasisPoints;
use onboarding::{Person, Tier};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::beneficiaries::partner;
use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem, kinds};
use crate::screened;
use crate::wire::project::{MilestoneBody, ProjectBody};
use crate::wire::whole::whole;
use crate::wire::{MoneyBody, words};

/// A community project, as its owner describes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProjectBody {
    /// Public.
    #[schema(min_length = 1, max_length = 120)]
    title: String,
    /// Public.
    #[schema(min_length = 1, max_length = 4000)]
    summary: String,
    /// The code of the institution that is to vet it.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", example = "caisse-thies")]
    institution: String,
    /// Below this, everybody has the money back.
    minimum: MoneyBody,
    maximum: MoneyBody,
    deadline: DateTime<Utc>,
    #[schema(min_items = 1, max_items = 20)]
    milestones: Vec<NewMilestone>,
}

/// A step of a project; the shares sum to 10000.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMilestone {
    /// Public.
    #[schema(min_length = 1, max_length = 120)]
    title: String,
    /// Hundredths of a percent of what is raised.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 10000)]
    share_basis_points: u32,
    /// Who is paid for it; told to the institution only.
    #[schema(min_length = 1, max_length = 120)]
    supplier: String,
}

/// What was reached.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    #[schema(min_length = 1, max_length = 2000)]
    evidence: String,
}

/// A part of a remittance that went to a project.
#[derive(Serialize, ToSchema)]
#[schema(as = Commitment)]
pub(super) struct CommitmentBody {
    id: Uuid,
    project: Uuid,
    remittance: Uuid,
    amount: MoneyBody,
    #[schema(value_type = words::CommitmentState)]
    state: &'static str,
    committed_at: DateTime<Utc>,
}

impl From<Commitment> for CommitmentBody {
    fn from(commitment: Commitment) -> Self {
        Self {
            id: commitment.id.uuid(),
            project: commitment.project.uuid(),
            remittance: commitment.remittance,
            amount: commitment.amount.into(),
            state: commitment.state.word(),
            committed_at: commitment.committed_at,
        }
    }
}

fn owner(person: &Person) -> OwnerId {
    OwnerId::from_uuid(person.id().uuid())
}

impl NewProjectBody {
    fn checked(&self, now: DateTime<Utc>) -> Result<NewProject, Problem> {
        let mut faults = Faults::default();
        let minimum = self.minimum.positive("/minimum", &mut faults);
        let maximum = self.maximum.positive("/maximum", &mut faults);
        let (Some(minimum), Some(maximum)) = (minimum, maximum) else { return Err(faults.problem()) };
        let draft = ProjectDraft {
            kind: Kind::Community,
            title: self.title.clone(),
            summary: self.summary.clone(),
            institution: self.institution.clone(),
            minimum,
            maximum,
            deadline: self.deadline,
            milestones: self
                .milestones
                .iter()
                .map(|milestone| MilestoneDraft {
                    title: milestone.title.clone(),
                    share: BasisPoints::new(milestone.share_basis_points),
                    supplier: milestone.supplier.clone(),
                })
                .collect(),
        };
        Ok(NewProject::try_new(draft, now)?)
    }
}

/// Hands in a community project to an institution's vetting.
#[utoipa::path(tag = "projects", security(("token" = [])), params(KeyHeader), request_body = NewProjectBody,
    responses((status = 201, description = "The project", body = ProjectBody), WriteProblems))]
#[post("/projects")]
pub(super) async fn submit_project(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    body: Body<NewProjectBody>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |seed| {
        if person.tier() < Tier::Identity {
            return Err(Problem::new(&kinds::FORBIDDEN, "say who you are first: a project has an owner with a name"));
        }
        screened::may_go_on(&house, &person).await?;
        let project = body.value.checked(house.clock.now())?;
        partner(&house, &body.value.institution).await?;
        let id = ProjectId::from_uuid(Uuid::new_v5(&seed, b"project"));
        for (milestone, supplier) in project.suppliers(id) {
            if !screened::enter_supplier(&house, owner(&person), milestone, supplier).await? {
                return Err(Problem::new(&kinds::KEY_REUSED, "by this key another project is handed in already"));
            }
        }
        let project = house.projects.submit(owner(&person), id, project).await?;
        Answer::created(ProjectBody::read(&house, project).await?)
    })
    .await
}

/// One's own projects, the newest first.
#[utoipa::path(tag = "projects", security(("token" = [])),
    responses((status = 200, description = "The projects", body = [ProjectBody]), ReadProblems))]
#[get("/projects")]
pub(super) async fn list_projects(house: web::Data<House>, person: Admitted<Person>) -> Result<HttpResponse, Problem> {
    let own = house.projects.of_owner(owner(&person)).await?;
    Ok(HttpResponse::Ok().json(ProjectBody::read_all(&house, own).await?))
}

/// Opens the campaign of a vetted project.
#[utoipa::path(tag = "projects", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The project", body = ProjectBody), WriteProblems))]
#[post("/projects/{id}/opening")]
pub(super) async fn open_campaign(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        screened::may_go_on(&house, &person).await?;
        let project = house.projects.open(owner(&person), ProjectId::from_uuid(*id)).await?;
        Answer::ok(ProjectBody::read(&house, project).await?)
    })
    .await
}

/// Ends a campaign that has reached its minimum, before its deadline.
#[utoipa::path(tag = "projects", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The project", body = ProjectBody), WriteProblems))]
#[post("/projects/{id}/closing")]
pub(super) async fn close_campaign(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        screened::may_go_on(&house, &person).await?;
        let project = house.projects.close(owner(&person), ProjectId::from_uuid(*id)).await?;
        Answer::ok(ProjectBody::read(&house, project).await?)
    })
    .await
}

/// Hands in the evidence that a milestone is reached.
#[utoipa::path(tag = "projects", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = Report,
    responses((status = 200, description = "The milestone", body = MilestoneBody), WriteProblems))]
#[post("/milestones/{id}/report")]
pub(super) async fn report_milestone(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<Report>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |_| {
        screened::may_go_on(&house, &person).await?;
        let milestone = MilestoneId::from_uuid(*id);
        let reported = house.milestones.report(owner(&person), milestone, &body.value.evidence).await?;
        Answer::ok(MilestoneBody::new(&reported))
    })
    .await
}

/// What of one's remittances went to projects, and what became of it.
#[utoipa::path(tag = "projects", security(("token" = [])),
    responses((status = 200, description = "The commitments", body = [CommitmentBody]), ReadProblems))]
#[get("/commitments")]
pub(super) async fn list_commitments(
    house: web::Data<House>,
    person: Admitted<Person>,
) -> Result<HttpResponse, Problem> {
    let own = house.commitments.of(ContributorId::from_uuid(person.id().uuid())).await?;
    Ok(HttpResponse::Ok().json(own.into_iter().map(CommitmentBody::from).collect::<Vec<_>>()))
}
