use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use coinvestment::{Disbursement, DisbursementId};
use onboarding::Institution;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::wire::{MoneyBody, words};

/// Disbursements that one list shows at most.
const MOST_SHOWN: i64 = 100;

/// A supplier that is to be paid for a project.
#[derive(Serialize, ToSchema)]
#[schema(as = Disbursement)]
pub(super) struct DisbursementBody {
    id: Uuid,
    project: Uuid,
    project_title: String,
    milestone_title: String,
    supplier: String,
    amount: MoneyBody,
    #[schema(value_type = words::DisbursementState)]
    state: &'static str,
    ordered_at: DateTime<Utc>,
    /// The institution's name for its payment.
    reference: Option<String>,
    paid_at: Option<DateTime<Utc>>,
}

impl From<Disbursement> for DisbursementBody {
    fn from(disbursement: Disbursement) -> Self {
        Self {
            id: disbursement.id.uuid(),
            project: disbursement.project.uuid(),
            project_title: disbursement.project_title,
            milestone_title: disbursement.milestone_title,
            supplier: disbursement.supplier,
            amount: disbursement.amount.into(),
            state: disbursement.state.word(),
            ordered_at: disbursement.ordered_at,
            reference: disbursement.reference,
            paid_at: disbursement.paid_at,
        }
    }
}

/// That a supplier was paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Payment {
    /// The institution's name for its payment.
    #[schema(min_length = 1, max_length = 120)]
    reference: String,
}

/// Suppliers that are to be paid, or were.
#[utoipa::path(tag = "disbursements", security(("token" = [])),
    responses((status = 200, description = "The disbursements", body = [DisbursementBody]), ReadProblems))]
#[get("/disbursements")]
pub(super) async fn list_disbursements(
    house: web::Data<House>,
    institution: Admitted<Institution>,
) -> Result<HttpResponse, Problem> {
    let ordered = house.disbursements.of(institution.code().as_str(), MOST_SHOWN).await?;
    Ok(HttpResponse::Ok().json(ordered.into_iter().map(DisbursementBody::from).collect::<Vec<_>>()))
}

/// Says that the supplier was paid.
#[utoipa::path(tag = "disbursements", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = Payment,
    responses((status = 200, description = "The disbursement", body = DisbursementBody), WriteProblems))]
#[post("/disbursements/{id}/payment")]
pub(super) async fn confirm_disbursement(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<Payment>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*institution, &key, body.digest, async |_| {
        let (code, id) = (institution.code().as_str(), DisbursementId::from_uuid(*id));
        let paid = house.disbursements.paid(code, id, &body.value.reference).await?;
        Answer::ok(DisbursementBody::from(paid))
    })
    .await
}
