//! What an export consists of, so that nothing of it can be changed or left out unseen.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Export, Format, print};
use crate::{Commodity, Error};

/// What a manifest says of its own form.
const FORM: &str = "teranga export 1";

/// What an export consists of.
///
/// Its canonical form is JSON without spaces, its fields in the order in which they stand here; that is what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the manifest itself.
    pub form: String,
    /// The book's number.
    pub book: i16,
    /// The book's name.
    pub book_name: String,
    /// The first entry.
    pub first_sequence: i64,
    /// The last entry.
    pub last_sequence: i64,
    /// When the last entry was booked, RFC 3339; 1970 in an empty book.
    pub closed_at: String,
    /// Entries.
    pub entries: u64,
    /// Postings.
    pub postings: u64,
    /// Changes of holds.
    pub hold_changes: u64,
    /// What was debited and credited, by currency.
    pub totals: Vec<Totals>,
    /// The files.
    pub files: Vec<FileEntry>,
    /// The checkpoint of the book's log at the last entry, as the log prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// What was debited and credited in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// ISO 4217, or the code of a unit.
    pub currency: String,
    /// The sum of all debits.
    pub debits: String,
    /// The sum of all credits, without a sign; equal to the debits, or the book is wrong.
    pub credits: String,
}

/// One file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Who vouches for a manifest, with an Ed25519 key.
pub trait ManifestSigner {
    /// The public half of the key, as a PEM of PKCS 8.
    fn public_key(&self) -> String;
    /// The signature over a message.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

impl Manifest {
    /// The bytes that are signed.
    ///
    /// # Errors
    /// [`Error::Unwritable`], which no manifest that was made here causes.
    pub fn canonical(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Unwritable(error.to_string()))
    }
}

impl Export {
    /// The length and the hash of a file, without keeping it.
    ///
    /// # Errors
    /// When the entries cannot be read.
    pub async fn measure(&self, format: Format) -> Result<FileEntry, Error> {
        let mut pieces = self.stream(format);
        let mut hash = Sha256::new();
        let mut bytes = 0;
        while let Some(piece) = pieces.try_next().await? {
            hash.update(&piece);
            bytes += piece.len() as u64;
        }
        Ok(FileEntry { name: format.file_name().to_owned(), bytes, sha256: hex::encode(hash.finalize()) })
    }

    /// Counts and sums what the export holds, and names the files that were made of it.
    ///
    /// # Errors
    /// When the entries cannot be read.
    pub async fn manifest(&self, files: Vec<FileEntry>, checkpoint: Option<String>) -> Result<Manifest, Error> {
        let (mut entries, mut postings, mut hold_changes) = (0, 0, 0);
        let mut sums = BTreeMap::<Commodity, (i128, i128)>::new();
        let mut pages = std::pin::pin!(self.pages());
        while let Some(page) = pages.next().await {
            let page = page?;
            for entry in &page.entries {
                entries += 1;
                hold_changes += page.changes(entry).len() as u64;
                for posting in page.postings(entry) {
                    postings += 1;
                    let (debits, credits) = sums.entry(posting.account.commodity).or_default();
                    let side = if posting.amount_minor > 0 { debits } else { credits };
                    *side += i128::from(posting.amount_minor).abs();
                }
            }
        }
        let mut closed_at = Vec::new();
        print::moment(&mut closed_at, self.closed_at, b':');
        Ok(Manifest {
            form: FORM.to_owned(),
            book: self.ledger.book.number(),
            book_name: self.book_name.as_ref().to_owned(),
            first_sequence: self.first,
            last_sequence: self.last,
            closed_at: String::from_utf8_lossy(&closed_at).into_owned(),
            entries,
            postings,
            hold_changes,
            totals: sums.into_iter().map(Totals::try_new).collect::<Result<_, _>>()?,
            files,
            checkpoint,
        })
    }
}

impl Totals {
    fn try_new((commodity, (debits, credits)): (Commodity, (i128, i128))) -> Result<Self, Error> {
        let decimal = |minor| {
            let decimal = Decimal::try_from_i128_with_scale(minor, commodity.decimals());
            decimal.map(|decimal| decimal.to_string()).map_err(|error| Error::Unwritable(error.to_string()))
        };
        Ok(Self { currency: commodity.to_string(), debits: decimal(debits)?, credits: decimal(credits)? })
    }
}
