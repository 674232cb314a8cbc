//! Pricing: what the sender pays, what the family gets, and what it costs in all.
//!
//! Every rounding is against us: fees are rounded down, what the family gets is rounded up, and when the family's
//! amount is the fixed side, what is sent for it is rounded down.

use ledger::{BasisPoints, Currency, Money, Rounding};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::allocation::{Instruction, Portion, Split, split};
use crate::rate::{MidRate, Rate};
use crate::{Corridor, Error};

/// The side that is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// The sender sends so much, without the fee.
    Sends(Money),
    /// The family gets so much.
    Receives(Money),
}

/// What a remittance costs and brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// What is sent, without the fee.
    pub sent: Money,
    /// The fee.
    pub fee: Money,
    /// How `sent` is split.
    pub split: Split,
    /// The mid rate.
    pub mid_rate: Rate,
    /// The rate given.
    pub rate: Rate,
    /// The family's part at the mid rate.
    pub at_mid: Money,
    /// What the family gets.
    pub received: Money,
    /// Fee and margin as a share of what is sent.
    pub cost: BasisPoints,
}

/// Prices a remittance.
///
/// # Errors
/// [`Error::WrongCurrency`], [`Error::AmountOutOfBounds`], [`Error::Allocation`] or [`Error::FamilyBelowMinimum`].
pub fn price(
    corridor: &Corridor,
    mid: MidRate,
    amount: Amount,
    instructions: &[Instruction],
    family_minimum: Money,
) -> Result<Price, Error> {
    let rate = mid.rate.below_by(corridor.margin).map_err(|_| Error::AmountTooLarge)?;
    let (sent, received) = match amount {
        Amount::Sends(sent) => {
            expect(sent, corridor.source)?;
            (sent, None)
        }
        Amount::Receives(received) => {
            expect(received, corridor.target)?;
            let family = rate.convert_back(received, corridor.source, RoundingStrategy::ToZero)?;
            let mut sent = family;
            for instruction in instructions {
                match instruction.portion {
                    Portion::Fixed(part) => sent = sent.checked_add(part)?,
                    Portion::Share(_) => {
                        return Err(Error::Allocation("when the family's amount is fixed, allocations are amounts"));
                    }
                }
            }
            (sent, Some(received))
        }
    };
    if sent.minor() < corridor.minimum.minor() || sent.minor() > corridor.maximum.minor() {
        return Err(Error::AmountOutOfBounds { minimum: corridor.minimum, maximum: corridor.maximum });
    }
    let split = split(sent, instructions, family_minimum)?;
    let (at_mid, converted) = convert_family(corridor, mid.rate, rate, split.family)?;
    Ok(Price {
        sent,
        fee: fee(corridor, sent)?,
        split,
        mid_rate: mid.rate,
        rate,
        at_mid,
        received: received.unwrap_or(converted),
        cost: cost(corridor, mid.rate, rate, sent)?,
    })
}

/// The family's part at the mid rate and at the rate given.
pub(crate) fn convert_family(
    corridor: &Corridor,
    mid: Rate,
    rate: Rate,
    family: Money,
) -> Result<(Money, Money), Error> {
    let up = RoundingStrategy::AwayFromZero;
    Ok((mid.convert(family, corridor.target, up)?, rate.convert(family, corridor.target, up)?))
}

fn expect(amount: Money, expected: Currency) -> Result<(), Error> {
    if amount.currency() == expected {
        Ok(())
    } else {
        Err(Error::WrongCurrency { given: amount.currency(), expected })
    }
}

/// The fee for sending an amount.
pub(crate) fn fee(corridor: &Corridor, sent: Money) -> Result<Money, Error> {
    let table = corridor.fee;
    let fee = table.fixed.checked_add(table.share.of(sent, Rounding::Down)?)?;
    let minor = fee.minor().clamp(table.minimum.minor(), table.maximum.minor());
    Ok(Money::from_minor(minor, corridor.source))
}

/// The total cost by the method of the World Bank's Remittance Prices Worldwide:
/// `100 × (fee + amount × (mid − rate) / mid) / amount`, in hundredths of a percent.
pub(crate) fn cost(corridor: &Corridor, mid: Rate, rate: Rate, sent: Money) -> Result<BasisPoints, Error> {
    let decimal = |text: Rate| text.to_string().parse::<Decimal>().map_err(|_| Error::AmountTooLarge);
    let (mid, rate) = (decimal(mid)?, decimal(rate)?);
    let fee = Decimal::from(fee(corridor, sent)?.minor());
    let amount = Decimal::from(sent.minor());
    let margin = (mid - rate).checked_div(mid).and_then(|share| share.checked_mul(amount));
    let cost = margin
        .and_then(|margin| (fee + margin).checked_mul(Decimal::from(10_000)))
        .and_then(|cost| cost.checked_div(amount))
        .ok_or(Error::AmountTooLarge)?;
    let points = cost.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven).to_u32();
    Ok(BasisPoints::new(points.ok_or(Error::AmountTooLarge)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Corridors;
    use proptest::prelude::*;

    fn corridor(code: &str) -> Corridor {
        let corridors = Corridors::from_toml(include_str!("../../config/corridors.toml")).expect("sound");
        corridors.get(code).expect("a corridor").clone()
    }

    fn mid(rate: &str) -> MidRate {
        MidRate { rate: rate.parse().expect("a rate"), set_at: chrono::DateTime::UNIX_EPOCH }
    }

    fn zero(corridor: &Corridor) -> Money {
        Money::zero(corridor.source)
    }

    #[test]
    fn the_textbook_remittance_comes_out_to_the_unit() -> Result<(), Error> {
        let corridor = corridor("eur-xof");
        let hundred = Money::from_minor(10_000, Currency::EUR);
        let price = price(&corridor, mid("655.957"), Amount::Sends(hundred), &[], zero(&corridor))?;
        assert_eq!(price.fee.to_string(), "1.50");
        assert_eq!(price.at_mid.minor(), 65_596);
        assert_eq!(price.received.minor(), 65_268);
        assert_eq!(price.at_mid.minor() - price.received.minor(), 328);
        assert_eq!(price.cost.value(), 200, "1.50 % fee and 0.50 % margin");
        Ok(())
    }

    #[test]
    fn inside_one_currency_the_family_gets_what_is_sent() -> Result<(), Error> {
        let corridor = corridor("xof-xof");
        let sent = Money::from_minor(50_000, Currency::XOF);
        let price = price(&corridor, mid("1"), Amount::Sends(sent), &[], zero(&corridor))?;
        assert_eq!((price.received, price.at_mid), (sent, sent));
        assert_eq!(price.fee.minor(), 500);
        Ok(())
    }

    proptest! {
        #[test]
        fn both_sides_agree_within_the_smallest_unit_and_never_favour_us(
            which in 0..4_usize,
            cents in 500..800_000_i64,
            thousandths in 1..2_000_000_i64,
        ) {
            let corridor = corridor(["eur-xof", "eur-mad", "usd-xof", "eur-eur"][which]);
            let rate_text = if which == 3 { "1".to_owned() } else { Decimal::new(thousandths, 3).to_string() };
            let mid = mid(&rate_text);
            let sent = Money::from_minor(cents, corridor.source);
            let Ok(forward) = price(&corridor, mid, Amount::Sends(sent), &[], zero(&corridor)) else {
                return Ok(());
            };
            // The family gets at least what the stated rate gives, to the exact fraction.
            let exact = forward.rate.to_string().parse::<Decimal>().expect("a decimal")
                * Decimal::new(cents, corridor.source.decimals());
            let received = Decimal::new(forward.received.minor(), corridor.target.decimals());
            prop_assert!(received >= exact);
            prop_assert!(received - exact < Decimal::new(1, corridor.target.decimals()));
            // And from the other side.
            if let Ok(back) = price(&corridor, mid, Amount::Receives(forward.received), &[], zero(&corridor)) {
                prop_assert_eq!(back.received, forward.received);
                let stated = back.received;
                let worth = back.rate.convert_back(stated, corridor.source, RoundingStrategy::ToZero).expect("in range");
                prop_assert_eq!(back.sent, worth, "never more than the stated rate asks for");
                let smallest_unit = back.rate
                    .convert_back(Money::from_minor(1, corridor.target), corridor.source, RoundingStrategy::AwayFromZero)
                    .expect("in range");
                prop_assert!((back.sent.minor() - sent.minor()).abs() <= smallest_unit.minor());
            }
        }
    }
}
