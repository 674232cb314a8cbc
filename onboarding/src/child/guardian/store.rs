//! Guardians in the database. The child's row is locked first, and its version raised whenever somebody comes or goes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::{GuardianEvent, GuardianState, WaitingGuardian};
use crate::child::store::person_of_in;
use crate::child::{Child, ChildError, ChildId, ChildState, Children, GuardianId, MAX_GUARDIANS};
use crate::household::{MemberId, Role, require_identity, role_in};
use crate::schema::{children, guardians};
use crate::{Error, Operator, OperatorId, Person, PersonId};

/// Those who wait that one list shows at most.
const MOST_SHOWN: i64 = 100;

/// All guardians.
#[derive(Clone)]
pub struct Guardians {
    children: Children,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = guardians)]
struct Row {
    guardian_id: GuardianId,
    child_id: ChildId,
    person_id: PersonId,
    state: String,
    consent: String,
    named_by: PersonId,
    accepted_at: Option<DateTime<Utc>>,
}

/// Who consents.
#[derive(Clone, Copy)]
enum Consenting {
    Guardian(PersonId),
    Operator(OperatorId),
}

impl Guardians {
    /// The guardians of children.
    #[must_use]
    pub const fn new(children: Children) -> Self {
        Self { children }
    }

    /// A guardian, or a head of the household, names a further guardian. Naming the same one again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`ChildError::OfAge`], [`ChildError::NotGuardian`], [`ChildError::EnoughGuardians`].
    pub async fn name(&self, by: &Person, child: ChildId, member: MemberId) -> Result<Child, Error> {
        let now = self.children.clock.now();
        let mut connection = self.children.database.connection().await?;
        connection
            .transaction(async |connection| {
                lock_in(connection, child).await?;
                let known = self.protected_in(connection, by.id(), child, now).await?;
                let is_head = role_in(connection, known.household, by.id()).await? == Some(Role::Head);
                if !is_head && !known.is_guardian(by.id()) {
                    return Err(ChildError::NotGuardian.into());
                }
                let person = person_of_in(connection, known.household, member).await?;
                if known.guardians.iter().any(|one| one.person == person) {
                    return Ok(());
                }
                // One may be named beside two, to take the place of one of them.
                if known.guardians.iter().any(|one| one.state == GuardianState::Named) {
                    return Err(ChildError::EnoughGuardians { most: MAX_GUARDIANS }.into());
                }
                insert_in(connection, (child, person, by.id()), "waiting", GuardianState::Named, now).await
            })
            .await?;
        self.read(&mut connection, by, child).await
    }

    /// Somebody who was named accepts. Accepting again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] for who was not named; [`ChildError::OfAge`] and those of
    /// [`HouseholdError`](crate::HouseholdError).
    pub async fn accept(&self, by: &Person, child: ChildId) -> Result<Child, Error> {
        require_identity(by.tier())?;
        let now = self.children.clock.now();
        let mut connection = self.children.database.connection().await?;
        connection
            .transaction(async |connection| {
                lock_in(connection, child).await?;
                self.protected_in(connection, by.id(), child, now).await?;
                let row = named_in(connection, child, by.id()).await?;
                if row.accepted_at.is_some() {
                    return Ok(());
                }
                diesel::update(guardians::table.find(row.guardian_id))
                    .set(guardians::accepted_at.eq(now))
                    .execute(connection)
                    .await?;
                if row.consent == "waiting" { Ok(()) } else { activate_in(connection, &row).await }
            })
            .await?;
        self.read(&mut connection, by, child).await
    }

    /// A guardian steps down; somebody who was named declines, or their name is taken back by who named them.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`ChildError::NotGuardian`] for whose it is not.
    pub async fn end(&self, by: &Person, child: ChildId, id: GuardianId) -> Result<(), Error> {
        let now = self.children.clock.now();
        let mut connection = self.children.database.connection().await?;
        connection
            .transaction(async |connection| {
                lock_in(connection, child).await?;
                self.children.get_in(connection, by.id(), child).await?;
                let row = row_in(connection, id).await?.filter(|row| row.child_id == child);
                let row = row.ok_or(Error::NotFound("guardian"))?;
                let state = GuardianState::from_word(&row.state)?;
                let own = row.person_id == by.id();
                let event = match state {
                    GuardianState::Declined | GuardianState::SteppedDown => return Ok(()),
                    GuardianState::Named if own => GuardianEvent::Declined,
                    GuardianState::Named if row.named_by == by.id() => GuardianEvent::SteppedDown,
                    GuardianState::Active if own => GuardianEvent::SteppedDown,
                    GuardianState::Named | GuardianState::Active => return Err(ChildError::NotGuardian.into()),
                };
                diesel::update(guardians::table.find(id))
                    .set((guardians::state.eq(state.after(event)?.word()), guardians::ended_at.eq(now)))
                    .execute(connection)
                    .await?;
                raise_version_in(connection, child).await?;
                // Who was to take the place, and has both words, takes it now.
                match successor_in(connection, child).await? {
                    Some(successor) => activate_in(connection, &successor).await,
                    None => Ok(()),
                }
            })
            .await
    }

    /// The other guardian agrees to somebody who was named. Agreeing again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`ChildError::NotGuardian`], [`ChildError::SamePerson`] for who named them,
    /// [`ChildError::OfAge`].
    pub async fn consent(&self, by: &Person, child: ChildId, id: GuardianId) -> Result<Child, Error> {
        let now = self.children.clock.now();
        let mut connection = self.children.database.connection().await?;
        connection
            .transaction(async |connection| {
                lock_in(connection, child).await?;
                let known = self.protected_in(connection, by.id(), child, now).await?;
                known.require_guardian(by.id())?;
                let row = row_in(connection, id).await?.filter(|row| row.child_id == child);
                let row = row.ok_or(Error::NotFound("guardian"))?;
                if row.named_by == by.id() || row.person_id == by.id() {
                    return Err(ChildError::SamePerson.into());
                }
                consent_in(connection, &row, Consenting::Guardian(by.id()), now).await
            })
            .await?;
        self.read(&mut connection, by, child).await
    }

    /// An operator agrees to somebody who was named, where no other guardian can. Agreeing again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`] while the child has a guardian who can agree; [`ChildError::OfAge`].
    pub async fn consent_by_operator(&self, by: &Operator, id: GuardianId) -> Result<(), Error> {
        let now = self.children.clock.now();
        let mut connection = self.children.database.connection().await?;
        let child = row_in(&mut connection, id).await?.ok_or(Error::NotFound("guardian"))?.child_id;
        connection
            .transaction(async |connection| {
                lock_in(connection, child).await?;
                let row = row_in(connection, id).await?.ok_or(Error::NotFound("guardian"))?;
                let known = self.children.find_in(connection, child).await?.ok_or(Error::NotFound("child"))?;
                if known.state_at(now) != ChildState::Protected {
                    return Err(ChildError::OfAge.into());
                }
                if row.consent == "waiting" && known.active_guardians().any(|person| person != row.named_by) {
                    let wanted = "agreed to by an operator while another guardian can";
                    return Err(Error::WrongState { thing: "guardian", state: "named", wanted });
                }
                consent_in(connection, &row, Consenting::Operator(by.id()), now).await
            })
            .await
    }

    /// Those who were named and wait for consent, the oldest first, for operators.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting(&self, _by: &Operator) -> Result<Vec<WaitingGuardian>, Error> {
        type Waiting = (GuardianId, ChildId, PersonId, PersonId, DateTime<Utc>);
        let mut connection = self.children.database.connection().await?;
        let rows: Vec<Waiting> = guardians::table
            .filter(guardians::state.eq(GuardianState::Named.word()))
            .filter(guardians::consent.eq("waiting"))
            .order(guardians::guardian_id)
            .limit(MOST_SHOWN)
            .select((
                guardians::guardian_id,
                guardians::child_id,
                guardians::person_id,
                guardians::named_by,
                guardians::named_at,
            ))
            .load(&mut connection)
            .await?;
        let ids: Vec<ChildId> = rows.iter().map(|row| row.1).collect();
        let active: Vec<ChildId> = guardians::table
            .filter(guardians::child_id.eq_any(ids))
            .filter(guardians::state.eq(GuardianState::Active.word()))
            .select(guardians::child_id)
            .load(&mut connection)
            .await?;
        let count = |child| i64::try_from(active.iter().filter(|one| **one == child).count()).unwrap_or(i64::MAX);
        let waiting = rows.into_iter().map(|(id, child, person, named_by, named_at)| WaitingGuardian {
            id,
            child,
            person,
            named_by,
            named_at,
            active_guardians: count(child),
        });
        Ok(waiting.collect())
    }

    async fn protected_in(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        id: ChildId,
        now: DateTime<Utc>,
    ) -> Result<Child, Error> {
        let child = self.children.get_in(connection, person, id).await?;
        if child.state_at(now) == ChildState::Protected { Ok(child) } else { Err(ChildError::OfAge.into()) }
    }

    async fn read(&self, connection: &mut AsyncPgConnection, by: &Person, id: ChildId) -> Result<Child, Error> {
        self.children.get_in(connection, by.id(), id).await
    }
}

/// The guardians that a child has from the beginning.
pub(in crate::child) async fn register_in(
    connection: &mut AsyncPgConnection,
    child: ChildId,
    first: PersonId,
    second: Option<PersonId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    insert_in(connection, (child, first, first), "not-needed", GuardianState::Active, now).await?;
    match second {
        Some(second) => insert_in(connection, (child, second, first), "not-needed", GuardianState::Named, now).await,
        None => Ok(()),
    }
}

async fn insert_in(
    connection: &mut AsyncPgConnection,
    (child, person, by): (ChildId, PersonId, PersonId),
    consent: &str,
    state: GuardianState,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::insert_into(guardians::table)
        .values((
            guardians::guardian_id.eq(GuardianId::generate()),
            guardians::child_id.eq(child),
            guardians::person_id.eq(person),
            guardians::state.eq(state.word()),
            guardians::consent.eq(consent),
            guardians::named_by.eq(by),
            guardians::named_at.eq(now),
            guardians::accepted_at.eq((state == GuardianState::Active).then_some(now)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

async fn consent_in(
    connection: &mut AsyncPgConnection,
    row: &Row,
    by: Consenting,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let state = GuardianState::from_word(&row.state)?;
    if row.consent != "waiting" && state != GuardianState::Declined && state != GuardianState::SteppedDown {
        return Ok(());
    }
    // Whoever is no longer named is nobody to agree to.
    state.after(GuardianEvent::Agreed)?;
    let (guardian, operator) = match by {
        Consenting::Guardian(person) => (Some(person), None),
        Consenting::Operator(operator) => (None, Some(operator)),
    };
    diesel::update(guardians::table.find(row.guardian_id))
        .set((
            guardians::consent.eq("given"),
            guardians::consent_by_guardian.eq(guardian),
            guardians::consent_by_operator.eq(operator),
            guardians::consented_at.eq(now),
        ))
        .execute(connection)
        .await?;
    if row.accepted_at.is_some() { activate_in(connection, row).await } else { Ok(()) }
}

/// Both have agreed: they are a guardian as soon as there is a place.
async fn activate_in(connection: &mut AsyncPgConnection, row: &Row) -> Result<(), Error> {
    let active: i64 = guardians::table
        .filter(guardians::child_id.eq(row.child_id))
        .filter(guardians::state.eq(GuardianState::Active.word()))
        .count()
        .get_result(connection)
        .await?;
    if usize::try_from(active).is_ok_and(|count| count >= MAX_GUARDIANS) {
        return Ok(());
    }
    let state = GuardianState::from_word(&row.state)?.after(GuardianEvent::Agreed)?;
    diesel::update(guardians::table.find(row.guardian_id))
        .filter(guardians::state.eq(&row.state))
        .set(guardians::state.eq(state.word()))
        .execute(connection)
        .await?;
    raise_version_in(connection, row.child_id).await
}

/// Who was named and has both words.
async fn successor_in(connection: &mut AsyncPgConnection, child: ChildId) -> Result<Option<Row>, Error> {
    Ok(guardians::table
        .filter(guardians::child_id.eq(child))
        .filter(guardians::state.eq(GuardianState::Named.word()))
        .filter(guardians::accepted_at.is_not_null())
        .filter(guardians::consent.ne("waiting"))
        .order(guardians::guardian_id)
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?)
}

/// The row of a person who is named or active, for who answers for themselves.
async fn named_in(connection: &mut AsyncPgConnection, child: ChildId, person: PersonId) -> Result<Row, Error> {
    guardians::table
        .filter(guardians::child_id.eq(child))
        .filter(guardians::person_id.eq(person))
        .filter(guardians::state.eq_any([GuardianState::Named.word(), GuardianState::Active.word()]))
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?
        .ok_or(Error::NotFound("guardian"))
}

async fn row_in(connection: &mut AsyncPgConnection, id: GuardianId) -> Result<Option<Row>, Error> {
    Ok(guardians::table.find(id).select(Row::as_select()).first(connection).await.optional()?)
}

/// Locks a child, so that what a decision rests on stays so until the transaction ends.
pub(in crate::child) async fn lock_in(connection: &mut AsyncPgConnection, id: ChildId) -> Result<(), Error> {
    children::table
        .find(id)
        .select(children::child_id)
        .for_no_key_update()
        .first::<ChildId>(connection)
        .await
        .optional()?
        .ok_or(Error::NotFound("child"))?;
    Ok(())
}

/// Says that something changed that a decision may rest on.
pub(in crate::child) async fn raise_version_in(connection: &mut AsyncPgConnection, id: ChildId) -> Result<(), Error> {
    diesel::update(children::table.find(id))
        .set(children::version.eq(children::version + 1))
        .execute(connection)
        .await?;
    Ok(())
}
