//! What was answered, held against the models in the order of the books.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::house::House;
use super::question::Answer;
use super::transfers::{Leg, Transfers};
use crate::fixture::Result;
use crate::held::{compare_receipt, hold_id};
use crate::model::{Model, Operation, Verdict};
use crate::process::errand::{Booked, book_id};

/// Tells the model of a book what was booked, and checks each answer; returns how the book stood after each entry.
pub async fn agree(
    house: &House,
    book: usize,
    model: &mut Model,
    answers: &[Answer],
    transfers: &mut Transfers,
) -> Result<Vec<Model>> {
    let first = model.entries.len() as i64;
    let answers: Vec<&Answer> = answers.iter().filter(|answer| answer.book == book).collect();
    let mut owner = house.owner().await?;
    let head = head(&mut owner, book).await?;
    let booked = by_sequence(&answers, first);
    let mut stages = vec![model.clone()];
    for sequence in first + 1..=head {
        match booked.get(&sequence) {
            Some(Answer { key, operation, answer, .. }) => {
                let verdict = model.apply(*key, operation);
                assert_eq!(verdict, Verdict::Booked(sequence), "{operation:?} under key {key}");
                if let Ok(left) = answer {
                    compare_receipt(model, left);
                }
            }
            None => unasked(&mut owner, book, model, sequence, transfers).await?,
        }
        stages.push(model.clone());
    }
    assert!(booked.keys().all(|sequence| *sequence <= head), "entries that were answered are not there: {booked:?}");
    for answer in answers {
        check(&stages, first, answer);
    }
    Ok(stages)
}

/// Which answer tells of which new entry.
fn by_sequence<'a>(answers: &[&'a Answer], first: i64) -> BTreeMap<i64, &'a Answer> {
    let mut booked = BTreeMap::<i64, &Answer>::new();
    for answer in answers.iter().filter(|answer| !answer.is_dry) {
        if let Ok(left) = &answer.answer
            && left.sequence > first
        {
            let before = booked.insert(left.sequence, answer);
            let twice = before.is_some_and(|before| is_first(before) && is_first(answer));
            assert!(!twice, "two were told that they booked {answer:?}");
            // The answer with the balances is the one to look at.
            if let Some(before) = before.filter(|before| is_first(before)) {
                booked.insert(left.sequence, before);
            }
        }
    }
    booked
}

/// Whether it was told that it is booked by this very question.
fn is_first(answer: &Answer) -> bool {
    answer.answer.as_ref().is_ok_and(|left| left.booked == Booked::Now)
}

/// Whether the answer is the model's at a moment after its question.
fn check(stages: &[Model], first: i64, asked: &Answer) {
    let Answer { key, operation, since, answer, .. } = asked;
    let fits = |verdict: &Verdict| match (answer, verdict) {
        (Ok(left), Verdict::Booked(sequence)) => left.booked == Booked::Never && left.sequence == *sequence,
        (Ok(left), Verdict::Before(sequence)) => left.booked != Booked::Never && left.sequence == *sequence,
        (Err(reason), Verdict::Refused(modelled)) => reason == modelled,
        _ => false,
    };
    let from = usize::try_from(since - first).unwrap_or(0);
    let verdicts: Vec<_> = stages[from..].iter().map(|stage| stage.clone().apply(*key, operation)).collect();
    assert!(verdicts.iter().any(fits), "{asked:?}: the model says, from sequence {since} on, {verdicts:?}");
}

/// An entry that nobody asked for: the leg of a transfer, or one that takes an expired hold off the list.
async fn unasked(
    owner: &mut AsyncPgConnection,
    book: usize,
    model: &mut Model,
    sequence: i64,
    transfers: &mut Transfers,
) -> Result {
    #[derive(Debug, QueryableByName)]
    struct Unasked {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        subject: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        hold_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<BigInt>)]
        expired_minor: Option<i64>,
    }
    const TEXT: &str = "select e.kind, e.subject, h.hold_id, h.amount_minor as expired_minor
        from ledger.entries e
        left join ledger.hold_changes h
            on h.book_id = e.book_id
            and h.sequence = e.sequence
            and h.change = 'expired'
        where e.book_id = $1
          and e.sequence = $2";
    let query = diesel::sql_query(TEXT).bind::<SmallInt, _>(book_id(book).number()).bind::<BigInt, _>(sequence);
    let entry: Unasked = query.get_result(owner).await?;
    if let (Some(leg), Some(subject)) = (Leg::of_kind(&entry.kind), entry.subject) {
        return transfers.booked(book, model, sequence, leg, subject);
    }
    let (Some(hold), Some(expired)) = (entry.hold_id, entry.expired_minor) else {
        panic!("nobody was told of entry {sequence} of book {book}: {entry:?}");
    };
    let known = model.holds.iter().find(|(number, _)| hold_id(**number).uuid() == hold);
    let (number, modelled) = known.ok_or("a hold that the model does not know")?;
    assert!(modelled.until <= model.now && modelled.remaining == expired, "{modelled:?} is not over at {}", model.now);
    let number = *number;
    model.tidied(number);
    Ok(())
}

async fn head(owner: &mut AsyncPgConnection, book: usize) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Head {
        #[diesel(sql_type = BigInt)]
        last_sequence: i64,
    }
    let query = diesel::sql_query("select last_sequence from ledger.books where book_id = $1");
    let row: Head = query.bind::<SmallInt, _>(book_id(book).number()).get_result(owner).await?;
    Ok(row.last_sequence)
}

#[test]
fn a_refusal_that_no_moment_explains_is_found() {
    let mut model = Model::new(crate::held::accounts(), crate::held::START);
    let before = model.clone();
    let spend = Operation::Move { debit: 1, credit: 0, amount: 5 };
    assert_eq!(model.apply(1, &Operation::Move { debit: 0, credit: 1, amount: 5 }), Verdict::Booked(1));
    let stages = [before, model];
    let refused = |since| Answer {
        book: 0,
        key: 2,
        operation: spend.clone(),
        is_dry: false,
        since,
        answer: Err("below-floor".to_owned()),
    };
    // Right before the money came in, wrong once somebody had been told of it.
    check(&stages, 0, &refused(0));
    assert!(std::panic::catch_unwind(|| check(&stages, 0, &refused(1))).is_err());
}
