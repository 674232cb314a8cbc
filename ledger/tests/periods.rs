//! Periods, adjustments, reversals and dry runs.

use chrono::{DateTime, NaiveDate, Utc};
use ledger::{
    Approvals, AsOf, Currency, Entry, EntryKind, IdempotencyKey, Ledger, Outcome, PeriodChange, PostError, Refusal,
    UnitOfWork,
};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use uuid::Uuid;

use crate::fixture::{LedgerFixture, Result, account, euro, open, unit};

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";
const KIND: EntryKind = EntryKind::new("transfer");

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}T12:00:00Z").parse().expect("a time")
}

fn on(day: &str, cents: i64) -> ledger::EntryBuilder {
    Entry::builder(KIND, date(day)).debit(account(BANK), euro(cents)).credit(account(AMINA), euro(cents))
}

async fn book(ledger: &Ledger, entry: ledger::EntryBuilder) -> Result<Option<Refusal>> {
    match ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry.build()?)).await {
        Ok(_) => Ok(None),
        Err(PostError::Refused(refusal)) => Ok(Some(refusal)),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_period_takes_adjustments_by_two_people_and_nothing_else_until_it_is_reopened() -> Result {
    let test = TestDatabase::create().await?;
    let clock = Clock::fixed(at("2026-02-03"));
    let (ledger, _writer) = open(&test.database()?, clock.clone()).await?;
    let (auditor, director) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(book(&ledger, on("2026-01-31", 100)).await?, None);
    // A day that is not over cannot be closed.
    let early = ledger.close_period(IdempotencyKey::generate(), date("2026-02-03"), auditor).await;
    assert!(matches!(early, Err(PostError::Refused(Refusal::PeriodChange { .. }))), "{early:?}");
    let key = IdempotencyKey::generate();
    let closed = ledger.close_period(key, date("2026-01-31"), auditor).await?;
    let again = ledger.close_period(key, date("2026-01-31"), auditor).await?;
    assert_eq!((again.sequence, again.outcome), (closed.sequence, Outcome::AlreadyBooked));
    let twice = ledger.close_period(IdempotencyKey::generate(), date("2026-01-31"), auditor).await;
    assert!(matches!(twice, Err(PostError::Refused(Refusal::PeriodChange { .. }))), "{twice:?}");

    let refused = book(&ledger, on("2026-01-31", 1)).await?;
    let through = date("2026-01-31");
    assert_eq!(refused, Some(Refusal::PeriodClosed { through, effective_date: through }));
    assert_eq!(book(&ledger, on("2026-02-01", 2)).await?, None);
    assert!(Approvals::try_new(auditor, auditor).is_err());
    let approvals = Approvals::try_new(auditor, director)?;
    assert_eq!(book(&ledger, on("2026-01-31", 3).adjusting(approvals)).await?, None);

    // Another process that opens the book knows what is closed.
    let (other, _other_writer) = open(&test.database()?, clock).await?;
    assert!(matches!(book(&other, on("2026-01-15", 1)).await?, Some(Refusal::PeriodClosed { .. })));

    ledger.reopen_period(IdempotencyKey::generate(), date("2026-01-15"), approvals).await?;
    assert!(matches!(book(&ledger, on("2026-01-14", 4)).await?, Some(Refusal::PeriodClosed { .. })));
    assert_eq!(book(&ledger, on("2026-01-15", 4)).await?, None);
    let open_already = ledger.reopen_period(IdempotencyKey::generate(), date("2026-01-15"), approvals).await;
    assert!(matches!(open_already, Err(PostError::Refused(Refusal::PeriodChange { .. }))), "{open_already:?}");
    // What the close found stays what it found, whatever is adjusted later.
    assert_eq!((ledger.record_closes().await?, ledger.record_closes().await?), (1, 0));
    let [reopening, close] = &ledger.period_changes(None, 10).await?[..] else { return Err("two changes".into()) };
    assert_eq!(reopening.change, PeriodChange::Reopened { from: date("2026-01-15"), approvals });
    assert_eq!(close.change, PeriodChange::Closed { through, approver: auditor });
    assert_eq!((close.sequence, close.balances, reopening.balances), (closed.sequence, Some(2), None));
    assert_eq!(ledger.period_changes(Some(reopening.sequence), 1).await?, std::slice::from_ref(close));
    let first = ledger.recorded_balances(close.sequence, None, 1).await?;
    let second = ledger.recorded_balances(close.sequence, first.next, 1).await?;
    let found: Vec<_> = first.balances.iter().chain(&second.balances).map(|one| one.on_normal_side()).collect();
    assert_eq!(found, [euro(100), euro(100)]);
    assert_eq!(ledger.recorded_balances(close.sequence, second.next, 1).await?.balances, []);
    let none = ledger.recorded_balances(reopening.sequence, None, 1).await;
    assert!(matches!(none, Err(ledger::Error::NotRecorded { .. })), "{none:?}");
    assert_eq!(ledger.balance(&account(AMINA), Currency::EUR, AsOf::Now).await?, euro(109));
    assert_eq!(ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_taken_back_once_and_may_be_corrected_in_the_same_breath() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let wrong = ledger.post(unit(ledger, AMINA, BANK, euro(100))).await?;
    let kind = EntryKind::new("correction");
    let correction = ledger.reversal(wrong.sequence, kind).await?;
    let correction = correction.debit(account(BANK), euro(10)).credit(account(AMINA), euro(10)).build()?;
    assert_eq!(correction.reverses(), Some(wrong.sequence));
    let key = IdempotencyKey::generate();
    ledger.post(UnitOfWork::new(key, correction.clone())).await?;
    assert_eq!(ledger.balance(&account(AMINA), Currency::EUR, AsOf::Now).await?, euro(10));
    // The same request again is the same; another one comes too late, whatever the order in a batch.
    assert_eq!(ledger.post(UnitOfWork::new(key, correction)).await?.outcome, Outcome::AlreadyBooked);
    let late = ledger.reversal(wrong.sequence, kind).await?.build()?;
    let late = ledger.post(UnitOfWork::new(IdempotencyKey::generate(), late)).await;
    assert!(matches!(late, Err(PostError::Refused(Refusal::AlreadyReversed(_)))), "{late:?}");

    let second = ledger.post(unit(ledger, AMINA, BANK, euro(5))).await?;
    let turned = ledger.reversal(second.sequence, kind).await?.build()?;
    let both = ["one", "two"].map(|_| UnitOfWork::new(IdempotencyKey::generate(), turned.clone()));
    let answers = ledger.post_all(both.into()).await?;
    assert!(answers[0].is_ok());
    assert!(matches!(answers[1], Err(PostError::Refused(Refusal::AlreadyReversed(_)))));
    let missing = ledger.reversal(ledger::Sequence::new(99), kind).await;
    assert!(matches!(missing, Err(ledger::Error::SequenceAhead { .. })));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_answers_like_the_booking_and_leaves_nothing() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let intended = unit(ledger, AMINA, BANK, euro(100));
    let dry = ledger.dry_run(intended.clone()).await?;
    assert_eq!(dry.outcome, Outcome::WouldBeBooked);
    assert_eq!(ledger.head().await?.number(), 0);
    let unknown = ledger.balance(&account(AMINA), Currency::EUR, AsOf::Now).await;
    assert!(matches!(unknown, Err(ledger::Error::UnknownAccount { .. })));
    let booked = ledger.post(intended.clone()).await?;
    assert_eq!((booked.sequence, &booked.balances), (dry.sequence, &dry.balances));
    assert_eq!(ledger.dry_run(intended).await?.outcome, Outcome::AlreadyBooked);
    let too_much = ledger.dry_run(unit(ledger, BANK, AMINA, euro(101))).await;
    assert!(matches!(too_much, Err(PostError::Refused(Refusal::BelowFloor { .. }))));
    assert_eq!(ledger.post(unit(ledger, AMINA, BANK, euro(1))).await?.sequence.number(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_of_days_on_which_nothing_took_effect_is_recorded_once_and_empty() -> Result {
    let test = TestDatabase::create().await?;
    let (ledger, _writer) = open(&test.database()?, Clock::fixed(at("2026-02-03"))).await?;
    let closed = ledger.close_period(IdempotencyKey::generate(), date("2026-01-31"), Uuid::now_v7()).await?;
    assert_eq!((ledger.record_closes().await?, ledger.record_closes().await?), (1, 0));
    assert_eq!(ledger.recorded_balances(closed.sequence, None, 10).await?.balances, []);
    assert_eq!(ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}
