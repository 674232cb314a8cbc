//! What a load tells: progress, refused lines, and why it failed.

use std::path::PathBuf;

use crate::{AccountCode, EntryError, InvalidAccountCode, MoneyError, PostError, Refusal, UnknownCurrency};

/// What a load is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Decides the file without booking it.
    Checking,
    /// Books.
    Booking,
}

/// How far a load has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadProgress {
    /// What it is at.
    pub stage: Stage,
    /// Bytes of the file that are dealt with.
    pub bytes: u64,
    /// Bytes of the file.
    pub of_bytes: u64,
    /// Entries that were booked or found in the book, or that would be.
    pub accepted: u64,
    /// Entries that were refused.
    pub refused: u64,
}

/// An entry of a file that is not booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// The line that it starts on, or the one at fault; counted from 1.
    pub line: u64,
    /// Its reference, where it has one that can be read.
    pub reference: Option<String>,
    /// A stable word for the reason.
    pub reason: &'static str,
    /// What is wrong, with which value, and what would be right.
    pub detail: String,
}

/// Told of a load as it goes on.
pub trait LoadWitness: Send {
    /// So far has it come.
    fn reached(&mut self, progress: LoadProgress);

    /// That entry is not booked.
    ///
    /// # Errors
    /// When it cannot be noted; the load then stops before it counts the line as dealt with.
    fn refused(&mut self, line: &RefusedLine) -> std::io::Result<()>;
}

/// What is wrong with a line, before the ledger is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineFault {
    /// It is not the JSON of an entry.
    #[error("column {column}: {what}")]
    Json {
        /// Where in the line.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// It is longer than an entry may be.
    #[error("an entry has at most {most} bytes")]
    TooLong {
        /// The bound.
        most: u64,
    },
    /// It is not text.
    #[error("the row is not UTF-8")]
    NotUtf8,
    /// A row has more or fewer fields than there are columns.
    #[error("the row has {given} fields, the header {expected}")]
    Fields {
        /// As many as the header.
        expected: usize,
        /// As many as the row.
        given: usize,
    },
    /// A row before the entry cannot be read and may belong to it.
    #[error("the row before it, in line {line}, cannot be read and may belong to this entry")]
    Beside {
        /// That row.
        line: u64,
    },
    /// Two rows of an entry say different things of it.
    #[error("{column} differs from the entry's first row; repeat it or leave it empty")]
    Differs {
        /// The column.
        column: &'static str,
    },
    /// The reference is missing or too long.
    #[error("a reference has 1 to {} characters", super::draft::MAX_REFERENCE)]
    Reference,
    /// An id is no UUID.
    #[error("{field} is {text:?}, not a UUID")]
    Id {
        /// The field.
        field: &'static str,
        /// The text, cut to 40 characters.
        text: String,
    },
    /// The kind is no word.
    #[error("{kind:?} is no kind such as opening-balance (lower-case letters, digits and hyphens, at most 60)")]
    Kind {
        /// The text, cut to 60 characters.
        kind: String,
    },
    /// There are too many different kinds.
    #[error("files may use at most {most} different kinds")]
    TooManyKinds {
        /// The bound.
        most: usize,
    },
    /// The effective date is none.
    #[error("{text:?} is no date from 1900-01-01 to 9999-12-31")]
    Date {
        /// The text, cut to 40 characters.
        text: String,
    },
    /// The metadata is no JSON object.
    #[error("metadata is a JSON object")]
    Metadata,
    /// A posting has a debit and a credit.
    #[error("the posting on {account} has a debit and a credit; a posting has one of them")]
    BothSides {
        /// The account.
        account: AccountCode,
    },
    /// A posting has neither debit nor credit.
    #[error("the posting on {account} has neither debit nor credit")]
    NoSide {
        /// The account.
        account: AccountCode,
    },
    /// A posting has a currency and a unit, or neither.
    #[error("the posting on {account} has a currency or a unit, one of them")]
    Commodity {
        /// The account.
        account: AccountCode,
    },
    /// The unit is not registered.
    #[error("{code:?} is no registered unit; an operator registers it first")]
    UnknownUnit {
        /// The text, cut to 40 characters.
        code: String,
    },
    /// A cost or a day stands where no units are received, or a cost without its currency.
    #[error("the posting on {account} has a cost: cost, cost_currency and acquired_on are of a credit of issued units")]
    Cost {
        /// The account.
        account: AccountCode,
    },
    /// The account's code is none.
    #[error(transparent)]
    Account(#[from] InvalidAccountCode),
    /// The currency is none.
    #[error(transparent)]
    Currency(#[from] UnknownCurrency),
    /// The amount is none.
    #[error(transparent)]
    Amount(#[from] MoneyError),
    /// The entry cannot be built.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

impl LineFault {
    const fn reason(&self) -> &'static str {
        match self {
            Self::Entry(EntryError::Unbalanced { .. }) => "unbalanced",
            Self::Entry(_) => "entry",
            Self::Account(_) => "account",
            Self::Currency(_) | Self::Commodity { .. } => "currency",
            Self::UnknownUnit { .. } => "unit",
            Self::Cost { .. } => "cost",
            Self::Amount(_) | Self::BothSides { .. } | Self::NoSide { .. } => "amount",
            Self::Date { .. } => "date",
            _ => "format",
        }
    }
}

impl RefusedLine {
    pub(super) fn by_fault(line: u64, reference: Option<String>, fault: &LineFault) -> Self {
        Self { line, reference, reason: fault.reason(), detail: fault.to_string() }
    }

    pub(super) fn by_ledger(line: u64, reference: Option<String>, refusal: &Refusal) -> Self {
        Self { line, reference, reason: refusal.reason(), detail: refusal.to_string() }
    }

    pub(super) fn by_database(line: u64, reference: Option<String>, detail: String) -> Self {
        Self { line, reference, reason: "rejected", detail }
    }
}

/// Why a load could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be opened.
    #[error("{path}: {source}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is a directory or a pipe, which cannot be read twice.
    #[error("{path} is no regular file")]
    NoFile {
        /// Which.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// The file was written to meanwhile.
    #[error("{path} was changed while it was loaded; load it again")]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// The header has a column that there is not, or one twice.
    #[error("the header has {name:?}, which is no column, or there twice")]
    Column {
        /// The column, cut to 40 characters.
        name: String,
    },
    /// The header lacks a column.
    #[error("the header lacks the column {name}")]
    MissingColumn {
        /// The column.
        name: &'static str,
    },
    /// A row does not end.
    #[error("the row in line {line} has more than {most} bytes: is a quote not closed?")]
    EndlessRow {
        /// The line that it starts on.
        line: u64,
        /// The bound.
        most: u64,
    },
    /// The same file was loaded under another source, and so with other keys.
    #[error("this file was loaded as {source_name:?}; loading it as another source would book it twice")]
    LoadedAs {
        /// That source.
        source_name: String,
    },
    /// The file is too long for all or nothing.
    #[error("all or nothing takes at most {most} entries and as many accounts; load the file entry by entry")]
    TooLongToCheck {
        /// The bound.
        most: usize,
    },
    /// The book moved during every check.
    #[error("others wrote into the book during each of {checks} checks; stop them, or load entry by entry")]
    BookMoves {
        /// How often it was tried.
        checks: u32,
    },
    /// A refused line could not be noted.
    #[error("a refused line could not be noted: {0}")]
    Witness(#[source] std::io::Error),
    /// The ledger does not answer; a later run goes on where this one was.
    #[error("the load was cut off and can be run again: {0}")]
    Post(#[from] PostError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] crate::Error),
}

impl From<diesel::result::Error> for LoadError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<platform::Error> for LoadError {
    fn from(error: platform::Error) -> Self {
        Self::Ledger(error.into())
    }
}
