//! Samples that neither side picks.

use ledger::{Currency, Draw, Extent, SampleError, Subjects};
use sha2::{Digest, Sha256};

use super::parts::three_days;
use crate::fixture::Result;

const SEED: [u8; 32] = [7; 32];

fn hash(purpose: &str, number: u64) -> [u8; 32] {
    let text = [purpose.as_bytes(), &SEED, &number.to_be_bytes()].concat();
    Sha256::digest(text).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_seed_draws_the_same_entries() -> Result {
    let fixture = three_days().await?;
    let export = fixture.ledger.export(Extent::WHOLE, Subjects::AsTheyAre).await?;
    let drawn: Vec<i64> = export.sample(SEED, 4, Draw::Even).await?.iter().map(|sampled| sampled.sequence).collect();
    let mut by_hand: Vec<i64> = (1..=9).collect();
    by_hand.sort_by_key(|sequence| hash("teranga sample 1 even", sequence.unsigned_abs()));
    by_hand.truncate(4);
    by_hand.sort_unstable();
    assert_eq!(drawn, by_hand);
    assert_eq!(export.sample(SEED, 100, Draw::Even).await?.len(), 9);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_by_amount_takes_the_entry_in_which_the_number_lies() -> Result {
    let fixture = three_days().await?;
    let export = fixture.ledger.export(Extent::WHOLE, Subjects::AsTheyAre).await?;
    let debits = [150_u128, 40, 7, 150, 40, 7, 150, 40, 7];
    let mut by_hand: Vec<(usize, u64)> = (1..=6)
        .map(|draw| {
            let mut number = [0; 16];
            number.copy_from_slice(&hash("teranga sample 1 by amount", draw)[..16]);
            let mut rest = u128::from_be_bytes(number) % debits.iter().sum::<u128>();
            let mut place = 0;
            while rest >= debits[place] {
                rest -= debits[place];
                place += 1;
            }
            (place + 1, draw)
        })
        .collect();
    by_hand.sort_unstable();
    let drawn = export.sample(SEED, 6, Draw::ByAmount(Currency::EUR)).await?;
    let drawn: Vec<(usize, u64)> =
        drawn.iter().map(|sampled| Ok((usize::try_from(sampled.sequence)?, sampled.draw))).collect::<Result<_>>()?;
    assert_eq!(drawn, by_hand);
    let none = export.sample(SEED, 6, Draw::ByAmount(Currency::XOF)).await;
    assert!(matches!(none, Err(SampleError::NothingToWeigh(_))));
    assert!(matches!(export.sample(SEED, 0, Draw::Even).await, Err(SampleError::Size(0))));
    Ok(())
}
