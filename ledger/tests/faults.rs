//! Faults one by one, each where it hurts most.

mod company;
mod disk;

use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use ledger::{AccountCode, Currency, Entry, Ledger, Outcome, PostError, Refusal, UnitOfWork};
use platform::clock::Clock;

use crate::fixture::{LedgerFixture, Result, account, euro, open, unit};
use crate::held::{Held, KIND, START, key, settings, time, unit_of};
use crate::model::Operation;

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";
const BABACAR: &str = "liabilities:wallets:babacar";

/// Longer than the ten seconds for which the writer waits for a lock.
const LONG: Duration = Duration::from_secs(12);

/// The book's lock, in other hands.
async fn lock_book(fixture: &LedgerFixture) -> Result<AsyncPgConnection> {
    let mut owner = fixture.test.owner().await?;
    owner.batch_execute("begin; select from ledger.books for update").await?;
    Ok(owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_that_is_locked_for_longer_than_the_writer_waits_takes_everything_once_afterwards() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, AMINA, BANK, euro(1))).await?;
    let mut other = lock_book(&fixture).await?;
    // One that is decided ahead, and one that needs the lock at once.
    let units = [unit(ledger, AMINA, BANK, euro(1)), unit(ledger, BABACAR, BANK, euro(1))];
    let waiting = units.clone().map(|unit| {
        tokio::spawn({
            let ledger = ledger.clone();
            async move { ledger.post(unit).await }
        })
    });
    tokio::time::sleep(LONG).await;
    other.batch_execute("commit").await?;
    for answer in waiting {
        answer.await??;
    }
    for unit in units {
        assert_eq!(ledger.post(unit).await?.outcome, Outcome::AlreadyBooked);
    }
    assert_eq!(ledger.head().await?.number(), 3);
    assert_eq!(ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_overtakes_its_first_attempt_is_answered_like_it() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    // Both wallets are known, so that what follows is decided ahead.
    ledger.post(unit(ledger, AMINA, BANK, euro(100))).await?;
    ledger.post(unit(ledger, BABACAR, AMINA, euro(10))).await?;
    let mut other = lock_book(&fixture).await?;
    // It takes all that Amina has, so a second one like it would be refused.
    let spend = unit(ledger, BABACAR, AMINA, euro(90));
    let ask = |unit: UnitOfWork| {
        let ledger = ledger.clone();
        tokio::spawn(async move { ledger.post(unit).await })
    };
    let first = ask(spend.clone());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let retry = ask(spend);
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.batch_execute("commit").await?;
    let (first, retry) = (first.await??, retry.await??);
    assert_eq!((first.outcome, retry.outcome), (Outcome::Booked, Outcome::AlreadyBooked));
    assert_eq!(first.sequence, retry.sequence);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_refused_for_what_another_process_has_changed_meanwhile() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, AMINA, BANK, euro(10))).await?;
    let (other, _writer) = open(&fixture.database, Clock::system()).await?;
    other.post(unit(&other, AMINA, BANK, euro(90))).await?;
    // Who was told of the ninety may spend them anywhere.
    let spent = ledger.post(unit(ledger, BANK, AMINA, euro(100))).await?;
    assert_eq!(spent.sequence.number(), 3);
    let refused = ledger.post(unit(ledger, BANK, AMINA, euro(1))).await;
    assert!(matches!(refused, Err(PostError::Refused(Refusal::BelowFloor { .. }))), "{refused:?}");
    Ok(())
}

/// Takes a hold of one cent on a wallet's money and uses it, again and again; answers how often.
async fn reserve_and_spend(ledger: Ledger, wallet: AccountCode, first: u64) -> Result<i64> {
    let day = time(START).date_naive();
    let mut spent = 0;
    for number in first..first + 60 {
        let hold = crate::held::hold_id(number);
        let place = Entry::builder(KIND, day).hold(hold, wallet.clone(), euro(1), time(START + 60)).build()?;
        match ledger.post(UnitOfWork::new(key(number * 2), place)).await {
            Ok(_) => {}
            Err(PostError::Refused(Refusal::BelowFloor { .. })) => continue,
            Err(error) => return Err(error.into()),
        }
        let post = Entry::builder(KIND, day)
            .debit(wallet.clone(), euro(1))
            .credit(account("assets:bank:main"), euro(1))
            .post_hold(hold, euro(1))
            .build()?;
        ledger.post(UnitOfWork::new(key(number * 2 + 1), post)).await?;
        spent += 1;
    }
    Ok(spent)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_reserve_the_same_money_never_reserve_it_twice() -> Result {
    let held = Held::new().await?;
    let (other, _writer) = Ledger::open(held.test.database()?, settings(&held.clock)?).await?;
    let funds = 300;
    let fund = unit_of(&held.ledger, 1, &Operation::Move { debit: 0, credit: 1, amount: funds }).await?;
    held.ledger.post(fund).await?;
    let wallet = account("liabilities:wallets:amina");
    // Eight times sixty want a cent of three hundred.
    let askers: Vec<_> = (0..8_u64)
        .map(|asker| {
            let ledger = if asker % 2 == 0 { held.ledger.clone() } else { other.clone() };
            tokio::spawn(reserve_and_spend(ledger, wallet.clone(), 1_000 * (asker + 1)))
        })
        .collect();
    let mut spent = 0;
    for asker in askers {
        spent += asker.await??;
    }
    assert_eq!(spent, funds);
    for ledger in [&held.ledger, &other] {
        let left = ledger.available(&wallet, Currency::EUR).await?;
        assert_eq!((left.balance, left.held), (euro(0).into(), euro(0).into()));
    }
    assert_eq!(other.head().await?.number(), 1 + 2 * funds);
    assert_eq!(other.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}
