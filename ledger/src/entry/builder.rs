use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};
use uuid::Uuid;

use super::{
    Entry, EntryError, EntryKind, MAX_DESCRIPTION, MAX_HOLD_CHANGES, MAX_METADATA_BYTES, MAX_POSTINGS, Posting,
};
use crate::hold::{HoldChange, HoldId};
use crate::lots::{GivenLot, MAX_LOTS, NewLot, SaidOfLots};
use crate::period::{Approvals, PeriodChange};
use crate::{AccountCode, Amount, Commodity, Sequence};

/// Collects what an entry is made of; see [`Entry::builder`].
#[derive(Debug)]
#[must_use]
pub struct EntryBuilder {
    entry: Entry,
    fault: Option<EntryError>,
}

impl EntryBuilder {
    pub(super) fn new(kind: EntryKind, effective_date: NaiveDate) -> Self {
        let entry = Entry {
            kind,
            effective_date,
            description: None,
            subject: None,
            metadata: None,
            postings: Vec::new(),
            hold_changes: Vec::new(),
            reverses: None,
            adjustment: None,
            period: None,
            has_units: false,
        };
        Self { entry, fault: None }
    }

    /// Says in a line what happened; no personal data, it is kept for ever.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        let description = description.into();
        if description.chars().count() > MAX_DESCRIPTION || description.chars().any(char::is_control) {
            self.fault.get_or_insert(EntryError::Description);
        }
        self.entry.description = Some(description);
        self
    }

    /// Names the thing that the entry is about.
    pub fn subject(mut self, subject: Uuid) -> Self {
        self.entry.subject = Some(subject);
        self
    }

    /// Adds further facts; no personal data, they are kept for ever.
    pub fn metadata(mut self, metadata: serde_json::Value) -> Self {
        if metadata.to_string().len() > MAX_METADATA_BYTES || !is_canonical(&metadata) {
            self.fault.get_or_insert(EntryError::Metadata);
        }
        self.entry.metadata = Some(metadata);
        self
    }

    /// Adds a debit.
    pub fn debit(self, account: AccountCode, amount: impl Into<Amount>) -> Self {
        let amount = amount.into();
        self.posting(account, amount, amount.checked_neg().map(|_| amount), SaidOfLots::Nothing)
    }

    /// Adds a credit.
    pub fn credit(self, account: AccountCode, amount: impl Into<Amount>) -> Self {
        let amount = amount.into();
        self.posting(account, amount, amount.checked_neg(), SaidOfLots::Nothing)
    }

    /// Adds a debit of units that gives these lots, instead of those had for longest.
    pub fn debit_lots(self, account: AccountCode, given: Vec<GivenLot>) -> Self {
        let sum = sum(given.iter().map(|lot| lot.amount));
        self.lots(account, sum, SaidOfLots::Given(given), Ok)
    }

    /// Adds a credit of units that the same entry issues, as these lots.
    pub fn credit_lots(mut self, account: AccountCode, issued: Vec<NewLot>) -> Self {
        if let Some(cost) = issued.iter().filter_map(|lot| lot.cost).find(|cost| cost.minor() < 0) {
            let cost = format!("{cost} {}", cost.currency());
            self.fault.get_or_insert(EntryError::CostBelowZero { account: account.clone(), cost });
        }
        let sum = sum(issued.iter().map(|lot| lot.amount));
        self.lots(account, sum, SaidOfLots::Issued(issued), Amount::checked_neg)
    }

    fn lots(
        mut self,
        account: AccountCode,
        sum: Option<Amount>,
        said: SaidOfLots,
        signed: impl FnOnce(Amount) -> Result<Amount, crate::MoneyError>,
    ) -> Self {
        match sum {
            None => {
                self.fault.get_or_insert(EntryError::Lots { account });
                self
            }
            Some(sum) if sum.commodity().unit().is_none() => {
                self.fault.get_or_insert(EntryError::LotsOfMoney { account, commodity: sum.commodity() });
                self
            }
            Some(sum) => self.posting(account, sum, signed(sum), said),
        }
    }

    /// Reserves `amount` on an account's normal side until `expires_at`.
    pub fn hold(
        mut self,
        hold: HoldId,
        account: AccountCode,
        amount: impl Into<Amount>,
        expires_at: DateTime<Utc>,
    ) -> Self {
        let amount = amount.into();
        self.require_positive(hold, amount);
        self.entry.has_units |= amount.commodity().unit().is_some();
        self.hold_change(HoldChange::Placed { hold, account, amount, expires_at: expires_at.trunc_subsecs(6) })
    }

    /// Uses that much of a hold for the entry's postings, which move at least as much off the held account.
    pub fn post_hold(mut self, hold: HoldId, amount: impl Into<Amount>) -> Self {
        let amount = amount.into();
        self.require_positive(hold, amount);
        self.hold_change(HoldChange::Posted { hold, amount })
    }

    /// Gives back what remains of a hold.
    pub fn release_hold(self, hold: HoldId) -> Self {
        self.hold_change(HoldChange::Released { hold })
    }

    pub(crate) fn expire_hold(self, hold: HoldId) -> Self {
        self.hold_change(HoldChange::Expired { hold })
    }

    /// Lets the entry take effect in a closed period.
    pub fn adjusting(mut self, approvals: Approvals) -> Self {
        self.entry.adjustment = Some(approvals);
        self
    }

    pub(crate) fn reversing(mut self, entry: Sequence) -> Self {
        self.entry.reverses = Some(entry);
        self
    }

    pub(crate) fn period(mut self, change: PeriodChange) -> Self {
        self.entry.period = Some(change);
        self
    }

    fn require_positive(&mut self, hold: HoldId, amount: Amount) {
        if !amount.is_positive() {
            self.fault.get_or_insert(EntryError::HoldNotPositive { hold, amount: amount.to_string() });
        }
    }

    fn hold_change(mut self, change: HoldChange) -> Self {
        self.entry.hold_changes.push(change);
        self
    }

    fn posting(
        mut self,
        account: AccountCode,
        given: Amount,
        signed: Result<Amount, crate::MoneyError>,
        lots: SaidOfLots,
    ) -> Self {
        self.entry.has_units |= given.commodity().unit().is_some();
        match signed {
            Ok(amount) if given.is_positive() => {
                self.entry.postings.push(Posting { account, amount, lots });
            }
            _ => {
                self.fault.get_or_insert(EntryError::NotPositive {
                    account,
                    amount: given.to_string(),
                    commodity: given.commodity(),
                });
            }
        }
        self
    }

    /// The entry, if it balances in each commodity.
    ///
    /// # Errors
    /// [`EntryError`] with the first fault.
    pub fn build(self) -> Result<Entry, EntryError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let acts_otherwise = !self.entry.hold_changes.is_empty() || self.entry.period.is_some();
        match self.entry.postings.len() {
            0 if acts_otherwise => {}
            0 | 1 => return Err(EntryError::TooFewPostings),
            count if count > MAX_POSTINGS => return Err(EntryError::TooManyPostings),
            _ => {}
        }
        if self.entry.hold_changes.len() > MAX_HOLD_CHANGES {
            return Err(EntryError::TooManyHoldChanges);
        }
        let mut holds = HashSet::new();
        if let Some(twice) = self.entry.hold_changes.iter().find(|change| !holds.insert(change.hold())) {
            return Err(EntryError::HoldTwice(twice.hold()));
        }
        if self.entry.has_units {
            self.entry.require_issue()?;
        }
        let mut sums = BTreeMap::<Commodity, i128>::new();
        for posting in &self.entry.postings {
            *sums.entry(posting.amount.commodity()).or_default() += i128::from(posting.amount.minor());
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            Some((commodity, difference_minor)) => Err(EntryError::Unbalanced { commodity, difference_minor }),
            None => Ok(self.entry),
        }
    }
}

/// The sum of lots that are all above zero and of one commodity.
fn sum(mut amounts: impl ExactSizeIterator<Item = Amount>) -> Option<Amount> {
    if amounts.len() > MAX_LOTS {
        return None;
    }
    let first = amounts.next().filter(|first| first.is_positive())?;
    amounts.try_fold(first, |sum, amount| amount.is_positive().then(|| sum.checked_add(amount).ok())?)
}

/// Whether the database gives back exactly what it was given: it keeps numbers as decimals and has no zero byte.
fn is_canonical(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(number) => number.is_i64() || number.is_u64(),
        serde_json::Value::String(text) => !text.contains('\0'),
        serde_json::Value::Array(values) => values.iter().all(is_canonical),
        serde_json::Value::Object(members) => {
            members.iter().all(|(name, value)| !name.contains('\0') && is_canonical(value))
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, EntryKind, Money};
    use proptest::prelude::*;

    const KIND: EntryKind = EntryKind::new("test");

    fn code(text: &str) -> AccountCode {
        AccountCode::try_new(text).expect("a valid code")
    }

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 31).expect("a date")
    }

    proptest! {
        #[test]
        fn an_entry_is_built_exactly_when_it_balances(
            postings in proptest::collection::vec((any::<bool>(), 0..3_usize, -5..2_000_i64), 0..8),
            even in any::<bool>(),
        ) {
            let currencies = [Currency::EUR, Currency::XOF, Currency::try_new("TND").expect("a currency")];
            let mut builder = Entry::builder(KIND, day());
            let mut sums = [0_i64; 3];
            let mut count = 0;
            let mut positive = true;
            for (debit, which, minor) in postings {
                let amount = Money::from_minor(minor, currencies[which]);
                positive &= minor > 0;
                count += 1;
                sums[which] += if debit { minor } else { -minor };
                builder = if debit {
                    builder.debit(code("assets:pay-in:bank"), amount)
                } else {
                    builder.credit(code("liabilities:wallets:amina"), amount)
                };
            }
            if even {
                for (which, sum) in sums.iter_mut().enumerate().filter(|(_, sum)| **sum != 0) {
                    let amount = Money::from_minor(sum.abs(), currencies[which]);
                    builder = if *sum < 0 {
                        builder.debit(code("equity:capital"), amount)
                    } else {
                        builder.credit(code("equity:capital"), amount)
                    };
                    count += 1;
                    *sum = 0;
                }
            }
            let ought_to_be_built = positive && count >= 2 && sums == [0, 0, 0];
            prop_assert_eq!(builder.build().is_ok(), ought_to_be_built);
        }
    }

    #[test]
    fn the_fingerprint_knows_the_content_but_not_the_day() {
        let entry = |minor, day| {
            let amount = Money::from_minor(minor, Currency::EUR);
            Entry::builder(KIND, day)
                .debit(code("assets:pay-in:bank"), amount)
                .credit(code("liabilities:wallets:amina"), amount)
                .build()
                .expect("balanced")
        };
        let tomorrow = day().succ_opt().expect("a date");
        assert_eq!(entry(1, day()).fingerprint(), entry(1, tomorrow).fingerprint());
        assert_ne!(entry(1, day()).fingerprint(), entry(2, day()).fingerprint());
    }
}
