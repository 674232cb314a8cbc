//! What a file says of an entry, and the unit of work that it becomes.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;
use uuid::{Uuid, uuid};

use super::kinds::kind;
use super::{LineFault, LoadSource};
use crate::{
    AccountCode, Amount, Commodity, Currency, Entry, EntryBuilder, IdempotencyKey, Money, NewLot, Unit, UnitOfWork,
};

/// The namespace of the keys that are derived from a source.
const NAMESPACE: Uuid = uuid!("7d0f4a3e-6b5c-4e0e-9b53-6a0a3c1b7f21");
/// Characters of a reference.
pub(super) const MAX_REFERENCE: usize = 120;
/// Years that a date may lie in.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// What stands on a line, and its number.
pub(super) type Told = (u64, Result<Draft, LineFault>);

/// An entry as a file tells it; nothing of it is checked yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    pub(super) key: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) kind: String,
    pub(super) effective_date: String,
    pub(super) description: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) metadata: Option<serde_json::Value>,
    pub(super) postings: Vec<DraftPosting>,
}

/// A posting as a file tells it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftPosting {
    pub(super) account: String,
    pub(super) debit: Option<String>,
    pub(super) credit: Option<String>,
    pub(super) currency: Option<String>,
    /// In place of a currency.
    pub(super) unit: Option<String>,
    /// What was paid for units that are issued, for all of them.
    pub(super) cost: Option<String>,
    pub(super) cost_currency: Option<String>,
    /// The day from which units that are issued count as had.
    pub(super) acquired_on: Option<String>,
}

/// The registered units, by their codes.
pub(super) type UnitsByCode = HashMap<&'static str, Unit>;

impl Draft {
    /// The unit of work, under the draft's own key or the one derived from the source and the draft's reference, or
    /// its line where it has none.
    pub(super) fn unit(self, source: &LoadSource, units: &UnitsByCode, line: u64) -> Result<UnitOfWork, LineFault> {
        let key = match (&self.key, &self.reference) {
            (Some(key), _) => IdempotencyKey::from_uuid(uuid(key, "key")?),
            (None, Some(reference)) => derived(source, &format!("reference:{}", checked_reference(reference)?)),
            (None, None) => derived(source, &format!("line:{line}")),
        };
        Ok(UnitOfWork::new(key, self.entry(units)?))
    }

    fn entry(self, units: &UnitsByCode) -> Result<Entry, LineFault> {
        let effective_date = date(&self.effective_date)?;
        let mut entry = Entry::builder(kind(&self.kind)?, effective_date);
        if let Some(description) = self.description {
            entry = entry.description(description);
        }
        if let Some(subject) = &self.subject {
            entry = entry.subject(uuid(subject, "subject")?);
        }
        if let Some(metadata) = self.metadata {
            if !metadata.is_object() {
                return Err(LineFault::Metadata);
            }
            entry = entry.metadata(metadata);
        }
        for posting in self.postings {
            entry = posting.on(entry, units, effective_date)?;
        }
        Ok(entry.build()?)
    }
}

impl DraftPosting {
    fn on(
        self,
        entry: EntryBuilder,
        units: &UnitsByCode,
        effective_date: NaiveDate,
    ) -> Result<EntryBuilder, LineFault> {
        let account = AccountCode::try_new(&self.account)?;
        let commodity = self.commodity(&account, units)?;
        let acquired_on = self.acquired_on.as_deref().map(date).transpose()?;
        let cost = match (&self.cost, &self.cost_currency) {
            (Some(cost), Some(currency)) => Some(Money::parse(cost, Currency::try_new(currency)?)?),
            (None, None) => None,
            _ => return Err(LineFault::Cost { account }),
        };
        let is_lot = cost.is_some() || acquired_on.is_some();
        match (self.debit, self.credit) {
            (Some(_), None) if is_lot => Err(LineFault::Cost { account }),
            (Some(debit), None) => Ok(entry.debit(account, Amount::parse(&debit, commodity)?)),
            (None, Some(credit)) if is_lot => {
                let amount = Amount::parse(&credit, commodity)?;
                let acquired_on = acquired_on.unwrap_or(effective_date);
                Ok(entry.credit_lots(account, vec![NewLot { amount, acquired_on, cost }]))
            }
            (None, Some(credit)) => Ok(entry.credit(account, Amount::parse(&credit, commodity)?)),
            (Some(_), Some(_)) => Err(LineFault::BothSides { account }),
            (None, None) => Err(LineFault::NoSide { account }),
        }
    }

    fn commodity(&self, account: &AccountCode, units: &UnitsByCode) -> Result<Commodity, LineFault> {
        match (&self.currency, &self.unit) {
            (Some(currency), None) => Ok(Currency::try_new(currency)?.into()),
            (None, Some(code)) => match units.get(code.as_str()) {
                Some(unit) => Ok(Commodity::Unit(*unit)),
                None => Err(LineFault::UnknownUnit { code: code.chars().take(40).collect() }),
            },
            _ => Err(LineFault::Commodity { account: account.clone() }),
        }
    }
}

fn derived(source: &LoadSource, what: &str) -> IdempotencyKey {
    let of_source = Uuid::new_v5(&NAMESPACE, source.as_str().as_bytes());
    IdempotencyKey::derived(of_source, what)
}

fn checked_reference(reference: &str) -> Result<&str, LineFault> {
    let length = reference.chars().count();
    if (1..=MAX_REFERENCE).contains(&length) { Ok(reference) } else { Err(LineFault::Reference) }
}

fn uuid(text: &str, field: &'static str) -> Result<Uuid, LineFault> {
    Uuid::try_parse(text).map_err(|_| LineFault::Id { field, text: text.chars().take(40).collect() })
}

fn date(text: &str) -> Result<NaiveDate, LineFault> {
    let parsed: Option<NaiveDate> = text.parse().ok();
    let known = parsed.filter(|date| YEARS.contains(&date.year()));
    known.ok_or_else(|| LineFault::Date { text: text.chars().take(40).collect() })
}
