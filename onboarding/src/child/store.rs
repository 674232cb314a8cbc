use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use ledger::{Currency, IdempotencyKey, Money, UnitOfWork};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;

use super::effects::{self, Deposited};
use super::{
    Allowance, Child, ChildError, ChildId, ChildState, DepositId, Guardian, GuardianId, GuardianState, MAX_CHILDREN,
    NewChild, Purpose, Rules, age, entries, guardian, rules,
};
use crate::household::{
    HouseholdError, HouseholdId, MemberId, lock_household_in, random_letters, require_identity, require_member_in,
};
use crate::schema::{child_allowances, child_deposits, child_spendings, children, guardians, household_members};
use crate::{Error, InstitutionCode, Person, PersonId};

pub(super) const NAME: &str = "onboarding.children.name";
pub(super) const BIRTH_DATE: &str = "onboarding.children.birth_date";
/// Letters of an account number: too many to guess one, and it is no secret.
const NUMBER_LENGTH: usize = 10;
/// Children whose birthday is looked at in one round.
const LOOKED_AT_ONCE: i64 = 500;

/// Money that was put into a protected account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// Which.
    pub id: DepositId,
    /// For whom.
    pub child: ChildId,
    /// How much.
    pub amount: Money,
}

/// All children.
#[derive(Clone)]
pub struct Children {
    pub(super) database: Database,
    pub(super) cipher: Cipher,
    pub(super) clock: Clock,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = children)]
struct Row {
    child_id: ChildId,
    household_id: HouseholdId,
    account_number: String,
    sealed_name: Vec<u8>,
    sealed_birth_date: Vec<u8>,
    currency: String,
    limit_minor: i64,
    state: String,
    version: i64,
    registered_at: DateTime<Utc>,
    handed_over_to: Option<PersonId>,
}

impl Children {
    /// The children of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock) -> Self {
        Self { database, cipher, clock }
    }

    /// A member of a household registers a child of it and is its guardian; a second one is named and has to accept.
    /// Registering again under the same id changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another's household or member; [`HouseholdError::IdentityNeeded`],
    /// [`HouseholdError::Full`], [`ChildError::SameGuardian`].
    pub async fn register(
        &self,
        by: &Person,
        household: HouseholdId,
        id: ChildId,
        child: &NewChild,
        second: Option<MemberId>,
    ) -> Result<Child, Error> {
        require_identity(by.tier())?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                lock_household_in(connection, household).await?;
                require_member_in(connection, household, by.id()).await?;
                let registered: Vec<ChildId> = children::table
                    .filter(children::household_id.eq(household))
                    .select(children::child_id)
                    .load(connection)
                    .await?;
                if registered.contains(&id) {
                    return Ok(());
                }
                if registered.len() >= MAX_CHILDREN {
                    return Err(HouseholdError::Full { what: "children of a household", most: MAX_CHILDREN }.into());
                }
                let second = match second {
                    Some(member) => Some(person_of_in(connection, household, member).await?),
                    None => None,
                };
                if second == Some(by.id()) {
                    return Err(ChildError::SameGuardian.into());
                }
                self.insert_in(connection, (id, household, by.id()), child, now).await?;
                guardian::register_in(connection, id, by.id(), second, now).await
            })
            .await?;
        drop(connection);
        self.get(by, id).await
    }

    async fn insert_in(
        &self,
        connection: &mut AsyncPgConnection,
        (id, household, by): (ChildId, HouseholdId, PersonId),
        child: &NewChild,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        diesel::insert_into(children::table)
            .values((
                children::child_id.eq(id),
                children::household_id.eq(household),
                children::account_number.eq(random_letters(NUMBER_LENGTH)),
                children::sealed_name.eq(self.cipher.encrypt(NAME, &child.name)),
                children::sealed_birth_date.eq(self.cipher.encrypt(BIRTH_DATE, &child.birth_date.to_string())),
                children::may_be_of_age_from.eq(age::may_be_of_age_from(child.birth_date)),
                children::currency.eq(child.rules.currency().code()),
                children::limit_minor.eq(child.rules.limit().minor()),
                children::state.eq(ChildState::Protected.word()),
                children::version.eq(1),
                children::registered_by.eq(by),
                children::registered_at.eq(now),
            ))
            .execute(connection)
            .await?;
        let allowances = child.rules.allowances().iter().map(|one| {
            (
                child_allowances::child_id.eq(id),
                child_allowances::purpose.eq(one.purpose.word()),
                child_allowances::ceiling_minor.eq(one.ceiling.minor()),
                child_allowances::currency.eq(one.ceiling.currency().code()),
                child_allowances::institution.eq(one.institution.as_ref().map(|code| code.as_str().to_owned())),
            )
        });
        let allowances: Vec<_> = allowances.collect();
        diesel::insert_into(child_allowances::table).values(allowances).execute(connection).await?;
        Ok(())
    }

    /// The children of all households that a person is in, and the account that was handed over to them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(&self, person: &Person) -> Result<Vec<Child>, Error> {
        let mut connection = self.database.connection().await?;
        let households: Vec<HouseholdId> = household_members::table
            .filter(household_members::person_id.eq(person.id()))
            .filter(household_members::left_at.is_null())
            .select(household_members::household_id)
            .load(&mut connection)
            .await?;
        let rows: Vec<Row> = children::table
            .filter(children::household_id.eq_any(households).or(children::handed_over_to.eq(person.id())))
            .order(children::child_id)
            .limit(i64::try_from(MAX_CHILDREN * crate::household::MAX_HOUSEHOLDS).unwrap_or(i64::MAX))
            .select(Row::as_select())
            .load(&mut connection)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push(self.filled_in(&mut connection, row).await?);
        }
        Ok(found)
    }

    /// A child of a household that a person is in, or whose account is theirs now.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, person: &Person, id: ChildId) -> Result<Child, Error> {
        let mut connection = self.database.connection().await?;
        self.get_in(&mut connection, person.id(), id).await
    }

    pub(super) async fn get_in(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        id: ChildId,
    ) -> Result<Child, Error> {
        let child = self.find_in(connection, id).await?.ok_or(Error::NotFound("child"))?;
        if child.handed_over_to == Some(person) {
            return Ok(child);
        }
        match require_member_in(connection, child.household, person).await {
            Ok(_) => Ok(child),
            Err(Error::NotFound(_)) => Err(Error::NotFound("child")),
            Err(error) => Err(error),
        }
    }

    /// The unit of work by which a member of the household puts money out of their wallet into the account.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`ChildError::OfAge`], [`ChildError::WrongCurrency`], [`ChildError::NotPositive`].
    pub async fn depositing(
        &self,
        by: &Person,
        id: ChildId,
        deposit: DepositId,
        amount: Money,
    ) -> Result<(Deposit, UnitOfWork), Error> {
        let child = self.get(by, id).await?;
        rules::require_fitting(amount, child.currency())?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let known: i64 = child_deposits::table.find(deposit).count().get_result(&mut connection).await?;
        // One that is booked is the same unit again, whatever became of the account since.
        if known == 0 && child.state_at(now) != ChildState::Protected {
            return Err(ChildError::OfAge.into());
        }
        let entry = entries::deposited(self.clock.today(), (deposit, id, by.id()), amount)?;
        let effect = effects::deposited(&Deposited {
            deposit: deposit.uuid(),
            child: id.uuid(),
            person: by.id().uuid(),
            amount_minor: amount.minor(),
            currency: amount.currency().code(),
            protected_until: child.protected_until(),
        })?;
        let key = IdempotencyKey::derived(deposit.uuid(), "child-deposit");
        Ok((Deposit { id: deposit, child: id, amount }, UnitOfWork::new(key, entry).causing(effect)))
    }

    /// Lets accounts of those who came of age wait for them, and ends what waited for a second guardian; answers how
    /// many. Nobody could spend them since their birthday: this only keeps it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_protection(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        let (mut ended, mut after) = (0, None::<ChildId>);
        loop {
            let mut query = children::table
                .filter(children::state.eq(ChildState::Protected.word()))
                .filter(children::may_be_of_age_from.le(now.date_naive()))
                .order(children::child_id)
                .limit(LOOKED_AT_ONCE)
                .select((children::child_id, children::sealed_birth_date))
                .into_boxed();
            if let Some(after) = after {
                query = query.filter(children::child_id.gt(after));
            }
            let rows: Vec<(ChildId, Vec<u8>)> = query.load(&mut connection).await?;
            let Some((last, _)) = rows.last() else { return Ok(ended) };
            after = Some(*last);
            for (id, sealed) in rows {
                if age::of_age_at(self.birth_date(&sealed)?) <= now {
                    ended += usize::from(self.end_in(&mut connection, id, now).await?);
                }
            }
        }
    }

    async fn end_in(&self, connection: &mut AsyncPgConnection, id: ChildId, now: DateTime<Utc>) -> Result<bool, Error> {
        connection
            .transaction(async |connection| {
                let ended = diesel::update(children::table.find(id))
                    .filter(children::state.eq(ChildState::Protected.word()))
                    .set((children::state.eq(ChildState::OfAge.word()), children::version.eq(children::version + 1)))
                    .execute(connection)
                    .await?;
                if ended == 0 {
                    return Ok(false);
                }
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

    pub(super) fn birth_date(&self, sealed: &[u8]) -> Result<NaiveDate, Error> {
        let text = self.cipher.decrypt(BIRTH_DATE, sealed)?;
        text.parse().map_err(|_| Error::Corrupt("a birth date"))
    }

    pub(super) async fn find_in(
        &self,
        connection: &mut AsyncPgConnection,
        id: ChildId,
    ) -> Result<Option<Child>, Error> {
        let row: Option<Row> = children::table.find(id).select(Row::as_select()).first(connection).await.optional()?;
        match row {
            Some(row) => self.filled_in(connection, row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn filled_in(&self, connection: &mut AsyncPgConnection, row: Row) -> Result<Child, Error> {
        type GuardianRow = (GuardianId, PersonId, String, String, Option<DateTime<Utc>>);
        let currency = Currency::try_new(&row.currency).map_err(|_| Error::Corrupt("a currency"))?;
        let allowances: Vec<(String, i64, Option<String>)> = child_allowances::table
            .filter(child_allowances::child_id.eq(row.child_id))
            .order(child_allowances::purpose)
            .select((child_allowances::purpose, child_allowances::ceiling_minor, child_allowances::institution))
            .load(connection)
            .await?;
        let allowances = allowances.into_iter().map(|(purpose, ceiling, institution)| {
            let institution = institution.map(|code| InstitutionCode::try_new(&code)).transpose();
            Ok(Allowance {
                purpose: Purpose::from_word(&purpose)?,
                ceiling: Money::from_minor(ceiling, currency),
                institution: institution.map_err(|_| Error::Corrupt("an institution's code"))?,
            })
        });
        let allowances = allowances.collect::<Result<Vec<_>, Error>>()?;
        let guardians: Vec<GuardianRow> = guardians::table
            .filter(guardians::child_id.eq(row.child_id))
            .filter(guardians::state.eq_any([GuardianState::Named.word(), GuardianState::Active.word()]))
            .order(guardians::guardian_id)
            .select((
                guardians::guardian_id,
                guardians::person_id,
                guardians::state,
                guardians::consent,
                guardians::accepted_at,
            ))
            .load(connection)
            .await?;
        let guardians = guardians.into_iter().map(|(id, person, state, consent, accepted_at)| {
            Ok(Guardian {
                id,
                person,
                state: GuardianState::from_word(&state)?,
                waits_for_consent: consent == "waiting",
                has_accepted: accepted_at.is_some(),
            })
        });
        Ok(Child {
            id: row.child_id,
            household: row.household_id,
            account_number: row.account_number,
            name: self.cipher.decrypt(NAME, &row.sealed_name)?,
            birth_date: self.birth_date(&row.sealed_birth_date)?,
            rules: Rules::try_new(Money::from_minor(row.limit_minor, currency), allowances)
                .map_err(|_| Error::Corrupt("a child's rules"))?,
            state: ChildState::from_word(&row.state)?,
            guardians: guardians.collect::<Result<_, Error>>()?,
            registered_at: row.registered_at,
            handed_over_to: row.handed_over_to,
            version: row.version,
        })
    }
}

/// The person behind a member of a household.
pub(super) async fn person_of_in(
    connection: &mut AsyncPgConnection,
    household: HouseholdId,
    member: MemberId,
) -> Result<PersonId, Error> {
    household_members::table
        .find(member)
        .filter(household_members::household_id.eq(household))
        .filter(household_members::left_at.is_null())
        .select(household_members::person_id)
        .first(connection)
        .await
        .optional()?
        .ok_or(Error::NotFound("member"))
}
