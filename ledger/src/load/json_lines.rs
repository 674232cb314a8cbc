use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::draft::Told;
use super::reading::Place;
use super::{LineFault, MAX_LINE_BYTES};

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// A file with an entry a line.
pub(super) struct JsonLines {
    file: BufReader<File>,
    place: Place,
    line: Vec<u8>,
}

impl JsonLines {
    pub(super) fn open(mut file: File, from: Place) -> io::Result<Self> {
        file.seek(SeekFrom::Start(from.byte))?;
        Ok(Self { file: BufReader::with_capacity(BUFFER_BYTES, file), place: from, line: Vec::new() })
    }

    /// Where the next line starts.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The next line that is not empty, with its number.
    pub(super) fn next(&mut self) -> io::Result<Option<Told>> {
        loop {
            let number = self.place.line;
            let is_first = self.place.byte == 0;
            let Some(whole) = self.read_line()? else { return Ok(None) };
            if !whole {
                return Ok(Some((number, Err(LineFault::TooLong { most: MAX_LINE_BYTES }))));
            }
            let mark: &[u8] = if is_first { b"\xef\xbb\xbf" } else { b"" };
            let text = self.line.strip_prefix(mark).unwrap_or(&self.line).trim_ascii();
            if !text.is_empty() {
                return Ok(Some((number, serde_json::from_slice(text).map_err(|error| fault(&error)))));
            }
        }
    }

    /// Reads up to the next line break; `false` for a line that is too long, which is passed over.
    fn read_line(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let mut whole = true;
        let mut read = 0;
        loop {
            let piece = self.file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line)?;
            read += piece as u64;
            let ended = self.line.last() == Some(&b'\n');
            if piece == 0 || ended {
                break;
            }
            if piece as u64 == MAX_LINE_BYTES {
                whole = false;
                self.line.clear();
            }
        }
        if read == 0 {
            return Ok(None);
        }
        self.place = Place { byte: self.place.byte + read, line: self.place.line + 1 };
        Ok(Some(whole))
    }
}

fn fault(error: &serde_json::Error) -> LineFault {
    // Its own place counts lines within this one line.
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    LineFault::Json { column: error.column(), what: what.chars().take(200).collect() }
}
