//! Client credentials, and those who hold them: institutions, our own staff, auditors.

mod audit;
mod staff;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::clock::Clock;
use platform::database::Database;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

pub use staff::{OperatorRecord, OperatorState};

use crate::person::text;
use crate::schema::{credentials, institutions, operators};
use crate::{Error, Institution, InstitutionId};
pub use audit::{AuditGrant, AuditScope, Auditor, GrantId, GrantState, MAX_GRANTED_BOOKS, MAX_LISTED_GRANTS};

platform::define_id!(OperatorId, "A member of our own staff.");

diesel::define_sql_function! {
    fn coalesce(kept: Nullable<Timestamptz>, fresh: Nullable<Timestamptz>) -> Nullable<Timestamptz>;
}

/// The advisory lock of whoever makes the first operator; any number that nothing else uses.
const FIRST_OPERATOR_LOCK: i64 = 7_306_087_002;

/// A secret in clear: 256 random bits in hexadecimal, shown once.
pub struct ClientSecret(SecretString);

impl ClientSecret {
    fn generate() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(hex::encode(bytes).into())
    }

    /// The secret, for the answer that hands it over.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What of a secret is stored.
fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// A credential as handed over.
pub struct IssuedCredential {
    /// The public half.
    pub client_id: Uuid,
    /// The secret half.
    pub secret: ClientSecret,
}

/// A member of our own staff who is let in.
#[derive(Clone, Debug)]
pub struct Operator {
    id: OperatorId,
}

impl Operator {
    /// Who.
    #[must_use]
    pub const fn id(&self) -> OperatorId {
        self.id
    }
}

#[derive(Clone, Copy)]
enum Holder {
    Institution,
    Operator,
    Auditor,
}

impl Holder {
    const fn kind(self) -> &'static str {
        match self {
            Self::Institution => "institution",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }
}

/// All credentials.
#[derive(Clone)]
pub struct Access {
    database: Database,
    clock: Clock,
}

impl Access {
    /// The credentials of a database.
    #[must_use]
    pub const fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    async fn issue_in(
        &self,
        connection: &mut AsyncPgConnection,
        holder: Holder,
        id: Uuid,
    ) -> Result<IssuedCredential, Error> {
        let issued = IssuedCredential { client_id: Uuid::now_v7(), secret: ClientSecret::generate() };
        diesel::insert_into(credentials::table)
            .values((
                credentials::client_id.eq(issued.client_id),
                credentials::holder_kind.eq(holder.kind()),
                credentials::holder_id.eq(id),
                credentials::secret_digest.eq(digest(issued.secret.reveal())),
                credentials::created_at.eq(self.clock.now()),
            ))
            .execute(connection)
            .await?;
        Ok(issued)
    }

    async fn check(&self, holder: Holder, client_id: Uuid, secret: &SecretString) -> Result<Uuid, Error> {
        let mut connection = self.database.connection().await?;
        let (id, stored): (Uuid, Vec<u8>) = credentials::table
            .find(client_id)
            .filter(credentials::holder_kind.eq(holder.kind()))
            .filter(credentials::revoked_at.is_null())
            .select((credentials::holder_id, credentials::secret_digest))
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::WrongCredentials)?;
        let fits = digest(secret.expose_secret()).ct_eq(&stored);
        if bool::from(fits) { Ok(id) } else { Err(Error::WrongCredentials) }
    }

    /// Makes a member of staff with a credential when there is nobody with a valid one; answers whether it did. The
    /// credential is handed to `keep`, which has it safe on disk when it returns: only then it becomes valid. Processes
    /// that start at once take turns, and one of them makes it.
    ///
    /// # Errors
    /// [`Error::NotKept`] when `keep` fails, [`Error::Text`] for an empty or overlong name; then nothing is left.
    pub async fn ensure_operator(
        &self,
        name: &str,
        keep: impl FnOnce(&IssuedCredential) -> std::io::Result<()> + Send,
    ) -> Result<bool, Error> {
        let name = text("name", name)?;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                staff::take_turns(connection).await?;
                if has_operator(connection).await? {
                    return Ok(false);
                }
                let id = OperatorId::generate();
                let now = self.clock.now();
                diesel::insert_into(operators::table)
                    .values((
                        operators::operator_id.eq(id),
                        operators::name.eq(name),
                        operators::created_at.eq(now),
                        operators::approved_at.eq(now),
                    ))
                    .execute(connection)
                    .await?;
                let issued = self.issue_in(connection, Holder::Operator, id.uuid()).await?;
                keep(&issued).map_err(Error::NotKept)?;
                Ok(true)
            })
            .await
    }

    /// Makes a further credential for an institution; the old ones stay valid until they are revoked.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn issue_for_institution(
        &self,
        _by: &Operator,
        institution: InstitutionId,
    ) -> Result<IssuedCredential, Error> {
        let mut connection = self.database.connection().await?;
        let known: Option<InstitutionId> = institutions::table
            .find(institution)
            .select(institutions::institution_id)
            .first(&mut connection)
            .await
            .optional()?;
        known.ok_or(Error::NotFound("institution"))?;
        self.issue_in(&mut connection, Holder::Institution, institution.uuid()).await
    }

    /// Lets in the institution that a credential belongs to.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`], [`Error::AccountUnusable`] for an institution that is not live.
    pub async fn sign_in_institution(&self, client_id: Uuid, secret: &SecretString) -> Result<Institution, Error> {
        let id = self.check(Holder::Institution, client_id, secret).await?;
        self.recognise_institution(InstitutionId::from_uuid(id)).await
    }

    /// Takes a credential of an institution back: nobody gets a token by it any more. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the institution has no such credential.
    pub async fn revoke_of_institution(
        &self,
        _by: &Operator,
        institution: InstitutionId,
        client_id: Uuid,
    ) -> Result<(), Error> {
        self.revoke(Holder::Institution, institution.uuid(), Some(client_id)).await
    }

    /// Revokes one credential of a holder, or all of them.
    async fn revoke(&self, holder: Holder, id: Uuid, client_id: Option<Uuid>) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        let mut held = diesel::update(credentials::table)
            .filter(credentials::holder_kind.eq(holder.kind()))
            .filter(credentials::holder_id.eq(id))
            .set(credentials::revoked_at.eq(coalesce(credentials::revoked_at, Some(self.clock.now()))))
            .into_boxed();
        if let Some(client_id) = client_id {
            held = held.filter(credentials::client_id.eq(client_id));
        }
        match held.execute(&mut connection).await? {
            0 => Err(Error::NotFound("credential")),
            _ => Ok(()),
        }
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

    /// Lets in a member of staff.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`].
    pub async fn sign_in_operator(&self, client_id: Uuid, secret: &SecretString) -> Result<Operator, Error> {
        let id = self.check(Holder::Operator, client_id, secret).await?;
        self.recognise_operator(OperatorId::from_uuid(id)).await
    }

    /// Lets in the member of staff that a token of ours names, while they are let in and a credential of theirs is valid.
    ///
    /// # Errors
    /// [`Error::AccountUnusable`].
    pub async fn recognise_operator(&self, id: OperatorId) -> Result<Operator, Error> {
        let mut connection = self.database.connection().await?;
        let holders = credentials::table
            .inner_join(operators::table.on(operators::operator_id.eq(credentials::holder_id)))
            .filter(operators::operator_id.eq(id))
            .filter(operators::approved_at.is_not_null())
            .filter(operators::revoked_at.is_null())
            .filter(credentials::revoked_at.is_null());
        let valid: bool = diesel::select(diesel::dsl::exists(holders)).get_result(&mut connection).await?;
        if valid { Ok(Operator { id }) } else { Err(Error::AccountUnusable) }
    }

    async fn holds_credential(&self, holder: Uuid) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        let valid: bool = diesel::select(diesel::dsl::exists(
            credentials::table.filter(credentials::holder_id.eq(holder)).filter(credentials::revoked_at.is_null()),
        ))
        .get_result(&mut connection)
        .await?;
        if valid { Ok(()) } else { Err(Error::AccountUnusable) }
    }
}

/// Whether a member of staff can come in.
async fn has_operator(connection: &mut AsyncPgConnection) -> Result<bool, Error> {
    let holders = credentials::table
        .inner_join(operators::table.on(operators::operator_id.eq(credentials::holder_id)))
        .filter(credentials::holder_kind.eq(Holder::Operator.kind()))
        .filter(credentials::revoked_at.is_null())
        .filter(operators::approved_at.is_not_null())
        .filter(operators::revoked_at.is_null())
        .select(credentials::client_id);
    Ok(diesel::select(diesel::dsl::exists(holders)).get_result(connection).await?)
}
