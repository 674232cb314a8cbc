//! Projects and their milestones in JSON, as several audiences see them.

use chrono::{DateTime, Utc};
use coinvestment::{Milestone, MilestoneId, Project, ProjectId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyBody, words};
use crate::house::House;
use crate::problem::Problem;
use crate::screened::Screened;

/// A project.
#[derive(Serialize, ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectBody {
    id: Uuid,
    #[schema(value_type = words::ProjectKind)]
    kind: &'static str,
    #[schema(value_type = words::ProjectTerms)]
    terms: &'static str,
    title: String,
    summary: String,
    /// The institution that vets it and pays its suppliers.
    institution: String,
    minimum: MoneyBody,
    maximum: MoneyBody,
    raised: MoneyBody,
    deadline: DateTime<Utc>,
    #[schema(value_type = words::ProjectState)]
    state: &'static str,
    /// What the institution looked at and found good.
    checklist: Vec<String>,
    /// Why the institution rejected it.
    rejected_because: Option<String>,
    milestones: Vec<MilestoneBody>,
}

/// A step of a project. Who is paid for it is not told here.
#[derive(Serialize, ToSchema)]
#[schema(as = Milestone)]
pub(crate) struct MilestoneBody {
    id: Uuid,
    title: String,
    /// Its share of what is raised, in hundredths of a percent.
    share_basis_points: u32,
    /// Fixed when the campaign is funded.
    amount: Option<MoneyBody>,
    #[schema(value_type = words::MilestoneState)]
    state: &'static str,
    /// The kinds of parties that approved it; two are needed.
    #[schema(value_type = Vec<words::ApprovingParty>)]
    approvals: Vec<&'static str>,
}

impl MilestoneBody {
    pub(crate) fn new(milestone: &Milestone) -> Self {
        Self {
            id: milestone.id.uuid(),
            title: milestone.title.clone(),
            share_basis_points: milestone.share.value(),
            amount: milestone.amount.map(Into::into),
            state: milestone.state.word(),
            approvals: milestone.approvals.iter().map(|approval| approval.kind.word()).collect(),
        }
    }
}

/// A milestone as those see it who approve it: with what is shown for it and who is paid.
#[derive(Serialize, ToSchema)]
pub(crate) struct MilestoneForApproval {
    #[serde(flatten)]
    milestone: MilestoneBody,
    project: Uuid,
    /// What the owner shows for it.
    evidence: Option<String>,
    supplier: String,
    /// Whether our staff look at who the owner or the supplier is: until that is decided, nothing is released.
    under_review: bool,
}

impl MilestoneForApproval {
    /// Several milestones, with what is known of their owners and suppliers.
    pub(crate) async fn read_all(house: &House, milestones: &[Milestone]) -> Result<Vec<Self>, Problem> {
        let ids: Vec<MilestoneId> = milestones.iter().map(|milestone| milestone.id).collect();
        let waiting = house.milestones.under_review(&ids, &Screened(house)).await?;
        let of = |milestone: &Milestone| Self {
            milestone: MilestoneBody::new(milestone),
            project: milestone.project.uuid(),
            evidence: milestone.evidence.clone(),
            supplier: milestone.supplier.clone(),
            under_review: waiting.contains(&milestone.id),
        };
        Ok(milestones.iter().map(of).collect())
    }
}

impl ProjectBody {
    fn new(project: Project, milestones: &[Milestone]) -> Self {
        let own = milestones.iter().filter(|milestone| milestone.project == project.id);
        Self {
            id: project.id.uuid(),
            kind: project.kind.word(),
            terms: project.terms.word(),
            title: project.title,
            summary: project.summary,
            institution: project.institution,
            minimum: project.minimum.into(),
            maximum: project.maximum.into(),
            raised: project.raised.into(),
            deadline: project.deadline,
            state: project.state.word(),
            checklist: project.checklist,
            rejected_because: project.rejected_because,
            milestones: own.map(MilestoneBody::new).collect(),
        }
    }

    /// A project with its milestones.
    pub(crate) async fn read(house: &House, project: Project) -> Result<Self, Problem> {
        let milestones = house.milestones.of(project.id).await?;
        Ok(Self::new(project, &milestones))
    }

    /// Several projects with their milestones.
    pub(crate) async fn read_all(house: &House, projects: Vec<Project>) -> Result<Vec<Self>, Problem> {
        let ids: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
        let milestones = house.milestones.of_all(&ids).await?;
        Ok(projects.into_iter().map(|project| Self::new(project, &milestones)).collect())
    }
}
