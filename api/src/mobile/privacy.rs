use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::{Consent, ConsentId, Person, PersonalDataRead};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;

/// What an institution may know, for what and until when.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentReceipt)]
pub(super) struct ConsentBody {
    id: Uuid,
    /// The institution's code.
    institution: String,
    institution_name: String,
    purpose: String,
    /// What is shared.
    shared: Vec<String>,
    given_at: DateTime<Utc>,
    /// Until when at the longest.
    ends_at: DateTime<Utc>,
    /// When it was withdrawn.
    withdrawn_at: Option<DateTime<Utc>>,
}

impl From<Consent> for ConsentBody {
    fn from(consent: Consent) -> Self {
        Self {
            id: consent.id.uuid(),
            institution: consent.institution.as_str().to_owned(),
            institution_name: consent.institution_name,
            purpose: consent.purpose,
            shared: consent.shared,
            given_at: consent.given_at,
            ends_at: consent.ends_at,
            withdrawn_at: consent.withdrawn_at,
        }
    }
}

/// A page of consents.
#[derive(Serialize, ToSchema)]
pub(super) struct ConsentPage {
    items: Vec<ConsentBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// That a consent is withdrawn.
#[derive(Serialize, ToSchema)]
pub(super) struct Withdrawal {
    withdrawn_at: DateTime<Utc>,
}

/// That somebody looked at the person's data.
#[derive(Serialize, ToSchema)]
pub(super) struct DataRead {
    /// operator, institution or auditor
    reader: String,
    /// What was looked at.
    what: String,
    read_at: DateTime<Utc>,
}

impl From<PersonalDataRead> for DataRead {
    fn from(read: PersonalDataRead) -> Self {
        Self { reader: read.reader_kind, what: read.what, read_at: read.read_at }
    }
}

/// A page of reads.
#[derive(Serialize, ToSchema)]
pub(super) struct DataReadPage {
    items: Vec<DataRead>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// One's consents, the newest first, those that are over too.
#[utoipa::path(tag = "privacy", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = ConsentPage), ReadProblems))]
#[get("/consents")]
pub(super) async fn list_consents(
    request: HttpRequest,
    house: web::Data<House>,
    person: Admitted<Person>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let before = page.after::<Uuid>()?.map(|(time, id)| (time, ConsentId::from_uuid(id)));
    let found = house.referrals.consents(&person, before, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.given_at, last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(ConsentPage { items: found.into_iter().map(ConsentBody::from).collect(), next }))
}

/// Withdraws a consent: from now on the institution sees nothing that rests on it. Doing it again changes nothing.
#[utoipa::path(tag = "privacy", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "Withdrawn", body = Withdrawal), WriteProblems))]
#[post("/consents/{id}/withdrawal")]
pub(super) async fn withdraw_consent(
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let withdrawn_at = house.referrals.withdraw_consent(&person, ConsentId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(Withdrawal { withdrawn_at }))
}

/// Who of our staff looked at the person's documents and when, the newest first.
#[utoipa::path(tag = "privacy", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = DataReadPage), ReadProblems))]
#[get("/me/data-reads")]
pub(super) async fn list_data_reads(
    request: HttpRequest,
    house: web::Data<House>,
    person: Admitted<Person>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let found = house.people.personal_data_reads(&person, page.number()?, limit).await?;
    let next = cursor::next(&found, limit, |last| last.id.to_string());
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(DataReadPage { items: found.into_iter().map(DataRead::from).collect(), next }))
}
