use actix_web::{HttpResponse, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use onboarding::{HandoverStatement, Institution, RecipientStatement, SeenDocument, SpokenCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::WriteProblems;
use crate::problem::Problem;
use crate::wire::words;

/// Who a recipient is, as your agent read it in their document.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecipientConfirmation {
    /// As the recipient tells it: in any case, with or without hyphens.
    #[schema(min_length = 12, max_length = 40, example = "7KQ2-9MXA-4T3D")]
    code: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    birth_date: NaiveDate,
    #[schema(min_length = 1, max_length = 200)]
    address: String,
    #[schema(value_type = words::SeenDocument)]
    document: SeenDocument,
}

/// A recipient who is confirmed.
#[derive(Serialize, ToSchema)]
pub(super) struct ConfirmedRecipient {
    recipient: Uuid,
    country: String,
    region: String,
    confirmed_at: DateTime<Utc>,
}

/// Who stands at your counter and says to be the child of a protected account, as their document says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandoverWish {
    #[schema(min_length = 1, max_length = 40)]
    account_number: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    birth_date: NaiveDate,
    #[schema(value_type = words::SeenDocument)]
    document: SeenDocument,
}

/// The code by which they take the account over, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct HandoverCode {
    code: String,
    expires_at: DateTime<Utc>,
}

/// Confirms a recipient without an account, who told your agent the household's code.
#[utoipa::path(tag = "recipients", security(("token" = [])), params(KeyHeader), request_body = RecipientConfirmation,
    responses((status = 200, description = "Confirmed", body = ConfirmedRecipient), WriteProblems))]
#[post("/recipients/confirmations")]
pub(super) async fn confirm_recipient(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    body: Body<RecipientConfirmation>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    let now = house.clock.now();
    let statement = RecipientStatement::try_new(&given.name, given.birth_date, &given.address, given.document, now)?;
    once(&house, &*institution, &key, body.digest, async |_| {
        let code = SpokenCode::try_new(&given.code)?;
        let confirmed = house.families.invitations.confirm(&institution, &code, &statement).await?;
        Answer::ok(ConfirmedRecipient {
            recipient: confirmed.recipient.uuid(),
            country: confirmed.country.code().to_owned(),
            region: confirmed.region,
            confirmed_at: confirmed.confirmed_at,
        })
    })
    .await
}

/// Gives a child who came of age the code by which they take over the account that was kept for them.
#[utoipa::path(tag = "child-payments", security(("token" = [])), params(KeyHeader), request_body = HandoverWish,
    responses((status = 201, description = "The code, shown this once", body = HandoverCode), WriteProblems))]
#[post("/handover-codes")]
pub(super) async fn make_handover_code(
    house: web::Data<House>,
    institution: Admitted<Institution>,
    key: Key,
    body: Body<HandoverWish>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    let (number, name) = (&given.account_number, &given.name);
    let statement = HandoverStatement::try_new(number, name, given.birth_date, given.document)?;
    once(&house, &*institution, &key, body.digest, async |_| {
        let issued = house.families.handovers.code_of_agent(&institution, &statement).await?;
        Answer::created(HandoverCode { code: issued.code.shown(), expires_at: issued.expires_at })
    })
    .await
}
