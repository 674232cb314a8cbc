use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Utc};
use ledger::Money;
use remittance::{Amount, Corridor, QuoteRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::house::House;
use crate::openapi::OpenProblems;
use crate::problem::{Faults, Problem};
use crate::wire::{MoneyBody, percent, words};

/// A way on which money can be sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Corridor)]
pub(super) struct CorridorBody {
    code: String,
    /// What the sender pays in.
    #[schema(value_type = words::Currency)]
    source: String,
    /// What the family gets.
    #[schema(value_type = words::Currency)]
    target: String,
    /// ISO 3166-1 alpha-2: where it is paid out.
    countries: Vec<String>,
    minimum: MoneyBody,
    maximum: MoneyBody,
    /// How far the rate given lies below the mid rate.
    margin_percent: String,
    delivery: String,
}

impl From<&Corridor> for CorridorBody {
    fn from(corridor: &Corridor) -> Self {
        Self {
            code: corridor.code.to_string(),
            source: corridor.source.to_string(),
            target: corridor.target.to_string(),
            countries: corridor.countries.clone(),
            minimum: corridor.minimum.into(),
            maximum: corridor.maximum.into(),
            margin_percent: percent(corridor.margin),
            delivery: corridor.delivery.clone(),
        }
    }
}

/// What is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PriceQuery {
    #[param(min_length = 1, max_length = 40, example = "eur-xof")]
    corridor: String,
    /// What is sent, in the corridor's currency and with its decimals.
    #[param(pattern = "^[0-9]{1,16}([.][0-9]{1,3})?$", example = "100.00")]
    amount: String,
}

/// What sending costs now. Not an offer: a quote is.
#[derive(Serialize, ToSchema)]
#[schema(as = Price)]
pub(super) struct PriceBody {
    corridor: String,
    sent: MoneyBody,
    fee: MoneyBody,
    received: MoneyBody,
    rate: String,
    mid_rate: String,
    rate_set_at: DateTime<Utc>,
    /// Fee and margin as a percentage of what is sent, by the method of Remittance Prices Worldwide.
    total_cost_percent: String,
    /// The same for 200 USD or its equal, where a rate is known.
    total_cost_percent_of_200_usd: Option<String>,
}

/// Where money can be sent.
#[utoipa::path(tag = "prices",
    responses((status = 200, description = "The corridors", body = [CorridorBody]), OpenProblems))]
#[get("/corridors")]
pub(super) async fn list_corridors(house: web::Data<House>) -> HttpResponse {
    HttpResponse::Ok().json(house.corridors.all().map(CorridorBody::from).collect::<Vec<_>>())
}

/// What sending an amount costs now.
#[utoipa::path(tag = "prices", params(PriceQuery),
    responses((status = 200, description = "The price", body = PriceBody), OpenProblems))]
#[get("/prices")]
pub(super) async fn read_price(
    house: web::Data<House>,
    asked: web::Query<PriceQuery>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let Some(corridor) = house.corridors.get(&asked.corridor) else {
        faults.add("corridor", "unknown-corridor", "see /v1/public/corridors for those that there are");
        return Err(faults.problem());
    };
    let amount = faults.check("amount", "amount", Money::parse(&asked.amount, corridor.source));
    let Some(amount) = amount else { return Err(faults.problem()) };
    let request = QuoteRequest {
        corridor: asked.corridor.clone(),
        amount: Amount::Sends(amount),
        allocations: Vec::new(),
        family_minimum: None,
    };
    let quote = house.quotes.preview(&request).await?;
    Ok(HttpResponse::Ok().json(PriceBody {
        corridor: asked.corridor.clone(),
        sent: quote.sent.into(),
        fee: quote.fee.into(),
        received: quote.received.into(),
        rate: quote.rate.to_string(),
        mid_rate: quote.mid_rate.to_string(),
        rate_set_at: quote.rate_set_at,
        total_cost_percent: percent(quote.cost),
        total_cost_percent_of_200_usd: quote.reference_cost.map(percent),
    }))
}
