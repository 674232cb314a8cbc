//! The transparency log: a tree over all entries that proves that nothing was changed or left out.
//!
//! Each entry has one canonical form; their hashes are the leaves of a Merkle tree (RFC 6962). The writer keeps the
//! tree's head with the book; [`keep_log`](crate::Ledger::keep_log) stores the tree in tiles and signs its head. All
//! formats are those of C2SP (tlog-tiles, tlog-checkpoint, tlog-cosignature, tlog-proof), so that tools which know
//! nothing of us can check us.
//!
//! # Where things are
//! `leaf` is the canonical form, `rows` and `lot_rows` compute it from the tables, `tree` is the writer's head, `tiles` the stored
//! tree; `checkpoints` are signed heads, `keys` who signs them, `proofs` what is read from the tree, `proof_text` how a
//! proof is handed on and checked without us; `verification` computes all of it again; `erasure` takes names away.

mod checkpoints;
mod commitment;
mod erasure;
mod error;
mod keys;
pub(crate) mod leaf;
mod lot_rows;
mod proof_text;
mod proofs;
mod read_leaf;
mod rows;
pub(crate) mod tiles;
mod tree;
#[cfg(test)]
mod vectors;
mod verification;

pub use checkpoints::{Checkpoint, CheckpointAt, Kept, PublishedKey};
pub(crate) use commitment::account_commitment;
pub use error::LogError;
pub use keys::{LogSigner, Witness};
pub(crate) use lot_rows::LotRow;
pub use proof_text::{LogVerifier, ProvenEntry, SignedHead};
pub(crate) use proofs::plain as plain_hashes;
pub use proofs::{ConsistencyProof, InclusionProof, LogEntry, LogTile};
pub(crate) use read_leaf::{HOLD_WORDS, ReadHoldChange, ReadLeaf, ReadLot, ReadPosting, read_leaf};
pub(crate) use rows::{Booked, PostingRow, Row, for_each_booked, for_each_leaf, frontier_of};
pub(crate) use tree::Frontier;
pub(crate) use verification::LogCheck;

/// A SHA-256.
pub(crate) type Hash = [u8; 32];
