//! What a batch writes: decided, in columns, independent of the memory that it was decided in.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::accounts::{Account, Accounts, AppliedChange, Booking, Slot};
use super::batch::{Booked, Candidate, Decision, Verdict, sequence};
use super::lots::{Moved, Piece};
use super::memory::Answers;
use super::store::Head;
use crate::BookId;
use crate::hold::{HoldChangeKind, HoldId};
use crate::log::leaf::{
    Leaf, LeafHoldChange, LeafHoldEvent, LeafLot, LeafPeriod, LeafPeriodChange, LeafPosting, LeafUnit, leaf_hash,
};
use crate::period::PeriodChange;
use crate::unit_of_work::{Refusal, UnitOfWork};

/// A decided batch, ready to be written after `before`.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) before: Head,
    /// The head that it leaves.
    pub(super) after: Head,
    pub(super) booked_at: DateTime<Utc>,
    /// The units that are booked, by their place in the batch.
    pub(super) accepted: Vec<usize>,
    /// The units that are refused, by their place in the batch.
    pub(super) refused: Vec<(usize, Refusal)>,
    pub(super) answers: Answers,
    pub(super) postings: Postings,
    pub(super) changes: Vec<Change>,
    /// Lots that postings of units move.
    pub(super) lots: Vec<LotRow>,
    /// Holds that the changes made or moved, as they leave them.
    pub(super) holds: Vec<HoldRow>,
    pub(super) touched: Vec<Slot>,
    pub(super) touched_accounts: Vec<i64>,
    pub(super) touched_balances: Vec<i64>,
}

/// Columns of `ledger.postings`.
#[derive(Debug, Default)]
pub(super) struct Postings {
    pub(super) ordinals: Vec<i16>,
    pub(super) commodities: Vec<i32>,
    pub(super) sequences: Vec<i64>,
    pub(super) accounts: Vec<i64>,
    pub(super) amounts: Vec<i64>,
    pub(super) balances: Vec<i64>,
}

/// A row of `ledger.hold_changes`.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) sequence: i64,
    pub(super) ordinal: i16,
    pub(super) hold: HoldId,
    pub(super) account: i64,
    pub(super) commodity: i32,
    pub(super) kind: &'static str,
    pub(super) amount_minor: i64,
}

/// A row of `ledger.lots`.
#[derive(Debug)]
pub(super) struct LotRow {
    pub(super) sequence: i64,
    pub(super) ordinal: i16,
    pub(super) account: i64,
    pub(super) commodity: i32,
    is_debit: bool,
    pub(super) piece: Piece,
}

/// A row of `ledger.holds`.
#[derive(Debug)]
pub(super) struct HoldRow {
    pub(super) hold: HoldId,
    pub(super) account: i64,
    pub(super) commodity: i32,
    pub(super) amount_minor: i64,
    pub(super) remaining_minor: i64,
    pub(super) expires_at: DateTime<Utc>,
}

impl Plan {
    /// The plan of what was decided; every touched account has its number.
    pub(super) fn new(
        before: &Head,
        booked_at: DateTime<Utc>,
        candidates: &[Candidate<'_>],
        decision: Decision,
        accounts: &Accounts,
    ) -> Self {
        let refused = candidates.iter().enumerate().zip(&decision.verdicts);
        let refused = refused.filter_map(|((index, _), verdict)| match verdict {
            Verdict::Refused(refusal) => Some((index, refusal.clone())),
            _ => None,
        });
        let touched = decision.touched(candidates);
        let mut plan = Self {
            after: Head { closed_through: decision.closed_through, ..before.clone() },
            before: before.clone(),
            booked_at,
            refused: refused.collect(),
            answers: decision.answers(candidates, accounts, before.sequence, booked_at),
            postings: Postings::default(),
            changes: Vec::with_capacity(decision.traces.changes.len()),
            lots: lots(&decision, accounts),
            holds: held(accounts),
            touched_accounts: touched.iter().map(|&slot| accounts.get(slot).number).collect(),
            touched_balances: touched.iter().map(|&slot| accounts.tentative_balance(slot)).collect(),
            touched,
            accepted: Vec::new(),
        };
        plan.collect(candidates, decision, accounts);
        plan
    }

    fn collect(&mut self, candidates: &[Candidate<'_>], decision: Decision, accounts: &Accounts) {
        let mut canonical = Vec::with_capacity(512);
        let (mut balances, mut changes) = (decision.traces.balances.as_slice(), decision.traces.changes.as_slice());
        for (ordinal, &index) in decision.accepted.iter().enumerate() {
            let Candidate { unit, booking: Ok(booking) } = &candidates[index] else { continue };
            let sequence = sequence(self.before.sequence, ordinal);
            let (own_balances, rest) = balances.split_at(booking.amounts.len());
            balances = rest;
            let (own_changes, rest) = changes.split_at(booking.steps.len());
            changes = rest;
            let postings = || booking.amounts.iter().copied().zip(own_balances.iter().copied());
            for (((slot, amount), balance), ordinal) in postings().zip(1_i16..) {
                self.postings.push(sequence, ordinal, accounts.get(slot), amount, balance);
            }
            for (change, ordinal) in own_changes.iter().zip(1_i16..) {
                self.changes.push(Change::new(sequence, ordinal, accounts.get(change.slot), change));
            }
            let postings =
                postings().map(|((slot, amount), balance)| leaf_posting(accounts.get(slot), amount, balance));
            let hold_changes = own_changes.iter().map(|change| leaf_change(accounts.get(change.slot), change));
            canonical.clear();
            let mut leaf = leaf(self.before.book, sequence, self.booked_at, unit, postings, hold_changes);
            if unit.entry.has_units() {
                leaf.units = units(booking, own_changes, accounts);
                leaf.lots = self.lots.iter().filter(|lot| lot.sequence == sequence).map(LotRow::leaf).collect();
            }
            leaf.encode(&mut canonical);
            self.after.frontier.push(leaf_hash(&canonical));
        }
        if !decision.accepted.is_empty() {
            self.after.sequence = sequence(self.before.sequence, decision.accepted.len()) - 1;
            self.after.booked_at = self.booked_at;
        }
        self.accepted = decision.accepted;
    }

    /// Keys that this batch books, each with where.
    pub(super) fn booked<'a>(&'a self, units: &'a [UnitOfWork]) -> impl Iterator<Item = (Uuid, Booked)> + 'a {
        self.accepted.iter().enumerate().map(|(ordinal, &index)| {
            let unit = &units[index];
            let booked = Booked {
                sequence: sequence(self.before.sequence, ordinal),
                fingerprint: unit.fingerprint,
                booked_at: self.booked_at,
            };
            (unit.key.uuid(), booked)
        })
    }
}

impl Postings {
    fn push(&mut self, sequence: i64, ordinal: i16, account: &Account, amount: i64, balance: i64) {
        self.ordinals.push(ordinal);
        self.commodities.push(account.commodity.number());
        self.sequences.push(sequence);
        self.accounts.push(account.number);
        self.amounts.push(amount);
        self.balances.push(balance);
    }
}

impl LotRow {
    /// Debits positive.
    pub(super) fn amount_minor(&self) -> i64 {
        self.signed(self.piece.amount_minor)
    }

    /// Debits positive.
    pub(super) fn cost_minor(&self) -> Option<i64> {
        self.piece.cost.map(|(_, cost)| self.signed(cost))
    }

    fn signed(&self, minor: i64) -> i64 {
        if self.is_debit { minor } else { -minor }
    }

    fn leaf(&self) -> LeafLot {
        LeafLot {
            ordinal: self.ordinal,
            lot: (self.piece.lot.sequence.number(), self.piece.lot.number),
            amount: self.amount_minor(),
            acquired_on: days(self.piece.acquired_on),
            cost: self.piece.cost.map(|(currency, cost)| (currency, self.signed(cost))),
        }
    }
}

impl Change {
    fn new(sequence: i64, ordinal: i16, account: &Account, change: &AppliedChange) -> Self {
        Self {
            sequence,
            ordinal,
            hold: change.hold,
            account: account.number,
            commodity: account.commodity.number(),
            kind: change.kind.name(),
            amount_minor: change.amount_minor,
        }
    }
}

fn leaf<'a, P, C>(
    book: BookId,
    sequence: i64,
    booked_at: DateTime<Utc>,
    unit: &'a UnitOfWork,
    postings: P,
    hold_changes: C,
) -> Leaf<'a, P, C> {
    let entry = &unit.entry;
    Leaf {
        book: book.number(),
        sequence,
        key: unit.key.uuid(),
        booked_at: booked_at.timestamp_micros(),
        effective_date: days(entry.effective_date()),
        kind: entry.kind().name(),
        reverses: entry.reverses().map(crate::Sequence::number),
        approvers: entry.adjustment().map(|approvals| (approvals.first(), approvals.second())),
        period: entry.period().map(|period| {
            let (approver, second) = period.approvers();
            let change = match period {
                PeriodChange::Closed { .. } => LeafPeriodChange::Closed,
                PeriodChange::Reopened { .. } => LeafPeriodChange::Reopened,
            };
            LeafPeriod { change, through: days(period.date()), approver, second }
        }),
        content: unit.content,
        postings,
        hold_changes,
        units: Vec::new(),
        lots: Vec::new(),
    }
}

fn leaf_posting(account: &Account, amount: i64, balance: i64) -> LeafPosting<'_> {
    LeafPosting {
        account: account.number,
        commitment: &account.commitment,
        commodity: account.commodity.number(),
        amount,
        balance,
    }
}

fn leaf_change<'a>(account: &'a Account, change: &AppliedChange) -> LeafHoldChange<'a> {
    LeafHoldChange {
        hold: change.hold.uuid(),
        account: account.number,
        commitment: &account.commitment,
        commodity: account.commodity.number(),
        change: match change.kind {
            HoldChangeKind::Placed => LeafHoldEvent::Placed { expires_at: change.expires_at.timestamp_micros() },
            HoldChangeKind::Posted => LeafHoldEvent::Posted,
            HoldChangeKind::Released => LeafHoldEvent::Released,
            HoldChangeKind::Expired => LeafHoldEvent::Expired,
        },
        amount: change.amount_minor,
    }
}

fn days(date: NaiveDate) -> i32 {
    date.to_epoch_days()
}

fn lots(decision: &Decision, accounts: &Accounts) -> Vec<LotRow> {
    let row = |(sequence, moved): &(i64, Moved)| {
        let account = accounts.get(moved.slot);
        LotRow {
            sequence: *sequence,
            ordinal: moved.ordinal,
            account: account.number,
            commodity: account.commodity.number(),
            is_debit: moved.is_debit,
            piece: moved.piece,
        }
    };
    decision.traces.lots.iter().map(row).collect()
}

/// The units that an entry moves or reserves, each once, by number.
fn units(booking: &Booking, changes: &[AppliedChange], accounts: &Accounts) -> Vec<LeafUnit> {
    let slots = booking.amounts.iter().map(|&(slot, _)| slot).chain(changes.iter().map(|change| change.slot));
    let mut units: Vec<LeafUnit> = slots
        .filter_map(|slot| accounts.get(slot).commodity.unit())
        .map(|unit| LeafUnit { number: unit.number(), definition: unit.digest() })
        .collect();
    units.sort_unstable_by_key(|unit| unit.number);
    units.dedup_by_key(|unit| unit.number);
    units
}

fn held(accounts: &Accounts) -> Vec<HoldRow> {
    let row = |(hold, known): (HoldId, super::holds::Known)| {
        let account = accounts.get(known.slot);
        HoldRow {
            hold,
            account: account.number,
            commodity: account.commodity.number(),
            amount_minor: known.amount_minor,
            remaining_minor: known.remaining_minor,
            expires_at: known.expires_at,
        }
    };
    accounts.holds.changed().into_iter().map(row).collect()
}
