use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::{InstitutionApplication, InstitutionCode, Person, Product};
use remittance::{Beneficiary, BeneficiaryId, Channel, NewBeneficiary, PayoutPartner, SenderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem, kinds};
use crate::screened;
use crate::wire::words;

/// Who is to be paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBeneficiaryBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(value_type = words::Channel)]
    channel: Channel,
    /// IBAN, phone number or account number; none for cash.
    #[schema(max_length = 200)]
    account: Option<String>,
    /// The code of a live institution.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", example = "caisse-thies")]
    institution: String,
}

/// Who is paid.
#[derive(Serialize, ToSchema)]
#[schema(as = Beneficiary)]
pub(super) struct BeneficiaryBody {
    id: Uuid,
    name: String,
    #[schema(value_type = words::Channel)]
    channel: &'static str,
    account: Option<String>,
    institution: String,
    country: String,
    created_at: DateTime<Utc>,
}

impl From<Beneficiary> for BeneficiaryBody {
    fn from(beneficiary: Beneficiary) -> Self {
        Self {
            id: beneficiary.id.uuid(),
            name: beneficiary.name,
            channel: beneficiary.channel.word(),
            account: beneficiary.account,
            institution: beneficiary.institution,
            country: beneficiary.country,
            created_at: beneficiary.created_at,
        }
    }
}

/// A live institution in the words of remittances.
pub(super) async fn partner(house: &House, code: &str) -> Result<PayoutPartner, Problem> {
    let mut faults = Faults::default();
    let Some(code) = faults.check("/institution", "institution-code", InstitutionCode::try_new(code)) else {
        return Err(faults.problem());
    };
    match house.institutions.live_by_code(&code).await {
        Ok((_, profile)) => Ok(pays_out(&profile)),
        Err(onboarding::Error::NotFound(_)) => {
            faults.add("/institution", "institution-not-live", "there is no live institution of that code");
            Err(faults.problem())
        }
        Err(error) => Err(error.into()),
    }
}

fn pays_out(profile: &InstitutionApplication) -> PayoutPartner {
    let channels = profile
        .products
        .iter()
        .flat_map(|product| match product {
            Product::CashPayout => vec![Channel::Cash],
            Product::AccountPayout => vec![Channel::BankAccount, Channel::InstitutionAccount],
            Product::WalletPayout => vec![Channel::MobileWallet],
            Product::Savings => vec![Channel::InstitutionAccount],
            Product::Credit | Product::ForWomen => Vec::new(),
        })
        .collect();
    PayoutPartner { code: profile.code.as_str().to_owned(), country: profile.country.code().to_owned(), channels }
}

/// Keeps somebody to be paid.
#[utoipa::path(tag = "beneficiaries", security(("token" = [])), params(KeyHeader), request_body = NewBeneficiaryBody,
    responses((status = 201, description = "The beneficiary", body = BeneficiaryBody), WriteProblems))]
#[post("/beneficiaries")]
pub(super) async fn add_beneficiary(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    body: Body<NewBeneficiaryBody>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    once(&house, &*person, &key, body.digest, async |seed| {
        let partner = partner(&house, &given.institution).await?;
        let beneficiary = NewBeneficiary::try_new(&given.name, given.channel, given.account.as_deref(), &partner)?;
        let id = BeneficiaryId::from_uuid(Uuid::new_v5(&seed, b"beneficiary"));
        let kept = screened::keep_beneficiary(&house, &person, id, &beneficiary).await?;
        let kept = kept.ok_or_else(|| Problem::new(&kinds::KEY_REUSED, "by this key somebody else is kept already"))?;
        Answer::created(BeneficiaryBody::from(kept))
    })
    .await
}

/// Those whom a person pays, the newest first.
#[utoipa::path(tag = "beneficiaries", security(("token" = [])),
    responses((status = 200, description = "The beneficiaries", body = [BeneficiaryBody]), ReadProblems))]
#[get("/beneficiaries")]
pub(super) async fn list_beneficiaries(
    house: web::Data<House>,
    person: Admitted<Person>,
) -> Result<HttpResponse, Problem> {
    let known = house.beneficiaries.of(SenderId::from_uuid(person.id().uuid())).await?;
    Ok(HttpResponse::Ok().json(known.into_iter().map(BeneficiaryBody::from).collect::<Vec<_>>()))
}
