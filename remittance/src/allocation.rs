//! Allocation: how an amount is split between the family and what else the sender cares for.
//!
//! Fixed amounts come first; shares are of what remains after them. Every part is rounded down and the units that are
//! left go one by one to the largest remainders, so the parts sum to the whole exactly. What cannot be placed is the
//! family's.

use ledger::{BasisPoints, Money};
use uuid::Uuid;

use crate::Error;

/// Parts beside the family's that one remittance may have.
pub const MAX_ALLOCATIONS: usize = 8;

/// What a part is for. Schools, health cover, savings and schemes will join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A co-investment project.
    Project(Uuid),
}

/// How large a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    /// So much.
    Fixed(Money),
    /// A share of what remains after the fixed amounts.
    Share(BasisPoints),
}

/// What the sender asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// For what.
    pub target: Target,
    /// How much.
    pub portion: Portion,
}

/// The amount, split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The parts, in the order of the instructions; parts of zero are left out.
    pub placed: Vec<(Target, Money)>,
    /// The family's part.
    pub family: Money,
}

/// Splits `total`; the family gets at least `family_minimum`, and never nothing.
///
/// # Errors
/// [`Error::Allocation`] for faulty instructions, [`Error::FamilyBelowMinimum`] when too little is left.
pub fn split(total: Money, instructions: &[Instruction], family_minimum: Money) -> Result<Split, Error> {
    check(total, instructions)?;
    let mut rest = total;
    for instruction in instructions {
        if let Portion::Fixed(amount) = instruction.portion {
            rest = rest.checked_sub(amount)?;
        }
    }
    let minimum = if family_minimum.is_positive() { family_minimum } else { Money::from_minor(1, total.currency()) };
    if rest.minor() < minimum.minor() {
        return Err(Error::FamilyBelowMinimum { left: rest, minimum });
    }
    let shares: Vec<u32> = instructions
        .iter()
        .map(|instruction| match instruction.portion {
            Portion::Share(share) => share.value(),
            Portion::Fixed(_) => 0,
        })
        .collect();
    let (parts, family) = largest_remainder(rest.minor(), &shares);
    let family = Money::from_minor(family, total.currency());
    if family.minor() < minimum.minor() {
        return Err(Error::FamilyBelowMinimum { left: family, minimum });
    }
    let placed = instructions
        .iter()
        .zip(parts)
        .map(|(instruction, part)| match instruction.portion {
            Portion::Fixed(amount) => (instruction.target, amount),
            Portion::Share(_) => (instruction.target, Money::from_minor(part, total.currency())),
        })
        .filter(|(_, amount)| amount.is_positive())
        .collect();
    Ok(Split { placed, family })
}

fn check(total: Money, instructions: &[Instruction]) -> Result<(), Error> {
    if instructions.len() > MAX_ALLOCATIONS {
        return Err(Error::Allocation("a remittance has at most 8 allocations"));
    }
    let mut whole = 0_u32;
    for (index, instruction) in instructions.iter().enumerate() {
        if instructions[..index].iter().any(|other| other.target == instruction.target) {
            return Err(Error::Allocation("a project is named twice"));
        }
        match instruction.portion {
            Portion::Fixed(amount) if amount.currency() != total.currency() => {
                return Err(Error::WrongCurrency { given: amount.currency(), expected: total.currency() });
            }
            Portion::Fixed(amount) if !amount.is_positive() => {
                return Err(Error::Allocation("an allocation is above zero"));
            }
            Portion::Share(share) if share.value() == 0 => {
                return Err(Error::Allocation("an allocation is above zero"));
            }
            Portion::Share(share) => whole = whole.saturating_add(share.value()),
            Portion::Fixed(_) => {}
        }
    }
    if whole > BasisPoints::WHOLE.value() {
        return Err(Error::Allocation("the shares come to more than 100 %"));
    }
    Ok(())
}

/// Splits minor units by shares in basis points; what the shares leave of the whole is the last answer's.
fn largest_remainder(total: i64, shares: &[u32]) -> (Vec<i64>, i64) {
    let whole = i128::from(BasisPoints::WHOLE.value());
    let family_share = whole - shares.iter().map(|share| i128::from(*share)).sum::<i128>();
    // The family stands first, so that it wins a tie.
    let weights: Vec<i128> =
        std::iter::once(family_share).chain(shares.iter().map(|share| i128::from(*share))).collect();
    let mut parts: Vec<i128> = weights.iter().map(|weight| i128::from(total) * weight / whole).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(i128::from(total) * weights[index] % whole));
    let left = i128::from(total) - parts.iter().sum::<i128>();
    for &index in order.iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[index] += 1;
    }
    let mut parts = parts.into_iter().map(|part| i64::try_from(part).unwrap_or(0));
    let family = parts.next().unwrap_or(0);
    (parts.collect(), family)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Currency;
    use proptest::prelude::*;

    fn euro(cents: i64) -> Money {
        Money::from_minor(cents, Currency::EUR)
    }

    proptest! {
        #[test]
        fn the_parts_always_sum_to_the_whole(
            total in 1..1_000_000_000_i64,
            portions in proptest::collection::vec((any::<bool>(), 1..4_000_u32), 0..6),
            minimum in 0..10_000_i64,
        ) {
            let instructions: Vec<Instruction> = portions
                .iter()
                .map(|&(fixed, size)| Instruction {
                    target: Target::Project(Uuid::now_v7()),
                    portion: if fixed {
                        Portion::Fixed(euro(i64::from(size)))
                    } else {
                        Portion::Share(BasisPoints::new(size))
                    },
                })
                .collect();
            match split(euro(total), &instructions, euro(minimum)) {
                Ok(split) => {
                    let placed: i64 = split.placed.iter().map(|(_, amount)| amount.minor()).sum();
                    prop_assert_eq!(placed + split.family.minor(), total);
                    prop_assert!(split.family.minor() >= minimum.max(1));
                    prop_assert!(split.placed.iter().all(|(_, amount)| amount.is_positive()));
                }
                Err(Error::FamilyBelowMinimum { left, minimum }) => prop_assert!(left.minor() < minimum.minor()),
                Err(Error::Allocation(_)) => {
                    let shares: u32 = portions.iter().filter(|(fixed, _)| !fixed).map(|(_, size)| size).sum();
                    prop_assert!(shares > 10_000);
                }
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            }
        }
    }

    #[test]
    fn the_odd_cent_goes_to_the_largest_remainder_and_to_the_family_on_a_tie() -> Result<(), Error> {
        let target = || Target::Project(Uuid::now_v7());
        let share = |points| Instruction { target: target(), portion: Portion::Share(BasisPoints::new(points)) };
        let halves = split(euro(101), &[share(5_000)], euro(0))?;
        assert_eq!((halves.placed[0].1, halves.family), (euro(50), euro(51)));
        let after_fixed = Instruction { target: target(), portion: Portion::Fixed(euro(1)) };
        let three = split(euro(101), &[after_fixed, share(3_333)], euro(0))?;
        assert_eq!((three.placed[1].1, three.family), (euro(33), euro(67)));
        Ok(())
    }
}
