use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;

use super::code::open_of_in;
use super::{
    ConfirmedRecipient, Household, HouseholdError, HouseholdId, MAX_HOUSEHOLDS, Member, MemberId, Recipient,
    RecipientId, Role, called, require_identity,
};
use crate::schema::{children, guardians, household_members, household_recipients, households, institutions, people};
use crate::{Country, Error, InstitutionId, Person, PersonId};

pub(crate) const HOUSEHOLD_NAME: &str = "onboarding.households.name";
pub(crate) const KNOWN_AS: &str = "onboarding.household_recipients.known_as";
pub(crate) const RECIPIENT_NAME: &str = "onboarding.household_recipients.name";
const PERSON_NAME: &str = "onboarding.people.name";

/// All households.
#[derive(Clone)]
pub struct Households {
    pub(super) database: Database,
    pub(super) cipher: Cipher,
    pub(super) clock: Clock,
}

type HouseholdRow = (HouseholdId, Vec<u8>, DateTime<Utc>, String);
type MemberRow = (MemberId, HouseholdId, PersonId, String, DateTime<Utc>);
type PersonRow = (PersonId, Option<Vec<u8>>, Option<String>);

#[derive(Queryable, Selectable)]
#[diesel(table_name = household_recipients)]
struct RecipientRow {
    recipient_id: RecipientId,
    household_id: HouseholdId,
    sealed_known_as: Vec<u8>,
    country: String,
    region: String,
    sealed_name: Option<Vec<u8>>,
    confirmed_by: Option<InstitutionId>,
    confirmed_at: Option<DateTime<Utc>>,
}

impl Households {
    /// The households of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock) -> Self {
        Self { database, cipher, clock }
    }

    /// Makes a household, whose first head is the one who makes it. Making it again under its id changes nothing.
    ///
    /// # Errors
    /// [`Error::Text`] for a faulty name; [`HouseholdError::IdentityNeeded`], [`HouseholdError::Full`].
    pub async fn make(&self, person: &Person, id: HouseholdId, name: &str) -> Result<Household, Error> {
        require_identity(person.tier())?;
        let name = called("name", name)?;
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let made = diesel::insert_into(households::table)
                    .values((
                        households::household_id.eq(id),
                        households::sealed_name.eq(self.cipher.encrypt(HOUSEHOLD_NAME, &name)),
                        households::made_by.eq(person.id()),
                        households::made_at.eq(now),
                    ))
                    .on_conflict_do_nothing()
                    .execute(connection)
                    .await?;
                if made == 1 {
                    join_in(connection, id, person.id(), Role::Head, now).await?;
                }
                Ok::<_, Error>(())
            })
            .await?;
        drop(connection);
        self.get(person, id).await
    }

    /// The households that a person is in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(&self, person: &Person) -> Result<Vec<Household>, Error> {
        let rows = self.rows_of(person, None).await?;
        self.filled(rows).await
    }

    /// A household that a person is in.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, person: &Person, id: HouseholdId) -> Result<Household, Error> {
        let rows = self.rows_of(person, Some(id)).await?;
        self.filled(rows).await?.pop().ok_or(Error::NotFound("household"))
    }

    /// A head makes another member a head. Saying so again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`HouseholdError::NotHead`].
    pub async fn make_head(&self, by: &Person, id: HouseholdId, member: MemberId) -> Result<Household, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                require_head_in(connection, id, by.id()).await?;
                let changed = diesel::update(household_members::table.find(member))
                    .filter(household_members::household_id.eq(id))
                    .filter(household_members::left_at.is_null())
                    .set(household_members::role.eq(Role::Head.word()))
                    .execute(connection)
                    .await?;
                if changed == 1 { Ok(()) } else { Err(Error::NotFound("member")) }
            })
            .await?;
        drop(connection);
        self.get(by, id).await
    }

    /// A member leaves, by themselves or because a head says so. That they left already is fine.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`HouseholdError::NotHead`], [`HouseholdError::LastHead`],
    /// [`HouseholdError::StillGuardian`].
    pub async fn remove_member(&self, by: &Person, id: HouseholdId, member: MemberId) -> Result<(), Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                lock_in(connection, id).await?;
                let own = role_in(connection, id, by.id()).await?.ok_or(Error::NotFound("household"))?;
                let (person, role, left_at): (PersonId, String, Option<DateTime<Utc>>) = household_members::table
                    .find(member)
                    .filter(household_members::household_id.eq(id))
                    .select((household_members::person_id, household_members::role, household_members::left_at))
                    .first(connection)
                    .await
                    .optional()?
                    .ok_or(Error::NotFound("member"))?;
                if own != Role::Head && person != by.id() {
                    return Err(HouseholdError::NotHead.into());
                }
                if left_at.is_some() {
                    return Ok(());
                }
                let heads: i64 = household_members::table
                    .filter(household_members::household_id.eq(id))
                    .filter(household_members::left_at.is_null())
                    .filter(household_members::role.eq(Role::Head.word()))
                    .count()
                    .get_result(connection)
                    .await?;
                if Role::from_word(&role)? == Role::Head && heads <= 1 {
                    return Err(HouseholdError::LastHead.into());
                }
                if !guardians_in(connection, &[id]).await?.is_disjoint(&HashSet::from([(id, person)])) {
                    return Err(HouseholdError::StillGuardian.into());
                }
                diesel::update(household_members::table.find(member))
                    .set(household_members::left_at.eq(now))
                    .execute(connection)
                    .await?;
                // Who was to be a guardian, and has left, is not to be one.
                let own = children::table.filter(children::household_id.eq(id)).select(children::child_id);
                diesel::update(guardians::table)
                    .filter(guardians::person_id.eq(person))
                    .filter(guardians::state.eq("named"))
                    .filter(guardians::child_id.eq_any(own))
                    .set((guardians::state.eq("declined"), guardians::ended_at.eq(now)))
                    .execute(connection)
                    .await?;
                Ok(())
            })
            .await
    }

    async fn rows_of(&self, person: &Person, only: Option<HouseholdId>) -> Result<Vec<HouseholdRow>, Error> {
        let mut connection = self.database.connection().await?;
        let own: Vec<(HouseholdId, String)> = household_members::table
            .filter(household_members::person_id.eq(person.id()))
            .filter(household_members::left_at.is_null())
            .order(household_members::member_id)
            .limit(i64::try_from(MAX_HOUSEHOLDS).unwrap_or(i64::MAX))
            .select((household_members::household_id, household_members::role))
            .load(&mut connection)
            .await?;
        let own: HashMap<_, _> = own.into_iter().filter(|(id, _)| only.is_none_or(|only| only == *id)).collect();
        let rows: Vec<(HouseholdId, Vec<u8>, DateTime<Utc>)> = households::table
            .filter(households::household_id.eq_any(own.keys().copied().collect::<Vec<_>>()))
            .order(households::household_id)
            .select((households::household_id, households::sealed_name, households::made_at))
            .load(&mut connection)
            .await?;
        let with_role = rows.into_iter().filter_map(|(id, name, at)| Some((id, name, at, own.get(&id)?.clone())));
        Ok(with_role.collect())
    }

    /// The households with those who are in them.
    async fn filled(&self, rows: Vec<HouseholdRow>) -> Result<Vec<Household>, Error> {
        let ids: Vec<HouseholdId> = rows.iter().map(|row| row.0).collect();
        let mut connection = self.database.connection().await?;
        let members: Vec<MemberRow> = household_members::table
            .filter(household_members::household_id.eq_any(&ids))
            .filter(household_members::left_at.is_null())
            .order(household_members::member_id)
            .select((
                household_members::member_id,
                household_members::household_id,
                household_members::person_id,
                household_members::role,
                household_members::joined_at,
            ))
            .load(&mut connection)
            .await?;
        let persons: Vec<PersonRow> = people::table
            .filter(people::person_id.eq_any(members.iter().map(|row| row.2).collect::<Vec<_>>()))
            .select((people::person_id, people::sealed_name, people::country))
            .load(&mut connection)
            .await?;
        let persons: HashMap<_, _> = persons.into_iter().map(|(id, name, country)| (id, (name, country))).collect();
        let recipients: Vec<RecipientRow> = household_recipients::table
            .filter(household_recipients::household_id.eq_any(&ids))
            .filter(household_recipients::left_at.is_null())
            .order(household_recipients::recipient_id)
            .select(RecipientRow::as_select())
            .load(&mut connection)
            .await?;
        let confirmers: Vec<InstitutionId> = recipients.iter().filter_map(|row| row.confirmed_by).collect();
        let codes: Vec<(InstitutionId, String)> = institutions::table
            .filter(institutions::institution_id.eq_any(confirmers))
            .select((institutions::institution_id, institutions::code))
            .load(&mut connection)
            .await?;
        let codes: HashMap<_, _> = codes.into_iter().collect();
        let guardians = guardians_in(&mut connection, &ids).await?;
        let now = self.clock.now();
        let mut found = Vec::with_capacity(rows.len());
        for (id, name, made_at, own) in rows {
            let own_role = Role::from_word(&own)?;
            let own_members = members.iter().filter(|row| row.1 == id).map(|(member, _, person, role, joined_at)| {
                let (name, country) = persons.get(person).cloned().unwrap_or_default();
                Ok(Member {
                    id: *member,
                    person: *person,
                    name: name.map(|sealed| self.cipher.decrypt(PERSON_NAME, &sealed)).transpose()?,
                    country,
                    role: Role::from_word(role)?,
                    is_guardian: guardians.contains(&(id, *person)),
                    joined_at: *joined_at,
                })
            });
            let members = own_members.collect::<Result<_, Error>>()?;
            let own_recipients = recipients.iter().filter(|row| row.household_id == id);
            let own_recipients = own_recipients.map(|row| row.recipient(&self.cipher, &codes));
            let recipients = own_recipients.collect::<Result<_, Error>>()?;
            let invitations = match own_role {
                Role::Head => open_of_in(&mut connection, id, now).await?,
                Role::Member => Vec::new(),
            };
            let name = self.cipher.decrypt(HOUSEHOLD_NAME, &name)?;
            found.push(Household { id, name, own_role, members, recipients, invitations, made_at });
        }
        Ok(found)
    }
}

impl RecipientRow {
    fn recipient(&self, cipher: &Cipher, codes: &HashMap<InstitutionId, String>) -> Result<Recipient, Error> {
        let confirmed = match (&self.sealed_name, self.confirmed_by, self.confirmed_at) {
            (Some(name), Some(by), Some(at)) => Some(ConfirmedRecipient {
                name: cipher.decrypt(RECIPIENT_NAME, name)?,
                institution: codes.get(&by).cloned().ok_or(Error::Corrupt("a recipient's institution"))?,
                at,
            }),
            _ => None,
        };
        Ok(Recipient {
            id: self.recipient_id,
            known_as: cipher.decrypt(KNOWN_AS, &self.sealed_known_as)?,
            country: Country::try_new(&self.country).map_err(|_| Error::Corrupt("a country"))?,
            region: self.region.clone(),
            confirmed,
        })
    }
}

/// Who is the guardian of a child in which of these households.
async fn guardians_in(
    connection: &mut AsyncPgConnection,
    ids: &[HouseholdId],
) -> Result<HashSet<(HouseholdId, PersonId)>, Error> {
    let rows: Vec<(HouseholdId, PersonId)> = guardians::table
        .inner_join(children::table)
        .filter(children::household_id.eq_any(ids))
        .filter(children::state.eq("protected"))
        .filter(guardians::state.eq("active"))
        .select((children::household_id, guardians::person_id))
        .load(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

/// What a person may do in a household; none when they are not in it.
pub(crate) async fn role_in(
    connection: &mut AsyncPgConnection,
    id: HouseholdId,
    person: PersonId,
) -> Result<Option<Role>, Error> {
    let word: Option<String> = household_members::table
        .filter(household_members::household_id.eq(id))
        .filter(household_members::person_id.eq(person))
        .filter(household_members::left_at.is_null())
        .select(household_members::role)
        .first(connection)
        .await
        .optional()?;
    word.map(|word| Role::from_word(&word)).transpose()
}

/// Lets members in, and nobody else.
pub(crate) async fn require_member_in(
    connection: &mut AsyncPgConnection,
    id: HouseholdId,
    person: PersonId,
) -> Result<Role, Error> {
    role_in(connection, id, person).await?.ok_or(Error::NotFound("household"))
}

/// Lets heads in, with the household's row locked.
pub(super) async fn require_head_in(
    connection: &mut AsyncPgConnection,
    id: HouseholdId,
    person: PersonId,
) -> Result<(), Error> {
    lock_in(connection, id).await?;
    match require_member_in(connection, id, person).await? {
        Role::Head => Ok(()),
        Role::Member => Err(HouseholdError::NotHead.into()),
    }
}

/// Locks a household, so that what is counted in it stays so until the transaction ends.
pub(crate) async fn lock_in(connection: &mut AsyncPgConnection, id: HouseholdId) -> Result<(), Error> {
    households::table
        .find(id)
        .select(households::household_id)
        .for_no_key_update()
        .first::<HouseholdId>(connection)
        .await
        .optional()?
        .ok_or(Error::NotFound("household"))?;
    Ok(())
}

/// Makes a person a member. The caller has the household's lock, or has just made it.
pub(super) async fn join_in(
    connection: &mut AsyncPgConnection,
    id: HouseholdId,
    person: PersonId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let in_others: i64 = household_members::table
        .filter(household_members::person_id.eq(person))
        .filter(household_members::left_at.is_null())
        .count()
        .get_result(connection)
        .await?;
    if usize::try_from(in_others).is_ok_and(|count| count >= MAX_HOUSEHOLDS) {
        return Err(HouseholdError::Full { what: "households of one person", most: MAX_HOUSEHOLDS }.into());
    }
    diesel::insert_into(household_members::table)
        .values((
            household_members::member_id.eq(MemberId::generate()),
            household_members::household_id.eq(id),
            household_members::person_id.eq(person),
            household_members::role.eq(role.word()),
            household_members::joined_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(())
}
