//! What differs between two packs, and which entries caused it.
//!
//! Both are read side by side in the order of the book, so entries cost no memory; accounts are held all at once. What an
//! account held at the end differs by what it held at the beginning and by the entries that only one pack has, or that
//! differ. Whatever remains is in no entry: then a pack contradicts itself.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::Deserialize;

use super::pack::MANIFEST;
use super::{Format, Manifest};

/// Entries that are named per account; the others are counted.
const MAX_NAMED_ENTRIES: usize = 10;
/// Bytes of the longest line that is read: an entry of the most postings fits in it.
const MAX_LINE_BYTES: u64 = 16 * 1_024 * 1_024;

/// Which of two packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    First,
    /// The second.
    Second,
}

/// An entry that is not the same in both packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryDifference {
    /// Only one pack has it.
    Missing {
        /// Which has it.
        only_in: Which,
        /// The entry's place in the book.
        sequence: i64,
        /// What kind of thing it records.
        kind: String,
    },
    /// Both have it, and not alike.
    Changed {
        /// The entry's place in the book.
        sequence: i64,
        /// What differs.
        fields: Vec<String>,
    },
}

impl EntryDifference {
    /// How an entry differs; it is in at least one of the packs.
    fn of(was: Option<(Line, String)>, is: Option<(Line, String)>) -> Self {
        match (was, is) {
            (Some((_, before)), Some((line, after))) => {
                Self::Changed { sequence: line.sequence, fields: changed_fields(&before, &after) }
            }
            (was, is) => {
                let only_in = if was.is_some() { Which::First } else { Which::Second };
                let (sequence, kind) = was.or(is).map(|(line, _)| (line.sequence, line.kind)).unwrap_or_default();
                Self::Missing { only_in, sequence, kind }
            }
        }
    }
}

/// An account that did not hold the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDifference {
    /// The account's code.
    pub account: String,
    /// Its currency or unit.
    pub currency: String,
    /// By how much more the second pack begins, debits positive.
    pub opening: Decimal,
    /// By how much more the second pack ends.
    pub closing: Decimal,
    /// What the differing entries account for.
    pub by_entries: Decimal,
    /// The first of these entries.
    pub entries: Vec<i64>,
    /// How many they are.
    pub entry_count: u64,
}

impl AccountDifference {
    /// What no entry explains; zero, or a pack contradicts itself.
    #[must_use]
    pub fn unexplained(&self) -> Decimal {
        self.closing.saturating_sub(self.opening).saturating_sub(self.by_entries)
    }
}

/// What differs between two packs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackDifference {
    /// Entries that only one has, or that differ.
    pub entries: u64,
    /// Accounts that did not hold the same, or that differing entries touched.
    pub accounts: Vec<AccountDifference>,
    /// Files of the manifests that are missing in one or differ.
    pub files: Vec<String>,
}

impl PackDifference {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.entries == 0 && self.accounts.is_empty() && self.files.is_empty()
    }
}

/// Why two packs could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    File {
        /// Which pack.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The archive is no pack.
    #[error("{path} is no pack: {what}")]
    NoPack {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

#[derive(Deserialize)]
struct Line {
    sequence: i64,
    kind: String,
    postings: Vec<Posting>,
}

#[derive(Deserialize)]
struct Posting {
    account: String,
    #[serde(alias = "unit")]
    currency: String,
    amount: Decimal,
}

#[derive(Deserialize)]
struct Held {
    #[serde(rename = "GL_Account_Number")]
    account: String,
    #[serde(rename = "Amount_Currency")]
    currency: String,
    #[serde(rename = "Amount_Beginning")]
    opening: Decimal,
    #[serde(rename = "Amount_Ending")]
    closing: Decimal,
}

/// What accounts held at the beginning and at the end, by code and currency.
type Balances = BTreeMap<(String, String), (Decimal, Decimal)>;

/// A pack, with the places of its files.
struct Pack {
    path: PathBuf,
    places: BTreeMap<String, (u64, u64)>,
}

impl Pack {
    fn open(path: &Path) -> Result<Self, DiffError> {
        let fault = |source| DiffError::File { path: path.to_owned(), source };
        let mut archive = tar::Archive::new(File::open(path).map_err(fault)?);
        let mut places = BTreeMap::new();
        for entry in archive.entries_with_seek().map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let name = entry.path().map_err(fault)?.display().to_string();
            places.insert(name, (entry.raw_file_position(), entry.size()));
        }
        Ok(Self { path: path.to_owned(), places })
    }

    fn fault(&self, source: std::io::Error) -> DiffError {
        DiffError::File { path: self.path.clone(), source }
    }

    fn no_pack(&self, what: impl ToString) -> DiffError {
        DiffError::NoPack { path: self.path.clone(), what: what.to_string() }
    }

    fn file(&self, name: &str) -> Result<BufReader<std::io::Take<File>>, DiffError> {
        let (start, length) = self.places.get(name).ok_or_else(|| self.no_pack(format!("it has no {name}")))?;
        let mut file = File::open(&self.path).map_err(|source| self.fault(source))?;
        file.seek(SeekFrom::Start(*start)).map_err(|source| self.fault(source))?;
        Ok(BufReader::new(file.take(*length)))
    }

    fn manifest(&self) -> Result<Manifest, DiffError> {
        serde_json::from_reader(self.file(MANIFEST)?).map_err(|error| self.no_pack(error))
    }

    fn held(&self) -> Result<Balances, DiffError> {
        let mut rows = csv::Reader::from_reader(self.file(Format::TrialBalance.file_name())?);
        let held = |row: Result<Held, csv::Error>| {
            let row = row.map_err(|error| self.no_pack(error))?;
            Ok(((row.account, row.currency), (row.opening, row.closing)))
        };
        rows.deserialize().map(held).collect()
    }
}

/// The entries of a pack, one after the other.
struct Entries<'a> {
    pack: &'a Pack,
    reader: BufReader<std::io::Take<File>>,
}

impl<'a> Entries<'a> {
    fn open(pack: &'a Pack) -> Result<Self, DiffError> {
        Ok(Self { pack, reader: pack.file(Format::JsonLines.file_name())? })
    }

    fn next(&mut self) -> Result<Option<(Line, String)>, DiffError> {
        let mut text = String::new();
        let read = (&mut self.reader).take(MAX_LINE_BYTES).read_line(&mut text);
        if read.map_err(|source| self.pack.fault(source))? == 0 {
            return Ok(None);
        }
        let line = serde_json::from_str(&text).map_err(|error| self.pack.no_pack(error))?;
        Ok(Some((line, text)))
    }
}

/// What differing entries did to an account.
#[derive(Default)]
struct Effect {
    sum: Decimal,
    entries: Vec<i64>,
    count: u64,
}

#[derive(Default)]
struct Effects(BTreeMap<(String, String), Effect>);

impl Effects {
    /// Adds what an entry did, as seen from the second pack.
    fn add(&mut self, line: &Line, which: Which) {
        for posting in &line.postings {
            let effect = self.0.entry((posting.account.clone(), posting.currency.clone())).or_default();
            effect.sum = match which {
                Which::First => effect.sum.saturating_sub(posting.amount),
                Which::Second => effect.sum.saturating_add(posting.amount),
            };
            if effect.entries.last() != Some(&line.sequence) {
                effect.count += 1;
                if effect.entries.len() < MAX_NAMED_ENTRIES {
                    effect.entries.push(line.sequence);
                }
            }
        }
    }
}

/// Compares two packs; `tell` hears of each entry that is not the same in both, in the order of the book.
///
/// # Errors
/// [`DiffError`].
pub fn diff_packs(
    first: &Path,
    second: &Path,
    mut tell: impl FnMut(EntryDifference),
) -> Result<PackDifference, DiffError> {
    let (first, second) = (Pack::open(first)?, Pack::open(second)?);
    let files = differing_files(&first.manifest()?, &second.manifest()?);
    let mut difference = PackDifference { files, ..PackDifference::default() };
    let mut effects = Effects::default();
    let (mut ours, mut theirs) = (Entries::open(&first)?, Entries::open(&second)?);
    let (mut left, mut right) = (ours.next()?, theirs.next()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((left, _)), Some((right, _))) => left.sequence.cmp(&right.sequence),
        };
        let was = if order.is_le() { std::mem::replace(&mut left, ours.next()?) } else { None };
        let is = if order.is_ge() { std::mem::replace(&mut right, theirs.next()?) } else { None };
        if was.as_ref().map(|(_, text)| text) == is.as_ref().map(|(_, text)| text) {
            continue;
        }
        difference.entries += 1;
        was.iter().for_each(|(line, _)| effects.add(line, Which::First));
        is.iter().for_each(|(line, _)| effects.add(line, Which::Second));
        tell(EntryDifference::of(was, is));
    }
    difference.accounts = accounts(first.held()?, second.held()?, effects);
    Ok(difference)
}

fn differing_files(first: &Manifest, second: &Manifest) -> Vec<String> {
    let hashes = |manifest: &Manifest| -> BTreeMap<String, String> {
        manifest.files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect()
    };
    let (first, second) = (hashes(first), hashes(second));
    let mut names: Vec<&String> = first.keys().chain(second.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| first.get(*name) != second.get(*name)).cloned().collect()
}

fn changed_fields(before: &str, after: &str) -> Vec<String> {
    let fields = |text| serde_json::from_str::<serde_json::Map<_, _>>(text).unwrap_or_default();
    let (before, after) = (fields(before), fields(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn accounts(first: Balances, second: Balances, mut effects: Effects) -> Vec<AccountDifference> {
    let mut keys: Vec<_> = first.keys().chain(second.keys()).chain(effects.0.keys()).cloned().collect();
    keys.sort();
    keys.dedup();
    let difference = |key: (String, String)| {
        let (first, second) = (first.get(&key).copied(), second.get(&key).copied());
        // An account that a pack does not know held nothing by its end.
        let ((opening, closing), (opens, closes)) = (first.unwrap_or_default(), second.unwrap_or_default());
        let effect = effects.0.remove(&key).unwrap_or_default();
        let (account, currency) = key;
        let found = AccountDifference {
            account,
            currency,
            opening: opens.saturating_sub(opening),
            closing: closes.saturating_sub(closing),
            by_entries: effect.sum,
            entries: effect.entries,
            entry_count: effect.count,
        };
        let differs = !found.opening.is_zero() || !found.closing.is_zero() || found.entry_count > 0;
        differs.then_some(found)
    };
    keys.into_iter().filter_map(difference).collect()
}
