//! Statements in the forms that banks send them, read as a stream.
//!
//! A file is untrusted: its size, its statements and lines, its texts and each of its elements are bounded, so that
//! reading takes the same memory whatever the file holds. [`survey`] reads it to its end before anything is stored:
//! each statement must add up, opening and entries to closing, or the file is refused whole.

mod bounded;
mod camt_053;
mod comma_separated;
mod mt940;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use chrono::{Datelike, NaiveDate};
use sha2::{Digest, Sha256};

pub use comma_separated::{CsvAmounts, CsvColumns, CsvLayout, CsvStatement, DecimalMark};

use crate::{Currency, Money};

/// The largest file that is read.
pub const MAX_STATEMENT_FILE_BYTES: u64 = 2 << 30;
/// Statements that one file may hold.
pub const MAX_FILE_STATEMENTS: usize = 1_000;
/// Lines that one statement may have.
pub const MAX_FILE_LINES: i32 = 5_000_000;
/// Characters that are kept of what a bank passed on.
pub(super) const MAX_TEXT: usize = 560;
/// Characters of a reference, of an account's name and of a statement's id.
pub(super) const MAX_NAME: usize = 64;
/// Words that banks write where there is no reference.
const NO_REFERENCES: [&str; 3] = ["NOTPROVIDED", "NONREF", "NOREF"];

/// In which form a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementFormat {
    /// ISO 20022 camt.053, the bank's statement; tested with versions 2 and 8.
    Camt053,
    /// SWIFT MT940.
    Mt940,
    /// Comma-separated values, with what a file of these does not say of itself.
    Csv(Box<CsvLayout>),
}

/// Why a file is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct FileFault {
    /// The statement, the entry or the line.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl FileFault {
    fn new(place: impl Into<String>, what: impl ToString) -> Self {
        Self { place: place.into(), what: what.to_string() }
    }
}

/// What a statement says of itself before its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) external_id: String,
    pub(super) external_number: String,
    pub(super) external_account: String,
    pub(super) currency: Currency,
    pub(super) opens_on: NaiveDate,
    pub(super) opening_minor: i64,
}

/// What a statement says of itself after its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) closes_on: NaiveDate,
    pub(super) closing_minor: i64,
}

/// A line; amounts are positive where money came in, as a debit of the book's account is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) occurs_on: NaiveDate,
    pub(super) amount_minor: i64,
    pub(super) reference: Option<String>,
    pub(super) bank_reference: Option<String>,
    pub(super) text: String,
}

/// What a reader finds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Opened(Head),
    Line(Line),
    Closed(End),
}

/// A reader of one form.
pub(super) trait Parts: Send {
    /// The next part; none at the end of the file.
    fn next(&mut self) -> Result<Option<Part>, FileFault>;
}

/// The reader of a file.
pub(super) fn open<'a>(format: &StatementFormat, file: impl BufRead + Send + 'a) -> Box<dyn Parts + 'a> {
    let file = bounded::Bounded::new(file);
    match format {
        StatementFormat::Camt053 => Box::new(camt_053::Camt053::new(file)),
        StatementFormat::Mt940 => Box::new(mt940::Mt940::new(file)),
        StatementFormat::Csv(layout) => Box::new(comma_separated::Csv::new(file, (**layout).clone())),
    }
}

/// A statement that adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Surveyed {
    pub(super) head: Head,
    pub(super) end: End,
    pub(super) lines: i32,
    pub(super) digest: [u8; 32],
}

/// Reads a file to its end: every statement in it, each of which adds up.
pub(super) fn survey(parts: &mut (dyn Parts + '_)) -> Result<Vec<Surveyed>, FileFault> {
    let mut statements: Vec<Surveyed> = Vec::new();
    let mut current: Option<Survey> = None;
    while let Some(part) = parts.next()? {
        let place = format!("statement {}", statements.len() + 1);
        let fault = |what: String| FileFault::new(place.as_str(), what);
        match (part, current.take()) {
            (Part::Opened(head), None) if statements.len() < MAX_FILE_STATEMENTS => {
                current = Some(Survey::begin(head).map_err(fault)?);
            }
            (Part::Line(line), Some(survey)) => current = Some(survey.with(&line).map_err(fault)?),
            (Part::Closed(end), Some(survey)) => statements.push(survey.end(end).map_err(fault)?),
            (Part::Opened(_), None) => {
                return Err(fault(format!("a file has at most {MAX_FILE_STATEMENTS} statements")));
            }
            _ => return Err(fault("its parts are in no order".to_owned())),
        }
    }
    if current.is_some() {
        return Err(FileFault::new(format!("statement {}", statements.len() + 1), "it has no end"));
    }
    if statements.is_empty() {
        return Err(FileFault::new("the file", "it holds no statement"));
    }
    Ok(statements)
}

struct Survey {
    head: Head,
    balance_minor: i64,
    lines: i32,
    hash: Sha256,
}

impl Survey {
    fn begin(head: Head) -> Result<Self, String> {
        for (name, value) in [("id", &head.external_id), ("account", &head.external_account)] {
            if value.is_empty() {
                return Err(format!("its {name} is missing"));
            }
        }
        let mut hash = Sha256::new();
        for part in [&head.external_id, &head.external_number, &head.external_account] {
            say(&mut hash, part);
        }
        say(&mut hash, head.currency.code());
        say(&mut hash, &possible(head.opens_on)?.to_string());
        hash.update(head.opening_minor.to_be_bytes());
        Ok(Self { balance_minor: head.opening_minor, lines: 0, hash, head })
    }

    fn with(mut self, line: &Line) -> Result<Self, String> {
        self.lines += 1;
        if self.lines > MAX_FILE_LINES {
            return Err(format!("a statement has at most {MAX_FILE_LINES} lines"));
        }
        self.balance_minor = self.balance_minor.checked_add(line.amount_minor).ok_or("its amounts are too large")?;
        say(&mut self.hash, &possible(line.occurs_on)?.to_string());
        self.hash.update(line.amount_minor.to_be_bytes());
        for part in [line.reference.as_deref(), line.bank_reference.as_deref(), Some(line.text.as_str())] {
            say(&mut self.hash, part.unwrap_or(""));
        }
        Ok(self)
    }

    fn end(mut self, end: End) -> Result<Surveyed, String> {
        if end.closing_minor != self.balance_minor {
            let money = |minor| Money::from_minor(minor, self.head.currency);
            return Err(format!(
                "opening and entries come to {}, its closing balance is {} {}",
                money(self.balance_minor),
                money(end.closing_minor),
                self.head.currency
            ));
        }
        if possible(end.closes_on)? < self.head.opens_on {
            return Err("it closes before it opens".to_owned());
        }
        say(&mut self.hash, &end.closes_on.to_string());
        self.hash.update(end.closing_minor.to_be_bytes());
        Ok(Surveyed { head: self.head, end, lines: self.lines, digest: self.hash.finalize().into() })
    }
}

fn say(hash: &mut Sha256, part: &str) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part.as_bytes());
}

fn possible(date: NaiveDate) -> Result<NaiveDate, String> {
    if (1970..=9999).contains(&date.year()) { Ok(date) } else { Err(format!("{date} is no date of a statement")) }
}

/// A reference in the form in which references are compared: ASCII letters and digits, upper-case. None when nothing is
/// left, or when it is a bank's word for none.
#[must_use]
pub fn comparable_reference(text: &str) -> Option<String> {
    let letters = text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    let reference: String = letters.take(MAX_NAME).collect();
    (!reference.is_empty() && !NO_REFERENCES.contains(&reference.as_str())).then_some(reference)
}

/// A name as a statement gives it, trimmed.
fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
        return Err(format!("a name has at most {MAX_NAME} characters on one line"));
    }
    Ok(text.to_owned())
}

/// What a bank passed on, in one line and cut to what is kept.
fn one_line<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for word in parts.flat_map(str::split_whitespace) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|letter| !letter.is_control()));
        if line.len() > MAX_TEXT * 4 {
            break;
        }
    }
    line.chars().take(MAX_TEXT).collect()
}

/// The minor units of a decimal without a sign; banks leave zeros out or write too many.
fn minor_units(text: &str, currency: Currency) -> Result<i64, String> {
    let decimals = usize::try_from(currency.decimals()).unwrap_or(0);
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let exact = match decimals {
        0 if fraction.is_empty() => whole.to_owned(),
        _ => format!("{whole}.{fraction:0<decimals$}"),
    };
    if text.starts_with('-') {
        return Err(format!("{text:.40} has a sign"));
    }
    Ok(Money::parse(&exact, currency).map_err(|error| error.to_string())?.minor())
}
