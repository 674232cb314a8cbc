//! Whom our staff lets read the books, what of them, and until when.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use ledger::BookId;
use onboarding::{AuditGrant, AuditScope, GrantId, MAX_GRANTED_BOOKS, Operator, OperatorId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::Credential;
use crate::admission::Admitted;
use crate::audit::dates;
use crate::body::Body;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::whole::all_whole_or_none;
use crate::wire::words;

/// The longest that an auditor may read under one grant.
const LONGEST_GRANT: Duration = Duration::days(366);

/// Whom to let read, what, until when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAuditGrant {
    /// The auditor's name.
    #[schema(min_length = 1, max_length = 200)]
    auditor: String,
    ends_at: DateTime<Utc>,
    /// The books that may be read; book 1 when left out.
    #[serde(default, deserialize_with = "all_whole_or_none")]
    #[schema(min_items = 1, max_items = 100)]
    books: Option<Vec<i64>>,
    /// Only entries booked on that day (UTC) or later, and what the accounts held before.
    booked_from: Option<NaiveDate>,
    /// Only entries booked on that day or before.
    booked_through: Option<NaiveDate>,
    /// Whether people appear by their own ids, and entries with their metadata; under pseudonyms when left out.
    #[serde(default)]
    personal_data: bool,
}

/// A grant and the credential for it, shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditGrant)]
pub(super) struct NewAuditGrantBody {
    grant: Uuid,
    #[serde(flatten)]
    credential: Credential,
}

/// A grant as it was made.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditGrantStanding)]
pub(super) struct AuditGrantBody {
    grant: Uuid,
    auditor: String,
    books: Vec<i16>,
    booked_from: Option<NaiveDate>,
    booked_through: Option<NaiveDate>,
    /// Whether people appear by their own ids, and entries with their metadata.
    personal_data: bool,
    created_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    #[schema(value_type = words::GrantState)]
    state: &'static str,
    /// The operator who made it; none for those of before this was kept.
    made_by: Option<Uuid>,
    /// The operator who took it back before its end.
    revoked_by: Option<Uuid>,
    revoked_at: Option<DateTime<Utc>>,
}

impl AuditGrantBody {
    fn of(grant: AuditGrant, now: DateTime<Utc>) -> Self {
        let state = grant.state(now).word();
        Self {
            grant: grant.grant.uuid(),
            auditor: grant.auditor,
            books: grant.scope.books().to_vec(),
            booked_from: grant.scope.booked_from(),
            booked_through: grant.scope.booked_through(),
            personal_data: grant.scope.shows_personal_data(),
            created_at: grant.created_at,
            ends_at: grant.ends_at,
            state,
            made_by: grant.made_by.map(OperatorId::uuid),
            revoked_by: grant.revoked_by.map(OperatorId::uuid),
            revoked_at: grant.revoked_at,
        }
    }
}

/// A page of grants, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditGrantPage {
    items: Vec<AuditGrantBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

impl NewAuditGrant {
    fn scope(&self, house: &House) -> Result<AuditScope, Problem> {
        let mut faults = Faults::default();
        let now = house.clock.now();
        if self.ends_at <= now || self.ends_at > now + LONGEST_GRANT {
            faults.add("/ends_at", "ends-at", "a grant ends in the future, within 366 days");
        }
        let days = dates(("/booked_from", self.booked_from), ("/booked_through", self.booked_through), &mut faults);
        let mut books = Vec::new();
        for (position, number) in self.books.iter().flatten().take(MAX_GRANTED_BOOKS + 1).enumerate() {
            let book = i16::try_from(*number).ok().filter(|book| house.clearing.book(BookId::new(*book)).is_ok());
            let book = book.ok_or_else(|| format!("there is no book {number}"));
            books.extend(faults.check(&format!("/books/{position}"), "unknown-book", book));
        }
        faults.finish()?;
        let mut scope = AuditScope::default().booked(days.from, days.through)?;
        if self.books.is_some() {
            scope = scope.of_books(books)?;
        }
        Ok(if self.personal_data { scope.with_personal_data() } else { scope })
    }
}

/// Lets an auditor read until a time: the books and days that are named, people under pseudonyms unless it is said
/// otherwise. The credential is not kept in clear: a repeated request makes another grant.
#[utoipa::path(tag = "access", security(("token" = [])), request_body = NewAuditGrant,
    responses((status = 201, description = "The grant", body = NewAuditGrantBody), WriteProblems))]
#[post("/audit-grants")]
pub(super) async fn grant_audit(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    body: Body<NewAuditGrant>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    let scope = given.scope(&house)?;
    let (grant, issued) = house.access.grant_audit(&operator, &given.auditor, &scope, given.ends_at).await?;
    let answer = NewAuditGrantBody { grant: grant.uuid(), credential: issued.into() };
    Ok(HttpResponse::Created().insert_header(("Cache-Control", "no-store")).json(answer))
}

/// Grants of audit, the newest first.
#[utoipa::path(tag = "access", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = AuditGrantPage), ReadProblems))]
#[get("/audit-grants")]
pub(super) async fn list_audit_grants(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let before = page.after::<Uuid>()?.map(|(time, id)| (time, GrantId::from_uuid(id)));
    let found = house.access.list_audit_grants(&operator, before, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.created_at, last.grant.uuid()));
    let now = house.clock.now();
    let mut response = cursor::answer(&request, next.as_deref());
    let items = found.into_iter().map(|grant| AuditGrantBody::of(grant, now)).collect();
    Ok(response.json(AuditGrantPage { items, next }))
}

/// Ends a grant before its time: the auditor's tokens are refused from the next request on, and open streams end within
/// seconds.
#[utoipa::path(tag = "access", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The grant", body = AuditGrantBody), WriteProblems))]
#[post("/audit-grants/{id}/revocation")]
pub(super) async fn revoke_audit_grant(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let grant = house.access.revoke_audit(&operator, GrantId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(AuditGrantBody::of(grant, house.clock.now())))
}
