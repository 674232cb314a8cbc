//! Rates of exchange: exact decimals, with the time they were set.

mod store;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Duration, Utc};
use ledger::{Currency, Money, RatesOfTheDay};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

pub use store::Rates;

use crate::Error;

/// Decimals that a rate is kept with; a rate is computed with exactly these, so that a quote can be repeated by hand.
const DECIMALS: u32 = 12;

/// Units of one currency for one of another; above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(Decimal);

/// The text is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a decimal above zero and below 1000000000 with at most {DECIMALS} decimals, such as 655.957")]
pub struct InvalidRate;

impl Rate {
    /// One for one.
    pub const ONE: Self = Self(Decimal::ONE);

    fn rounded(value: Decimal) -> Result<Self, InvalidRate> {
        let value = value.round_dp_with_strategy(DECIMALS, RoundingStrategy::MidpointNearestEven).normalize();
        let bounded = value > Decimal::ZERO && value < Decimal::from(1_000_000_000);
        if bounded { Ok(Self(value)) } else { Err(InvalidRate) }
    }

    /// The rate that lies a margin below this one.
    pub(crate) fn below_by(self, margin: ledger::BasisPoints) -> Result<Self, InvalidRate> {
        let share = Decimal::new(10_000 - i64::from(margin.value()), 4);
        self.0.checked_mul(share).ok_or(InvalidRate).and_then(Self::rounded)
    }

    /// What an amount is in another currency at this rate.
    pub(crate) fn convert(self, amount: Money, to: Currency, rounding: RoundingStrategy) -> Result<Money, Error> {
        let minor = self
            .scaled(amount.currency(), to)
            .and_then(|factor| factor.checked_mul(Decimal::from(amount.minor())))
            .ok_or(Error::AmountTooLarge)?;
        whole(minor, to, rounding)
    }

    /// What of another currency comes to an amount at this rate.
    pub(crate) fn convert_back(
        self,
        amount: Money,
        from: Currency,
        rounding: RoundingStrategy,
    ) -> Result<Money, Error> {
        let minor = self
            .scaled(from, amount.currency())
            .and_then(|factor| Decimal::from(amount.minor()).checked_div(factor))
            .ok_or(Error::AmountTooLarge)?;
        whole(minor, from, rounding)
    }

    /// Minor units of `to` for one minor unit of `from`.
    fn scaled(self, from: Currency, to: Currency) -> Option<Decimal> {
        let up = Decimal::from(10_i64.pow(to.decimals()));
        let down = Decimal::from(10_i64.pow(from.decimals()));
        self.0.checked_mul(up)?.checked_div(down)
    }
}

fn whole(minor: Decimal, currency: Currency, rounding: RoundingStrategy) -> Result<Money, Error> {
    let minor = minor.round_dp_with_strategy(0, rounding).to_i64().ok_or(Error::AmountTooLarge)?;
    if minor.abs() > ledger::MAX_MINOR_UNITS {
        return Err(Error::AmountTooLarge);
    }
    Ok(Money::from_minor(minor, currency))
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value: Decimal = Decimal::from_str_exact(text).map_err(|_| InvalidRate)?;
        if value.scale() > DECIMALS || text.starts_with('+') {
            return Err(InvalidRate);
        }
        Self::rounded(value)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether a rate moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateNature {
    /// It moves, and grows stale.
    Market,
    /// It is fixed by treaty.
    Pegged,
}

/// A rate as it was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRate {
    /// One unit of this …
    pub base: Currency,
    /// … is so many of this.
    pub counter: Currency,
    /// How many.
    pub rate: Rate,
    /// Whether it moves.
    pub nature: RateNature,
    /// When.
    pub set_at: DateTime<Utc>,
    /// By whom, or from where.
    pub source: String,
}

/// A mid rate and the age of what it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MidRate {
    /// The rate.
    pub rate: Rate,
    /// When the older of its sources was set.
    pub set_at: DateTime<Utc>,
}

/// The newest rates at one moment, all against one base currency.
#[derive(Clone, Debug)]
pub struct RateTable {
    pub(crate) base: Currency,
    pub(crate) newest: Vec<SetRate>,
}

impl RateTable {
    /// The newest rate of each pair.
    #[must_use]
    pub fn newest(&self) -> &[SetRate] {
        &self.newest
    }

    fn against_base(&self, currency: Currency) -> Option<(Rate, Option<DateTime<Utc>>)> {
        if currency == self.base {
            return Some((Rate::ONE, None));
        }
        let set = self.newest.iter().find(|set| set.base == self.base && set.counter == currency)?;
        Some((set.rate, (set.nature == RateNature::Market).then_some(set.set_at)))
    }

    fn oldest_source(&self, currencies: [Currency; 2]) -> Option<DateTime<Utc>> {
        self.newest.iter().filter(|set| currencies.contains(&set.counter)).map(|set| set.set_at).min()
    }

    /// The mid rate between two currencies, crossed through the base where needed.
    ///
    /// # Errors
    /// [`Error::NoRate`], or [`Error::StaleRate`] when a market rate in it is older than allowed.
    pub fn mid(
        &self,
        from: Currency,
        to: Currency,
        now: DateTime<Utc>,
        maximum_age: Duration,
    ) -> Result<MidRate, Error> {
        if from == to {
            return Ok(MidRate { rate: Rate::ONE, set_at: now });
        }
        let missing = || Error::NoRate { from, to };
        let (of_from, from_set) = self.against_base(from).ok_or_else(missing)?;
        let (of_to, to_set) = self.against_base(to).ok_or_else(missing)?;
        if let Some(set_at) = from_set.into_iter().chain(to_set).min()
            && now - set_at > maximum_age
        {
            return Err(Error::StaleRate { from, to, set_at, maximum_age_hours: maximum_age.num_hours() });
        }
        let rate = of_to.0.checked_div(of_from.0).ok_or_else(missing)?;
        let set_at = self.oldest_source([from, to]).unwrap_or(now);
        Ok(MidRate { rate: Rate::rounded(rate).map_err(|_| missing())?, set_at })
    }
}

impl RatesOfTheDay for RateTable {
    fn base(&self) -> Currency {
        self.base
    }

    /// At the newest rate, however old: the safeguarding equation must be answered on a day without quotes too.
    fn in_base(&self, amount: Money) -> Option<Money> {
        if amount.currency() == self.base {
            return Some(amount);
        }
        let (rate, _) = self.against_base(amount.currency())?;
        rate.convert_back(amount, self.base, RoundingStrategy::MidpointNearestEven).ok()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesFile {
    rates: Vec<SetRate>,
}

/// Reads a file such as `config/rates.toml`.
///
/// # Errors
/// [`Error::RatesFile`] with what is wrong.
pub fn rates_from_toml(text: &str) -> Result<Vec<SetRate>, Error> {
    let file: RatesFile = toml::from_str(text).map_err(|error| Error::RatesFile(error.to_string()))?;
    Ok(file.rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(set_at: &str) -> RateTable {
        let rate = |counter: &str, rate: &str, nature| SetRate {
            base: Currency::EUR,
            counter: Currency::try_new(counter).expect("a currency"),
            rate: rate.parse().expect("a rate"),
            nature,
            set_at: set_at.parse().expect("a time"),
            source: "test".to_owned(),
        };
        RateTable {
            base: Currency::EUR,
            newest: vec![
                rate("XOF", "655.957", RateNature::Pegged),
                rate("XAF", "655.957", RateNature::Pegged),
                rate("USD", "1.25", RateNature::Market),
            ],
        }
    }

    #[test]
    fn rates_cross_through_the_base_and_market_rates_grow_stale() -> Result<(), Box<dyn std::error::Error>> {
        let table = table("2026-01-01T00:00:00Z");
        let (usd, xaf) = (Currency::try_new("USD")?, Currency::try_new("XAF")?);
        let day = Duration::hours(24);
        let soon = "2026-01-01T23:00:00Z".parse()?;
        assert_eq!(table.mid(usd, Currency::XOF, soon, day)?.rate, "524.7656".parse()?);
        assert_eq!(table.mid(Currency::XOF, xaf, soon, day)?.rate, Rate::ONE);
        let late = "2026-01-02T00:00:01Z".parse()?;
        assert!(matches!(table.mid(usd, Currency::XOF, late, day), Err(Error::StaleRate { .. })));
        assert!(table.mid(Currency::EUR, Currency::XOF, late, day).is_ok(), "a peg does not grow stale");
        let mad = Currency::try_new("MAD")?;
        assert!(matches!(table.mid(mad, Currency::XOF, soon, day), Err(Error::NoRate { .. })));
        Ok(())
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "0", "-1", "1e3", "1,5", "+1", "1.0000000000001", "1000000000"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
