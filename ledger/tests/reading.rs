//! Reading: balances now and after any entry, statements page by page.

use crate::fixture::{LedgerFixture, Result, account, euro, open, unit};
use diesel_async::SimpleAsyncConnection;
use ledger::{After, AsOf, Currency, Error, Sequence};
use platform::clock::Clock;

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";

#[tokio::test(flavor = "multi_thread")]
async fn every_past_balance_can_be_read_and_what_cannot_be_answered_is_an_error() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let mut expected = Vec::new();
    let mut sum = 0;
    for cents in [100, 250, 40, 7] {
        ledger.post(unit(ledger, AMINA, BANK, euro(cents))).await?;
        sum += cents;
        expected.push(sum);
    }
    for (index, sum) in expected.iter().enumerate() {
        let at = AsOf::Sequence(Sequence::new(i64::try_from(index)? + 1));
        assert_eq!(ledger.balance(&account(AMINA), Currency::EUR, at).await?, euro(*sum));
        let trial = ledger.trial_balance(at).await?;
        assert_eq!(trial.balances.len(), 2);
        assert!(trial.differences().iter().all(|(_, difference)| *difference == 0));
        assert!(trial.balances.iter().all(|balance| balance.on_normal_side() == euro(*sum)));
    }
    assert_eq!(ledger.balance(&account(AMINA), Currency::EUR, AsOf::Sequence(Sequence::new(0))).await?, euro(0));
    let ahead = ledger.balance(&account(AMINA), Currency::EUR, AsOf::Sequence(Sequence::new(5))).await;
    assert!(matches!(ahead, Err(Error::SequenceAhead { head: 4, asked: 5 })));
    let unknown = ledger.balance(&account("liabilities:wallets:nobody"), Currency::EUR, AsOf::Now).await;
    assert!(matches!(unknown, Err(Error::UnknownAccount { .. })));
    assert_eq!(ledger.trial_balance(AsOf::Now).await?.sequence.number(), 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_continues_where_the_last_page_ended() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    for cents in 1..=10 {
        ledger.post(unit(ledger, AMINA, BANK, euro(cents))).await?;
    }
    let mut after = After::BEGINNING;
    let mut balance = ledger::Amount::from(euro(0));
    let mut lines = Vec::new();
    loop {
        let page = ledger.statement(&account(AMINA), Currency::EUR, after, 3).await?;
        assert_eq!(page.opening, balance);
        balance = page.closing;
        let Some(last) = page.lines.last() else { break };
        after = After { sequence: last.sequence, ordinal: last.ordinal };
        lines.extend(page.lines.iter().map(|line| line.amount.minor()));
    }
    assert_eq!(lines, (1..=10).collect::<Vec<_>>());
    assert_eq!(balance, euro(55));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn booking_times_never_run_backwards_even_when_the_clock_does() -> Result {
    let fixture = LedgerFixture::new().await?;
    let first = fixture.ledger.post(unit(&fixture.ledger, AMINA, BANK, euro(1))).await?;
    let slow = Clock::fixed(first.booked_at - chrono::Duration::hours(1));
    let (ledger, _writer) = open(&fixture.database, slow).await?;
    let second = ledger.post(unit(&ledger, AMINA, BANK, euro(1))).await?;
    let third = ledger.post(unit(&ledger, AMINA, BANK, euro(1))).await?;
    assert!(first.booked_at <= second.booked_at && second.booked_at <= third.booked_at);
    assert!(ledger.verify(|_, _| {}).await?.holds());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_that_nobody_waits_for_leaves_no_reader_in_the_past() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, AMINA, BANK, euro(100))).await?;
    // Somebody holds what the verification wants to read, so that it must wait, and its caller gives up.
    let mut owner = fixture.test.owner().await?;
    owner.batch_execute("begin; lock table ledger.entries in access exclusive mode").await?;
    for _ in 0..4 {
        let waited = tokio::time::timeout(std::time::Duration::from_millis(100), ledger.verify(|_, _| {})).await;
        assert!(waited.is_err(), "it has to wait for the lock");
    }
    owner.batch_execute("rollback").await?;
    ledger.post(unit(ledger, AMINA, BANK, euro(50))).await?;
    for _ in 0..12 {
        assert_eq!(ledger.trial_balance(AsOf::Now).await?.sequence.number(), 2);
    }
    Ok(())
}
