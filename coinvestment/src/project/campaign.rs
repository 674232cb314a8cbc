//! The end of a campaign: funded with its minimum, failed without it.
//!
//! Both happen under the project's lock, so that no commitment slips in between the decision and what follows from it.

use chrono::{DateTime, Utc};
use diesel_async::{AsyncConnection, AsyncPgConnection};

use super::store::{lock_due_in, lock_own_in, record_in, set_state_in};
use super::{OwnerId, Project, ProjectEvent, ProjectId, ProjectState, Projects, find_in};
use crate::{Error, commitment, milestone};

/// Campaigns that one run ends at most.
const MOST_ENDED: usize = 100;

impl Projects {
    /// The owner ends the campaign with what it raised: the commitments are confirmed and the milestones' amounts
    /// fixed. Doing so again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], [`Error::BelowMinimum`].
    pub async fn close(&self, owner: OwnerId, id: ProjectId) -> Result<Project, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let project = lock_own_in(connection, owner, id).await?;
                if project.state == ProjectState::Funded {
                    return Ok(project);
                }
                let state = project.state.after(ProjectEvent::Closed)?;
                if !project.reached_minimum() {
                    return Err(Error::BelowMinimum { raised: project.raised, minimum: project.minimum });
                }
                fund_in(connection, &project, state).await?;
                record_in(connection, id, state, "the owner closed the campaign", "owner", now).await?;
                find_in(connection, id).await?.ok_or(Error::NotFound("project"))
            })
            .await
    }

    /// Ends campaigns whose deadline has passed; answers how many. For a worker: any number may run at once.
    ///
    /// # Errors
    /// When the database does not answer; the campaigns ended before stay ended.
    pub async fn end_due(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let mut ended = 0;
        while ended < MOST_ENDED && self.end_one(now).await? {
            ended += 1;
        }
        Ok(ended)
    }

    /// One campaign a transaction: the ledger's writer then waits for one at most.
    async fn end_one(&self, now: DateTime<Utc>) -> Result<bool, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let Some(project) = lock_due_in(connection, now).await? else { return Ok(false) };
                let state = if project.reached_minimum() {
                    let state = project.state.after(ProjectEvent::Closed)?;
                    fund_in(connection, &project, state).await?;
                    state
                } else {
                    let state = project.state.after(ProjectEvent::Failed)?;
                    set_state_in(connection, project.id, state).await?;
                    state
                };
                let (raised, minimum, currency) = (project.raised, project.minimum, project.currency());
                let cause = format!("the deadline passed with {raised} of at least {minimum} {currency}");
                record_in(connection, project.id, state, &cause, "teranga", now).await?;
                tracing::info!(project = %project.id, state = state.word(), "a campaign ended at its deadline");
                Ok(true)
            })
            .await
    }
}

async fn fund_in(connection: &mut AsyncPgConnection, project: &Project, state: ProjectState) -> Result<(), Error> {
    let confirmed = commitment::confirm_in(connection, project.id, project.currency()).await?;
    if confirmed != project.raised {
        return Err(Error::Corrupt("an amount raised that is not the sum of the commitments"));
    }
    milestone::fix_amounts_in(connection, project.id, confirmed).await?;
    set_state_in(connection, project.id, state).await
}
