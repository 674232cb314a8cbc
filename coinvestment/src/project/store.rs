use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{Currency, Money};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;
use uuid::Uuid;

use super::{
    Kind, MAX_CHECKLIST, NewProject, OwnerId, Project, ProjectEvent, ProjectId, ProjectState, Terms, VettingDecision,
    line,
};
use crate::schema::{project_history, projects};
use crate::{Error, milestone};

/// Projects that one list shows at most.
const MOST_SHOWN: i64 = 100;
/// Characters of a point of a checklist, and of the reason of a rejection.
const LONGEST_POINT: usize = 200;

/// A step of a project's life.
#[derive(Clone, Debug, Queryable)]
pub struct HistoryLine {
    /// The state it came into.
    pub state: String,
    /// Why.
    pub cause: String,
    /// By whom.
    pub actor: String,
    /// The entry, where money moved.
    pub entry: Option<Uuid>,
    /// When.
    pub happened_at: DateTime<Utc>,
}

/// All projects.
#[derive(Clone)]
pub struct Projects {
    pub(super) database: Database,
    cipher: Cipher,
    pub(super) clock: Clock,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = projects)]
pub(super) struct Row {
    project_id: ProjectId,
    owner_id: OwnerId,
    kind: String,
    terms: String,
    title: String,
    summary: String,
    institution: String,
    currency: String,
    minimum_minor: i64,
    maximum_minor: i64,
    raised_minor: i64,
    deadline: DateTime<Utc>,
    state: String,
    checklist: Vec<String>,
    rejected_because: Option<String>,
    submitted_at: DateTime<Utc>,
}

impl Projects {
    /// The projects of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock) -> Self {
        Self { database, cipher, clock }
    }

    /// Hands in a project. A repeated id answers the project that was made first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the id is another owner's project.
    pub async fn submit(&self, owner: OwnerId, id: ProjectId, project: NewProject) -> Result<Project, Error> {
        let now = self.clock.now();
        let draft = project.draft();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let inserted = diesel::insert_into(projects::table)
                    .values((
                        projects::project_id.eq(id),
                        projects::owner_id.eq(owner),
                        projects::kind.eq(draft.kind.word()),
                        projects::terms.eq(Terms::Gift.word()),
                        projects::title.eq(&draft.title),
                        projects::summary.eq(&draft.summary),
                        projects::institution.eq(&draft.institution),
                        projects::currency.eq(project.currency().code()),
                        projects::minimum_minor.eq(draft.minimum.minor()),
                        projects::maximum_minor.eq(draft.maximum.minor()),
                        projects::deadline.eq(draft.deadline),
                        projects::state.eq(ProjectState::Submitted.word()),
                        projects::submitted_at.eq(now),
                    ))
                    .on_conflict(projects::project_id)
                    .do_nothing()
                    .execute(connection)
                    .await?;
                if inserted == 1 {
                    milestone::plan_in(connection, &self.cipher, id, project.currency(), &draft.milestones).await?;
                    record_in(connection, id, ProjectState::Submitted, "handed in", "owner", now).await?;
                }
                let known = find_in(connection, id).await?.filter(|known| known.owner == owner);
                known.ok_or(Error::NotFound("project"))
            })
            .await
    }

    /// The institution says what it found. Saying the same again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another institution's project, [`Error::WrongState`] when it was decided otherwise, and
    /// [`Error::Checklist`] or [`Error::Text`] for a faulty decision.
    pub async fn vet(&self, institution: &str, id: ProjectId, decision: VettingDecision) -> Result<Project, Error> {
        let decision = checked(decision)?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let project = lock_in(connection, id).await?;
                if project.institution != institution {
                    return Err(Error::NotFound("project"));
                }
                let said_before = match decision {
                    VettingDecision::Approve { .. } => project.state.is_public(),
                    VettingDecision::Reject { .. } => project.state == ProjectState::Rejected,
                };
                if said_before {
                    return Ok(project);
                }
                let state = project.state.after(decision.event())?;
                let (checklist, because) = match &decision {
                    VettingDecision::Approve { checklist } => (checklist.as_slice(), None),
                    VettingDecision::Reject { reason } => (&[][..], Some(reason.as_str())),
                };
                diesel::update(projects::table.find(id))
                    .set((
                        projects::state.eq(state.word()),
                        projects::checklist.eq(checklist),
                        projects::rejected_because.eq(because),
                    ))
                    .execute(connection)
                    .await?;
                let cause = because.unwrap_or("every point of the checklist was found good");
                record_in(connection, id, state, cause, institution, now).await?;
                find_in(connection, id).await?.ok_or(Error::NotFound("project"))
            })
            .await
    }

    /// The owner begins the campaign. Doing so again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], or [`Error::DeadlinePassed`] when there is no time left for it.
    pub async fn open(&self, owner: OwnerId, id: ProjectId) -> Result<Project, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let project = lock_own_in(connection, owner, id).await?;
                if project.state == ProjectState::Open {
                    return Ok(project);
                }
                let state = project.state.after(ProjectEvent::Opened)?;
                if project.deadline <= now {
                    return Err(Error::DeadlinePassed(project.deadline));
                }
                set_state_in(connection, id, state).await?;
                record_in(connection, id, state, "the owner began the campaign", "owner", now).await?;
                find_in(connection, id).await?.ok_or(Error::NotFound("project"))
            })
            .await
    }

    /// A project as anybody may see it.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for what is not vetted.
    pub async fn get(&self, id: ProjectId) -> Result<Project, Error> {
        let mut connection = self.database.connection().await?;
        let found = find_in(&mut connection, id).await?;
        found.filter(|project| project.state.is_public()).ok_or(Error::NotFound("project"))
    }

    /// The projects that take commitments, those that end first before the others.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_projects(&self, limit: i64) -> Result<Vec<Project>, Error> {
        let query = projects::table
            .filter(projects::state.eq(ProjectState::Open.word()))
            .filter(projects::deadline.gt(self.clock.now()))
            .order((projects::deadline, projects::project_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(Row::as_select());
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(Row::project).collect()
    }

    /// An owner's projects, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of_owner(&self, owner: OwnerId) -> Result<Vec<Project>, Error> {
        let query = projects::table
            .filter(projects::owner_id.eq(owner))
            .order((projects::submitted_at.desc(), projects::project_id.desc()))
            .limit(MOST_SHOWN)
            .select(Row::as_select());
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(Row::project).collect()
    }

    /// The projects that an institution vets or vetted, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn for_institution(&self, institution: &str, limit: i64) -> Result<Vec<Project>, Error> {
        let query = projects::table
            .filter(projects::institution.eq(institution))
            .order((projects::submitted_at.desc(), projects::project_id.desc()))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(Row::as_select());
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(Row::project).collect()
    }

    /// One project that an institution vets or vetted.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another institution's project.
    pub async fn vetted_by(&self, institution: &str, id: ProjectId) -> Result<Project, Error> {
        let mut connection = self.database.connection().await?;
        let row: Option<Row> = projects::table
            .find(id)
            .filter(projects::institution.eq(institution))
            .select(Row::as_select())
            .first(&mut connection)
            .await
            .optional()?;
        row.ok_or(Error::NotFound("project"))?.project()
    }

    /// The steps of a project, in order; empty for a project that is not there. Whoever asks may see the project.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn history(&self, id: ProjectId) -> Result<Vec<HistoryLine>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(project_history::table
            .filter(project_history::project_id.eq(id))
            .order(project_history::ordinal)
            .select((
                project_history::state,
                project_history::cause,
                project_history::actor,
                project_history::entry,
                project_history::happened_at,
            ))
            .load(&mut connection)
            .await?)
    }
}

fn checked(decision: VettingDecision) -> Result<VettingDecision, Error> {
    match decision {
        VettingDecision::Approve { checklist } if !(1..=MAX_CHECKLIST).contains(&checklist.len()) => {
            Err(Error::Checklist { most: MAX_CHECKLIST })
        }
        VettingDecision::Approve { checklist } => {
            let checklist = checklist.iter().map(|point| line("checklist", point, LONGEST_POINT));
            Ok(VettingDecision::Approve { checklist: checklist.collect::<Result<_, _>>()? })
        }
        VettingDecision::Reject { reason } => {
            Ok(VettingDecision::Reject { reason: line("reason", &reason, LONGEST_POINT)? })
        }
    }
}

pub(crate) async fn find_in(connection: &mut AsyncPgConnection, id: ProjectId) -> Result<Option<Project>, Error> {
    let row: Option<Row> = projects::table.find(id).select(Row::as_select()).first(connection).await.optional()?;
    row.map(Row::project).transpose()
}

/// The project, its row held until the transaction ends.
async fn lock_in(connection: &mut AsyncPgConnection, id: ProjectId) -> Result<Project, Error> {
    let row: Option<Row> =
        projects::table.find(id).select(Row::as_select()).for_update().first(connection).await.optional()?;
    row.ok_or(Error::NotFound("project"))?.project()
}

pub(super) async fn lock_own_in(
    connection: &mut AsyncPgConnection,
    owner: OwnerId,
    id: ProjectId,
) -> Result<Project, Error> {
    let project = lock_in(connection, id).await?;
    if project.owner == owner { Ok(project) } else { Err(Error::NotFound("project")) }
}

/// One open project whose deadline has passed and that nobody else holds, its row held until the transaction ends.
pub(super) async fn lock_due_in(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> Result<Option<Project>, Error> {
    let row: Option<Row> = projects::table
        .filter(projects::state.eq(ProjectState::Open.word()))
        .filter(projects::deadline.le(now))
        .order(projects::deadline)
        .select(Row::as_select())
        .for_update()
        .skip_locked()
        .first(connection)
        .await
        .optional()?;
    row.map(Row::project).transpose()
}

/// The caller holds the project's row and has asked the table of transitions.
pub(super) async fn set_state_in(
    connection: &mut AsyncPgConnection,
    id: ProjectId,
    state: ProjectState,
) -> Result<(), Error> {
    diesel::update(projects::table.find(id)).set(projects::state.eq(state.word())).execute(connection).await?;
    Ok(())
}

pub(super) async fn record_in(
    connection: &mut AsyncPgConnection,
    id: ProjectId,
    state: ProjectState,
    cause: &str,
    actor: &str,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::insert_into(project_history::table)
        .values((
            project_history::project_id.eq(id),
            project_history::state.eq(state.word()),
            project_history::cause.eq(cause),
            project_history::actor.eq(actor),
            project_history::happened_at.eq(at),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

impl Row {
    fn project(self) -> Result<Project, Error> {
        let currency = Currency::try_new(&self.currency).map_err(|_| Error::Corrupt("a currency"))?;
        Ok(Project {
            id: self.project_id,
            owner: self.owner_id,
            kind: Kind::from_word(&self.kind)?,
            terms: Terms::from_word(&self.terms)?,
            title: self.title,
            summary: self.summary,
            institution: self.institution,
            minimum: Money::from_minor(self.minimum_minor, currency),
            maximum: Money::from_minor(self.maximum_minor, currency),
            raised: Money::from_minor(self.raised_minor, currency),
            deadline: self.deadline,
            state: ProjectState::from_word(&self.state).ok_or(Error::Corrupt("a project's state"))?,
            checklist: self.checklist,
            rejected_because: self.rejected_because,
            submitted_at: self.submitted_at,
        })
    }
}
