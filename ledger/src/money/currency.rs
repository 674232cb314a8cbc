use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A currency of ISO 4217 that money is kept in: those with 0, 2 or 3 decimals.
///
/// Funds codes, metals and units of account with other decimals (CLF, UYW, XAU) are refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// The text names no currency that money is kept in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?} is not an ISO 4217 currency with 0, 2 or 3 decimals, such as EUR or XOF")]
pub struct UnknownCurrency {
    /// The text as given, cut to 12 characters.
    pub code: String,
}

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);
    /// The franc of the West African monetary union.
    pub const XOF: Self = Self(iso_currency::Currency::XOF);

    /// The currency of that upper-case alphabetic code.
    ///
    /// # Errors
    /// [`UnknownCurrency`] when there is none, or none that money is kept in.
    pub fn try_new(code: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.code() == code)
            .and_then(Self::kept)
            .ok_or_else(|| UnknownCurrency { code: code.chars().take(12).collect() })
    }

    /// The currency of that ISO 4217 number.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        u16::try_from(number).ok().and_then(iso_currency::Currency::from_numeric).and_then(Self::kept)
    }

    /// Every currency that money is kept in.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..1_000).filter_map(Self::from_number)
    }

    fn kept(currency: iso_currency::Currency) -> Option<Self> {
        matches!(currency.exponent(), Some(0 | 2 | 3)).then_some(Self(currency))
    }

    /// The alphabetic code, such as `EUR`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The ISO 4217 number, by which the ledger's tables know it.
    #[must_use]
    pub fn number(self) -> i32 {
        i32::from(self.0.numeric())
    }

    /// Decimals of the minor unit: 0, 2 or 3.
    #[must_use]
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::try_new(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::try_new(&code).map_err(serde::de::Error::custom)
    }
}
