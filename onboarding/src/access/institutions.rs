//! Credentials of institutions: one operator asks for one, another lets it in, any of them can take it back.
//!
//! Whoever holds one acts in the institution's name: confirms payouts, and is the second kind of party that approves a
//! milestone. So nobody gets one alone who acts for us, too.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Access, Holder, IssuedCredential, Operator, OperatorId, staff};
use crate::schema::{credentials, institutions};
use crate::{Error, Institution, InstitutionId};

/// Whether a credential lets anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// Until another operator than the one who asked for it approves.
    Waiting,
    /// It lets its holder in.
    Valid,
    /// It was taken back.
    Revoked,
}

impl CredentialState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Valid, Self::Revoked];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Valid => "valid",
            Self::Revoked => "revoked",
        }
    }
}

/// A credential without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = credentials)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct CredentialRecord {
    /// The public half.
    pub client_id: Uuid,
    /// Since when it is there.
    pub created_at: DateTime<Utc>,
    /// Who asked for it; none for those of before this was kept.
    pub issued_by: Option<OperatorId>,
    /// The second person who let it in; none where there was nobody else yet.
    pub approved_by: Option<OperatorId>,
    /// Since when it lets its holder in.
    pub approved_at: Option<DateTime<Utc>>,
    /// Who took it back.
    pub revoked_by: Option<OperatorId>,
    /// Since when it lets nobody in any more.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl CredentialRecord {
    /// Whether it lets anybody in.
    #[must_use]
    pub const fn state(&self) -> CredentialState {
        match (self.approved_at, self.revoked_at) {
            (_, Some(_)) => CredentialState::Revoked,
            (None, None) => CredentialState::Waiting,
            (Some(_), None) => CredentialState::Valid,
        }
    }
}

impl Access {
    /// Makes a further credential for an institution; the old ones stay valid until they are revoked. It lets nobody in
    /// before a second operator approves, but for the first operator while there is no second one.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn issue_for_institution(
        &self,
        by: &Operator,
        institution: InstitutionId,
    ) -> Result<(CredentialState, IssuedCredential), Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                staff::take_turns(connection).await?;
                let known: Option<InstitutionId> = institutions::table
                    .find(institution)
                    .select(institutions::institution_id)
                    .first(connection)
                    .await
                    .optional()?;
                known.ok_or(Error::NotFound("institution"))?;
                let alone = staff::is_alone(connection, by).await?;
                let approved_at = alone.then(|| self.clock.now());
                let holder = (Holder::Institution, institution.uuid());
                let issued = self.issue_in(connection, holder, Some(by), approved_at).await?;
                Ok((if alone { CredentialState::Valid } else { CredentialState::Waiting }, issued))
            })
            .await
    }

    /// Lets a credential in that another operator asked for. One that is valid stays so.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::SamePerson`] when the one who asked approves; [`Error::WrongState`] when it was
    /// taken back.
    pub async fn approve_of_institution(
        &self,
        by: &Operator,
        institution: InstitutionId,
        client_id: Uuid,
    ) -> Result<CredentialRecord, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let known = locked(connection, institution, client_id).await?;
                match known.state() {
                    CredentialState::Valid => return Ok(known),
                    CredentialState::Revoked => {
                        return Err(Error::WrongState { thing: "credential", state: "revoked", wanted: "approved" });
                    }
                    CredentialState::Waiting => {}
                }
                if known.issued_by == Some(by.id) {
                    return Err(Error::SamePerson);
                }
                Ok(diesel::update(credentials::table.find(client_id))
                    .set((credentials::approved_by.eq(by.id), credentials::approved_at.eq(self.clock.now())))
                    .returning(CredentialRecord::as_returning())
                    .get_result(connection)
                    .await?)
            })
            .await
    }

    /// Takes a credential of an institution back: nobody gets a token by it any more. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the institution has no such credential.
    pub async fn revoke_of_institution(
        &self,
        by: &Operator,
        institution: InstitutionId,
        client_id: Uuid,
    ) -> Result<(), Error> {
        self.revoke(by, Holder::Institution, institution.uuid(), Some(client_id)).await
    }

    /// The credentials of an institution, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn credentials_of_institution(
        &self,
        _by: &Operator,
        institution: InstitutionId,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<CredentialRecord>, Error> {
        let mut query = credentials::table
            .filter(credentials::holder_kind.eq(Holder::Institution.kind()))
            .filter(credentials::holder_id.eq(institution.uuid()))
            .order((credentials::created_at, credentials::client_id))
            .limit(limit)
            .select(CredentialRecord::as_select())
            .into_boxed();
        if let Some((time, id)) = after {
            let later = credentials::created_at.eq(time).and(credentials::client_id.gt(id));
            query = query.filter(credentials::created_at.gt(time).or(later));
        }
        let mut connection = self.database.connection().await?;
        Ok(query.load(&mut connection).await?)
    }

    /// Lets in the institution that a credential belongs to.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`], [`Error::AccountUnusable`] for an institution that is not live.
    pub async fn sign_in_institution(&self, client_id: Uuid, secret: &SecretString) -> Result<Institution, Error> {
        let id = self.check(Holder::Institution, client_id, secret).await?;
        self.recognise_institution(InstitutionId::from_uuid(id)).await
    }

    /// Lets in the institution that a token of ours names, if it is live and a credential of its is valid.
    ///
    /// # Errors
    /// [`Error::AccountUnusable`].
    pub async fn recognise_institution(&self, id: InstitutionId) -> Result<Institution, Error> {
        self.holds_credential(id.uuid()).await?;
        let mut connection = self.database.connection().await?;
        let code: String = institutions::table
            .find(id)
            .filter(institutions::state.eq("live"))
            .select(institutions::code)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::AccountUnusable)?;
        Institution::stored(id, &code)
    }
}

async fn locked(
    connection: &mut AsyncPgConnection,
    institution: InstitutionId,
    client_id: Uuid,
) -> Result<CredentialRecord, Error> {
    credentials::table
        .find(client_id)
        .filter(credentials::holder_kind.eq(Holder::Institution.kind()))
        .filter(credentials::holder_id.eq(institution.uuid()))
        .select(CredentialRecord::as_select())
        .for_no_key_update()
        .first(connection)
        .await
        .optional()?
        .ok_or(Error::NotFound("credential"))
}
