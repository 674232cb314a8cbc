//! Exports of a book for those who check it with their own tools.
//!
//! An [`Export`] is a fixed view: the entries of an [`Extent`], read in order up to a last one that does not move while
//! it is read. Every [`Format`] is streamed from it in constant memory, however long the book, and the same view gives
//! the same bytes each time. A part that does not start with the first entry says what the accounts held before, so
//! that it can be checked alone; see each format for how parts are joined.

mod accounts;
mod audit_data;
mod beancount;
mod camt;
mod check;
mod diff;
mod directory;
mod hledger;
mod json_lines;
mod log_lines;
mod manifest;
mod pack;
mod page;
mod parquet;
mod print;
mod proof;
mod read;
mod safeguarding;
mod sample;
mod subjects;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::stream::{self, BoxStream, StreamExt};

pub use check::{Believed, CheckError, CheckedExport, verify_export};
pub use diff::{AccountDifference, DiffError, EntryDifference, PackDifference, Which, diff_packs};
pub use manifest::{FileEntry, Manifest, ManifestSigner, Totals};
pub use pack::PackError;
pub use proof::ExportProof;
pub use sample::{Draw, MAX_SAMPLE, SampleError, Sampled};
pub(crate) use subjects::is_personal;
pub use subjects::{PseudonymKey, Subjects};

use crate::schema::{books, entries};
use crate::{Error, Ledger, Sequence};
use accounts::Opened;
use directory::Directory;
use page::Page;

/// Which entries are exported: all, unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    first: Option<Sequence>,
    last: Option<Sequence>,
}

impl Extent {
    /// From the first entry through the one that is newest now.
    pub const WHOLE: Self = Self { first: None, last: None };

    /// From that entry on: a download that broke off continues with the one after the last that arrived whole.
    #[must_use]
    pub const fn from(self, first: Sequence) -> Self {
        Self { first: Some(first), ..self }
    }

    /// Through that entry.
    #[must_use]
    pub const fn through(self, last: Sequence) -> Self {
        Self { last: Some(last), ..self }
    }
}

/// A form in which entries are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The journal for hledger.
    Hledger,
    /// The journal for ledger.
    Ledger,
    /// The journal for beancount.
    Beancount,
    /// General ledger detail by the AICPA's Audit Data Standards.
    GeneralLedger,
    /// Trial balance by the same standards.
    TrialBalance,
    /// Chart of accounts by the same standards.
    ChartOfAccounts,
    /// An entry a line, as JSON.
    JsonLines,
    /// A posting a row, in columns.
    Parquet,
    /// An account a line, as JSON, with what stands for it in the log.
    Accounts,
    /// The canonical form of an entry a line, as JSON: the leaves of the log.
    Log,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Hledger,
        Self::Ledger,
        Self::Beancount,
        Self::GeneralLedger,
        Self::TrialBalance,
        Self::ChartOfAccounts,
        Self::JsonLines,
        Self::Parquet,
        Self::Accounts,
        Self::Log,
    ];

    /// What the file is called.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Hledger => "journal.hledger",
            Self::Ledger => "journal.ledger",
            Self::Beancount => "journal.beancount",
            Self::GeneralLedger => "gl_detail.csv",
            Self::TrialBalance => "trial_balance.csv",
            Self::ChartOfAccounts => "chart_of_accounts.csv",
            Self::JsonLines => "journal.jsonl",
            Self::Parquet => "postings.parquet",
            Self::Accounts => "accounts.jsonl",
            Self::Log => "log.jsonl",
        }
    }

    /// What it is, to HTTP.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Hledger | Self::Ledger | Self::Beancount => "text/plain; charset=utf-8",
            Self::GeneralLedger | Self::TrialBalance | Self::ChartOfAccounts => {
                "text/csv; charset=utf-8; header=present"
            }
            Self::JsonLines | Self::Accounts | Self::Log => "application/jsonl",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The format whose file is called so.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.file_name() == name)
    }
}

/// A fixed view of a book, from which every format can be streamed. Cheap to clone.
#[derive(Clone)]
pub struct Export {
    ledger: Ledger,
    subjects: Subjects,
    directory: Arc<Directory>,
    book_name: Arc<str>,
    first: i64,
    last: i64,
    /// When the entry before the first one was booked; the first one's own time where there is none before it.
    opened_at: DateTime<Utc>,
    /// When the last entry was booked.
    closed_at: DateTime<Utc>,
}

/// Bytes of a file, piece after piece.
pub type Pieces = BoxStream<'static, Result<Vec<u8>, Error>>;

/// Prints one thing behind what is printed already.
type Print<Of> = Box<dyn FnMut(&Of, &mut Vec<u8>) -> Result<(), Error> + Send>;

/// A part of a file: some text, or what is printed of each page.
enum Part {
    Text(String),
    Accounts(Print<Opened>),
    Entries(Print<Page>),
}

impl Part {
    /// What is printed of each account, where that cannot fail.
    fn accounts(mut print: impl FnMut(&Opened, &mut Vec<u8>) + Send + 'static) -> Self {
        Self::Accounts(Box::new(move |account, out| {
            print(account, out);
            Ok(())
        }))
    }
}

impl Ledger {
    /// Fixes a view of the book.
    ///
    /// # Errors
    /// [`Error::SequenceAhead`] for an entry that is not yet booked, [`Error::NoExtent`] when the first entry comes
    /// after the last.
    pub async fn export(&self, extent: Extent, subjects: Subjects) -> Result<Export, Error> {
        let mut connection = self.database.connection().await?;
        let (book_name, head): (String, i64) = books::table
            .find(self.book.number())
            .select((books::name, books::last_sequence))
            .first(&mut connection)
            .await?;
        let last = extent.last.map_or(head, Sequence::number);
        let first = extent.first.map_or(1, Sequence::number);
        if last > head {
            return Err(Error::SequenceAhead { head, asked: last });
        }
        if first < 1 || first > last.saturating_add(1) {
            return Err(Error::NoExtent { first, last });
        }
        let closed_at = booked_at(&mut connection, self.book.number(), last).await?;
        let opened_at = booked_at(&mut connection, self.book.number(), (first - 1).max(1).min(last)).await?;
        let directory = Directory::new(self.book, self.chart.clone(), self.units.clone(), subjects.clone());
        Ok(Export {
            ledger: self.clone(),
            subjects,
            directory: Arc::new(directory),
            book_name: book_name.into(),
            first,
            last,
            opened_at,
            closed_at,
        })
    }

    /// The entries that were booked from the start of one day through the end of another, by UTC.
    ///
    /// # Errors
    /// [`Error::DayNotOver`] when more may still be booked on the last day, [`Error::NoExtent`] when nothing was booked
    /// on these days.
    pub async fn booked_on(&self, from: NaiveDate, to: NaiveDate) -> Result<Extent, Error> {
        if to >= self.today() {
            return Err(Error::DayNotOver { day: to });
        }
        let head = self.head().await?.number();
        let first = self.first_booked_on(from, head).await?;
        let last = self.first_booked_on(to.succ_opt().unwrap_or(to), head).await? - 1;
        if first > last {
            return Err(Error::NoExtent { first, last });
        }
        Ok(Extent::WHOLE.from(Sequence::new(first)).through(Sequence::new(last)))
    }

    /// The first entry that was booked on a day or later: booking times never run backwards, so a search by halves.
    async fn first_booked_on(&self, day: NaiveDate, head: i64) -> Result<i64, Error> {
        let mut connection = self.database.connection().await?;
        let (mut low, mut high) = (1, head + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if booked_at(&mut connection, self.book.number(), middle).await?.date_naive() < day {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

/// When an entry was booked; the epoch where there is none.
async fn booked_at(
    connection: &mut diesel_async::AsyncPgConnection,
    book: i16,
    sequence: i64,
) -> Result<DateTime<Utc>, Error> {
    let found = entries::table.find((book, sequence)).select(entries::booked_at).first(connection).await.optional()?;
    Ok(found.unwrap_or(DateTime::UNIX_EPOCH))
}

impl Export {
    /// The first entry.
    #[must_use]
    pub const fn first(&self) -> Sequence {
        Sequence::new(self.first)
    }

    /// The last entry.
    #[must_use]
    pub const fn last(&self) -> Sequence {
        Sequence::new(self.last)
    }

    /// When the last entry was booked; 1970 in an empty book.
    #[must_use]
    pub const fn closed_at(&self) -> DateTime<Utc> {
        self.closed_at
    }

    /// Whether entries come before the export.
    const fn is_continued(&self) -> bool {
        self.first > 1
    }

    /// A file, from its first byte to its last.
    #[must_use]
    pub fn stream(&self, format: Format) -> Pieces {
        let parts = match format {
            Format::Hledger => hledger::parts(self, hledger::Dialect::Hledger),
            Format::Ledger => hledger::parts(self, hledger::Dialect::Ledger),
            Format::Beancount => beancount::parts(self),
            Format::GeneralLedger => audit_data::general_ledger(self),
            Format::TrialBalance => audit_data::trial_balance(self),
            Format::ChartOfAccounts => audit_data::chart_of_accounts(self),
            Format::JsonLines => json_lines::parts(),
            Format::Parquet => parquet::parts(),
            Format::Accounts => log_lines::accounts(),
            Format::Log => return log_lines::leaves(self),
        };
        let export = self.clone();
        stream::iter(parts).flat_map(move |part| export.print(part)).boxed()
    }

    fn print(&self, part: Part) -> Pieces {
        match part {
            Part::Text(text) => stream::iter([Ok(text.into_bytes())]).boxed(),
            Part::Accounts(mut print) => self
                .opened()
                .map(move |page| {
                    let mut out = Vec::new();
                    page?.iter().try_for_each(|account| print(account, &mut out))?;
                    Ok(out)
                })
                .boxed(),
            Part::Entries(mut print) => self
                .pages()
                .map(move |page| {
                    let mut out = Vec::new();
                    print(&page?, &mut out)?;
                    Ok(out)
                })
                .boxed(),
        }
    }
}
