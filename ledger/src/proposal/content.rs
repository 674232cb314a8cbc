use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ProposalError;
use crate::{AccountCode, BookAccount, BookId, Currency, MAX_DESCRIPTION, Money, Sequence, Side};

/// Lines that a proposal may have.
const MAX_LINES: usize = 100;

/// What is proposed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Why, in a line; it becomes the entry's description. No personal data, it is kept for ever.
    pub(super) reason: String,
    /// What is to be done.
    #[serde(flatten)]
    pub(super) action: ProposedAction,
}

/// What is to be done to a book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProposedAction {
    /// No entry takes effect by a date any more, adjustments aside.
    Close {
        /// The last date that is closed.
        through: NaiveDate,
    },
    /// Entries may take effect from a date on again.
    Reopening {
        /// The first date that is open.
        from: NaiveDate,
    },
    /// An entry that may take effect in a closed period.
    Adjustment {
        /// The day on which it counts.
        effective_date: NaiveDate,
        /// Its postings.
        lines: Vec<ProposedLine>,
    },
    /// Another entry is taken back.
    Reversal {
        /// Which.
        sequence: Sequence,
    },
    /// Another entry is taken back, and booked as it should have been.
    Correction {
        /// Which.
        sequence: Sequence,
        /// How it should have been.
        lines: Vec<ProposedLine>,
    },
    /// A name is taken from the accounts that have it, for good.
    Erasure {
        /// The code with the name.
        account: AccountCode,
    },
    /// An amount is debited here and credited in another book.
    Transfer(ProposedTransfer),
}

impl ProposedAction {
    /// The word in the tables.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Close { .. } => "close",
            Self::Reopening { .. } => "reopening",
            Self::Adjustment { .. } => "adjustment",
            Self::Reversal { .. } => "reversal",
            Self::Correction { .. } => "correction",
            Self::Erasure { .. } => "erasure",
            Self::Transfer(_) => "transfer",
        }
    }
}

/// A posting that is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LineForm", into = "LineForm")]
pub struct ProposedLine {
    /// The account.
    pub account: AccountCode,
    /// Its side.
    pub side: Side,
    /// How much, above zero.
    pub amount: Money,
}

#[derive(Serialize, Deserialize)]
struct LineForm {
    account: AccountCode,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    debit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    credit: Option<String>,
    currency: String,
}

impl From<ProposedLine> for LineForm {
    fn from(line: ProposedLine) -> Self {
        let text = line.amount.to_string();
        let (debit, credit) = match line.side {
            Side::Debit => (Some(text), None),
            Side::Credit => (None, Some(text)),
        };
        Self { account: line.account, debit, credit, currency: line.amount.currency().to_string() }
    }
}

impl TryFrom<LineForm> for ProposedLine {
    type Error = String;

    fn try_from(form: LineForm) -> Result<Self, String> {
        let (side, text) = match (form.debit, form.credit) {
            (Some(debit), None) => (Side::Debit, debit),
            (None, Some(credit)) => (Side::Credit, credit),
            _ => return Err("a line has either a debit or a credit".to_owned()),
        };
        let currency = Currency::try_new(&form.currency).map_err(|error| error.to_string())?;
        let amount = Money::parse(&text, currency).map_err(|error| error.to_string())?;
        Ok(Self { account: form.account, side, amount })
    }
}

/// A transfer to another book that is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TransferForm", into = "TransferForm")]
pub struct ProposedTransfer {
    /// What is debited, in the book that the proposal is for.
    pub from: AccountCode,
    /// What is credited, in another book.
    pub to: BookAccount,
    /// How much, above zero.
    pub amount: Money,
}

#[derive(Serialize, Deserialize)]
struct TransferForm {
    from: AccountCode,
    to_book: i16,
    to: AccountCode,
    amount: String,
    currency: String,
}

impl From<ProposedTransfer> for TransferForm {
    fn from(transfer: ProposedTransfer) -> Self {
        Self {
            from: transfer.from,
            to_book: transfer.to.book.number(),
            to: transfer.to.account,
            amount: transfer.amount.to_string(),
            currency: transfer.amount.currency().to_string(),
        }
    }
}

impl TryFrom<TransferForm> for ProposedTransfer {
    type Error = String;

    fn try_from(form: TransferForm) -> Result<Self, String> {
        let currency = Currency::try_new(&form.currency).map_err(|error| error.to_string())?;
        let amount = Money::parse(&form.amount, currency).map_err(|error| error.to_string())?;
        let to = BookAccount { book: BookId::new(form.to_book), account: form.to };
        Ok(Self { from: form.from, to, amount })
    }
}

impl Terms {
    /// What is to be done, and why.
    ///
    /// # Errors
    /// [`ProposalError::Reason`] for an empty or overlong reason, [`ProposalError::LineCount`] for no lines or too many.
    pub fn try_new(reason: &str, action: ProposedAction) -> Result<Self, ProposalError> {
        let reason = reason.trim();
        let is_text =
            !reason.is_empty() && reason.chars().count() <= MAX_DESCRIPTION && !reason.chars().any(char::is_control);
        if !is_text {
            return Err(ProposalError::Reason);
        }
        if let ProposedAction::Adjustment { lines, .. } | ProposedAction::Correction { lines, .. } = &action
            && !(1..=MAX_LINES).contains(&lines.len())
        {
            return Err(ProposalError::LineCount { maximum: MAX_LINES });
        }
        Ok(Self { reason: reason.to_owned(), action })
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What.
    #[must_use]
    pub const fn action(&self) -> &ProposedAction {
        &self.action
    }

    /// The text that is kept.
    pub(super) fn text(&self) -> Result<String, ProposalError> {
        Ok(serde_json::to_string(self)?)
    }

    /// SHA-256 over `teranga proposal 1`, the book's number in two bytes and the kept text.
    pub(super) fn digest(&self, book: BookId) -> [u8; 32] {
        // What has no text cannot be kept either, and is told then.
        let text = self.text().unwrap_or_default();
        let mut hasher = Sha256::new();
        hasher.update(b"teranga proposal 1");
        hasher.update(book.number().to_be_bytes());
        hasher.update(text.as_bytes());
        hasher.finalize().into()
    }
}
