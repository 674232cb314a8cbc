use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use onboarding::Operator;
use remittance::{BankFile, NewPayIn, PayIn, PayInId, PayInState, read_camt_054, read_csv};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::{Body, File, is_of_type};
use crate::cursor::{self, Page};
use crate::funding;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem, kinds};
use crate::wire::{MoneyBody, words};

/// Money that arrived, as a provider reports it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPayInBody {
    /// One of the providers in the configuration.
    #[schema(min_length = 1, max_length = 60, example = "bank")]
    provider: String,
    /// The provider's name for it, unique there.
    #[schema(min_length = 1, max_length = 140)]
    provider_reference: String,
    amount: MoneyBody,
    value_date: NaiveDate,
    /// What the payer wrote; the remittance's reference is looked for in it.
    #[schema(max_length = 560)]
    text: String,
}

/// Money that arrived.
#[derive(Serialize, ToSchema)]
#[schema(as = PayIn)]
pub(super) struct PayInBody {
    id: Uuid,
    provider: String,
    provider_reference: String,
    amount: MoneyBody,
    value_date: NaiveDate,
    text: String,
    #[schema(value_type = words::PayInState)]
    state: &'static str,
    /// Why it waits for a person.
    #[schema(value_type = Option<words::UnmatchedReason>)]
    reason: Option<String>,
    remittance: Option<Uuid>,
    received_at: DateTime<Utc>,
}

impl From<PayIn> for PayInBody {
    fn from(pay_in: PayIn) -> Self {
        Self {
            id: pay_in.id.uuid(),
            provider: pay_in.provider,
            provider_reference: pay_in.provider_reference,
            amount: pay_in.amount.into(),
            value_date: pay_in.value_date,
            text: pay_in.text,
            state: pay_in.state.word(),
            reason: pay_in.reason,
            remittance: pay_in.remittance.map(|id| id.uuid()),
            received_at: pay_in.received_at,
        }
    }
}

/// What came of a file.
#[derive(Serialize, ToSchema)]
pub(super) struct FileTaken {
    /// Pay-ins that fund a remittance.
    matched: usize,
    /// Pay-ins that wait for a person.
    unmatched: usize,
    /// Pay-ins that a person credited before.
    credited: usize,
    /// Entries that are no pay-ins: debits, reversals, and what is not booked yet.
    passed_over: usize,
}

/// Whose file it is.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FileFrom {
    /// One of the providers in the configuration.
    #[param(min_length = 1, max_length = 60, example = "bank")]
    provider: String,
}

/// Which pay-ins are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PayInFilter {
    /// Those that wait for a person when left out.
    #[param(inline)]
    state: Option<ShownState>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// Where a pay-in stands.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ShownState {
    Received,
    Matched,
    Unmatched,
    Credited,
}

/// A page of pay-ins, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct PayInPage {
    items: Vec<PayInBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// The remittance that a pay-in belongs to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Belongs {
    /// The remittance's reference.
    #[schema(pattern = "^TRG-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$", example = "TRG-7K3MQ-9X2AF")]
    pub(super) reference: String,
}

fn known_provider(house: &House, provider: &str, pointer: &str) -> Result<(), Problem> {
    let providers = &house.configuration.settings.pay_in.providers;
    if providers.iter().any(|known| known == provider) {
        return Ok(());
    }
    let mut faults = Faults::default();
    faults.add(pointer, "unknown-provider", format!("the providers are {}", providers.join(", ")));
    Err(faults.problem())
}

/// Keeps one pay-in and matches it.
#[utoipa::path(tag = "pay-ins", security(("token" = [])), params(KeyHeader), request_body = NewPayInBody,
    responses((status = 201, description = "The pay-in as it stands", body = PayInBody), WriteProblems))]
#[post("/pay-ins")]
pub(super) async fn receive_pay_in(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    key: Key,
    body: Body<NewPayInBody>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    known_provider(&house, &given.provider, "/provider")?;
    let mut faults = Faults::default();
    let Some(amount) = given.amount.positive("/amount", &mut faults) else { return Err(faults.problem()) };
    let pay_in = NewPayIn::try_new(&given.provider, &given.provider_reference, amount, given.value_date, &given.text)?;
    once(&house, &*operator, &key, body.digest, async |_| {
        let kept = house.pay_ins.receive(&[pay_in]).await?;
        let settled = funding::match_pay_ins(&house, kept).await?;
        let first = settled.into_iter().next().ok_or_else(|| Problem::internal(&"a pay-in is missing"))?;
        Answer::created(PayInBody::from(first))
    })
    .await
}

async fn take(
    house: &House,
    operator: &Operator,
    key: &Key,
    file: File,
    read: impl FnOnce(&[u8]) -> Result<BankFile, remittance::Error>,
) -> Result<HttpResponse, Problem> {
    once(house, operator, key, file.digest, async |_| {
        let file = read(&file.bytes)?;
        let kept = house.pay_ins.receive(&file.pay_ins).await?;
        let settled = funding::match_pay_ins(house, kept).await?;
        let count = |state| settled.iter().filter(|pay_in| pay_in.state == state).count();
        Answer::ok(FileTaken {
            matched: count(PayInState::Matched),
            unmatched: count(PayInState::Unmatched),
            credited: count(PayInState::Credited),
            passed_over: file.passed_over,
        })
    })
    .await
}

fn of_type(request: &HttpRequest, wanted: &str) -> Result<(), Problem> {
    if is_of_type(request, wanted) {
        return Ok(());
    }
    Err(Problem::new(&kinds::MEDIA_TYPE, format!("the file is read as {wanted}")))
}

/// Takes a CSV file with the columns provider_reference, amount, currency, value_date and text: whole or not at all.
/// Taking the same file again changes nothing.
#[utoipa::path(tag = "pay-ins", security(("token" = [])), params(KeyHeader, FileFrom),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, description = "What came of it", body = FileTaken), WriteProblems))]
#[post("/pay-ins/files/csv")]
pub(super) async fn receive_csv_file(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    key: Key,
    from: web::Query<FileFrom>,
    file: File,
) -> Result<HttpResponse, Problem> {
    of_type(&request, "text/csv")?;
    known_provider(&house, &from.provider, "provider")?;
    take(&house, &operator, &key, file, |bytes| read_csv(&from.provider, bytes)).await
}

/// Takes an ISO 20022 camt.054 message of any version: whole or not at all. Taking the same file again changes nothing.
#[utoipa::path(tag = "pay-ins", security(("token" = [])), params(KeyHeader, FileFrom),
    request_body(content = String, content_type = "application/xml"),
    responses((status = 200, description = "What came of it", body = FileTaken), WriteProblems))]
#[post("/pay-ins/files/camt.054")]
pub(super) async fn receive_camt_054_file(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    key: Key,
    from: web::Query<FileFrom>,
    file: File,
) -> Result<HttpResponse, Problem> {
    of_type(&request, "application/xml")?;
    known_provider(&house, &from.provider, "provider")?;
    take(&house, &operator, &key, file, |bytes| read_camt_054(&from.provider, bytes)).await
}

/// Pay-ins in a state, the oldest first; those that wait for a person when none is named.
#[utoipa::path(tag = "pay-ins", security(("token" = [])), params(PayInFilter),
    responses((status = 200, description = "A page", body = PayInPage), ReadProblems))]
#[get("/pay-ins")]
pub(super) async fn list_pay_ins(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    filter: web::Query<PayInFilter>,
) -> Result<HttpResponse, Problem> {
    let PayInFilter { state, limit, cursor } = filter.into_inner();
    let page = Page::new(limit, cursor);
    let limit = page.limit()?;
    let after = page.after::<Uuid>()?.map(|(time, id)| (time, PayInId::from_uuid(id)));
    let state = match state {
        None | Some(ShownState::Unmatched) => PayInState::Unmatched,
        Some(ShownState::Received) => PayInState::Received,
        Some(ShownState::Matched) => PayInState::Matched,
        Some(ShownState::Credited) => PayInState::Credited,
    };
    let found = house.pay_ins.list(state, after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.received_at, last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(PayInPage { items: found.into_iter().map(PayInBody::from).collect(), next }))
}

/// Funds a remittance by a pay-in that a person found to be its own; the amount must fit.
#[utoipa::path(tag = "pay-ins", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = Belongs,
    responses((status = 200, description = "The pay-in", body = PayInBody), WriteProblems))]
#[post("/pay-ins/{id}/match")]
pub(super) async fn match_pay_in(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<Belongs>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*operator, &key, body.digest, async |_| {
        let pay_in = house.pay_ins.get(PayInId::from_uuid(*id)).await?;
        funding::fund_by_hand(&house, &pay_in, &body.value.reference).await?;
        Answer::ok(PayInBody::from(house.pay_ins.get(pay_in.id).await?))
    })
    .await
}

/// Credits a pay-in to the wallet of a remittance's sender: paid twice, too late, or another amount.
#[utoipa::path(tag = "pay-ins", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = Belongs,
    responses((status = 200, description = "The pay-in", body = PayInBody), WriteProblems))]
#[post("/pay-ins/{id}/credit")]
pub(super) async fn credit_pay_in(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<Belongs>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*operator, &key, body.digest, async |_| {
        let pay_in = house.pay_ins.get(PayInId::from_uuid(*id)).await?;
        funding::credit(&house, &pay_in, &body.value.reference).await?;
        Answer::ok(PayInBody::from(house.pay_ins.get(pay_in.id).await?))
    })
    .await
}
