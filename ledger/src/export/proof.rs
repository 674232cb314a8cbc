//! What binds the entries of an export to a signed head of the log.

use serde::{Deserialize, Serialize};

use super::Export;
use crate::Error;
use crate::log::{LogError, plain_hashes, tiles};

/// What leads from the entries of an export to a signed head of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportProof {
    /// The roots of the perfect subtrees over the entries before the export, largest first, in hexadecimal.
    pub before: Vec<String>,
    /// That the tree of the checkpoint continues the tree over the export's last entry (RFC 6962, 2.1.2), in
    /// hexadecimal; empty where they are the same.
    pub consistency: Vec<String>,
    /// The first signed head that counts the last entry.
    pub checkpoint: String,
}

impl Export {
    /// What binds the export's entries to the first signed head that counts them; none until there is one.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn proof(&self) -> Result<Option<ExportProof>, LogError> {
        let Some((size, checkpoint)) = self.ledger.head_covering(self.last()).await? else { return Ok(None) };
        if self.last < 1 {
            return Ok(None);
        }
        let (book, unsigned) = (self.ledger.book, tiles::unsigned);
        let mut connection = self.ledger.database.connection().await.map_err(Error::from)?;
        let (before, last) = (unsigned(self.first - 1), unsigned(self.last));
        let indexes = if before == 0 { Vec::new() } else { tlog_tiles::sub_tree_index(0, before, Vec::new()) };
        let roots = tiles::compute(&mut connection, book, |hashes| {
            use tlog_tiles::HashReader as _;
            hashes.read_hashes(&indexes)
        });
        let before = hexadecimal(plain_hashes(roots.await?));
        let consistency = if unsigned(size) == last {
            Vec::new()
        } else {
            let proof =
                tiles::compute(&mut connection, book, |hashes| tlog_tiles::prove_tree(unsigned(size), last, hashes));
            hexadecimal(plain_hashes(proof.await?))
        };
        Ok(Some(ExportProof { before, consistency, checkpoint }))
    }
}

fn hexadecimal(hashes: Vec<[u8; 32]>) -> Vec<String> {
    hashes.into_iter().map(hex::encode).collect()
}
