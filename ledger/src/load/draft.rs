//! What a file says of an entry, and the unit of work that it becomes.

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;
use uuid::{Uuid, uuid};

use super::kinds::kind;
use super::{LineFault, LoadSource};
use crate::{AccountCode, Currency, Entry, EntryBuilder, IdempotencyKey, Money, UnitOfWork};

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
    pub(super) currency: String,
}

impl Draft {
    /// The unit of work, under the draft's own key or the one derived from the source and the draft's reference, or
    /// its line where it has none.
    pub(super) fn unit(self, source: &LoadSource, line: u64) -> Result<UnitOfWork, LineFault> {
        let key = match (&self.key, &self.reference) {
            (Some(key), _) => IdempotencyKey::from_uuid(uuid(key, "key")?),
            (None, Some(reference)) => derived(source, &format!("reference:{}", checked_reference(reference)?)),
            (None, None) => derived(source, &format!("line:{line}")),
        };
        Ok(UnitOfWork::new(key, self.entry()?))
    }

    fn entry(self) -> Result<Entry, LineFault> {
        let mut entry = Entry::builder(kind(&self.kind)?, date(&self.effective_date)?);
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
            entry = posting.on(entry)?;
        }
        Ok(entry.build()?)
    }
}

impl DraftPosting {
    fn on(self, entry: EntryBuilder) -> Result<EntryBuilder, LineFault> {
        let account = AccountCode::try_new(&self.account)?;
        let currency = Currency::try_new(&self.currency)?;
        match (self.debit, self.credit) {
            (Some(debit), None) => Ok(entry.debit(account, Money::parse(&debit, currency)?)),
            (None, Some(credit)) => Ok(entry.credit(account, Money::parse(&credit, currency)?)),
            (Some(_), Some(_)) => Err(LineFault::BothSides { account }),
            (None, None) => Err(LineFault::NoSide { account }),
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
