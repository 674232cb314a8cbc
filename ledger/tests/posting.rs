//! Booking: once per key, never below a floor, in one order without gaps.

use std::collections::BTreeSet;

use crate::fixture::{LedgerFixture, Result, account, euro, open, transfer, unit};
use ledger::{AsOf, Currency, IdempotencyKey, Outcome, PostError, Refusal, UnitOfWork};
use platform::clock::Clock;

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";
const BABACAR: &str = "liabilities:wallets:babacar";

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_answers_with_its_sequence_and_the_balances_it_left() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let first = ledger.post(unit(ledger, AMINA, BANK, euro(10_150))).await?;
    assert_eq!((first.sequence.number(), first.outcome), (1, Outcome::Booked));
    let second = ledger.post(unit(ledger, BABACAR, AMINA, euro(50))).await?;
    assert_eq!(second.sequence.number(), 2);
    let balances: Vec<_> = second.balances.iter().map(|b| (b.account.as_str(), b.on_normal_side().minor())).collect();
    assert_eq!(balances, [(AMINA, 10_100), (BABACAR, 50)]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_books_once_whoever_repeats_it_and_refuses_other_content() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let key = IdempotencyKey::generate();
    let entry = transfer(ledger, AMINA, BANK, euro(100));
    // Twice in one batch, then again later.
    let both = ledger.post_all(vec![UnitOfWork::new(key, entry.clone()), UnitOfWork::new(key, entry.clone())]).await?;
    let outcomes: Vec<_> = both.into_iter().map(|answer| answer.map(|receipt| receipt.outcome)).collect();
    assert!(matches!(outcomes[..], [Ok(Outcome::Booked), Ok(Outcome::AlreadyBooked)]), "{outcomes:?}");
    let later = ledger.post(UnitOfWork::new(key, entry)).await?;
    assert_eq!((later.sequence.number(), later.outcome), (1, Outcome::AlreadyBooked));
    let other = ledger.post(UnitOfWork::new(key, transfer(ledger, AMINA, BANK, euro(101)))).await;
    assert!(matches!(other, Err(PostError::Refused(Refusal::KeyReused))));
    assert_eq!(ledger.balance(&account(AMINA), Currency::EUR, AsOf::Now).await?, euro(100));
    assert_eq!(ledger.head().await?.number(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_unit_fails_alone_and_is_kept_with_its_reason() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let answers = ledger
        .post_all(vec![
            unit(ledger, AMINA, BANK, euro(100)),
            unit(ledger, BABACAR, AMINA, euro(101)),
            unit(ledger, BABACAR, AMINA, euro(100)),
            unit(ledger, "liabilities:wallet:typing-error", BANK, euro(1)),
            unit(ledger, AMINA, BANK, euro(7)),
        ])
        .await?;
    let sequences: Vec<_> = answers.iter().map(|a| a.as_ref().ok().map(|receipt| receipt.sequence.number())).collect();
    assert_eq!(sequences, [Some(1), None, Some(2), None, Some(3)]);
    assert!(
        matches!(&answers[1], Err(PostError::Refused(Refusal::BelowFloor { would_be, .. })) if would_be.minor() == -1)
    );
    assert!(matches!(&answers[3], Err(PostError::Refused(Refusal::UnknownAccount(_)))));
    let mut connection = fixture.test.owner().await?;
    let reasons: Vec<String> = {
        use diesel::prelude::*;
        use diesel_async::RunQueryDsl;
        use ledger::schema::refusals;
        refusals::table.order(refusals::refusal_id).select(refusals::reason).load(&mut connection).await?
    };
    assert_eq!(reasons, ["below-floor", "unknown-account"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_floor_is_crossed_and_no_sequence_is_lost_under_concurrency() -> Result {
    const CALLERS: usize = 64;
    const EACH: usize = 20;
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, AMINA, BANK, euro(500))).await?;
    let callers = (0..CALLERS).map(|caller| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            let mut booked = Vec::new();
            for n in 0..EACH {
                let (from, to) = if (caller + n) % 3 == 0 { (BABACAR, AMINA) } else { (AMINA, BABACAR) };
                match ledger.post(unit(&ledger, to, from, euro(7))).await {
                    Ok(receipt) => {
                        assert!(receipt.balances.iter().all(|balance| balance.on_normal_side().minor() >= 0));
                        booked.push(receipt.sequence.number());
                    }
                    Err(PostError::Refused(Refusal::BelowFloor { .. })) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            booked
        })
    });
    let mut sequences = BTreeSet::from([1]);
    let mut count = 1;
    for caller in callers.collect::<Vec<_>>() {
        let booked = caller.await?;
        count += booked.len();
        sequences.extend(booked);
    }
    assert_eq!(sequences.len(), count, "no sequence is given twice");
    assert_eq!(sequences.last().copied(), i64::try_from(count).ok(), "no gap");
    let trial = ledger.trial_balance(AsOf::Now).await?;
    assert!(trial.differences().iter().all(|(_, difference)| *difference == 0));
    let verification = ledger.verify(|_, _| {}).await?;
    assert_eq!(verification.first_difference(), None);
    assert_eq!(verification.entries, i64::try_from(count)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_book_keep_one_order() -> Result {
    let fixture = LedgerFixture::new().await?;
    let (other, _writer) = open(&fixture.test.database()?, Clock::system()).await?;
    fixture.ledger.post(unit(&other, AMINA, BANK, euro(1_000))).await?;
    let work = |ledger: ledger::Ledger, shared: Vec<IdempotencyKey>| {
        tokio::spawn(async move {
            for key in shared {
                ledger.post(UnitOfWork::new(key, transfer(&ledger, BABACAR, AMINA, euro(3)))).await?;
                ledger.post(unit(&ledger, AMINA, BABACAR, euro(1))).await?;
            }
            Ok::<_, PostError>(())
        })
    };
    let keys: Vec<_> = (0..100).map(|_| IdempotencyKey::generate()).collect();
    let (a, b) = (work(fixture.ledger.clone(), keys.clone()), work(other, keys));
    a.await??;
    b.await??;
    // 100 keys that both used, booked once each, and 200 of their own.
    assert_eq!(fixture.ledger.head().await?.number(), 301);
    assert_eq!(fixture.ledger.balance(&account(BABACAR), Currency::EUR, AsOf::Now).await?, euro(100));
    assert_eq!(fixture.ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_bounded_and_says_so() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let many = (0..=ledger::MAX_QUEUED_UNITS).map(|_| unit(ledger, AMINA, BANK, euro(1))).collect();
    assert!(matches!(ledger.post_all(many).await, Err(PostError::Busy { retry_after_seconds: 1 })));
    assert_eq!(ledger.head().await?.number(), 0);
    ledger.post(unit(ledger, AMINA, BANK, euro(1))).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_in_is_finished_at_the_end() -> Result {
    let fixture = LedgerFixture::new().await?;
    let LedgerFixture { test, database, ledger, writer } = fixture;
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.post(unit(&ledger, AMINA, BANK, euro(1))).await })
        })
        .collect();
    for answer in waiting {
        answer.await??;
    }
    drop(ledger);
    writer.finished().await;
    let (again, _writer) = open(&database, Clock::system()).await?;
    assert_eq!(again.head().await?.number(), 50);
    drop(test);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_survived() -> Result {
    use diesel_async::SimpleAsyncConnection;
    let fixture = LedgerFixture::new().await?;
    let ledger = fixture.ledger.clone();
    ledger.post(unit(&ledger, AMINA, BANK, euro(1))).await?;
    let posting = tokio::spawn({
        let ledger = ledger.clone();
        async move {
            for _ in 0..200 {
                ledger.post(unit(&ledger, AMINA, BANK, euro(1))).await?;
            }
            Ok::<_, PostError>(())
        }
    });
    let mut owner = fixture.test.owner().await?;
    for _ in 0..10 {
        owner
            .batch_execute(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()",
            )
            .await?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    posting.await??;
    // The pool may hold connections that were cut; it replaces them as they are asked for.
    let mut head = ledger.head().await;
    for _ in 0..10 {
        if head.is_ok() {
            break;
        }
        head = ledger.head().await;
    }
    assert_eq!(head?.number(), 201);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_answered_by_what_it_did_even_when_the_balance_would_refuse_it_now() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, AMINA, BANK, euro(100))).await?;
    let key = IdempotencyKey::generate();
    let everything = transfer(ledger, BABACAR, AMINA, euro(100));
    ledger.post(UnitOfWork::new(key, everything.clone())).await?;
    let again = ledger.post(UnitOfWork::new(key, everything)).await?;
    assert_eq!((again.sequence.number(), again.outcome), (2, Outcome::AlreadyBooked));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_on_its_way_is_answered_by_what_becomes_of_it() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    for _ in 0..5 {
        // Enough for each key once, so that a repeated one that was decided anew would find nothing left.
        ledger.post(unit(ledger, AMINA, BANK, euro(40))).await?;
        ledger.post(unit(ledger, BABACAR, AMINA, euro(40))).await?;
        let units: Vec<UnitOfWork> = (0..40).map(|_| unit(ledger, AMINA, BABACAR, euro(1))).collect();
        let asked = units.iter().chain(&units).chain(&units).cloned();
        let tasks: Vec<_> = asked
            .map(|unit| {
                let ledger = ledger.clone();
                tokio::spawn(async move { ledger.post(unit).await })
            })
            .collect();
        let mut booked = 0;
        for task in tasks {
            booked += usize::from(task.await??.outcome == Outcome::Booked);
        }
        assert_eq!(booked, 40);
        ledger.post(unit(ledger, BANK, AMINA, euro(40))).await?;
    }
    Ok(())
}
