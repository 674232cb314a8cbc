//! Deciding a whole file in memory, in order and against the balances of the book, without writing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::draft::UnitsByCode;
use super::reading::{self, Chunk, Identity, Place};
use super::told::{LoadProgress, RefusedLine, Stage};
use super::{LoadError, LoadFile, LoadWitness, MAX_REHEARSED_ENTRIES};
use crate::account::Side;
use crate::balances::stored_code;
use crate::schema::{accounts, books, entries, holds};
use crate::{AccountCode, Amount, Chart, Commodity, Entry, Ledger, Refusal, UnitOfWork};

/// How often a file is checked while others move the book.
const MAX_CHECKS: u32 = 3;

/// An account as the entries so far would leave it.
struct Account {
    floor_minor: Option<i64>,
    /// Debits positive.
    balance_minor: i64,
    /// What live holds reserve of it.
    held_minor: i64,
}

/// What the entries so far would leave.
#[derive(Default)]
struct Rehearsal {
    accounts: HashMap<Commodity, HashMap<AccountCode, Account>>,
    known_accounts: usize,
    /// Fingerprints by key: of entries of this file, and of those in the book that it meets.
    keys: HashMap<Uuid, Uuid>,
    closed_through: Option<NaiveDate>,
    accepted: u64,
    refused: u64,
}

/// Checks the whole file; answers how many entries would be refused.
pub(super) async fn rehearse(
    ledger: &Ledger,
    file: &LoadFile,
    (identity, units): (&Identity, &Arc<UnitsByCode>),
    witness: &mut dyn LoadWitness,
) -> Result<u64, LoadError> {
    for _ in 0..MAX_CHECKS {
        let head = ledger.head().await?;
        let mut rehearsal = Rehearsal { closed_through: closed_through(ledger).await?, ..Rehearsal::default() };
        rehearsal.check(ledger, file, (identity, units), witness).await?;
        identity.check(file).await?;
        // Balances were read at many moments; they belong together when nobody wrote in between.
        if rehearsal.refused > 0 || ledger.head().await? == head {
            return Ok(rehearsal.refused);
        }
    }
    Err(LoadError::BookMoves { checks: MAX_CHECKS })
}

impl Rehearsal {
    async fn check(
        &mut self,
        ledger: &Ledger,
        file: &LoadFile,
        (identity, units): (&Identity, &Arc<UnitsByCode>),
        witness: &mut dyn LoadWitness,
    ) -> Result<(), LoadError> {
        let mut chunks = reading::start(file, units, Place::START);
        while let Some(chunk) = chunks.recv().await {
            let chunk = chunk?;
            self.read_accounts(ledger, &chunk).await?;
            self.read_keys(ledger, &chunk).await?;
            if self.keys.len() > MAX_REHEARSED_ENTRIES || self.known_accounts > MAX_REHEARSED_ENTRIES {
                return Err(LoadError::TooLongToCheck { most: MAX_REHEARSED_ENTRIES });
            }
            let end = chunk.end;
            for item in chunk.items {
                let refused = match item.unit {
                    Err(fault) => RefusedLine::by_fault(item.line, item.reference, &fault),
                    Ok(unit) => match self.decide(&ledger.chart, &unit) {
                        Ok(()) => {
                            self.accepted += 1;
                            continue;
                        }
                        Err(refusal) => RefusedLine::by_ledger(item.line, item.reference, &refusal),
                    },
                };
                self.refused += 1;
                witness.refused(&refused).map_err(LoadError::Witness)?;
            }
            witness.reached(LoadProgress {
                stage: Stage::Checking,
                bytes: end.byte,
                of_bytes: identity.bytes,
                accepted: self.accepted,
                refused: self.refused,
            });
        }
        Ok(())
    }

    /// What the writer would decide after the entries before this one.
    fn decide(&mut self, chart: &Chart, unit: &UnitOfWork) -> Result<(), Refusal> {
        let (key, fingerprint) = (unit.key().uuid(), unit.entry().fingerprint());
        match self.keys.get(&key) {
            Some(known) if *known == fingerprint => return Ok(()),
            Some(_) => return Err(Refusal::KeyReused),
            None => {}
        }
        let effective_date = unit.entry().effective_date();
        if let Some(through) = self.closed_through.filter(|through| effective_date <= *through) {
            return Err(Refusal::PeriodClosed { through, effective_date });
        }
        self.apply(chart, unit.entry())?;
        self.keys.insert(key, fingerprint);
        Ok(())
    }

    /// Applies all postings of an entry, or none.
    fn apply(&mut self, chart: &Chart, entry: &Entry) -> Result<(), Refusal> {
        let mut applied = 0;
        let mut refusal = None;
        for posting in entry.postings() {
            let added = self
                .account(posting.account(), posting.amount().commodity())
                .ok_or_else(|| Refusal::no_account(chart, posting.account(), posting.amount().commodity()))
                .and_then(|account| {
                    let sum = account.balance_minor.checked_add(posting.amount().minor());
                    account.balance_minor = sum.ok_or_else(|| Refusal::BalanceTooLarge(posting.account().clone()))?;
                    Ok(())
                });
            if let Err(cause) = added {
                refusal = Some(cause);
                break;
            }
            applied += 1;
        }
        let refusal = refusal.or_else(|| self.first_below_floor(entry));
        let Some(refusal) = refusal else { return Ok(()) };
        for posting in &entry.postings()[..applied] {
            if let Some(account) = self.account(posting.account(), posting.amount().commodity()) {
                account.balance_minor -= posting.amount().minor();
            }
        }
        Err(refusal)
    }

    fn first_below_floor(&mut self, entry: &Entry) -> Option<Refusal> {
        entry.postings().iter().find_map(|posting| {
            let (code, commodity) = (posting.account(), posting.amount().commodity());
            let account = self.account(code, commodity)?;
            let floor_minor = account.floor_minor?;
            let on_normal_side = match code.kind().normal_side() {
                Side::Debit => Some(account.balance_minor),
                Side::Credit => account.balance_minor.checked_neg(),
            };
            let available = on_normal_side.and_then(|balance| balance.checked_sub(account.held_minor));
            let Some(would_be) = available else { return Some(Refusal::BalanceTooLarge(code.clone())) };
            (would_be < floor_minor).then(|| Refusal::BelowFloor {
                account: code.clone(),
                would_be: Amount::from_minor(would_be, commodity),
                floor: Amount::from_minor(floor_minor, commodity),
            })
        })
    }

    fn account(&mut self, code: &AccountCode, commodity: Commodity) -> Option<&mut Account> {
        self.accounts.get_mut(&commodity)?.get_mut(code)
    }

    /// Makes the accounts of a chunk known: those in the book, and those that the chart would open.
    async fn read_accounts(&mut self, ledger: &Ledger, chunk: &Chunk) -> Result<(), LoadError> {
        let missing: HashSet<(&AccountCode, Commodity)> = entries_of(chunk)
            .flat_map(Entry::postings)
            .map(|posting| (posting.account(), posting.amount().commodity()))
            .filter(|(code, commodity)| !self.accounts.get(commodity).is_some_and(|known| known.contains_key(code)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        for (code, commodity) in &missing {
            if let Some(template) = ledger.chart.template(code).filter(|template| template.holds(*commodity)) {
                let account = Account { floor_minor: template.floor_minor(), balance_minor: 0, held_minor: 0 };
                self.remember((*code).clone(), *commodity, account);
            }
        }
        let codes: HashSet<&str> = missing.iter().map(|(code, _)| code.as_str()).collect();
        for (code, commodity, account) in stored_accounts(ledger, &codes).await? {
            if missing.contains(&(&code, commodity)) {
                self.remember(code, commodity, account);
            }
        }
        Ok(())
    }

    fn remember(&mut self, code: AccountCode, commodity: Commodity, account: Account) {
        if self.accounts.entry(commodity).or_default().insert(code, account).is_none() {
            self.known_accounts += 1;
        }
    }

    async fn read_keys(&mut self, ledger: &Ledger, chunk: &Chunk) -> Result<(), LoadError> {
        let keys: Vec<Uuid> =
            chunk.items.iter().filter_map(|item| item.unit.as_ref().ok()).map(|unit| unit.key().uuid()).collect();
        let mut connection = ledger.database.connection().await?;
        let booked: Vec<(Uuid, Uuid)> = entries::table
            .filter(entries::book_id.eq(ledger.book.number()))
            .filter(entries::entry_key.eq_any(keys))
            .select((entries::entry_key, entries::fingerprint))
            .load(&mut connection)
            .await?;
        self.keys.extend(booked);
        Ok(())
    }
}

fn entries_of(chunk: &Chunk) -> impl Iterator<Item = &Entry> {
    chunk.items.iter().filter_map(|item| item.unit.as_ref().ok()).map(UnitOfWork::entry)
}

async fn closed_through(ledger: &Ledger) -> Result<Option<NaiveDate>, LoadError> {
    let mut connection = ledger.database.connection().await?;
    Ok(books::table.find(ledger.book.number()).select(books::closed_through).first(&mut connection).await?)
}

/// The accounts of those codes in the book, with what is held of each.
async fn stored_accounts(
    ledger: &Ledger,
    codes: &HashSet<&str>,
) -> Result<Vec<(AccountCode, Commodity, Account)>, LoadError> {
    type Row = (i64, String, i32, Option<i64>, i64);
    let mut connection = ledger.database.connection().await?;
    let rows: Vec<Row> = accounts::table
        .filter(accounts::book_id.eq(ledger.book.number()))
        .filter(accounts::code.eq_any(codes))
        .select((
            accounts::account,
            accounts::code,
            accounts::commodity,
            accounts::floor_minor,
            accounts::balance_minor,
        ))
        .load(&mut connection)
        .await?;
    ledger.units.learn(&mut connection, rows.iter().map(|row| row.2).collect()).await?;
    let numbers: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let live: Vec<(i64, i64)> = holds::table
        .filter(holds::book_id.eq(ledger.book.number()))
        .filter(holds::account.eq_any(numbers))
        .filter(holds::remaining_minor.gt(0))
        .filter(holds::expires_at.gt(ledger.now()))
        .select((holds::account, holds::remaining_minor))
        .load(&mut connection)
        .await?;
    let mut held = HashMap::<i64, i64>::new();
    for (account, remaining) in live {
        *held.entry(account).or_default() += remaining;
    }
    rows.into_iter()
        .map(|(number, code, commodity, floor_minor, balance_minor)| {
            let code = stored_code(&code)?;
            let held_minor = held.get(&number).copied().unwrap_or(0);
            Ok((code, ledger.units.commodity(commodity)?, Account { floor_minor, balance_minor, held_minor }))
        })
        .collect()
}
