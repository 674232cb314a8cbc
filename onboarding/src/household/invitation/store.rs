use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;
use uuid::Uuid;

use super::{Confirmation, RecipientStatement};
use crate::household::code::{
    CodePurpose, Holder, NewCode, forgive_in, issue_in, open_of_in, present_in, use_in, used_for_in, withdraw_in,
};
use crate::household::store::{
    KNOWN_AS, RECIPIENT_NAME, join_in, lock_in, require_head_in, require_member_in, role_in,
};
use crate::household::{
    CodeId, HouseholdError, HouseholdId, IssuedCode, MAX_HOUSEHOLD_PEOPLE, MAX_OPEN_INVITATIONS, RecipientId, Role,
    SpokenCode, called, require_identity,
};
use crate::person::text;
use crate::schema::{household_codes, household_members, household_recipients};
use crate::screening::{Facts, Screening, Subject, SubjectKind};
use crate::{Country, Error, Institution, Person, PersonId};

const BIRTH_DATE: &str = "onboarding.household_recipients.birth_date";
const ADDRESS: &str = "onboarding.household_recipients.address";

/// All invitations, and what becomes of them.
#[derive(Clone)]
pub struct Invitations {
    database: Database,
    cipher: Cipher,
    clock: Clock,
    screening: Screening,
}

type RecipientRow = (HouseholdId, PersonId, String, String);

impl Invitations {
    /// The invitations of a database.
    #[must_use]
    pub const fn new(database: Database, cipher: Cipher, clock: Clock, screening: Screening) -> Self {
        Self { database, cipher, clock, screening }
    }

    /// A code by which somebody with an account joins.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`HouseholdError::NotHead`], [`HouseholdError::Full`].
    pub async fn invite(&self, by: &Person, household: HouseholdId) -> Result<IssuedCode, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                require_head_in(connection, household, by.id()).await?;
                self.require_room_for_invitation(connection, household).await?;
                let new = new_code(by, household, CodePurpose::Join, household.uuid());
                issue_in(connection, &self.cipher, &new, now).await
            })
            .await
    }

    /// Adds somebody without an account, and makes the code by which an agent confirms them. Adding them again under
    /// their id only makes a fresh code.
    ///
    /// # Errors
    /// [`Error::Text`] for a faulty name or region, [`Error::NotFound`]; [`HouseholdError::NotHead`],
    /// [`HouseholdError::Full`].
    pub async fn add_recipient(
        &self,
        by: &Person,
        household: HouseholdId,
        id: RecipientId,
        (known_as, country, region): (&str, Country, &str),
    ) -> Result<IssuedCode, Error> {
        let (known_as, region) = (called("known_as", known_as)?, text("region", region)?);
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                require_head_in(connection, household, by.id()).await?;
                require_room_for_people(connection, household).await?;
                self.require_room_for_invitation(connection, household).await?;
                diesel::insert_into(household_recipients::table)
                    .values((
                        household_recipients::recipient_id.eq(id),
                        household_recipients::household_id.eq(household),
                        household_recipients::sealed_known_as.eq(self.cipher.encrypt(KNOWN_AS, &known_as)),
                        household_recipients::country.eq(country.code()),
                        household_recipients::region.eq(&region),
                        household_recipients::added_by.eq(by.id()),
                        household_recipients::added_at.eq(now),
                    ))
                    .on_conflict_do_nothing()
                    .execute(connection)
                    .await?;
                let new = new_code(by, household, CodePurpose::Confirm, id.uuid());
                issue_in(connection, &self.cipher, &new, now).await
            })
            .await
    }

    /// Another code for a recipient who is not confirmed; the one before dies.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`] once they are confirmed; [`HouseholdError::NotHead`].
    pub async fn renew_code(&self, by: &Person, household: HouseholdId, id: RecipientId) -> Result<IssuedCode, Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                require_head_in(connection, household, by.id()).await?;
                let is_confirmed: bool = household_recipients::table
                    .find(id)
                    .filter(household_recipients::household_id.eq(household))
                    .filter(household_recipients::left_at.is_null())
                    .select(household_recipients::confirmed_at.is_not_null())
                    .first(connection)
                    .await
                    .optional()?
                    .ok_or(Error::NotFound("recipient"))?;
                if is_confirmed {
                    return Err(Error::WrongState { thing: "recipient", state: "confirmed", wanted: "confirmed" });
                }
                let new = new_code(by, household, CodePurpose::Confirm, id.uuid());
                issue_in(connection, &self.cipher, &new, now).await
            })
            .await
    }

    /// Takes a recipient out of a household, with their code. That they are out already is fine.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`HouseholdError::NotHead`].
    pub async fn remove_recipient(&self, by: &Person, household: HouseholdId, id: RecipientId) -> Result<(), Error> {
        let now = self.clock.now();
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                require_head_in(connection, household, by.id()).await?;
                let own = household_recipients::table.find(id).filter(household_recipients::household_id.eq(household));
                let known: i64 = own.count().get_result(connection).await?;
                if known == 0 {
                    return Err(Error::NotFound("recipient"));
                }
                diesel::update(household_recipients::table.find(id))
                    .filter(household_recipients::left_at.is_null())
                    .set(household_recipients::left_at.eq(now))
                    .execute(connection)
                    .await?;
                withdraw_in(connection, CodePurpose::Confirm, id.uuid(), now).await
            })
            .await
    }

    /// A head takes an invitation back. That it is used or taken back already is fine.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`HouseholdError::NotHead`].
    pub async fn withdraw(&self, by: &Person, household: HouseholdId, id: CodeId) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        // No lock of the household: who joins has the code's lock and wants the household's.
        if require_member_in(&mut connection, household, by.id()).await? != Role::Head {
            return Err(HouseholdError::NotHead.into());
        }
        let code = household_codes::table
            .filter(household_codes::code_id.eq(id))
            .filter(household_codes::household_id.eq(household))
            .filter(household_codes::purpose.ne(CodePurpose::HandOver.word()));
        let known: i64 = code.count().get_result(&mut connection).await?;
        if known == 0 {
            return Err(Error::NotFound("invitation"));
        }
        diesel::update(household_codes::table.find(id))
            .filter(household_codes::used_at.is_null())
            .filter(household_codes::withdrawn_at.is_null())
            .set(household_codes::withdrawn_at.eq(self.clock.now()))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    /// A person joins a household by a code; answers which.
    ///
    /// # Errors
    /// [`Error::WrongCode`], whatever is wrong with it; [`HouseholdError::IdentityNeeded`],
    /// [`HouseholdError::TooManyCodes`], [`HouseholdError::Full`].
    pub async fn join(&self, person: &Person, code: &SpokenCode) -> Result<HouseholdId, Error> {
        require_identity(person.tier())?;
        let (by, now) = (Holder::Person(person.id()), self.clock.now());
        let mut connection = self.database.connection().await?;
        // A wrong code is no error of the transaction: the try that it cost has to be kept.
        let joined: Result<Option<HouseholdId>, Error> = connection
            .transaction(async |connection| {
                let fitting = present_in(connection, &self.cipher, by, (CodePurpose::Join, code), now).await?;
                let Some(fitting) = fitting else { return self.joined_in(connection, person.id(), code).await };
                let household = HouseholdId::from_uuid(fitting.subject);
                lock_in(connection, household).await?;
                require_room_for_people(connection, household).await?;
                join_in(connection, household, person.id(), Role::Member, now).await?;
                use_in(connection, by, fitting.id, now).await?;
                Ok(Some(household))
            })
            .await;
        joined?.ok_or(Error::WrongCode)
    }

    /// The household that a person is in by a code that was used; whoever asks again is in it.
    async fn joined_in(
        &self,
        connection: &mut AsyncPgConnection,
        person: PersonId,
        code: &SpokenCode,
    ) -> Result<Option<HouseholdId>, Error> {
        let used = used_for_in(connection, &self.cipher, (CodePurpose::Join, code)).await?.map(HouseholdId::from_uuid);
        let Some(household) = used else { return Ok(None) };
        let is_in = role_in(connection, household, person).await?.is_some();
        if is_in {
            forgive_in(connection, Holder::Person(person)).await?;
        }
        Ok(is_in.then_some(household))
    }

    /// An agent of an institution confirms a recipient who told them the code.
    ///
    /// # Errors
    /// [`Error::WrongCode`], whatever is wrong with it; [`HouseholdError::TooManyCodes`].
    pub async fn confirm(
        &self,
        institution: &Institution,
        code: &SpokenCode,
        statement: &RecipientStatement,
    ) -> Result<Confirmation, Error> {
        let (by, now) = (Holder::Institution(institution.id()), self.clock.now());
        let mut connection = self.database.connection().await?;
        let known: Result<Option<(CodeId, RecipientId, RecipientRow)>, Error> = connection
            .transaction(async |connection| {
                let fitting = present_in(connection, &self.cipher, by, (CodePurpose::Confirm, code), now).await?;
                let Some(fitting) = fitting else { return Ok(None) };
                let recipient = RecipientId::from_uuid(fitting.subject);
                let row = unconfirmed_in(connection, recipient).await?;
                forgive_in(connection, by).await?;
                Ok(row.map(|row| (fitting.id, recipient, row)))
            })
            .await;
        // Screening takes a connection of its own.
        drop(connection);
        let (code, recipient, (household, owner, country, region)) = known?.ok_or(Error::WrongCode)?;
        let facts = Facts {
            kind: SubjectKind::Beneficiary,
            name: statement.name.clone(),
            birth_date: Some(statement.birth_date),
            country: Some(country.clone()),
        };
        // Held against the lists first: a recipient who is confirmed is one who was screened.
        self.screening.enter(&Subject::try_new(recipient.uuid(), owner.uuid(), facts)?).await?;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let kept = diesel::update(household_recipients::table.find(recipient))
                    .filter(household_recipients::confirmed_at.is_null())
                    .filter(household_recipients::left_at.is_null())
                    .set((
                        household_recipients::sealed_name.eq(self.cipher.encrypt(RECIPIENT_NAME, &statement.name)),
                        household_recipients::sealed_birth_date
                            .eq(self.cipher.encrypt(BIRTH_DATE, &statement.birth_date.to_string())),
                        household_recipients::sealed_address.eq(self.cipher.encrypt(ADDRESS, &statement.address)),
                        household_recipients::document_kind.eq(statement.seen.word()),
                        household_recipients::confirmed_by.eq(institution.id()),
                        household_recipients::confirmed_at.eq(now),
                    ))
                    .execute(connection)
                    .await?;
                let used = diesel::update(household_codes::table.find(code))
                    .filter(household_codes::used_at.is_null())
                    .filter(household_codes::withdrawn_at.is_null())
                    .set(household_codes::used_at.eq(now))
                    .execute(connection)
                    .await?;
                // Somebody else was first, or it was taken back a moment ago.
                if (kept, used) == (1, 1) { Ok(()) } else { Err(Error::WrongCode) }
            })
            .await?;
        tracing::info!(recipient = %recipient, institution = institution.code().as_str(), "confirmed a recipient");
        let country = Country::try_new(&country).map_err(|_| Error::Corrupt("a country"))?;
        Ok(Confirmation { recipient, household, country, region, confirmed_at: now })
    }

    async fn require_room_for_invitation(
        &self,
        connection: &mut AsyncPgConnection,
        household: HouseholdId,
    ) -> Result<(), Error> {
        let open = open_of_in(connection, household, self.clock.now()).await?;
        if open.len() < MAX_OPEN_INVITATIONS {
            return Ok(());
        }
        Err(HouseholdError::Full { what: "open invitations", most: MAX_OPEN_INVITATIONS }.into())
    }
}

fn new_code(by: &Person, household: HouseholdId, purpose: CodePurpose, subject: Uuid) -> NewCode {
    NewCode { household, purpose, subject, maker: Holder::Person(by.id()), seen: None }
}

async fn unconfirmed_in(connection: &mut AsyncPgConnection, id: RecipientId) -> Result<Option<RecipientRow>, Error> {
    Ok(household_recipients::table
        .find(id)
        .filter(household_recipients::confirmed_at.is_null())
        .filter(household_recipients::left_at.is_null())
        .select((
            household_recipients::household_id,
            household_recipients::added_by,
            household_recipients::country,
            household_recipients::region,
        ))
        .first(connection)
        .await
        .optional()?)
}

/// Whether one more can be in a household. The caller has its lock.
async fn require_room_for_people(connection: &mut AsyncPgConnection, household: HouseholdId) -> Result<(), Error> {
    let members: i64 = household_members::table
        .filter(household_members::household_id.eq(household))
        .filter(household_members::left_at.is_null())
        .count()
        .get_result(connection)
        .await?;
    let recipients: i64 = household_recipients::table
        .filter(household_recipients::household_id.eq(household))
        .filter(household_recipients::left_at.is_null())
        .count()
        .get_result(connection)
        .await?;
    if usize::try_from(members + recipients).is_ok_and(|count| count < MAX_HOUSEHOLD_PEOPLE) {
        return Ok(());
    }
    Err(HouseholdError::Full { what: "people of a household", most: MAX_HOUSEHOLD_PEOPLE }.into())
}
