use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Take};

use csv::{Position, ReaderBuilder, StringRecord, Terminator};

use super::draft::{Draft, DraftPosting, MAX_REFERENCE, Told};
use super::reading::Place;
use super::{LineFault, LoadError, MAX_LINE_BYTES};
use crate::MAX_POSTINGS;

/// The columns of a file: those of the entry, then those of the posting.
const COLUMNS: [&str; 15] = [
    "reference",
    "key",
    "kind",
    "effective_date",
    "description",
    "subject",
    "metadata",
    "account",
    "debit",
    "credit",
    "currency",
    "unit",
    "cost",
    "cost_currency",
    "acquired_on",
];
/// Those of [`COLUMNS`] that speak of the entry and not of one posting, the reference aside.
const OF_ENTRY: std::ops::Range<usize> = 1..7;
/// Those of [`COLUMNS`] that a file may leave out.
const OPTIONAL: [&str; 8] =
    ["key", "description", "subject", "metadata", "unit", "cost", "cost_currency", "acquired_on"];

/// A file with a posting a row; consecutive rows with one reference are an entry.
pub(super) struct Rows {
    reader: csv::Reader<Take<File>>,
    columns: Columns,
    /// Where the reader was started; its own positions count from there.
    start: Place,
    ahead: Option<Row>,
    /// A row that cannot be read and stands right before `ahead`.
    unreadable: Option<Place>,
}

/// Which field of a row is what.
struct Columns {
    fields: [Option<usize>; COLUMNS.len()],
    width: usize,
}

struct Row {
    place: Place,
    record: Result<StringRecord, LineFault>,
}

impl Rows {
    pub(super) fn open(file: File, from: Place) -> Result<Self, LoadError> {
        let mut header = reader(file);
        let mut names = StringRecord::new();
        header.read_record(&mut names).map_err(unreadable)?;
        let columns = Columns::try_new(&names)?;
        let first = after(Place::START, header.position());
        let start = if from.byte > first.byte { from } else { first };
        let mut file = header.into_inner().into_inner();
        file.seek(SeekFrom::Start(start.byte)).map_err(LoadError::Read)?;
        let mut rows = Self { reader: reader(file), columns, start, ahead: None, unreadable: None };
        rows.ahead = rows.read()?;
        Ok(rows)
    }

    /// Where the next entry starts, or the row before it that may belong to it.
    pub(super) fn place(&self) -> Place {
        let next = self.ahead.as_ref().map_or_else(|| after(self.start, self.reader.position()), |row| row.place);
        self.unreadable.unwrap_or(next)
    }

    /// The next entry with the line that it starts on, or that is at fault.
    pub(super) fn next(&mut self) -> Result<Option<Told>, LoadError> {
        let Some(first) = self.ahead.take() else { return Ok(None) };
        let line = first.place.line;
        let beside = self.unreadable.take();
        if first.record.is_err() {
            self.unreadable = Some(first.place);
        }
        let started = first.record.and_then(|record| self.columns.start(record));
        let reference = started.as_ref().ok().map(|group| self.columns.text(&group.first, 0).to_owned());
        let mut entry = match (beside, started) {
            (Some(unreadable), Ok(_)) => Err((line, LineFault::Beside { line: unreadable.line })),
            (_, started) => started.map_err(|fault| (line, fault)),
        };
        while let Some(row) = self.read()? {
            let belongs = match (&row.record, &reference) {
                (Ok(record), Some(reference)) => self.columns.text(record, 0) == reference,
                // It has no reference, and may be of the entry before it as well as of the one after it.
                (Err(_), Some(_)) => true,
                (_, None) => false,
            };
            if !belongs {
                self.ahead = Some(row);
                break;
            }
            self.unreadable = row.record.is_err().then_some(row.place);
            let Ok(group) = &mut entry else { continue };
            if let Err(fault) = row.record.and_then(|record| self.columns.add(group, &record)) {
                entry = Err((row.place.line, fault));
            }
        }
        Ok(Some(match entry {
            Ok(group) => (line, group.draft()),
            Err((line, fault)) => (line, Err(fault)),
        }))
    }

    fn read(&mut self) -> Result<Option<Row>, LoadError> {
        loop {
            // A quote that is never closed would take the rest of the file for one field.
            self.reader.get_mut().set_limit(MAX_LINE_BYTES);
            let place = after(self.start, self.reader.position());
            let mut record = StringRecord::new();
            let read = self.reader.read_record(&mut record);
            if self.reader.get_ref().limit() == 0 {
                return Err(LoadError::EndlessRow { line: place.line, most: MAX_LINE_BYTES });
            }
            let record = match read {
                Ok(false) => return Ok(None),
                Ok(true) if record.iter().eq(["\r"]) => continue,
                Ok(true) => self.columns.whole(record),
                Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => Err(LineFault::NotUtf8),
                Err(error) => return Err(unreadable(error)),
            };
            return Ok(Some(Row { place, record }));
        }
    }
}

/// Rows end with a line feed. A carriage return before it stays in the last field, where it is taken off: taken for an
/// end of its own, it would leave the reader between the two, and its lines would be counted wrong.
fn reader(file: File) -> csv::Reader<Take<File>> {
    let terminator = Terminator::Any(b'\n');
    ReaderBuilder::new().has_headers(false).flexible(true).terminator(terminator).from_reader(file.take(MAX_LINE_BYTES))
}

fn without_return(field: &str) -> &str {
    field.strip_suffix('\r').unwrap_or(field)
}

fn after(start: Place, position: &Position) -> Place {
    Place { byte: start.byte + position.byte(), line: start.line + position.line() - 1 }
}

fn unreadable(error: csv::Error) -> LoadError {
    LoadError::Read(error.into())
}

/// The rows of one entry.
struct Group {
    first: StringRecord,
    draft: Draft,
    metadata: String,
    bytes: usize,
}

impl Group {
    fn draft(mut self) -> Result<Draft, LineFault> {
        if !self.metadata.is_empty() {
            self.draft.metadata = Some(serde_json::from_str(&self.metadata).map_err(|_| LineFault::Metadata)?);
        }
        Ok(self.draft)
    }
}

impl Columns {
    fn try_new(names: &StringRecord) -> Result<Self, LoadError> {
        let mut fields = [None; COLUMNS.len()];
        for (place, name) in names.iter().map(without_return).enumerate() {
            let known = COLUMNS.iter().position(|column| *column == name);
            let field = known.map(|known| &mut fields[known]).filter(|field| field.is_none());
            let Some(field) = field else {
                return Err(LoadError::Column { name: name.chars().take(40).collect() });
            };
            *field = Some(place);
        }
        let missing = COLUMNS.iter().zip(&fields).find(|(name, field)| field.is_none() && !OPTIONAL.contains(name));
        match missing {
            Some((name, _)) => Err(LoadError::MissingColumn { name }),
            None => Ok(Self { fields, width: names.len() }),
        }
    }

    fn text<'a>(&self, record: &'a StringRecord, column: usize) -> &'a str {
        self.fields[column].and_then(|field| record.get(field)).map_or("", without_return)
    }

    fn whole(&self, record: StringRecord) -> Result<StringRecord, LineFault> {
        if record.len() == self.width {
            Ok(record)
        } else {
            Err(LineFault::Fields { expected: self.width, given: record.len() })
        }
    }

    fn start(&self, first: StringRecord) -> Result<Group, LineFault> {
        let text = |column| self.text(&first, column);
        let given = |column| Some(text(column)).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        let reference = given(0).filter(|reference| reference.chars().count() <= MAX_REFERENCE);
        let draft = Draft {
            reference: Some(reference.ok_or(LineFault::Reference)?),
            key: given(1),
            kind: text(2).to_owned(),
            effective_date: text(3).to_owned(),
            description: given(4),
            subject: given(5),
            metadata: None,
            postings: vec![self.posting(&first)],
        };
        Ok(Group { metadata: text(6).to_owned(), draft, bytes: first.as_slice().len(), first })
    }

    /// Adds a further row, which repeats what the first one says of the entry, or leaves it out.
    fn add(&self, group: &mut Group, row: &StringRecord) -> Result<(), LineFault> {
        let differs = |column: &usize| {
            !matches!(self.text(row, *column), "") && self.text(row, *column) != self.text(&group.first, *column)
        };
        if let Some(column) = OF_ENTRY.into_iter().find(differs) {
            return Err(LineFault::Differs { column: COLUMNS[column] });
        }
        if group.draft.postings.len() >= MAX_POSTINGS {
            return Err(crate::EntryError::TooManyPostings.into());
        }
        group.bytes += row.as_slice().len();
        if group.bytes as u64 > MAX_LINE_BYTES {
            return Err(LineFault::TooLong { most: MAX_LINE_BYTES });
        }
        group.draft.postings.push(self.posting(row));
        Ok(())
    }

    fn posting(&self, row: &StringRecord) -> DraftPosting {
        let given = |column| Some(self.text(row, column)).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        DraftPosting {
            account: self.text(row, 7).to_owned(),
            debit: given(8),
            credit: given(9),
            currency: given(10),
            unit: given(11),
            cost: given(12),
            cost_currency: given(13),
            acquired_on: given(14),
        }
    }
}
