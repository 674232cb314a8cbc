use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{BasisPoints, Currency, Money};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;

use super::{Approval, Milestone, MilestoneEvent, MilestoneId, MilestoneState, Party, PartyKind, tranches};
use crate::project::paragraphs;
use crate::schema::{approvals, milestones, projects};
use crate::{Error, MilestoneDraft, OwnerId, ProjectId, ProjectState};

/// Characters of the evidence that an owner shows.
const LONGEST_EVIDENCE: usize = 4_000;
/// Milestones that one list shows at most.
const MOST_SHOWN: i64 = 100;

pub(crate) const SUPPLIER: &str = "coinvestment.milestones.supplier";
const EVIDENCE: &str = "coinvestment.milestones.evidence";

/// All milestones.
#[derive(Clone)]
pub struct Milestones {
    pub(super) database: Database,
    cipher: Cipher,
    pub(super) clock: Clock,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = milestones)]
pub(super) struct Row {
    milestone_id: MilestoneId,
    project_id: ProjectId,
    ordinal: i32,
    title: String,
    share_basis_points: i32,
    sealed_supplier: Vec<u8>,
    amount_minor: Option<i64>,
    currency: String,
    state: String,
    sealed_evidence: Option<Vec<u8>>,
    reported_at: Option<DateTime<Utc>>,
    released_at: Option<DateTime<Utc>>,
}

/// What of a milestone's project decides who may do what.
struct Surroundings {
    owner: OwnerId,
    institution: String,
    state: ProjectState,
}

impl Milestones {
    /// The milestones of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock) -> Self {
        Self { database, cipher, clock }
    }

    /// A project's milestones, in order; none for a project that is not there. Whoever asks may see the project.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(&self, project: ProjectId) -> Result<Vec<Milestone>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = milestones::table
            .filter(milestones::project_id.eq(project))
            .order(milestones::ordinal)
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        self.complete(&mut connection, rows).await
    }

    /// The milestones of several projects, by project and in order. Whoever asks may see the projects.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of_all(&self, projects: &[ProjectId]) -> Result<Vec<Milestone>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = milestones::table
            .filter(milestones::project_id.eq_any(projects))
            .order((milestones::project_id, milestones::ordinal))
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        self.complete(&mut connection, rows).await
    }

    /// Milestones that are reported and wait for approval, the oldest first; for those who approve.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting(&self, limit: i64) -> Result<Vec<Milestone>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = milestones::table
            .filter(milestones::state.eq(MilestoneState::Reported.word()))
            .order((milestones::reported_at, milestones::milestone_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        self.complete(&mut connection, rows).await
    }

    /// The owner says that a milestone is reached, and shows it. Doing so again changes nothing: what was shown first
    /// is what is approved.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another owner's milestone, [`Error::WrongState`] while the project is not funded, or
    /// [`Error::Text`] for faulty evidence.
    pub async fn report(&self, owner: OwnerId, milestone: MilestoneId, evidence: &str) -> Result<Milestone, Error> {
        let evidence = paragraphs("evidence", evidence, LONGEST_EVIDENCE)?;
        let sealed = self.cipher.encrypt(EVIDENCE, &evidence);
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let (row, around) = lock_in(connection, milestone).await?;
                if around.owner != owner {
                    return Err(Error::NotFound("milestone"));
                }
                let state = row.state()?;
                if state != MilestoneState::Planned {
                    return self.complete_one(connection, row).await;
                }
                let reported = state.after(MilestoneEvent::Reported)?;
                if !around.state.is_under_way() {
                    let wanted = "reported on";
                    return Err(Error::WrongState { thing: "project", state: around.state.word(), wanted });
                }
                let row: Row = diesel::update(milestones::table.find(milestone))
                    .set((
                        milestones::state.eq(reported.word()),
                        milestones::sealed_evidence.eq(Some(sealed)),
                        milestones::reported_at.eq(Some(now)),
                    ))
                    .returning(Row::as_returning())
                    .get_result(connection)
                    .await?;
                self.complete_one(connection, row).await
            })
            .await
    }

    /// A party agrees that a milestone is reached. The first of each kind of party counts; doing so again changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an institution that did not vet the project, [`Error::WrongState`] for what is not
    /// reported.
    pub async fn approve(&self, party: Party, milestone: MilestoneId) -> Result<Milestone, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let (row, around) = lock_in(connection, milestone).await?;
                if matches!(&party, Party::Institution(code) if *code != around.institution) {
                    return Err(Error::NotFound("milestone"));
                }
                let state = row.state()?;
                if state == MilestoneState::Planned {
                    return Err(Error::WrongState { thing: "milestone", state: state.word(), wanted: "approved" });
                }
                if state == MilestoneState::Reported {
                    diesel::insert_into(approvals::table)
                        .values((
                            approvals::milestone_id.eq(milestone),
                            approvals::party_kind.eq(party.kind().word()),
                            approvals::party.eq(party.name()),
                            approvals::approved_at.eq(now),
                        ))
                        .on_conflict_do_nothing()
                        .execute(connection)
                        .await?;
                }
                self.complete_one(connection, row).await
            })
            .await
    }

    pub(super) async fn complete_one(&self, connection: &mut AsyncPgConnection, row: Row) -> Result<Milestone, Error> {
        let completed = self.complete(connection, vec![row]).await?;
        completed.into_iter().next().ok_or(Error::NotFound("milestone"))
    }

    /// Adds the approvals, and opens what is sealed.
    async fn complete(&self, connection: &mut AsyncPgConnection, rows: Vec<Row>) -> Result<Vec<Milestone>, Error> {
        let ids: Vec<MilestoneId> = rows.iter().map(|row| row.milestone_id).collect();
        let given: Vec<(MilestoneId, String, String, DateTime<Utc>)> = approvals::table
            .filter(approvals::milestone_id.eq_any(&ids))
            .order((approvals::approved_at, approvals::party_kind))
            .select((approvals::milestone_id, approvals::party_kind, approvals::party, approvals::approved_at))
            .load(connection)
            .await?;
        rows.into_iter()
            .map(|row| {
                let own = given.iter().filter(|(id, ..)| *id == row.milestone_id);
                let own = own.map(|(_, kind, party, approved_at)| {
                    let kind = PartyKind::from_word(kind)?;
                    Ok(Approval { kind, party: party.clone(), approved_at: *approved_at })
                });
                let own = own.collect::<Result<_, Error>>()?;
                row.milestone(&self.cipher, own)
            })
            .collect()
    }
}

/// Writes a new project's milestones in the caller's transaction.
pub(crate) async fn plan_in(
    connection: &mut AsyncPgConnection,
    cipher: &Cipher,
    project: ProjectId,
    currency: Currency,
    drafts: &[MilestoneDraft],
) -> Result<(), Error> {
    let rows: Vec<_> = (1..)
        .zip(drafts)
        .map(|(ordinal, draft): (i32, _)| {
            (
                milestones::milestone_id.eq(MilestoneId::derived(project, ordinal)),
                milestones::project_id.eq(project),
                milestones::ordinal.eq(ordinal),
                milestones::title.eq(&draft.title),
                milestones::share_basis_points.eq(i32::try_from(draft.share.value()).unwrap_or(i32::MAX)),
                milestones::sealed_supplier.eq(cipher.encrypt(SUPPLIER, &draft.supplier)),
                milestones::currency.eq(currency.code()),
                milestones::state.eq(MilestoneState::Planned.word()),
            )
        })
        .collect();
    diesel::insert_into(milestones::table).values(rows).execute(connection).await?;
    Ok(())
}

/// Divides what was raised over the milestones of a project whose row the caller holds.
pub(crate) async fn fix_amounts_in(
    connection: &mut AsyncPgConnection,
    project: ProjectId,
    raised: Money,
) -> Result<(), Error> {
    let planned: Vec<(MilestoneId, i32)> = milestones::table
        .filter(milestones::project_id.eq(project))
        .order(milestones::ordinal)
        .select((milestones::milestone_id, milestones::share_basis_points))
        .load(connection)
        .await?;
    let shares: Vec<BasisPoints> = planned.iter().map(|(_, share)| stored_share(*share)).collect::<Result<_, _>>()?;
    for ((id, _), amount) in planned.iter().zip(tranches(raised, &shares)?) {
        diesel::update(milestones::table.find(id))
            .set(milestones::amount_minor.eq(Some(amount.minor())))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// The milestone, its row held until the transaction ends.
async fn lock_in(connection: &mut AsyncPgConnection, id: MilestoneId) -> Result<(Row, Surroundings), Error> {
    let row: Option<Row> =
        milestones::table.find(id).select(Row::as_select()).for_update().first(connection).await.optional()?;
    let row = row.ok_or(Error::NotFound("milestone"))?;
    let (owner, institution, state): (OwnerId, String, String) = projects::table
        .find(row.project_id)
        .select((projects::owner_id, projects::institution, projects::state))
        .first(connection)
        .await?;
    let state = ProjectState::from_word(&state).ok_or(Error::Corrupt("a project's state"))?;
    Ok((row, Surroundings { owner, institution, state }))
}

fn stored_share(basis_points: i32) -> Result<BasisPoints, Error> {
    let value = u32::try_from(basis_points).map_err(|_| Error::Corrupt("a milestone's share"))?;
    Ok(BasisPoints::new(value))
}

impl Row {
    fn state(&self) -> Result<MilestoneState, Error> {
        MilestoneState::from_word(&self.state).ok_or(Error::Corrupt("a milestone's state"))
    }

    fn milestone(self, cipher: &Cipher, approvals: Vec<Approval>) -> Result<Milestone, Error> {
        let currency = Currency::try_new(&self.currency).map_err(|_| Error::Corrupt("a currency"))?;
        Ok(Milestone {
            state: self.state()?,
            id: self.milestone_id,
            project: self.project_id,
            ordinal: self.ordinal,
            title: self.title,
            share: stored_share(self.share_basis_points)?,
            amount: self.amount_minor.map(|minor| Money::from_minor(minor, currency)),
            supplier: cipher.decrypt(SUPPLIER, &self.sealed_supplier)?,
            evidence: self.sealed_evidence.map(|sealed| cipher.decrypt(EVIDENCE, &sealed)).transpose()?,
            reported_at: self.reported_at,
            approvals,
            released_at: self.released_at,
        })
    }
}
