//! How what was raised is divided over the milestones.

use ledger::{BasisPoints, Money};

use crate::Error;

/// Divides what was raised by the shares, exactly: every part is rounded down, and the units that are left go one by
/// one to the largest remainders, the earlier milestone first where they are equal.
///
/// # Errors
/// [`Error::Shares`] when the shares are not the whole.
pub fn tranches(raised: Money, shares: &[BasisPoints]) -> Result<Vec<Money>, Error> {
    let whole = i128::from(BasisPoints::WHOLE.value());
    let given: u64 = shares.iter().map(|share| u64::from(share.value())).sum();
    if i128::from(given) != whole {
        return Err(Error::Shares { given });
    }
    let products: Vec<i128> =
        shares.iter().map(|share| i128::from(raised.minor()) * i128::from(share.value())).collect();
    let mut parts: Vec<i128> = products.iter().map(|product| product.div_euclid(whole)).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(products[index].rem_euclid(whole)));
    let left = i128::from(raised.minor()) - parts.iter().sum::<i128>();
    for &index in order.iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[index] += 1;
    }
    let money = |part: i128| {
        let minor = i64::try_from(part).map_err(|_| ledger::MoneyError::Overflow)?;
        Ok(Money::from_minor(minor, raised.currency()))
    };
    parts.into_iter().map(money).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Currency, MAX_MINOR_UNITS};
    use proptest::prelude::*;

    /// Shares that sum to the whole, cut at random places.
    fn any_shares() -> impl Strategy<Value = Vec<u32>> {
        proptest::collection::btree_set(1..10_000_u32, 0..20).prop_map(|cuts| {
            let mut edges = vec![0];
            edges.extend(cuts);
            edges.push(10_000);
            edges.windows(2).map(|edge| edge[1] - edge[0]).collect()
        })
    }

    proptest! {
        #[test]
        fn the_tranches_sum_to_what_was_raised_and_each_is_its_share(
            raised in 0..=MAX_MINOR_UNITS,
            shares in any_shares(),
        ) {
            let shares: Vec<BasisPoints> = shares.into_iter().map(BasisPoints::new).collect();
            let parts = tranches(Money::from_minor(raised, Currency::XOF), &shares).expect("shares of the whole");
            prop_assert_eq!(parts.len(), shares.len());
            prop_assert_eq!(parts.iter().map(|part| part.minor()).sum::<i64>(), raised);
            for (part, share) in parts.iter().zip(&shares) {
                let exact = i128::from(raised) * i128::from(share.value());
                let distance = (i128::from(part.minor()) * 10_000 - exact).abs();
                prop_assert!(distance < 10_000, "{} of {} is not {}", share.value(), raised, part.minor());
            }
        }

        #[test]
        fn shares_that_are_not_the_whole_are_refused(shares in proptest::collection::vec(any::<u32>(), 0..20)) {
            let sum: u64 = shares.iter().map(|share| u64::from(*share)).sum();
            prop_assume!(sum != 10_000);
            let shares: Vec<BasisPoints> = shares.into_iter().map(BasisPoints::new).collect();
            let refused = tranches(Money::from_minor(1, Currency::EUR), &shares);
            let told = matches!(refused, Err(Error::Shares { given }) if given == sum);
            prop_assert!(told);
        }
    }

    #[test]
    fn the_odd_unit_goes_to_the_largest_remainder_and_to_the_earlier_on_a_tie() -> Result<(), Error> {
        let of = |raised, shares: [u32; 3]| -> Result<Vec<i64>, Error> {
            let parts = tranches(Money::from_minor(raised, Currency::XOF), &shares.map(BasisPoints::new))?;
            Ok(parts.iter().map(|part| part.minor()).collect())
        };
        assert_eq!(of(101, [2_500, 2_500, 5_000])?, [25, 25, 51]);
        assert_eq!(of(102, [2_500, 2_500, 5_000])?, [26, 25, 51]);
        Ok(())
    }
}
