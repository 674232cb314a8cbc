//! What the writer knows of its book between batches, and how it decides from it.

use std::collections::HashSet;

use chrono::{DateTime, SubsecRound as _, Utc};
use diesel::result::Error as DieselError;
use diesel_async::AsyncPgConnection;

use super::accounts::{Account, Accounts, Booking, Step};
use super::batch::{Candidate, Known, Moment, decide};
use super::holds;
use super::plan::Plan;
use super::recent::Recent;
use super::store::{self, Head, StoredHold};
use crate::account::Chart;
use crate::hold::{HoldChange, HoldId};
use crate::unit_of_work::{Receipt, Refusal, UnitOfWork};
use crate::units::Units;
use crate::{AccountCode, Commodity};

/// The answers to the units of a batch, in order.
pub(super) type Answers = Vec<Result<Receipt, Refusal>>;

/// What the writer remembers of its book between batches: true as long as the book's head stands at `head`.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) chart: Chart,
    pub(super) units: Units,
    pub(super) head: Head,
    pub(super) accounts: Accounts,
    pub(super) recent: Recent,
}

impl Memory {
    /// When a batch that is decided at `now` is booked: never before the newest entry, and in whole microseconds, as
    /// the database keeps them.
    pub(super) fn booked_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.trunc_subsecs(6).max(self.head.booked_at)
    }

    /// Whether all entries are in the log; otherwise the next batch brings them in, under the lock.
    pub(super) fn frontier_is_whole(&self) -> bool {
        i64::try_from(self.head.frontier.size()) == Ok(self.head.sequence)
    }

    /// Whether the units can be decided from the memory alone and written without a look at anything else.
    pub(super) fn suffices(&self, units: &[UnitOfWork]) -> bool {
        units.iter().all(|unit| unit.effects.is_empty() && unit.entry.is_plain())
            && units.iter().flat_map(|unit| unit.entry.postings()).all(|posting| {
                self.accounts
                    .find(posting.account(), posting.amount().commodity())
                    .is_some_and(|slot| self.accounts.get(slot).number != 0)
            })
    }

    /// Decides the units from the memory alone.
    pub(super) fn plan(&mut self, units: &[UnitOfWork], booked_at: DateTime<Utc>) -> Plan {
        let candidates = self.candidates(units);
        let moment = self.moment(booked_at);
        let decision = decide(&candidates, &mut self.accounts, &self.recent, &Known::default(), moment);
        Plan::new(&self.head, booked_at, &candidates, decision, &self.accounts)
    }

    /// What the plan leaves is what the next batch is decided on.
    pub(super) fn take(&mut self, plan: &Plan) {
        self.accounts.commit(&plan.touched);
        self.head = plan.after.clone();
    }

    pub(super) fn moment(&self, booked_at: DateTime<Utc>) -> Moment {
        Moment { booked_at, head: self.head.sequence, closed_through: self.head.closed_through }
    }

    /// Reads the accounts and holds that the units name and the memory lacks.
    pub(super) async fn read(
        &mut self,
        connection: &mut AsyncPgConnection,
        units: &[UnitOfWork],
    ) -> Result<(), DieselError> {
        if self.accounts.is_full() {
            self.accounts.forget_all();
        }
        let named = self.read_named_holds(connection, units).await?;
        let mut wanted: HashSet<(AccountCode, Commodity)> = named.iter().map(|hold| hold.account.clone()).collect();
        for unit in units {
            let postings = unit.entry.postings().iter();
            wanted.extend(postings.map(|posting| (posting.account().clone(), posting.amount().commodity())));
            wanted.extend(unit.entry.hold_changes().iter().filter_map(|change| match change {
                HoldChange::Placed { account, amount, .. } => Some((account.clone(), amount.commodity())),
                _ => None,
            }));
        }
        wanted.retain(|(code, commodity)| self.accounts.find(code, *commodity).is_none());
        self.read_accounts(connection, wanted.into_iter().collect()).await?;
        self.remember_holds(named);
        self.read_lots(connection, units).await
    }

    async fn read_named_holds(
        &self,
        connection: &mut AsyncPgConnection,
        units: &[UnitOfWork],
    ) -> Result<Vec<StoredHold>, DieselError> {
        let changes = units.iter().flat_map(|unit| unit.entry.hold_changes());
        let unknown = changes.map(HoldChange::hold).filter(|hold| self.accounts.holds.find(*hold).is_none());
        let unknown: Vec<_> = unknown.map(HoldId::uuid).collect();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        store::find_holds(connection, self.head.book, &self.units, &unknown).await
    }

    async fn read_accounts(
        &mut self,
        connection: &mut AsyncPgConnection,
        mut wanted: Vec<(AccountCode, Commodity)>,
    ) -> Result<(), DieselError> {
        // What is not known cannot be booked on.
        wanted.retain(|(code, _)| !code.is_erased());
        if wanted.is_empty() {
            return Ok(());
        }
        let book = self.head.book;
        let accounts = store::load_accounts(connection, book, &self.units, &wanted).await?;
        let numbers: Vec<i64> = accounts.iter().map(|account| account.number).collect();
        for account in accounts {
            self.accounts.remember(account);
        }
        for (code, commodity) in wanted {
            if self.accounts.find(&code, commodity).is_none()
                && let Some(template) = self.chart.template(&code)
                && template.holds(commodity)
                && self.units.find(commodity.number()) == Some(commodity)
            {
                self.accounts.remember(Account::unopened(code, commodity, template.floor_minor()));
            }
        }
        if !numbers.is_empty() {
            let open = store::load_open_holds(connection, book, &self.units, &numbers).await?;
            self.remember_holds(open);
        }
        Ok(())
    }

    fn remember_holds(&mut self, stored: Vec<StoredHold>) {
        for hold in stored {
            let (code, commodity) = &hold.account;
            let Some(slot) = self.accounts.find(code, *commodity) else { continue };
            let known = holds::Known {
                slot,
                amount_minor: hold.amount_minor,
                remaining_minor: hold.remaining_minor,
                expires_at: hold.expires_at,
            };
            self.accounts.holds.remember(hold.hold, known);
        }
    }

    pub(super) fn candidates<'a>(&self, units: &'a [UnitOfWork]) -> Vec<Candidate<'a>> {
        units.iter().map(|unit| Candidate { unit, booking: self.booking(unit) }).collect()
    }

    fn booking(&self, unit: &UnitOfWork) -> Result<Booking, Refusal> {
        let find = |code: &AccountCode, commodity| {
            self.accounts.find(code, commodity).ok_or_else(|| self.unfound(code, commodity))
        };
        let amounts = unit
            .entry
            .postings()
            .iter()
            .map(|posting| {
                let amount = posting.amount();
                Ok((find(posting.account(), amount.commodity())?, amount.minor()))
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        let steps = unit
            .entry
            .hold_changes()
            .iter()
            .map(|change| {
                Ok(match change {
                    HoldChange::Placed { hold, account, amount, expires_at } => Step::Place {
                        hold: *hold,
                        slot: find(account, amount.commodity())?,
                        amount_minor: amount.minor(),
                        expires_at: *expires_at,
                    },
                    HoldChange::Posted { hold, amount } => Step::Post { hold: *hold, amount: *amount },
                    HoldChange::Released { hold } => Step::Release { hold: *hold },
                    HoldChange::Expired { hold } => Step::Expire { hold: *hold },
                })
            })
            .collect::<Result<_, Refusal>>()?;
        let moves = if unit.entry.has_units() { self.moves(&unit.entry, &amounts) } else { Vec::new() };
        Ok(Booking { amounts, steps, moves })
    }
}
