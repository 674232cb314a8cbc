//! The ledger once more, in the simplest way that is right: no database, no batches, no code shared with the ledger.
//!
//! It knows accounts by name, amounts as whole numbers, time as seconds, and answers each operation with the words that
//! the ledger's refusals have. Whatever the two disagree about is a fault of one of them.

use std::collections::BTreeMap;

/// One thing that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    keys: BTreeMap<u64, (Operation, i64)>,
    reversed: BTreeMap<i64, i64>,
    irreversible: Vec<i64>,
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
                if let Operation::Reverse { sequence: reversed } = operation {
                    next.reversed.insert(*reversed, sequence);
                }
                if !matches!(operation, Operation::Move { .. } | Operation::Late { .. } | Operation::Reverse { .. }) {
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
        let amounts = match *operation {
            Operation::Move { debit, credit, amount } => vec![(debit, amount), (credit, -amount)],
            Operation::Post { debit, credit, amount, .. } | Operation::Late { debit, credit, amount, .. } => {
                vec![(debit, amount), (credit, -amount)]
            }
            Operation::Place { .. } | Operation::Release { .. } => Vec::new(),
            Operation::Close { .. } | Operation::Reopen { .. } => Vec::new(),
            Operation::Reverse { sequence } => {
                if self.reversed.contains_key(&sequence) {
                    return Err("already-reversed");
                }
                let turned = self.entries[usize::try_from(sequence - 1).expect("a sequence")].iter();
                turned.map(|&(account, amount)| (account, -amount)).collect()
            }
        };
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
        Ok(amounts)
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
            Operation::Move { .. } | Operation::Late { .. } | Operation::Reverse { .. } => Ok(()),
            Operation::Close { .. } | Operation::Reopen { .. } => Ok(()),
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
        }
    }
}
