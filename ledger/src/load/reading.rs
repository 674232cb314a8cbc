//! Reading: on a thread of its own, so that one piece is read while the pieces before it are booked.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::draft::{Told, UnitsByCode};
use super::json_lines::JsonLines;
use super::rows::Rows;
use super::{LineFault, LoadError, LoadFile, LoadFormat, LoadSource};
use crate::UnitOfWork;

/// Entries that are handed to the writer at once: half of what it takes as one batch.
const CHUNK_ENTRIES: usize = 1_000;
/// Postings in a chunk, beyond which no further entry is added: bounds the memory, however large entries are.
const CHUNK_POSTINGS: usize = 20_000;
/// Chunks that wait to be handed in.
const CHUNKS_AHEAD: usize = 2;

/// A place in a file; lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) byte: u64,
    pub(super) line: u64,
}

impl Place {
    pub(super) const START: Self = Self { byte: 0, line: 1 };
}

/// An entry of the file, or why it is none.
pub(super) struct Item {
    pub(super) line: u64,
    pub(super) reference: Option<String>,
    pub(super) unit: Result<UnitOfWork, LineFault>,
}

/// Consecutive entries, and where the file goes on after them.
pub(super) struct Chunk {
    pub(super) items: Vec<Item>,
    pub(super) end: Place,
}

/// What tells one file from another, and whether it stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) sha256: [u8; 32],
    pub(super) bytes: u64,
    modified: Option<SystemTime>,
}

impl Identity {
    /// Reads the whole file once.
    pub(super) async fn of(file: &LoadFile) -> Result<Self, LoadError> {
        let path = file.path.clone();
        blocking(move || {
            let mut file = open(&path)?;
            let status = file.metadata().map_err(LoadError::Read)?;
            if !status.is_file() {
                return Err(LoadError::NoFile { path });
            }
            let mut hash = Sha256::new();
            let mut buffer = vec![0; 256 << 10];
            loop {
                match file.read(&mut buffer).map_err(LoadError::Read)? {
                    0 => break,
                    read => hash.update(&buffer[..read]),
                }
            }
            Ok(Self { sha256: hash.finalize().into(), bytes: status.len(), modified: status.modified().ok() })
        })
        .await
    }

    /// Refuses a file that was written to since.
    pub(super) async fn check(&self, file: &LoadFile) -> Result<(), LoadError> {
        let (path, identity) = (file.path.clone(), *self);
        blocking(move || {
            let status = open(&path)?.metadata().map_err(LoadError::Read)?;
            let same = status.len() == identity.bytes && status.modified().ok() == identity.modified;
            if same { Ok(()) } else { Err(LoadError::Changed { path }) }
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| LoadError::Read(io::Error::other(error)))?
}

fn open(path: &std::path::Path) -> Result<File, LoadError> {
    File::open(path).map_err(|source| LoadError::Open { path: path.to_owned(), source })
}

/// Starts to read; the thread ends with the file, at the first failure, or when nobody takes chunks any more.
pub(super) fn start(
    file: &LoadFile,
    units: &Arc<UnitsByCode>,
    from: Place,
) -> mpsc::Receiver<Result<Chunk, LoadError>> {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let (file, units) = (file.clone(), Arc::clone(units));
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(&file, &units, from, &sender) {
            // Nobody waits for it: the load was given up.
            let _ = sender.blocking_send(Err(error));
        }
    });
    chunks
}

fn read(
    file: &LoadFile,
    units: &UnitsByCode,
    from: Place,
    chunks: &mpsc::Sender<Result<Chunk, LoadError>>,
) -> Result<(), LoadError> {
    let mut reader = Reader::open(file, from)?;
    loop {
        let chunk = chunk(&mut reader, &file.source, units)?;
        let done = chunk.items.is_empty();
        if done || chunks.blocking_send(Ok(chunk)).is_err() {
            return Ok(());
        }
    }
}

fn chunk(reader: &mut Reader, source: &LoadSource, units: &UnitsByCode) -> Result<Chunk, LoadError> {
    let mut items = Vec::with_capacity(CHUNK_ENTRIES);
    let mut postings = 0;
    while items.len() < CHUNK_ENTRIES && postings < CHUNK_POSTINGS {
        let Some((line, draft)) = reader.next()? else { break };
        let reference = draft.as_ref().ok().and_then(|draft| draft.reference.clone());
        let unit = draft.and_then(|draft| draft.unit(source, units, line));
        postings += unit.as_ref().map_or(0, |unit| unit.entry().postings().len());
        items.push(Item { line, reference, unit });
    }
    Ok(Chunk { items, end: reader.place() })
}

enum Reader {
    JsonLines(JsonLines),
    Rows(Box<Rows>),
}

impl Reader {
    fn open(file: &LoadFile, from: Place) -> Result<Self, LoadError> {
        let opened = open(&file.path)?;
        match file.format {
            LoadFormat::JsonLines => JsonLines::open(opened, from).map(Self::JsonLines).map_err(LoadError::Read),
            LoadFormat::Csv => Rows::open(opened, from).map(|rows| Self::Rows(Box::new(rows))),
        }
    }

    fn next(&mut self) -> Result<Option<Told>, LoadError> {
        match self {
            Self::JsonLines(lines) => lines.next().map_err(LoadError::Read),
            Self::Rows(rows) => rows.next(),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::JsonLines(lines) => lines.place(),
            Self::Rows(rows) => rows.place(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::load::LoadMode;

    /// The lines of the entries that can be built, and the places between all that was read.
    fn read_from(file: &LoadFile, from: Place) -> Result<(Vec<u64>, Vec<Place>), LoadError> {
        let mut reader = Reader::open(file, from)?;
        let (mut good, mut places) = (Vec::new(), vec![reader.place()]);
        while let Some((line, draft)) = reader.next()? {
            if draft.and_then(|draft| draft.unit(&file.source, &UnitsByCode::new(), line)).is_ok() {
                good.push(line);
            }
            places.push(reader.place());
        }
        Ok((good, places))
    }

    /// Whoever goes on at any place reads the same entries on the same lines, and no other ones.
    fn goes_on_anywhere(format: LoadFormat, text: &str) -> Result<(), TestCaseError> {
        let fail = |error: &dyn std::fmt::Display| TestCaseError::fail(error.to_string());
        let name = format!("teranga-reading-{format:?}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        File::create(&path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| fail(&error))?;
        let source = LoadSource::try_new("a source").map_err(|error| fail(&error))?;
        let file = LoadFile { path, format, source, mode: LoadMode::EntryByEntry };
        let (all, places) = read_from(&file, Place::START).map_err(|error| fail(&error))?;
        for place in places {
            let rest: Vec<u64> = all.iter().copied().filter(|line| *line >= place.line).collect();
            let (found, _) = read_from(&file, place).map_err(|error| fail(&error))?;
            prop_assert_eq!(found, rest, "from {:?} of {:?}", place, text);
        }
        Ok(())
    }

    fn line_break() -> impl Strategy<Value = &'static str> {
        prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n"), Just("\r\n\r\n")]
    }

    proptest! {
        #[test]
        fn rows_are_read_the_same_from_every_place(
            rows in proptest::collection::vec((0..4_u8, 0..9_u8, line_break()), 0..12),
        ) {
            let mut text = "reference,kind,effective_date,description,account,debit,credit,currency\n".to_owned();
            for (reference, shape, end) in rows {
                text += &match shape {
                    0..3 => format!("{reference},k,2020-01-31,\"a, b\n \"\"c\"\"\",assets:a,1.00,,EUR"),
                    3..6 => format!("{reference},,,,liabilities:b,,1.00,EUR"),
                    6 => format!("{reference},k,2020-01-31,too,few"),
                    7 => format!("{reference},another,2020-01-31,,assets:a,1.00,,EUR"),
                    _ => "\"\"".to_owned(),
                };
                text += end;
            }
            goes_on_anywhere(LoadFormat::Csv, &text)?;
        }

        #[test]
        fn lines_are_read_the_same_from_every_place(
            lines in proptest::collection::vec((any::<bool>(), "\\PC{0,20}", line_break()), 0..12),
        ) {
            let good = r#"{"kind":"k","effective_date":"2020-01-31","postings":[
                {"account":"assets:a","debit":"1","currency":"XOF"},{"account":"equity:b","credit":"1","currency":"XOF"}]}"#;
            let good = good.replace('\n', " ");
            let text: String =
                lines.iter().map(|(is_good, other, end)| format!("{}{end}", if *is_good { &good } else { other })).collect();
            goes_on_anywhere(LoadFormat::JsonLines, &text)?;
        }
    }
}
