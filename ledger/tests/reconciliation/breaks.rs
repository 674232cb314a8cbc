use ledger::reconciliation::{
    Break, BreakState, BreakStep, BreakSubject, ReconciliationError, Rule, RunRules, Tolerances,
};
use ledger::{Currency, Sequence};
use uuid::Uuid;

use super::bank::{Bank, BankLine, day, line};
use crate::fixture::{Result, euro};

async fn all(bank: &Bank) -> Result<Vec<Break>> {
    Ok(bank.reconciliation.breaks(&bank.account, Currency::EUR, &BreakState::ALL, None, 200).await?)
}

async fn step(bank: &Bank, number: i64, step: BreakStep) -> std::result::Result<BreakState, ReconciliationError> {
    bank.reconciliation.step(&bank.account, Currency::EUR, number, &step, bank.person).await
}

async fn history(bank: &Bank, number: i64) -> Result<Vec<&'static str>> {
    let past = bank.reconciliation.break_history(&bank.account, Currency::EUR, number).await?;
    Ok(past.iter().map(|past| past.event.word()).collect())
}

fn because(reason: &str) -> String {
    reason.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_charge_is_taken_on_corrected_by_an_entry_and_then_matches() -> Result {
    let mut bank = Bank::new().await?;
    let charge = BankLine { text: "charges of Ms Sow", ..line(3, -250, "") };
    bank.arrives(&[charge]).await?;
    bank.run(&RunRules::default()).await?;
    let found = all(&bank).await?;
    assert_eq!(found.len(), 1);
    let number = found[0].number;
    assert_eq!((found[0].text.as_deref(), found[0].occurs_on), (Some("charges of Ms Sow"), day(3)));
    assert!(matches!(found[0].subject, BreakSubject::Line { statement: 1, line: 1, .. }));

    let correction = BreakStep::Correct { entry: Sequence::new(3), reason: because("charges were not booked") };
    let early = step(&bank, number, correction.clone()).await;
    assert!(matches!(early, Err(ReconciliationError::WrongState { state: BreakState::Open, .. })), "{early:?}");
    let owner = Uuid::now_v7();
    assert_eq!(step(&bank, number, BreakStep::Assign { owner }).await?, BreakState::Assigned);
    let unknown = step(&bank, number, correction.clone()).await;
    assert!(matches!(unknown, Err(ReconciliationError::UnknownEntry(3))), "{unknown:?}");
    assert_eq!(bank.book(3, -250, "").await?, 3);
    assert_eq!(step(&bank, number, correction).await?, BreakState::Corrected);
    assert_eq!(all(&bank).await?[0].owner, Some(owner));
    let run = bank.run(&RunRules::default()).await?;
    assert_eq!((run.collected, run.settled), (1, 0));
    assert!(run.matched.contains(&(Rule::AmountAndDate, 1)), "{run:?}");
    assert!(bank.open_breaks().await?.is_empty());
    assert_eq!(history(&bank, number).await?, ["opened", "assigned", "corrected"]);
    let past = bank.reconciliation.break_history(&bank.account, Currency::EUR, number).await?;
    assert_eq!(past[2].entry, Some(Sequence::new(3)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_is_explained_and_settles_when_it_comes() -> Result {
    let mut bank = Bank::new().await?;
    bank.book(5, 700, "P-7").await?;
    bank.run(&RunRules::default()).await?;
    let number = all(&bank).await?[0].number;
    step(&bank, number, BreakStep::Assign { owner: bank.person }).await?;
    for reason in ["", " ", "two\nlines", "x".repeat(501).as_str()] {
        let refused = step(&bank, number, BreakStep::Explain { reason: because(reason) }).await;
        assert!(matches!(refused, Err(ReconciliationError::Reason { .. })), "{reason:?}");
    }
    step(&bank, number, BreakStep::Explain { reason: because("the bank books it tomorrow") }).await?;
    bank.arrives(&[line(6, 700, "P-7")]).await?;
    let run = bank.run(&RunRules::default()).await?;
    assert_eq!((run.settled, run.opened), (1, 0));
    assert_eq!(history(&bank, number).await?, ["opened", "assigned", "explained", "settled"]);
    let again = bank.run(&RunRules::default()).await?;
    assert_eq!((again.collected, again.settled, again.opened), (0, 0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_off_is_left_alone_by_the_rules() -> Result {
    let mut bank = Bank::new().await?;
    bank.book(5, 700, "P-7").await?;
    bank.run(&RunRules::default()).await?;
    let number = all(&bank).await?[0].number;
    step(&bank, number, BreakStep::Assign { owner: bank.person }).await?;
    step(&bank, number, BreakStep::WriteOff { reason: because("it never came") }).await?;
    bank.arrives(&[line(6, 700, "P-7")]).await?;
    bank.run(&RunRules::default()).await?;
    assert_eq!(bank.open_breaks().await?, [(700, "nothing-fits")]);
    assert_eq!(step(&bank, number, BreakStep::Reopen { reason: because("it came") }).await?, BreakState::Open);
    let items: Vec<i64> = all(&bank)
        .await?
        .iter()
        .filter_map(|one| match one.subject {
            BreakSubject::Line { item, .. } | BreakSubject::Posting { item, .. } => Some(item),
            BreakSubject::Difference { .. } => None,
        })
        .collect();
    bank.reconciliation.match_by_hand(&bank.account, Currency::EUR, &items, "it came after all", bank.person).await?;
    assert!(bank.open_breaks().await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_by_hand_keeps_its_difference_visible_and_can_be_taken_apart() -> Result {
    let mut bank = Bank::new().await?;
    bank.book(5, 1_000, "P-1").await?;
    bank.arrives(&[line(5, 993, "XY")]).await?;
    bank.run(&RunRules::default()).await?;
    let open = all(&bank).await?;
    let items: Vec<i64> = open
        .iter()
        .filter_map(|one| match one.subject {
            BreakSubject::Line { item, .. } | BreakSubject::Posting { item, .. } => Some(item),
            BreakSubject::Difference { .. } => None,
        })
        .collect();
    let reconciliation = &bank.reconciliation;
    let by_hand = async |items: &[i64], reason: &str| {
        reconciliation.match_by_hand(&bank.account, Currency::EUR, items, reason, bank.person).await
    };
    for faulty in [&items[..1], &[items[0], items[0]], &[items[0], 99]] {
        assert!(matches!(by_hand(faulty, "why").await, Err(ReconciliationError::Items(_))), "{faulty:?}");
    }
    assert!(matches!(by_hand(&items, "").await, Err(ReconciliationError::Reason { .. })));
    let number = by_hand(&items, "the bank kept 7 cents").await?;
    assert!(matches!(by_hand(&items, "again").await, Err(ReconciliationError::Items(_))));
    assert_eq!(bank.open_breaks().await?, [(-7, "difference")]);
    let kept = reconciliation.match_of(&bank.account, Currency::EUR, number).await?;
    assert_eq!((kept.rule, kept.difference, kept.items.len()), (Rule::ByHand, euro(-7), 2));
    assert_eq!(kept.reason.as_deref(), Some("the bank kept 7 cents"));
    let standing = reconciliation.standing(&bank.account, Currency::EUR, day(6)).await?;
    assert_eq!((standing.differences, standing.unexplained), (euro(-7), euro(0)));

    reconciliation.unmatch(&bank.account, Currency::EUR, number, "another payment", bank.person).await?;
    let twice = reconciliation.unmatch(&bank.account, Currency::EUR, number, "again", bank.person).await;
    assert!(matches!(twice, Err(ReconciliationError::UnknownMatch(_))));
    let gone = reconciliation.match_of(&bank.account, Currency::EUR, number).await;
    assert!(matches!(gone, Err(ReconciliationError::UnknownMatch(_))));
    assert_eq!(bank.open_breaks().await?, [(993, "nothing-fits"), (1_000, "nothing-fits")]);
    assert_eq!(history(&bank, open[0].number).await?, ["opened", "settled", "reopened"]);
    let standing = reconciliation.standing(&bank.account, Currency::EUR, day(6)).await?;
    assert_eq!((standing.differences, standing.unexplained), (euro(0), euro(0)));

    // What a person took apart the rules do not put together again.
    let tolerant = RunRules { tolerances: Tolerances::try_new(3, 10)?, ..RunRules::default() };
    let run = bank.run(&tolerant).await?;
    assert!(run.matched.iter().all(|(_, count)| *count == 0), "{run:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_match_that_is_taken_apart_becomes_breaks() -> Result {
    let mut bank = Bank::new().await?;
    bank.book(5, 1_000, "P-1").await?;
    bank.arrives(&[line(5, 1_000, "P-1")]).await?;
    let run = bank.run(&RunRules::default()).await?;
    assert_eq!(run.matched[0], (Rule::ReferenceAndAmount, 1));
    bank.reconciliation.unmatch(&bank.account, Currency::EUR, 1, "not the same", bank.person).await?;
    let open = bank.open_breaks().await?;
    assert_eq!(open, [(1_000, "unmatched"), (1_000, "unmatched")]);
    bank.run(&RunRules::default()).await?;
    assert_eq!(bank.open_breaks().await?, open);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn breaks_age_by_the_day_on_which_they_happened() -> Result {
    let mut bank = Bank::new().await?;
    bank.arrives(&[line(1, 100, "A"), line(24, -40, "B"), line(24, 30, "C"), line(30, 5, "D")]).await?;
    bank.run(&RunRules::default()).await?;
    let oldest = all(&bank).await?[0].number;
    step(&bank, oldest, BreakStep::Assign { owner: bank.person }).await?;
    let standing = bank.reconciliation.standing(&bank.account, Currency::EUR, day(31)).await?;
    let seen: Vec<_> = standing
        .ages
        .iter()
        .map(|age| (age.from_days, age.to_days, age.open, age.assigned, age.incoming.minor(), age.outgoing.minor()))
        .collect();
    let expected = [
        (None, Some(1), 1, 0, 5, 0),
        (Some(2), Some(7), 2, 0, 30, -40),
        (Some(8), Some(30), 0, 1, 100, 0),
        (Some(31), Some(90), 0, 0, 0, 0),
        (Some(91), None, 0, 0, 0, 0),
    ];
    assert_eq!(seen, expected);
    assert_eq!((standing.outside, standing.inside), (Some(euro(95)), euro(0)));
    assert_eq!((standing.open_lines, standing.unexplained), (euro(95), euro(0)));
    let states = [BreakState::Open];
    let page = bank.reconciliation.breaks(&bank.account, Currency::EUR, &states, None, 2).await?;
    let after = page.last().map(|one| (one.occurs_on, one.number));
    let rest = bank.reconciliation.breaks(&bank.account, Currency::EUR, &states, after, 2).await?;
    assert_eq!((page.len(), rest.len()), (2, 1));
    Ok(())
}
