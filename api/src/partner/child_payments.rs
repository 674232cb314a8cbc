use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::{Institution, Spending, SpendingId, SpendingState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::Body;
use crate::child_money;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::wire::{MoneyBody, words};

/// Something that you are to pay for a child.
#[derive(Serialize, ToSchema)]
#[schema(as = ChildPayment)]
pub(super) struct ChildPaymentBody {
    id: Uuid,
    /// For whom.
    child_name: String,
    #[schema(value_type = words::SpendingPurpose)]
    purpose: &'static str,
    /// Whom to pay and for what, in the guardian's words.
    note: String,
    amount: MoneyBody,
    #[schema(value_type = words::SpendingState)]
    state: &'static str,
    ordered_at: Option<DateTime<Utc>>,
    /// Your name for the payment.
    reference: Option<String>,
    /// Why you declined.
    reason: Option<String>,
    answered_at: Option<DateTime<Utc>>,
}

impl From<Spending> for ChildPaymentBody {
    fn from(spending: Spending) -> Self {
        Self {
            id: spending.id.uuid(),
            child_name: spending.child_name,
            purpose: spending.purpose.word(),
            note: spending.note,
            amount: spending.amount.into(),
            state: spending.state.word(),
            ordered_at: spending.ordered_at,
            reference: spending.reference,
            reason: spending.reason,
            answered_at: spending.answered_at,
        }
    }
}

/// A page of payments, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ChildPaymentPage {
    items: Vec<ChildPaymentBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// Which payments are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChildPaymentFilter {
    /// Those in one state.
    #[param(inline)]
    state: Option<ChildPaymentState>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// Where a payment stands, as its institution sees it.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ChildPaymentState {
    Ordered,
    Paid,
    Declined,
}

impl ChildPaymentState {
    const fn state(self) -> SpendingState {
        match self {
            Self::Ordered => SpendingState::Ordered,
            Self::Paid => SpendingState::Paid,
            Self::Declined => SpendingState::Declined,
        }
    }
}

/// That it was paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChildPaymentMade {
    /// Your name for the payment.
    #[schema(min_length = 1, max_length = 120)]
    reference: String,
}

/// Why it cannot be paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChildPaymentDeclined {
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// What you are to pay for children, or paid, or declined; the oldest first.
#[utoipa::path(tag = "child-payments", security(("token" = [])), params(ChildPaymentFilter),
    responses((status = 200, description = "A page", body = ChildPaymentPage), ReadProblems))]
#[get("/child-payments")]
pub(super) async fn list_child_payments(
    request: HttpRequest,
    house: web::Data<House>,
    institution: Admitted<Institution>,
    filter: web::Query<ChildPaymentFilter>,
) -> Result<HttpResponse, Problem> {
    let ChildPaymentFilter { state, limit, cursor } = filter.into_inner();
    let page = Page::new(limit, cursor);
    let limit = page.limit()?;
    let after = page.after::<Uuid>()?.map(|(time, id)| (time, SpendingId::from_uuid(id)));
    let state = state.map(ChildPaymentState::state);
    let found = house.families.spendings.of_institution(institution.code(), state, after, limit).await?;
    let next =
        cursor::next(&found, limit, |last| cursor::write(last.ordered_at.unwrap_or(last.requested_at), last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(ChildPaymentPage { items: found.into_iter().map(ChildPaymentBody::from).collect(), next }))
}

/// Says that you paid.
#[utoipa::path(tag = "child-payments", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = ChildPaymentMade,
    responses((status = 200, description = "The payment", body = ChildPaymentBody), WriteProblems))]
#[post("/child-payments/{id}/payment")]
pub(super) async fn confirm_child_payment(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<ChildPaymentMade>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*institution, &key, body.digest, async |_| {
        let id = SpendingId::from_uuid(*id);
        let paid = house.families.spendings.paid(institution.code(), id, &body.value.reference).await?;
        Answer::ok(ChildPaymentBody::from(paid))
    })
    .await
}

/// Says that you cannot pay; the money is the child's again.
#[utoipa::path(tag = "child-payments", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = ChildPaymentDeclined,
    responses((status = 200, description = "The payment", body = ChildPaymentBody), WriteProblems))]
#[post("/child-payments/{id}/decline")]
pub(super) async fn decline_child_payment(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<ChildPaymentDeclined>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*institution, &key, body.digest, async |_| {
        let declined =
            child_money::decline(&house, institution.code(), SpendingId::from_uuid(*id), &body.value.reason).await?;
        Answer::ok(ChildPaymentBody::from(declined))
    })
    .await
}
