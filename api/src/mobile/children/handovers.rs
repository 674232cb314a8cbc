use actix_web::{HttpResponse, post, web};
use onboarding::ChildId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::households::{IssuedCodeBody, SpokenCodeOnly};
use super::seen;
use super::wire::ChildBody;
use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::child_money;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::wire::MoneyBody;

/// An account that was taken over.
#[derive(Serialize, ToSchema)]
pub(super) struct TakenOver {
    child: ChildBody,
    /// What came into your wallet by this request.
    moved: MoneyBody,
}

/// Makes the code by which a child who came of age takes over the account.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 201, description = "The code, shown this once", body = IssuedCodeBody), WriteProblems))]
#[post("/children/{id}/handover-code")]
pub(super) async fn make_handover_code(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let issued = house.families.handovers.code_of_guardian(&person, ChildId::from_uuid(*id)).await?;
        Answer::created(IssuedCodeBody::from(issued))
    })
    .await
}

/// Takes over the account that was kept for you: all of it comes into your wallet.
#[utoipa::path(tag = "children", security(("token" = [])), params(KeyHeader), request_body = SpokenCodeOnly,
    responses((status = 200, description = "The account", body = TakenOver), WriteProblems))]
#[post("/handovers")]
pub(super) async fn take_over(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    body: Body<SpokenCodeOnly>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |_| {
        let (child, moved) = child_money::take_over(&house, &person, &body.value.code()?).await?;
        Answer::ok(TakenOver { child: seen(&house, &person, &child).await?, moved: moved.into() })
    })
    .await
}
