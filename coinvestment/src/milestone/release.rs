//! The release of a milestone's money, and who has to wait before it.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use ledger::{AccountCode, Entry, EntryKind, IdempotencyKey, UnitOfWork};
use uuid::Uuid;

use super::effects::{self, Released};
use super::store::{Milestones, Row};
use super::{APPROVALS_NEEDED, Milestone, MilestoneEvent, MilestoneId, MilestoneState};
use crate::project::escrow;
use crate::schema::{approvals, milestones, projects};
use crate::{Clearance, DisbursementId, Error, OwnerId};

/// Releases that one run takes at most.
const MOST_RELEASED: i64 = 100;

pub(crate) const RELEASED: EntryKind = EntryKind::new("milestone-released");

impl Milestones {
    /// The unit of work that releases a milestone's money, once enough parties approved and neither owner nor supplier
    /// has to wait; the database counts the approvals again when it is booked. For a released milestone it is the same
    /// unit, which the ledger has booked before.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], [`Error::NotApproved`], [`Error::UnderReview`].
    pub async fn releasing(&self, milestone: MilestoneId, clearance: &impl Clearance) -> Result<UnitOfWork, Error> {
        let (unit, state) = self.release_of(milestone).await?;
        if state != MilestoneState::Released && !self.under_review(&[milestone], clearance).await?.is_empty() {
            return Err(Error::UnderReview);
        }
        Ok(unit)
    }

    /// The units of work of milestones that are approved and not released, for a worker: what a crash between an
    /// approval and its release left behind, and what waited for a review that is over.
    ///
    /// # Errors
    /// When the database or the clearance does not answer.
    pub async fn releases_due(&self, limit: i64, clearance: &impl Clearance) -> Result<Vec<UnitOfWork>, Error> {
        let limit = limit.clamp(1, MOST_RELEASED);
        let enough = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut units = Vec::new();
        let mut after = MilestoneId::from_uuid(Uuid::nil());
        while units.len() < enough {
            let approved = self.approved_after(after, limit).await?;
            let Some(last) = approved.last() else { break };
            after = *last;
            // Those that wait must not keep the others from being released.
            let waiting = self.under_review(&approved, clearance).await?;
            for milestone in approved.into_iter().filter(|milestone| !waiting.contains(milestone)) {
                units.push(self.release_of(milestone).await?.0);
            }
        }
        Ok(units)
    }

    /// Those of the milestones that have to wait, because somebody looks at who their owner or their supplier is.
    ///
    /// # Errors
    /// When the database or the clearance does not answer.
    pub async fn under_review(
        &self,
        milestones: &[MilestoneId],
        clearance: &impl Clearance,
    ) -> Result<HashSet<MilestoneId>, Error> {
        let owners: HashMap<MilestoneId, OwnerId> = {
            let mut connection = self.database.connection().await?;
            let rows: Vec<(MilestoneId, OwnerId)> = milestones::table
                .inner_join(projects::table)
                .filter(milestones::milestone_id.eq_any(milestones))
                .select((milestones::milestone_id, projects::owner_id))
                .load(&mut connection)
                .await?;
            rows.into_iter().collect()
        };
        let parties = owners.iter().flat_map(|(milestone, owner)| [milestone.uuid(), owner.uuid()]).collect();
        let waiting = clearance.waiting(parties).await?;
        let waits = |(milestone, owner): (MilestoneId, OwnerId)| {
            (waiting.contains(&milestone.uuid()) || waiting.contains(&owner.uuid())).then_some(milestone)
        };
        Ok(owners.into_iter().filter_map(waits).collect())
    }

    async fn approved_after(&self, after: MilestoneId, limit: i64) -> Result<Vec<MilestoneId>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(approvals::table
            .inner_join(milestones::table)
            .filter(milestones::state.eq(MilestoneState::Reported.word()))
            .filter(approvals::milestone_id.gt(after))
            .group_by(approvals::milestone_id)
            .having(diesel::dsl::count_star().ge(i64::try_from(APPROVALS_NEEDED).unwrap_or(i64::MAX)))
            .order(approvals::milestone_id)
            .limit(limit)
            .select(approvals::milestone_id)
            .load(&mut connection)
            .await?)
    }

    async fn release_of(&self, milestone: MilestoneId) -> Result<(UnitOfWork, MilestoneState), Error> {
        let mut connection = self.database.connection().await?;
        let (row, institution): (Row, String) = milestones::table
            .inner_join(projects::table)
            .filter(milestones::milestone_id.eq(milestone))
            .select((Row::as_select(), projects::institution))
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::NotFound("milestone"))?;
        let milestone = self.complete_one(&mut connection, row).await?;
        Ok((self.release(&milestone, &institution)?, milestone.state))
    }

    fn release(&self, milestone: &Milestone, institution: &str) -> Result<UnitOfWork, Error> {
        if milestone.state != MilestoneState::Released {
            milestone.state.after(MilestoneEvent::Released)?;
        }
        let given = milestone.approvals.len();
        if given < APPROVALS_NEEDED {
            return Err(Error::NotApproved { given, needed: APPROVALS_NEEDED });
        }
        let amount = milestone.amount.ok_or(Error::Corrupt("a reported milestone without an amount"))?;
        let entry = Entry::builder(RELEASED, self.clock.today())
            .description(format!("milestone {}", milestone.ordinal))
            .subject(milestone.id.uuid())
            .debit(escrow(milestone.project)?, amount)
            .credit(AccountCode::held_by("liabilities:payables", institution)?, amount)
            .build()?;
        let effect = effects::released(&Released {
            milestone: milestone.id.uuid(),
            project: milestone.project.uuid(),
            disbursement: DisbursementId::derived(milestone.id).uuid(),
            amount_minor: amount.minor(),
            approvals_needed: APPROVALS_NEEDED,
        })?;
        Ok(UnitOfWork::new(IdempotencyKey::derived(milestone.id.uuid(), "release"), entry).causing(effect))
    }
}
