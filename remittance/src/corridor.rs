//! Corridors: where money can be sent, and at what price.

use std::collections::BTreeMap;
use std::fmt;

use chrono::Duration;
use ledger::{BasisPoints, Currency, Money};
use serde::{Deserialize, Serialize};

/// A corridor's short name, as it stands in account codes: `eur-xof`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorridorCode(String);

impl CorridorCode {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorridorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A code that was checked before it was stored.
pub(crate) const fn stored(code: String) -> CorridorCode {
    CorridorCode(code)
}

/// What sending costs, apart from the margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeTable {
    /// For each remittance.
    pub fixed: Money,
    /// Of the amount sent.
    pub share: BasisPoints,
    /// The least fee.
    pub minimum: Money,
    /// The highest fee.
    pub maximum: Money,
}

/// A way on which money can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corridor {
    /// Its name.
    pub code: CorridorCode,
    /// What the sender pays in.
    pub source: Currency,
    /// What the family gets.
    pub target: Currency,
    /// Where it is paid out, as ISO 3166-1 codes.
    pub countries: Vec<String>,
    /// What it costs.
    pub fee: FeeTable,
    /// How far the rate given lies below the mid rate.
    pub margin: BasisPoints,
    /// The least amount sent.
    pub minimum: Money,
    /// The highest amount sent.
    pub maximum: Money,
    /// How long it takes, for a reader.
    pub delivery: String,
}

/// All corridors, and the rules that they share.
#[derive(Clone, Debug)]
pub struct Corridors {
    corridors: BTreeMap<String, Corridor>,
    /// Limits are counted in it.
    pub base: Currency,
    /// How long a quote is firm.
    pub quote_validity: Duration,
    /// How long a sender has to pay.
    pub pay_within: Duration,
    /// A market rate older than this refuses quotes.
    pub rate_maximum_age: Duration,
}

/// Why the corridors could not be read: every fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the corridors are faulty: {}", .0.join("; "))]
pub struct CorridorFaults(pub Vec<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    base_currency: Currency,
    quote_validity_minutes: u16,
    pay_within_hours: u16,
    rate_maximum_age_hours: u16,
    corridors: BTreeMap<String, CorridorFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CorridorFile {
    source: Currency,
    target: Currency,
    countries: Vec<String>,
    fee: FeeFile,
    margin_basis_points: u32,
    minimum: String,
    maximum: String,
    delivery: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeFile {
    fixed: String,
    basis_points: u32,
    minimum: String,
    maximum: String,
}

impl Corridors {
    /// Reads `config/corridors.toml`.
    ///
    /// # Errors
    /// [`CorridorFaults`] with every fault at once.
    pub fn from_toml(text: &str) -> Result<Self, CorridorFaults> {
        let file: File = toml::from_str(text).map_err(|error| CorridorFaults(vec![error.to_string()]))?;
        let mut faults = Vec::new();
        let corridors = file
            .corridors
            .into_iter()
            .filter_map(|(code, corridor)| Some((code.clone(), corridor.checked(&code, &mut faults)?)))
            .collect();
        if !faults.is_empty() {
            return Err(CorridorFaults(faults));
        }
        Ok(Self {
            corridors,
            base: file.base_currency,
            quote_validity: Duration::minutes(file.quote_validity_minutes.into()),
            pay_within: Duration::hours(file.pay_within_hours.into()),
            rate_maximum_age: Duration::hours(file.rate_maximum_age_hours.into()),
        })
    }

    /// The corridor of that name.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Corridor> {
        self.corridors.get(code)
    }

    /// All corridors, by name.
    pub fn all(&self) -> impl Iterator<Item = &Corridor> {
        self.corridors.values()
    }
}

impl CorridorFile {
    fn checked(self, code: &str, faults: &mut Vec<String>) -> Option<Corridor> {
        let before = faults.len();
        let mut amount = |field: &str, text: &str| {
            Money::parse(text, self.source).unwrap_or_else(|error| {
                faults.push(format!("{code}: {field}: {error}"));
                Money::zero(self.source)
            })
        };
        let fee = FeeTable {
            fixed: amount("fee.fixed", &self.fee.fixed),
            share: BasisPoints::new(self.fee.basis_points),
            minimum: amount("fee.minimum", &self.fee.minimum),
            maximum: amount("fee.maximum", &self.fee.maximum),
        };
        let (minimum, maximum) = (amount("minimum", &self.minimum), amount("maximum", &self.maximum));
        let mut require = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{code}: {what}"));
            }
        };
        require(
            !code.is_empty() && code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
            "a corridor's name has lower-case letters, digits and hyphens",
        );
        require(fee.fixed.minor() >= 0 && fee.minimum.minor() >= 0, "fees are not negative");
        require(fee.minimum.minor() <= fee.maximum.minor(), "fee.minimum is above fee.maximum");
        require(minimum.is_positive() && minimum.minor() <= maximum.minor(), "minimum is above maximum");
        require(fee.share < BasisPoints::WHOLE, "fee.basis_points is below 10000");
        require(self.margin_basis_points < 2_000, "margin_basis_points is below 2000");
        require(self.source != self.target || self.margin_basis_points == 0, "inside one currency the margin is zero");
        require(!self.countries.is_empty(), "countries are missing");
        if faults.len() > before {
            return None;
        }
        Some(Corridor {
            code: CorridorCode(code.to_owned()),
            source: self.source,
            target: self.target,
            countries: self.countries,
            fee,
            margin: BasisPoints::new(self.margin_basis_points),
            minimum,
            maximum,
            delivery: self.delivery,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../config/corridors.toml");

    #[test]
    fn the_shipped_corridors_are_sound() -> Result<(), CorridorFaults> {
        let corridors = Corridors::from_toml(SHIPPED)?;
        let names: Vec<_> = corridors.all().map(|corridor| corridor.code.as_str()).collect();
        assert_eq!(names, ["eur-eur", "eur-mad", "eur-xof", "usd-xof", "xof-xaf", "xof-xof"]);
        Ok(())
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let faulty = SHIPPED.replacen("margin_basis_points = 0", "margin_basis_points = 5", 1).replacen(
            "fixed = \"0.50\"",
            "fixed = \"0.5\"",
            1,
        );
        let faults = Corridors::from_toml(&faulty).expect_err("faulty").0;
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
