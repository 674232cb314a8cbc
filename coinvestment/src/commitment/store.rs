use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ledger::{AccountCode, Currency, Entry, EntryKind, IdempotencyKey, Money, UnitOfWork};
use platform::clock::Clock;
use platform::database::Database;
use uuid::Uuid;

use super::effects::{self, Committed};
use super::{Commitment, CommitmentEvent, CommitmentId, CommitmentState, ContributorId, Placing, Withdrawing};
use crate::project::{escrow, find_in as find_project_in};
use crate::schema::{commitments, projects};
use crate::{Acquaintance, Error, Project, ProjectId, ProjectState};

/// Commitments that one list shows at most.
const MOST_SHOWN: i64 = 100;
/// Refunds that one run takes at most: about a batch of the ledger.
const MOST_REFUNDED: i64 = 1_000;

pub(crate) const REFUNDED: EntryKind = EntryKind::new("commitment-refunded");

/// All commitments.
#[derive(Clone)]
pub struct Commitments {
    database: Database,
    clock: Clock,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = commitments)]
struct Row {
    commitment_id: CommitmentId,
    project_id: ProjectId,
    contributor_id: ContributorId,
    remittance_id: Uuid,
    amount_minor: i64,
    currency: String,
    state: String,
    committed_at: DateTime<Utc>,
}

impl Commitments {
    /// The commitments of a database.
    #[must_use]
    pub const fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// What puts a part of a remittance into a project: the account, and the change of state to book with the entry
    /// that funds the remittance. The database looks again when it is booked.
    ///
    /// A part that was placed before is answered the same without another look, so that a repeated funding is the
    /// same unit of work.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotKnownEnough`], and those of [`Project::takes`].
    pub async fn placing(
        &self,
        project: ProjectId,
        contributor: ContributorId,
        remittance: Uuid,
        amount: Money,
        known: &impl Acquaintance,
    ) -> Result<Placing, Error> {
        let id = CommitmentId::derived(remittance, project);
        let mut connection = self.database.connection().await?;
        let placed = find_in(&mut connection, id).await?;
        if !placed.is_some_and(|placed| placed.contributor == contributor && placed.amount == amount) {
            let found = public_in(&mut connection, project).await?;
            found.takes(amount, self.clock.now())?;
            // Whoever answers may need a connection: nobody's waits for another meanwhile.
            drop(connection);
            found.is_open_to(known.standing(contributor).await?)?;
        }
        let effect = effects::committed(&Committed {
            commitment: id.uuid(),
            project: project.uuid(),
            contributor: contributor.uuid(),
            remittance,
            amount_minor: amount.minor(),
            currency: amount.currency().code(),
        })?;
        Ok(Placing { account: escrow(project)?, effect })
    }

    /// Whether a project takes so much of somebody now, for a quote; promises nothing for later.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotKnownEnough`], and those of [`Project::takes`].
    pub async fn check(
        &self,
        project: ProjectId,
        contributor: ContributorId,
        amount: Money,
        known: &impl Acquaintance,
    ) -> Result<(), Error> {
        let found = public_in(&mut *self.database.connection().await?, project).await?;
        found.takes(amount, self.clock.now())?;
        found.is_open_to(known.standing(contributor).await?)
    }

    /// What a cancelled remittance has back from projects whose campaigns still run, for its cancelling entry.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn withdrawing(&self, remittance: Uuid) -> Result<Vec<Withdrawing>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = commitments::table
            .inner_join(projects::table)
            .filter(commitments::remittance_id.eq(remittance))
            .filter(commitments::state.eq(CommitmentState::Held.word()))
            .filter(projects::state.eq(ProjectState::Open.word()))
            .order(commitments::project_id)
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        rows.into_iter()
            .map(|row| {
                let commitment = row.commitment()?;
                commitment.state.after(CommitmentEvent::Withdrawn)?;
                Ok(Withdrawing {
                    project: commitment.project,
                    amount: commitment.amount,
                    account: escrow(commitment.project)?,
                    effect: effects::withdrawn(commitment.id.uuid(), commitment.project.uuid())?,
                })
            })
            .collect()
    }

    /// A contributor's commitments, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(&self, contributor: ContributorId) -> Result<Vec<Commitment>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = commitments::table
            .filter(commitments::contributor_id.eq(contributor))
            .order((commitments::committed_at.desc(), commitments::commitment_id))
            .limit(MOST_SHOWN)
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        rows.into_iter().map(Row::commitment).collect()
    }

    /// The units of work that give back what is still held in failed projects, for a worker. A unit that was booked
    /// is not due any more, so a run that was cut is resumed by asking again; the keys keep two runs apart.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn refunds_due(&self, limit: i64) -> Result<Vec<UnitOfWork>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = commitments::table
            .inner_join(projects::table)
            .filter(projects::state.eq(ProjectState::Failed.word()))
            .filter(projects::raised_minor.gt(0))
            .filter(commitments::state.eq(CommitmentState::Held.word()))
            .order((commitments::project_id, commitments::commitment_id))
            .limit(limit.clamp(1, MOST_REFUNDED))
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        let date = self.clock.today();
        rows.into_iter().map(|row| refund(date, &row.commitment()?)).collect()
    }
}

fn refund(date: NaiveDate, commitment: &Commitment) -> Result<UnitOfWork, Error> {
    commitment.state.after(CommitmentEvent::Refunded)?;
    let entry = Entry::builder(REFUNDED, date)
        .description("the campaign failed")
        .subject(commitment.id.uuid())
        .debit(escrow(commitment.project)?, commitment.amount)
        .credit(AccountCode::held_by("liabilities:wallets", commitment.contributor)?, commitment.amount)
        .build()?;
    let key = IdempotencyKey::derived(commitment.id.uuid(), "refund");
    let effect = effects::refunded(commitment.id.uuid(), commitment.project.uuid())?;
    Ok(UnitOfWork::new(key, entry).causing(effect))
}

/// Confirms what is held in a project whose row the caller holds; answers the sum.
pub(crate) async fn confirm_in(
    connection: &mut AsyncPgConnection,
    project: ProjectId,
    currency: Currency,
) -> Result<Money, Error> {
    // Diesel sums a bigint to a numeric, for which it has no type here.
    const TEXT: &str = "with confirmed as (
            update coinvestment.commitments
            set state = 'confirmed'
            where project_id = $1
              and state = 'held'
            returning amount_minor
        )
        select coalesce(sum(amount_minor), 0)::int8 as minor
        from confirmed";
    let sum: Sum = diesel::sql_query(TEXT).bind::<diesel::sql_types::Uuid, _>(project).get_result(connection).await?;
    Ok(Money::from_minor(sum.minor, currency))
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    minor: i64,
}

async fn find_in(connection: &mut AsyncPgConnection, id: CommitmentId) -> Result<Option<Commitment>, Error> {
    let row: Option<Row> = commitments::table.find(id).select(Row::as_select()).first(connection).await.optional()?;
    row.map(Row::commitment).transpose()
}

async fn public_in(connection: &mut AsyncPgConnection, id: ProjectId) -> Result<Project, Error> {
    let found = find_project_in(connection, id).await?;
    found.filter(|project| project.state.is_public()).ok_or(Error::NotFound("project"))
}

impl Row {
    fn commitment(self) -> Result<Commitment, Error> {
        let currency = Currency::try_new(&self.currency).map_err(|_| Error::Corrupt("a currency"))?;
        Ok(Commitment {
            id: self.commitment_id,
            project: self.project_id,
            contributor: self.contributor_id,
            remittance: self.remittance_id,
            amount: Money::from_minor(self.amount_minor, currency),
            state: CommitmentState::from_word(&self.state).ok_or(Error::Corrupt("a commitment's state"))?,
            committed_at: self.committed_at,
        })
    }
}
