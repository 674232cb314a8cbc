//! Filters of the list of entries, and the index by which each is answered.
//!
//! A list is read along one of them, the first that is asked for: the subject, the accounts, the metadata, else the
//! order of the book within the dates. What else is asked for is looked at on the way, at
//! [`MAX_EXAMINED_ENTRIES`] entries a page at most; so a page costs the same in a book of any length, and may have few
//! entries and yet be followed by another.

use chrono::NaiveDate;
use uuid::Uuid;

use super::tree::AccountPrefix;

/// Entries that one page looks at, at most, when not all that are on the way fit.
pub const MAX_EXAMINED_ENTRIES: i64 = 2_000;
/// Accounts that a filter by code may stand for.
pub const MAX_FILTERED_ACCOUNTS: i64 = 500;
/// Entries that a filter by metadata alone may find.
pub const MAX_METADATA_MATCHES: i64 = 10_000;
/// Characters of a fact's name and of its value.
const MAX_FACT_LENGTH: usize = 200;

/// Days from one to another; both belong to it, and an end that is left out is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub through: Option<NaiveDate>,
}

impl Dates {
    pub(super) const fn are_open(self) -> bool {
        self.from.is_none() && self.through.is_none()
    }
}

/// A fact that an entry's metadata states: a field with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataFact(serde_json::Value);

impl MetadataFact {
    /// The fact that the field has the value.
    ///
    /// # Errors
    /// [`InvalidFilter::Fact`] when the name is empty, when either is longer than 200 characters, or when the value is a
    /// list or an object.
    pub fn try_new(name: &str, value: serde_json::Value) -> Result<Self, InvalidFilter> {
        let scalar = !value.is_array() && !value.is_object();
        let short = name.chars().count() <= MAX_FACT_LENGTH && value.to_string().chars().count() <= MAX_FACT_LENGTH;
        // The database's texts have no place for NUL.
        let storable = !name.contains('\0') && !value.as_str().is_some_and(|text| text.contains('\0'));
        if name.is_empty() || !scalar || !short || !storable {
            return Err(InvalidFilter::Fact { name: name.chars().take(MAX_FACT_LENGTH).collect() });
        }
        Ok(Self(serde_json::Value::Object([(name.to_owned(), value)].into_iter().collect())))
    }

    /// The object that an entry's metadata has to contain.
    pub(super) fn object(&self) -> &serde_json::Value {
        &self.0
    }
}

/// Which entries are asked for: those for which everything that is set holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// What they are about.
    pub subject: Option<Uuid>,
    /// What kind of thing happened; only beside another filter, since it has no index.
    pub kind: Option<String>,
    /// When they were booked, in UTC.
    pub booked: Dates,
    /// When they took effect.
    pub effective: Dates,
    /// That they have a posting on an account with this code or below it.
    pub accounts: Option<AccountPrefix>,
    /// What their metadata states.
    pub metadata: Option<MetadataFact>,
}

impl EntryFilter {
    /// Whether all that the index finds is let through, so that no more has to be read than is shown. The dates of
    /// booking bound what is read, whichever the index.
    pub(super) fn is_answered_by_one_index(&self) -> bool {
        let asked = [self.subject.is_some(), self.accounts.is_some(), self.metadata.is_some()];
        let asked = asked.into_iter().filter(|asked| *asked).count();
        asked <= 1 && self.kind.is_none() && self.effective.are_open()
    }

    pub(super) fn check(&self) -> Result<(), InvalidFilter> {
        for Dates { from, through } in [self.booked, self.effective] {
            if let (Some(from), Some(through)) = (from, through)
                && from > through
            {
                return Err(InvalidFilter::Backwards { from: from.to_string(), through: through.to_string() });
            }
        }
        let only_kind = Self { kind: self.kind.clone(), ..Self::default() };
        match &self.kind {
            Some(kind) if *self == only_kind => Err(InvalidFilter::KindAlone { kind: kind.clone() }),
            _ => Ok(()),
        }
    }
}

/// Why a list cannot be read in the way that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidFilter {
    /// No index serves it.
    #[error("entries of the kind {kind} are found by no index; name dates, a subject, accounts or metadata too")]
    KindAlone {
        /// The kind asked for.
        kind: String,
    },
    /// An end comes before its beginning.
    #[error("{through} comes before {from}")]
    Backwards {
        /// The beginning.
        from: String,
        /// The end.
        through: String,
    },
    /// The code stands for too many accounts.
    #[error("{prefix} stands for more than {MAX_FILTERED_ACCOUNTS} accounts; name a longer code")]
    TooManyAccounts {
        /// The code asked for.
        prefix: AccountPrefix,
    },
    /// Nothing was ever booked on an account like it.
    #[error("there is no account {prefix} and none below it")]
    NoSuchAccounts {
        /// The code asked for.
        prefix: AccountPrefix,
    },
    /// The fact is stated too often.
    #[error("more than {MAX_METADATA_MATCHES} entries state it; name a subject, accounts or booking dates too")]
    TooManyMatches,
    /// The fact is none.
    #[error("{name:?} with its value is no fact: both have 1 to {MAX_FACT_LENGTH} characters, the value no parts")]
    Fact {
        /// The name, cut to 200 characters.
        name: String,
    },
    /// The tree is asked for more levels than it shows.
    #[error("a tree shows at most {most} levels below where it begins, not {asked}")]
    TooDeep {
        /// The levels asked for.
        asked: u8,
        /// The most that are shown.
        most: u8,
    },
}
