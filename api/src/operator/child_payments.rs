use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::{InstitutionCode, Operator, Spending, SpendingId, SpendingState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admission::Admitted;
use crate::child_money;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::{MoneyBody, words};

/// A payment for a child that an institution is to make. For whom and for what is not told here.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderedChildPayment {
    id: Uuid,
    institution: String,
    amount: MoneyBody,
    #[schema(value_type = words::SpendingState)]
    state: &'static str,
    ordered_at: Option<DateTime<Utc>>,
}

impl From<Spending> for OrderedChildPayment {
    fn from(spending: Spending) -> Self {
        Self {
            id: spending.id.uuid(),
            institution: spending.institution.as_str().to_owned(),
            amount: spending.amount.into(),
            state: spending.state.word(),
            ordered_at: spending.ordered_at,
        }
    }
}

/// A page of payments, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderedChildPaymentPage {
    items: Vec<OrderedChildPayment>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// Whose payments are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OrderedAt {
    /// The code of the institution.
    #[param(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
    institution: String,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// What an institution is to pay for children and has not answered, the oldest first.
#[utoipa::path(tag = "guardians", security(("token" = [])), params(OrderedAt),
    responses((status = 200, description = "A page", body = OrderedChildPaymentPage), ReadProblems))]
#[get("/child-payments")]
pub(super) async fn list_ordered_child_payments(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    filter: web::Query<OrderedAt>,
) -> Result<HttpResponse, Problem> {
    let OrderedAt { institution, limit, cursor } = filter.into_inner();
    let mut faults = Faults::default();
    let code = faults.check("institution", "institution-code", InstitutionCode::try_new(&institution));
    let code = faults.finish_with(code)?;
    let page = Page::new(limit, cursor);
    let limit = page.limit()?;
    let after = page.after::<Uuid>()?.map(|(time, id)| (time, SpendingId::from_uuid(id)));
    let found = house.families.spendings.of_institution(&code, Some(SpendingState::Ordered), after, limit).await?;
    let next =
        cursor::next(&found, limit, |last| cursor::write(last.ordered_at.unwrap_or(last.requested_at), last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    let items = found.into_iter().map(OrderedChildPayment::from).collect();
    Ok(response.json(OrderedChildPaymentPage { items, next }))
}

/// Gives a child back what an institution was to pay that was stopped. While it is live, it pays or declines itself.
#[utoipa::path(tag = "guardians", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The payment", body = OrderedChildPayment), WriteProblems))]
#[post("/child-payments/{id}/return")]
pub(super) async fn return_child_payment(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*operator, &key, [0; 32], async |_| {
        let returned = child_money::return_of_stopped(&house, &operator, SpendingId::from_uuid(*id)).await?;
        Answer::ok(OrderedChildPayment::from(returned))
    })
    .await
}
