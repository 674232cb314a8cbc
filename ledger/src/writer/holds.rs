//! The writer's memory of holds: all live ones of the accounts it knows, and those that an entry names.
//!
//! Like balances they are true as long as the book's head stands where this writer left it. What an attempt changes is
//! kept in a list of what was before, so that a refused unit, or a whole attempt, can be taken back.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::accounts::Slot;
use crate::hold::HoldId;

/// What the writer knows of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) slot: Slot,
    pub(super) amount_minor: i64,
    pub(super) remaining_minor: i64,
    pub(super) expires_at: DateTime<Utc>,
}

/// All holds that the writer knows.
#[derive(Debug, Default)]
pub(super) struct Holds {
    known: HashMap<HoldId, Known>,
    /// Those with something left, by account.
    open: HashMap<Slot, Vec<HoldId>>,
    before: Vec<(HoldId, Option<Known>)>,
}

impl Holds {
    pub(super) fn find(&self, hold: HoldId) -> Option<Known> {
        self.known.get(&hold).copied()
    }

    /// A hold as the table has it.
    pub(super) fn remember(&mut self, hold: HoldId, known: Known) {
        self.put(hold, Some(known));
    }

    pub(super) fn forget_all(&mut self) {
        *self = Self::default();
    }

    /// What is held on an account at that time, on its normal side.
    pub(super) fn held(&self, slot: Slot, at: DateTime<Utc>) -> i64 {
        if self.open.is_empty() {
            return 0;
        }
        let holds = self.open.get(&slot).map(Vec::as_slice).unwrap_or_default();
        let live = holds.iter().filter_map(|hold| self.known.get(hold)).filter(|known| known.expires_at > at);
        live.map(|known| known.remaining_minor).fold(0, i64::saturating_add)
    }

    /// Holds with something left on an account that are live at that time.
    pub(super) fn count(&self, slot: Slot, at: DateTime<Utc>) -> usize {
        let holds = self.open.get(&slot).map(Vec::as_slice).unwrap_or_default();
        holds.iter().filter(|hold| self.known.get(hold).is_some_and(|known| known.expires_at > at)).count()
    }

    /// Changes a hold in the attempt.
    pub(super) fn change(&mut self, hold: HoldId, known: Known) {
        self.before.push((hold, self.known.get(&hold).copied()));
        self.put(hold, Some(known));
    }

    /// Where the attempt stands, to come back to.
    pub(super) fn mark(&self) -> usize {
        self.before.len()
    }

    /// Takes back what was changed since the mark.
    pub(super) fn back_to(&mut self, mark: usize) {
        while self.before.len() > mark
            && let Some((hold, known)) = self.before.pop()
        {
            self.put(hold, known);
        }
    }

    /// The holds that the attempt changed, each once, as it leaves them.
    pub(super) fn changed(&self) -> Vec<(HoldId, Known)> {
        let mut changed: Vec<HoldId> = self.before.iter().map(|(hold, _)| *hold).collect();
        changed.sort_unstable();
        changed.dedup();
        changed.into_iter().filter_map(|hold| Some((hold, self.find(hold)?))).collect()
    }

    /// The attempt was committed. Holds with nothing left are forgotten: the table has them.
    pub(super) fn commit(&mut self) {
        for (hold, _) in std::mem::take(&mut self.before) {
            if self.known.get(&hold).is_some_and(|known| known.remaining_minor == 0) {
                self.known.remove(&hold);
            }
        }
    }

    fn put(&mut self, hold: HoldId, known: Option<Known>) {
        let before = match known {
            Some(known) => self.known.insert(hold, known),
            None => self.known.remove(&hold),
        };
        if let Some(before) = before
            && before.remaining_minor > 0
            && let Some(holds) = self.open.get_mut(&before.slot)
        {
            holds.retain(|open| *open != hold);
            if holds.is_empty() {
                self.open.remove(&before.slot);
            }
        }
        if let Some(known) = known
            && known.remaining_minor > 0
        {
            self.open.entry(known.slot).or_default().push(hold);
        }
    }
}
