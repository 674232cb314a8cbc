//! The rules, one by one, and all of them beside a model that shares no code with them.

use std::collections::BTreeSet;

use ledger::Currency;
use ledger::reconciliation::{BreakState, BreakSubject, Rule, RunRules, Tolerances};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::bank::{Bank, BankLine, line};
use crate::fixture::Result;

fn count(run: &ledger::reconciliation::Run, rule: Rule) -> i64 {
    run.matched.iter().find(|(tried, _)| *tried == rule).map_or(0, |(_, count)| *count)
}

fn within(days: i32, minor: i64) -> Result<RunRules> {
    Ok(RunRules { tolerances: Tolerances::try_new(days, minor)?, ..RunRules::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_takes_what_is_its_own() -> Result {
    let mut bank = Bank::new().await?;
    for (day, cents, reference) in [
        (2, 10_150, "TRG-1"),
        (2, 500, "B-77"),
        (3, 300, "ORDER-1"),
        (4, 400, "ORDER-1"),
        (9, 1_234, "X-1"),
        (9, 2_000, "X-2"),
        (12, 611, "Y-1"),
        (13, 613, "Y-2"),
        (20, -5_003, "Y-3"),
    ] {
        bank.book(day, cents, reference).await?;
    }
    bank.arrives(&[
        BankLine { text: "virement TRG-1 merci", ..line(3, 10_150, "their own") },
        BankLine { bank_reference: "B-77", ..line(3, 500, "their own too") },
        line(5, 350, "order 1"),
        line(5, 350, "order 1"),
        line(10, 1_234, ""),
        line(10, 1_997, "X-2"),
        line(14, 1_224, ""),
        line(20, -5_000, ""),
        line(21, -3, ""),
    ])
    .await?;
    let run = bank.run(&within(3, 5)?).await?;
    for rule in Rule::ORDER {
        assert_eq!(count(&run, rule), 1, "{rule}: {run:?}");
    }
    assert_eq!(bank.open_breaks().await?, [(-3, "difference")]);
    let standing = bank.reconciliation.standing(&bank.account, Currency::EUR, super::bank::day(31)).await?;
    assert_eq!(standing.unexplained.minor(), 0);
    let group = bank.reconciliation.match_of(&bank.account, Currency::EUR, 3).await?;
    assert_eq!((group.rule, group.items.len(), group.run), (Rule::ReferenceGroup, 4, Some(1)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_several_things_is_left_to_a_person_and_named_so() -> Result {
    let mut bank = Bank::new().await?;
    // Paid twice, and two of one amount on one day.
    bank.book(2, 100, "P-1").await?;
    bank.book(5, 700, "").await?;
    bank.book(6, 700, "").await?;
    bank.book(9, 450, "P-9").await?;
    bank.arrives(&[line(2, 100, "P-1"), line(2, 100, "P-1"), line(5, 700, ""), line(9, 449, "P-9")]).await?;
    let run = bank.run(&within(3, 0)?).await?;
    assert!(run.matched.iter().all(|(_, count)| *count == 0), "{run:?}");
    let mut causes = bank.open_breaks().await?;
    causes.sort_unstable();
    let expected = [
        (100, "ambiguous"),
        (100, "ambiguous"),
        (100, "ambiguous"),
        (449, "amount-differs"),
        (450, "amount-differs"),
        (700, "ambiguous"),
        (700, "ambiguous"),
        (700, "ambiguous"),
    ];
    assert_eq!(causes, expected);
    let breaks = bank.reconciliation.breaks(&bank.account, Currency::EUR, &[BreakState::Open], None, 200).await?;
    let line = breaks.iter().find(|one| one.amount.minor() == 700 && matches!(one.subject, BreakSubject::Line { .. }));
    assert_eq!(line.map(|one| one.candidates), Some(2));
    // A narrower look decides the one that is exact to the day.
    let run = bank.run(&within(0, 0)?).await?;
    assert_eq!(count(&run, Rule::AmountAndDate), 1);
    // Without the rule, nothing is taken by it.
    let none = RunRules { rules: Vec::new(), ..within(31, 1_000)? };
    assert!(bank.run(&none).await?.matched.is_empty());
    Ok(())
}

/// An item as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    is_line: bool,
    place: i64,
    day: u32,
    cents: i64,
    reference: String,
    bank_reference: String,
}

/// Rule and members; a member is its side and its place.
type Expected = BTreeSet<(&'static str, BTreeSet<(bool, i64)>)>;

/// The rules for one line and one posting and for a reference, by looking at every pair.
fn model(all: &[Seen], days: u32, minor: i64) -> Expected {
    let mut open: Vec<Seen> = all.to_vec();
    let mut found = Expected::new();
    let mut take = |open: &mut Vec<Seen>, rule: Rule, groups: Vec<Vec<Seen>>| {
        for group in groups {
            open.retain(|one| !group.contains(one));
            found.insert((rule.name(), group.iter().map(|one| (one.is_line, one.place)).collect()));
        }
    };
    let pairs = |open: &[Seen], same: &dyn Fn(&Seen, &Seen) -> bool, line_like: &dyn Fn(&Seen, &Seen) -> bool| {
        let mut pairs = Vec::new();
        for line in open.iter().filter(|one| one.is_line) {
            for posting in open.iter().filter(|one| !one.is_line && same(line, one)) {
                let lines = open.iter().filter(|one| one.is_line && line_like(one, posting)).count();
                let postings = open.iter().filter(|one| !one.is_line && same(line, one)).count();
                if lines == 1 && postings == 1 {
                    pairs.push(vec![line.clone(), posting.clone()]);
                }
            }
        }
        pairs
    };
    let named = |l: &Seen, p: &Seen| !l.reference.is_empty() && l.reference == p.reference && l.cents == p.cents;
    let groups = pairs(&open, &named, &named);
    take(&mut open, Rule::ReferenceAndAmount, groups);
    let by_bank =
        |l: &Seen, p: &Seen| !l.bank_reference.is_empty() && l.bank_reference == p.reference && l.cents == p.cents;
    let groups = pairs(&open, &by_bank, &by_bank);
    take(&mut open, Rule::BankReferenceAndAmount, groups);
    let references: BTreeSet<String> = open.iter().map(|one| one.reference.clone()).filter(|r| !r.is_empty()).collect();
    let mut groups = Vec::new();
    for reference in references {
        let group: Vec<Seen> = open.iter().filter(|one| one.reference == reference).cloned().collect();
        let sum: i64 = group.iter().map(|one| if one.is_line { one.cents } else { -one.cents }).sum();
        let both = group.iter().any(|one| one.is_line) && group.iter().any(|one| !one.is_line);
        if both && sum == 0 {
            groups.push(group);
        }
    }
    take(&mut open, Rule::ReferenceGroup, groups);
    let shared = |open: &[Seen], one: &Seen| {
        !one.reference.is_empty() && open.iter().any(|o| o.is_line != one.is_line && o.reference == one.reference)
    };
    let unnamed: Vec<Seen> = open.iter().filter(|one| !shared(&open, one)).cloned().collect();
    let near = |l: &Seen, p: &Seen| l.cents == p.cents && l.day.abs_diff(p.day) <= days;
    let groups = pairs(&unnamed, &near, &near);
    take(&mut open, Rule::AmountAndDate, groups);
    let same_reference = |l: &Seen, p: &Seen| !l.reference.is_empty() && l.reference == p.reference;
    let groups = pairs(&open, &same_reference, &same_reference)
        .into_iter()
        .filter(|pair| {
            let apart = (pair[0].cents - pair[1].cents).abs();
            apart <= minor && pair[0].cents.signum() == pair[1].cents.signum()
        })
        .collect();
    take(&mut open, Rule::AmountTolerance, groups);
    found
}

type Drawn = (Vec<(u32, i64, u8, u8)>, Vec<(u32, i64, u8)>, u32, i64);

fn histories() -> impl Strategy<Value = Drawn> {
    let cents = prop_oneof![-4..=-1_i64, 1..=4_i64];
    let line = (2..9_u32, cents.clone(), 0..5_u8, 0..5_u8);
    let posting = (2..9_u32, cents, 0..5_u8);
    (proptest::collection::vec(line, 0..9), proptest::collection::vec(posting, 0..9), 0..4_u32, 0..3_i64)
}

fn reference(number: u8) -> String {
    if number == 0 { String::new() } else { format!("R{number}") }
}

/// Random histories on one account each; the database and the model agree on every match.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_and_the_model_find_the_same_matches() -> Result {
    let mut bank = Bank::new().await?;
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut seen = BTreeSet::new();
    for case in 0..80 {
        let drawn = histories().new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let (lines, postings, days, minor) = &drawn;
        bank.turn_to(&format!("model-{case}")).await?;
        let mut all = Vec::new();
        for (day, cents, named) in postings {
            // Without a name an entry is named by its key, which nothing else is.
            let place = bank.book(*day, *cents, &reference(*named)).await?;
            let reference = if *named == 0 { format!("KEY{place}") } else { reference(*named) };
            all.push(Seen {
                is_line: false,
                place,
                day: *day,
                cents: *cents,
                reference,
                bank_reference: String::new(),
            });
        }
        let named: Vec<(String, String)> =
            lines.iter().map(|(_, _, ours, theirs)| (reference(*ours), reference(*theirs))).collect();
        let mut arriving = Vec::new();
        for (((day, cents, _, _), (ours, theirs)), place) in lines.iter().zip(&named).zip(1..) {
            arriving.push(BankLine { bank_reference: theirs, ..line(*day, *cents, ours) });
            let (reference, bank_reference) = (ours.clone(), theirs.clone());
            all.push(Seen { is_line: true, place, day: *day, cents: *cents, reference, bank_reference });
        }
        bank.arrives(&arriving).await?;
        let rules = RunRules { rules: Rule::ORDER[..5].to_vec(), ..within(i32::try_from(*days)?, *minor)? };
        let run = bank.run(&rules).await?;
        let made: i64 = run.matched.iter().map(|(_, count)| count).sum();
        let mut found = Expected::new();
        for number in 1..=made {
            let one = bank.reconciliation.match_of(&bank.account, Currency::EUR, number).await?;
            let members = one.items.iter().map(|item| match item.subject {
                BreakSubject::Line { line, .. } => (true, i64::from(line)),
                BreakSubject::Posting { sequence, .. } => (false, sequence.number()),
                BreakSubject::Difference { .. } => unreachable!("a match has items"),
            });
            found.insert((one.rule.name(), members.collect()));
        }
        assert_eq!(found, model(&all, *days, *minor), "case {case}: {drawn:?}");
        let standing = bank.reconciliation.standing(&bank.account, Currency::EUR, super::bank::day(31)).await?;
        assert_eq!(standing.unexplained.minor(), 0, "case {case}: {standing:?}");
        let matched: usize = found.iter().map(|(_, members)| members.len()).sum();
        let differing = found.iter().filter(|(rule, _)| *rule == Rule::AmountTolerance.name()).count();
        let breaks = bank.open_breaks().await?;
        assert_eq!(breaks.len(), all.len() - matched + differing, "case {case}: every open item is a break");
        seen.extend(found.iter().map(|(rule, _)| *rule));
    }
    assert_eq!(seen.len(), 5, "the histories let every rule find something: {seen:?}");
    Ok(())
}
