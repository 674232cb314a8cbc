//! The past of a book, against a model that shares no code with it: every entry in a list, every answer a sum over it.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use ledger::{
    AsOf, Currency, Dates, Entry, EntryFilter, EntryKind, EntryQuery, Error, IdempotencyKey, Ledger, Moment, Money,
    Order, Page, Period, Sequence, StatementQuery, TreeQuery, UnitOfWork,
};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use proptest::prelude::*;

use crate::fixture::{Result, account, open};

/// Accounts without a floor, so that nothing is refused.
const ACCOUNTS: [&str; 4] =
    ["assets:operating:bank", "assets:pay-in:bank", "equity:fx-position", "revenue:fees:eur-xof"];
const DAYS: u64 = 8;

/// What is to be booked: after some hours, so many days off the day of booking, amounts on pairs of accounts.
#[derive(Clone, Debug)]
struct Plan {
    hours: i64,
    days_off: i64,
    pairs: Vec<(usize, usize, i64)>,
}

/// What was booked.
struct Booked {
    sequence: i64,
    booked_at: DateTime<Utc>,
    effective: NaiveDate,
    postings: Vec<(usize, i64)>,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let pair = (0..ACCOUNTS.len(), 1..ACCOUNTS.len(), 1..1_000_i64);
    let days_off = prop_oneof![4 => Just(0), 3 => -4..5_i64];
    let plan = (0..9_i64, days_off, proptest::collection::vec(pair, 1..3));
    let plan = plan.prop_map(|(hours, days_off, pairs)| Plan {
        hours,
        days_off,
        pairs: pairs.into_iter().map(|(from, step, minor)| (from, (from + step) % ACCOUNTS.len(), minor)).collect(),
    });
    proptest::collection::vec(plan, 1..40)
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 2, 25).expect("a date")
}

/// Some days before the book begins, and some after its end.
fn days() -> impl Iterator<Item = NaiveDate> {
    (0..DAYS + 12).map(|days| first_day() + Days::new(days) - Days::new(5))
}

async fn book(plans: &[Plan]) -> Result<(TestDatabase, Ledger, Vec<Booked>)> {
    let test = TestDatabase::create().await?;
    let clock = Clock::fixed(first_day().and_hms_opt(1, 0, 0).expect("a time").and_utc());
    let (ledger, writer) = open(&test.database()?, clock.clone()).await?;
    let mut booked = Vec::new();
    for plan in plans {
        clock.advance(Duration::hours(plan.hours));
        let effective = ledger.today() + Duration::days(plan.days_off);
        let mut entry = Entry::builder(EntryKind::new("test"), effective);
        let mut postings = Vec::new();
        for &(debit, credit, minor) in &plan.pairs {
            let amount = Money::from_minor(minor, Currency::EUR);
            entry = entry.debit(account(ACCOUNTS[debit]), amount).credit(account(ACCOUNTS[credit]), amount);
            postings.extend([(debit, minor), (credit, -minor)]);
        }
        let receipt = ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry.build()?)).await?;
        let (sequence, booked_at) = (receipt.sequence.number(), receipt.booked_at);
        booked.push(Booked { sequence, booked_at, effective, postings });
    }
    clock.advance(Duration::days(30));
    drop(writer);
    Ok((test, ledger, booked))
}

/// The balances of the entries that count, by account; accounts without one are left out.
fn model(booked: &[Booked], counts: impl Fn(&Booked) -> bool) -> BTreeMap<String, i64> {
    let mut balances = BTreeMap::new();
    for (number, minor) in booked.iter().filter(|entry| counts(entry)).flat_map(|entry| &entry.postings) {
        *balances.entry(ACCOUNTS[*number].to_owned()).or_default() += minor;
    }
    balances.retain(|_, minor| *minor != 0);
    balances
}

/// Trial balance, balances and tree at a moment are those of the model; nothing is answered when nothing counts.
async fn agrees(ledger: &Ledger, booked: &[Booked], moment: Moment, counts: impl Fn(&Booked) -> bool) -> Result {
    let expected = model(booked, &counts);
    let trial = match ledger.trial_balance(moment).await {
        Ok(trial) => trial,
        Err(Error::NothingEffective { .. } | Error::BeforeHistory { .. }) => {
            assert!(!booked.iter().any(counts), "{moment:?} has an answer");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let found: BTreeMap<String, i64> = trial
        .balances
        .iter()
        .filter(|balance| balance.debit_positive_minor != 0)
        .map(|balance| (balance.account.to_string(), balance.debit_positive_minor))
        .collect();
    assert_eq!(found, expected, "{moment:?}");
    assert!(trial.differences().iter().all(|(_, difference)| *difference == 0));
    for code in ACCOUNTS {
        let minor = expected.get(code).copied().unwrap_or_default();
        match ledger.balance(&account(code), Currency::EUR, moment).await {
            Ok(money) => assert_eq!(money.minor().abs(), minor.abs(), "{code} {moment:?}"),
            Err(Error::UnknownAccount { .. }) => assert_eq!(minor, 0),
            Err(error) => return Err(error.into()),
        }
    }
    let query = TreeQuery { under: None, depth: 1, moment, after: None, limit: 10 };
    for node in ledger.account_tree(query).await?.nodes {
        let below = expected.iter().filter(|(code, _)| code.starts_with(node.path.as_str()));
        assert_eq!(node.debit_positive_minor, below.map(|(_, minor)| i128::from(*minor)).sum::<i128>(), "{node:?}");
    }
    Ok(())
}

/// The statement of a period of effective days, read forwards and backwards, is the sorted list of the model.
async fn statement_agrees(
    ledger: &Ledger,
    booked: &[Booked],
    known: i64,
    from: NaiveDate,
    through: NaiveDate,
) -> Result {
    let code = ACCOUNTS[0];
    let is_known = |entry: &&Booked| entry.sequence <= known;
    let mut expected: Vec<(NaiveDate, i64, i64)> = booked
        .iter()
        .filter(is_known)
        .filter(|entry| (from..=through).contains(&entry.effective))
        .flat_map(|entry| {
            let own = entry.postings.iter().filter(|(number, _)| *number == 0);
            own.map(|(_, minor)| (entry.effective, entry.sequence, *minor))
        })
        .collect();
    expected.sort_by_key(|(day, sequence, _)| (*day, *sequence));
    let before = booked.iter().filter(is_known).filter(|entry| entry.effective < from);
    let opening: i64 =
        before.flat_map(|entry| &entry.postings).filter(|(number, _)| *number == 0).map(|(_, m)| m).sum();
    for start in [Page::First, Page::Last] {
        let mut page = start;
        let mut lines = Vec::new();
        loop {
            let known = AsOf::Sequence(Sequence::new(known));
            let query = StatementQuery { period: Period::Effective(from, through), known, page, limit: 3 };
            let statement = match ledger.statement_of(&account(code), Currency::EUR, query).await {
                Err(Error::UnknownAccount { .. } | Error::NothingEffective { .. }) => {
                    assert!(expected.is_empty());
                    return Ok(());
                }
                other => other?,
            };
            assert_eq!(statement.opening.minor(), opening);
            assert_eq!(statement.closing.minor(), opening + expected.iter().map(|line| line.2).sum::<i64>());
            let read = statement
                .lines
                .iter()
                .map(|line| (line.effective_date, line.sequence.number(), line.amount.minor(), line.balance.minor()));
            match start {
                Page::First => lines.extend(read),
                _ => {
                    lines.splice(0..0, read);
                }
            }
            page = match (start, statement.newer, statement.older) {
                (Page::First, Some(place), _) => Page::After(place),
                (Page::Last, _, Some(place)) => Page::Before(place),
                _ => break,
            };
        }
        let mut balance = opening;
        let expected: Vec<_> = expected
            .iter()
            .map(|&(day, sequence, minor)| {
                balance += minor;
                (day, sequence, minor, balance)
            })
            .collect();
        assert_eq!(lines, expected, "{start:?} {from} {through} known {known}");
    }
    Ok(())
}

async fn list_agrees(ledger: &Ledger, booked: &[Booked], effective: Dates, order: Order) -> Result {
    let within = |entry: &&Booked| {
        effective.from.is_none_or(|from| entry.effective >= from)
            && effective.through.is_none_or(|through| entry.effective <= through)
    };
    let mut expected: Vec<i64> = booked.iter().filter(within).map(|entry| entry.sequence).collect();
    if order == Order::NewestFirst {
        expected.reverse();
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let filter = EntryFilter { effective, ..EntryFilter::default() };
        let page = ledger.entries(EntryQuery { filter, known: AsOf::Now, order, after, limit: 4 }).await?;
        found.extend(page.entries.iter().map(|entry| entry.sequence.number()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, expected, "{effective:?} {order:?}");
    Ok(())
}

async fn whole_past_agrees(plans: Vec<Plan>) -> Result {
    let (_test, ledger, booked) = book(&plans).await?;
    let head = i64::try_from(booked.len())?;
    for known in [1, head / 2, head] {
        let as_of = AsOf::Sequence(Sequence::new(known));
        agrees(&ledger, &booked, as_of.into(), |entry| entry.sequence <= known).await?;
        for day in days() {
            let counts = |entry: &Booked| entry.sequence <= known && entry.effective <= day;
            agrees(&ledger, &booked, as_of.effective_by(day), counts).await?;
        }
    }
    for time in days().map(|day| day.and_hms_opt(10, 0, 0).expect("a time").and_utc()) {
        let counts = |entry: &Booked| entry.booked_at <= time;
        agrees(&ledger, &booked, AsOf::BookedBy(time).into(), counts).await?;
        let day = time.date_naive() - Days::new(2);
        let counts = |entry: &Booked| entry.booked_at <= time && entry.effective <= day;
        agrees(&ledger, &booked, AsOf::BookedBy(time).effective_by(day), counts).await?;
    }
    for day in days().step_by(3) {
        statement_agrees(&ledger, &booked, head, day, day + Days::new(4)).await?;
        statement_agrees(&ledger, &booked, head.min(7), day, day).await?;
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let (from, through) = (Some(day), Some(day + Days::new(2)));
            list_agrees(&ledger, &booked, Dates { from, through }, order).await?;
            list_agrees(&ledger, &booked, Dates { from, through: None }, order).await?;
            list_agrees(&ledger, &booked, Dates { from: None, through }, order).await?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_moment_of_the_past_is_what_a_sum_over_all_entries_says(plans in plans()) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(whole_past_agrees(plans)).map_err(|error| TestCaseError::fail(error.to_string()))?;
    }
}
