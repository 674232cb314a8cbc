use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::Institution;
use remittance::{ClaimId, Confirmable, Handover, Payout, RejectionReason, RemittanceId, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::{Body, OptionalBody};
use crate::cursor::{self, Page};
use crate::funding::{self, Posted};
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::screened::Screened;
use crate::wire::whole::whole;
use crate::wire::{MoneyBody, words};

/// What is to be paid, and to whom.
#[derive(Serialize, ToSchema)]
#[schema(as = Payout)]
pub(super) struct PayoutBody {
    id: Uuid,
    /// Our name for it, which the sender knows too.
    reference: String,
    #[schema(value_type = words::RemittanceState)]
    state: &'static str,
    amount: MoneyBody,
    #[schema(value_type = words::Channel)]
    channel: &'static str,
    beneficiary_name: String,
    /// IBAN, phone number or account number; none for cash.
    account: Option<String>,
    country: String,
    corridor: String,
    created_at: DateTime<Utc>,
    funded_at: Option<DateTime<Utc>>,
}

impl From<Payout> for PayoutBody {
    fn from(payout: Payout) -> Self {
        let Payout { remittance, beneficiary } = payout;
        Self {
            id: remittance.id.uuid(),
            reference: remittance.reference,
            state: remittance.state.word(),
            amount: remittance.received.into(),
            channel: beneficiary.channel.word(),
            beneficiary_name: beneficiary.name,
            account: beneficiary.account,
            country: beneficiary.country,
            corridor: remittance.corridor.to_string(),
            created_at: remittance.created_at,
            funded_at: remittance.funded_at,
        }
    }
}

/// A page of payouts, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct PayoutPage {
    items: Vec<PayoutBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// How many payouts are fetched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 100)]
    limit: i64,
}

/// Which payouts are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PayoutFilter {
    /// Those in one state.
    #[param(inline)]
    state: Option<PayoutState>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// Where a payout stands, as its institution sees it.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PayoutState {
    Submitted,
    ReadyForPickup,
    PaidOut,
    Refunded,
    Cancelled,
}

impl PayoutState {
    const fn state(self) -> State {
        match self {
            Self::Submitted => State::Submitted,
            Self::ReadyForPickup => State::ReadyForPickup,
            Self::PaidOut => State::PaidOut,
            Self::Refunded => State::Refunded,
            Self::Cancelled => State::Cancelled,
        }
    }
}

/// What was paid before it was confirmed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// When the money was handed over or credited, where that is done already. Left out, it is done after the answer.
    paid_at: Option<DateTime<Utc>>,
}

/// Why it cannot be paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rejection {
    #[schema(value_type = words::RejectionReason)]
    reason: RejectionReason,
}

/// Fetches what is to be paid, each payout once, the oldest first. What was fetched stays in the list of payouts.
#[utoipa::path(tag = "payouts", security(("token" = [])), params(KeyHeader), request_body = Claim,
    responses((status = 200, description = "The payouts", body = [PayoutBody]), WriteProblems))]
#[post("/payouts/claims")]
pub(super) async fn claim_payouts(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    body: Body<Claim>,
) -> Result<HttpResponse, Problem> {
    let limit = cursor::limit(Some(body.value.limit))?;
    once(&house, &*institution, &key, body.digest, async |seed| {
        let (code, claim) = (institution.code().as_str(), ClaimId::from_uuid(seed));
        let claimed = house.remittances.claim(code, claim, limit, &Screened(&house)).await?;
        Answer::ok(claimed.into_iter().map(PayoutBody::from).collect::<Vec<_>>())
    })
    .await
}

/// The payouts that were fetched, the oldest first.
#[utoipa::path(tag = "payouts", security(("token" = [])), params(PayoutFilter),
    responses((status = 200, description = "A page", body = PayoutPage), ReadProblems))]
#[get("/payouts")]
pub(super) async fn list_payouts(
    request: HttpRequest,
    house: web::Data<House>,
    institution: Admitted<Institution>,
    filter: web::Query<PayoutFilter>,
) -> Result<HttpResponse, Problem> {
    let PayoutFilter { state, limit, cursor } = filter.into_inner();
    let page = Page::new(limit, cursor);
    let limit = page.limit()?;
    let after = page.after::<Uuid>()?.map(|(time, id)| (time, RemittanceId::from_uuid(id)));
    let state = state.map(PayoutState::state);
    let found = house.remittances.payouts_of(institution.code().as_str(), state, after, limit).await?;
    let next = cursor::next(&found, limit, |Payout { remittance, .. }| {
        cursor::write(remittance.created_at, remittance.id.uuid())
    });
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(PayoutPage { items: found.into_iter().map(PayoutBody::from).collect(), next }))
}

/// One payout.
#[utoipa::path(tag = "payouts", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The payout", body = PayoutBody), ReadProblems))]
#[get("/payouts/{id}")]
pub(super) async fn read_payout(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let payout = house.remittances.payout(institution.code().as_str(), RemittanceId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(PayoutBody::from(payout)))
}

/// Says that the money is ready to be collected.
#[utoipa::path(tag = "payouts", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The payout", body = PayoutBody), WriteProblems))]
#[post("/payouts/{id}/ready")]
pub(super) async fn make_payout_ready(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*institution, &key, [0; 32], async |_| {
        let (code, id) = (institution.code().as_str(), RemittanceId::from_uuid(*id));
        let ready = house.remittances.make_ready(code, id, &Screened(&house)).await?;
        Answer::ok(PayoutBody::from(ready))
    })
    .await
}

/// Says that it is paid. From then on we owe it to the institution. While our staff look at sender or beneficiary it is
/// refused, but for what was paid before they had to, which `paid_at` says.
#[utoipa::path(tag = "payouts", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = Option<Confirmation>,
    responses((status = 200, description = "The payout", body = PayoutBody), WriteProblems))]
#[post("/payouts/{id}/confirmation")]
pub(super) async fn confirm_payout(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
    body: OptionalBody<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let handover = body.value.and_then(|given| given.paid_at).map_or(Handover::Ahead, Handover::Done);
    once(&house, &*institution, &key, body.digest, async |_| {
        check_confirmation(&house, &institution, *id, handover).await?;
        let unit = |remittance: &remittance::Remittance| house.remittances.paying_out(remittance, handover);
        settle(&house, &institution, *id, State::PaidOut, unit).await
    })
    .await
}

/// Refuses to confirm what has to wait. What was paid before is noted in the cases for which it would have to.
async fn check_confirmation(
    house: &House,
    institution: &Institution,
    id: Uuid,
    handover: Handover,
) -> Result<(), Problem> {
    let code = institution.code().as_str();
    let payout = house.remittances.payout(code, RemittanceId::from_uuid(id)).await?;
    if payout.remittance.state == State::PaidOut {
        return Ok(());
    }
    let confirmable = house.remittances.confirmable(&payout, handover, &Screened(house)).await?;
    if let (Confirmable::PaidBefore, Handover::Done(paid_at)) = (confirmable, handover) {
        let reference = &payout.remittance.reference;
        let note = format!("{code} paid remittance {reference} at {paid_at:?}, before this, as it says");
        house.screening.note(&payout.parties(), &note).await?;
    }
    Ok(())
}

/// Says that it cannot be paid. The sender has everything back at once, the fee too.
#[utoipa::path(tag = "payouts", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = Rejection,
    responses((status = 200, description = "The payout", body = PayoutBody), WriteProblems))]
#[post("/payouts/{id}/rejection")]
pub(super) async fn reject_payout(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<Rejection>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*institution, &key, body.digest, async |_| {
        let reason = body.value.reason;
        settle(&house, &institution, *id, State::Refunded, |remittance| house.remittances.refunding(remittance, reason))
            .await
    })
    .await
}

/// Brings a payout to its end; that it is there already is fine.
async fn settle(
    house: &House,
    institution: &Institution,
    id: Uuid,
    wanted: State,
    unit: impl Fn(&remittance::Remittance) -> Result<ledger::UnitOfWork, remittance::Error>,
) -> Result<Answer, Problem> {
    let (code, id) = (institution.code().as_str(), RemittanceId::from_uuid(id));
    for _ in 0..3 {
        let payout = house.remittances.payout(code, id).await?;
        if payout.remittance.state == wanted {
            return Answer::ok(PayoutBody::from(payout));
        }
        match funding::post(house, unit(&payout.remittance)?).await? {
            // What stands now tells, at the next look.
            Posted::Done | Posted::Overtaken => {}
        }
    }
    Err(funding::overtaken())
}
