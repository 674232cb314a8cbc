//! A period in one archive, for an audit: every format, the statements of the accounts at banks, and a signed manifest.
//!
//! The archive is a tar whose entries have neither owner nor time of their own, so the same period gives the same bytes,
//! whoever makes it and whenever. Files are first written beside it, because a tar says how long a file is before the
//! file: memory stays bounded, and the disk holds everything twice for a while.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Export, FileEntry, Format, Manifest, ManifestSigner, Pieces};
use crate::account::AccountKind;
use crate::{AccountCode, Currency, Error, LogError, RatesOfTheDay};

/// The manifest's name in an archive.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SIGNATURE: &str = "manifest.sig";
pub(super) const PUBLIC_KEY: &str = "manifest.pub.pem";
/// The checkpoint by itself, as others handle it.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// What leads from the entries to the checkpoint.
pub(super) const PROOF: &str = "log_proof.json";
/// The safeguarding equation at the end.
pub(super) const SAFEGUARDING: &str = "safeguarding.json";
/// Files that the manifest does not name: itself, what vouches for it, and what it holds itself.
pub(super) const BESIDE_THE_MANIFEST: [&str; 4] = [MANIFEST, SIGNATURE, PUBLIC_KEY, CHECKPOINT];
/// Rights of every file in an archive.
const MODE: u32 = 0o644;

/// Why a pack could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The book could not be read.
    #[error(transparent)]
    Ledger(#[from] Error),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The archive could not be written.
    #[error("the archive cannot be written: {0}")]
    File(#[from] std::io::Error),
}

/// A file that waits for its place in the archive.
struct Spooled {
    entry: FileEntry,
    file: File,
}

impl Export {
    /// Writes the export as one archive to `path`, whole or not at all, with all that [`crate::verify_export`] needs: the
    /// forms of the entries, what binds them to a signed head of the log where there is one, and the safeguarding
    /// equation at those rates.
    ///
    /// # Errors
    /// [`PackError`].
    pub async fn pack(
        &self,
        path: &Path,
        rates: &(impl RatesOfTheDay + Sync),
        signer: &(impl ManifestSigner + Sync),
    ) -> Result<Manifest, PackError> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut spooled = Vec::new();
        for format in Format::ALL {
            spooled.push(spool(directory, format.file_name(), self.stream(format)).await?);
        }
        for (code, currency) in self.accounts_at_banks().await? {
            let name = format!("statements/{}-{currency}.camt053.xml", code.as_str().replace(':', "."));
            spooled.push(spool(directory, &name, self.statement_camt053(&code, currency).await?).await?);
        }
        let proof = self.proof().await?;
        if let Some(proof) = &proof {
            spooled.push(spool_json(directory, PROOF, proof)?);
        }
        spooled.push(spool_json(directory, SAFEGUARDING, &self.safeguarding(rates).await?)?);
        let checkpoint = proof.map(|proof| proof.checkpoint);
        let files = spooled.iter().map(|spooled| spooled.entry.clone()).collect();
        let manifest = self.manifest(files, checkpoint).await?;
        let text = manifest.canonical()?;
        let archive = tempfile::NamedTempFile::new_in(directory)?;
        let mut tar = tar::Builder::new(archive);
        add(&mut tar, MANIFEST, &text)?;
        add(&mut tar, SIGNATURE, &signer.sign(&text))?;
        add(&mut tar, PUBLIC_KEY, signer.public_key().as_bytes())?;
        if let Some(checkpoint) = &manifest.checkpoint {
            add(&mut tar, CHECKPOINT, checkpoint.as_bytes())?;
        }
        for Spooled { entry, mut file } in spooled {
            file.seek(SeekFrom::Start(0))?;
            append(&mut tar, &entry.name, entry.bytes, file)?;
        }
        let archive = tar.into_inner()?;
        archive.as_file().sync_all()?;
        archive.persist(path).map_err(|error| error.error)?;
        Ok(manifest)
    }

    /// The accounts whose statements a bank or a provider has too: all that is owned, in the chart's words.
    async fn accounts_at_banks(&self) -> Result<Vec<(AccountCode, Currency)>, Error> {
        let mut found = Vec::new();
        let mut opened = std::pin::pin!(self.opened());
        while let Some(page) = opened.next().await {
            for account in page?.into_iter().filter(|account| account.named.kind == AccountKind::Asset) {
                // A bank knows nothing of units.
                let Ok(currency) = Currency::try_from(account.named.commodity) else { continue };
                let code = AccountCode::try_new(&account.named.code);
                found.push((code.map_err(|error| Error::Corrupt(error.to_string()))?, currency));
            }
        }
        Ok(found)
    }
}

fn spool_json(directory: &Path, name: &str, content: &impl Serialize) -> Result<Spooled, PackError> {
    let text = serde_json::to_vec(content).map_err(std::io::Error::from)?;
    let mut file = tempfile::tempfile_in(directory)?;
    file.write_all(&text)?;
    let entry =
        FileEntry { name: name.to_owned(), bytes: text.len() as u64, sha256: hex::encode(Sha256::digest(&text)) };
    Ok(Spooled { entry, file })
}

async fn spool(directory: &Path, name: &str, mut pieces: Pieces) -> Result<Spooled, PackError> {
    let mut file = tempfile::tempfile_in(directory)?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    while let Some(piece) = pieces.try_next().await? {
        file.write_all(&piece)?;
        hash.update(&piece);
        bytes += piece.len() as u64;
    }
    let entry = FileEntry { name: name.to_owned(), bytes, sha256: hex::encode(hash.finalize()) };
    Ok(Spooled { entry, file })
}

fn add(tar: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    append(tar, name, bytes.len() as u64, bytes)
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    name: &str,
    bytes: u64,
    content: impl std::io::Read,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(MODE);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    tar.append_data(&mut header, name, content)
}
