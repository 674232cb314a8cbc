use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Duration, Utc};
use onboarding::Operator;
use remittance::{InvalidRate, Rate, RateNature, SetRate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::Admitted;
use crate::body::Body;
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::{currency, words};

/// How far ahead of our clock another's may be.
const CLOCKS_DIFFER_BY: Duration = Duration::minutes(5);

/// The oldest rate that is worth keeping.
const OLDEST: Duration = Duration::days(30);

/// Market rates, as they were set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRates {
    #[schema(min_items = 1, max_items = 200)]
    rates: Vec<NewRate>,
}

/// One market rate: units of `counter` for one of the base currency.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRate {
    /// The base currency.
    #[schema(value_type = words::Currency, example = "EUR")]
    base: String,
    #[schema(value_type = words::Currency, example = "MAD")]
    counter: String,
    /// A decimal with at most 12 decimals.
    #[schema(pattern = "^[0-9]{1,9}([.][0-9]{1,12})?$", example = "10.8712")]
    rate: String,
    set_at: DateTime<Utc>,
}

/// That rates were kept.
#[derive(Serialize, ToSchema)]
pub(super) struct RatesKept {
    /// Those that were not known before.
    new: usize,
}

/// A rate as it was set.
#[derive(Serialize, ToSchema)]
#[schema(as = Rate)]
pub(super) struct RateBody {
    #[schema(value_type = words::Currency)]
    base: String,
    #[schema(value_type = words::Currency)]
    counter: String,
    rate: String,
    /// market or pegged; a pegged rate is fixed by treaty and does not grow stale.
    nature: &'static str,
    set_at: DateTime<Utc>,
    source: String,
}

impl From<&SetRate> for RateBody {
    fn from(set: &SetRate) -> Self {
        Self {
            base: set.base.to_string(),
            counter: set.counter.to_string(),
            rate: set.rate.to_string(),
            nature: match set.nature {
                RateNature::Market => "market",
                RateNature::Pegged => "pegged",
            },
            set_at: set.set_at,
            source: set.source.clone(),
        }
    }
}

impl NewRate {
    fn checked(&self, index: usize, by: &Operator, now: DateTime<Utc>, faults: &mut Faults) -> Option<SetRate> {
        let at = |field: &str| format!("/rates/{index}/{field}");
        let base = currency(&self.base, &at("base"), faults);
        let counter = currency(&self.counter, &at("counter"), faults);
        let rate = faults.check(&at("rate"), "rate", self.rate.parse::<Rate>().map_err(|error: InvalidRate| error));
        if self.set_at > now + CLOCKS_DIFFER_BY || self.set_at < now - OLDEST {
            faults.add(at("set_at"), "set-at", "a rate was set within the last 30 days, and not in the future");
            return None;
        }
        Some(SetRate {
            base: base?,
            counter: counter?,
            rate: rate?,
            nature: RateNature::Market,
            set_at: self.set_at,
            source: format!("operator {}", by.id()),
        })
    }
}

/// Keeps market rates; the newest of a pair counts from now on.
#[utoipa::path(tag = "rates", security(("token" = [])), request_body = NewRates,
    responses((status = 200, description = "Kept", body = RatesKept), WriteProblems))]
#[post("/rates")]
pub(super) async fn set_rates(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    body: Body<NewRates>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let given = &body.value.rates;
    if !(1..=200).contains(&given.len()) {
        faults.add("/rates", "rates", "1 to 200 rates are set at once");
        return Err(faults.problem());
    }
    let now = house.clock.now();
    let rates: Vec<SetRate> =
        given.iter().enumerate().filter_map(|(index, rate)| rate.checked(index, &operator, now, &mut faults)).collect();
    let known = house.rates.table().await?;
    for (index, rate) in rates.iter().enumerate() {
        let fixed = |known: &&SetRate| known.nature == RateNature::Pegged && known.counter == rate.counter;
        if known.newest().iter().any(|known| fixed(&known)) {
            faults.add(format!("/rates/{index}/counter"), "pegged", "this rate is fixed by treaty");
        }
    }
    faults.finish()?;
    Ok(HttpResponse::Ok().json(RatesKept { new: house.rates.set(&rates).await? }))
}

/// The rates in force.
#[utoipa::path(tag = "rates", security(("token" = [])),
    responses((status = 200, description = "The rates", body = [RateBody]), ReadProblems))]
#[get("/rates")]
pub(super) async fn list_rates(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
) -> Result<HttpResponse, Problem> {
    let table = house.rates.table().await?;
    Ok(HttpResponse::Ok().json(table.newest().iter().map(RateBody::from).collect::<Vec<_>>()))
}
