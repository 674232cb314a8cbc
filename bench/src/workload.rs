//! The work that all contenders do: transfers between wallets, two postings each, under a key of their own.

use chrono::NaiveDate;
use ledger::{AccountCode, Currency, Entry, EntryKind, IdempotencyKey, Ledger, Money, UnitOfWork};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::Result;

/// Wallets between which money moves.
pub const WALLETS: usize = 10_000;
/// What each wallet holds at the start: enough for a long bench, so that floors are checked and seldom met.
pub const OPENING_BALANCE_CENTS: i64 = 100_000_000;
/// The largest transfer.
const LARGEST_TRANSFER_CENTS: i64 = 100;
/// Where the wallets' money comes from; the only other account.
const BANK: &str = "assets:pay-in:bank";
/// The accounts that the server ships.
pub const CHART: &str = include_str!("../../config/chart-of-accounts.toml");

/// Which accounts meet in a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// Any two wallets.
    Uniform,
    /// The first wallet and any other, either way.
    Hot,
}

/// One transfer: wallets by their place, from 0.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    pub debit: usize,
    pub credit: usize,
    pub cents: i64,
}

/// An endless stream of transfers, the same for the same seed.
pub struct Transfers {
    random: SmallRng,
    pattern: Pattern,
}

impl Transfers {
    pub fn new(pattern: Pattern, seed: u64) -> Self {
        Self { random: SmallRng::seed_from_u64(seed), pattern }
    }

    pub fn next(&mut self) -> Transfer {
        let one = match self.pattern {
            Pattern::Uniform => self.random.random_range(0..WALLETS),
            Pattern::Hot => 0,
        };
        let other = (one + self.random.random_range(1..WALLETS)) % WALLETS;
        let (debit, credit) = if self.random.random() { (one, other) } else { (other, one) };
        Transfer { debit, credit, cents: self.random.random_range(1..=LARGEST_TRANSFER_CENTS) }
    }
}

/// The accounts by name, made once.
#[derive(Clone, Debug)]
pub struct Wallets {
    bank: AccountCode,
    codes: Vec<AccountCode>,
}

impl Wallets {
    pub fn try_new() -> Result<Self> {
        let codes = (0..WALLETS).map(|place| AccountCode::held_by("liabilities:wallets", format_args!("w{place:05}")));
        Ok(Self { bank: AccountCode::try_new(BANK)?, codes: codes.collect::<std::result::Result<_, _>>()? })
    }

    pub fn codes(&self) -> &[AccountCode] {
        &self.codes
    }

    /// The unit of work that books a transfer, effective today.
    pub fn unit(&self, ledger: &Ledger, transfer: Transfer) -> Result<UnitOfWork> {
        self.unit_effective(ledger.today(), transfer)
    }

    /// The unit of work that books a transfer, effective on that day.
    pub fn unit_effective(&self, day: NaiveDate, transfer: Transfer) -> Result<UnitOfWork> {
        let Transfer { debit, credit, cents } = transfer;
        unit(day, &self.codes[debit], &self.codes[credit], cents)
    }

    /// The units of work that fill each wallet, in order.
    pub fn opening_units(&self, ledger: &Ledger) -> Result<Vec<UnitOfWork>> {
        let today = ledger.today();
        self.codes.iter().map(|wallet| unit(today, &self.bank, wallet, OPENING_BALANCE_CENTS)).collect()
    }
}

fn unit(day: NaiveDate, debit: &AccountCode, credit: &AccountCode, cents: i64) -> Result<UnitOfWork> {
    let amount = Money::from_minor(cents, Currency::EUR);
    let entry = Entry::builder(EntryKind::new("transfer"), day)
        .debit(debit.clone(), amount)
        .credit(credit.clone(), amount)
        .build()?;
    Ok(UnitOfWork::new(IdempotencyKey::generate(), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_transfer_always_meets_the_first_wallet_and_never_itself() {
        let mut transfers = Transfers::new(Pattern::Hot, 7);
        for _ in 0..1_000 {
            let Transfer { debit, credit, cents } = transfers.next();
            assert!((debit == 0) != (credit == 0));
            assert!((1..=LARGEST_TRANSFER_CENTS).contains(&cents));
        }
    }

    #[test]
    fn a_uniform_transfer_has_two_wallets() {
        let mut transfers = Transfers::new(Pattern::Uniform, 7);
        for _ in 0..1_000 {
            let Transfer { debit, credit, .. } = transfers.next();
            assert!(debit != credit && debit < WALLETS && credit < WALLETS);
        }
    }
}
