//! Entries: what happened, as postings that sum to zero in each commodity.
//!
//! An [`Entry`] can only be made by its builder, which refuses whatever does not balance; so an unbalanced entry is not
//! a state that the rest of the house has to think of.

mod builder;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::hold::HoldChange;
use crate::lots::{MAX_LOTS, SaidOfLots};
use crate::period::{Approvals, PeriodChange};
use crate::{AccountCode, Amount, Commodity, Sequence};

pub use builder::EntryBuilder;

/// Postings that one entry may have.
pub const MAX_POSTINGS: usize = 10_000;
/// Changes of holds that one entry may have.
pub const MAX_HOLD_CHANGES: usize = 1_000;
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
    amount: Amount,
    lots: SaidOfLots,
}

impl Posting {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &AccountCode {
        &self.account
    }

    /// The amount; positive is a debit, negative a credit, never zero.
    #[must_use]
    pub fn amount(&self) -> Amount {
        self.amount
    }

    pub(crate) fn lots(&self) -> &SaidOfLots {
        &self.lots
    }
}

/// What happened, balanced in each commodity, not yet booked.
#[derive(Clone, Debug)]
pub struct Entry {
    kind: EntryKind,
    effective_date: NaiveDate,
    description: Option<String>,
    subject: Option<Uuid>,
    metadata: Option<serde_json::Value>,
    postings: Vec<Posting>,
    hold_changes: Vec<HoldChange>,
    reverses: Option<Sequence>,
    adjustment: Option<Approvals>,
    period: Option<PeriodChange>,
    /// Whether a posting or a hold is of units.
    has_units: bool,
}

/// Why an entry could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Debits and credits of a commodity differ.
    #[error("the entry does not balance: debits exceed credits by {difference_minor} minor units of {commodity}")]
    Unbalanced {
        /// The commodity.
        commodity: Commodity,
        /// Debits less credits, in minor units.
        difference_minor: i128,
    },
    /// There are fewer than two postings, and nothing else that the entry does.
    #[error("an entry needs at least two postings, or none and a change of a hold")]
    TooFewPostings,
    /// There are more postings than [`MAX_POSTINGS`].
    #[error("an entry may have at most {MAX_POSTINGS} postings")]
    TooManyPostings,
    /// There are more changes of holds than [`MAX_HOLD_CHANGES`].
    #[error("an entry may change at most {MAX_HOLD_CHANGES} holds")]
    TooManyHoldChanges,
    /// One hold is changed twice.
    #[error("the entry changes hold {0} twice")]
    HoldTwice(crate::HoldId),
    /// A hold is placed or posted with nothing in it.
    #[error("hold {hold} has an amount of {amount}; amounts of holds are above zero")]
    HoldNotPositive {
        /// The hold.
        hold: crate::HoldId,
        /// The amount.
        amount: String,
    },
    /// A debit or credit is zero or negative.
    #[error("{account} has an amount of {amount} {commodity}; debits and credits are above zero")]
    NotPositive {
        /// The account.
        account: AccountCode,
        /// The amount.
        amount: String,
        /// What it is of.
        commodity: Commodity,
    },
    /// Lots are said of money.
    #[error("{account}: lots are of units, not of {commodity}")]
    LotsOfMoney {
        /// The account.
        account: AccountCode,
        /// What the amount is of.
        commodity: Commodity,
    },
    /// There are no lots, too many, or lots of different units.
    #[error("{account}: a posting names 1 to {MAX_LOTS} lots of one unit")]
    Lots {
        /// The account.
        account: AccountCode,
    },
    /// A posting receives as new what the entry does not issue, or is one of those who issue.
    #[error("{account} receives as new what the entry does not issue")]
    NotIssued {
        /// The account.
        account: AccountCode,
    },
    /// A cost is below zero.
    #[error("{account}: the cost of a lot is {cost}; it is not below zero")]
    CostBelowZero {
        /// The account.
        account: AccountCode,
        /// The cost.
        cost: String,
    },
    /// The description is longer than [`MAX_DESCRIPTION`] or has line breaks.
    #[error("a description has at most {MAX_DESCRIPTION} characters on one line")]
    Description,
    /// The metadata is larger than [`MAX_METADATA_BYTES`], or has a number that is no 64-bit integer, or a zero byte.
    #[error(
        "metadata has at most {MAX_METADATA_BYTES} bytes, numbers in it are whole (write others as text), and its texts have no zero byte"
    )]
    Metadata,
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
        EntryBuilder::new(kind, effective_date)
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

    /// What it does to holds, in the order given.
    #[must_use]
    pub fn hold_changes(&self) -> &[HoldChange] {
        &self.hold_changes
    }

    /// The entry that it takes back.
    #[must_use]
    pub fn reverses(&self) -> Option<Sequence> {
        self.reverses
    }

    /// Who approved that it may take effect in a closed period.
    #[must_use]
    pub fn adjustment(&self) -> Option<Approvals> {
        self.adjustment
    }

    /// What it closes or reopens.
    #[must_use]
    pub fn period(&self) -> Option<PeriodChange> {
        self.period
    }

    /// Whether nothing but postings has to be looked at to book it.
    pub(crate) fn is_plain(&self) -> bool {
        !self.has_units
            && self.hold_changes.is_empty()
            && self.reverses.is_none()
            && self.adjustment.is_none()
            && self.period.is_none()
    }

    /// Whether a posting or a hold is of units.
    pub(crate) fn has_units(&self) -> bool {
        self.has_units
    }

    /// Whether there is something that a salted commitment stands for in the log.
    pub(crate) fn has_content(&self) -> bool {
        self.description.is_some() || self.subject.is_some() || self.metadata.is_some()
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
            text(&mut hash, posting.amount.commodity().code());
            hash.update(posting.amount.minor().to_be_bytes());
        }
        hash.update(self.subject.unwrap_or_default().as_bytes());
        if !self.is_plain() {
            self.fingerprint_more(&mut hash);
        }
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Uuid::from_bytes(bytes)
    }

    /// The approvers of an adjustment are left out: who approves a retry may be somebody else.
    fn fingerprint_more(&self, hash: &mut Sha256) {
        hash.update(self.reverses.map_or(0, Sequence::number).to_be_bytes());
        if let Some(period) = self.period {
            hash.update(period.name());
            hash.update(period.date().to_string());
        }
        for posting in &self.postings {
            posting.lots.fingerprint(hash);
        }
        for change in &self.hold_changes {
            hash.update([change.kind().number()]);
            hash.update(change.hold().uuid().as_bytes());
            match change {
                HoldChange::Placed { account, amount, expires_at, .. } => {
                    hash.update(account.as_str());
                    hash.update([0]);
                    hash.update(amount.commodity().number().to_be_bytes());
                    hash.update(amount.minor().to_be_bytes());
                    hash.update(expires_at.timestamp_micros().to_be_bytes());
                }
                HoldChange::Posted { amount, .. } => hash.update(amount.minor().to_be_bytes()),
                HoldChange::Released { .. } | HoldChange::Expired { .. } => {}
            }
        }
    }
}
