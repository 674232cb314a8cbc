use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

use super::{Currency, MoneyError};
use crate::units::Unit;

/// What an amount is of: a currency, or the units of a project.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Commodity {
    /// A currency of ISO 4217.
    Currency(Currency),
    /// The units of a project.
    Unit(Unit),
}

/// The text names neither a currency nor a registered unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?} is neither an ISO 4217 currency such as EUR nor a registered unit such as unit:solar-1")]
pub struct UnknownCommodity {
    /// The text as given, cut to 40 characters.
    pub code: String,
}

impl Commodity {
    /// The alphabetic code of the currency, or the code of the unit.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Currency(currency) => currency.code(),
            Self::Unit(unit) => unit.code(),
        }
    }

    /// The number by which the ledger's tables know it.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Currency(currency) => currency.number(),
            Self::Unit(unit) => unit.number(),
        }
    }

    /// Decimals of its smallest part.
    #[must_use]
    pub fn decimals(self) -> u32 {
        match self {
            Self::Currency(currency) => currency.decimals(),
            Self::Unit(unit) => unit.decimals(),
        }
    }

    /// The unit, where it is one.
    #[must_use]
    pub const fn unit(self) -> Option<Unit> {
        match self {
            Self::Currency(_) => None,
            Self::Unit(unit) => Some(unit),
        }
    }
}

impl From<Currency> for Commodity {
    fn from(currency: Currency) -> Self {
        Self::Currency(currency)
    }
}

impl From<Unit> for Commodity {
    fn from(unit: Unit) -> Self {
        Self::Unit(unit)
    }
}

impl TryFrom<Commodity> for Currency {
    type Error = MoneyError;

    fn try_from(commodity: Commodity) -> Result<Self, MoneyError> {
        match commodity {
            Commodity::Currency(currency) => Ok(currency),
            Commodity::Unit(_) => Err(MoneyError::NotMoney(commodity)),
        }
    }
}

impl PartialEq<Currency> for Commodity {
    fn eq(&self, other: &Currency) -> bool {
        *self == Self::Currency(*other)
    }
}

impl Hash for Commodity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number().hash(state);
    }
}

impl fmt::Display for Commodity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Commodity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl PartialOrd for Commodity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Commodity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl Serialize for Commodity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
