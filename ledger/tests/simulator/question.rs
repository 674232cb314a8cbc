//! Questions to the ledger, asked until they are answered.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ledger::{Approvals, Ledger, PostError, Receipt, UnitOfWork};
use rand::RngExt;
use rand::rngs::StdRng;
use uuid::Uuid;

use super::house::House;
use crate::held::{date, key};
use crate::model::{Model, Operation};

const AUDITOR: Uuid = Uuid::from_u128(1);
const DIRECTOR: Uuid = Uuid::from_u128(2);
/// Attempts after which an answer is overdue: the faults of a round are over long before.
const MAX_ATTEMPTS: usize = 1_000;

/// What one asks in one go.
pub enum Question {
    /// Units, in order.
    Units(Vec<(u64, Operation, UnitOfWork)>),
    /// A unit that is decided and not booked.
    DryRun(u64, Operation, Box<UnitOfWork>),
    /// A change of period.
    Period(u64, Operation),
}

/// What came of it.
#[derive(Debug)]
pub struct Answer {
    pub key: u64,
    pub operation: Operation,
    pub is_dry: bool,
    /// The newest entry that somebody had been told of when this was asked for the last time.
    pub since: i64,
    pub answer: Result<Receipt, &'static str>,
}

impl Question {
    /// One of its units, by itself.
    pub fn once_more(&self, random: &mut StdRng) -> Option<Self> {
        match self {
            Self::Units(units) => Some(Self::Units(vec![units[random.random_range(0..units.len())].clone()])),
            Self::DryRun(..) | Self::Period(..) => None,
        }
    }

    /// Asks through that door until all is answered.
    pub async fn ask(self, house: &House, door: usize) -> Vec<Answer> {
        let mut open: Vec<_> = match self {
            Self::Units(units) => {
                units.into_iter().map(|(key, operation, unit)| (key, operation, Some(unit))).collect()
            }
            Self::DryRun(key, operation, unit) => {
                return vec![until_answered(house, door, true, key, operation, Some(*unit)).await];
            }
            Self::Period(key, operation) => {
                return vec![until_answered(house, door, false, key, operation, None).await];
            }
        };
        let mut answers = Vec::new();
        let since = house.told.load(Ordering::SeqCst);
        let units = open.iter().filter_map(|(_, _, unit)| unit.clone()).collect();
        if let Ok(answered) = house.ledger(door).post_all(units).await {
            let mut lost = Vec::new();
            for ((key, operation, unit), answer) in open.into_iter().zip(answered) {
                match certain(house, answer) {
                    Some(answer) => answers.push(Answer { key, operation, is_dry: false, since, answer }),
                    None => lost.push((key, operation, unit)),
                }
            }
            open = lost;
        }
        for (key, operation, unit) in open {
            answers.push(until_answered(house, door, false, key, operation, unit).await);
        }
        answers
    }
}

async fn until_answered(
    house: &House,
    door: usize,
    is_dry: bool,
    number: u64,
    operation: Operation,
    unit: Option<UnitOfWork>,
) -> Answer {
    for attempt in 0..MAX_ATTEMPTS {
        let since = house.told.load(Ordering::SeqCst);
        // Who got no answer tries elsewhere.
        let ledger = house.ledger((door + attempt) % 2);
        let answer = match (&unit, &operation) {
            (Some(unit), _) if is_dry => ledger.dry_run(unit.clone()).await,
            (Some(unit), _) => ledger.post(unit.clone()).await,
            (None, operation) => change_period(&ledger, number, operation).await,
        };
        if let Some(answer) = certain(house, answer) {
            return Answer { key: number, operation, is_dry, since, answer };
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no answer to {operation:?} under key {number}");
}

async fn change_period(ledger: &Ledger, number: u64, operation: &Operation) -> Result<Receipt, PostError> {
    match *operation {
        Operation::Close { through } => ledger.close_period(key(number), date(through), AUDITOR).await,
        Operation::Reopen { from } => {
            let approvals = Approvals::try_new(AUDITOR, DIRECTOR).expect("two people");
            ledger.reopen_period(key(number), date(from), approvals).await
        }
        _ => panic!("{operation:?} changes no period"),
    }
}

/// The answer, if it is one; the ledger owes another one otherwise.
fn certain(house: &House, answer: Result<Receipt, PostError>) -> Option<Result<Receipt, &'static str>> {
    match answer {
        Ok(receipt) => {
            if receipt.outcome != ledger::Outcome::WouldBeBooked {
                house.told.fetch_max(receipt.sequence.number(), Ordering::SeqCst);
            }
            Some(Ok(receipt))
        }
        Err(PostError::Refused(refusal)) => Some(Err(refusal.reason())),
        Err(PostError::Busy { .. } | PostError::Unavailable(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

/// A movement between a few accounts, often of all that there is.
pub fn plain(random: &mut StdRng, model: &Model) -> Operation {
    let (debit, credit) = [(0, 1), (1, 2), (2, 1), (1, 0), (2, 0), (0, 2)][random.random_range(0..6)];
    let all = model.normal(debit) - model.held(debit);
    let amount = if debit != 0 && random.random_bool(0.7) { all.max(1) } else { random.random_range(1..100) };
    Operation::Move { debit, credit, amount }
}

/// Any unit that can be asked for where the model stands.
pub fn any(random: &mut StdRng, model: &Model) -> Operation {
    let account = |random: &mut StdRng| random.random_range(0..model.accounts.len());
    let hold = |random: &mut StdRng| random.random_range(1..60);
    let debit = account(random);
    let credit = (debit + random.random_range(1..model.accounts.len())) % model.accounts.len();
    match random.random_range(0..100) {
        0..50 => Operation::Move { debit, credit, amount: random.random_range(1..120) },
        50..55 => {
            let day = model.today() - random.random_range(1..8);
            Operation::Late { debit, credit, amount: random.random_range(1..40), day }
        }
        55..68 => Operation::Place {
            hold: hold(random),
            account: account(random),
            amount: random.random_range(1..80),
            until: model.now + random.random_range(-1..30),
        },
        68..82 => {
            let of_hold = random.random_range(1..60);
            let amount = (of_hold + random.random_range(-1..3)).max(1);
            Operation::Post { hold: hold(random), debit, credit, amount, of_hold }
        }
        82..90 => Operation::Release { hold: hold(random) },
        _ => match random.random_range(0..=model.entries.len()) {
            0 => Operation::Move { debit: 0, credit: 1, amount: 10 },
            sequence if model.is_reversible(sequence as i64) => Operation::Reverse { sequence: sequence as i64 },
            _ => Operation::Move { debit: 0, credit: 2, amount: 10 },
        },
    }
}
