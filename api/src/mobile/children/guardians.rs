use actix_web::{HttpResponse, post, web};
use onboarding::{ChildId, GuardianId, MemberId};
use uuid::Uuid;

use super::seen;
use super::wire::{ChildBody, GuardianWish};
use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::WriteProblems;
use crate::problem::Problem;

/// Names a further guardian. They have to accept, and another guardian or our staff to agree.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = GuardianWish,
    responses((status = 200, description = "The child", body = ChildBody), WriteProblems))]
#[post("/children/{id}/guardians")]
pub(super) async fn name_guardian(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<GuardianWish>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |_| {
        let (child, member) = (ChildId::from_uuid(*id), MemberId::from_uuid(body.value.member));
        let child = house.families.guardians.name(&person, child, member).await?;
        Answer::ok(seen(&house, &person, &child).await?)
    })
    .await
}

/// Accepts to be a guardian, where you were named.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 200, description = "The child", body = ChildBody), WriteProblems))]
#[post("/children/{id}/guardianship")]
pub(super) async fn accept_guardianship(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let child = house.families.guardians.accept(&person, ChildId::from_uuid(*id)).await?;
        Answer::ok(seen(&house, &person, &child).await?)
    })
    .await
}

/// Agrees to a guardian whom somebody else named, as the other guardian.
#[utoipa::path(tag = "children", security(("token" = [])),
    params(KeyHeader, ("id" = Uuid, Path), ("guardian" = Uuid, Path)),
    responses((status = 200, description = "The child", body = ChildBody), WriteProblems))]
#[post("/children/{id}/guardians/{guardian}/consent")]
pub(super) async fn consent_to_guardian(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let (child, guardian) = (ChildId::from_uuid(path.0), GuardianId::from_uuid(path.1));
        let child = house.families.guardians.consent(&person, child, guardian).await?;
        Answer::ok(seen(&house, &person, &child).await?)
    })
    .await
}

/// Steps down as a guardian, declines to be one, or takes back that you named somebody.
#[utoipa::path(tag = "children", security(("token" = [])),
    params(KeyHeader, ("id" = Uuid, Path), ("guardian" = Uuid, Path)),
    responses((status = 200, description = "The child", body = ChildBody), WriteProblems))]
#[post("/children/{id}/guardians/{guardian}/end")]
pub(super) async fn end_guardian(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let (child, guardian) = (ChildId::from_uuid(path.0), GuardianId::from_uuid(path.1));
        house.families.guardians.end(&person, child, guardian).await?;
        let child = house.families.children.get(&person, child).await?;
        Answer::ok(seen(&house, &person, &child).await?)
    })
    .await
}
