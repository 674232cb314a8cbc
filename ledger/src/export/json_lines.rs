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
use crate::{Amount, Commodity, Error, Lot, Money, Unit};

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

/// The lots of a posting by themselves.
pub(super) fn lots(posting: &PostingRow) -> Option<String> {
    serde_json::to_string(&posting.lots.iter().map(LotOf::from).collect::<Vec<_>>()).ok()
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
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    amount: Decimal,
    balance: Decimal,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lots: Vec<LotOf>,
}

/// Units of a lot, debits positive.
#[derive(Serialize)]
struct LotOf {
    lot: String,
    acquired_on: NaiveDate,
    amount: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
}

#[derive(Serialize)]
struct Cost {
    amount: Decimal,
    currency: &'static str,
}

impl From<&Lot> for LotOf {
    fn from(lot: &Lot) -> Self {
        let cost = |cost: Money| Cost { amount: Decimal(cost.into()), currency: cost.currency().code() };
        Self {
            lot: lot.name.to_string(),
            acquired_on: lot.acquired_on,
            amount: Decimal(lot.amount),
            cost: lot.cost.map(cost),
        }
    }
}

impl<'a> From<&'a PostingRow> for Posting<'a> {
    fn from(posting: &'a PostingRow) -> Self {
        Self {
            ordinal: posting.ordinal,
            account: &posting.account.code,
            currency: currency(posting.account.commodity),
            unit: posting.account.commodity.unit().map(Unit::code),
            amount: Decimal(posting.amount()),
            balance: Decimal(posting.balance()),
            lots: posting.lots.iter().map(LotOf::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct HoldChange<'a> {
    ordinal: i16,
    hold: Uuid,
    change: &'a str,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    amount: Decimal,
}

impl<'a> From<&'a ChangeRow> for HoldChange<'a> {
    fn from(change: &'a ChangeRow) -> Self {
        Self {
            ordinal: change.ordinal,
            hold: change.hold,
            change: &change.change,
            account: &change.account.code,
            currency: currency(change.account.commodity),
            unit: change.account.commodity.unit().map(Unit::code),
            amount: Decimal(change.amount()),
        }
    }
}

/// An amount is of a currency or of a unit: each has a field of its own.
fn currency(commodity: Commodity) -> Option<&'static str> {
    commodity.unit().is_none().then(|| commodity.code())
}

/// An amount as the text of its decimal.
struct Decimal(Amount);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
