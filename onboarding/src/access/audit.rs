//! Auditors: what their grants let them read, and what they read.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Access, CredentialRecord, Holder, IssuedCredential, Operator, OperatorId};
use crate::Error;
use crate::person::text;
use crate::schema::{audit_grants, audit_reads, credentials};

platform::define_id!(GrantId, "What an auditor may read.");

/// Books that a grant names at most.
pub const MAX_GRANTED_BOOKS: usize = 100;
/// Grants that one list shows at most.
pub const MAX_LISTED_GRANTS: i64 = 100;
/// Characters that are kept of what was read.
const LONGEST_READ: usize = 4_000;

/// What a grant lets read. All that it does not name is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditScope {
    books: Vec<i16>,
    booked_from: Option<NaiveDate>,
    booked_through: Option<NaiveDate>,
    shows_personal_data: bool,
}

impl Default for AuditScope {
    /// Book 1, all days, people under pseudonyms.
    fn default() -> Self {
        Self { books: vec![1], booked_from: None, booked_through: None, shows_personal_data: false }
    }
}

impl AuditScope {
    /// These books; each counts once.
    ///
    /// # Errors
    /// [`Error::Books`] when there is none, when there are more than 100, or for a number below 1.
    pub fn of_books(mut self, mut books: Vec<i16>) -> Result<Self, Error> {
        if books.is_empty() || books.len() > MAX_GRANTED_BOOKS || books.iter().any(|book| *book < 1) {
            return Err(Error::Books { most: MAX_GRANTED_BOOKS });
        }
        books.sort_unstable();
        books.dedup();
        self.books = books;
        Ok(self)
    }

    /// Only entries that were booked on these days, by UTC; an end that is left out is open.
    ///
    /// # Errors
    /// [`Error::Backwards`] when the last day comes before the first one.
    pub fn booked(mut self, from: Option<NaiveDate>, through: Option<NaiveDate>) -> Result<Self, Error> {
        if let (Some(from), Some(through)) = (from, through)
            && through < from
        {
            return Err(Error::Backwards { from, through });
        }
        (self.booked_from, self.booked_through) = (from, through);
        Ok(self)
    }

    /// People by their own ids, and entries with their metadata.
    #[must_use]
    pub fn with_personal_data(mut self) -> Self {
        self.shows_personal_data = true;
        self
    }

    /// The numbers of the books, in order.
    #[must_use]
    pub fn books(&self) -> &[i16] {
        &self.books
    }

    /// The first day whose entries are shown.
    #[must_use]
    pub const fn booked_from(&self) -> Option<NaiveDate> {
        self.booked_from
    }

    /// The last day whose entries are shown.
    #[must_use]
    pub const fn booked_through(&self) -> Option<NaiveDate> {
        self.booked_through
    }

    /// Whether people appear by their own ids.
    #[must_use]
    pub const fn shows_personal_data(&self) -> bool {
        self.shows_personal_data
    }
}

/// An auditor who is let in under a live grant.
#[derive(Clone, Debug)]
pub struct Auditor {
    grant: GrantId,
    scope: AuditScope,
}

impl Auditor {
    /// The grant.
    #[must_use]
    pub const fn grant(&self) -> GrantId {
        self.grant
    }

    /// What may be read under it.
    #[must_use]
    pub const fn scope(&self) -> &AuditScope {
        &self.scope
    }
}

/// A grant as it was made, and whether it still lets anybody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditGrant {
    /// Which.
    pub grant: GrantId,
    /// The auditor's name.
    pub auditor: String,
    /// What may be read.
    pub scope: AuditScope,
    /// Until when.
    pub ends_at: DateTime<Utc>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Who made it; none for those of before this was kept.
    pub made_by: Option<OperatorId>,
    /// Who took it back before its end.
    pub revoked_by: Option<OperatorId>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Where a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// It lets its auditor in.
    Active,
    /// Its time is over.
    Ended,
    /// It was taken back before its time.
    Revoked,
}

impl GrantState {
    /// The state as a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ended => "ended",
            Self::Revoked => "revoked",
        }
    }
}

impl AuditGrant {
    /// Where it stands at a time.
    #[must_use]
    pub fn state(&self, now: DateTime<Utc>) -> GrantState {
        match self.ends_at > now {
            _ if self.revoked_at.is_some() => GrantState::Revoked,
            true => GrantState::Active,
            false => GrantState::Ended,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_grants)]
struct Row {
    grant_id: GrantId,
    auditor: String,
    ends_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    books: Vec<i16>,
    booked_from: Option<NaiveDate>,
    booked_through: Option<NaiveDate>,
    shows_personal_data: bool,
}

impl Row {
    fn scope(self) -> AuditScope {
        AuditScope {
            books: self.books,
            booked_from: self.booked_from,
            booked_through: self.booked_through,
            shows_personal_data: self.shows_personal_data,
        }
    }

    fn grant(self, credential: CredentialRecord) -> AuditGrant {
        AuditGrant {
            grant: self.grant_id,
            auditor: self.auditor.clone(),
            ends_at: self.ends_at,
            created_at: self.created_at,
            made_by: credential.issued_by,
            revoked_by: credential.revoked_by,
            revoked_at: credential.revoked_at,
            scope: self.scope(),
        }
    }
}

impl Access {
    /// Lets an auditor read until a time; hands over the credential for it.
    ///
    /// # Errors
    /// [`Error::Text`] for an empty or overlong name.
    pub async fn grant_audit(
        &self,
        by: &Operator,
        auditor: &str,
        scope: &AuditScope,
        ends_at: DateTime<Utc>,
    ) -> Result<(GrantId, IssuedCredential), Error> {
        let grant = GrantId::generate();
        let auditor = text("auditor", auditor)?;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                diesel::insert_into(audit_grants::table)
                    .values((
                        audit_grants::grant_id.eq(grant),
                        audit_grants::auditor.eq(auditor),
                        audit_grants::ends_at.eq(ends_at),
                        audit_grants::created_at.eq(self.clock.now()),
                        audit_grants::books.eq(&scope.books),
                        audit_grants::booked_from.eq(scope.booked_from),
                        audit_grants::booked_through.eq(scope.booked_through),
                        audit_grants::shows_personal_data.eq(scope.shows_personal_data),
                    ))
                    .execute(connection)
                    .await?;
                let holder = (Holder::Auditor, grant.uuid());
                Ok((grant, self.issue_in(connection, holder, Some(by), Some(self.clock.now())).await?))
            })
            .await
    }

    /// Ends a grant before its time: tokens under it are refused from the next request on. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke_audit(&self, by: &Operator, grant: GrantId) -> Result<AuditGrant, Error> {
        self.revoke(by, Holder::Auditor, grant.uuid(), None).await.map_err(|error| match error {
            Error::NotFound(_) => Error::NotFound("grant"),
            other => other,
        })?;
        let mut connection = self.database.connection().await?;
        let (row, credential): (Row, CredentialRecord) = audit_grants::table
            .inner_join(
                credentials::table
                    .on(credentials::holder_id.eq(audit_grants::grant_id.into_sql::<diesel::sql_types::Uuid>())),
            )
            .filter(audit_grants::grant_id.eq(grant))
            .select((Row::as_select(), CredentialRecord::as_select()))
            .first(&mut connection)
            .await?;
        Ok(row.grant(credential))
    }

    /// Grants, the newest first, each with its one credential, which says who made it and who ended it; `limit` is
    /// bounded by [`MAX_LISTED_GRANTS`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_audit_grants(
        &self,
        _by: &Operator,
        before: Option<(DateTime<Utc>, GrantId)>,
        limit: i64,
    ) -> Result<Vec<AuditGrant>, Error> {
        let mut grants = audit_grants::table
            .inner_join(
                credentials::table
                    .on(credentials::holder_id.eq(audit_grants::grant_id.into_sql::<diesel::sql_types::Uuid>())),
            )
            .select((Row::as_select(), CredentialRecord::as_select()))
            .order((audit_grants::created_at.desc(), audit_grants::grant_id.desc()))
            .limit(limit.clamp(1, MAX_LISTED_GRANTS))
            .into_boxed();
        if let Some((time, id)) = before {
            let same_time = audit_grants::created_at.eq(time).and(audit_grants::grant_id.lt(id));
            grants = grants.filter(audit_grants::created_at.lt(time).or(same_time));
        }
        let mut connection = self.database.connection().await?;
        let rows: Vec<(Row, CredentialRecord)> = grants.load(&mut connection).await?;
        Ok(rows.into_iter().map(|(row, credential)| row.grant(credential)).collect())
    }

    /// Lets in an auditor whose grant has not ended.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`], [`Error::AccountUnusable`] after the grant's end.
    pub async fn sign_in_auditor(&self, client_id: Uuid, secret: &SecretString) -> Result<Auditor, Error> {
        let id = self.check(Holder::Auditor, client_id, secret).await?;
        self.recognise_auditor(GrantId::from_uuid(id)).await
    }

    /// Lets in the auditor that a token of ours names, while the grant lasts and is not revoked.
    ///
    /// # Errors
    /// [`Error::AccountUnusable`].
    pub async fn recognise_auditor(&self, grant: GrantId) -> Result<Auditor, Error> {
        self.holds_credential(grant.uuid()).await?;
        let mut connection = self.database.connection().await?;
        let row: Row = audit_grants::table
            .find(grant)
            .select(Row::as_select())
            .first(&mut connection)
            .await
            .optional()?
            .ok_or(Error::AccountUnusable)?;
        if row.ends_at > self.clock.now() {
            Ok(Auditor { grant, scope: row.scope() })
        } else {
            Err(Error::AccountUnusable)
        }
    }

    /// Keeps that an auditor reads something, before it is shown.
    ///
    /// # Errors
    /// When the database does not answer; then nothing may be shown.
    pub async fn record_read(&self, auditor: &Auditor, what: &str) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        diesel::insert_into(audit_reads::table)
            .values((
                audit_reads::grant_id.eq(auditor.grant),
                audit_reads::what.eq(what.chars().take(LONGEST_READ).collect::<String>()),
                audit_reads::read_at.eq(self.clock.now()),
            ))
            .execute(&mut connection)
            .await?;
        Ok(())
    }
}
