use actix_web::{HttpRequest, HttpResponse, get, post, web};
use onboarding::{ChildId, NewSpending, Person, SpendingId};
use uuid::Uuid;

use super::wire::{SpendingBody, SpendingPage, SpendingRefusal, SpendingWish};
use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::child_money::{self, live};
use crate::cursor::{self, Page};
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;

/// Asks for something to be paid for a child. Up to the limit it is ordered at once, above it another guardian has to
/// agree.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = SpendingWish,
    responses((status = 201, description = "The spending", body = SpendingBody), WriteProblems))]
#[post("/children/{id}/spendings")]
pub(super) async fn request_spending(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<SpendingWish>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    let amount = given.amount()?;
    once(&house, &*person, &key, body.digest, async |seed| {
        let child = ChildId::from_uuid(*id);
        house.families.children.get(&person, child).await?;
        let institution = live(&house, &given.institution).await?;
        let new = NewSpending::try_new(given.purpose, amount, institution, &given.note)?;
        let id = SpendingId::from_uuid(Uuid::new_v5(&seed, b"spending"));
        Answer::created(SpendingBody::from(child_money::request(&house, &person, child, id, &new).await?))
    })
    .await
}

/// What was asked for and paid for a child, the newest first.
#[utoipa::path(tag = "children", security(("token" = [])), params(("id" = Uuid, Path), Page),
    responses((status = 200, description = "A page", body = SpendingPage), ReadProblems))]
#[get("/children/{id}/spendings")]
pub(super) async fn list_spendings(
    request: HttpRequest,
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let before = page.after::<Uuid>()?.map(|(time, id)| (time, SpendingId::from_uuid(id)));
    let found = house.families.spendings.of_child(&person, ChildId::from_uuid(*id), before, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.requested_at, last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(SpendingPage { items: found.into_iter().map(SpendingBody::from).collect(), next }))
}

/// One spending.
#[utoipa::path(tag = "children", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The spending", body = SpendingBody), ReadProblems))]
#[get("/spendings/{id}")]
pub(super) async fn read_spending(
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let spending = house.families.spendings.get(&person, SpendingId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(SpendingBody::from(spending)))
}

/// Agrees to what another guardian asked for; that orders it.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The spending", body = SpendingBody), WriteProblems))]
#[post("/spendings/{id}/approval")]
pub(super) async fn approve_spending(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let approved = child_money::approve(&house, &person, SpendingId::from_uuid(*id)).await?;
        Answer::ok(SpendingBody::from(approved))
    })
    .await
}

/// Does not agree to what another guardian asked for.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = SpendingRefusal,
    responses((status = 200, description = "The spending", body = SpendingBody), WriteProblems))]
#[post("/spendings/{id}/refusal")]
pub(super) async fn refuse_spending(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<SpendingRefusal>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |_| {
        let id = SpendingId::from_uuid(*id);
        house.families.spendings.refuse(&person, id, &body.value.reason).await?;
        Answer::ok(SpendingBody::from(house.families.spendings.get(&person, id).await?))
    })
    .await
}

/// Takes back what you asked for, while it waits for another guardian.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The spending", body = SpendingBody), WriteProblems))]
#[post("/spendings/{id}/cancellation")]
pub(super) async fn cancel_spending(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let id = SpendingId::from_uuid(*id);
        house.families.spendings.cancel(&person, id).await?;
        Answer::ok(SpendingBody::from(house.families.spendings.get(&person, id).await?))
    })
    .await
}
