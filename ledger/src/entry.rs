//! Entries: what happened, as postings that sum to zero in each currency.
//!
//! An [`Entry`] can only be made by its builder, which refuses whatever does not balance; so an unbalanced entry is not
//! a state that the rest of the house has to think of.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{AccountCode, Currency, Money};

/// Postings that one entry may have.
pub const MAX_POSTINGS: usize = 10_000;
/// Characters of a description.
pub const MAX_DESCRIPTION: usize = 200;
/// Bytes of an entry's metadata, as JSON.
pub const MAX_METADATA_BYTES: usize = 4_096;

/// What kind of thing an entry records, in the words of the room that made it: `remittance-funded`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryKind(&'static str);

impl EntryKind {
    /// The kind of that name, in lower-case letters and hyphens.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// An amount on an account: positive is a debit, negative a credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    account: AccountCode,
    amount: Money,
}

impl Posting {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &AccountCode {
        &self.account
    }

    /// The amount; positive is a debit, negative a credit, never zero.
    #[must_use]
    pub fn amount(&self) -> Money {
        self.amount
    }
}

/// What happened, balanced in each currency, not yet booked.
#[derive(Clone, Debug)]
pub struct Entry {
    kind: EntryKind,
    effective_date: NaiveDate,
    description: Option<String>,
    subject: Option<Uuid>,
    metadata: Option<serde_json::Value>,
    postings: Vec<Posting>,
}

/// Why an entry could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Debits and credits of a currency differ.
    #[error("the entry does not balance: debits exceed credits by {difference_minor} minor units of {currency}")]
    Unbalanced {
        /// The currency.
        currency: Currency,
        /// Debits less credits, in minor units.
        difference_minor: i128,
    },
    /// There are fewer than two postings.
    #[error("an entry needs at least two postings")]
    TooFewPostings,
    /// There are more postings than [`MAX_POSTINGS`].
    #[error("an entry may have at most {MAX_POSTINGS} postings")]
    TooManyPostings,
    /// A debit or credit is zero or negative.
    #[error("{account} has an amount of {amount} {currency}; debits and credits are above zero")]
    NotPositive {
        /// The account.
        account: AccountCode,
        /// The amount.
        amount: String,
        /// Its currency.
        currency: Currency,
    },
    /// The description is longer than [`MAX_DESCRIPTION`] or has line breaks.
    #[error("a description has at most {MAX_DESCRIPTION} characters on one line")]
    Description,
    /// The metadata is larger than [`MAX_METADATA_BYTES`].
    #[error("metadata has at most {MAX_METADATA_BYTES} bytes")]
    Metadata,
}

/// Collects what an entry is made of; see [`Entry::builder`].
#[derive(Debug)]
#[must_use]
pub struct EntryBuilder {
    entry: Entry,
    fault: Option<EntryError>,
}

impl Entry {
    /// Starts an entry of `kind`, effective on a date.
    ///
    /// ```
    /// # use ledger::{AccountCode, Currency, Entry, EntryKind, Money};
    /// # fn build() -> Result<(), Box<dyn std::error::Error>> {
    /// let amount = Money::parse("101.50", Currency::EUR)?;
    /// let entry = Entry::builder(EntryKind::new("remittance-funded"), "2026-01-31".parse()?)
    ///     .debit(AccountCode::try_new("assets:pay-in:bank")?, amount)
    ///     .credit(AccountCode::try_new("liabilities:in-transit:eur-xof")?, amount)
    ///     .build()?;
    /// assert_eq!(entry.postings().len(), 2);
    /// # Ok(())
    /// # }
    /// # build().unwrap();
    /// ```
    pub fn builder(kind: EntryKind, effective_date: NaiveDate) -> EntryBuilder {
        let entry =
            Self { kind, effective_date, description: None, subject: None, metadata: None, postings: Vec::new() };
        EntryBuilder { entry, fault: None }
    }

    /// What kind of thing it records.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.kind
    }

    /// The day on which it takes effect.
    #[must_use]
    pub fn effective_date(&self) -> NaiveDate {
        self.effective_date
    }

    /// A line for a reader; never personal data.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The thing that it is about: a remittance, a project.
    #[must_use]
    pub fn subject(&self) -> Option<Uuid> {
        self.subject
    }

    /// Further facts; never personal data.
    #[must_use]
    pub fn metadata(&self) -> Option<&serde_json::Value> {
        self.metadata.as_ref()
    }

    /// The postings, in the order given.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// 16 bytes that tell two contents under one idempotency key apart.
    ///
    /// The effective date is left out on purpose: a request that is retried after midnight is the same request.
    pub(crate) fn fingerprint(&self) -> Uuid {
        let mut hash = Sha256::new();
        let text = |hash: &mut Sha256, part: &str| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        };
        text(&mut hash, self.kind.name());
        text(&mut hash, self.description.as_deref().unwrap_or(""));
        text(&mut hash, &self.metadata.as_ref().map(ToString::to_string).unwrap_or_default());
        for posting in &self.postings {
            text(&mut hash, posting.account.as_str());
            text(&mut hash, posting.amount.currency().code());
            hash.update(posting.amount.minor().to_be_bytes());
        }
        hash.update(self.subject.unwrap_or_default().as_bytes());
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Uuid::from_bytes(bytes)
    }
}

impl EntryBuilder {
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
        if metadata.to_string().len() > MAX_METADATA_BYTES {
            self.fault.get_or_insert(EntryError::Metadata);
        }
        self.entry.metadata = Some(metadata);
        self
    }

    /// Adds a debit.
    pub fn debit(self, account: AccountCode, amount: Money) -> Self {
        self.posting(account, amount, amount.checked_neg().map(|_| amount))
    }

    /// Adds a credit.
    pub fn credit(self, account: AccountCode, amount: Money) -> Self {
        self.posting(account, amount, amount.checked_neg())
    }

    fn posting(mut self, account: AccountCode, given: Money, signed: Result<Money, crate::MoneyError>) -> Self {
        match signed {
            Ok(amount) if given.is_positive() => self.entry.postings.push(Posting { account, amount }),
            _ => {
                self.fault.get_or_insert(EntryError::NotPositive {
                    account,
                    amount: given.to_string(),
                    currency: given.currency(),
                });
            }
        }
        self
    }

    /// The entry, if it balances in each currency.
    ///
    /// # Errors
    /// [`EntryError`] with the first fault.
    pub fn build(self) -> Result<Entry, EntryError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match self.entry.postings.len() {
            0 | 1 => return Err(EntryError::TooFewPostings),
            count if count > MAX_POSTINGS => return Err(EntryError::TooManyPostings),
            _ => {}
        }
        let mut sums = BTreeMap::<Currency, i128>::new();
        for posting in &self.entry.postings {
            *sums.entry(posting.amount.currency()).or_default() += i128::from(posting.amount.minor());
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            Some((currency, difference_minor)) => Err(EntryError::Unbalanced { currency, difference_minor }),
            None => Ok(self.entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
