//! Spendings as the institution sees them that pays: what it is ordered to pay, that it paid, that it cannot.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{IdempotencyKey, UnitOfWork};

use super::store::{MOST_SHOWN, REASON, Row};
use super::{Spending, SpendingEvent, SpendingState, Spendings};
use crate::child::effects::{self, Returned};
use crate::child::guardian::{lock_in, raise_version_in};
use crate::child::store::NAME;
use crate::child::{SpendingId, entries};
use crate::person::text;
use crate::schema::{child_spendings, children};
use crate::{Error, InstitutionCode, Operator};

impl Spendings {
    /// What an institution is to pay for children, or paid, or declined; the oldest first, after the one shown last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of_institution(
        &self,
        institution: &InstitutionCode,
        state: Option<SpendingState>,
        after: Option<(DateTime<Utc>, SpendingId)>,
        limit: i64,
    ) -> Result<Vec<Spending>, Error> {
        let mut query = child_spendings::table
            .inner_join(children::table)
            .filter(child_spendings::institution.eq(institution.as_str()))
            .filter(child_spendings::entry.is_not_null())
            .order((child_spendings::ordered_at, child_spendings::spending_id))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select((Row::as_select(), children::sealed_name))
            .into_boxed();
        if let Some(state) = state {
            query = query.filter(child_spendings::state.eq(state.word()));
        }
        if let Some((at, id)) = after {
            query = query.filter(
                child_spendings::ordered_at
                    .gt(at)
                    .or(child_spendings::ordered_at.eq(at).and(child_spendings::spending_id.gt(id))),
            );
        }
        let mut connection = self.children.database.connection().await?;
        let rows: Vec<(Row, Vec<u8>)> = query.load(&mut connection).await?;
        rows.into_iter().map(|(row, name)| self.spending(row, self.children.cipher.decrypt(NAME, &name)?)).collect()
    }

    /// The institution paid. Saying so again changes nothing: the first payment's name stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another institution's, [`Error::WrongState`] when it was declined, [`Error::Text`].
    pub async fn paid(
        &self,
        institution: &InstitutionCode,
        id: SpendingId,
        reference: &str,
    ) -> Result<Spending, Error> {
        let reference = text("reference", reference)?;
        let now = self.children.clock.now();
        let mut connection = self.children.database.connection().await?;
        connection
            .transaction(async |connection| {
                let child = self.ordered_of_in(connection, institution, id).await?.child_id;
                lock_in(connection, child).await?;
                let state = self.ordered_of_in(connection, institution, id).await?.state()?;
                if state == SpendingState::Paid {
                    return Ok(());
                }
                diesel::update(child_spendings::table.find(id))
                    .set((
                        child_spendings::state.eq(state.after(SpendingEvent::Paid)?.word()),
                        child_spendings::reference.eq(reference),
                        child_spendings::answered_at.eq(now),
                    ))
                    .execute(connection)
                    .await?;
                raise_version_in(connection, child).await
            })
            .await?;
        self.ordered_in(&mut connection, institution, id).await
    }

    /// The institution cannot pay: the unit of work that gives the money back, to the account or to the grown-up child
    /// who has taken it over; none when it was given back before.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another institution's, [`Error::WrongState`] when it was paid, [`Error::Text`].
    pub async fn declining(
        &self,
        institution: &InstitutionCode,
        id: SpendingId,
        reason: &str,
    ) -> Result<Option<UnitOfWork>, Error> {
        let reason = text("reason", reason)?;
        let mut connection = self.children.database.connection().await?;
        let child = self.ordered_of_in(&mut connection, institution, id).await?.child_id;
        let child = self.children.find_in(&mut connection, child).await?.ok_or(Error::NotFound("child"))?;
        // Read after the child's version: what is older than it cannot be taken for what stands.
        let row = self.ordered_of_in(&mut connection, institution, id).await?;
        let state = row.state()?;
        if state == SpendingState::Declined {
            return Ok(None);
        }
        state.after(SpendingEvent::Declined)?;
        let to = match child.handed_over_to {
            Some(person) => entries::wallet(person)?,
            None => entries::protected(child.id)?,
        };
        let amount = row.amount()?;
        let entry = entries::returned(self.children.clock.today(), (id, institution), to, amount)?;
        let effect = effects::returned(&Returned {
            child: child.id.uuid(),
            version: child.version,
            spending: id.uuid(),
            sealed_reason: hex::encode(self.children.cipher.encrypt(REASON, &reason)),
        })?;
        let key = IdempotencyKey::derived(id.uuid(), "child-spending-returned");
        Ok(Some(UnitOfWork::new(key, entry).causing(effect)))
    }

    /// Who was ordered to pay, for operators.
    ///
    /// # Errors
    /// [`Error::NotFound`] for what was not ordered.
    pub async fn institution_of(&self, _by: &Operator, id: SpendingId) -> Result<InstitutionCode, Error> {
        let mut connection = self.children.database.connection().await?;
        let row = self.find_in(&mut connection, id).await?.filter(|row| row.ordered_at.is_some());
        let code = row.ok_or(Error::NotFound("payment"))?.institution;
        InstitutionCode::try_new(&code).map_err(|_| Error::Corrupt("an institution's code"))
    }

    /// What an institution is to pay, paid or declined.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another institution's.
    pub async fn get_of_institution(&self, institution: &InstitutionCode, id: SpendingId) -> Result<Spending, Error> {
        let mut connection = self.children.database.connection().await?;
        self.ordered_in(&mut connection, institution, id).await
    }

    async fn ordered_of_in(
        &self,
        connection: &mut AsyncPgConnection,
        institution: &InstitutionCode,
        id: SpendingId,
    ) -> Result<Row, Error> {
        let row = self.find_in(connection, id).await?;
        let ordered = row.filter(|row| row.ordered_at.is_some() && row.institution == institution.as_str());
        ordered.ok_or(Error::NotFound("payment"))
    }

    async fn ordered_in(
        &self,
        connection: &mut AsyncPgConnection,
        institution: &InstitutionCode,
        id: SpendingId,
    ) -> Result<Spending, Error> {
        let row = self.ordered_of_in(connection, institution, id).await?;
        let name: Vec<u8> = children::table.find(row.child_id).select(children::sealed_name).first(connection).await?;
        let name = self.children.cipher.decrypt(NAME, &name)?;
        self.spending(row, name)
    }
}
