use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{Currency, Money};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;

use super::{Disbursement, DisbursementEvent, DisbursementId, DisbursementState};
use crate::milestone::SUPPLIER;
use crate::project::line;
use crate::schema::{disbursements, milestones, projects};
use crate::{Error, MilestoneId, ProjectId};

/// Disbursements that one list shows at most.
const MOST_SHOWN: i64 = 100;
/// Characters of a payment's name.
const LONGEST_REFERENCE: usize = 100;

/// All disbursements.
#[derive(Clone)]
pub struct Disbursements {
    database: Database,
    cipher: Cipher,
    clock: Clock,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = disbursements)]
struct Row {
    disbursement_id: DisbursementId,
    milestone_id: MilestoneId,
    amount_minor: i64,
    currency: String,
    state: String,
    ordered_at: DateTime<Utc>,
    reference: Option<String>,
    paid_at: Option<DateTime<Utc>>,
}

/// What a disbursement is for: project, its title, the milestone's title and the sealed supplier.
type Purpose = (ProjectId, String, String, Vec<u8>);

impl Disbursements {
    /// The disbursements of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock) -> Self {
        Self { database, cipher, clock }
    }

    /// What an institution is ordered to pay, the oldest first; after that what it paid.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(&self, institution: &str, limit: i64) -> Result<Vec<Disbursement>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<(Row, Purpose)> = disbursements::table
            .inner_join(milestones::table.inner_join(projects::table))
            .filter(disbursements::institution.eq(institution))
            .order((disbursements::paid_at.is_not_null(), disbursements::ordered_at, disbursements::disbursement_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select((
                Row::as_select(),
                (projects::project_id, projects::title, milestones::title, milestones::sealed_supplier),
            ))
            .load(&mut connection)
            .await?;
        rows.into_iter().map(|(row, purpose)| self.disbursement(row, purpose)).collect()
    }

    /// The institution paid the supplier. Saying so again changes nothing: the first payment's name stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another institution's disbursement, [`Error::Text`] for a faulty name.
    pub async fn paid(&self, institution: &str, id: DisbursementId, reference: &str) -> Result<Disbursement, Error> {
        let reference = line("reference", reference, LONGEST_REFERENCE)?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let word: String = disbursements::table
                    .find(id)
                    .filter(disbursements::institution.eq(institution))
                    .select(disbursements::state)
                    .for_update()
                    .first(connection)
                    .await
                    .optional()?
                    .ok_or(Error::NotFound("disbursement"))?;
                let state = state(&word)?;
                if state != DisbursementState::Paid {
                    diesel::update(disbursements::table.find(id))
                        .set((
                            disbursements::state.eq(state.after(DisbursementEvent::Paid)?.word()),
                            disbursements::reference.eq(Some(reference)),
                            disbursements::paid_at.eq(Some(now)),
                        ))
                        .execute(connection)
                        .await?;
                }
                self.find_in(connection, id).await
            })
            .await
    }

    async fn find_in(&self, connection: &mut AsyncPgConnection, id: DisbursementId) -> Result<Disbursement, Error> {
        let (row, purpose): (Row, Purpose) = disbursements::table
            .inner_join(milestones::table.inner_join(projects::table))
            .filter(disbursements::disbursement_id.eq(id))
            .select((
                Row::as_select(),
                (projects::project_id, projects::title, milestones::title, milestones::sealed_supplier),
            ))
            .first(connection)
            .await?;
        self.disbursement(row, purpose)
    }

    fn disbursement(&self, row: Row, purpose: Purpose) -> Result<Disbursement, Error> {
        let (project, project_title, milestone_title, sealed_supplier) = purpose;
        let currency = Currency::try_new(&row.currency).map_err(|_| Error::Corrupt("a currency"))?;
        Ok(Disbursement {
            id: row.disbursement_id,
            project,
            project_title,
            milestone: row.milestone_id,
            milestone_title,
            supplier: self.cipher.decrypt(SUPPLIER, &sealed_supplier)?,
            amount: Money::from_minor(row.amount_minor, currency),
            state: state(&row.state)?,
            ordered_at: row.ordered_at,
            reference: row.reference,
            paid_at: row.paid_at,
        })
    }
}

fn state(word: &str) -> Result<DisbursementState, Error> {
    DisbursementState::from_word(word).ok_or(Error::Corrupt("a disbursement's state"))
}
