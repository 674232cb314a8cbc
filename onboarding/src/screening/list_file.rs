//! Lists in the forms that their publishers give them, read as a stream.
//!
//! A file is untrusted: its size, its entries, its texts and each of its elements are bounded, so that reading takes the
//! same memory whatever the file holds. A fault refuses the file whole; it names the line or the entry.

mod comma_separated;
mod elements;
mod european_union;
mod treasury;
mod united_nations;

use std::collections::HashSet;
use std::io::BufRead;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use self::comma_separated::OpenSanctions;
use self::european_union::EuropeanUnion;
use self::treasury::Treasury;
use self::united_nations::UnitedNations;
use super::entry::ListEntry;

/// The largest file that is read.
pub const MAX_LIST_FILE_BYTES: u64 = 1 << 30;
/// Entries that one list may have.
pub const MAX_LIST_ENTRIES: usize = 2_000_000;

/// In which form a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListFormat {
    /// The consolidated list of the United Nations Security Council, XML.
    UnXml,
    /// The list of specially designated nationals of the United States' Treasury, `sdn.xml`.
    OfacXml,
    /// The consolidated list of the European Union, XML of its version 1.1.
    EuXml,
    /// A list of OpenSanctions, `targets.simple.csv`.
    OpensanctionsCsv,
}

impl ListFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::UnXml, Self::OfacXml, Self::EuXml, Self::OpensanctionsCsv];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnXml => "un-xml",
            Self::OfacXml => "ofac-xml",
            Self::EuXml => "eu-xml",
            Self::OpensanctionsCsv => "opensanctions-csv",
        }
    }

    /// The format of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// Why a file is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct ListFault {
    /// The line, the element or the entry.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl ListFault {
    fn new(place: impl Into<String>, what: impl ToString) -> Self {
        Self { place: place.into(), what: what.to_string().chars().take(300).collect() }
    }
}

/// What a publisher's form is read by.
trait Publisher {
    /// The next entry, none at the end.
    fn next(&mut self) -> Result<Option<ListEntry>, ListFault>;

    /// When the list was published, as far as it was read.
    fn published_on(&self) -> Option<NaiveDate>;
}

/// A list that is being read.
pub struct ListFile<'a> {
    publisher: Box<dyn Publisher + Send + 'a>,
    references: HashSet<String>,
}

impl<'a> ListFile<'a> {
    /// Begins to read.
    pub fn new(format: ListFormat, file: impl BufRead + Send + 'a) -> Self {
        let publisher: Box<dyn Publisher + Send + 'a> = match format {
            ListFormat::UnXml => Box::new(UnitedNations::new(file)),
            ListFormat::OfacXml => Box::new(Treasury::new(file)),
            ListFormat::EuXml => Box::new(EuropeanUnion::new(file)),
            ListFormat::OpensanctionsCsv => Box::new(OpenSanctions::new(file)),
        };
        Self { publisher, references: HashSet::new() }
    }

    /// When the list was published; known when all was read.
    #[must_use]
    pub fn published_on(&self) -> Option<NaiveDate> {
        self.publisher.published_on()
    }

    fn advance(&mut self) -> Result<Option<ListEntry>, ListFault> {
        let Some(entry) = self.publisher.next()? else {
            // A list of nobody is a file that was cut off, or another one: it would take all names off the list.
            let empty = self.references.is_empty();
            return if empty { Err(ListFault::new("the file", "it names nobody")) } else { Ok(None) };
        };
        if self.references.len() >= MAX_LIST_ENTRIES {
            return Err(ListFault::new("the file", format!("it has more than {MAX_LIST_ENTRIES} entries")));
        }
        if !self.references.insert(entry.reference.clone()) {
            return Err(ListFault::new(format!("entry {}", entry.reference), "it is there twice"));
        }
        Ok(Some(entry))
    }
}

impl Iterator for ListFile<'_> {
    type Item = Result<ListEntry, ListFault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
