//! A batch: units of work decided in order, in memory.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::accounts::{Accounts, Slot};
use crate::unit_of_work::{MAX_EFFECTS, Outcome, Receipt, Refusal, Sequence, UnitOfWork};

/// A unit with its accounts found.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) unit: &'a UnitOfWork,
    pub(super) fingerprint: Uuid,
    /// Slot and amount of each posting, or why the unit cannot be booked at all.
    pub(super) amounts: Result<Vec<(Slot, i64)>, Refusal>,
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
    /// It is booked: the how-manieth of the batch, and where its postings stand in [`Decision::balances`].
    Accepted { ordinal: usize, first_posting: usize },
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
    /// Balances after each posting of the accepted candidates, in order.
    pub(super) balances: Vec<i64>,
}

/// Units that are known not to be booked, and entries that already are.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) refused: HashMap<usize, Refusal>,
    pub(super) booked: HashMap<Uuid, Booked>,
}

/// Decides each candidate in order, as if it were alone after those before it.
pub(super) fn decide(candidates: &[Candidate<'_>], accounts: &mut Accounts, known: &Known) -> Decision {
    accounts.begin_attempt();
    let mut decision = Decision { verdicts: Vec::with_capacity(candidates.len()), ..Decision::default() };
    let mut by_key = HashMap::<Uuid, usize>::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        let verdict = verdict(index, candidate, accounts, known, &by_key, &mut decision);
        if matches!(verdict, Verdict::Accepted { .. }) {
            by_key.insert(candidate.unit.key.uuid(), index);
            decision.accepted.push(index);
        }
        decision.verdicts.push(match verdict {
            Verdict::Repeats { candidate: first } if candidates[first].fingerprint != candidate.fingerprint => {
                Verdict::Refused(Refusal::KeyReused)
            }
            verdict => verdict,
        });
    }
    decision
}

fn verdict(
    index: usize,
    candidate: &Candidate<'_>,
    accounts: &mut Accounts,
    known: &Known,
    by_key: &HashMap<Uuid, usize>,
    decision: &mut Decision,
) -> Verdict {
    let key = candidate.unit.key.uuid();
    if let Some(booked) = known.booked.get(&key) {
        return if booked.fingerprint == candidate.fingerprint {
            Verdict::Booked(*booked)
        } else {
            Verdict::Refused(Refusal::KeyReused)
        };
    }
    if let Some(&first) = by_key.get(&key) {
        return Verdict::Repeats { candidate: first };
    }
    if let Some(refusal) = known.refused.get(&index) {
        return Verdict::Refused(refusal.clone());
    }
    if candidate.unit.effects.len() > MAX_EFFECTS {
        return Verdict::Refused(Refusal::TooManyEffects);
    }
    let first_posting = decision.balances.len();
    let applied = match &candidate.amounts {
        Ok(amounts) => accounts.apply(amounts, &mut decision.balances),
        Err(refusal) => Err(refusal.clone()),
    };
    match applied {
        Ok(()) => Verdict::Accepted { ordinal: decision.accepted.len(), first_posting },
        Err(refusal) => Verdict::Refused(refusal),
    }
}

impl Decision {
    /// The accounts that the accepted candidates touch, each once.
    pub(super) fn touched(&self, candidates: &[Candidate<'_>]) -> Vec<Slot> {
        let mut touched: Vec<Slot> = self
            .accepted
            .iter()
            .filter_map(|&index| candidates[index].amounts.as_ref().ok())
            .flat_map(|amounts| amounts.iter().map(|&(slot, _)| slot))
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
            Verdict::Accepted { ordinal, first_posting } => {
                let amounts = candidates[index].amounts.as_deref().unwrap_or_default();
                Ok(Receipt {
                    sequence: Sequence::new(sequence(head, *ordinal)),
                    booked_at,
                    outcome: Outcome::Booked,
                    balances: balances(accounts, amounts, &self.balances[*first_posting..]),
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
    Receipt { sequence: Sequence::new(sequence), booked_at, outcome: Outcome::AlreadyBooked, balances: Vec::new() }
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
