//! A batch: units of work decided in order, in memory.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::accounts::{Accounts, Booking, Slot, Traces, Turn};
use super::recent::Recent;
use crate::hold::Available;
use crate::period::PeriodChange;
use crate::unit_of_work::{MAX_EFFECTS, Outcome, Receipt, Refusal, Sequence, UnitOfWork};

/// A unit with its accounts found.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) unit: &'a UnitOfWork,
    /// What it does, or why it cannot be booked at all.
    pub(super) booking: Result<Booking, Refusal>,
}

/// An entry that is in the book already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Booked {
    pub(super) sequence: i64,
    pub(super) fingerprint: Uuid,
    pub(super) booked_at: DateTime<Utc>,
}

/// What becomes of a unit.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It is booked: the how-manieth of the batch, and where its postings stand in [`Decision::traces`].
    Accepted { ordinal: usize, first_posting: usize, first_change: usize },
    /// It was booked by an earlier batch.
    Booked(Booked),
    /// It repeats the key of an earlier unit of this batch.
    Repeats { candidate: usize },
    /// It is not booked.
    Refused(Refusal),
}

/// What becomes of each unit of a batch.
#[derive(Debug, Default)]
pub(super) struct Decision {
    pub(super) verdicts: Vec<Verdict>,
    /// Candidates that are booked, in order.
    pub(super) accepted: Vec<usize>,
    /// What the accepted candidates leave, in order; each change of a hold with what it left on its account.
    pub(super) traces: Traces,
    pub(super) available: Vec<Available>,
    /// How far the book is closed afterwards.
    pub(super) closed_through: Option<NaiveDate>,
    reversed: HashSet<Sequence>,
}

/// Units that are known not to be booked, and entries that already are.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) refused: HashMap<usize, Refusal>,
    pub(super) booked: HashMap<Uuid, Booked>,
    /// Entries that were reversed before.
    pub(super) reversed: HashSet<Sequence>,
}

/// The moment at which a batch is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// When it is booked.
    pub(super) booked_at: DateTime<Utc>,
    /// The sequence of the entry before it.
    pub(super) head: i64,
    /// How far the book is closed before it.
    pub(super) closed_through: Option<NaiveDate>,
}

/// Decides each candidate in order, as if it were alone after those before it.
pub(super) fn decide(
    candidates: &[Candidate<'_>],
    accounts: &mut Accounts,
    recent: &Recent,
    known: &Known,
    moment: Moment,
) -> Decision {
    accounts.begin_attempt();
    let mut decision = Decision {
        verdicts: Vec::with_capacity(candidates.len()),
        closed_through: moment.closed_through,
        ..Decision::default()
    };
    let mut by_key = HashMap::<Uuid, usize>::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        let key = candidate.unit.key.uuid();
        let booked = known.booked.get(&key).copied().or_else(|| recent.find(key));
        let repeated = by_key.get(&key).copied();
        let verdict = match (booked, repeated) {
            (Some(booked), _) if booked.fingerprint == candidate.unit.fingerprint => Verdict::Booked(booked),
            (None, Some(first)) if candidates[first].unit.fingerprint == candidate.unit.fingerprint => {
                Verdict::Repeats { candidate: first }
            }
            (None, None) => match known.refused.get(&index) {
                Some(refusal) => Verdict::Refused(refusal.clone()),
                None => decision.take(candidate, accounts, known, moment),
            },
            _ => Verdict::Refused(Refusal::KeyReused),
        };
        if matches!(verdict, Verdict::Accepted { .. }) {
            by_key.insert(key, index);
            decision.accepted.push(index);
        }
        decision.verdicts.push(verdict);
    }
    decision
}

impl Decision {
    fn take(&mut self, candidate: &Candidate<'_>, accounts: &mut Accounts, known: &Known, moment: Moment) -> Verdict {
        let entry = &candidate.unit.entry;
        let booked_at = moment.booked_at;
        let turn = Turn {
            at: booked_at,
            sequence: sequence(moment.head, self.accepted.len()),
            effective_date: entry.effective_date(),
        };
        let (first_posting, first_change) = (self.traces.balances.len(), self.traces.changes.len());
        let taken = self.refusal_before(candidate, known, booked_at).map_or(Ok(()), Err).and_then(|()| {
            let booking = candidate.booking.as_ref().map_err(Refusal::clone)?;
            accounts.apply(booking, turn, &mut self.traces)
        });
        if let Err(refusal) = taken {
            return Verdict::Refused(refusal);
        }
        for change in &self.traces.changes[first_change..] {
            self.available.push(accounts.available(change.slot, booked_at));
        }
        if let Some(reversed) = entry.reverses() {
            self.reversed.insert(reversed);
        }
        if let Some(period) = entry.period() {
            self.closed_through = period.closed_through();
        }
        Verdict::Accepted { ordinal: self.accepted.len(), first_posting, first_change }
    }

    /// What stands in the way before any account is looked at.
    fn refusal_before(&self, candidate: &Candidate<'_>, known: &Known, booked_at: DateTime<Utc>) -> Option<Refusal> {
        let entry = &candidate.unit.entry;
        if candidate.unit.effects.len() > MAX_EFFECTS {
            return Some(Refusal::TooManyEffects);
        }
        if let Some(change) = entry.period() {
            return self.refusal_of_period(change, booked_at);
        }
        let effective_date = entry.effective_date();
        if let Some(through) = self.closed_through
            && effective_date <= through
            && entry.adjustment().is_none()
        {
            return Some(Refusal::PeriodClosed { through, effective_date });
        }
        let reversed = entry.reverses()?;
        let is_reversed = known.reversed.contains(&reversed) || self.reversed.contains(&reversed);
        is_reversed.then_some(Refusal::AlreadyReversed(reversed))
    }

    fn refusal_of_period(&self, change: PeriodChange, booked_at: DateTime<Utc>) -> Option<Refusal> {
        let refuse = |reason| Some(Refusal::PeriodChange { change: change.name(), date: change.date(), reason });
        match (change, self.closed_through) {
            (PeriodChange::Closed { through, .. }, _) if through >= booked_at.date_naive() => {
                refuse("the day is not over")
            }
            (PeriodChange::Closed { through, .. }, Some(closed)) if through <= closed => refuse("it is closed already"),
            (PeriodChange::Reopened { from, .. }, Some(closed)) if from <= closed => None,
            (PeriodChange::Reopened { .. }, _) => refuse("it is open"),
            (PeriodChange::Closed { .. }, _) => None,
        }
    }

    /// The accounts that the accepted candidates' postings touch, each once.
    pub(super) fn touched(&self, candidates: &[Candidate<'_>]) -> Vec<Slot> {
        let mut touched: Vec<Slot> = self
            .accepted
            .iter()
            .filter_map(|&index| candidates[index].booking.as_ref().ok())
            .flat_map(|booking| booking.amounts.iter().map(|&(slot, _)| slot))
            .collect();
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// The answers to all candidates, once the accepted ones are committed after sequence `head`.
    pub(super) fn answers(
        &self,
        candidates: &[Candidate<'_>],
        accounts: &Accounts,
        head: i64,
        booked_at: DateTime<Utc>,
    ) -> Vec<Result<Receipt, Refusal>> {
        let answer = |index: usize| match &self.verdicts[index] {
            Verdict::Accepted { ordinal, first_posting, first_change } => {
                let booking = candidates[index].booking.as_ref().map_err(Refusal::clone)?;
                let last_change = first_change + booking.steps.len();
                Ok(Receipt {
                    sequence: Sequence::new(sequence(head, *ordinal)),
                    booked_at,
                    outcome: Outcome::Booked,
                    balances: balances(accounts, &booking.amounts, &self.traces.balances[*first_posting..]),
                    available: self.available[*first_change..last_change].to_vec(),
                })
            }
            Verdict::Booked(booked) => Ok(already_booked(booked.sequence, booked.booked_at)),
            Verdict::Refused(refusal) => Err(refusal.clone()),
            Verdict::Repeats { candidate } => match &self.verdicts[*candidate] {
                Verdict::Accepted { ordinal, .. } => Ok(already_booked(sequence(head, *ordinal), booked_at)),
                _ => Err(Refusal::KeyReused),
            },
        };
        (0..candidates.len()).map(answer).collect()
    }
}

/// The sequence of the accepted unit number `ordinal`, counted from zero.
pub(super) fn sequence(head: i64, ordinal: usize) -> i64 {
    head + 1 + i64::try_from(ordinal).unwrap_or(i64::MAX - head - 1)
}

fn already_booked(sequence: i64, booked_at: DateTime<Utc>) -> Receipt {
    Receipt {
        sequence: Sequence::new(sequence),
        booked_at,
        outcome: Outcome::AlreadyBooked,
        balances: Vec::new(),
        available: Vec::new(),
    }
}

/// The last balance of each account of one entry, in the order of the postings.
fn balances(accounts: &Accounts, amounts: &[(Slot, i64)], after: &[i64]) -> Vec<crate::Balance> {
    let mut last = Vec::<(Slot, i64)>::with_capacity(amounts.len());
    for (&(slot, _), &balance) in amounts.iter().zip(after) {
        match last.iter_mut().find(|(known, _)| *known == slot) {
            Some(known) => known.1 = balance,
            None => last.push((slot, balance)),
        }
    }
    last.into_iter().map(|(slot, balance)| accounts.balance(slot, balance)).collect()
}
