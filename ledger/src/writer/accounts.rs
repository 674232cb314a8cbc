//! The writer's memory of accounts: codes to numbers, floors and balances.
//!
//! A balance in here is true exactly as long as the book's head in the database stands where this writer left it; the
//! head is compared in the same transaction as each batch is written, so a stale memory can make a batch fail, never
//! book something wrong.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::holds::{Holds, Known};
use super::lots::{Left, Lots, Move, Moved};
use crate::account::{AccountCode, Side};
use crate::hold::{Available, HoldChangeKind, HoldId, MAX_LIVE_HOLDS};
use crate::log::account_commitment;
use crate::{Amount, Balance, Commodity, Refusal};
use uuid::Uuid;

/// Accounts kept in memory before the writer forgets them all and reads those it needs again.
const MAX_REMEMBERED: usize = 1_000_000;

/// An account's place in the memory.
pub(super) type Slot = usize;

/// What the writer knows of an account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) code: AccountCode,
    pub(super) commodity: Commodity,
    /// Its number in the table; zero while it is not opened.
    pub(super) number: i64,
    pub(super) floor_minor: Option<i64>,
    /// What stands for it in the log.
    pub(super) commitment: [u8; 32],
    pub(super) salt: Option<Uuid>,
    /// Debits positive, as committed.
    balance_minor: i64,
    /// Debits positive, as the attempt in progress would leave it.
    tentative_minor: i64,
    /// The attempt that `tentative_minor` belongs to.
    attempt: u64,
}

impl Account {
    /// An account as the table has it.
    pub(super) fn stored(
        code: AccountCode,
        commodity: Commodity,
        number: i64,
        floor_minor: Option<i64>,
        commitment: [u8; 32],
        balance_minor: i64,
    ) -> Self {
        Self {
            code,
            commodity,
            number,
            floor_minor,
            commitment,
            salt: None,
            balance_minor,
            tentative_minor: balance_minor,
            attempt: 0,
        }
    }

    /// An account that the chart allows and nobody has used yet.
    pub(super) fn unopened(code: AccountCode, commodity: Commodity, floor_minor: Option<i64>) -> Self {
        let salt = Uuid::new_v4();
        let commitment = account_commitment(salt, &code, commodity.number(), floor_minor);
        Self { salt: Some(salt), ..Self::stored(code, commodity, 0, floor_minor, commitment, 0) }
    }

    fn on_normal_side(&self, debit_positive_minor: i64) -> Option<i64> {
        match self.code.kind().normal_side() {
            Side::Debit => Some(debit_positive_minor),
            Side::Credit => debit_positive_minor.checked_neg(),
        }
    }
}

/// All accounts that the writer knows.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    slots: Vec<Account>,
    by_code: HashMap<Commodity, HashMap<AccountCode, Slot>>,
    attempt: u64,
    pub(super) holds: Holds,
    pub(super) lots: Lots,
}

/// What one entry does to accounts and holds, with the accounts found.
#[derive(Debug, Default)]
pub(super) struct Booking {
    /// Slot and amount of each posting, debits positive.
    pub(super) amounts: Vec<(Slot, i64)>,
    pub(super) steps: Vec<Step>,
    /// What it does to lots; empty for all that moves no units.
    pub(super) moves: Vec<Move>,
}

/// The moment at which an entry is booked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) at: DateTime<Utc>,
    /// The sequence that it has when it is accepted.
    pub(super) sequence: i64,
    pub(super) effective_date: NaiveDate,
}

/// What entries leave behind, each behind those before it.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// Balances after each posting.
    pub(super) balances: Vec<i64>,
    /// Changes of holds.
    pub(super) changes: Vec<AppliedChange>,
    /// Lots that postings move, with the sequence of their entry.
    pub(super) lots: Vec<(i64, Moved)>,
}

/// One change of a hold that an entry asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Place { hold: HoldId, slot: Slot, amount_minor: i64, expires_at: DateTime<Utc> },
    Post { hold: HoldId, amount: Amount },
    Release { hold: HoldId },
    Expire { hold: HoldId },
}

impl Step {
    const fn hold(&self) -> HoldId {
        match self {
            Self::Place { hold, .. } | Self::Post { hold, .. } | Self::Release { hold } | Self::Expire { hold } => {
                *hold
            }
        }
    }
}

/// One change of a hold as it was decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct AppliedChange {
    pub(super) hold: HoldId,
    pub(super) slot: Slot,
    pub(super) kind: HoldChangeKind,
    pub(super) amount_minor: i64,
    pub(super) expires_at: DateTime<Utc>,
}

fn expired(hold: HoldId, known: &Known) -> Refusal {
    Refusal::HoldExpired { hold, expired_at: known.expires_at }
}

impl Accounts {
    pub(super) fn find(&self, code: &AccountCode, commodity: Commodity) -> Option<Slot> {
        self.by_code.get(&commodity)?.get(code).copied()
    }

    pub(super) fn remember(&mut self, account: Account) -> Slot {
        let slot = self.slots.len();
        self.by_code.entry(account.commodity).or_default().insert(account.code.clone(), slot);
        self.slots.push(account);
        slot
    }

    pub(super) fn forget_all(&mut self) {
        self.slots.clear();
        self.by_code.clear();
        self.holds.forget_all();
        self.lots.forget_all();
    }

    pub(super) fn is_full(&self) -> bool {
        self.slots.len() >= MAX_REMEMBERED
    }

    pub(super) fn get(&self, slot: Slot) -> &Account {
        &self.slots[slot]
    }

    /// Starts to decide anew, from the committed balances.
    pub(super) fn begin_attempt(&mut self) {
        self.attempt += 1;
        self.holds.back_to(0);
        self.lots.begin_attempt();
    }

    fn tentative(&mut self, slot: Slot) -> &mut Account {
        let attempt = self.attempt;
        let account = &mut self.slots[slot];
        if account.attempt != attempt {
            account.attempt = attempt;
            account.tentative_minor = account.balance_minor;
        }
        account
    }

    /// Applies the amounts and the changes of holds of one entry, or nothing of it.
    pub(super) fn apply(&mut self, booking: &Booking, turn: Turn, traces: &mut Traces) -> Result<(), Refusal> {
        let (at, after, changes) = (turn.at, &mut traces.balances, &mut traces.changes);
        let (first_balance, first_change, mark) = (after.len(), changes.len(), self.holds.mark());
        let applied = self.apply_amounts(&booking.amounts, after).and_then(|()| {
            if booking.steps.is_empty() {
                return Ok(());
            }
            self.apply_steps(booking, at, changes)
        });
        let applied = applied.and_then(|()| match self.first_below_floor(booking, at) {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        });
        let applied = applied.and_then(|()| match booking.moves.as_slice() {
            [] => Ok(None),
            moves => self.decide_lots(moves, turn).map(Some),
        });
        if applied.is_err() {
            for &(slot, amount) in &booking.amounts[..after.len() - first_balance] {
                self.slots[slot].tentative_minor -= amount;
            }
            after.truncate(first_balance);
            changes.truncate(first_change);
            self.holds.back_to(mark);
        }
        if let Some((moved, left)) = applied? {
            self.lots.accept(left);
            traces.lots.extend(moved.into_iter().map(|moved| (turn.sequence, moved)));
        }
        Ok(())
    }

    fn decide_lots(&self, moves: &[Move], turn: Turn) -> Result<(Vec<Moved>, Left), Refusal> {
        self.lots.decide(moves, turn.effective_date, turn.sequence, |slot, fault| {
            let account = &self.slots[slot];
            fault.refusal(&account.code, account.commodity)
        })
    }

    fn apply_amounts(&mut self, amounts: &[(Slot, i64)], after: &mut Vec<i64>) -> Result<(), Refusal> {
        for &(slot, amount) in amounts {
            let account = self.tentative(slot);
            let Some(balance) = account.tentative_minor.checked_add(amount) else {
                return Err(Refusal::BalanceTooLarge(account.code.clone()));
            };
            account.tentative_minor = balance;
            after.push(balance);
        }
        Ok(())
    }

    fn apply_steps(
        &mut self,
        booking: &Booking,
        at: DateTime<Utc>,
        changes: &mut Vec<AppliedChange>,
    ) -> Result<(), Refusal> {
        let first = changes.len();
        for step in &booking.steps {
            let change = self.apply_step(step, at)?;
            changes.push(change);
        }
        // What is posted of holds must have left the account by this very entry.
        for change in &changes[first..] {
            if change.kind != HoldChangeKind::Posted {
                continue;
            }
            let of_account = changes[first..].iter().filter(|other| other.slot == change.slot);
            let posted = of_account.filter(|other| other.kind == HoldChangeKind::Posted);
            let posted = posted.map(|other| other.amount_minor).fold(0, i64::saturating_add);
            let account = &self.slots[change.slot];
            let moved = booking.amounts.iter().filter(|(slot, _)| *slot == change.slot);
            let moved = moved.map(|&(_, amount)| i128::from(amount)).sum::<i128>();
            let off = match account.code.kind().normal_side() {
                Side::Debit => -moved,
                Side::Credit => moved,
            };
            if off < i128::from(posted) {
                let posted = Amount::from_minor(posted, account.commodity);
                return Err(Refusal::HoldNotMoved { account: account.code.clone(), posted });
            }
        }
        Ok(())
    }

    fn apply_step(&mut self, step: &Step, at: DateTime<Utc>) -> Result<AppliedChange, Refusal> {
        let hold = step.hold();
        if let Step::Place { slot, amount_minor, expires_at, .. } = *step {
            if self.holds.find(hold).is_some() {
                return Err(Refusal::HoldExists(hold));
            }
            if expires_at <= at {
                return Err(Refusal::HoldExpired { hold, expired_at: expires_at });
            }
            if self.holds.count(slot, at) >= MAX_LIVE_HOLDS {
                return Err(Refusal::TooManyHolds(self.slots[slot].code.clone()));
            }
            let placed = Known { slot, amount_minor, remaining_minor: amount_minor, expires_at };
            self.holds.change(hold, placed);
            return Ok(AppliedChange { hold, slot, kind: HoldChangeKind::Placed, amount_minor, expires_at });
        }
        let known = self.holds.find(hold).ok_or(Refusal::UnknownHold(hold))?;
        let commodity = self.slots[known.slot].commodity;
        let remaining = Amount::from_minor(known.remaining_minor, commodity);
        let too_small = Refusal::HoldTooSmall { hold, remaining };
        let is_over = known.expires_at <= at;
        let (kind, amount_minor) = match *step {
            Step::Post { amount, .. } => {
                if amount.commodity() != commodity || amount.minor() > known.remaining_minor {
                    return Err(if is_over { expired(hold, &known) } else { too_small });
                }
                (HoldChangeKind::Posted, amount.minor())
            }
            Step::Release { .. } => (HoldChangeKind::Released, known.remaining_minor),
            Step::Expire { .. } | Step::Place { .. } => (HoldChangeKind::Expired, known.remaining_minor),
        };
        if known.remaining_minor == 0 {
            return Err(too_small);
        }
        match (kind, is_over) {
            (HoldChangeKind::Expired, false) => return Err(Refusal::HoldNotExpired(hold)),
            (HoldChangeKind::Posted | HoldChangeKind::Released, true) => return Err(expired(hold, &known)),
            _ => {}
        }
        self.holds.change(hold, Known { remaining_minor: known.remaining_minor - amount_minor, ..known });
        Ok(AppliedChange { hold, slot: known.slot, kind, amount_minor, expires_at: known.expires_at })
    }

    fn first_below_floor(&self, booking: &Booking, at: DateTime<Utc>) -> Option<Refusal> {
        let placed = booking.steps.iter().filter_map(|step| match step {
            Step::Place { slot, .. } => Some(*slot),
            _ => None,
        });
        booking.amounts.iter().map(|&(slot, _)| slot).chain(placed).find_map(|slot| {
            let account = &self.slots[slot];
            let floor_minor = account.floor_minor?;
            let balance = account.on_normal_side(self.tentative_balance(slot));
            let Some(would_be) = balance.and_then(|balance| balance.checked_sub(self.holds.held(slot, at))) else {
                return Some(Refusal::BalanceTooLarge(account.code.clone()));
            };
            (would_be < floor_minor).then(|| Refusal::BelowFloor {
                account: account.code.clone(),
                would_be: Amount::from_minor(would_be, account.commodity),
                floor: Amount::from_minor(floor_minor, account.commodity),
            })
        })
    }

    /// What an account has on its normal side when its balance is that.
    pub(super) fn available(&self, slot: Slot, at: DateTime<Utc>) -> Available {
        let account = &self.slots[slot];
        let balance = self.balance(slot, self.tentative_balance(slot)).on_normal_side();
        let held = Amount::from_minor(self.holds.held(slot, at), account.commodity);
        Available { account: account.code.clone(), balance, held }
    }

    /// What the attempt leaves on an account.
    pub(super) fn tentative_balance(&self, slot: Slot) -> i64 {
        let account = &self.slots[slot];
        if account.attempt == self.attempt { account.tentative_minor } else { account.balance_minor }
    }

    /// The attempt was committed: what was tentative is true now.
    pub(super) fn commit(&mut self, touched: &[Slot]) {
        self.holds.commit();
        for &slot in touched {
            let account = &mut self.slots[slot];
            account.balance_minor = account.tentative_minor;
        }
    }

    /// The account got its number in the table.
    pub(super) fn opened(&mut self, slot: Slot, number: i64) {
        self.slots[slot].number = number;
    }

    pub(super) fn balance(&self, slot: Slot, debit_positive_minor: i64) -> Balance {
        let account = &self.slots[slot];
        Balance { account: account.code.clone(), commodity: account.commodity, debit_positive_minor }
    }
}

#[cfg(test)]
mod tests;
