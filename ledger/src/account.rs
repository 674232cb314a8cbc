//! Accounts: their codes, kinds and floors, and the chart that says which may be opened.

mod chart;

pub(crate) use chart::AccountRole;
pub use chart::{Chart, ChartError, Template};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Amount, Commodity};

/// Segments that a code may have.
const MAX_SEGMENTS: usize = 6;
/// Characters that a code may have.
const MAX_CODE_LENGTH: usize = 120;

/// The side of the balance sheet or of the result that an account stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// What is owned.
    Asset,
    /// What is owed.
    Liability,
    /// What remains for the owners.
    Equity,
    /// What was earned.
    Revenue,
    /// What was spent.
    Expense,
}

/// The side on which an account of a kind grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Assets and expenses grow by debits.
    Debit,
    /// Liabilities, equity and revenue grow by credits.
    Credit,
}

impl AccountKind {
    /// The side on which accounts of this kind grow.
    #[must_use]
    pub const fn normal_side(self) -> Side {
        match self {
            Self::Asset | Self::Expense => Side::Debit,
            Self::Liability | Self::Equity | Self::Revenue => Side::Credit,
        }
    }

    fn of_root(root: &str) -> Option<Self> {
        Some(match root {
            "assets" => Self::Asset,
            "liabilities" => Self::Liability,
            "equity" => Self::Equity,
            "revenue" => Self::Revenue,
            "expenses" => Self::Expense,
            _ => return None,
        })
    }
}

/// The name of an account: lower-case segments joined by colons, the first one saying the kind.
///
/// ```
/// # use ledger::AccountCode;
/// let code = AccountCode::try_new("revenue:fees:eur-xof")?;
/// assert_eq!(code.to_string(), "revenue:fees:eur-xof");
/// assert!(AccountCode::try_new("Revenue:Fees").is_err());
/// # Ok::<(), ledger::InvalidAccountCode>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountCode(std::sync::Arc<str>);

/// The text is no account code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{code:?} is not an account code such as liabilities:wallets:amina (lower-case letters, digits and hyphens, 2 to 6 segments)"
)]
pub struct InvalidAccountCode {
    /// The text as given, cut to 120 characters.
    pub code: String,
}

impl AccountCode {
    /// The code that `text` spells.
    ///
    /// # Errors
    /// [`InvalidAccountCode`] when a segment is empty or has other characters than `a-z`, `0-9`, `-`, when there are
    /// fewer than two or more than six segments, or when the first one is no kind of account.
    pub fn try_new(text: &str) -> Result<Self, InvalidAccountCode> {
        let segment_is_valid = |segment: &str| {
            !segment.is_empty() && segment.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        let mut segments = text.split(':');
        let root_is_valid = segments.next().and_then(AccountKind::of_root).is_some();
        let count = text.split(':').count();
        let valid = text.len() <= MAX_CODE_LENGTH
            && root_is_valid
            && (2..=MAX_SEGMENTS).contains(&count)
            && segments.all(segment_is_valid);
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAccountCode { code: text.chars().take(MAX_CODE_LENGTH).collect() })
        }
    }

    /// The code of the account that `holder` has under `parent`: `liabilities:wallets` and a person's id, for example.
    ///
    /// # Errors
    /// As [`AccountCode::try_new`].
    pub fn held_by(parent: &str, holder: impl fmt::Display) -> Result<Self, InvalidAccountCode> {
        Self::try_new(&format!("{parent}:{holder}"))
    }

    /// The kind, as the first segment says.
    #[must_use]
    pub fn kind(&self) -> AccountKind {
        self.segments().next().and_then(AccountKind::of_root).unwrap_or(AccountKind::Asset)
    }

    /// Whether units come into being by a debit of the account, rather than being held on it.
    pub(crate) fn issues_by_debit(&self) -> bool {
        self.kind().normal_side() == Side::Debit
    }

    /// The code's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for an account whose name was erased: `liabilities:wallets:erased-17`.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        let number = self.segments().last().and_then(|segment| segment.strip_prefix("erased-"));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The segments, from the kind down.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split(':')
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for AccountCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for AccountCode {
    type Err = InvalidAccountCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_new(text)
    }
}

impl TryFrom<String> for AccountCode {
    type Error = InvalidAccountCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_new(&text)
    }
}

impl From<AccountCode> for String {
    fn from(code: AccountCode) -> Self {
        code.0.as_ref().to_owned()
    }
}

/// What an account holds at some moment, on its normal side: positive is ordinary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The account.
    pub account: AccountCode,
    /// Its currency, or the unit that it holds.
    pub commodity: Commodity,
    /// The sum of its postings in minor units, debits positive.
    pub debit_positive_minor: i64,
}

impl Balance {
    /// The balance on the account's normal side: what a wallet holds, what was earned.
    #[must_use]
    pub fn on_normal_side(&self) -> Amount {
        let minor = match self.account.kind().normal_side() {
            Side::Debit => self.debit_positive_minor,
            Side::Credit => -self.debit_positive_minor,
        };
        Amount::from_minor(minor, self.commodity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_none_are_refused() {
        for text in [
            "",
            "assets",
            "assets:",
            ":assets",
            "assets::bank",
            "wallets:amina",
            "assets:Bank",
            "assets:bank a",
            "assets:bank\n",
            "assets:a:b:c:d:e:f",
            "liabilities:w\u{e9}",
        ] {
            assert!(AccountCode::try_new(text).is_err(), "{text:?}");
        }
        assert!(AccountCode::try_new(&format!("assets:{}", "a".repeat(MAX_CODE_LENGTH))).is_err());
    }
}
