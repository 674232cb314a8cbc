//! Amounts: a whole number of smallest parts, bound to what they are of.
//!
//! [`Money`] is of a currency, [`Amount`] of any [`Commodity`]: a currency or a [`Unit`] of a project. Arithmetic is
//! checked and refuses to mix commodities; text is read and printed with exactly the decimals of the commodity, so no
//! amount is ever rounded on its way in or out.

mod amount;
mod basis_points;
mod commodity;
mod currency;
mod decimal;

pub use amount::Amount;
pub use basis_points::{BasisPoints, Rounding};
pub use commodity::{Commodity, UnknownCommodity};
pub use currency::{Currency, UnknownCurrency};

use std::fmt;

/// The largest amount, in minor units, that is accepted from outside: 10^15.
///
/// Far above any real remittance and far below `i64::MAX`, so that sums of thousands of such amounts cannot overflow.
pub const MAX_MINOR_UNITS: i64 = 1_000_000_000_000_000;

/// An amount in a currency. May be negative: a balance can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount could not be read or computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// The text is no plain decimal number.
    #[error("{text:?} is not a decimal number such as {example}")]
    NotANumber {
        /// The text as given, cut to 40 characters.
        text: String,
        /// An amount of that commodity, written as it should be.
        example: String,
    },
    /// The number of decimals is not that of the commodity.
    #[error("{commodity} is written with {expected} decimals, not {given}")]
    WrongDecimals {
        /// The commodity.
        commodity: Commodity,
        /// Decimals that the commodity has.
        expected: u32,
        /// Decimals in the text.
        given: usize,
    },
    /// The amount is beyond [`MAX_MINOR_UNITS`].
    #[error("the amount is larger than can be accepted")]
    TooLarge,
    /// Two commodities met where only one may be.
    #[error("{left} cannot be combined with {right}")]
    Mixed {
        /// Commodity of the first amount.
        left: Commodity,
        /// Commodity of the second amount.
        right: Commodity,
    },
    /// An amount of units stands where money is needed.
    #[error("{0} is no currency, and money is needed here")]
    NotMoney(Commodity),
    /// The result does not fit into 64 bits.
    #[error("the result is too large")]
    Overflow,
}

impl Money {
    /// An amount of `minor` units: cents for EUR, whole francs for XOF.
    #[must_use]
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
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

    /// Reads a decimal with exactly the currency's decimals: `"101.50"` for EUR, `"65596"` for XOF.
    ///
    /// # Errors
    /// [`MoneyError::NotANumber`], [`MoneyError::WrongDecimals`] or [`MoneyError::TooLarge`]; never rounds.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        Ok(Self { minor: decimal::parse(text, currency.into())?, currency })
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] or [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The difference of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] or [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
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

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::Mixed { left: self.currency.into(), right: other.currency.into() })
        }
    }
}

/// Prints the decimal without the currency: `101.50`.
impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(formatter, self.minor, self.currency.decimals())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_currency() -> impl Strategy<Value = Currency> {
        let all: Vec<Currency> = Currency::all().collect();
        proptest::sample::select(all)
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(minor in -MAX_MINOR_UNITS..=MAX_MINOR_UNITS, currency in any_currency()) {
            let money = Money::from_minor(minor, currency);
            prop_assert_eq!(Money::parse(&money.to_string(), currency), Ok(money));
        }

        #[test]
        fn a_decimal_too_many_or_too_few_is_refused(minor in 1..=MAX_MINOR_UNITS, currency in any_currency()) {
            let text = Money::from_minor(minor, currency).to_string();
            let longer = if currency.decimals() == 0 { format!("{text}.0") } else { format!("{text}0") };
            let refused = matches!(Money::parse(&longer, currency), Err(MoneyError::WrongDecimals { .. }));
            prop_assert!(refused);
            if currency.decimals() > 1 {
                let shorter = &text[..text.len() - 1];
                let refused = matches!(Money::parse(shorter, currency), Err(MoneyError::WrongDecimals { .. }));
                prop_assert!(refused);
            }
        }

        #[test]
        fn nothing_but_a_plain_decimal_is_read(text in "\\PC{0,24}", currency in any_currency()) {
            if let Ok(money) = Money::parse(&text, currency) {
                let canonical = money.to_string();
                let unsigned = text.trim_start_matches('-').trim_start_matches('0');
                prop_assert!(canonical.trim_start_matches('-').ends_with(unsigned));
            }
        }
    }

    #[test]
    fn decimals_are_those_of_iso_4217() -> Result<(), Box<dyn std::error::Error>> {
        for (code, text, minor) in [("XOF", "65596", 65_596), ("EUR", "101.50", 10_150), ("TND", "1.234", 1_234)] {
            let currency = Currency::try_new(code)?;
            let money = Money::parse(text, currency)?;
            assert_eq!(money.minor(), minor);
            assert_eq!(money.to_string(), text);
        }
        for code in ["CLF", "UYW", "XAU", "XXX", "eur", "ZZZ", ""] {
            assert!(Currency::try_new(code).is_err(), "{code} has no decimals that money is kept in");
        }
        Ok(())
    }

    #[test]
    fn currencies_do_not_mix() -> Result<(), UnknownCurrency> {
        let euro = Money::from_minor(1, Currency::try_new("EUR")?);
        let franc = Money::from_minor(1, Currency::try_new("XOF")?);
        assert!(matches!(euro.checked_add(franc), Err(MoneyError::Mixed { .. })));
        assert!(matches!(euro.checked_sub(franc), Err(MoneyError::Mixed { .. })));
        Ok(())
    }

    #[test]
    fn amounts_beyond_the_bound_are_refused() -> Result<(), UnknownCurrency> {
        let euro = Currency::try_new("EUR")?;
        for text in ["10000000000000.01", "99999999999999999999999.00"] {
            assert_eq!(Money::parse(text, euro), Err(MoneyError::TooLarge));
        }
        Ok(())
    }
}
