//! What is asked, by chance.

use rand::RngExt;
use rand::rngs::StdRng;

use super::house::THINGS;
use crate::model::{Model, Operation};
use crate::process::errand::{BOOKS, CURRENCIES, ORDINARY, Wish, position};

/// Holds that are asked for; those of one currency have every second number.
const HOLDS: usize = 60;

/// Two ordinary accounts of one currency.
fn two(random: &mut StdRng, currency: usize) -> (usize, usize) {
    let debit = random.random_range(0..ORDINARY);
    let credit = (debit + random.random_range(1..ORDINARY)) % ORDINARY;
    (currency * ORDINARY + debit, currency * ORDINARY + credit)
}

/// A movement between a few accounts, often of all that there is.
pub fn plain(random: &mut StdRng, model: &Model) -> Operation {
    let (debit, credit) = [(0, 1), (1, 2), (2, 1), (1, 0), (2, 0), (0, 2)][random.random_range(0..6)];
    let all = model.normal(debit) - model.held(debit);
    let amount = if debit != 0 && random.random_bool(0.7) { all.max(1) } else { random.random_range(1..100) };
    Operation::Move { debit, credit, amount }
}

/// A movement as files have it.
pub fn loaded(random: &mut StdRng, model: &Model) -> Operation {
    let currency = random.random_range(0..CURRENCIES.len());
    let (debit, credit) = two(random, currency);
    let amount = random.random_range(1..60);
    match random.random_bool(0.2) {
        true => Operation::Late { debit, credit, amount, day: model.today() - random.random_range(1..8) },
        false => Operation::Move { debit, credit, amount },
    }
}

/// A transfer, some of which are refused by one book or the other.
pub fn wish(random: &mut StdRng, id: u64) -> Wish {
    let currency = random.random_range(0..CURRENCIES.len());
    // Out of what grows by credits, so that it can always come back.
    let debit = currency * ORDINARY + [1, 2, 3][random.random_range(0..3)];
    let credit = currency * ORDINARY + random.random_range(0..ORDINARY);
    let credit = if random.random_bool(0.1) { None } else { Some(credit) };
    Wish { id, from: random.random_range(0..BOOKS), debit, credit, amount: random.random_range(1..60) }
}

/// A change of period.
pub fn period(random: &mut StdRng, model: &Model) -> Operation {
    let day = model.today() - random.random_range(0..8);
    match random.random_bool(0.5) {
        true => Operation::Close { through: day },
        false => Operation::Reopen { from: day },
    }
}

/// Any unit that can be asked for where the model stands.
pub fn any(random: &mut StdRng, model: &Model) -> Operation {
    let currency = random.random_range(0..CURRENCIES.len());
    let (debit, credit) = two(random, currency);
    let hold = (random.random_range(0..HOLDS) * CURRENCIES.len() + currency) as u64;
    let amount = random.random_range(1..120);
    match random.random_range(0..100) {
        0..38 => Operation::Move { debit, credit, amount },
        38..42 => {
            let day = model.today() - random.random_range(1..8);
            Operation::Late { debit, credit, amount, day }
        }
        42..46 => {
            let day = model.today() - random.random_range(1..8);
            Operation::Adjust { debit, credit, amount, day }
        }
        46..54 => exchange(random, debit, currency),
        54..60 => Operation::Take { thing: random.random_range(1..=THINGS), debit, credit, amount },
        60..63 => Operation::Poison { debit, credit, amount },
        63..74 => Operation::Place {
            hold,
            account: debit,
            amount: random.random_range(1..80),
            until: model.now + random.random_range(-1..30),
        },
        74..86 => {
            let of_hold = random.random_range(1..60);
            let amount = (of_hold + random.random_range(-1..3)).max(1);
            Operation::Post { hold, debit, credit, amount, of_hold }
        }
        86..91 => Operation::Release { hold },
        _ => taking_back(random, model, (debit, credit, amount)),
    }
}

fn exchange(random: &mut StdRng, debit: usize, currency: usize) -> Operation {
    let other = CURRENCIES.len() - 1 - currency;
    Operation::Exchange {
        debit,
        sold: position(currency),
        amount: random.random_range(1..60),
        bought: position(other),
        credit: other * ORDINARY + random.random_range(0..ORDINARY),
        counter: random.random_range(1..60),
    }
}

fn taking_back(random: &mut StdRng, model: &Model, anew: (usize, usize, i64)) -> Operation {
    let (debit, credit, amount) = anew;
    let sequence = random.random_range(0..=model.entries.len()) as i64;
    if sequence == 0 || !model.is_reversible(sequence) {
        return Operation::Move { debit, credit, amount };
    }
    match random.random_bool(0.5) {
        true => Operation::Reverse { sequence },
        false => Operation::Correct { sequence, debit, credit, amount },
    }
}
