//! Writing one batch, once: in one statement when nothing stands in the way, carefully otherwise.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use uuid::Uuid;

use super::accounts::{Account, Accounts, Slot};
use super::batch::{Candidate, Decision, Known, Verdict, decide};
use super::store::{self, Head};
use crate::account::Chart;
use crate::unit_of_work::{EffectKind, Receipt, Refusal, UnitOfWork};
use crate::{AccountCode, BookId, Currency};

/// What the writer remembers of its book between batches.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) book: BookId,
    pub(super) chart: Chart,
    pub(super) head: Head,
    pub(super) accounts: Accounts,
}

/// The answers to the units of a batch, in order.
pub(super) type Answers = Vec<Result<Receipt, Refusal>>;

impl Memory {
    /// Writes the units as one batch; on an error nothing was booked, unless the connection was lost on the way.
    pub(super) async fn write(
        &mut self,
        connection: &mut AsyncPgConnection,
        units: &[&UnitOfWork],
        now: DateTime<Utc>,
    ) -> Result<Answers, DieselError> {
        if self.accounts.is_full() {
            self.accounts.forget_all();
        }
        let booked_at = now.max(self.head.booked_at);
        if units.iter().all(|unit| unit.effects.is_empty()) && self.knows_all_accounts(units) {
            match self.write_at_once(connection, units, booked_at).await {
                Ok(None) => {}
                Err(error) if calls_for_care(&error) => {}
                answered => return answered.map(Option::unwrap_or_default),
            }
        }
        let written = self.write_carefully(connection, units, now).await;
        if written.is_err() {
            self.accounts.forget_all();
            // The connection may be gone; a roll-back that fails then says nothing new.
            let _ = connection.batch_execute("rollback").await;
        }
        written
    }

    /// One statement, on the assumption that nobody else moved the book and that no key is repeated; the statement
    /// fails as a whole where the assumption is wrong. `None` when a unit that would be refused was booked before: a
    /// retry is answered by what it did, whatever the balance is since.
    async fn write_at_once(
        &mut self,
        connection: &mut AsyncPgConnection,
        units: &[&UnitOfWork],
        booked_at: DateTime<Utc>,
    ) -> Result<Option<Answers>, DieselError> {
        let candidates = self.candidates(units);
        let decision = decide(&candidates, &mut self.accounts, &Known::default());
        let refused = refusals(&candidates, &decision);
        if !refused.is_empty() {
            let keys: Vec<Uuid> = refused.iter().map(|(candidate, _)| candidate.unit.key.uuid()).collect();
            if !store::find_booked(connection, self.book, &keys).await?.is_empty() {
                return Ok(None);
            }
        }
        if !decision.accepted.is_empty() {
            store::write(connection, self.book, self.head, booked_at, &candidates, &decision, &self.accounts).await?;
        }
        let answers = decision.answers(&candidates, &self.accounts, self.head.sequence, booked_at);
        self.committed(&candidates, &decision, Head { booked_at, ..self.head });
        if !refused.is_empty() {
            store::record_refusals(connection, self.book, booked_at, &refused).await?;
        }
        Ok(Some(answers))
    }

    /// Under the book's lock: reads what is not known, answers repeated keys, applies the effects, writes.
    async fn write_carefully(
        &mut self,
        connection: &mut AsyncPgConnection,
        units: &[&UnitOfWork],
        now: DateTime<Utc>,
    ) -> Result<Answers, DieselError> {
        let mut known = Known::default();
        loop {
            connection.batch_execute("begin").await?;
            let head = store::lock_head(connection, self.book).await?;
            if head != self.head {
                self.accounts.forget_all();
                self.head = head;
            }
            let booked_at = now.max(head.booked_at);
            self.read_accounts(connection, units).await?;
            let keys: Vec<Uuid> = units.iter().map(|unit| unit.key.uuid()).collect();
            known.booked = store::find_booked(connection, self.book, &keys).await?.into_iter().collect();
            let candidates = self.candidates(units);
            let Some(decision) = self.decide_with_effects(connection, &candidates, &mut known, booked_at).await? else {
                // An effect was applied for a unit that is refused after all: undo it, knowing more.
                connection.batch_execute("rollback").await?;
                continue;
            };
            let head = self.write_decided(connection, &candidates, &decision, booked_at).await?;
            let refused = refusals(&candidates, &decision);
            if !refused.is_empty() {
                store::record_refusals(connection, self.book, booked_at, &refused).await?;
            }
            connection.batch_execute("commit").await?;
            let answers = decision.answers(&candidates, &self.accounts, self.head.sequence, booked_at);
            self.committed(&candidates, &decision, head);
            return Ok(answers);
        }
    }

    async fn write_decided(
        &mut self,
        connection: &mut AsyncPgConnection,
        candidates: &[Candidate<'_>],
        decision: &Decision,
        booked_at: DateTime<Utc>,
    ) -> Result<Head, DieselError> {
        if decision.accepted.is_empty() {
            return Ok(self.head);
        }
        let touched = decision.touched(candidates);
        let unopened: Vec<Slot> = touched.into_iter().filter(|&slot| self.accounts.get(slot).number == 0).collect();
        let (book, head) = (self.book, self.head);
        let account = store::open_accounts(connection, book, head, &unopened, &mut self.accounts, booked_at).await?;
        store::write(connection, book, head, booked_at, candidates, decision, &self.accounts).await?;
        Ok(Head { account, booked_at, ..head })
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
        loop {
            let decision = decide(candidates, &mut self.accounts, known);
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

    fn committed(&mut self, candidates: &[Candidate<'_>], decision: &Decision, head: Head) {
        self.accounts.commit(&decision.touched(candidates));
        let accepted = decision.accepted.len();
        if accepted > 0 {
            self.head = Head { sequence: super::batch::sequence(self.head.sequence, accepted) - 1, ..head };
        }
    }

    fn knows_all_accounts(&self, units: &[&UnitOfWork]) -> bool {
        units.iter().flat_map(|unit| unit.entry.postings()).all(|posting| {
            self.accounts
                .find(posting.account(), posting.amount().currency())
                .is_some_and(|slot| self.accounts.get(slot).number != 0)
        })
    }

    async fn read_accounts(
        &mut self,
        connection: &mut AsyncPgConnection,
        units: &[&UnitOfWork],
    ) -> Result<(), DieselError> {
        let missing: HashSet<(AccountCode, Currency)> = units
            .iter()
            .flat_map(|unit| unit.entry.postings())
            .map(|posting| (posting.account(), posting.amount().currency()))
            .filter(|(code, currency)| self.accounts.find(code, *currency).is_none())
            .map(|(code, currency)| (code.clone(), currency))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<_> = missing.into_iter().collect();
        for account in store::load_accounts(connection, self.book, &missing).await? {
            self.accounts.remember(account);
        }
        for (code, currency) in missing {
            if self.accounts.find(&code, currency).is_none()
                && let Some(template) = self.chart.template(&code)
            {
                self.accounts.remember(Account::unopened(code, currency, template.floor_minor()));
            }
        }
        Ok(())
    }

    fn candidates<'a>(&self, units: &[&'a UnitOfWork]) -> Vec<Candidate<'a>> {
        let candidate = |unit: &'a UnitOfWork| Candidate {
            unit,
            fingerprint: unit.entry.fingerprint(),
            amounts: unit
                .entry
                .postings()
                .iter()
                .map(|posting| {
                    self.accounts
                        .find(posting.account(), posting.amount().currency())
                        .map(|slot| (slot, posting.amount().minor()))
                        .ok_or_else(|| Refusal::UnknownAccount(posting.account().clone()))
                })
                .collect(),
        };
        units.iter().map(|unit| candidate(unit)).collect()
    }
}

/// The units that are refused for a reason of their own, to be kept.
fn refusals<'a, 'b>(candidates: &'b [Candidate<'a>], decision: &'b Decision) -> Vec<(&'b Candidate<'a>, &'b Refusal)> {
    candidates
        .iter()
        .zip(&decision.verdicts)
        .filter_map(|(candidate, verdict)| match verdict {
            Verdict::Refused(refusal) => Some((candidate, refusal)),
            _ => None,
        })
        .collect()
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

/// Whether the failure of the single statement says that its assumption was wrong, rather than that the data is.
fn calls_for_care(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure, _)
    )
}
