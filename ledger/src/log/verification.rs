//! Verification of the log: every leaf, tile, root and signature computed again, and the first difference named.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::proof_text::LogVerifier;
use super::rows::leaf_hashes;
use super::tiles::{self, WIDTH};
use super::{Frontier, Hash, LogError};
use crate::schema::{books, log_checkpoints, log_keys, log_tiles};
use crate::{Difference, Error, Ledger};

/// Entries that are computed at once: full tiles, and few enough to hold.
const PAGE_ENTRIES: i64 = 16 * WIDTH;
/// A check of a long book takes long; one that nobody waits for any more ends soon.
const SETTINGS: &str = "set statement_timeout = '2h'; set client_connection_check_interval = '2s'";

/// The result of a verification of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVerification {
    /// Entries whose place in the log was computed again.
    pub entries: i64,
    /// Checkpoints whose root and signature were checked.
    pub checkpoints: i64,
    /// The first difference, if any.
    pub difference: Option<Difference>,
}

/// Why the log does not hold, at which entry.
type Found = Option<(i64, String)>;

impl Ledger {
    /// Computes the whole log again from what is booked and compares it with what is stored and what was signed;
    /// `progress` is told of each page: entries done, and how many there are.
    ///
    /// # Errors
    /// When the database cannot be reached; a log that is wrong is a result, not an error.
    pub async fn verify_log(&self, mut progress: impl FnMut(i64, i64) + Send) -> Result<LogVerification, LogError> {
        let mut connection = self.database.dedicated_connection().await?;
        connection.batch_execute(SETTINGS).await?;
        connection
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(async |connection| {
                let mut recomputed = Recomputed { ledger: self, frontier: Frontier::empty(), checkpoints: 0 };
                let found = match recomputed.run(connection, &mut progress).await {
                    // What is missing among the entries is what is looked for.
                    Err(LogError::Ledger(Error::Corrupt(what))) => Some((recomputed.size(), what)),
                    found => found?,
                };
                Ok(LogVerification {
                    entries: recomputed.size(),
                    checkpoints: recomputed.checkpoints,
                    difference: found.map(|(sequence, what)| Difference {
                        book: self.book,
                        sequence: Some(sequence),
                        posting: None,
                        what,
                    }),
                })
            })
            .await
    }
}

/// The log as it is computed again.
struct Recomputed<'a> {
    ledger: &'a Ledger,
    frontier: Frontier,
    checkpoints: i64,
}

impl Recomputed<'_> {
    fn size(&self) -> i64 {
        i64::try_from(self.frontier.size()).unwrap_or(i64::MAX)
    }

    async fn run(
        &mut self,
        connection: &mut AsyncPgConnection,
        progress: &mut (impl FnMut(i64, i64) + Send),
    ) -> Result<Found, LogError> {
        let (head, kept): (i64, Vec<u8>) = books::table
            .filter(books::book_id.eq(self.ledger.book.number()))
            .select((books::last_sequence, books::frontier))
            .first(connection)
            .await?;
        let verifier = self.verifier(connection).await?;
        while self.size() < head {
            let (after, to) = (self.size(), head.min(self.size() + PAGE_ENTRIES));
            let hashes = leaf_hashes(connection, self.ledger.book, after, to).await?;
            let found = match self.compare_tiles(connection, after, &hashes).await? {
                None => self.compare_checkpoints(connection, verifier.as_ref(), after, &hashes).await?,
                found => found,
            };
            if found.is_some() {
                return Ok(found);
            }
            progress(to, head);
        }
        if self.frontier.to_bytes() != kept {
            return Ok(Some((head, "the head that the writer kept is not that of the log".to_owned())));
        }
        self.compare_upper_tiles(connection).await
    }

    /// Believes every key that is published; `None` while there is none.
    async fn verifier(&self, connection: &mut AsyncPgConnection) -> Result<Option<LogVerifier>, LogError> {
        let keys: Vec<String> = log_keys::table
            .filter(log_keys::book_id.eq(self.ledger.book.number()))
            .select(log_keys::verifier_key)
            .load(connection)
            .await?;
        if keys.is_empty() {
            return Ok(None);
        }
        LogVerifier::try_new(keys.iter().map(String::as_str), []).map(Some)
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
            .filter(log_tiles::book_id.eq(self.ledger.book.number()))
            .filter(log_tiles::level.eq(0))
            .filter(log_tiles::tile.ge(first))
            .filter(log_tiles::tile.lt(first + PAGE_ENTRIES / WIDTH))
            .order(log_tiles::tile)
            .select((log_tiles::tile, log_tiles::root, log_tiles::hashes))
            .load(connection)
            .await?;
        for (tile, root, stored) in rows {
            let place = usize::try_from(tile - first).unwrap_or(usize::MAX);
            let expected = full.get(place).map(|tile| tile.concat()).unwrap_or_default();
            if stored != expected || root != tiles::subtree_root(&stored) {
                return Ok(Some((tile * WIDTH + 1, format!("the log's tile from it on, 0/{tile}, is another"))));
            }
        }
        Ok(None)
    }

    /// Adds the leaves and compares each checkpoint as its size is reached.
    async fn compare_checkpoints(
        &mut self,
        connection: &mut AsyncPgConnection,
        verifier: Option<&LogVerifier>,
        after: i64,
        hashes: &[Hash],
    ) -> Result<Found, LogError> {
        let signed: Vec<(i64, Vec<u8>, String)> = log_checkpoints::table
            .filter(log_checkpoints::book_id.eq(self.ledger.book.number()))
            .filter(log_checkpoints::size.gt(after))
            .filter(log_checkpoints::size.le(after + PAGE_ENTRIES))
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
            let head = verifier.map(|verifier| verifier.check_checkpoint(&note));
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
                .filter(log_tiles::book_id.eq(self.ledger.book.number()))
                .filter(log_tiles::level.ge(after.0))
                .filter(log_tiles::level.gt(after.0).or(log_tiles::tile.gt(after.1)))
                .order((log_tiles::level, log_tiles::tile))
                .select((log_tiles::level, log_tiles::tile, log_tiles::root, log_tiles::hashes))
                .first(connection)
                .await
                .optional()?;
            let Some((level, tile, root, hashes)) = next else { return Ok(None) };
            let below = u8::try_from(level - 1).unwrap_or(0);
            let expected = tiles::roots(connection, self.ledger.book, below, tile * WIDTH, WIDTH).await?;
            if hashes != expected || root != tiles::subtree_root(&hashes) {
                return Ok(Some((self.size(), format!("the log's tile {level}/{tile} is another"))));
            }
            after = (level, tile);
        }
    }
}
