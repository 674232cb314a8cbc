use actix_web::{HttpResponse, post, web};
use onboarding::{InstitutionCode, Operator};
use remittance::{Remittance, State};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::pay_ins::Belongs;
use crate::admission::Admitted;
use crate::body::Body;
use crate::funding::{self, Posted};
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::WriteProblems;
use crate::problem::{Problem, kinds};
use crate::wire::{MoneyBody, words};

/// A remittance that was given back.
#[derive(Serialize, ToSchema)]
pub(super) struct Returned {
    id: Uuid,
    reference: String,
    #[schema(value_type = words::RemittanceState)]
    state: &'static str,
    sent: MoneyBody,
    fee: MoneyBody,
}

impl From<&Remittance> for Returned {
    fn from(remittance: &Remittance) -> Self {
        Self {
            id: remittance.id.uuid(),
            reference: remittance.reference.clone(),
            state: remittance.state.word(),
            sent: remittance.sent.into(),
            fee: remittance.fee.into(),
        }
    }
}

/// Gives a remittance back to the sender's wallet whose institution was stopped, the fee too. While the institution is
/// live, it is the one to reject what it has fetched.
#[utoipa::path(tag = "remittances", security(("token" = [])), params(KeyHeader), request_body = Belongs,
    responses((status = 200, description = "The remittance", body = Returned), WriteProblems))]
#[post("/remittances/returns")]
pub(super) async fn return_remittance(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    key: Key,
    body: Body<Belongs>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*operator, &key, body.digest, async |_| {
        for _ in 0..3 {
            let remittance = find(&house, &body.value.reference).await?;
            if remittance.state == State::Refunded {
                return Answer::ok(Returned::from(&remittance));
            }
            if remittance.state != State::Funded && is_live(&house, &remittance.institution).await? {
                let detail = "only what was paid in and not fetched can be given back while the institution is live";
                return Err(Problem::new(&kinds::WRONG_STATE, detail));
            }
            let unit = house.remittances.returning(&remittance, &format!("operator {}", operator.id()))?;
            match funding::post(&house, unit).await? {
                // What stands now tells, at the next look.
                Posted::Done | Posted::Overtaken => {}
            }
        }
        Err(funding::overtaken())
    })
    .await
}

async fn find(house: &House, reference: &str) -> Result<Remittance, Problem> {
    let found = house.remittances.by_references(&[reference.to_owned()]).await?;
    found.into_iter().next().ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such remittance"))
}

async fn is_live(house: &House, institution: &str) -> Result<bool, Problem> {
    let code = InstitutionCode::try_new(institution).map_err(|error| Problem::internal(&error))?;
    match house.institutions.live_by_code(&code).await {
        Ok(_) => Ok(true),
        Err(onboarding::Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
