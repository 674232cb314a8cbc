//! Random histories of units, against a model that keeps every single unit with the cents that were paid for it.

use std::collections::BTreeMap;

use ledger::{AsOf, EntryBuilder, IdempotencyKey, UnitOfWork};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{ISSUED, Issued, begin};
use crate::fixture::{Result, account};

const HOLDERS: [&str; 3] =
    ["liabilities:holdings:amina", "liabilities:holdings:babacar", "liabilities:holdings:coumba"];

#[derive(Clone, Debug)]
enum Step {
    Issue { to: usize, count: i64, cents: i64, day: u32 },
    PassOn { from: usize, to: usize, count: i64 },
    TakeBack { from: usize, count: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let holder = || 0..HOLDERS.len();
    let step = prop_oneof![
        (holder(), 1..20_i64, 0..5_000_i64, 1..28_u32).prop_map(|(to, count, cents, day)| Step::Issue {
            to,
            count,
            cents,
            day
        }),
        (holder(), holder(), 1..15_i64).prop_map(|(from, to, count)| Step::PassOn { from, to, count }),
        (holder(), 1..15_i64).prop_map(|(from, count)| Step::TakeBack { from, count }),
    ];
    proptest::collection::vec(step, 1..40)
}

/// What a holder has of a lot: when it was acquired, its place among the issues, units and cents.
type Held = BTreeMap<(u32, usize), (i64, i64)>;

#[derive(Default)]
struct Model {
    held: [Held; 3],
    issues: usize,
}

impl Model {
    /// Takes the oldest units; `None` when there are too few.
    fn take(&mut self, from: usize, count: i64) -> Option<Held> {
        if self.held[from].values().map(|(units, _)| units).sum::<i64>() < count {
            return None;
        }
        let (mut wanted, mut taken) = (count, Held::new());
        while wanted > 0 {
            let mut lot = self.held[from].first_entry()?;
            let (units, cents) = *lot.get();
            if units <= wanted {
                wanted -= units;
                let (name, whole) = lot.remove_entry();
                taken.insert(name, whole);
            } else {
                let part = cents * wanted / units;
                *lot.get_mut() = (units - wanted, cents - part);
                taken.insert(*lot.key(), (wanted, part));
                wanted = 0;
            }
        }
        Some(taken)
    }

    fn put(&mut self, to: usize, lots: Held) {
        for (name, (units, cents)) in lots {
            let held = self.held[to].entry(name).or_default();
            *held = (held.0 + units, held.1 + cents);
        }
    }

    /// Whether the step ought to be accepted.
    fn apply(&mut self, step: &Step) -> bool {
        match *step {
            Step::Issue { to, count, cents, day } => {
                self.issues += 1;
                self.put(to, Held::from([((day, self.issues), (count, cents))]));
                true
            }
            Step::PassOn { from, to, count } => {
                let taken = self.take(from, count);
                taken.map(|lots| self.put(to, lots)).is_some()
            }
            Step::TakeBack { from, count } => self.take(from, count).is_some(),
        }
    }
}

fn entry(issued: &Issued, step: &Step) -> EntryBuilder {
    match *step {
        Step::Issue { to, count, cents, day } => begin(issued.ledger())
            .debit(account(ISSUED), issued.units(count))
            .credit_lots(account(HOLDERS[to]), vec![issued.lot(count, &format!("2024-01-{day:02}"), cents)]),
        Step::PassOn { from, to, count } => issued.pass_on(HOLDERS[from], HOLDERS[to], count),
        Step::TakeBack { from, count } => issued.pass_on(HOLDERS[from], ISSUED, count),
    }
}

async fn check(issued: &Issued, steps: &[Step]) -> Result {
    let mut model = Model::default();
    let expected: Vec<bool> = steps.iter().map(|step| model.apply(step)).collect();
    let units: Vec<UnitOfWork> = steps
        .iter()
        .map(|step| Ok(UnitOfWork::new(IdempotencyKey::generate(), entry(issued, step).build()?)))
        .collect::<Result<_>>()?;
    let mut accepted = Vec::new();
    // Some together, some alone.
    for part in units.chunks(7) {
        accepted.extend(issued.ledger().post_all(part.to_vec()).await?.into_iter().map(|answer| answer.is_ok()));
    }
    assert_eq!(accepted, expected, "{steps:?}");
    for (code, held) in HOLDERS.iter().zip(&model.held) {
        let lots = issued.ledger().lots(&account(code), issued.unit, AsOf::Now, None, 500).await?;
        let mut found: Vec<(i64, i64)> =
            lots.iter().map(|lot| (lot.amount.minor(), lot.cost.map_or(0, |cost| cost.minor()))).collect();
        let mut expected: Vec<(i64, i64)> = held.values().copied().collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{code}: {steps:?}");
    }
    issued.is_whole().await
}

#[test]
fn every_history_of_units_is_the_models() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    TestRunner::new(Config { cases: 12, max_shrink_iters: 40, ..Config::default() })
        .run(&steps(), |steps| {
            let checked = runtime.block_on(async {
                let fixture = crate::fixture::LedgerFixture::new().await?;
                let (unit, _) = fixture.ledger.register_unit(super::solar()?).await?;
                check(&Issued { fixture, unit }, &steps).await
            });
            checked.map_err(|error| TestCaseError::fail(error.to_string()))
        })
        .expect("the model agrees");
}
