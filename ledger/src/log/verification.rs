//! Verification of the log: every leaf, tile, root and signature compared, and the first difference named.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::proof_text::LogVerifier;
use super::tiles::{self, WIDTH};
use super::{Frontier, Hash, LogError};
use crate::schema::{books, log_checkpoints, log_keys, log_tiles};
use crate::{BookId, Error};

/// Why the log does not hold, at which entry.
pub(crate) type Found = Option<(i64, String)>;

/// A log that is computed again, stretch by stretch.
pub(crate) struct LogCheck {
    book: BookId,
    verifier: Option<LogVerifier>,
    frontier: Frontier,
    /// Checkpoints whose root and signature were compared.
    pub(crate) checkpoints: i64,
}

impl LogCheck {
    /// A check that believes those verifier keys, or every key that the book publishes when there are none.
    ///
    /// # Errors
    /// When the database cannot be reached or a key is none.
    pub(crate) async fn begin(
        connection: &mut AsyncPgConnection,
        book: BookId,
        believed: &[String],
    ) -> Result<Self, Error> {
        let mut keys = believed.to_vec();
        if keys.is_empty() {
            keys = log_keys::table
                .filter(log_keys::book_id.eq(book.number()))
                .select(log_keys::verifier_key)
                .load(connection)
                .await?;
        }
        let verifier = match keys.as_slice() {
            [] => None,
            keys => Some(LogVerifier::try_new(keys.iter().map(String::as_str), []).map_err(plain)?),
        };
        Ok(Self { book, verifier, frontier: Frontier::empty(), checkpoints: 0 })
    }

    fn size(&self) -> i64 {
        i64::try_from(self.frontier.size()).unwrap_or(i64::MAX)
    }

    /// Goes on with the hashes of the next entries.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) async fn go_on(&mut self, connection: &mut AsyncPgConnection, hashes: &[Hash]) -> Result<Found, Error> {
        let after = self.size();
        match self.compare_tiles(connection, after, hashes).await.map_err(plain)? {
            None => self.compare_checkpoints(connection, after, hashes).await.map_err(plain),
            found => Ok(found),
        }
    }

    /// Compares what stands above all entries.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) async fn finish(&self, connection: &mut AsyncPgConnection) -> Result<Found, Error> {
        let kept: Vec<u8> = books::table
            .filter(books::book_id.eq(self.book.number()))
            .select(books::frontier)
            .first(connection)
            .await?;
        // A book from before there was a log keeps no head until its next entry.
        let was_never_kept = kept.is_empty() && self.checkpoints == 0;
        if !was_never_kept && self.frontier.to_bytes() != kept {
            return Ok(Some((self.size(), "the head that the writer kept is not that of the log".to_owned())));
        }
        let beyond: Option<i64> = log_checkpoints::table
            .filter(log_checkpoints::book_id.eq(self.book.number()))
            .filter(log_checkpoints::size.gt(self.size()))
            .order(log_checkpoints::size)
            .select(log_checkpoints::size)
            .first(connection)
            .await
            .optional()?;
        if let Some(size) = beyond {
            return Ok(Some((size, "a checkpoint counts entries that are not there".to_owned())));
        }
        self.compare_upper_tiles(connection).await.map_err(plain)
    }

    /// Compares the tiles of entries.
    async fn compare_tiles(
        &self,
        connection: &mut AsyncPgConnection,
        after: i64,
        hashes: &[Hash],
    ) -> Result<Found, LogError> {
        let first = after / WIDTH;
        let (full, _) = hashes.as_chunks::<{ WIDTH as usize }>();
        let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = log_tiles::table
            .filter(log_tiles::book_id.eq(self.book.number()))
            .filter(log_tiles::level.eq(0))
            .filter(log_tiles::tile.ge(first))
            .filter(log_tiles::tile.lt(first + i64::try_from(full.len()).unwrap_or(0)))
            .order(log_tiles::tile)
            .select((log_tiles::tile, log_tiles::root, log_tiles::hashes))
            .load(connection)
            .await?;
        for (tile, root, stored) in rows {
            let place = usize::try_from(tile - first).unwrap_or(usize::MAX);
            let expected = full.get(place).map(|tile| tile.concat()).unwrap_or_default();
            let differing = stored.chunks(32).zip(expected.chunks(32)).zip(1..).find(|((kept, ours), _)| kept != ours);
            if let Some((_, place)) = differing {
                let what = "it is not the entry that the log knows".to_owned();
                return Ok(Some((tile * WIDTH + place, what)));
            }
            if stored.len() != expected.len() || root != tiles::subtree_root(&stored) {
                return Ok(Some((tile * WIDTH + 1, format!("the log's tile from it on, 0/{tile}, is another"))));
            }
        }
        Ok(None)
    }

    /// Adds the leaves and compares each checkpoint as its size is reached.
    async fn compare_checkpoints(
        &mut self,
        connection: &mut AsyncPgConnection,
        after: i64,
        hashes: &[Hash],
    ) -> Result<Found, LogError> {
        let signed: Vec<(i64, Vec<u8>, String)> = log_checkpoints::table
            .filter(log_checkpoints::book_id.eq(self.book.number()))
            .filter(log_checkpoints::size.gt(after))
            .filter(log_checkpoints::size.le(after + i64::try_from(hashes.len()).unwrap_or(0)))
            .order(log_checkpoints::size)
            .select((log_checkpoints::size, log_checkpoints::root, log_checkpoints::note))
            .load(connection)
            .await?;
        let mut signed = signed.into_iter().peekable();
        for hash in hashes {
            self.frontier.push(*hash);
            let Some((size, root, note)) = signed.next_if(|signed| signed.0 == self.size()) else { continue };
            self.checkpoints += 1;
            let ours = self.frontier.root();
            let head = self.verifier.as_ref().map(|verifier| verifier.check_checkpoint(&note));
            match head {
                Some(Ok(head)) if root == ours && head.root == ours && i64::try_from(head.size) == Ok(size) => {}
                Some(Err(error)) => return Ok(Some((size, error.to_string()))),
                _ => return Ok(Some((size, "its checkpoint has another root than the log".to_owned()))),
            }
        }
        Ok(signed.next().map(|signed| (signed.0, "a checkpoint counts entries that are not there".to_owned())))
    }

    /// Compares the tiles above those of entries with the roots below them.
    async fn compare_upper_tiles(&self, connection: &mut AsyncPgConnection) -> Result<Found, LogError> {
        let mut after = (0_i16, i64::MAX);
        loop {
            let next: Option<(i16, i64, Vec<u8>, Vec<u8>)> = log_tiles::table
                .filter(log_tiles::book_id.eq(self.book.number()))
                .filter(log_tiles::level.ge(after.0))
                .filter(log_tiles::level.gt(after.0).or(log_tiles::tile.gt(after.1)))
                .order((log_tiles::level, log_tiles::tile))
                .select((log_tiles::level, log_tiles::tile, log_tiles::root, log_tiles::hashes))
                .first(connection)
                .await
                .optional()?;
            let Some((level, tile, root, hashes)) = next else { return Ok(None) };
            let below = u8::try_from(level - 1).unwrap_or(0);
            let expected = tiles::roots(connection, self.book, below, tile * WIDTH, WIDTH).await?;
            if hashes != expected || root != tiles::subtree_root(&hashes) {
                return Ok(Some((self.size(), format!("the log's tile {level}/{tile} is another"))));
            }
            after = (level, tile);
        }
    }
}

fn plain(error: LogError) -> Error {
    match error {
        LogError::Ledger(error) => error,
        other => Error::Corrupt(other.to_string()),
    }
}
