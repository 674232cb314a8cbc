//! An export checked by itself: no database, no server, and nothing believed but the public keys that are given.
//!
//! The journal is read beside the canonical forms of its entries. Each line must say what its form says, the forms must
//! be the leaves of a signed head of the log, and the books must be right: sequences, balances, floors, holds, periods.

mod joined;
mod lines;
mod source;

use std::collections::HashSet;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use ed25519_dalek::pkcs8::DecodePublicKey;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use self::joined::Joined;
use self::lines::{Accounts, Pair, read_pair};
use self::source::{Files, Lines};
use super::proof::ExportProof;
use super::safeguarding::SafeguardingFile;
use super::{Format, Manifest, pack};
use crate::verification::{Check, Difference, Verification};
use crate::{BookId, LogVerifier};

/// Entries that one thread checks at once, at most.
const ENTRIES_AT_ONCE: usize = 1_024;
/// Bytes of lines that are in memory at once, but for the last one: as many entries as processors take fit, unless they
/// are very long.
const MAX_BYTES_AT_ONCE: usize = 64 << 20;

/// What is checked.
const CHECKS: [&str; 17] = [
    "every file is the one that the manifest names",
    "the manifest is signed",
    "the manifest counts and sums what is there",
    "sequences run from the first to the last without a gap",
    "booking times never run backwards",
    "every line says what the log's form of its entry says",
    "every entry balances in each currency",
    "every running balance continues the one before it",
    "every account begins and ends as it says",
    "every account is in the currency that its number means",
    "no account was ever below its floor after an entry",
    "every hold is what its changes left",
    "nothing took effect in a closed period but adjustments",
    "nothing was taken back twice",
    "the entries lead to the signed head of the log",
    "that head is signed by a key that is believed",
    "clients' money is covered by what is kept for it",
];

/// The place of a check in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Manifest,
    Total,
    Sequence,
    Time,
    Line,
    Balance,
    Running,
    Account,
    Commodity,
    Floor,
    Hold,
    Period,
    Reversal,
    Tree,
    Signature,
    Safeguarding,
}

/// Whom to believe.
#[derive(Clone, Debug, Default)]
pub struct Believed {
    /// Public keys of the log, as C2SP signed-note writes them.
    pub log_keys: Vec<String>,
    /// The public key of the house's exports, as a PEM; without one that in the export is taken.
    pub manifest_key: Option<String>,
}

/// What was found in an export, and how much of the book it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedExport {
    /// What was found. Nothing below is worth more than it.
    pub verification: Verification,
    /// The book.
    pub book: BookId,
    /// The first entry.
    pub first_sequence: i64,
    /// The last entry.
    pub last_sequence: i64,
    /// When the last entry was booked; none where there is no entry.
    pub last_booked_at: Option<DateTime<Utc>>,
    /// Entries that the signed head counts; none where nobody who is believed signed one.
    pub signed_size: Option<i64>,
}

impl CheckedExport {
    /// Whether it has every entry that its signed head counts. Of a later head it says nothing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.first_sequence == 1 && self.signed_size == Some(self.last_sequence)
    }
}

/// Why an export could not be checked at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no export that can be checked alone.
    #[error("{path} cannot be checked alone: {what}")]
    NoExport {
        /// Which.
        path: PathBuf,
        /// What is missing or cannot be read.
        what: String,
    },
}

/// The first difference of each kind.
struct Findings {
    book: BookId,
    found: [Option<Difference>; CHECKS.len()],
}

impl Findings {
    fn add(&mut self, kind: Kind, sequence: Option<i64>, posting: Option<usize>, what: impl Into<String>) {
        let posting = posting.and_then(|place| i64::try_from(place).ok());
        let difference = Difference { book: self.book, sequence, posting, what: what.into() };
        let place = |difference: &Difference| difference.sequence.unwrap_or(i64::MAX);
        let kept = &mut self.found[kind as usize];
        if kept.as_ref().is_none_or(|kept| place(&difference) < place(kept)) {
            *kept = Some(difference);
        }
    }
}

/// Checks a pack, or the directory that it was unpacked into; `progress` hears how many of how many entries are done.
///
/// # Errors
/// [`CheckError`] when there is nothing to check; whatever is wrong with what is there is a result.
pub fn verify_export(
    path: &Path,
    believed: &Believed,
    mut progress: impl FnMut(i64, i64),
) -> Result<CheckedExport, CheckError> {
    let files = Files::open(path)?;
    let text = files.whole(pack::MANIFEST)?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| files.no_export(error))?;
    let mut findings = Findings { book: BookId::new(manifest.book), found: Default::default() };
    check_files(&files, &manifest, &mut findings)?;
    check_manifest(&files, &text, believed, &mut findings)?;
    check_beside(&files, &manifest, &mut findings)?;
    let accounts = Accounts::read(&files)?;
    let proof: Option<ExportProof> = files.parsed(pack::PROOF)?;
    let mut joined = Joined::new(&manifest, &accounts, proof.as_ref(), findings);
    let mut journal = files.lines(Format::JsonLines.file_name())?;
    let mut leaves = files.lines(Format::Log.file_name())?;
    let total = manifest.last_sequence - manifest.first_sequence + 1;
    loop {
        let pairs = read_pairs(&files, &mut journal, &mut leaves)?;
        if pairs.is_empty() {
            break;
        }
        for pair in check_pairs(&pairs, &accounts) {
            joined.take(pair);
        }
        progress(joined.entries(), total);
    }
    let (entries, postings, last_booked_at) = (joined.entries(), joined.postings(), joined.last_booked_at());
    let (mut findings, tree) = joined.finish();
    let signed_size = check_head(&manifest, proof.as_ref(), &tree, believed, &mut findings);
    check_safeguarding(files.parsed(pack::SAFEGUARDING)?, &accounts, &mut findings);
    let checks = CHECKS.into_iter().zip(findings.found).map(|(name, difference)| Check { name, difference });
    let checkpoints = i64::from(signed_size.is_some());
    Ok(CheckedExport {
        verification: Verification { entries, postings, checkpoints, checks: checks.collect() },
        book: BookId::new(manifest.book),
        first_sequence: manifest.first_sequence,
        last_sequence: manifest.last_sequence,
        last_booked_at,
        signed_size,
    })
}

/// A line of the journal and the one of its canonical form; empty where one of the files ends first.
type TextPair = (String, String);

fn read_pairs(files: &Files, journal: &mut Lines, leaves: &mut Lines) -> Result<Vec<TextPair>, CheckError> {
    let mut pairs = Vec::new();
    let mut bytes = 0;
    while pairs.len() < ENTRIES_AT_ONCE * threads() && bytes < MAX_BYTES_AT_ONCE {
        let (line, leaf) = (files.next_line(journal)?, files.next_line(leaves)?);
        if line.is_empty() && leaf.is_empty() {
            break;
        }
        bytes += line.len() + leaf.len();
        pairs.push((line, leaf));
    }
    Ok(pairs)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// The pairs, each checked by itself: as many at a time as there are processors, in the order in which they came.
fn check_pairs(pairs: &[TextPair], accounts: &Accounts) -> Vec<Pair> {
    std::thread::scope(|scope| {
        let check = |chunk: &[TextPair]| -> Vec<Pair> {
            chunk.iter().map(|(line, leaf)| read_pair(line, leaf, accounts)).collect()
        };
        let each = pairs.len().div_ceil(threads()).max(1);
        let running: Vec<_> = pairs.chunks(each).map(|chunk| scope.spawn(move || check(chunk))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

fn check_files(files: &Files, manifest: &Manifest, findings: &mut Findings) -> Result<(), CheckError> {
    let mut named = HashSet::new();
    for file in &manifest.files {
        if !named.insert(file.name.as_str()) {
            findings.add(Kind::File, None, None, format!("{} is named twice", file.name));
            continue;
        }
        let Some(mut reader) = files.find(&file.name)? else {
            findings.add(Kind::File, None, None, format!("{} is missing", file.name));
            continue;
        };
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        loop {
            let piece = reader.fill_buf().map_err(|source| files.fault(source))?;
            let length = piece.len();
            if length == 0 {
                break;
            }
            hash.update(piece);
            bytes += length as u64;
            reader.consume(length);
        }
        if bytes != file.bytes || hex::encode(hash.finalize()) != file.sha256 {
            findings.add(Kind::File, None, None, format!("{} has other bytes", file.name));
        }
    }
    let is_named = |name: &&String| named.contains(name.as_str()) || pack::BESIDE_THE_MANIFEST.contains(&name.as_str());
    if let Some(name) = files.names().find(|name| !is_named(name)) {
        findings.add(Kind::File, None, None, format!("{name} is not in the manifest"));
    }
    Ok(())
}

fn check_manifest(files: &Files, text: &[u8], believed: &Believed, findings: &mut Findings) -> Result<(), CheckError> {
    let inside = String::from_utf8_lossy(&files.whole(pack::PUBLIC_KEY)?).into_owned();
    let key = believed.manifest_key.as_deref().unwrap_or(&inside);
    let signature = files.whole(pack::SIGNATURE)?;
    // Whatever fetched the key may have ended it with a line of its own.
    let key = format!("{}\n", key.trim());
    let holds = VerifyingKey::from_public_key_pem(&key).is_ok_and(|key| {
        Signature::from_slice(&signature).is_ok_and(|signature| key.verify_strict(text, &signature).is_ok())
    });
    if !holds {
        findings.add(Kind::Manifest, None, None, "its signature is not of the key");
    }
    Ok(())
}

/// Whether the checkpoint that stands in a file of its own, which the manifest does not name, is the one that it holds.
fn check_beside(files: &Files, manifest: &Manifest, findings: &mut Findings) -> Result<(), CheckError> {
    let stands = match files.has(pack::CHECKPOINT) {
        true => Some(files.whole(pack::CHECKPOINT)?),
        false => None,
    };
    if stands.as_deref() != manifest.checkpoint.as_deref().map(str::as_bytes) {
        let what = format!("{} is not the one that the manifest holds", pack::CHECKPOINT);
        findings.add(Kind::File, None, None, what);
    }
    Ok(())
}

/// Whether the entries lead to the signed head; answers how many entries it counts, if its signature is believed.
fn check_head(
    manifest: &Manifest,
    proof: Option<&ExportProof>,
    tree: &joined::Tree,
    believed: &Believed,
    findings: &mut Findings,
) -> Option<i64> {
    let Some(proof) = proof.filter(|proof| manifest.checkpoint.as_ref() == Some(&proof.checkpoint)) else {
        findings.add(Kind::Tree, None, None, "there is no signed head of the log that the manifest names");
        return None;
    };
    let verifier = LogVerifier::try_new(believed.log_keys.iter().map(String::as_str), []);
    let head = verifier.and_then(|verifier| verifier.check_checkpoint(&proof.checkpoint));
    let signed = head.as_ref().ok().and_then(|head| i64::try_from(head.size).ok());
    let (size, root, origin) = match head {
        Ok(head) => (head.size, head.root, head.origin),
        Err(error) => {
            let what = match believed.log_keys.is_empty() {
                true => "no public key of the log was given".to_owned(),
                false => error.to_string(),
            };
            findings.add(Kind::Signature, None, None, what);
            let Some(head) = joined::unsigned_head(&proof.checkpoint) else {
                findings.add(Kind::Tree, None, None, "its checkpoint cannot be read");
                return None;
            };
            head
        }
    };
    if !origin.ends_with(&format!("/book/{}", manifest.book)) {
        findings.add(Kind::Tree, None, None, format!("the checkpoint is of {origin}, another book"));
    }
    if let Err(what) = tree.leads_to(size, root, &proof.consistency) {
        findings.add(Kind::Tree, Some(manifest.last_sequence), None, what);
    }
    signed
}

fn check_safeguarding(file: Option<SafeguardingFile>, accounts: &Accounts, findings: &mut Findings) {
    let found = match file {
        None => Some("the export does not say at which rates".to_owned()),
        Some(file) => file.difference(&accounts.sides()),
    };
    if let Some(what) = found {
        findings.add(Kind::Safeguarding, None, None, what);
    }
}
