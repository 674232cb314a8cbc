//! Proofs from the tree: that an entry is in it, that a later tree continues an earlier one.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::checkpoints::{Checkpoint, CheckpointAt, read};
use super::rows::for_each_leaf;
use super::tiles::{self, WIDTH, unsigned};
use super::{Hash, LogError};
use crate::schema::entries;
use crate::{IdempotencyKey, Ledger, Sequence};

/// Which entry is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEntry {
    /// The one at that place.
    Sequence(Sequence),
    /// The one of that key.
    Key(IdempotencyKey),
}

/// That an entry is among those that a checkpoint counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry's place in the book; its place in the tree is one less.
    pub sequence: i64,
    /// The entry's canonical form, whose leaf hash is in the tree.
    pub leaf: Vec<u8>,
    /// The hashes from the leaf's sibling up to the root's child (RFC 6962, 2.1.1).
    pub hashes: Vec<[u8; 32]>,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

/// That the tree of a checkpoint begins with all entries of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Entries of the earlier tree.
    pub from: i64,
    /// The hashes, as RFC 6962 orders them (2.1.2).
    pub hashes: Vec<[u8; 32]>,
    /// The later checkpoint.
    pub checkpoint: Checkpoint,
}

impl Ledger {
    /// Proves that an entry is among those that a checkpoint counts. Reads a few tiles, whatever the book's length.
    ///
    /// # Errors
    /// [`LogError::UnknownEntry`], [`LogError::NotSigned`], and [`LogError::NotIncluded`] for an entry that the
    /// checkpoint does not count.
    pub async fn prove_inclusion(&self, entry: LogEntry, at: CheckpointAt) -> Result<InclusionProof, LogError> {
        let mut connection = self.database.connection().await?;
        let sequence = match entry {
            LogEntry::Sequence(sequence) => sequence.number(),
            LogEntry::Key(key) => self.sequence_of(&mut connection, key).await?,
        };
        let checkpoint = read(&mut connection, self.book, at).await?;
        let size = checkpoint.size;
        if !(1..=size).contains(&sequence) {
            return Err(LogError::NotIncluded { sequence, size });
        }
        let mut leaf = Vec::new();
        for_each_leaf(&mut connection, self.book, sequence - 1, sequence, |bytes| leaf = bytes.to_vec()).await?;
        let (size, index) = (unsigned(size), unsigned(sequence - 1));
        let hashes = tiles::compute(&mut connection, self.book, |hashes| tlog_tiles::prove_record(size, index, hashes));
        Ok(InclusionProof { sequence, leaf, hashes: plain(hashes.await?), checkpoint })
    }

    /// Proves that a checkpoint continues the tree over the first `from` entries.
    ///
    /// # Errors
    /// [`LogError::NotSigned`] when there is no such checkpoint or it counts fewer than `from` entries, or `from` is
    /// below 1.
    pub async fn prove_consistency(&self, from: i64, at: CheckpointAt) -> Result<ConsistencyProof, LogError> {
        let mut connection = self.database.connection().await?;
        let checkpoint = read(&mut connection, self.book, at).await?;
        if !(1..=checkpoint.size).contains(&from) {
            return Err(LogError::NotSigned { asked: from, newest: checkpoint.size });
        }
        let (size, before) = (unsigned(checkpoint.size), unsigned(from));
        let hashes = tiles::compute(&mut connection, self.book, |hashes| tlog_tiles::prove_tree(size, before, hashes));
        Ok(ConsistencyProof { from, hashes: plain(hashes.await?), checkpoint })
    }

    /// A tile of the tree as far as it is signed (C2SP tlog-tiles): hashes, or a bundle of entries.
    ///
    /// # Errors
    /// [`LogError::UnknownTile`] when the tree has no such tile or is not so wide there;
    /// [`LogError::TooLongForBundle`] when an entry fits into no bundle.
    pub async fn log_tile(&self, tile: LogTile) -> Result<Vec<u8>, LogError> {
        let mut connection = self.database.connection().await?;
        let signed = read(&mut connection, self.book, CheckpointAt::Newest).await?.size;
        if !tile.is_within(signed) {
            return Err(LogError::UnknownTile(tile.to_string()));
        }
        match tile.content {
            TileContent::Hashes { level } => {
                Ok(tiles::read(&mut connection, self.book, level, tile.index, tile.width).await?)
            }
            TileContent::Entries => self.bundle(&mut connection, tile.index * WIDTH, tile.width).await,
        }
    }

    /// Entries, each behind its length in two bytes.
    async fn bundle(&self, connection: &mut AsyncPgConnection, after: i64, count: i64) -> Result<Vec<u8>, LogError> {
        let mut bundle = Vec::new();
        let mut sequence = after;
        let mut too_long = None;
        for_each_leaf(connection, self.book, after, after + count, |leaf| {
            sequence += 1;
            match u16::try_from(leaf.len()) {
                Ok(length) => {
                    bundle.extend_from_slice(&length.to_be_bytes());
                    bundle.extend_from_slice(leaf);
                }
                Err(_) => too_long = too_long.or(Some(sequence)),
            }
        })
        .await?;
        match too_long {
            Some(sequence) => Err(LogError::TooLongForBundle(sequence)),
            None => Ok(bundle),
        }
    }

    async fn sequence_of(&self, connection: &mut AsyncPgConnection, key: IdempotencyKey) -> Result<i64, LogError> {
        entries::table
            .filter(entries::book_id.eq(self.book.number()))
            .filter(entries::entry_key.eq(key.uuid()))
            .select(entries::sequence)
            .first(connection)
            .await
            .optional()?
            .ok_or(LogError::UnknownEntry(key.uuid()))
    }
}

pub(crate) fn plain(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

/// The name of a tile of the tree or of a bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogTile {
    content: TileContent,
    index: i64,
    width: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TileContent {
    Hashes { level: u8 },
    Entries,
}

impl LogTile {
    /// The tile of a path as C2SP tlog-tiles writes it, without `tile/`: `0/x001/x234/067`, `1/000.p/17`,
    /// `entries/004`.
    ///
    /// # Errors
    /// [`LogError::Malformed`] when the path is not written so.
    pub fn parse(path: &str) -> Result<Self, LogError> {
        let tile = Self::read(path).filter(|tile| tile.to_string() == path);
        tile.ok_or_else(|| LogError::malformed("path of a tile", "it is not like 0/x001/067.p/17 or entries/004"))
    }

    /// Reads more than is right; what is wrong is not written the same.
    fn read(path: &str) -> Option<Self> {
        let (content, rest) = path.split_once('/')?;
        let content = match content {
            "entries" => TileContent::Entries,
            level => TileContent::Hashes { level: level.parse().ok()? },
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
            None => (rest, WIDTH),
        };
        let mut index = 0_i64;
        for digits in number.split('/') {
            let digits: u16 = digits.trim_start_matches('x').parse().ok()?;
            index = index.checked_mul(1_000)?.checked_add(digits.into())?;
        }
        Some(Self { content, index, width })
    }

    /// Whether the tree over `size` entries has it, as wide as it is asked for.
    fn is_within(self, size: i64) -> bool {
        let level = match self.content {
            TileContent::Hashes { level } => u32::from(level),
            TileContent::Entries => 0,
        };
        let hashes = level.checked_mul(8).and_then(|bits| size.checked_shr(bits)).unwrap_or(0);
        let end = self.index.checked_mul(WIDTH).and_then(|first| first.checked_add(self.width));
        end.is_some_and(|end| end <= hashes)
    }

    fn is_full(self) -> bool {
        self.width == WIDTH
    }

    /// Whether it is a bundle of entries: not for everybody.
    #[must_use]
    pub fn is_of_entries(self) -> bool {
        self.content == TileContent::Entries
    }
}

impl std::fmt::Display for LogTile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.content {
            TileContent::Hashes { level } => write!(formatter, "{level}/")?,
            TileContent::Entries => formatter.write_str("entries/")?,
        }
        let mut path = format!("{:03}", self.index % 1_000);
        let mut rest = self.index / 1_000;
        while rest > 0 {
            path = format!("x{:03}/{path}", rest % 1_000);
            rest /= 1_000;
        }
        formatter.write_str(&path)?;
        if self.is_full() { Ok(()) } else { write!(formatter, ".p/{}", self.width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_read_as_they_are_written() -> Result<(), LogError> {
        for path in ["0/000", "0/x001/x234/067", "1/000.p/17", "entries/004", "entries/x001/000.p/255"] {
            assert_eq!(LogTile::parse(path)?.to_string(), path);
        }
        for path in [
            "",
            "0",
            "0/",
            "/000",
            "00/000",
            "0/00",
            "0/0000",
            "0/x000/001",
            "0/001/067",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "-1/000",
            "0/-01",
            "0/+01",
            "256/000",
            "data/000",
            "entries",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert!(LogTile::parse(path).is_err(), "{path}");
        }
        Ok(())
    }

    #[test]
    fn a_tree_has_the_tiles_of_its_size() -> Result<(), LogError> {
        let within = |path: &str, size| LogTile::parse(path).map(|tile| tile.is_within(size));
        // The example of the specification: 273 full tiles, then 112 hashes; one full tile, then 17; then one hash.
        for path in ["0/272", "0/273.p/112", "0/273.p/1", "1/000", "1/001.p/17", "2/000.p/1", "entries/273.p/112"] {
            assert!(within(path, 70_000)?, "{path}");
        }
        for path in ["0/273", "0/273.p/113", "1/001.p/18", "1/001", "2/000.p/2", "3/000.p/1", "63/000.p/1", "8/000.p/1"]
        {
            assert!(!within(path, 70_000)?, "{path}");
        }
        Ok(())
    }
}
