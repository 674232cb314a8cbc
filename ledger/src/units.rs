//! Units of projects: what a cap table counts, kept beside currencies in the same books.
//!
//! A unit is registered once, for all books, and never changes. What is known of it is loaded on the first miss and
//! kept by each process: nothing that is immutable can become stale. An entry that moves units names their definition
//! in its leaf of the log, so that a changed definition is found by verification.

mod cap_table;
mod registry;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SubsecRound as _, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use cap_table::{CapTable, CapTableLine, CapTableQuery, MAX_CAP_TABLE_LINES};
pub(crate) use registry::Units;
pub use registry::{Registration, UnitError};

/// The number of the first unit; below it are the numbers of ISO 4217.
pub(crate) const FIRST_NUMBER: i32 = 100_000;
/// Units that can be registered: what each process remembers of them stays small.
pub const MAX_UNITS: i32 = 100_000;
/// Decimals that a unit may have.
pub const MAX_UNIT_DECIMALS: u8 = 6;
/// Characters of a unit's name.
pub const MAX_UNIT_NAME: usize = 120;
/// Characters of a code behind its `unit:`. Programs that read exports take no longer names of commodities.
const MAX_CODE_LENGTH: usize = 19;
const PREFIX: &str = "unit:";

/// The code of a unit: `unit:` and 2 to 19 lower-case letters, digits and hyphens, the first a letter and the last no
/// hyphen.
///
/// ```
/// # use ledger::UnitCode;
/// assert!(UnitCode::try_new("unit:solar-1").is_ok());
/// assert!(UnitCode::try_new("unit:Solar").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitCode(String);

/// The text is no code of a unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{code:?} is not a unit such as unit:solar-1 (unit: and 2 to 19 lower-case letters, digits and hyphens, the first \
     a letter and the last no hyphen)"
)]
pub struct InvalidUnitCode {
    /// The text as given, cut to 40 characters.
    pub code: String,
}

impl UnitCode {
    /// The code that `text` spells.
    ///
    /// # Errors
    /// [`InvalidUnitCode`] when it spells none.
    pub fn try_new(text: &str) -> Result<Self, InvalidUnitCode> {
        let is_valid = text.strip_prefix(PREFIX).is_some_and(|name| {
            (2..=MAX_CODE_LENGTH).contains(&name.len())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
                && name.starts_with(|first: char| first.is_ascii_lowercase())
                && !name.ends_with('-')
        });
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUnitCode { code: text.chars().take(40).collect() })
        }
    }

    /// Whether a text is meant to be the code of a unit rather than that of a currency.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The code's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnitCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for UnitCode {
    type Err = InvalidUnitCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_new(text)
    }
}

/// What is registered as a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUnit {
    /// Its code.
    pub code: UnitCode,
    /// What it is called; never personal data, it is kept for ever.
    pub name: String,
    /// Decimals of its smallest part, up to [`MAX_UNIT_DECIMALS`]; zero for whole units.
    pub decimals: u8,
    /// The project whose units they are.
    pub subject: Uuid,
}

/// A registered unit of a project. As small as a pointer.
#[derive(Clone, Copy)]
pub struct Unit(&'static Facts);

/// What never changes of a unit.
#[derive(Debug)]
struct Facts {
    number: i32,
    code: String,
    name: String,
    decimals: u32,
    subject: Uuid,
    opened_at: DateTime<Utc>,
    digest: [u8; 32],
}

impl Unit {
    /// The code: `unit:solar-1`.
    #[must_use]
    pub fn code(self) -> &'static str {
        &self.0.code
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// The number by which the ledger's tables know it.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0.number
    }

    /// Decimals of its smallest part.
    #[must_use]
    pub const fn decimals(self) -> u32 {
        self.0.decimals
    }

    /// The project whose units they are.
    #[must_use]
    pub const fn subject(self) -> Uuid {
        self.0.subject
    }

    /// When it was registered.
    #[must_use]
    pub const fn opened_at(self) -> DateTime<Utc> {
        self.0.opened_at
    }

    /// What stands for its definition in the log.
    pub(crate) const fn digest(self) -> [u8; 32] {
        self.0.digest
    }
}

impl PartialEq for Unit {
    /// Equal definitions are kept once.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Unit {}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

/// Whether a commodity's number is that of a unit.
pub(crate) const fn is_unit(number: i32) -> bool {
    number >= FIRST_NUMBER
}

impl Facts {
    fn new(
        (number, code, name, decimals, subject, opened_at): (i32, String, String, i16, Uuid, DateTime<Utc>),
    ) -> Self {
        let decimals = u32::try_from(decimals).unwrap_or_default();
        let opened_at = opened_at.trunc_subsecs(6);
        let digest = definition(number, decimals, subject, opened_at.timestamp_micros(), &code, &name);
        Self { number, code, name, decimals, subject, opened_at, digest }
    }
}

/// What stands for a unit's definition in the log.
///
/// SHA-256 of `teranga unit 1`, the number as 4 bytes, the decimals as 1, the subject's 16, when it was registered as 8
/// (microseconds since 1970), and code and name, each as its length in 4 bytes and its UTF-8; all numbers big-endian.
pub(crate) fn definition(
    number: i32,
    decimals: u32,
    subject: Uuid,
    opened_at: i64,
    code: &str,
    name: &str,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"teranga unit 1");
    hash.update(number.to_be_bytes());
    hash.update([u8::try_from(decimals).unwrap_or(u8::MAX)]);
    hash.update(subject.as_bytes());
    hash.update(opened_at.to_be_bytes());
    for text in [code, name] {
        hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_none_are_refused() {
        for text in ["unit:solar-1", "unit:ab", "unit:a234567890123456789"] {
            assert!(UnitCode::try_new(text).is_ok(), "{text}");
        }
        for text in
            ["", "unit:", "unit:a", "solar", "unit:1ab", "unit:ab-", "unit:Ab", "unit:a.b", "unit:a2345678901234567890"]
        {
            assert!(UnitCode::try_new(text).is_err(), "{text}");
        }
    }
}
