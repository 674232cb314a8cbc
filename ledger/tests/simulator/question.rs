//! Questions to the ledger, asked until they are answered.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use super::house::House;
use crate::model::Operation;
use crate::process::errand::{BOOKS, Booked, Errand, Left, Told, Wish};

/// Attempts after which an answer is overdue: the faults of a round are over long before.
const MAX_ATTEMPTS: usize = 2_000;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(5);

/// What one asks in one go.
#[derive(Clone, Debug)]
pub enum Question {
    /// Units, in order.
    Units { book: usize, units: Vec<(u64, Operation)> },
    /// Units from a file.
    File { book: usize, units: Vec<(u64, Operation)> },
    /// A unit that is decided and not booked.
    DryRun { book: usize, key: u64, operation: Operation },
    /// A change of period.
    Period { book: usize, key: u64, operation: Operation },
    /// A transfer, which is perhaps asked for once and left to itself.
    Transfer { wish: Wish, is_abandoned: bool },
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Answer {
    pub book: usize,
    pub key: u64,
    pub operation: Operation,
    pub is_dry: bool,
    /// The newest entry that somebody had been told of when this was asked for the last time.
    pub since: i64,
    pub answer: Result<Left, String>,
}

/// How a transfer ended, if somebody was told.
#[derive(Clone, Debug)]
pub struct Transferred {
    pub wish: Wish,
    /// The newest entries that somebody had been told of when it was asked for the first time.
    pub since: [i64; BOOKS],
    pub ended: Option<String>,
}

/// All that came of a question.
#[derive(Debug, Default)]
pub struct Answers {
    pub units: Vec<Answer>,
    pub transfers: Vec<Transferred>,
}

impl Question {
    /// One of its units, by itself, or the same transfer again.
    pub fn once_more(&self, random: &mut StdRng) -> Option<Self> {
        match self {
            Self::Units { book, units } => {
                let unit = units[random.random_range(0..units.len())].clone();
                Some(Self::Units { book: *book, units: vec![unit] })
            }
            Self::Transfer { .. } => Some(self.clone()),
            _ => None,
        }
    }

    /// Asks through that door until all is answered.
    pub async fn ask(self, house: &House, door: usize) -> Answers {
        match self {
            Self::Units { book, units } => {
                Answers { units: ask_all(house, door, book, units).await, ..Answers::default() }
            }
            Self::File { book, units } => {
                // However far it came, each unit is asked for under its key.
                house.ask(door, Errand::Load { book, units: units.clone() }).await;
                Answers { units: ask_all(house, door, book, units).await, ..Answers::default() }
            }
            Self::DryRun { book, key, operation } => Answers {
                units: vec![until_answered(house, door, book, true, key, operation).await],
                ..Answers::default()
            },
            Self::Period { book, key, operation } => Answers {
                units: vec![until_answered(house, door, book, false, key, operation).await],
                ..Answers::default()
            },
            Self::Transfer { wish, is_abandoned } => {
                Answers { transfers: vec![until_ended(house, door, wish, is_abandoned).await], ..Answers::default() }
            }
        }
    }
}

async fn ask_all(house: &House, door: usize, book: usize, units: Vec<(u64, Operation)>) -> Vec<Answer> {
    let since = house.told[book].load(Ordering::SeqCst);
    let told = house.ask(door, Errand::Post { book, units: units.clone() }).await.unwrap_or_default();
    let mut told = told.into_iter().map(|told| certain(house, book, told));
    let mut answers = Vec::new();
    for (key, operation) in units {
        answers.push(match told.next().flatten() {
            Some(answer) => Answer { book, key, operation, is_dry: false, since, answer },
            None => until_answered(house, door, book, false, key, operation).await,
        });
    }
    answers
}

async fn until_answered(
    house: &House,
    door: usize,
    book: usize,
    is_dry: bool,
    key: u64,
    operation: Operation,
) -> Answer {
    for attempt in 0..MAX_ATTEMPTS {
        let since = house.told[book].load(Ordering::SeqCst);
        let asked = operation.clone();
        let errand = match operation {
            Operation::Close { .. } | Operation::Reopen { .. } => Errand::ChangePeriod { book, key, operation: asked },
            _ if is_dry => Errand::DryRun { book, key, operation: asked },
            _ => Errand::Post { book, units: vec![(key, asked)] },
        };
        // Who got no answer tries elsewhere.
        let told = house.ask((door + attempt) % 2, errand).await.and_then(|mut told| told.pop());
        if let Some(answer) = told.and_then(|told| certain(house, book, told)) {
            return Answer { book, key, operation, is_dry, since, answer };
        }
        tokio::time::sleep(BETWEEN_ATTEMPTS).await;
    }
    panic!("no answer to {operation:?} under key {key}");
}

async fn until_ended(house: &House, door: usize, wish: Wish, is_abandoned: bool) -> Transferred {
    let since = [0, 1].map(|book: usize| house.told[book].load(Ordering::SeqCst));
    let attempts = if is_abandoned { 1 } else { MAX_ATTEMPTS };
    for attempt in 0..attempts {
        let told = house.ask((door + attempt) % 2, Errand::Transfer(wish)).await.and_then(|mut told| told.pop());
        match told {
            Some(Told::Ended(state)) => return Transferred { wish, since, ended: Some(state) },
            Some(Told::Lost(_)) | None => tokio::time::sleep(BETWEEN_ATTEMPTS).await,
            Some(told) => panic!("{told:?} to {wish:?}"),
        }
    }
    assert!(is_abandoned, "no end of {wish:?}");
    Transferred { wish, since, ended: None }
}

/// The answer, if it is one; the ledger owes another one otherwise.
fn certain(house: &House, book: usize, told: Told) -> Option<Result<Left, String>> {
    match told {
        Told::Receipt(left) => {
            if left.booked != Booked::Never {
                house.told[book].fetch_max(left.sequence, Ordering::SeqCst);
            }
            Some(Ok(left))
        }
        Told::Refused(reason) => Some(Err(reason)),
        Told::Lost(_) => None,
        Told::Ended(_) | Told::Done | Told::Broken(_) => panic!("{told:?} is no answer to a unit"),
    }
}
