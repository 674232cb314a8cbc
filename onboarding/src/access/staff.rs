//! Members of our own staff: one asks for another, a third lets them in, any of them can send one away.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::{Access, FIRST_OPERATOR_LOCK, Holder, IssuedCredential, Operator, OperatorId};
use crate::Error;
use crate::person::text;
use crate::schema::{credentials, operators};

/// Whether an operator is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorState {
    /// Until another operator than the one who asked for them approves.
    Waiting,
    /// Let in.
    Active,
    /// Let in no more.
    Revoked,
}

impl OperatorState {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

/// A member of staff, as the others see them.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = operators)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct OperatorRecord {
    /// Who.
    #[diesel(column_name = operator_id)]
    pub id: OperatorId,
    /// Their name.
    pub name: String,
    /// Since when they are known.
    pub created_at: DateTime<Utc>,
    /// Who asked for them; none for one that was made on the machine itself.
    pub made_by: Option<OperatorId>,
    /// The second person who let them in.
    pub approved_by: Option<OperatorId>,
    /// Since when they are let in.
    pub approved_at: Option<DateTime<Utc>>,
    /// Who sent them away.
    pub revoked_by: Option<OperatorId>,
    /// Since when they are not let in any more.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl OperatorRecord {
    /// Whether they are let in.
    #[must_use]
    pub const fn state(&self) -> OperatorState {
        match (self.approved_at, self.revoked_at) {
            (_, Some(_)) => OperatorState::Revoked,
            (None, None) => OperatorState::Waiting,
            (Some(_), None) => OperatorState::Active,
        }
    }
}

impl Access {
    /// Makes a further operator with a credential. They are let in once a second operator approves; at once when the
    /// one who asks is the first and nobody else was ever made beside them, since then there is no second.
    ///
    /// # Errors
    /// [`Error::Text`] for an empty or overlong name.
    pub async fn make_operator(&self, by: &Operator, name: &str) -> Result<(OperatorRecord, IssuedCredential), Error> {
        let name = text("name", name)?;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                take_turns(connection).await?;
                let alone = is_alone(connection, by).await?;
                let now = self.clock.now();
                let record: OperatorRecord = diesel::insert_into(operators::table)
                    .values((
                        operators::operator_id.eq(OperatorId::generate()),
                        operators::name.eq(name),
                        operators::created_at.eq(now),
                        operators::made_by.eq(by.id),
                        operators::approved_at.eq(alone.then_some(now)),
                    ))
                    .returning(OperatorRecord::as_returning())
                    .get_result(connection)
                    .await?;
                let issued =
                    self.issue_in(connection, (Holder::Operator, record.id.uuid()), Some(by), Some(now)).await?;
                Ok((record, issued))
            })
            .await
    }

    /// Lets in an operator whom another one asked for. One who is in already stays in.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::SamePerson`] when the one who asked approves, or the new one; [`Error::WrongState`]
    /// when they were sent away.
    pub async fn approve_operator(&self, by: &Operator, id: OperatorId) -> Result<OperatorRecord, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let known = locked(connection, id).await?;
                match known.state() {
                    OperatorState::Active => return Ok(known),
                    OperatorState::Revoked => {
                        return Err(Error::WrongState { thing: "operator", state: "revoked", wanted: "approved" });
                    }
                    OperatorState::Waiting => {}
                }
                if known.made_by == Some(by.id) || id == by.id {
                    return Err(Error::SamePerson);
                }
                Ok(diesel::update(operators::table.find(id))
                    .set((operators::approved_by.eq(by.id), operators::approved_at.eq(self.clock.now())))
                    .returning(OperatorRecord::as_returning())
                    .get_result(connection)
                    .await?)
            })
            .await
    }

    /// Sends an operator away: all their credentials are revoked, and their tokens are good no more.
    ///
    /// Any operator may, themselves included, since harm must be stopped at once. When nobody is left, the next start
    /// makes a first operator again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke_operator(&self, by: &Operator, id: OperatorId) -> Result<OperatorRecord, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let known = locked(connection, id).await?;
                if known.state() == OperatorState::Revoked {
                    return Ok(known);
                }
                let now = self.clock.now();
                diesel::update(credentials::table)
                    .filter(credentials::holder_kind.eq(Holder::Operator.kind()))
                    .filter(credentials::holder_id.eq(id.uuid()))
                    .filter(credentials::revoked_at.is_null())
                    .set((credentials::revoked_at.eq(now), credentials::revoked_by.eq(by.id)))
                    .execute(connection)
                    .await?;
                Ok(diesel::update(operators::table.find(id))
                    .set((operators::revoked_by.eq(by.id), operators::revoked_at.eq(now)))
                    .returning(OperatorRecord::as_returning())
                    .get_result(connection)
                    .await?)
            })
            .await
    }

    /// The operators, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn operators(
        &self,
        after: Option<(DateTime<Utc>, OperatorId)>,
        limit: i64,
    ) -> Result<Vec<OperatorRecord>, Error> {
        let mut query = operators::table
            .order((operators::created_at, operators::operator_id))
            .limit(limit)
            .select(OperatorRecord::as_select())
            .into_boxed();
        if let Some((time, id)) = after {
            let later = operators::created_at.eq(time).and(operators::operator_id.gt(id));
            query = query.filter(operators::created_at.gt(time).or(later));
        }
        let mut connection = self.database.connection().await?;
        Ok(query.load(&mut connection).await?)
    }
}

async fn locked(connection: &mut AsyncPgConnection, id: OperatorId) -> Result<OperatorRecord, Error> {
    operators::table
        .find(id)
        .select(OperatorRecord::as_select())
        .for_no_key_update()
        .first(connection)
        .await
        .optional()?
        .ok_or(Error::NotFound("operator"))
}

/// Whether there is no second person to ask: this is a first operator, made on the machine itself, and nobody else is
/// there, or ever was since. Who has sent all others away is not alone. The caller holds the turn.
pub(super) async fn is_alone(connection: &mut AsyncPgConnection, by: &Operator) -> Result<bool, Error> {
    let (since, made_by): (DateTime<Utc>, Option<OperatorId>) =
        operators::table.find(by.id).select((operators::created_at, operators::made_by)).first(connection).await?;
    let credential = credentials::table
        .filter(credentials::holder_id.eq(operators::operator_id.into_sql::<diesel::sql_types::Uuid>()))
        .filter(credentials::revoked_at.is_null());
    let is_there = operators::revoked_at.is_null().and(diesel::dsl::exists(credential));
    let others =
        operators::table.filter(operators::operator_id.ne(by.id)).filter(operators::created_at.ge(since).or(is_there));
    let others: bool = diesel::select(diesel::dsl::exists(others)).get_result(connection).await?;
    Ok(made_by.is_none() && !others)
}

/// Who makes operators does it one after the other: whether somebody is alone must not change meanwhile.
pub(super) async fn take_turns(connection: &mut AsyncPgConnection) -> Result<(), Error> {
    diesel::sql_query("select pg_advisory_xact_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(FIRST_OPERATOR_LOCK)
        .execute(connection)
        .await?;
    Ok(())
}
