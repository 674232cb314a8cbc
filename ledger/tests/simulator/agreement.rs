//! What was answered, held against the model in the order of the book.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ledger::Outcome;
use uuid::Uuid;

use super::house::House;
use super::question::Answer;
use crate::fixture::Result;
use crate::held::{compare_receipt, hold_id};
use crate::model::{Model, Operation, Verdict};

/// Tells the model what was booked, and checks each answer.
pub async fn agree(house: &House, model: &mut Model, answers: &[Answer]) -> Result {
    let first = model.entries.len() as i64;
    let mut owner = house.test.owner().await?;
    let head = head(&mut owner).await?;
    let mut booked = BTreeMap::<i64, &Answer>::new();
    for answer in answers.iter().filter(|answer| !answer.is_dry) {
        if let Ok(receipt) = &answer.answer
            && receipt.sequence.number() > first
        {
            let before = booked.insert(receipt.sequence.number(), answer);
            let twice = before.is_some_and(|before| is_first(before) && is_first(answer));
            assert!(!twice, "two were told that they booked {answer:?}");
            // The answer with the balances is the one to look at.
            if let Some(before) = before.filter(|before| is_first(before)) {
                booked.insert(receipt.sequence.number(), before);
            }
        }
    }
    // How the book stood after each entry of the round.
    let mut stages = vec![model.clone()];
    for sequence in first + 1..=head {
        match booked.get(&sequence) {
            Some(Answer { key, operation, answer, .. }) => {
                let verdict = model.apply(*key, operation);
                assert_eq!(verdict, Verdict::Booked(sequence), "{operation:?} under key {key}");
                if let Ok(receipt) = answer {
                    compare_receipt(model, receipt);
                }
            }
            None => tidied(&mut owner, model, sequence).await?,
        }
        stages.push(model.clone());
    }
    assert!(booked.keys().all(|sequence| *sequence <= head), "entries that were answered are not there: {booked:?}");
    for answer in answers {
        check(&stages, first, answer);
    }
    Ok(())
}

/// Whether it was told that it is booked by this very question.
fn is_first(answer: &Answer) -> bool {
    answer.answer.as_ref().is_ok_and(|receipt| receipt.outcome == Outcome::Booked)
}

/// Whether the answer is the model's at a moment after its question.
fn check(stages: &[Model], first: i64, asked: &Answer) {
    let Answer { key, operation, is_dry, since, answer } = asked;
    let expected = match answer {
        Ok(receipt) if *is_dry && receipt.outcome == Outcome::WouldBeBooked => {
            Verdict::Booked(receipt.sequence.number())
        }
        Ok(receipt) => Verdict::Before(receipt.sequence.number()),
        Err(reason) => Verdict::Refused(reason),
    };
    let from = usize::try_from(since - first).unwrap_or(0);
    let fits = stages[from..].iter().any(|stage| stage.clone().apply(*key, operation) == expected);
    let verdicts = || stages[from..].iter().map(|stage| stage.clone().apply(*key, operation)).collect::<Vec<_>>();
    assert!(fits, "{asked:?}: the model says, from sequence {since} on, {:?}", verdicts());
}

/// An entry that nobody asked for takes an expired hold off the list.
async fn tidied(owner: &mut AsyncPgConnection, model: &mut Model, sequence: i64) -> Result {
    #[derive(Debug, QueryableByName)]
    struct Expired {
        #[diesel(sql_type = SqlUuid)]
        hold_id: Uuid,
        #[diesel(sql_type = BigInt)]
        amount_minor: i64,
    }
    const TEXT: &str = "select hold_id, amount_minor
        from ledger.hold_changes
        where sequence = $1
          and change = 'expired'";
    let expired: Vec<Expired> = diesel::sql_query(TEXT).bind::<BigInt, _>(sequence).load(owner).await?;
    let [expired] = expired.as_slice() else {
        panic!("nobody was told of entry {sequence}, and it tidies nothing up: {expired:?}");
    };
    let (number, hold) = model
        .holds
        .iter()
        .find(|(number, _)| hold_id(**number).uuid() == expired.hold_id)
        .ok_or("a hold that the model does not know")?;
    assert!(hold.until <= model.now && hold.remaining == expired.amount_minor, "{hold:?} is not over at {}", model.now);
    let number = *number;
    model.tidied(number);
    Ok(())
}

async fn head(owner: &mut AsyncPgConnection) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Head {
        #[diesel(sql_type = BigInt)]
        last_sequence: i64,
    }
    let row: Head = diesel::sql_query("select last_sequence from ledger.books").get_result(owner).await?;
    Ok(row.last_sequence)
}

#[test]
fn a_refusal_that_no_moment_explains_is_found() {
    let mut model = Model::new(crate::held::accounts(), crate::held::START);
    let before = model.clone();
    let spend = Operation::Move { debit: 1, credit: 0, amount: 5 };
    assert_eq!(model.apply(1, &Operation::Move { debit: 0, credit: 1, amount: 5 }), Verdict::Booked(1));
    let stages = [before, model];
    let refused = |since| Answer { key: 2, operation: spend.clone(), is_dry: false, since, answer: Err("below-floor") };
    // Right before the money came in, wrong once somebody had been told of it.
    check(&stages, 0, &refused(0));
    assert!(std::panic::catch_unwind(|| check(&stages, 0, &refused(1))).is_err());
}
