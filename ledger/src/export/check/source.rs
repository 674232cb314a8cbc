//! The files of an export: in a tar, or in a directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::CheckError;

/// Bytes of one line: an entry of most postings stays below.
const MAX_LINE_BYTES: u64 = 8 << 20;
/// Bytes of a file that is read at once: manifest, proof and the like.
const MAX_WHOLE_BYTES: u64 = 64 << 20;

/// Directories in one another: a pack has its statements one deep, and what lies deeper is named as far as this.
const MAX_DEPTH: usize = 16;

/// A file that is read in order.
pub(super) type Lines = BufReader<Take<File>>;

struct Place {
    path: PathBuf,
    start: u64,
    length: u64,
}

/// The files, with their places.
pub(super) struct Files {
    path: PathBuf,
    places: BTreeMap<String, Place>,
}

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self, CheckError> {
        let mut files = Self { path: path.to_owned(), places: BTreeMap::new() };
        if path.is_dir() {
            files.look_into(path, "", 0)?;
        } else {
            files.look_through()?;
        }
        Ok(files)
    }

    fn look_into(&mut self, directory: &Path, prefix: &str, depth: usize) -> Result<(), CheckError> {
        let listed = std::fs::read_dir(directory).map_err(|source| self.fault(source))?;
        for entry in listed {
            let entry = entry.map_err(|source| self.fault(source))?;
            let about = entry.metadata().map_err(|source| self.fault(source))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if about.is_file() {
                self.places.insert(name, Place { path: entry.path(), start: 0, length: about.len() });
            } else if about.is_dir() && depth < MAX_DEPTH {
                self.look_into(&entry.path(), &format!("{name}/"), depth + 1)?;
            } else {
                return Err(self.no_export(format!("{name} is neither a file nor a directory of files")));
            }
        }
        Ok(())
    }

    fn look_through(&mut self) -> Result<(), CheckError> {
        let file = File::open(&self.path).map_err(|source| self.fault(source))?;
        let end = file.metadata().map_err(|source| self.fault(source))?.len();
        let mut archive = tar::Archive::new(file);
        let entries = archive.entries_with_seek().map_err(|error| self.no_export(error))?;
        for entry in entries {
            let entry = entry.map_err(|error| self.no_export(error))?;
            let name = entry.path().map_err(|error| self.no_export(error))?.display().to_string();
            let (start, length) = (entry.raw_file_position(), entry.size());
            if start.checked_add(length).is_none_or(|until| until > end) {
                return Err(self.no_export(format!("{name} is cut off")));
            }
            if self.places.insert(name.clone(), Place { path: self.path.clone(), start, length }).is_some() {
                return Err(self.no_export(format!("{name} is there twice")));
            }
        }
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.places.keys()
    }

    pub(super) fn fault(&self, source: std::io::Error) -> CheckError {
        CheckError::File { path: self.path.clone(), source }
    }

    pub(super) fn no_export(&self, what: impl ToString) -> CheckError {
        CheckError::NoExport { path: self.path.clone(), what: what.to_string() }
    }

    /// The file of that name, if there is one.
    pub(super) fn find(&self, name: &str) -> Result<Option<Lines>, CheckError> {
        let Some(place) = self.places.get(name) else { return Ok(None) };
        let mut file = File::open(&place.path).map_err(|source| self.fault(source))?;
        file.seek(SeekFrom::Start(place.start)).map_err(|source| self.fault(source))?;
        Ok(Some(BufReader::new(file.take(place.length))))
    }

    /// The file of that name, which an export has.
    pub(super) fn lines(&self, name: &str) -> Result<Lines, CheckError> {
        self.find(name)?.ok_or_else(|| self.no_export(format!("it has no {name}")))
    }

    /// The next line, with what ends it; empty at the end. One that is too long is cut off, and then is none.
    pub(super) fn next_line(&self, lines: &mut Lines) -> Result<String, CheckError> {
        let mut line = String::new();
        lines.take(MAX_LINE_BYTES).read_line(&mut line).map_err(|source| self.fault(source))?;
        Ok(line)
    }

    /// All bytes of a small file.
    pub(super) fn whole(&self, name: &str) -> Result<Vec<u8>, CheckError> {
        let mut bytes = Vec::new();
        let mut reader = self.lines(name)?.take(MAX_WHOLE_BYTES);
        reader.read_to_end(&mut bytes).map_err(|source| self.fault(source))?;
        Ok(bytes)
    }

    /// What a small file of JSON says; nothing where there is no such file.
    pub(super) fn parsed<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, CheckError> {
        if !self.has(name) {
            return Ok(None);
        }
        let bytes = self.whole(name)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| self.no_export(format!("{name}: {error}")))
    }
}
