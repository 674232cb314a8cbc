mod guardians;
mod handovers;
mod spendings;
mod wire;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use onboarding::{Child, ChildId, DepositId, HouseholdId, MemberId, NewChild, Person};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use self::wire::{ChildBody, DepositBody, DepositWish, NewChildBody};
use super::wallet::StatementPage;
use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::child_money::{self, live};
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Problem, kinds};
use crate::screened;

/// What is kept for children.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(register_child)
        .service(list_children)
        .service(read_child)
        .service(read_child_statement)
        .service(deposit)
        .service(guardians::name_guardian)
        .service(guardians::accept_guardianship)
        .service(guardians::consent_to_guardian)
        .service(guardians::end_guardian)
        .service(spendings::request_spending)
        .service(spendings::list_spendings)
        .service(spendings::read_spending)
        .service(spendings::approve_spending)
        .service(spendings::refuse_spending)
        .service(spendings::cancel_spending)
        .service(handovers::make_handover_code)
        .service(handovers::take_over);
}

/// Registers a minor of the household, with a protected account. You are their guardian.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = NewChildBody,
    responses((status = 201, description = "The child", body = ChildBody), WriteProblems))]
#[post("/households/{id}/children")]
pub(super) async fn register_child(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<NewChildBody>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    let rules = given.rules()?;
    let child = NewChild::try_new(&given.name, given.birth_date, rules.clone(), house.clock.now())?;
    once(&house, &*person, &key, body.digest, async |seed| {
        for institution in rules.allowances().iter().filter_map(|one| one.institution.as_ref()) {
            live(&house, institution.as_str()).await?;
        }
        let (id, household) = (ChildId::from_uuid(Uuid::new_v5(&seed, b"child")), HouseholdId::from_uuid(*id));
        // Who is not in the household learns no more than that there is none.
        house.families.households.get(&person, household).await?;
        // What was registered under the key stays as it was screened.
        if let Ok(known) = house.families.children.get(&person, id).await {
            return Answer::created(seen(&house, &person, &known).await?);
        }
        screened::enter_child(&house, &person, id, &child).await?;
        let second = given.second_guardian.map(MemberId::from_uuid);
        let registered = house.families.children.register(&person, household, id, &child, second).await?;
        Answer::created(seen(&house, &person, &registered).await?)
    })
    .await
}

/// The children of your households, and the account that you took over.
#[utoipa::path(tag = "children", security(("token" = [])),
    responses((status = 200, description = "The children", body = [ChildBody]), ReadProblems))]
#[get("/children")]
pub(super) async fn list_children(house: web::Data<House>, person: Admitted<Person>) -> Result<HttpResponse, Problem> {
    let known = house.families.children.of(&person).await?;
    let mut children = Vec::with_capacity(known.len());
    for child in &known {
        children.push(seen(&house, &person, child).await?);
    }
    Ok(HttpResponse::Ok().json(children))
}

/// A child of one of your households.
#[utoipa::path(tag = "children", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The child", body = ChildBody), ReadProblems))]
#[get("/children/{id}")]
pub(super) async fn read_child(
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let child = house.families.children.get(&person, ChildId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(seen(&house, &person, &child).await?))
}

/// The statement of a protected account; shown to guardians, and to the child who took it over.
#[utoipa::path(tag = "children", security(("token" = [])), params(("id" = Uuid, Path), StatementPage),
    responses((status = 200, description = "A page", body = super::wallet::StatementBody), ReadProblems))]
#[get("/children/{id}/statement")]
pub(super) async fn read_child_statement(
    request: HttpRequest,
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
    page: web::Query<StatementPage>,
) -> Result<HttpResponse, Problem> {
    let child = house.families.children.get(&person, ChildId::from_uuid(*id)).await?;
    let sees = child.is_guardian(person.id()) && child.handed_over_to.is_none();
    if !sees && child.handed_over_to != Some(person.id()) {
        return Err(Problem::new(&kinds::FORBIDDEN, "only a guardian of the child sees the statement"));
    }
    page.answer(&house.ledger, &child.account()?, &request).await
}

/// Puts money out of your wallet into a protected account of your household.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = DepositWish,
    responses((status = 201, description = "The deposit", body = DepositBody), WriteProblems))]
#[post("/children/{id}/deposits")]
pub(super) async fn deposit(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<DepositWish>,
) -> Result<HttpResponse, Problem> {
    let amount = body.value.amount()?;
    once(&house, &*person, &key, body.digest, async |seed| {
        let (child, id) = (ChildId::from_uuid(*id), DepositId::from_uuid(Uuid::new_v5(&seed, b"deposit")));
        Answer::created(DepositBody::from(child_money::deposit(&house, &person, child, id, amount).await?))
    })
    .await
}

/// A child as a person sees them.
async fn seen(house: &House, person: &Person, child: &Child) -> Result<ChildBody, Problem> {
    let balance = child_money::balance(house, &child.account()?, child.currency()).await?;
    Ok(ChildBody::new(child, person.id(), balance, house.clock.now()))
}
