//! The ledger once more, in the simplest way that is right: no database, no batches, no code shared with the ledger.
//!
//! It knows accounts by name, amounts as whole numbers, time as seconds, and answers each operation with the words that
//! the ledger's refusals have. Whatever the two disagree about is a fault of one of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One thing that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Moves an amount: one account is debited, another credited.
    Move { debit: usize, credit: usize, amount: i64 },
    /// Reserves an amount on an account until a time.
    Place { hold: u64, account: usize, amount: i64, until: i64 },
    /// Moves an amount and uses some of a hold for it.
    Post { hold: u64, debit: usize, credit: usize, amount: i64, of_hold: i64 },
    /// Gives back what is left of a hold.
    Release { hold: u64 },
    /// Takes an entry back.
    Reverse { sequence: i64 },
    /// Moves an amount with effect on a day of the past, counted from 1970.
    Late { debit: usize, credit: usize, amount: i64, day: i64 },
    /// Closes the book through a day.
    Close { through: i64 },
    /// Opens the book again from a day on.
    Reopen { from: i64 },
    /// Moves an amount with effect on a day that may be closed, approved by two people.
    Adjust { debit: usize, credit: usize, amount: i64, day: i64 },
    /// Takes an entry back and books another amount in one.
    Correct { sequence: i64, debit: usize, credit: usize, amount: i64 },
    /// Moves an amount of one currency out of an account and another one of another currency into an account; both meet
    /// on the accounts of the position.
    Exchange { debit: usize, sold: usize, amount: i64, bought: usize, credit: usize, counter: i64 },
    /// Moves an amount and takes a thing, of which there is one.
    Take { thing: i32, debit: usize, credit: usize, amount: i64 },
    /// Moves an amount and causes what the database cannot do.
    Poison { debit: usize, credit: usize, amount: i64 },
    /// Moves an amount out to another book or in from it.
    Leg { debit: usize, credit: usize, amount: i64 },
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Booked as that entry.
    Booked(i64),
    /// Booked before as that entry.
    Before(i64),
    /// Refused, in the ledger's word.
    Refused(&'static str),
}

/// An account: whether debits make it grow, and how low it may fall.
#[derive(Clone, Debug)]
pub struct ModelAccount {
    /// The ledger's code.
    pub code: &'static str,
    /// The currency.
    pub currency: &'static str,
    /// Grows by debits.
    pub grows_by_debit: bool,
    /// The least that must remain available.
    pub floor: Option<i64>,
    /// Debits less credits.
    pub balance: i64,
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelHold {
    /// The account's place in the list.
    pub account: usize,
    /// What was reserved.
    pub amount: i64,
    /// What is left.
    pub remaining: i64,
    /// When it ends, in seconds.
    pub until: i64,
}

/// Everything that a book is.
#[derive(Clone, Debug)]
pub struct Model {
    /// The accounts.
    pub accounts: Vec<ModelAccount>,
    /// The holds by id.
    pub holds: BTreeMap<u64, ModelHold>,
    /// The time, in seconds.
    pub now: i64,
    /// Each entry's amounts by account, from the first on.
    pub entries: Vec<Vec<(usize, i64)>>,
    /// The last day that is closed.
    pub closed_through: Option<i64>,
    /// What was taken, and under which key.
    pub taken: BTreeMap<i32, u64>,
    keys: BTreeMap<u64, (Operation, i64)>,
    reversed: BTreeMap<i64, i64>,
    irreversible: Vec<i64>,
}

impl Operation {
    /// Whether its entry can be taken back: it changed no hold and no period, and nothing in another book hangs on it.
    fn is_reversible(&self) -> bool {
        let of_holds = matches!(self, Self::Place { .. } | Self::Post { .. } | Self::Release { .. });
        !of_holds && !matches!(self, Self::Close { .. } | Self::Reopen { .. } | Self::Leg { .. })
    }
}

impl Model {
    /// A book with those accounts and nothing in it.
    #[must_use]
    pub fn new(accounts: Vec<ModelAccount>, now: i64) -> Self {
        Self {
            accounts,
            holds: BTreeMap::new(),
            now,
            entries: Vec::new(),
            closed_through: None,
            taken: BTreeMap::new(),
            keys: BTreeMap::new(),
            reversed: BTreeMap::new(),
            irreversible: Vec::new(),
        }
    }

    /// Whether an entry can be taken back by turning its postings round.
    #[must_use]
    pub fn is_reversible(&self, sequence: i64) -> bool {
        !self.irreversible.contains(&sequence)
    }

    /// The day, counted from 1970.
    #[must_use]
    pub fn today(&self) -> i64 {
        self.now.div_euclid(86_400)
    }

    /// What is reserved on an account now.
    #[must_use]
    pub fn held(&self, account: usize) -> i64 {
        self.holds
            .values()
            .filter(|hold| hold.account == account && hold.until > self.now)
            .map(|hold| hold.remaining)
            .sum()
    }

    /// What an account holds in the direction in which it grows.
    #[must_use]
    pub fn normal(&self, account: usize) -> i64 {
        let account = &self.accounts[account];
        if account.grows_by_debit { account.balance } else { -account.balance }
    }

    /// Does what is asked, under a key, or says why not.
    pub fn apply(&mut self, key: u64, operation: &Operation) -> Verdict {
        if let Some((before, sequence)) = self.keys.get(&key) {
            return if before == operation { Verdict::Before(*sequence) } else { Verdict::Refused("key-reused") };
        }
        let mut next = self.clone();
        match next.perform(operation) {
            Err(reason) => Verdict::Refused(reason),
            Ok(amounts) => {
                next.entries.push(amounts);
                let sequence = next.entries.len() as i64;
                match *operation {
                    Operation::Reverse { sequence: reversed } | Operation::Correct { sequence: reversed, .. } => {
                        next.reversed.insert(reversed, sequence);
                    }
                    Operation::Take { thing, .. } => drop(next.taken.insert(thing, key)),
                    _ => {}
                }
                if !operation.is_reversible() {
                    next.irreversible.push(sequence);
                }
                next.keys.insert(key, (operation.clone(), sequence));
                *self = next;
                Verdict::Booked(sequence)
            }
        }
    }

    /// Takes over an entry that tidied a hold up: it has no amounts.
    pub fn tidied(&mut self, hold: u64) {
        if let Some(hold) = self.holds.get_mut(&hold) {
            hold.remaining = 0;
        }
        self.entries.push(Vec::new());
        self.irreversible.push(self.entries.len() as i64);
    }

    fn perform(&mut self, operation: &Operation) -> Result<Vec<(usize, i64)>, &'static str> {
        self.look_at_periods(operation)?;
        let amounts = self.amounts(operation)?;
        for &(account, amount) in &amounts {
            self.accounts[account].balance += amount;
        }
        self.touch_holds(operation, &amounts)?;
        let placed = match *operation {
            Operation::Place { account, .. } => Some(account),
            _ => None,
        };
        for account in amounts.iter().map(|(account, _)| *account).chain(placed) {
            if let Some(floor) = self.accounts[account].floor
                && self.normal(account) - self.held(account) < floor
            {
                return Err("below-floor");
            }
        }
        match operation {
            Operation::Take { thing, .. } if self.taken.contains_key(thing) => Err("effect-not-applicable"),
            Operation::Poison { .. } => Err("rejected"),
            _ => Ok(amounts),
        }
    }

    fn amounts(&self, operation: &Operation) -> Result<Vec<(usize, i64)>, &'static str> {
        match *operation {
            Operation::Move { debit, credit, amount }
            | Operation::Post { debit, credit, amount, .. }
            | Operation::Late { debit, credit, amount, .. }
            | Operation::Adjust { debit, credit, amount, .. }
            | Operation::Take { debit, credit, amount, .. }
            | Operation::Poison { debit, credit, amount }
            | Operation::Leg { debit, credit, amount } => Ok(vec![(debit, amount), (credit, -amount)]),
            Operation::Exchange { debit, sold, amount, bought, credit, counter } => {
                Ok(vec![(debit, amount), (sold, -amount), (bought, counter), (credit, -counter)])
            }
            Operation::Place { .. } | Operation::Release { .. } => Ok(Vec::new()),
            Operation::Close { .. } | Operation::Reopen { .. } => Ok(Vec::new()),
            Operation::Reverse { sequence } => self.turned(sequence),
            Operation::Correct { sequence, debit, credit, amount } => {
                let mut amounts = self.turned(sequence)?;
                amounts.extend([(debit, amount), (credit, -amount)]);
                Ok(amounts)
            }
        }
    }

    fn turned(&self, sequence: i64) -> Result<Vec<(usize, i64)>, &'static str> {
        if self.reversed.contains_key(&sequence) {
            return Err("already-reversed");
        }
        let turned = self.entries[usize::try_from(sequence - 1).expect("a sequence")].iter();
        Ok(turned.map(|&(account, amount)| (account, -amount)).collect())
    }

    fn look_at_periods(&mut self, operation: &Operation) -> Result<(), &'static str> {
        let is_closed = |day: i64| self.closed_through.is_some_and(|through| day <= through);
        match *operation {
            Operation::Close { through } if through >= self.today() || is_closed(through) => Err("period-change"),
            Operation::Close { through } => {
                self.closed_through = Some(through);
                Ok(())
            }
            Operation::Reopen { from } if !is_closed(from) => Err("period-change"),
            Operation::Reopen { from } => {
                self.closed_through = Some(from - 1);
                Ok(())
            }
            Operation::Late { day, .. } if is_closed(day) => Err("period-closed"),
            _ => Ok(()),
        }
    }

    fn touch_holds(&mut self, operation: &Operation, amounts: &[(usize, i64)]) -> Result<(), &'static str> {
        match *operation {
            Operation::Place { hold, account, amount, until } => {
                if self.holds.contains_key(&hold) {
                    return Err("hold-exists");
                }
                if until <= self.now {
                    return Err("hold-expired");
                }
                self.holds.insert(hold, ModelHold { account, amount, remaining: amount, until });
                Ok(())
            }
            Operation::Release { hold } => {
                let now = self.now;
                let hold = self.holds.get_mut(&hold).ok_or("unknown-hold")?;
                if hold.remaining == 0 {
                    return Err("hold-too-small");
                }
                if hold.until <= now {
                    return Err("hold-expired");
                }
                hold.remaining = 0;
                Ok(())
            }
            Operation::Post { hold, of_hold, .. } => {
                let now = self.now;
                let hold = self.holds.get_mut(&hold).ok_or("unknown-hold")?;
                if hold.remaining > 0 && hold.until <= now {
                    return Err("hold-expired");
                }
                if hold.remaining == 0 && of_hold > 0 {
                    return Err(if hold.until <= now { "hold-expired" } else { "hold-too-small" });
                }
                if of_hold > hold.remaining {
                    return Err("hold-too-small");
                }
                hold.remaining -= of_hold;
                let (account, debits) = (hold.account, self.accounts[hold.account].grows_by_debit);
                let moved: i64 = amounts.iter().filter(|(other, _)| *other == account).map(|(_, amount)| amount).sum();
                let off = if debits { -moved } else { moved };
                if off < of_hold { Err("hold-not-moved") } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}
