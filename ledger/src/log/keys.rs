//! Keys of the log: our own that sign checkpoints, and those of witnesses (C2SP signed-note, tlog-cosignature).

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use signed_note::{Note, Signer, StandardSigner, StandardVerifier, Verifier};

use super::LogError;

/// The first byte of an Ed25519 key in a verifier key (C2SP signed-note).
const ED25519: u8 = 1;
/// The first byte of a witness's Ed25519 key (C2SP tlog-cosignature).
const COSIGNATURE: u8 = 4;
/// Keys that sign at once: the one of today and those that it replaces.
const MAX_SIGNING_KEYS: usize = 4;

/// The log's name and the keys that sign its checkpoints.
pub struct LogSigner {
    origin: String,
    signers: Vec<StandardSigner>,
    verifier_keys: Vec<String>,
}

/// Prints no secret.
impl fmt::Debug for LogSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogSigner").field("verifier_keys", &self.verifier_keys).finish_non_exhaustive()
    }
}

impl LogSigner {
    /// A signer for the log of that origin, such as `teranga.example/book/1`, by its signing keys as
    /// [`LogSigner::signing_key`] writes them. While keys are rotated there are several, and all sign.
    ///
    /// # Errors
    /// [`LogError::Malformed`] when there is none or too many, when one cannot be read or has another name than the
    /// origin.
    pub fn try_new<'a>(origin: &str, keys: impl IntoIterator<Item = &'a str>) -> Result<Self, LogError> {
        let malformed = |reason: &str| LogError::malformed("signing key of the log", reason);
        let mut signer = Self { origin: origin.to_owned(), signers: Vec::new(), verifier_keys: Vec::new() };
        for key in keys {
            let standard = StandardSigner::new(key).map_err(|error| malformed(&error.to_string()))?;
            if standard.name() != origin {
                return Err(malformed(&format!("its name is not {origin}")));
            }
            let seed = key.splitn(5, '+').nth(4).and_then(|key| BASE64_STANDARD.decode(key).ok());
            let seed = seed.as_deref().and_then(|seed| seed.get(1..)).and_then(|seed| seed.try_into().ok());
            let public = SigningKey::from_bytes(seed.ok_or_else(|| malformed("it is cut off"))?).verifying_key();
            signer.verifier_keys.push(encoded(origin, ED25519, public.as_bytes()));
            signer.signers.push(standard);
        }
        match signer.signers.len() {
            0 => Err(malformed("there is none")),
            count if count > MAX_SIGNING_KEYS => Err(malformed(&format!("there are more than {MAX_SIGNING_KEYS}"))),
            _ => Ok(signer),
        }
    }

    /// A signing key of the log of that origin from 32 random bytes; secret.
    ///
    /// # Errors
    /// [`LogError::Malformed`] when the origin is empty or has blanks or a plus.
    pub fn signing_key(origin: &str, seed: &[u8; 32]) -> Result<String, LogError> {
        if !signed_note::is_key_name_valid(origin) {
            return Err(LogError::malformed("origin of a log", "it is empty or has blanks or a plus"));
        }
        let public = SigningKey::from_bytes(seed).verifying_key();
        let id = key_id(origin, ED25519, public.as_bytes());
        Ok(format!("PRIVATE+KEY+{origin}+{id:08x}+{}", BASE64_STANDARD.encode([&[ED25519], &seed[..]].concat())))
    }

    /// The log's name: the first line of its checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The public keys, in the order of the signing keys.
    #[must_use]
    pub fn verifier_keys(&self) -> &[String] {
        &self.verifier_keys
    }

    pub(crate) fn sign(&self, text: &[u8]) -> Result<String, LogError> {
        let malformed = |reason: String| LogError::malformed("checkpoint", reason);
        let mut note = Note::new(text, &[]).map_err(|error| malformed(error.to_string()))?;
        let signers: Vec<&dyn Signer> = self.signers.iter().map(|signer| signer as &dyn Signer).collect();
        note.add_sigs(&signers).map_err(|error| malformed(error.to_string()))?;
        String::from_utf8(note.to_bytes()).map_err(|error| malformed(error.to_string()))
    }
}

/// The public key of the log.
pub(crate) fn log_key(verifier_key: &str) -> Result<StandardVerifier, LogError> {
    StandardVerifier::new(verifier_key).map_err(|error| LogError::malformed("public key of a log", error))
}

/// A witness: who states that a checkpoint continues the one that it saw before.
#[derive(Clone, Debug)]
pub struct Witness {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl Witness {
    /// The witness of that verifier key: its name, key id and public key of the type 4, joined by `+`.
    ///
    /// # Errors
    /// [`LogError::Malformed`] when it cannot be read.
    pub fn try_new(verifier_key: &str) -> Result<Self, LogError> {
        let malformed = |reason: &str| LogError::malformed("public key of a witness", reason);
        let mut parts = verifier_key.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("it is not a name, a key id and a key, joined by +"));
        };
        let key = BASE64_STANDARD.decode(key).map_err(|error| malformed(&error.to_string()))?;
        let Some((&COSIGNATURE, key)) = key.split_first() else {
            return Err(malformed("its key is not of type 4, Ed25519 for cosignatures"));
        };
        let key = key.try_into().map_err(|_| malformed("its key has not 32 bytes"))?;
        let key = VerifyingKey::from_bytes(key).map_err(|error| malformed(&error.to_string()))?;
        let expected = key_id(name, COSIGNATURE, key.as_bytes());
        if !signed_note::is_key_name_valid(name) || id != format!("{expected:08x}") {
            return Err(malformed("its key id is not that of name and key"));
        }
        Ok(Self { name: name.to_owned(), id: expected, key })
    }

    /// The witness's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its public key, as [`Witness::try_new`] reads it.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        encoded(&self.name, COSIGNATURE, self.key.as_bytes())
    }

    pub(crate) fn is(&self, name: &str, id: u32) -> bool {
        self.name == name && self.id == id
    }

    /// When the witness signed, in seconds since 1970, if this is its cosignature of that text.
    pub(crate) fn witnessed_at(&self, text: &[u8], signature: &[u8]) -> Option<i64> {
        let (time, signature) = signature.split_first_chunk::<8>()?;
        let time = i64::try_from(u64::from_be_bytes(*time)).ok()?;
        let signature = Signature::from_slice(signature).ok()?;
        let message = [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat();
        self.key.verify_strict(&message, &signature).ok()?;
        Some(time)
    }
}

impl Verifier for Witness {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        self.witnessed_at(text, signature).is_some()
    }
}

fn key_id(name: &str, kind: u8, key: &[u8; 32]) -> u32 {
    signed_note::key_id(name, &[&[kind], &key[..]].concat())
}

fn encoded(name: &str, kind: u8, key: &[u8; 32]) -> String {
    let id = key_id(name, kind, key);
    format!("{name}+{id:08x}+{}", BASE64_STANDARD.encode([&[kind], &key[..]].concat()))
}
