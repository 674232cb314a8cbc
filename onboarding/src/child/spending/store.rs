use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{Currency, IdempotencyKey, Money, UnitOfWork};

use super::{Asked, NewSpending, Spending, SpendingEvent, SpendingState};
use crate::child::effects::{self, Ordered};
use crate::child::guardian::{lock_in, raise_version_in};
use crate::child::{
    Child, ChildError, ChildId, Children, Ground, Purpose, SPENDING_WINDOW, SpendingId, Verdict, Wish, entries,
};
use crate::person::text;
use crate::schema::child_spendings;
use crate::{Error, InstitutionCode, Person, PersonId};

const NOTE: &str = "onboarding.child_spendings.note";
pub(super) const REASON: &str = "onboarding.child_spendings.reason";
/// Spendings that one list shows at most.
pub(super) const MOST_SHOWN: i64 = 100;

/// All spendings.
#[derive(Clone)]
pub struct Spendings {
    pub(super) children: Children,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = child_spendings)]
pub(super) struct Row {
    spending_id: SpendingId,
    pub(super) child_id: ChildId,
    purpose: String,
    amount_minor: i64,
    currency: String,
    pub(super) institution: String,
    sealed_note: Vec<u8>,
    requested_by: PersonId,
    requested_at: DateTime<Utc>,
    state: String,
    approved_by: Option<PersonId>,
    pub(super) ordered_at: Option<DateTime<Utc>>,
    answered_at: Option<DateTime<Utc>>,
    reference: Option<String>,
    sealed_reason: Option<Vec<u8>>,
}

impl Spendings {
    /// The spendings for children.
    #[must_use]
    pub const fn new(children: Children) -> Self {
        Self { children }
    }

    /// A guardian asks for something: within the rules it is to be ordered by the unit of work that is answered, or is
    /// kept until another guardian agrees. What was asked for under the same id stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what [`Rules::judge`](crate::Rules::judge) says.
    pub async fn request(
        &self,
        by: &Person,
        child: ChildId,
        id: SpendingId,
        new: &NewSpending,
    ) -> Result<Asked, Error> {
        let mut connection = self.children.database.connection().await?;
        let child = self.children.get_in(&mut connection, by.id(), child).await?;
        if self.find_in(&mut connection, id).await?.is_some() {
            return Ok(Asked::Kept);
        }
        let wish = Wish { purpose: new.purpose, amount: new.amount, institution: new.institution.clone(), by: by.id() };
        let ground = self.ground_in(&mut connection, &child, wish.purpose).await?;
        let sealed_note = self.children.cipher.encrypt(NOTE, &new.note);
        if child.rules.judge(&wish, &ground)? == Verdict::Order {
            let request = Request { id, wish: &wish, requested_at: ground.now, sealed_note, approved_by: None };
            return Ok(Asked::Order(Box::new(self.ordering(&child, request)?)));
        }
        diesel::insert_into(child_spendings::table)
            .values((
                child_spendings::spending_id.eq(id),
                child_spendings::child_id.eq(child.id),
                child_spendings::purpose.eq(wish.purpose.word()),
                child_spendings::amount_minor.eq(wish.amount.minor()),
                child_spendings::currency.eq(wish.amount.currency().code()),
                child_spendings::institution.eq(wish.institution.as_str()),
                child_spendings::sealed_note.eq(sealed_note),
                child_spendings::requested_by.eq(by.id()),
                child_spendings::requested_at.eq(ground.now),
                child_spendings::state.eq(SpendingState::Requested.word()),
            ))
            .on_conflict_do_nothing()
            .execute(&mut connection)
            .await?;
        Ok(Asked::Kept)
    }

    /// Another guardian agrees: the unit of work that orders it; none when it was ordered before.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], and what
    /// [`Rules::judge_approval`](crate::Rules::judge_approval) says.
    pub async fn approving(&self, by: &Person, id: SpendingId) -> Result<Option<UnitOfWork>, Error> {
        let mut connection = self.children.database.connection().await?;
        let (child, row) = self.own_in(&mut connection, by, id).await?;
        let state = row.state()?;
        if row.approved_by == Some(by.id()) {
            return Ok(None);
        }
        state.after(SpendingEvent::Ordered)?;
        let wish = row.wish()?;
        let ground = self.ground_in(&mut connection, &child, wish.purpose).await?;
        child.rules.judge_approval(&wish, by.id(), &ground)?;
        let request = Request {
            id,
            wish: &wish,
            requested_at: row.requested_at,
            sealed_note: row.sealed_note,
            approved_by: Some(by.id()),
        };
        self.ordering(&child, request).map(Some)
    }

    /// Another guardian does not agree. Saying so again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], [`Error::Text`]; [`ChildError::SamePerson`].
    pub async fn refuse(&self, by: &Person, id: SpendingId, reason: &str) -> Result<(), Error> {
        let reason = text("reason", reason)?;
        self.end(by, id, SpendingEvent::Refused, Some(self.children.cipher.encrypt(REASON, &reason))).await
    }

    /// Who asked for it takes it back. Saying so again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`]; [`ChildError::SamePerson`] for another guardian, who refuses.
    pub async fn cancel(&self, by: &Person, id: SpendingId) -> Result<(), Error> {
        self.end(by, id, SpendingEvent::Cancelled, None).await
    }

    async fn end(
        &self,
        by: &Person,
        id: SpendingId,
        event: SpendingEvent,
        sealed_reason: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let now = self.children.clock.now();
        let mut connection = self.children.database.connection().await?;
        connection
            .transaction(async |connection| {
                let child = self.own_in(connection, by, id).await?.0.id;
                lock_in(connection, child).await?;
                let row = self.own_in(connection, by, id).await?.1;
                let own = row.requested_by == by.id();
                if own != (event == SpendingEvent::Cancelled) {
                    return Err(ChildError::SamePerson.into());
                }
                let state = row.state()?;
                if state.word() == event.word() {
                    return Ok(());
                }
                diesel::update(child_spendings::table.find(id))
                    .set((
                        child_spendings::state.eq(state.after(event)?.word()),
                        child_spendings::answered_by.eq(by.id()),
                        child_spendings::answered_at.eq(now),
                        child_spendings::sealed_reason.eq(sealed_reason),
                    ))
                    .execute(connection)
                    .await?;
                raise_version_in(connection, child).await
            })
            .await
    }

    /// A spending for a child whose guardian a person is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`ChildError::NotGuardian`].
    pub async fn get(&self, person: &Person, id: SpendingId) -> Result<Spending, Error> {
        let mut connection = self.children.database.connection().await?;
        let (child, row) = self.own_in(&mut connection, person, id).await?;
        self.spending(row, child.name)
    }

    /// Spendings for a child, the newest first, before the one that was shown last.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`ChildError::NotGuardian`].
    pub async fn of_child(
        &self,
        person: &Person,
        child: ChildId,
        before: Option<(DateTime<Utc>, SpendingId)>,
        limit: i64,
    ) -> Result<Vec<Spending>, Error> {
        let child = self.children.get(person, child).await?;
        child.require_guardian(person.id())?;
        let mut query = child_spendings::table
            .filter(child_spendings::child_id.eq(child.id))
            .order((child_spendings::requested_at.desc(), child_spendings::spending_id.desc()))
            .limit(limit.clamp(1, MOST_SHOWN))
            .select(Row::as_select())
            .into_boxed();
        if let Some((at, id)) = before {
            query = query.filter(
                child_spendings::requested_at
                    .lt(at)
                    .or(child_spendings::requested_at.eq(at).and(child_spendings::spending_id.lt(id))),
            );
        }
        let mut connection = self.children.database.connection().await?;
        let rows: Vec<Row> = query.load(&mut connection).await?;
        rows.into_iter().map(|row| self.spending(row, child.name.clone())).collect()
    }

    fn ordering(&self, child: &Child, request: Request<'_>) -> Result<UnitOfWork, Error> {
        let Request { id, wish, requested_at, sealed_note, approved_by } = request;
        let today = self.children.clock.today();
        let entry = entries::ordered(today, (id, child.id, &wish.institution), wish.purpose, wish.amount)?;
        let effect = effects::ordered(&Ordered {
            child: child.id.uuid(),
            version: child.version,
            protected_until: child.protected_until(),
            spending: id.uuid(),
            purpose: wish.purpose.word(),
            amount_minor: wish.amount.minor(),
            currency: wish.amount.currency().code(),
            institution: wish.institution.as_str(),
            sealed_note: hex::encode(sealed_note),
            requested_by: wish.by.uuid(),
            requested_at,
            approved_by: approved_by.map(PersonId::uuid),
        })?;
        Ok(UnitOfWork::new(IdempotencyKey::derived(id.uuid(), "child-spending"), entry).causing(effect))
    }

    /// What a wish is judged on. The child was read before: a change since then has raised its version.
    async fn ground_in(
        &self,
        connection: &mut AsyncPgConnection,
        child: &Child,
        purpose: Purpose,
    ) -> Result<Ground, Error> {
        let now = self.children.clock.now();
        let counted = [SpendingState::Ordered, SpendingState::Paid].map(SpendingState::word);
        let spent: Vec<i64> = child_spendings::table
            .filter(child_spendings::child_id.eq(child.id))
            .filter(child_spendings::purpose.eq(purpose.word()))
            .filter(child_spendings::state.eq_any(counted))
            .filter(child_spendings::ordered_at.gt(now - SPENDING_WINDOW))
            .select(child_spendings::amount_minor)
            .load(connection)
            .await?;
        let spent = spent.into_iter().try_fold(0_i64, i64::checked_add).ok_or(ChildError::TooLarge)?;
        Ok(Ground {
            now,
            protected_until: child.protected_until(),
            guardians: child.active_guardians().collect(),
            spent: Money::from_minor(spent, child.currency()),
        })
    }

    /// A spending with its child, for guardians.
    async fn own_in(
        &self,
        connection: &mut AsyncPgConnection,
        by: &Person,
        id: SpendingId,
    ) -> Result<(Child, Row), Error> {
        let unknown = || Error::NotFound("spending");
        let child = self.find_in(connection, id).await?.ok_or_else(unknown)?.child_id;
        let child = self.children.get_in(connection, by.id(), child).await.map_err(|error| match error {
            Error::NotFound(_) => unknown(),
            other => other,
        })?;
        child.require_guardian(by.id())?;
        // Read after the child's version: what is older than it cannot be taken for what stands.
        let row = self.find_in(connection, id).await?.ok_or_else(unknown)?;
        Ok((child, row))
    }

    pub(super) async fn find_in(
        &self,
        connection: &mut AsyncPgConnection,
        id: SpendingId,
    ) -> Result<Option<Row>, Error> {
        Ok(child_spendings::table.find(id).select(Row::as_select()).first(connection).await.optional()?)
    }

    pub(super) fn spending(&self, row: Row, child_name: String) -> Result<Spending, Error> {
        let cipher = &self.children.cipher;
        let reason = row.sealed_reason.as_ref().map(|sealed| cipher.decrypt(REASON, sealed)).transpose()?;
        let wish = row.wish()?;
        Ok(Spending {
            id: row.spending_id,
            child: row.child_id,
            purpose: wish.purpose,
            amount: wish.amount,
            institution: wish.institution,
            note: cipher.decrypt(NOTE, &row.sealed_note)?,
            requested_by: wish.by,
            requested_at: row.requested_at,
            state: row.state()?,
            approved_by: row.approved_by,
            ordered_at: row.ordered_at,
            reference: row.reference,
            reason,
            answered_at: row.answered_at,
            child_name,
        })
    }
}

/// What an order needs.
struct Request<'a> {
    id: SpendingId,
    wish: &'a Wish,
    requested_at: DateTime<Utc>,
    sealed_note: Vec<u8>,
    approved_by: Option<PersonId>,
}

impl Row {
    pub(super) fn state(&self) -> Result<SpendingState, Error> {
        SpendingState::from_word(&self.state).ok_or(Error::Corrupt("a spending's state"))
    }

    pub(super) fn amount(&self) -> Result<Money, Error> {
        let currency = Currency::try_new(&self.currency).map_err(|_| Error::Corrupt("a currency"))?;
        Ok(Money::from_minor(self.amount_minor, currency))
    }

    fn wish(&self) -> Result<Wish, Error> {
        Ok(Wish {
            purpose: Purpose::from_word(&self.purpose)?,
            amount: self.amount()?,
            institution: InstitutionCode::try_new(&self.institution)
                .map_err(|_| Error::Corrupt("an institution's code"))?,
            by: self.requested_by,
        })
    }
}
