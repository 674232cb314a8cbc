//! The keys of the books' transparency logs, and who witnesses them.
//!
//! All keys of a book sign, so a key is replaced by adding one, waiting until everybody knows the new public key, and
//! taking the old one away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ledger::{BookId, Ledger, LogError, LogSigner, Witness};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};

use crate::configuration::TransparencyLogSettings;
use crate::house::OpenError;
use crate::keys;

/// Witnesses whose cosignatures are kept: each adds a line to every checkpoint.
const MOST_WITNESSES: usize = 32;

/// What signs the checkpoints of each book, and whose cosignatures are kept.
pub(crate) struct LogKeys {
    signers: BTreeMap<i16, LogSigner>,
    witnesses: Vec<Witness>,
}

/// The name of a book's log.
pub(crate) fn origin(settings: &TransparencyLogSettings, book: BookId) -> String {
    format!("{}/book/{}", settings.origin, book.number())
}

/// Holds the settings against what they may be.
pub(crate) fn check(settings: &TransparencyLogSettings, require: &mut impl FnMut(bool, &str)) {
    let named = LogSigner::signing_key(&settings.origin, &[0; 32]).is_ok() && !settings.origin.ends_with('/');
    require(
        named,
        "transparency_log.origin: is a name such as teranga.example, without blanks, + or a slash at its end",
    );
    require(settings.witnesses.len() <= MOST_WITNESSES, "transparency_log.witnesses: 32 at most");
    for witness in &settings.witnesses {
        if let Err(error) = Witness::try_new(witness) {
            require(false, &format!("transparency_log.witnesses: {error}"));
        }
    }
}

/// A new signing key of the log of that name.
pub(crate) fn new_key(origin: &str) -> Result<SecretString, LogError> {
    let seed: [u8; 32] = rand::rng().random();
    Ok(LogSigner::signing_key(origin, &seed)?.into())
}

impl LogKeys {
    /// Takes the keys from the settings or, where these name none, from the files of a directory, making the first.
    pub(crate) fn load(
        settings: &TransparencyLogSettings,
        directory: &Path,
        books: &[Ledger],
    ) -> Result<Self, OpenError> {
        let mut signers = BTreeMap::new();
        for book in books.iter().map(Ledger::book) {
            let origin = origin(settings, book);
            let kept = if settings.signing_keys.is_empty() {
                from_files(directory, book, &origin)?
            } else {
                let prefix = format!("PRIVATE+KEY+{origin}+");
                let of_book = |key: &&SecretString| key.expose_secret().starts_with(&prefix);
                settings.signing_keys.iter().filter(of_book).cloned().collect()
            };
            let signer = LogSigner::try_new(&origin, kept.iter().map(ExposeSecret::expose_secret))?;
            signers.insert(book.number(), signer);
        }
        let witnesses = settings.witnesses.iter().map(|key| Witness::try_new(key)).collect::<Result<_, _>>()?;
        Ok(Self { signers, witnesses })
    }

    /// What signs the checkpoints of a book.
    pub(crate) fn signer(&self, book: BookId) -> Option<&LogSigner> {
        self.signers.get(&book.number())
    }

    /// Whose cosignatures are kept.
    pub(crate) fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }
}

/// The keys of a book's files, the newest first.
fn from_files(directory: &Path, book: BookId, origin: &str) -> Result<Vec<SecretString>, OpenError> {
    let start = format!("log-{}-", book.number());
    let first = directory.join(format!("{start}0001.key"));
    let mut paths = key_files(directory, &start).map_err(OpenError::file(directory))?;
    if paths.is_empty() {
        let made = new_key(origin)?;
        return Ok(vec![keys::load_or_make(&first, || made).map_err(OpenError::file(&first))?]);
    }
    paths.sort();
    paths
        .iter()
        .rev()
        .map(|path| Ok(std::fs::read_to_string(path).map_err(OpenError::file(path))?.trim().to_owned().into()))
        .collect()
}

fn key_files(directory: &Path, start: &str) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(start) && name.ends_with(".key") {
            paths.push(path);
        }
    }
    Ok(paths)
}
