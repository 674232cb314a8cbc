use std::fmt;

use super::{Commodity, Currency, Money, MoneyError, decimal};

/// An amount of a commodity: money, or units of a project. May be negative: a balance can be.
///
/// ```
/// # use ledger::{Amount, Currency, Money, MoneyError};
/// let paid = Money::parse("101.50", Currency::EUR)?;
/// let amount = Amount::from(paid);
/// assert_eq!(Money::try_from(amount)?, paid);
/// # Ok::<(), MoneyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    minor: i64,
    commodity: Commodity,
}

impl Amount {
    /// An amount of `minor` smallest parts: cents for EUR, whole units for a unit without decimals.
    #[must_use]
    pub fn from_minor(minor: i64, commodity: impl Into<Commodity>) -> Self {
        Self { minor, commodity: commodity.into() }
    }

    /// Nothing, in `commodity`.
    #[must_use]
    pub fn zero(commodity: impl Into<Commodity>) -> Self {
        Self::from_minor(0, commodity)
    }

    /// The amount in smallest parts.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// What it is of.
    #[must_use]
    pub const fn commodity(self) -> Commodity {
        self.commodity
    }

    /// Whether the amount is above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// Whether the amount is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Reads a decimal with exactly the commodity's decimals: `"101.50"` for EUR, `"12"` for whole units.
    ///
    /// # Errors
    /// [`MoneyError::NotANumber`], [`MoneyError::WrongDecimals`] or [`MoneyError::TooLarge`]; never rounds.
    pub fn parse(text: &str, commodity: impl Into<Commodity>) -> Result<Self, MoneyError> {
        let commodity = commodity.into();
        Ok(Self { minor: decimal::parse(text, commodity)?, commodity })
    }

    /// The sum of two amounts of one commodity.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] or [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_commodity(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The difference of two amounts of one commodity.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] or [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_commodity(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The amount with its sign turned.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for the one 64-bit number that has no opposite.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_neg().ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    fn same_commodity(self, other: Self) -> Result<(), MoneyError> {
        if self.commodity == other.commodity {
            Ok(())
        } else {
            Err(MoneyError::Mixed { left: self.commodity, right: other.commodity })
        }
    }
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { minor: money.minor(), commodity: money.currency().into() }
    }
}

impl TryFrom<Amount> for Money {
    type Error = MoneyError;

    fn try_from(amount: Amount) -> Result<Self, MoneyError> {
        Ok(Self::from_minor(amount.minor, Currency::try_from(amount.commodity)?))
    }
}

impl PartialEq<Money> for Amount {
    fn eq(&self, other: &Money) -> bool {
        *self == Self::from(*other)
    }
}

impl PartialEq<Amount> for Money {
    fn eq(&self, other: &Amount) -> bool {
        Amount::from(*self) == *other
    }
}

/// Prints the decimal without what it is of: `101.50`.
impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(formatter, self.minor, self.commodity.decimals())
    }
}
