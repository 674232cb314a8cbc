//! Bulk load: opening balances and histories from files, by the rules that hold for every other entry.
//!
//! A file is read in a stream, its entries are built by [`Entry`](crate::Entry)'s builder and handed to the writer in
//! chunks, in the order of the file and several at a time. An entry that cannot be built or that the ledger refuses is
//! named with its line and the reason, and the rest goes on.
//!
//! # Keys
//! What keeps an entry from being booked twice is its key alone: its own, or one that is derived from the
//! [`LoadSource`] and the entry's reference, or its line where it has neither. So a second run of a file, corrected or
//! not, books only what is not booked yet.
//!
//! # Being cut off
//! `ledger.loads` keeps how far a file is answered. A run that was killed goes on there; what was booked beyond that
//! place is found again by its keys.
//!
//! # All or nothing
//! [`LoadMode::AllOrNothing`] decides the whole file first, in memory, against the balances of the book, and books
//! nothing unless it would book everything. It is a promise about a book that nobody else writes meanwhile: a check
//! during which the book moved is repeated, and is given up when the book keeps moving. Entries are never deleted, so
//! when somebody moves the book after the check and an entry is refused because of it, the load stops there, and its
//! report says from which to which sequence the book has taken entries of it.

mod booking;
mod draft;
mod json_lines;
mod kinds;
mod reading;
mod rehearsal;
mod rows;
mod store;
mod told;

use std::path::PathBuf;
use std::sync::Arc;

use crate::{Ledger, Sequence};
use draft::UnitsByCode;
use reading::Identity;
pub use told::{LineFault, LoadError, LoadProgress, LoadWitness, RefusedLine, Stage};

/// Bytes that one entry of a file may have.
pub const MAX_LINE_BYTES: u64 = 4 << 20;
/// Entries of a file that can be loaded all or nothing: their keys are kept in memory while the file is checked.
pub const MAX_REHEARSED_ENTRIES: usize = 2_000_000;

/// What to load, and how.
#[derive(Clone, Debug)]
pub struct LoadFile {
    /// The file. It must not change while it is loaded.
    pub path: PathBuf,
    /// How it is written.
    pub format: LoadFormat,
    /// The name that its keys are derived from.
    pub source: LoadSource,
    /// Whether a refused entry stops the others.
    pub mode: LoadMode,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadFormat {
    /// An entry a line, as JSON.
    JsonLines,
    /// A posting a row; consecutive rows with one reference are an entry.
    Csv,
}

/// Whether a refused entry stops the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadMode {
    /// What is refused is named, and the rest goes on.
    EntryByEntry,
    /// Nothing is booked unless the whole file would be.
    AllOrNothing,
}

/// Where entries come from: the namespace of the keys that are derived for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadSource(String);

/// The text is no name of a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no source: it has 1 to 120 characters on one line")]
pub struct InvalidSource(pub String);

impl LoadSource {
    /// The source of that name, such as the name of a file.
    ///
    /// # Errors
    /// [`InvalidSource`] when it is empty, longer than 120 characters or has control characters.
    pub fn try_new(name: &str) -> Result<Self, InvalidSource> {
        let valid = (1..=120).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if valid { Ok(Self(name.to_owned())) } else { Err(InvalidSource(name.chars().take(120).collect())) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// How it ended.
    pub outcome: LoadOutcome,
    /// The line at which this run went on where an earlier one was cut off.
    pub resumed_at_line: Option<u64>,
    /// Entries that this run booked.
    pub booked: u64,
    /// Entries that were in the book already, under the same key and with the same content.
    pub already_booked: u64,
    /// Entries that were refused.
    pub refused: u64,
    /// The first and the last sequence that this run booked. Others may have booked entries in between.
    pub sequences: Option<(Sequence, Sequence)>,
}

/// How a load ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadOutcome {
    /// Every entry was booked or refused.
    #[default]
    Complete,
    /// All or nothing: some would have been refused, so nothing was booked.
    NothingBooked,
    /// All or nothing: the book was moved after the check and an entry was refused because of it, so the load stopped.
    Stopped,
}

impl Ledger {
    /// Books the entries of a file; `witness` is told of progress and of each refused line.
    ///
    /// Dropping the future stops the load; what was handed in is booked all the same, and a later run goes on.
    ///
    /// # Errors
    /// [`LoadError`] when the file cannot be read or the ledger does not answer. A refused entry is no error.
    pub async fn load(&self, file: &LoadFile, witness: &mut dyn LoadWitness) -> Result<LoadReport, LoadError> {
        let identity = Identity::of(file).await?;
        let begun = store::begin(self, file, &identity).await?;
        let units = Arc::new(self.units_by_code().await?);
        let from = match file.mode {
            LoadMode::AllOrNothing => {
                let refused = rehearsal::rehearse(self, file, (&identity, &units), witness).await?;
                if refused > 0 {
                    return Ok(LoadReport { outcome: LoadOutcome::NothingBooked, refused, ..LoadReport::default() });
                }
                None
            }
            LoadMode::EntryByEntry => begun.reached,
        };
        booking::book(self, file, (&identity, &units), from, witness).await
    }

    /// All registered units: lines are read where no database can be asked.
    async fn units_by_code(&self) -> Result<UnitsByCode, crate::Error> {
        let mut all = UnitsByCode::new();
        let mut after = None;
        loop {
            let page = self.units(after, i64::MAX).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after = Some(last.number());
            all.extend(page.iter().map(|unit| (unit.code(), *unit)));
        }
    }
}
