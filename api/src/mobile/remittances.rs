use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::Person;
use remittance::{BeneficiaryId, HistoryLine, QuoteId, Remittance, RemittanceId, SenderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::beneficiaries::partner;
use super::quotes::AllocationBody;
use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::cursor::{self, Page};
use crate::funding;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::screened::Screened;
use crate::wire::{MoneyBody, words};

/// The quote that is accepted, and for whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRemittance {
    quote: Uuid,
    beneficiary: Uuid,
}

/// A remittance.
#[derive(Serialize, ToSchema)]
#[schema(as = Remittance)]
pub(super) struct RemittanceBody {
    id: Uuid,
    beneficiary: Uuid,
    institution: String,
    corridor: String,
    #[schema(value_type = words::RemittanceState)]
    state: &'static str,
    /// What to write on the transfer.
    reference: String,
    sent: MoneyBody,
    fee: MoneyBody,
    /// What to pay in.
    to_pay: MoneyBody,
    received: MoneyBody,
    rate: String,
    allocations: Vec<AllocationBody>,
    created_at: DateTime<Utc>,
    /// Until when it can be paid in.
    pay_by: DateTime<Utc>,
    funded_at: Option<DateTime<Utc>>,
    /// Until when it can be cancelled without cost.
    cancel_by: Option<DateTime<Utc>>,
}

/// A remittance with its steps.
#[derive(Serialize, ToSchema)]
pub(super) struct RemittanceWithHistory {
    #[serde(flatten)]
    remittance: RemittanceBody,
    history: Vec<Step>,
}

/// A step of a remittance.
#[derive(Serialize, ToSchema)]
pub(super) struct Step {
    #[schema(value_type = words::RemittanceState)]
    state: String,
    cause: String,
    happened_at: DateTime<Utc>,
    /// The ledger's entry, where money moved.
    entry: Option<Uuid>,
}

/// A page of remittances.
#[derive(Serialize, ToSchema)]
pub(super) struct RemittancePage {
    items: Vec<RemittanceBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

impl RemittanceBody {
    fn new(remittance: &Remittance) -> Result<Self, Problem> {
        Ok(Self {
            id: remittance.id.uuid(),
            beneficiary: remittance.beneficiary.uuid(),
            institution: remittance.institution.clone(),
            corridor: remittance.corridor.to_string(),
            state: remittance.state.word(),
            reference: remittance.reference.clone(),
            sent: remittance.sent.into(),
            fee: remittance.fee.into(),
            to_pay: remittance.to_pay()?.into(),
            received: remittance.received.into(),
            rate: remittance.rate.to_string(),
            allocations: AllocationBody::all(&remittance.allocations, remittance.source()),
            created_at: remittance.created_at,
            pay_by: remittance.pay_by,
            funded_at: remittance.funded_at,
            cancel_by: remittance.funded_at.map(|funded_at| funded_at + remittance::CANCEL_WITHIN),
        })
    }
}

impl From<HistoryLine> for Step {
    fn from(line: HistoryLine) -> Self {
        Self { state: line.state, cause: line.cause, happened_at: line.happened_at, entry: line.entry }
    }
}

fn sender(person: &Person) -> SenderId {
    SenderId::from_uuid(person.id().uuid())
}

/// Accepts a quote. The answer tells what to pay in and what to write on the transfer.
#[utoipa::path(tag = "remittances", security(("token" = [])), params(KeyHeader), request_body = NewRemittance,
    responses((status = 201, description = "The remittance", body = RemittanceBody), WriteProblems))]
#[post("/remittances")]
pub(super) async fn accept_quote(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    body: Body<NewRemittance>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |seed| {
        let id = RemittanceId::from_uuid(Uuid::new_v5(&seed, b"remittance"));
        let (quote, beneficiary) =
            (QuoteId::from_uuid(body.value.quote), BeneficiaryId::from_uuid(body.value.beneficiary));
        // An institution that was stopped since pays nobody.
        let to = house.beneficiaries.get(sender(&person), beneficiary).await?;
        partner(&house, &to.institution).await?;
        let limits = house.sending_limits(&person);
        let accepted =
            house.remittances.accept(sender(&person), id, quote, beneficiary, limits, &Screened(&house)).await?;
        Answer::created(RemittanceBody::new(&accepted)?)
    })
    .await
}

/// One's own remittances, the newest first.
#[utoipa::path(tag = "remittances", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = RemittancePage), ReadProblems))]
#[get("/remittances")]
pub(super) async fn list_remittances(
    request: HttpRequest,
    house: web::Data<House>,
    person: Admitted<Person>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let after = page.after::<Uuid>()?.map(|(time, id)| (time, RemittanceId::from_uuid(id)));
    let found = house.remittances.of(sender(&person), after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.created_at, last.id.uuid()));
    let items = found.iter().map(RemittanceBody::new).collect::<Result<_, _>>()?;
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(RemittancePage { items, next }))
}

/// One of one's own remittances, with its steps.
#[utoipa::path(tag = "remittances", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The remittance", body = RemittanceWithHistory), ReadProblems))]
#[get("/remittances/{id}")]
pub(super) async fn read_remittance(
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let found = house.remittances.get(sender(&person), RemittanceId::from_uuid(*id)).await?;
    let history = house.remittances.history(&found).await?.into_iter().map(Step::from).collect();
    Ok(HttpResponse::Ok().json(RemittanceWithHistory { remittance: RemittanceBody::new(&found)?, history }))
}

/// Gives up a remittance: within 30 minutes of its pay-in everything comes back to the wallet, the fee too.
#[utoipa::path(tag = "remittances", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The cancelled remittance", body = RemittanceBody), WriteProblems))]
#[post("/remittances/{id}/cancellation")]
pub(super) async fn cancel_remittance(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let found = house.remittances.get(sender(&person), RemittanceId::from_uuid(*id)).await?;
        Answer::ok(RemittanceBody::new(&funding::cancel(&house, found).await?)?)
    })
    .await
}
