//! Transfers between the two books: which legs were booked, and whether what was told of them is so.

use std::collections::BTreeMap;

use ledger::{Clearing, ClearingError};
use uuid::Uuid;

use super::question::Transferred;
use crate::fixture::Result;
use crate::model::{Model, Operation, Verdict};
use crate::process::errand::{BOOKS, Wish, book_id, claimed, owed, transfer_id};

/// Keys of the models for legs, beyond those that are asked for.
const FIRST_KEY: u64 = 1 << 40;
const LEGS: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    Departure,
    Arrival,
    Return,
}

impl Leg {
    pub fn of_kind(kind: &str) -> Option<Self> {
        match kind {
            "transfer-departed" => Some(Self::Departure),
            "transfer-arrived" => Some(Self::Arrival),
            "transfer-returned" => Some(Self::Return),
            _ => None,
        }
    }

    /// The book that it is booked in, and as what; nothing where it names no account.
    fn of(self, wish: &Wish) -> (usize, Option<Operation>) {
        let (owed, claimed, amount) = (owed(wish.debit), claimed(wish.debit), wish.amount);
        let leg = |debit, credit| Operation::Leg { debit, credit, amount };
        match self {
            Self::Departure => (wish.from, Some(leg(wish.debit, owed))),
            Self::Arrival => (wish.to(), wish.credit.map(|credit| leg(claimed, credit))),
            Self::Return => (wish.from, Some(leg(owed, wish.debit))),
        }
    }

    fn key(self, wish: &Wish) -> u64 {
        FIRST_KEY + wish.id * LEGS + self as u64
    }
}

/// A transfer that was wished for.
#[derive(Debug)]
struct Journey {
    wish: Wish,
    legs: Vec<Leg>,
    told: Option<String>,
}

#[derive(Debug, Default)]
pub struct Transfers(BTreeMap<u64, Journey>);

impl Transfers {
    pub fn wished(&mut self, wish: Wish) {
        self.0.insert(wish.id, Journey { wish, legs: Vec::new(), told: None });
    }

    /// A leg stands in a book.
    pub fn booked(&mut self, book: usize, model: &mut Model, sequence: i64, leg: Leg, subject: Uuid) -> Result {
        let journey = self.0.values_mut().find(|journey| transfer_id(journey.wish.id).uuid() == subject);
        let journey = journey.ok_or("a transfer that nobody wished for")?;
        let (of_book, operation) = leg.of(&journey.wish);
        let operation = operation.ok_or("a transfer arrived where there is no account")?;
        assert_eq!(of_book, book, "{leg:?} of {journey:?}");
        assert_eq!(
            model.apply(leg.key(&journey.wish), &operation),
            Verdict::Booked(sequence),
            "{leg:?} of {journey:?}"
        );
        journey.legs.push(leg);
        Ok(())
    }

    /// Holds what was told against the legs that are booked, and refusals against how the books stood in the round,
    /// which began after those sequences.
    pub fn check(&mut self, told: &[Transferred], stages: &[Vec<Model>], firsts: [i64; BOOKS]) {
        for Transferred { wish, ended, .. } in told {
            let journey = self.0.get_mut(&wish.id).expect("it was wished for");
            let Some(ended) = ended else { continue };
            assert!(journey.told.as_ref().is_none_or(|told| told == ended), "{journey:?} was told to have {ended}");
            journey.told = Some(ended.clone());
            assert_eq!(state_of(journey), ended, "{journey:?}");
            let refuser = match ended.as_str() {
                "refused" => Leg::Departure,
                "returned" => Leg::Arrival,
                _ => continue,
            };
            let (book, Some(operation)) = refuser.of(wish) else { continue };
            // Whoever asked once more was told of what had been decided for the first.
            let askings = told.iter().filter(|other| other.wish.id == wish.id);
            let since = askings.map(|other| other.since[book]).min().unwrap_or_default();
            let from = usize::try_from(since - firsts[book]).unwrap_or(0);
            let mut refusals = stages[book][from..].iter().map(|stage| stage.clone().apply(u64::MAX, &operation));
            let fits = refusals.any(|verdict| matches!(verdict, Verdict::Refused(_)));
            assert!(fits, "{journey:?}: no moment explains why");
        }
    }

    /// At the end each one is settled, as it was told and as its legs are.
    pub async fn compare(&self, clearing: &Clearing) -> Result<BTreeMap<&'static str, usize>> {
        let mut ends = BTreeMap::new();
        for journey in self.0.values() {
            let (book, id) = (book_id(journey.wish.from), transfer_id(journey.wish.id));
            let state = match clearing.get(book, id).await {
                // It was asked of a process that died before it wrote anything.
                Err(ClearingError::UnknownTransfer(_)) => {
                    assert!(journey.legs.is_empty() && journey.told.is_none(), "{journey:?} is not there");
                    *ends.entry("never ordered").or_default() += 1;
                    continue;
                }
                transfer => transfer?.state,
            };
            assert!(state.is_final(), "{journey:?} is {}", state.word());
            assert_eq!(state.word(), state_of(journey), "{journey:?}");
            assert!(journey.told.as_ref().is_none_or(|told| told == state.word()), "{journey:?} is {}", state.word());
            *ends.entry(state.word()).or_default() += 1;
        }
        Ok(ends)
    }
}

/// What its legs say of one that is settled.
fn state_of(journey: &Journey) -> &'static str {
    match journey.legs.as_slice() {
        [] => "refused",
        [Leg::Departure, Leg::Arrival] | [Leg::Arrival, Leg::Departure] => "arrived",
        [Leg::Departure, Leg::Return] => "returned",
        _ => "not settled",
    }
}
