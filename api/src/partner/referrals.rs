use actix_web::{HttpResponse, get, post, web};
use onboarding::{Institution, ReferralId, SentReferral};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Problem;
use crate::wire::words;

/// A family that wants an account, under a consent that still holds.
#[derive(Serialize, ToSchema)]
#[schema(as = SentReferral)]
pub(super) struct SentReferralBody {
    id: Uuid,
    #[schema(value_type = words::Product)]
    need: &'static str,
    region: String,
    language: String,
    family_member: String,
    #[schema(value_type = words::ReferralState)]
    state: &'static str,
}

impl From<SentReferral> for SentReferralBody {
    fn from(referral: SentReferral) -> Self {
        Self {
            id: referral.id.uuid(),
            need: referral.need.word(),
            region: referral.region,
            language: referral.language,
            family_member: referral.family_member,
            state: referral.state.word(),
        }
    }
}

/// The account that was opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenedAccount {
    #[schema(min_length = 1, max_length = 200)]
    account_number: String,
}

/// Why the institution cannot help.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decline {
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// That a referral was answered.
#[derive(Serialize, ToSchema)]
pub(super) struct Answered {
    id: Uuid,
    #[schema(value_type = words::ReferralState)]
    state: &'static str,
}

/// Families that wait for an answer.
#[utoipa::path(tag = "referrals", security(("token" = [])),
    responses((status = 200, description = "The referrals", body = [SentReferralBody]), ReadProblems))]
#[get("/referrals")]
pub(super) async fn list_referrals(
    house: web::Data<House>,
    institution: Admitted<Institution>,
) -> Result<HttpResponse, Problem> {
    let sent = house.referrals.sent_to(&institution).await?;
    Ok(HttpResponse::Ok().json(sent.into_iter().map(SentReferralBody::from).collect::<Vec<_>>()))
}

/// Says that an account was opened; its number becomes a place to pay to.
#[utoipa::path(tag = "referrals", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = OpenedAccount,
    responses((status = 200, description = "Kept", body = Answered), WriteProblems))]
#[post("/referrals/{id}/account")]
pub(super) async fn open_account(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<OpenedAccount>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*institution, &key, body.digest, async |_| {
        let number = &body.value.account_number;
        house.referrals.account_opened(&institution, ReferralId::from_uuid(*id), number).await?;
        Answer::ok(Answered { id: *id, state: onboarding::ReferralState::AccountOpened.word() })
    })
    .await
}

/// Says that the institution cannot help.
#[utoipa::path(tag = "referrals", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = Decline,
    responses((status = 200, description = "Kept", body = Answered), WriteProblems))]
#[post("/referrals/{id}/decline")]
pub(super) async fn decline_referral(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<Decline>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*institution, &key, body.digest, async |_| {
        house.referrals.declined(&institution, ReferralId::from_uuid(*id), &body.value.reason).await?;
        Answer::ok(Answered { id: *id, state: onboarding::ReferralState::Declined.word() })
    })
    .await
}
