use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{IdempotencyKey, Money, UnitOfWork};

use super::{Claim, HandoverStatement, is_child};
use crate::child::effects::{self, HandedOver};
use crate::child::guardian::lock_in;
use crate::child::{Child, ChildError, ChildEvent, ChildId, ChildState, Children, SeenBirth, entries};
use crate::household::{
    CodeId, CodePurpose, Holder, IssuedCode, NewCode, SeenDocument, SpokenCode, count_code_try_in, forgive_code_try_in,
    issue_code_in, present_code_in, require_identity, used_code_for_in,
};
use crate::schema::{child_spendings, children, guardians, household_codes, people};
use crate::{Error, Institution, Person, PersonId, Tier};

const PERSON_NAME: &str = "onboarding.people.name";
const PERSON_BIRTH_DATE: &str = "onboarding.people.birth_date";

/// All handovers.
#[derive(Clone)]
pub struct Handovers {
    children: Children,
}

impl Handovers {
    /// The handovers of children's accounts.
    #[must_use]
    pub const fn new(children: Children) -> Self {
        Self { children }
    }

    /// A guardian makes the code by which the grown-up child takes over; the one before dies.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`] once it is handed over; [`ChildError::NotGuardian`],
    /// [`ChildError::NotOfAge`].
    pub async fn code_of_guardian(&self, by: &Person, child: ChildId) -> Result<IssuedCode, Error> {
        let mut connection = self.children.database.connection().await?;
        connection
            .transaction(async |connection| {
                let child = self.children.get_in(connection, by.id(), child).await?;
                child.require_guardian(by.id())?;
                self.issue_in(connection, &child, Holder::Person(by.id()), None).await
            })
            .await
    }

    /// An agent makes it who saw the document of whoever claims to be the child. A wrong number, name or birth date all
    /// give the same answer and count against the institution.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`] once it is handed over; [`ChildError::NotOfAge`],
    /// [`HouseholdError::TooManyCodes`](crate::HouseholdError::TooManyCodes).
    pub async fn code_of_agent(&self, by: &Institution, statement: &HandoverStatement) -> Result<IssuedCode, Error> {
        let (holder, now) = (Holder::Institution(by.id()), self.children.clock.now());
        let mut connection = self.children.database.connection().await?;
        // Who errs is no error of the transaction: the try that it cost has to be kept.
        let found: Result<Option<Child>, Error> = connection
            .transaction(async |connection| {
                count_code_try_in(connection, holder, now).await?;
                let id: Option<ChildId> = children::table
                    .filter(children::account_number.eq(&statement.account_number))
                    .select(children::child_id)
                    .first(connection)
                    .await
                    .optional()?;
                let Some(id) = id else { return Ok(None) };
                let said = SeenBirth { name: statement.name.clone(), birth_date: statement.birth_date };
                let child = self.children.find_in(connection, id).await?.filter(|child| is_child(child, &said));
                if child.is_some() {
                    forgive_code_try_in(connection, holder).await?;
                }
                Ok(child)
            })
            .await;
        let child = found?.ok_or(Error::NotFound("account of that number, name and birth date"))?;
        let issued = connection
            .transaction(async |connection| self.issue_in(connection, &child, holder, Some(statement.seen)).await)
            .await?;
        tracing::info!(child = %child.id, institution = by.code().as_str(), "an agent let somebody take over an account");
        Ok(issued)
    }

    async fn issue_in(
        &self,
        connection: &mut AsyncPgConnection,
        child: &Child,
        maker: Holder,
        seen: Option<SeenDocument>,
    ) -> Result<IssuedCode, Error> {
        let now = self.children.clock.now();
        match child.state_at(now) {
            ChildState::Protected => return Err(ChildError::NotOfAge.into()),
            state => state.after(ChildEvent::HandedOver)?,
        };
        let (household, purpose, subject) = (child.household, CodePurpose::HandOver, child.id.uuid());
        let new = NewCode { household, purpose, subject, maker, seen };
        issue_code_in(connection, &self.children.cipher, &new, now).await
    }

    /// The grown-up child enters the code in an account of their own.
    ///
    /// # Errors
    /// [`Error::WrongCode`], whatever is wrong with it; [`ChildError::OtherPerson`], [`ChildError::DocumentNeeded`],
    /// [`HouseholdError::TooManyCodes`](crate::HouseholdError::TooManyCodes).
    pub async fn claim(&self, by: &Person, code: &SpokenCode) -> Result<Claim, Error> {
        require_identity(by.tier())?;
        let (holder, now) = (Holder::Person(by.id()), self.children.clock.now());
        let mut connection = self.children.database.connection().await?;
        let claimed: Result<Result<Claim, Error>, Error> = connection
            .transaction(async |connection| {
                let purpose = (CodePurpose::HandOver, code);
                let fitting = present_code_in(connection, &self.children.cipher, holder, purpose, now).await?;
                let Some(fitting) = fitting else { return self.done_in(connection, by.id(), code).await };
                let id = ChildId::from_uuid(fitting.subject);
                let child = self.children.find_in(connection, id).await?.ok_or(Error::NotFound("child"))?;
                let said = self.stated_in(connection, by.id()).await?;
                let is_child = said.is_some_and(|said| is_child(&child, &said));
                if !is_child || was_guardian_in(connection, id, by.id()).await? {
                    return Ok(Err(ChildError::OtherPerson.into()));
                }
                forgive_code_try_in(connection, holder).await?;
                if !fitting.maker_is_institution && by.tier() < Tier::Document {
                    return Ok(Err(ChildError::DocumentNeeded.into()));
                }
                Ok(Ok(Claim { child, code: Some(fitting.id), by: by.id() }))
            })
            .await;
        claimed?
    }

    /// Whether the code was used before, by the same person: then it is done.
    async fn done_in(
        &self,
        connection: &mut AsyncPgConnection,
        by: PersonId,
        code: &SpokenCode,
    ) -> Result<Result<Claim, Error>, Error> {
        let purpose = (CodePurpose::HandOver, code);
        let used = used_code_for_in(connection, &self.children.cipher, purpose).await?.map(ChildId::from_uuid);
        let Some(id) = used else { return Ok(Err(Error::WrongCode)) };
        let child = self.children.find_in(connection, id).await?.filter(|child| child.handed_over_to == Some(by));
        let Some(child) = child else { return Ok(Err(Error::WrongCode)) };
        forgive_code_try_in(connection, Holder::Person(by)).await?;
        Ok(Ok(Claim { child, code: None, by }))
    }

    /// The claim on the account as it stands now, for another look after somebody was first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn look_again(&self, claim: &Claim) -> Result<Claim, Error> {
        let mut connection = self.children.database.connection().await?;
        let child = self.children.find_in(&mut connection, claim.child.id).await?.ok_or(Error::NotFound("child"))?;
        Ok(Claim { child, ..claim.clone() })
    }

    /// The unit of work that moves all that is on the account into the wallet, and closes the account. The balance is
    /// to be read after the claim.
    ///
    /// # Errors
    /// [`Error::WrongState`] when somebody else took it over.
    pub fn handing_over(&self, claim: &Claim, balance: Money) -> Result<UnitOfWork, Error> {
        claim.child.state.after(ChildEvent::HandedOver)?;
        let id = claim.child.id;
        let entry = entries::handed_over(self.children.clock.today(), id, claim.by, balance)?;
        let effect = effects::handed_over(&HandedOver {
            child: id.uuid(),
            version: claim.child.version,
            person: claim.by.uuid(),
            code: claim.code.map(CodeId::uuid),
        })?;
        // Another balance is another entry: a unit that came too late must not stand in the way of the next one.
        let key = IdempotencyKey::derived(id.uuid(), &format!("child-handed-over {}", claim.child.version));
        Ok(UnitOfWork::new(key, entry).causing(effect))
    }

    /// Closes an account with nothing on it; answers whether it still was as it had been looked at.
    ///
    /// # Errors
    /// [`Error::WrongState`] when somebody else took it over.
    pub async fn close_empty(&self, claim: &Claim) -> Result<bool, Error> {
        let (id, now) = (claim.child.id, self.children.clock.now());
        let after = claim.child.state.after(ChildEvent::HandedOver)?;
        let mut connection = self.children.database.connection().await?;
        connection
            .transaction(async |connection| {
                lock_in(connection, id).await?;
                let closed = diesel::update(children::table.find(id))
                    .filter(children::version.eq(claim.child.version))
                    .set((
                        children::state.eq(after.word()),
                        children::version.eq(children::version + 1),
                        children::handed_over_to.eq(claim.by),
                        children::handed_over_at.eq(now),
                    ))
                    .execute(connection)
                    .await?;
                if closed == 0 {
                    return Ok(false);
                }
                diesel::update(household_codes::table)
                    .filter(household_codes::code_id.eq_any(claim.code))
                    .set(household_codes::used_at.eq(now))
                    .execute(connection)
                    .await?;
                diesel::update(child_spendings::table)
                    .filter(child_spendings::child_id.eq(id))
                    .filter(child_spendings::state.eq("requested"))
                    .set((child_spendings::state.eq("cancelled"), child_spendings::answered_at.eq(now)))
                    .execute(connection)
                    .await?;
                Ok(true)
            })
            .await
    }

    /// Who a person says to be.
    async fn stated_in(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
    ) -> Result<Option<SeenBirth>, Error> {
        let row: (Option<Vec<u8>>, Option<Vec<u8>>) = people::table
            .find(person)
            .select((people::sealed_name, people::sealed_birth_date))
            .first(connection)
            .await?;
        let (Some(name), Some(birth_date)) = row else { return Ok(None) };
        let cipher = &self.children.cipher;
        let birth_date = cipher.decrypt(PERSON_BIRTH_DATE, &birth_date)?;
        let birth_date: NaiveDate = birth_date.parse().map_err(|_| Error::Corrupt("a birth date"))?;
        Ok(Some(SeenBirth { name: cipher.decrypt(PERSON_NAME, &name)?, birth_date }))
    }
}

/// Whether somebody is or ever was a guardian of the child: they are not the child.
async fn was_guardian_in(connection: &mut AsyncPgConnection, child: ChildId, person: PersonId) -> Result<bool, Error> {
    let known: i64 = guardians::table
        .filter(guardians::child_id.eq(child))
        .filter(guardians::person_id.eq(person))
        .count()
        .get_result(connection)
        .await?;
    Ok(known > 0)
}
