use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::{Country, FamilyNeed, Person, Product, Referral, ReferralId};
use remittance::{BeneficiaryId, Channel, NewBeneficiary};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::beneficiaries::{BeneficiaryBody, partner};
use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem, kinds};
use crate::screened;
use crate::wire::words;

/// What a family looks for, and where it lives.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Need {
    #[schema(value_type = words::Product)]
    product: Product,
    /// ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// As people there call it.
    #[schema(min_length = 1, max_length = 200)]
    region: String,
    /// BCP 47.
    #[schema(min_length = 1, max_length = 200)]
    language: String,
}

/// A family proposed to an institution.
#[derive(Serialize, ToSchema)]
#[schema(as = Referral)]
pub(super) struct ReferralBody {
    id: Uuid,
    /// The institution's code.
    institution: String,
    institution_name: String,
    #[schema(value_type = words::Product)]
    need: &'static str,
    score: i32,
    /// Why it is proposed.
    #[schema(value_type = Vec<words::ReferralReason>)]
    reasons: Vec<&'static str>,
    #[schema(value_type = words::ReferralState)]
    state: &'static str,
    /// The family's account, once it is opened.
    account_number: Option<String>,
    declined_because: Option<String>,
    proposed_at: DateTime<Utc>,
}

impl From<Referral> for ReferralBody {
    fn from(referral: Referral) -> Self {
        Self {
            id: referral.id.uuid(),
            institution: referral.institution.as_str().to_owned(),
            institution_name: referral.institution_name,
            need: referral.need.word(),
            score: referral.score,
            reasons: referral.reasons.iter().map(|reason| reason.word()).collect(),
            state: referral.state.word(),
            account_number: referral.account_number,
            declined_because: referral.declined_because,
            proposed_at: referral.proposed_at,
        }
    }
}

/// Who of the family is to have an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FamilyMember {
    /// Their name; the institution gets it, with region, language and need.
    #[schema(min_length = 1, max_length = 200)]
    family_member: String,
}

/// A consent's receipt.
#[derive(Serialize, ToSchema)]
pub(super) struct Consent {
    consent: Uuid,
}

/// Proposes institutions for a family, best first, with reasons.
#[utoipa::path(tag = "referrals", security(("token" = [])), params(KeyHeader), request_body = Need,
    responses((status = 201, description = "The proposals", body = [ReferralBody]), WriteProblems))]
#[post("/referrals")]
pub(super) async fn propose_institutions(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    body: Body<Need>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    let mut faults = Faults::default();
    let country = faults.check("/country", "country", Country::try_new(&given.country));
    let Some(country) = country else { return Err(faults.problem()) };
    let need =
        FamilyNeed { product: given.product, country, region: given.region.clone(), language: given.language.clone() };
    once(&house, &*person, &key, body.digest, async |seed| {
        let proposed = house.referrals.propose(&person, seed, &need).await?;
        Answer::created(proposed.into_iter().map(ReferralBody::from).collect::<Vec<_>>())
    })
    .await
}

/// One's own referrals, the newest first.
#[utoipa::path(tag = "referrals", security(("token" = [])),
    responses((status = 200, description = "The referrals", body = [ReferralBody]), ReadProblems))]
#[get("/referrals")]
pub(super) async fn list_referrals(house: web::Data<House>, person: Admitted<Person>) -> Result<HttpResponse, Problem> {
    let known = house.referrals.of(&person).await?;
    Ok(HttpResponse::Ok().json(known.into_iter().map(ReferralBody::from).collect::<Vec<_>>()))
}

/// Lets the institution know of the family; answers the consent's receipt.
#[utoipa::path(tag = "referrals", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = FamilyMember,
    responses((status = 200, description = "The consent", body = Consent), WriteProblems))]
#[post("/referrals/{id}/acceptance")]
pub(super) async fn accept_referral(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<FamilyMember>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |_| {
        let referral = ReferralId::from_uuid(*id);
        let consent = house.referrals.accept(&person, referral, &body.value.family_member).await?;
        Answer::ok(Consent { consent: consent.uuid() })
    })
    .await
}

/// Makes the account that the institution opened somebody to be paid. The name of the first time stays.
#[utoipa::path(tag = "referrals", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = FamilyMember,
    responses((status = 201, description = "The beneficiary", body = BeneficiaryBody), WriteProblems))]
#[post("/referrals/{id}/beneficiary")]
pub(super) async fn make_beneficiary_of_referral(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<FamilyMember>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |_| {
        let known = house.referrals.of(&person).await?;
        let referral = known.into_iter().find(|referral| referral.id.uuid() == *id);
        let referral = referral.ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such referral"))?;
        let account = referral.account_number.as_deref();
        let account = account.ok_or_else(|| Problem::new(&kinds::WRONG_STATE, "no account is opened for it yet"))?;
        let partner = partner(&house, referral.institution.as_str()).await?;
        let name = &body.value.family_member;
        let beneficiary = NewBeneficiary::try_new(name, Channel::InstitutionAccount, Some(account), &partner)?;
        let beneficiary_id = BeneficiaryId::from_uuid(Uuid::new_v5(&id, b"beneficiary"));
        let kept = screened::keep_beneficiary(&house, &person, beneficiary_id, &beneficiary).await?;
        let other = || Problem::new(&kinds::WRONG_STATE, "the account is kept already, in another name");
        let kept = kept.ok_or_else(other)?;
        Answer::created(BeneficiaryBody::from(kept))
    })
    .await
}
