//! How fast a load is beside the writer that it feeds.

use ledger::LoadFormat;

use super::{BANK, Source, json, wallet};
use crate::fixture::{LedgerFixture, Result, euro, unit};

/// Run it by `cargo test --release -p ledger --test room the_rate -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and says something only in a release build on a quiet machine"]
#[allow(clippy::print_stdout, reason = "the figures are what it is for")]
async fn the_rate_is_at_least_half_of_the_batch_writers() -> Result {
    const ENTRIES: usize = 200_000;
    const ACCOUNTS: usize = 10_000;
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let (mut posted, mut loaded) = (Vec::new(), Vec::new());
    for round in 0..5 {
        let started = std::time::Instant::now();
        let mut flights = std::collections::VecDeque::new();
        for chunk in 0..ENTRIES / 1_000 {
            let units = (0..1_000).map(|n| unit(ledger, &wallet((chunk * 1_000 + n) % ACCOUNTS), BANK, euro(100)));
            let units = units.collect();
            let ledger = ledger.clone();
            flights.push_back(tokio::spawn(async move { ledger.post_all(units).await }));
            if flights.len() == 6 {
                flights.pop_front().ok_or("a flight")?.await??;
            }
        }
        for flight in flights {
            flight.await??;
        }
        posted.push(started.elapsed());
        let text: String =
            (0..ENTRIES).map(|n| json(&format!("r{round}-{n}"), BANK, &wallet(n % ACCOUNTS), "1.00")).collect();
        let source = Source::new(&format!("round {round}"), LoadFormat::JsonLines, text.as_bytes())?;
        let started = std::time::Instant::now();
        let (report, _) = source.load(ledger).await?;
        loaded.push(started.elapsed());
        assert_eq!(report.booked, ENTRIES as u64);
    }
    posted.sort();
    loaded.sort();
    let rate = |took: std::time::Duration| ENTRIES as u128 * 1_000 / took.as_millis();
    let (posting, loading) = (rate(posted[2]), rate(loaded[2]));
    println!("posting {posting}/s, loading {loading}/s, {} %", loading * 100 / posting);
    assert!(loading * 2 >= posting);
    Ok(())
}
