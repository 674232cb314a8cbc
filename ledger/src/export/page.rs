//! What formats are printed from: entries as they appear in an export, whole and in order.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::account::AccountKind;
use crate::{Amount, Commodity, Lot};

/// An account as it appears.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) number: i64,
    pub(crate) code: String,
    pub(crate) commodity: Commodity,
    pub(crate) kind: AccountKind,
}

/// An entry as it appears.
#[derive(Debug)]
pub(crate) struct EntryRow {
    pub(crate) sequence: i64,
    pub(crate) key: Uuid,
    pub(crate) booked_at: DateTime<Utc>,
    pub(crate) effective_date: NaiveDate,
    pub(crate) kind: String,
    pub(crate) description: Option<String>,
    pub(crate) subject: Option<Uuid>,
    /// JSON; `None` also where it is not shown.
    pub(crate) metadata: Option<String>,
    pub(crate) reverses: Option<i64>,
    pub(crate) approvers: Option<[Uuid; 2]>,
    pub(crate) period: Option<PeriodChange>,
    pub(crate) postings: std::ops::Range<usize>,
    pub(crate) changes: std::ops::Range<usize>,
}

/// What an entry did to the book's periods.
#[derive(Debug)]
pub(crate) struct PeriodChange {
    pub(crate) change: String,
    pub(crate) through: NaiveDate,
    pub(crate) first_approver: Uuid,
    pub(crate) second_approver: Option<Uuid>,
}

/// A posting as it appears.
#[derive(Debug)]
pub(crate) struct PostingRow {
    pub(crate) ordinal: i16,
    pub(crate) account: Arc<Named>,
    pub(crate) amount_minor: i64,
    pub(crate) balance_minor: i64,
    /// The lots that units are of; empty for money.
    pub(crate) lots: Vec<Lot>,
}

impl PostingRow {
    pub(crate) fn amount(&self) -> Amount {
        Amount::from_minor(self.amount_minor, self.account.commodity)
    }

    pub(crate) fn balance(&self) -> Amount {
        Amount::from_minor(self.balance_minor, self.account.commodity)
    }
}

/// A change of a hold as it appears.
#[derive(Debug)]
pub(crate) struct ChangeRow {
    pub(crate) ordinal: i16,
    pub(crate) account: Arc<Named>,
    pub(crate) hold: Uuid,
    pub(crate) change: String,
    pub(crate) amount_minor: i64,
}

impl ChangeRow {
    pub(crate) fn amount(&self) -> Amount {
        Amount::from_minor(self.amount_minor, self.account.commodity)
    }
}

/// Entries in order, each with all that belongs to it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<EntryRow>,
    pub(super) postings: Vec<PostingRow>,
    pub(super) changes: Vec<ChangeRow>,
    /// Whether nothing comes after it.
    pub(crate) is_last: bool,
}

impl Page {
    pub(crate) fn postings(&self, entry: &EntryRow) -> &[PostingRow] {
        &self.postings[entry.postings.clone()]
    }

    pub(crate) fn changes(&self, entry: &EntryRow) -> &[ChangeRow] {
        &self.changes[entry.changes.clone()]
    }
}
