//! Quotes: firm offers. Nothing in one changes after it is made.

mod store;

use chrono::{DateTime, Utc};
use ledger::{BasisPoints, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use store::Quotes;
pub(crate) use store::find_in;

use crate::allocation::{Instruction, Target};
use crate::price::{Amount, Price, cost, price};
use crate::rate::{Rate, RateTable};
use crate::{Corridor, CorridorCode, Corridors, Error};

platform::define_id!(QuoteId, "A firm offer to send money.");
platform::define_id!(SenderId, "Somebody who sends money.");

/// What somebody asks a price for.
#[derive(Clone, Debug)]
pub struct QuoteRequest {
    /// On which way.
    pub corridor: String,
    /// How much, from either side.
    pub amount: Amount,
    /// What the sender cares for beside the family.
    pub allocations: Vec<Instruction>,
    /// What the family gets at least, of what is sent.
    pub family_minimum: Option<Money>,
}

/// A part that goes elsewhere than to the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The project.
    pub project: Uuid,
    /// Minor units of the source currency.
    pub minor: i64,
}

/// A price for a request, firm for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Which.
    pub id: QuoteId,
    /// On which way.
    pub corridor: CorridorCode,
    /// What is sent, without the fee.
    pub sent: Money,
    /// The fee.
    pub fee: Money,
    /// What of `sent` goes to the family.
    pub family: Money,
    /// That at the mid rate.
    pub at_mid: Money,
    /// What the family gets.
    pub received: Money,
    /// The mid rate.
    pub mid_rate: Rate,
    /// The rate given.
    pub rate: Rate,
    /// When the rate was set.
    pub rate_set_at: DateTime<Utc>,
    /// Fee and margin as a share of what is sent.
    pub cost: BasisPoints,
    /// The same for 200 USD or its equal, where a rate to the dollar is known.
    pub reference_cost: Option<BasisPoints>,
    /// The other parts.
    pub allocations: Vec<Allocation>,
    /// `sent` in the base currency.
    pub in_base: Money,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is firm.
    pub expires_at: DateTime<Utc>,
}

impl Quote {
    /// What the sender pays in all.
    ///
    /// # Errors
    /// When the sum does not fit.
    pub fn to_pay(&self) -> Result<Money, Error> {
        Ok(self.sent.checked_add(self.fee)?)
    }
}

/// Makes a quote out of a request, the corridors and the day's rates; pure.
///
/// # Errors
/// Every reason for which a quote is refused.
pub fn quote(
    id: QuoteId,
    request: &QuoteRequest,
    corridors: &Corridors,
    rates: &RateTable,
    now: DateTime<Utc>,
) -> Result<Quote, Error> {
    let unknown = || Error::UnknownCorridor(request.corridor.chars().take(40).collect());
    let corridor = corridors.get(&request.corridor).ok_or_else(unknown)?;
    let mid = rates.mid(corridor.source, corridor.target, now, corridors.rate_maximum_age)?;
    let family_minimum = request.family_minimum.unwrap_or(Money::zero(corridor.source));
    if family_minimum.currency() != corridor.source {
        return Err(Error::WrongCurrency { given: family_minimum.currency(), expected: corridor.source });
    }
    let Price { sent, fee, split, mid_rate, rate, at_mid, received, cost } =
        price(corridor, mid, request.amount, &request.allocations, family_minimum)?;
    let allocation = |(target, amount): &(Target, Money)| match target {
        Target::Project(project) => Allocation { project: *project, minor: amount.minor() },
    };
    let in_base = ledger::RatesOfTheDay::in_base(rates, sent)
        .ok_or(Error::NoRate { from: corridor.source, to: corridors.base })?;
    Ok(Quote {
        id,
        corridor: corridor.code.clone(),
        sent,
        fee,
        family: split.family,
        at_mid,
        received,
        mid_rate,
        rate,
        rate_set_at: mid.set_at,
        cost,
        reference_cost: reference_cost(corridor, corridors, rates, mid_rate, rate, now),
        allocations: split.placed.iter().map(allocation).collect(),
        in_base,
        created_at: now,
        expires_at: now + corridors.quote_validity,
    })
}

/// The cost of sending 200 USD or its equal, by which corridors are compared (SDG 10.c).
fn reference_cost(
    corridor: &Corridor,
    corridors: &Corridors,
    rates: &RateTable,
    mid: Rate,
    rate: Rate,
    now: DateTime<Utc>,
) -> Option<BasisPoints> {
    let dollar = ledger::Currency::try_new("USD").ok()?;
    let to_source = rates.mid(dollar, corridor.source, now, corridors.rate_maximum_age).ok()?.rate;
    let nearest = rust_decimal::RoundingStrategy::MidpointNearestEven;
    let amount = to_source.convert(Money::from_minor(20_000, dollar), corridor.source, nearest).ok()?;
    cost(corridor, mid, rate, amount).ok()
}
