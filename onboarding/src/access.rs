//! Client credentials, and those who hold them: institutions, our own staff, auditors.

mod audit;
mod institutions;
mod staff;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use platform::clock::Clock;
use platform::database::Database;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

pub use institutions::{CredentialRecord, CredentialState};
pub use staff::{OperatorRecord, OperatorState};

use crate::Error;
use crate::person::text;
use crate::schema::{credentials, operators};
pub use audit::{AuditGrant, AuditScope, Auditor, GrantId, GrantState, MAX_GRANTED_BOOKS, MAX_LISTED_GRANTS};

platform::define_id!(OperatorId, "A member of our own staff.");

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
        (holder, id): (Holder, Uuid),
        by: Option<&Operator>,
        approved_at: Option<DateTime<Utc>>,
    ) -> Result<IssuedCredential, Error> {
        let issued = IssuedCredential { client_id: Uuid::now_v7(), secret: ClientSecret::generate() };
        diesel::insert_into(credentials::table)
            .values((
                credentials::client_id.eq(issued.client_id),
                credentials::holder_kind.eq(holder.kind()),
                credentials::holder_id.eq(id),
                credentials::secret_digest.eq(digest(issued.secret.reveal())),
                credentials::created_at.eq(self.clock.now()),
                credentials::issued_by.eq(by.map(Operator::id)),
                credentials::approved_at.eq(approved_at),
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
            .filter(credentials::approved_at.is_not_null())
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
                let issued = self.issue_in(connection, (Holder::Operator, id.uuid()), None, Some(now)).await?;
                keep(&issued).map_err(Error::NotKept)?;
                Ok(true)
            })
            .await
    }

    /// Revokes one credential of a holder, or all of them; what was revoked before stays as it is.
    async fn revoke(&self, by: &Operator, holder: Holder, id: Uuid, client_id: Option<Uuid>) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        let held: Vec<Uuid> = credentials::table
            .filter(credentials::holder_kind.eq(holder.kind()))
            .filter(credentials::holder_id.eq(id))
            .select(credentials::client_id)
            .load(&mut connection)
            .await?;
        let named: Vec<Uuid> = held.into_iter().filter(|held| client_id.is_none_or(|id| id == *held)).collect();
        if named.is_empty() {
            return Err(Error::NotFound("credential"));
        }
        diesel::update(credentials::table.filter(credentials::client_id.eq_any(named)))
            .filter(credentials::revoked_at.is_null())
            .set((credentials::revoked_at.eq(self.clock.now()), credentials::revoked_by.eq(by.id)))
            .execute(&mut connection)
            .await?;
        Ok(())
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
        let held = credentials::table
            .filter(credentials::holder_id.eq(holder))
            .filter(credentials::approved_at.is_not_null())
            .filter(credentials::revoked_at.is_null());
        let valid: bool = diesel::select(diesel::dsl::exists(held)).get_result(&mut connection).await?;
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
