mod wire;

use actix_web::{HttpResponse, get, post, web};
use onboarding::{CodeId, Country, HouseholdId, MemberId, Person, RecipientId};
use remittance::{BeneficiaryId, Channel, NewBeneficiary};
use uuid::Uuid;

use self::wire::{AddedRecipient, HouseholdBody, NewHousehold, NewRecipient, PaidAt};
pub(super) use self::wire::{IssuedCodeBody, SpokenCodeOnly};
use super::beneficiaries::{BeneficiaryBody, partner};
use crate::admission::{Admitted, StronglyAuthenticated};
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem, kinds};
use crate::screened;

/// Makes a household, whose head you are.
#[utoipa::path(tag = "households", security(("token" = [])), params(KeyHeader), request_body = NewHousehold,
    responses((status = 201, description = "The household", body = HouseholdBody), WriteProblems))]
#[post("/households")]
pub(super) async fn make_household(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    body: Body<NewHousehold>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |seed| {
        let id = HouseholdId::from_uuid(Uuid::new_v5(&seed, b"household"));
        Answer::created(HouseholdBody::from(house.families.households.make(&person, id, &body.value.name).await?))
    })
    .await
}

/// The households that you are in.
#[utoipa::path(tag = "households", security(("token" = [])),
    responses((status = 200, description = "The households", body = [HouseholdBody]), ReadProblems))]
#[get("/households")]
pub(super) async fn list_households(
    house: web::Data<House>,
    person: Admitted<Person>,
) -> Result<HttpResponse, Problem> {
    let own = house.families.households.of(&person).await?;
    Ok(HttpResponse::Ok().json(own.into_iter().map(HouseholdBody::from).collect::<Vec<_>>()))
}

/// A household that you are in.
#[utoipa::path(tag = "households", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The household", body = HouseholdBody), ReadProblems))]
#[get("/households/{id}")]
pub(super) async fn read_household(
    house: web::Data<House>,
    person: Admitted<Person>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let household = house.families.households.get(&person, HouseholdId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().json(HouseholdBody::from(household)))
}

/// Makes a code by which somebody with an account joins.
#[utoipa::path(tag = "households", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    responses((status = 201, description = "The code, shown this once", body = IssuedCodeBody), WriteProblems))]
#[post("/households/{id}/invitations")]
pub(super) async fn invite_member(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let issued = house.families.invitations.invite(&person, HouseholdId::from_uuid(*id)).await?;
        Answer::created(IssuedCodeBody::from(issued))
    })
    .await
}

/// Takes an invitation back.
#[utoipa::path(tag = "households", security(("token" = [])),
    params(KeyHeader, ("id" = Uuid, Path), ("invitation" = Uuid, Path)),
    responses((status = 200, description = "The household", body = HouseholdBody), WriteProblems))]
#[post("/households/{id}/invitations/{invitation}/withdrawal")]
pub(super) async fn withdraw_invitation(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let (household, code) = (HouseholdId::from_uuid(path.0), CodeId::from_uuid(path.1));
        house.families.invitations.withdraw(&person, household, code).await?;
        read(&house, &person, household).await
    })
    .await
}

/// Joins a household by a code that a head of it told you.
#[utoipa::path(tag = "households", security(("token" = [])), params(KeyHeader), request_body = SpokenCodeOnly,
    responses((status = 200, description = "The household", body = HouseholdBody), WriteProblems))]
#[post("/invitations/acceptance")]
pub(super) async fn accept_invitation(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    body: Body<SpokenCodeOnly>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |_| {
        let household = house.families.invitations.join(&person, &body.value.code()?).await?;
        read(&house, &person, household).await
    })
    .await
}

/// Adds somebody who has no account, and makes the code by which an agent of an institution confirms them.
#[utoipa::path(tag = "households", security(("token" = [])), params(KeyHeader, ("id" = Uuid, Path)),
    request_body = NewRecipient,
    responses((status = 201, description = "The recipient and the code, shown this once", body = AddedRecipient),
        WriteProblems))]
#[post("/households/{id}/recipients")]
pub(super) async fn add_recipient(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    id: web::Path<Uuid>,
    body: Body<NewRecipient>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    let mut faults = Faults::default();
    let country = faults.check("/country", "country", Country::try_new(&given.country));
    let Some(country) = country else { return Err(faults.problem()) };
    once(&house, &*person, &key, body.digest, async |seed| {
        let recipient = RecipientId::from_uuid(Uuid::new_v5(&seed, b"recipient"));
        let known = (given.known_as.as_str(), country, given.region.as_str());
        let household = HouseholdId::from_uuid(*id);
        let issued = house.families.invitations.add_recipient(&person, household, recipient, known).await?;
        Answer::created(AddedRecipient { recipient: recipient.uuid(), invitation: issued.into() })
    })
    .await
}

/// Makes another code for a recipient; the one before dies.
#[utoipa::path(tag = "households", security(("token" = [])),
    params(KeyHeader, ("id" = Uuid, Path), ("recipient" = Uuid, Path)),
    responses((status = 201, description = "The code, shown this once", body = IssuedCodeBody), WriteProblems))]
#[post("/households/{id}/recipients/{recipient}/code")]
pub(super) async fn renew_recipient_code(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let (household, recipient) = (HouseholdId::from_uuid(path.0), RecipientId::from_uuid(path.1));
        let issued = house.families.invitations.renew_code(&person, household, recipient).await?;
        Answer::created(IssuedCodeBody::from(issued))
    })
    .await
}

/// Takes a recipient out of the household.
#[utoipa::path(tag = "households", security(("token" = [])),
    params(KeyHeader, ("id" = Uuid, Path), ("recipient" = Uuid, Path)),
    responses((status = 200, description = "The household", body = HouseholdBody), WriteProblems))]
#[post("/households/{id}/recipients/{recipient}/removal")]
pub(super) async fn remove_recipient(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let (household, recipient) = (HouseholdId::from_uuid(path.0), RecipientId::from_uuid(path.1));
        house.families.invitations.remove_recipient(&person, household, recipient).await?;
        read(&house, &person, household).await
    })
    .await
}

/// Makes a confirmed recipient somebody to be paid, in cash and by the name in their document.
#[utoipa::path(tag = "households", security(("token" = [])),
    params(KeyHeader, ("id" = Uuid, Path), ("recipient" = Uuid, Path)), request_body = PaidAt,
    responses((status = 201, description = "The beneficiary", body = BeneficiaryBody), WriteProblems))]
#[post("/households/{id}/recipients/{recipient}/beneficiary")]
pub(super) async fn make_beneficiary_of_recipient(
    house: web::Data<House>,
    person: Admitted<Person>,
    key: Key,
    path: web::Path<(Uuid, Uuid)>,
    body: Body<PaidAt>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, body.digest, async |seed| {
        let household = house.families.households.get(&person, HouseholdId::from_uuid(path.0)).await?;
        let recipient = household.recipients.into_iter().find(|recipient| recipient.id.uuid() == path.1);
        let recipient = recipient.ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such recipient"))?;
        let waits = "an agent of an institution has not confirmed the recipient yet";
        let confirmed = recipient.confirmed.ok_or_else(|| Problem::new(&kinds::WRONG_STATE, waits))?;
        let partner = partner(&house, &body.value.institution).await?;
        let beneficiary = NewBeneficiary::try_new(&confirmed.name, Channel::Cash, None, &partner)?;
        let id = BeneficiaryId::from_uuid(Uuid::new_v5(&seed, b"beneficiary"));
        screened::may_all_go_on(&house, &[recipient.id.uuid()]).await?;
        let kept = screened::keep_beneficiary(&house, &person, id, &beneficiary).await?;
        let kept = kept.ok_or_else(|| Problem::new(&kinds::KEY_REUSED, "by this key somebody else is kept already"))?;
        Answer::created(BeneficiaryBody::from(kept))
    })
    .await
}

/// Makes another member a head.
#[utoipa::path(tag = "households", security(("token" = [])),
    params(KeyHeader, ("id" = Uuid, Path), ("member" = Uuid, Path)),
    responses((status = 200, description = "The household", body = HouseholdBody), WriteProblems))]
#[post("/households/{id}/members/{member}/headship")]
pub(super) async fn make_head(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    key: Key,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    once(&house, &*person, &key, [0; 32], async |_| {
        let (household, member) = (HouseholdId::from_uuid(path.0), MemberId::from_uuid(path.1));
        Answer::ok(HouseholdBody::from(house.families.households.make_head(&person, household, member).await?))
    })
    .await
}

/// Takes a member out of the household: yourself, or anybody where you are a head.
#[utoipa::path(tag = "households", security(("token" = [])),
    params(KeyHeader, ("id" = Uuid, Path), ("member" = Uuid, Path)),
    responses((status = 204, description = "They are out"), WriteProblems))]
#[post("/households/{id}/members/{member}/removal")]
pub(super) async fn remove_member(
    house: web::Data<House>,
    person: Admitted<StronglyAuthenticated>,
    _key: Key,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let (household, member) = (HouseholdId::from_uuid(path.0), MemberId::from_uuid(path.1));
    house.families.households.remove_member(&person, household, member).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn read(house: &House, person: &Person, id: HouseholdId) -> Result<Answer, Problem> {
    Answer::ok(HouseholdBody::from(house.families.households.get(person, id).await?))
}
