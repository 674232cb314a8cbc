//! Proofs as texts that are handed on, and checked by whoever has only the public key.
//!
//! An inclusion proof is written as C2SP tlog-proof has it, with the entry's canonical form as its extra data; a
//! consistency proof as a C2SP tlog-witness asks for it: `old` and the earlier size, the hashes, an empty line, the
//! later checkpoint.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use signed_note::{Note, StandardVerifier, Verifier, VerifierList};

use super::keys::{Witness, log_key};
use super::leaf::leaf_hash;
use super::proofs::{ConsistencyProof, InclusionProof};
use super::{Hash, LogError};

const INCLUSION: &str = "c2sp.org/tlog-proof@v1";
/// Bytes of a proof that is read: that of an entry of most postings stays below.
const MAX_PROOF_BYTES: usize = 4_000_000;
/// Hashes that a proof can have: a consistency proof of the largest tree has fewer.
const MAX_HASHES: usize = 128;

impl fmt::Display for InclusionProof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{INCLUSION}")?;
        writeln!(formatter, "extra {}", BASE64_STANDARD.encode(&self.leaf))?;
        writeln!(formatter, "index {}", self.sequence - 1)?;
        write_hashes(formatter, &self.hashes)?;
        write!(formatter, "\n{}", self.checkpoint.note)
    }
}

impl fmt::Display for ConsistencyProof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "old {}", self.from)?;
        write_hashes(formatter, &self.hashes)?;
        write!(formatter, "\n{}", self.checkpoint.note)
    }
}

fn write_hashes(formatter: &mut fmt::Formatter<'_>, hashes: &[Hash]) -> fmt::Result {
    hashes.iter().try_for_each(|hash| writeln!(formatter, "{}", BASE64_STANDARD.encode(hash)))
}

/// Checks what the log says, with its public keys and nothing else.
pub struct LogVerifier {
    logs: Vec<StandardVerifier>,
    witnesses: Vec<Witness>,
}

/// What a checkpoint says, its signatures checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// The log's name.
    pub origin: String,
    /// Entries that it counts.
    pub size: u64,
    /// The root of the tree over them.
    pub root: [u8; 32],
    /// The names of the keys whose signatures were checked.
    pub signed_by: Vec<String>,
}

/// An entry that is proven to be in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenEntry {
    /// The head of the log that it was proven by.
    pub head: SignedHead,
    /// Its place in the tree, from zero; its sequence in the book is one more.
    pub index: u64,
    /// Its canonical form.
    pub leaf: Vec<u8>,
}

impl LogVerifier {
    /// A verifier that believes a checkpoint which one of those keys of the log and every one of those witnesses
    /// signed.
    ///
    /// # Errors
    /// [`LogError::Malformed`] when a key cannot be read, or there is none of the log.
    pub fn try_new<'a>(
        log_keys: impl IntoIterator<Item = &'a str>,
        witnesses: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, LogError> {
        let logs = log_keys.into_iter().map(log_key).collect::<Result<Vec<_>, _>>()?;
        let witnesses = witnesses.into_iter().map(Witness::try_new).collect::<Result<Vec<_>, _>>()?;
        if logs.is_empty() {
            return Err(LogError::malformed("public key of a log", "there is none"));
        }
        Ok(Self { logs, witnesses })
    }

    /// Checks a checkpoint.
    ///
    /// # Errors
    /// [`LogError::Malformed`] for another text, [`LogError::Unproven`] when a signature is missing or wrong.
    pub fn check_checkpoint(&self, note: &str) -> Result<SignedHead, LogError> {
        let unproven = |reason: String| LogError::Unproven(format!("the checkpoint does not hold: {reason}"));
        let note = Note::from_bytes(note.as_bytes()).map_err(|error| LogError::malformed("checkpoint", error))?;
        let head = tlog_tiles::Checkpoint::from_bytes(note.text())
            .map_err(|error| LogError::malformed("checkpoint", error))?;
        let (signatures, _) = note.verify(&self.known()).map_err(|error| unproven(error.to_string()))?;
        let signed =
            |name: &str, id: u32| signatures.iter().any(|signature| signature.name() == name && signature.id() == id);
        if !self.logs.iter().any(|key| key.name() == head.origin() && signed(key.name(), key.key_id())) {
            return Err(unproven(format!("no key of {} that is believed signed it", head.origin())));
        }
        if let Some(missing) = self.witnesses.iter().find(|witness| !signed(witness.name(), witness.key_id())) {
            return Err(unproven(format!("{} did not sign it", missing.name())));
        }
        Ok(SignedHead {
            origin: head.origin().to_owned(),
            size: head.size(),
            root: head.hash().0,
            signed_by: signatures.iter().map(|signature| signature.name().to_owned()).collect(),
        })
    }

    fn known(&self) -> VerifierList {
        let logs = self.logs.iter().map(|key| Box::new(key.clone()) as Box<dyn Verifier>);
        let witnesses = self.witnesses.iter().map(|witness| Box::new(witness.clone()) as Box<dyn Verifier>);
        VerifierList::new(logs.chain(witnesses).collect())
    }

    /// Checks that an entry is in the log.
    ///
    /// # Errors
    /// As [`LogVerifier::check_checkpoint`]; [`LogError::Unproven`] when the proof does not lead to the checkpoint's
    /// root.
    pub fn check_inclusion(&self, proof: &str) -> Result<ProvenEntry, LogError> {
        let malformed = |reason: &str| LogError::malformed("inclusion proof", reason);
        let (head, note) = parts(proof)?;
        let mut lines = head.lines();
        if lines.next() != Some(INCLUSION) {
            return Err(malformed("its first line is another"));
        }
        let leaf =
            lines.next().and_then(|line| line.strip_prefix("extra ")).ok_or_else(|| malformed("no extra line"))?;
        let leaf = BASE64_STANDARD.decode(leaf).map_err(|error| malformed(&error.to_string()))?;
        let index = lines.next().and_then(|line| number(line, "index ")).ok_or_else(|| malformed("no index line"))?;
        let hashes = read_hashes(lines)?;
        let head = self.check_checkpoint(note)?;
        let (root, leaf_hash) = (tlog_tiles::Hash(head.root), tlog_tiles::Hash(leaf_hash(&leaf)));
        tlog_tiles::check_record(&hashes, head.size, root, index, leaf_hash)
            .map_err(|_| LogError::Unproven(format!("the proof of entry {} does not hold", index.saturating_add(1))))?;
        Ok(ProvenEntry { head, index, leaf })
    }

    /// Checks that a later checkpoint continues an earlier one; answers the later one.
    ///
    /// # Errors
    /// As [`LogVerifier::check_checkpoint`]; [`LogError::Unproven`] when the proof is of another earlier checkpoint or
    /// does not lead from its root to the later one's.
    pub fn check_consistency(&self, before: &SignedHead, proof: &str) -> Result<SignedHead, LogError> {
        let malformed = |reason: &str| LogError::malformed("consistency proof", reason);
        let (head, note) = parts(proof)?;
        let mut lines = head.lines();
        let old = lines.next().and_then(|line| number(line, "old ")).ok_or_else(|| malformed("no old line"))?;
        let hashes = read_hashes(lines)?;
        let after = self.check_checkpoint(note)?;
        let unproven = |reason: String| LogError::Unproven(reason);
        if old != before.size || after.origin != before.origin {
            return Err(unproven(format!("the proof is not from the checkpoint of {} entries", before.size)));
        }
        let (root, root_before) = (tlog_tiles::Hash(after.root), tlog_tiles::Hash(before.root));
        tlog_tiles::check_tree(&hashes, after.size, root, old, root_before)
            .map_err(|_| unproven(format!("the log of {} entries does not continue that of {old}", after.size)))?;
        Ok(after)
    }
}

/// What stands before the checkpoint, and the checkpoint.
fn parts(proof: &str) -> Result<(&str, &str), LogError> {
    proof
        .split_once("\n\n")
        .filter(|_| proof.len() <= MAX_PROOF_BYTES)
        .ok_or_else(|| LogError::malformed("proof", "it has no checkpoint, or more than 4 million bytes"))
}

/// A decimal number without leading zeroes behind a word.
fn number(line: &str, word: &str) -> Option<u64> {
    let digits = line.strip_prefix(word)?;
    digits.parse::<u64>().ok().filter(|number| number.to_string() == digits)
}

fn read_hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<tlog_tiles::Hash>, LogError> {
    let hashes = lines.take(MAX_HASHES + 1).map(tlog_tiles::Hash::parse_hash).collect::<Result<Vec<_>, _>>();
    let hashes = hashes.map_err(|error| LogError::malformed("proof", error))?;
    if hashes.len() > MAX_HASHES {
        return Err(LogError::malformed("proof", format!("it has more than {MAX_HASHES} hashes")));
    }
    Ok(hashes)
}
