use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Money, MoneyError};

/// What happens to the part of an amount that is smaller than the minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
    /// To the nearest; the middle goes to the even neighbour.
    HalfEven,
}

/// A share in hundredths of a percent: 50 is 0.5 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// The whole: 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// So many hundredths of a percent.
    #[must_use]
    pub const fn new(hundredths_of_a_percent: u32) -> Self {
        Self(hundredths_of_a_percent)
    }

    /// Hundredths of a percent.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// This share of `amount`, rounded as told.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the result does not fit into 64 bits.
    pub fn of(self, amount: Money, rounding: Rounding) -> Result<Money, MoneyError> {
        let product = i128::from(amount.minor()) * i128::from(self.0);
        let minor = divide(product, i128::from(Self::WHOLE.0), rounding);
        let minor = i64::try_from(minor).map_err(|_| MoneyError::Overflow)?;
        Ok(Money::from_minor(minor, amount.currency()))
    }
}

/// `dividend / divisor` with explicit rounding; the divisor is positive.
fn divide(dividend: i128, divisor: i128, rounding: Rounding) -> i128 {
    let quotient = dividend / divisor;
    let remainder = (dividend % divisor).abs();
    let away = match rounding {
        Rounding::Down => false,
        Rounding::Up => remainder > 0,
        Rounding::HalfEven => match (remainder * 2).cmp(&divisor) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => quotient % 2 != 0,
        },
    };
    if away { quotient + dividend.signum() } else { quotient }
}

/// Prints a percentage: `0.50 %`.
impl fmt::Display for BasisPoints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:02} %", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    #[test]
    fn rounding_is_what_it_says() -> Result<(), MoneyError> {
        let half_a_percent = BasisPoints::new(50);
        let of = |minor, rounding| half_a_percent.of(Money::from_minor(minor, Currency::XOF), rounding);
        for (minor, down, up, half_even) in
            [(65_596, 327, 328, 328), (100, 0, 1, 0), (300, 1, 2, 2), (-300, -1, -2, -2)]
        {
            assert_eq!(of(minor, Rounding::Down)?.minor(), down);
            assert_eq!(of(minor, Rounding::Up)?.minor(), up);
            assert_eq!(of(minor, Rounding::HalfEven)?.minor(), half_even);
        }
        Ok(())
    }
}
