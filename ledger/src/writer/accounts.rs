//! The writer's memory of accounts: codes to numbers, floors and balances.
//!
//! A balance in here is true exactly as long as the book's head in the database stands where this writer left it; the
//! head is compared in the same transaction as each batch is written, so a stale memory can make a batch fail, never
//! book something wrong.

use std::collections::HashMap;

use crate::account::{AccountCode, Side};
use crate::{Balance, Currency, Money, Refusal};

/// Accounts kept in memory before the writer forgets them all and reads those it needs again.
const MAX_REMEMBERED: usize = 1_000_000;

/// An account's place in the memory.
pub(super) type Slot = usize;

/// What the writer knows of an account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) code: AccountCode,
    pub(super) currency: Currency,
    /// Its number in the table; zero while it is not opened.
    pub(super) number: i64,
    pub(super) floor_minor: Option<i64>,
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
        currency: Currency,
        number: i64,
        floor_minor: Option<i64>,
        balance_minor: i64,
    ) -> Self {
        Self { code, currency, number, floor_minor, balance_minor, tentative_minor: balance_minor, attempt: 0 }
    }

    /// An account that the chart allows and nobody has used yet.
    pub(super) fn unopened(code: AccountCode, currency: Currency, floor_minor: Option<i64>) -> Self {
        Self::stored(code, currency, 0, floor_minor, 0)
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
    by_code: HashMap<Currency, HashMap<AccountCode, Slot>>,
    attempt: u64,
}

impl Accounts {
    pub(super) fn find(&self, code: &AccountCode, currency: Currency) -> Option<Slot> {
        self.by_code.get(&currency)?.get(code).copied()
    }

    pub(super) fn remember(&mut self, account: Account) -> Slot {
        let slot = self.slots.len();
        self.by_code.entry(account.currency).or_default().insert(account.code.clone(), slot);
        self.slots.push(account);
        slot
    }

    pub(super) fn forget_all(&mut self) {
        self.slots.clear();
        self.by_code.clear();
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

    /// Applies the amounts of one entry, or none of them; answers the balance after each, debits positive.
    pub(super) fn apply(&mut self, amounts: &[(Slot, i64)], after: &mut Vec<i64>) -> Result<(), Refusal> {
        let start = after.len();
        let mut refusal = None;
        for &(slot, amount) in amounts {
            let account = self.tentative(slot);
            let Some(balance) = account.tentative_minor.checked_add(amount) else {
                refusal = Some(Refusal::BalanceTooLarge(account.code.clone()));
                break;
            };
            account.tentative_minor = balance;
            after.push(balance);
        }
        let refusal = refusal.or_else(|| self.first_below_floor(amounts));
        let Some(refusal) = refusal else { return Ok(()) };
        for &(slot, amount) in &amounts[..after.len() - start] {
            self.slots[slot].tentative_minor -= amount;
        }
        after.truncate(start);
        Err(refusal)
    }

    fn first_below_floor(&self, amounts: &[(Slot, i64)]) -> Option<Refusal> {
        amounts.iter().find_map(|&(slot, _)| {
            let account = &self.slots[slot];
            let floor_minor = account.floor_minor?;
            let Some(would_be) = account.on_normal_side(account.tentative_minor) else {
                return Some(Refusal::BalanceTooLarge(account.code.clone()));
            };
            (would_be < floor_minor).then(|| Refusal::BelowFloor {
                account: account.code.clone(),
                would_be: Money::from_minor(would_be, account.currency),
                floor: Money::from_minor(floor_minor, account.currency),
            })
        })
    }

    /// What the attempt leaves on an account.
    pub(super) fn tentative_balance(&self, slot: Slot) -> i64 {
        let account = &self.slots[slot];
        if account.attempt == self.attempt { account.tentative_minor } else { account.balance_minor }
    }

    /// The attempt was committed: what was tentative is true now.
    pub(super) fn commit(&mut self, touched: &[Slot]) {
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
        Balance { account: account.code.clone(), currency: account.currency, debit_positive_minor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn memory() -> Accounts {
        let mut accounts = Accounts::default();
        for (code, floor) in
            [("assets:pay-in:bank", None), ("liabilities:wallets:a", Some(0)), ("liabilities:wallets:b", Some(0))]
        {
            let code = AccountCode::try_new(code).expect("a code");
            accounts.remember(Account::stored(code, Currency::EUR, 1, floor, 0));
        }
        accounts
    }

    proptest! {
        #[test]
        fn no_floor_is_crossed_and_a_refusal_leaves_no_trace(
            transfers in proptest::collection::vec((0..3_usize, 0..3_usize, 1..100_i64), 1..40),
        ) {
            let mut accounts = memory();
            accounts.begin_attempt();
            let mut model = [0_i64; 3];
            for (from, to, amount) in transfers {
                let mut after = Vec::new();
                let mut next = model;
                next[from] += amount;
                next[to] -= amount;
                let allowed = next[1] <= 0 && next[2] <= 0;
                let answer = accounts.apply(&[(from, amount), (to, -amount)], &mut after);
                prop_assert_eq!(answer.is_ok(), allowed);
                if allowed {
                    model = next;
                    prop_assert_eq!(after.len(), 2);
                } else {
                    prop_assert!(after.is_empty());
                }
                for (slot, balance) in model.iter().enumerate() {
                    prop_assert_eq!(accounts.tentative_balance(slot), *balance);
                }
            }
        }
    }

    #[test]
    fn an_attempt_that_is_not_committed_is_forgotten() {
        let mut accounts = memory();
        accounts.begin_attempt();
        accounts.apply(&[(0, 5), (1, -5)], &mut Vec::new()).expect("allowed");
        accounts.begin_attempt();
        assert_eq!(accounts.tentative_balance(1), 0);
        assert!(accounts.apply(&[(1, 5), (2, -5)], &mut Vec::new()).is_err());
    }

    #[test]
    fn a_balance_beyond_64_bits_is_refused() {
        let mut accounts = memory();
        accounts.begin_attempt();
        accounts.apply(&[(0, i64::MAX), (1, -i64::MAX)], &mut Vec::new()).expect("allowed");
        let answer = accounts.apply(&[(1, -1), (0, 1)], &mut Vec::new());
        assert!(matches!(answer, Err(Refusal::BalanceTooLarge(_))));
        assert_eq!(accounts.tentative_balance(1), -i64::MAX);
    }
}
