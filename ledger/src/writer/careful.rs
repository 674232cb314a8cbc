//! Writing a batch under the book's lock, looking at everything that the memory may lack: new accounts, holds, effects,
//! reversals, keys that were booked by others.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use uuid::Uuid;

use super::accounts::Slot;
use super::batch::{Candidate, Decision, Known, decide};
use super::memory::{Answers, Memory};
use super::plan::Plan;
use super::store;
use crate::log;
use crate::unit_of_work::{EffectKind, Outcome, Refusal, UnitOfWork};

/// What becomes of a batch that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is booked.
    Book,
    /// It is decided the same way, and everything is taken back.
    DryRun,
    /// Nothing is decided: what is known of accounts is read anew, because a name was erased.
    Forget,
}

impl Memory {
    /// Writes the units as one transaction; on an error nothing was booked, unless the connection was lost on the way.
    pub(super) async fn write_carefully(
        &mut self,
        connection: &mut AsyncPgConnection,
        units: &[UnitOfWork],
        now: DateTime<Utc>,
        purpose: Purpose,
    ) -> Result<Answers, DieselError> {
        let written = self.write_under_lock(connection, units, now, purpose).await;
        if written.is_err() || purpose == Purpose::DryRun {
            self.accounts.forget_all();
            // The connection may be gone; a roll-back that fails then says nothing new.
            let _ = connection.batch_execute("rollback").await;
        }
        written
    }

    async fn write_under_lock(
        &mut self,
        connection: &mut AsyncPgConnection,
        units: &[UnitOfWork],
        now: DateTime<Utc>,
        purpose: Purpose,
    ) -> Result<Answers, DieselError> {
        let mut known = Known::default();
        loop {
            connection.batch_execute("begin").await?;
            self.lock(connection).await?;
            let booked_at = self.booked_at(now);
            self.read(connection, units).await?;
            self.read_past(connection, units, &mut known).await?;
            let candidates = self.candidates(units);
            let Some(decision) = self.decide_with_effects(connection, &candidates, &mut known, booked_at).await? else {
                // An effect was applied for a unit that is refused after all: undo it, knowing more.
                connection.batch_execute("rollback").await?;
                continue;
            };
            let account = self.open_accounts(connection, &candidates, &decision, booked_at).await?;
            let mut plan = Plan::new(&self.head, booked_at, &candidates, decision, &self.accounts);
            plan.after.account = account;
            if purpose == Purpose::DryRun {
                return Ok(plan.answers.into_iter().map(|answer| answer.map(would_be)).collect());
            }
            if !plan.accepted.is_empty() {
                store::write_at_once(connection, &plan, units).await?;
                store::write_besides(connection, &plan, units).await?;
            }
            if !plan.refused.is_empty() {
                store::record_refusals(connection, self.head.book, booked_at, units, &plan.refused).await?;
            }
            connection.batch_execute("commit").await?;
            self.take(&plan);
            for (key, booked) in plan.booked(units) {
                self.recent.remember(key, booked);
            }
            return Ok(plan.answers);
        }
    }

    /// Takes the book's lock and makes sure that the memory belongs to where the book stands.
    async fn lock(&mut self, connection: &mut AsyncPgConnection) -> Result<(), DieselError> {
        let head = store::lock_head(connection, self.head.book).await?;
        if head != self.head {
            self.accounts.forget_all();
            self.head = head;
        }
        let logged = self.head.frontier.size();
        let sequence = u64::try_from(self.head.sequence).unwrap_or_default();
        if logged < sequence {
            // Entries that were booked before there was a log, or by a program that knows none.
            tracing::info!(book = self.head.book.number(), entries = sequence - logged, "entries join the log");
            let frontier = log::frontier_of(connection, self.head.book, self.head.sequence).await;
            self.head.frontier = frontier.map_err(|error| match error {
                crate::Error::Database(error) => error,
                other => DieselError::DeserializationError(other.to_string().into()),
            })?;
        }
        Ok(())
    }

    /// Reads which keys are booked and which entries are reversed.
    async fn read_past(
        &self,
        connection: &mut AsyncPgConnection,
        units: &[UnitOfWork],
        known: &mut Known,
    ) -> Result<(), DieselError> {
        let keys: Vec<Uuid> = units.iter().map(|unit| unit.key.uuid()).collect();
        known.booked = store::find_booked(connection, self.head.book, &keys).await?.into_iter().collect();
        let reversing: Vec<i64> = units.iter().filter_map(|unit| Some(unit.entry.reverses()?.number())).collect();
        if !reversing.is_empty() {
            let reversed = store::find_reversed(connection, self.head.book, &reversing).await?;
            known.reversed = reversed.into_iter().map(crate::Sequence::new).collect();
        }
        Ok(())
    }

    /// Opens the accounts that are used for the first time; answers the number of the account opened last.
    async fn open_accounts(
        &mut self,
        connection: &mut AsyncPgConnection,
        candidates: &[Candidate<'_>],
        decision: &Decision,
        booked_at: DateTime<Utc>,
    ) -> Result<i64, DieselError> {
        let mut used = decision.touched(candidates);
        used.extend(decision.traces.changes.iter().map(|change| change.slot));
        used.sort_unstable();
        used.dedup();
        let unopened: Vec<Slot> = used.into_iter().filter(|&slot| self.accounts.get(slot).number == 0).collect();
        let (book, last) = (self.head.book, self.head.account);
        store::open_accounts(connection, book, last, &unopened, &mut self.accounts, booked_at).await
    }

    /// Decides in memory and applies the effects of what is accepted, until both agree. Each round refuses at least
    /// one more unit, so the rounds end. `None` when an effect stands that ought not to.
    async fn decide_with_effects(
        &mut self,
        connection: &mut AsyncPgConnection,
        candidates: &[Candidate<'_>],
        known: &mut Known,
        booked_at: DateTime<Utc>,
    ) -> Result<Option<Decision>, DieselError> {
        let mut applied = HashSet::<usize>::new();
        let moment = self.moment(booked_at);
        loop {
            let decision = decide(candidates, &mut self.accounts, &self.recent, known, moment);
            let accepted: HashSet<usize> = decision.accepted.iter().copied().collect();
            if !applied.is_subset(&accepted) {
                return Ok(None);
            }
            let waiting: Vec<usize> = decision
                .accepted
                .iter()
                .copied()
                .filter(|index| !applied.contains(index) && !candidates[*index].unit.effects.is_empty())
                .collect();
            if waiting.is_empty() {
                return Ok(Some(decision));
            }
            let refused = apply_effects(connection, candidates, &waiting, booked_at).await?;
            applied.extend(&waiting);
            known.refused.extend(refused);
        }
    }
}

fn would_be(receipt: crate::Receipt) -> crate::Receipt {
    match receipt.outcome {
        Outcome::Booked => crate::Receipt { outcome: Outcome::WouldBeBooked, ..receipt },
        Outcome::AlreadyBooked | Outcome::WouldBeBooked => receipt,
    }
}

/// Applies the effects of those candidates, one statement per kind; answers which units are refused by one.
async fn apply_effects(
    connection: &mut AsyncPgConnection,
    candidates: &[Candidate<'_>],
    waiting: &[usize],
    booked_at: DateTime<Utc>,
) -> Result<Vec<(usize, Refusal)>, DieselError> {
    let mut kinds = Vec::<(&'static EffectKind, Vec<(usize, serde_json::Value)>)>::new();
    for &index in waiting {
        let unit = candidates[index].unit;
        for effect in &unit.effects {
            let row = serde_json::json!({
                "unit": index,
                "entry": unit.key.uuid(),
                "booked_at": booked_at,
                "payload": effect.payload,
            });
            match kinds.iter_mut().find(|(kind, _)| std::ptr::eq(*kind, effect.kind) || *kind == effect.kind) {
                Some((_, rows)) => rows.push((index, row)),
                None => kinds.push((effect.kind, vec![(index, row)])),
            }
        }
    }
    let mut refused = Vec::new();
    for (kind, rows) in kinds {
        let (units, rows): (Vec<usize>, Vec<serde_json::Value>) = rows.into_iter().unzip();
        let answer = store::apply_effects(connection, kind, &serde_json::Value::Array(rows)).await?;
        let mut unanswered = answer.into_iter().filter_map(|unit| usize::try_from(unit).ok()).fold(
            std::collections::HashMap::<usize, usize>::new(),
            |mut counts, unit| {
                *counts.entry(unit).or_default() += 1;
                counts
            },
        );
        for unit in units {
            match unanswered.get_mut(&unit) {
                Some(count) if *count > 0 => *count -= 1,
                _ => refused.push((unit, Refusal::EffectNotApplicable { effect: kind.name })),
            }
        }
    }
    Ok(refused)
}
