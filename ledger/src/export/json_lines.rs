//! An entry a line, as JSON; `docs/ledger/journal.schema.json` describes a line.
//!
//! Amounts are decimals in text, since many readers of JSON have no exact numbers. A part asserts its balances by itself:
//! every posting says what it left. Parts are joined by putting them one behind the other.

use chrono::NaiveDate;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::page::{ChangeRow, EntryRow, Page, PeriodChange, PostingRow};
use super::{Part, print};
use crate::{Amount, Error};

pub(super) fn parts() -> Vec<Part> {
    vec![Part::Entries(Box::new(|page, out| {
        for entry in &page.entries {
            write(page, entry, out)?;
        }
        Ok(())
    }))]
}

/// One line.
pub(super) fn write(page: &Page, entry: &EntryRow, out: &mut Vec<u8>) -> Result<(), Error> {
    let metadata = entry.metadata.as_deref().map(serde_json::from_str).transpose();
    let line = Line {
        sequence: entry.sequence,
        entry: entry.key,
        booked_at: moment(entry),
        effective_date: entry.effective_date,
        kind: &entry.kind,
        description: entry.description.as_deref(),
        subject: entry.subject,
        metadata: metadata.map_err(unwritable)?,
        reverses: entry.reverses,
        approved_by: entry.approvers.as_ref(),
        period: entry.period.as_ref().map(Period::from),
        postings: page.postings(entry).iter().map(Posting::from).collect(),
        hold_changes: page.changes(entry).iter().map(HoldChange::from).collect(),
    };
    serde_json::to_writer(&mut *out, &line).map_err(unwritable)?;
    out.push(b'\n');
    Ok(())
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::Unwritable(error.to_string())
}

fn moment(entry: &EntryRow) -> String {
    let mut out = Vec::with_capacity(32);
    print::moment(&mut out, entry.booked_at, b':');
    String::from_utf8_lossy(&out).into_owned()
}

#[derive(Serialize)]
struct Line<'a> {
    sequence: i64,
    entry: Uuid,
    booked_at: String,
    effective_date: NaiveDate,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverses: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<&'a [Uuid; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period<'a>>,
    postings: Vec<Posting<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hold_changes: Vec<HoldChange<'a>>,
}

#[derive(Serialize)]
struct Period<'a> {
    change: &'a str,
    through: NaiveDate,
    approved_by: Vec<Uuid>,
}

impl<'a> From<&'a PeriodChange> for Period<'a> {
    fn from(period: &'a PeriodChange) -> Self {
        let approved_by = std::iter::once(period.first_approver).chain(period.second_approver).collect();
        Self { change: &period.change, through: period.through, approved_by }
    }
}

#[derive(Serialize)]
struct Posting<'a> {
    ordinal: i16,
    account: &'a str,
    currency: &'static str,
    amount: Decimal,
    balance: Decimal,
}

impl<'a> From<&'a PostingRow> for Posting<'a> {
    fn from(posting: &'a PostingRow) -> Self {
        Self {
            ordinal: posting.ordinal,
            account: &posting.account.code,
            currency: posting.account.commodity.code(),
            amount: Decimal(posting.amount()),
            balance: Decimal(posting.balance()),
        }
    }
}

#[derive(Serialize)]
struct HoldChange<'a> {
    ordinal: i16,
    hold: Uuid,
    change: &'a str,
    account: &'a str,
    currency: &'static str,
    amount: Decimal,
}

impl<'a> From<&'a ChangeRow> for HoldChange<'a> {
    fn from(change: &'a ChangeRow) -> Self {
        Self {
            ordinal: change.ordinal,
            hold: change.hold,
            change: &change.change,
            account: &change.account.code,
            currency: change.account.commodity.code(),
            amount: Decimal(change.amount()),
        }
    }
}

/// An amount as the text of its decimal.
struct Decimal(Amount);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
