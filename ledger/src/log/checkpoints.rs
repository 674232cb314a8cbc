//! Signed heads of the log (C2SP tlog-checkpoint): signing the newest, reading, and what witnesses say of them.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use signed_note::{Note, Signature};

use super::keys::{LogSigner, Witness};
use super::tiles::{self, Tiling, unsigned};
use super::{Frontier, Hash, LogError};
use crate::schema::{books, log_checkpoints, log_cosignatures, log_keys};
use crate::{BookId, Error, Ledger, Sequence};

/// A checkpoint is followed by the next one no sooner than this: witnesses and caches live by it.
const SIGNED_EVERY: Duration = Duration::seconds(1);
/// How far a witness's clock may be ahead of ours.
const CLOCKS_DIFFER_BY: Duration = Duration::minutes(5);
/// Bytes of a signature line: a long name and 76 bytes in base64 stay far below.
const MAX_SIGNATURE_LINE: usize = 1_024;

/// A signed head of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries that it counts: all up to that sequence.
    pub size: i64,
    /// The root of the tree over them.
    pub root: [u8; 32],
    /// The signed note, with the cosignatures of witnesses.
    pub note: String,
    /// When we signed it.
    pub signed_at: DateTime<Utc>,
}

/// Which checkpoint is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointAt {
    /// The newest.
    Newest,
    /// The one over so many entries.
    Size(i64),
}

/// What [`Ledger::keep_log`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Signed a new head.
    Signed(Checkpoint),
    /// Nothing was booked since the last one, or that one is younger than a second.
    UpToDate,
    /// There is more to store than one call stores: call again.
    Behind,
}

/// A public key of the log, and while when it signs.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct PublishedKey {
    /// Name, key id and public key, as C2SP signed-note writes them.
    pub verifier_key: String,
    /// When it first signed.
    pub signs_from: DateTime<Utc>,
    /// When a checkpoint was first signed without it; `None` while it signs.
    pub signs_until: Option<DateTime<Utc>>,
}

type Row = (i64, Vec<u8>, String, DateTime<Utc>);

impl Ledger {
    /// Stores the tiles that have become full and signs the newest head, at most once a second.
    ///
    /// The head that the writer kept must be the root of the tree over what is booked now, and the newest checkpoint's
    /// root that of the tree over its entries; otherwise nothing is signed.
    ///
    /// # Errors
    /// [`LogError::Disagrees`] when it is not so.
    pub async fn keep_log(&self, signer: &LogSigner) -> Result<Kept, LogError> {
        let mut connection = self.database.connection().await?;
        let (size, kept): (i64, Vec<u8>) = books::table
            .filter(books::book_id.eq(self.book.number()))
            .select((books::last_sequence, books::frontier))
            .first(&mut connection)
            .await?;
        if tiles::keep(&mut connection, self.book, size).await? == Tiling::Behind {
            return Ok(Kept::Behind);
        }
        let newest = newest(&mut connection, self.book).await?;
        let now = self.now();
        let due = newest.as_ref().is_none_or(|newest| newest.0 < size && newest.3 + SIGNED_EVERY <= now);
        if size == 0 || !due {
            return Ok(Kept::UpToDate);
        }
        let name = newest.as_ref().and_then(|newest| newest.2.lines().next());
        if let Some(name) = name.filter(|name| *name != signer.origin()) {
            let what = format!("its checkpoints bear the name {name}, not {}", signer.origin());
            return Err(LogError::Disagrees { size, what });
        }
        let root = agreed_root(&mut connection, self.book, size, &kept, newest.as_ref()).await?;
        let text = tlog_tiles::Checkpoint::new(signer.origin(), unsigned(size), tlog_tiles::Hash(root), "")
            .map_err(|error| LogError::malformed("checkpoint", error))?;
        let note = signer.sign(&text.to_bytes())?;
        let checkpoint = Checkpoint { size, root, note, signed_at: now };
        store(&mut connection, self.book, signer, &checkpoint).await?;
        tracing::debug!(size, "signed the head of the log");
        Ok(Kept::Signed(checkpoint))
    }

    /// The text of the first signed head that counts an entry; `None` until there is one. It stays the same for ever.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn checkpoint_covering(&self, entry: Sequence) -> Result<Option<String>, Error> {
        Ok(self.head_covering(entry).await?.map(|(_, note)| note))
    }

    /// The same, with its size.
    pub(crate) async fn head_covering(&self, entry: Sequence) -> Result<Option<(i64, String)>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(log_checkpoints::table
            .filter(log_checkpoints::book_id.eq(self.book.number()))
            .filter(log_checkpoints::size.ge(entry.number()))
            .order(log_checkpoints::size)
            .select((log_checkpoints::size, log_checkpoints::note))
            .first(&mut connection)
            .await
            .optional()?)
    }

    /// A signed head, with what witnesses said of it.
    ///
    /// # Errors
    /// [`LogError::NotSigned`] when there is none of that size.
    pub async fn checkpoint(&self, at: CheckpointAt) -> Result<Checkpoint, LogError> {
        let mut connection = self.database.connection().await?;
        read(&mut connection, self.book, at).await
    }

    /// The public keys of the log, the newest first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn log_keys(&self) -> Result<Vec<PublishedKey>, LogError> {
        let mut connection = self.database.connection().await?;
        Ok(log_keys::table
            .filter(log_keys::book_id.eq(self.book.number()))
            .order(log_keys::signs_from.desc())
            .select((log_keys::verifier_key, log_keys::signs_from, log_keys::signs_until))
            .load(&mut connection)
            .await?)
    }

    /// Keeps a witness's cosignature of the checkpoint of that size: its signature line. One that is there already
    /// stays as it is.
    ///
    /// # Errors
    /// [`LogError::Malformed`] for another text, [`LogError::Unproven`] when no known witness signed that checkpoint
    /// so, [`LogError::NotSigned`] when there is none of that size.
    pub async fn add_cosignature(&self, witnesses: &[Witness], size: i64, line: &str) -> Result<(), LogError> {
        let malformed = |reason: &str| LogError::malformed("cosignature", reason);
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.len() > MAX_SIGNATURE_LINE || line.contains('\n') {
            return Err(malformed("it is not one line of at most 1024 bytes"));
        }
        let signature = Signature::from_bytes(line.as_bytes()).map_err(|error| malformed(&error.to_string()))?;
        let witness = witnesses
            .iter()
            .find(|witness| witness.is(signature.name(), signature.id()))
            .ok_or_else(|| LogError::Unproven(format!("no witness {} is known here", signature.name())))?;
        let mut connection = self.database.connection().await?;
        let checkpoint = read(&mut connection, self.book, CheckpointAt::Size(size)).await?;
        let note = Note::from_bytes(checkpoint.note.as_bytes()).map_err(|error| Error::Corrupt(error.to_string()))?;
        let witnessed_at = witness
            .witnessed_at(note.text(), signature.signature())
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .filter(|time| *time <= self.now() + CLOCKS_DIFFER_BY)
            .ok_or_else(|| {
                LogError::Unproven(format!("it is no signature of {} for this checkpoint", witness.name()))
            })?;
        diesel::insert_into(log_cosignatures::table)
            .values((
                log_cosignatures::book_id.eq(self.book.number()),
                log_cosignatures::size.eq(size),
                log_cosignatures::witness.eq(witness.verifier_key()),
                log_cosignatures::line.eq(line),
                log_cosignatures::witnessed_at.eq(witnessed_at),
            ))
            .on_conflict_do_nothing()
            .execute(&mut connection)
            .await?;
        Ok(())
    }
}

/// The root of the tree over `size` entries, if all that is known of the tree says the same.
async fn agreed_root(
    connection: &mut AsyncPgConnection,
    book: BookId,
    size: i64,
    kept: &[u8],
    newest: Option<&Row>,
) -> Result<Hash, LogError> {
    let disagrees = |what: String| LogError::Disagrees { size, what };
    let kept = Frontier::from_bytes(size, kept).map_err(|error| disagrees(error.to_string()))?;
    let root = tiles::root(connection, book, size).await?;
    if kept.root() != root {
        return Err(disagrees("the head that the writer kept is not the root over what is booked".to_owned()));
    }
    if let Some((before, signed, ..)) = newest
        && tiles::root(connection, book, *before).await?[..] != signed[..]
    {
        return Err(disagrees(format!("the checkpoint of {before} entries is not the root over them")));
    }
    Ok(root)
}

async fn store(
    connection: &mut AsyncPgConnection,
    book: BookId,
    signer: &LogSigner,
    checkpoint: &Checkpoint,
) -> QueryResult<()> {
    let book = book.number();
    connection
        .transaction(async |connection| {
            diesel::insert_into(log_checkpoints::table)
                .values((
                    log_checkpoints::book_id.eq(book),
                    log_checkpoints::size.eq(checkpoint.size),
                    log_checkpoints::root.eq(&checkpoint.root[..]),
                    log_checkpoints::note.eq(&checkpoint.note),
                    log_checkpoints::signed_at.eq(checkpoint.signed_at),
                ))
                .on_conflict_do_nothing()
                .execute(connection)
                .await?;
            let keys: Vec<_> = signer
                .verifier_keys()
                .iter()
                .map(|key| {
                    (
                        log_keys::book_id.eq(book),
                        log_keys::verifier_key.eq(key),
                        log_keys::signs_from.eq(checkpoint.signed_at),
                    )
                })
                .collect();
            diesel::insert_into(log_keys::table).values(keys).on_conflict_do_nothing().execute(connection).await?;
            let ours = log_keys::table.filter(log_keys::book_id.eq(book));
            diesel::update(ours.filter(log_keys::signs_until.is_null()))
                .filter(log_keys::verifier_key.ne_all(signer.verifier_keys()))
                .set(log_keys::signs_until.eq(checkpoint.signed_at))
                .execute(connection)
                .await?;
            diesel::update(ours.filter(log_keys::signs_until.is_not_null()))
                .filter(log_keys::verifier_key.eq_any(signer.verifier_keys()))
                .set(log_keys::signs_until.eq(None::<DateTime<Utc>>))
                .execute(connection)
                .await?;
            Ok(())
        })
        .await
}

async fn newest(connection: &mut AsyncPgConnection, book: BookId) -> QueryResult<Option<Row>> {
    log_checkpoints::table
        .filter(log_checkpoints::book_id.eq(book.number()))
        .order(log_checkpoints::size.desc())
        .select((log_checkpoints::size, log_checkpoints::root, log_checkpoints::note, log_checkpoints::signed_at))
        .first(connection)
        .await
        .optional()
}

/// A checkpoint with the lines of its witnesses.
pub(super) async fn read(
    connection: &mut AsyncPgConnection,
    book: BookId,
    at: CheckpointAt,
) -> Result<Checkpoint, LogError> {
    let newest = newest(connection, book).await?;
    let newest_size = newest.as_ref().map_or(0, |newest| newest.0);
    let (asked, found) = match at {
        CheckpointAt::Newest => (newest_size, newest),
        CheckpointAt::Size(size) => (size, at_size(connection, book, size).await?),
    };
    let (size, root, mut note, signed_at) = found.ok_or(LogError::NotSigned { asked, newest: newest_size })?;
    let lines: Vec<String> = log_cosignatures::table
        .filter(log_cosignatures::book_id.eq(book.number()))
        .filter(log_cosignatures::size.eq(size))
        .order(log_cosignatures::witness)
        .select(log_cosignatures::line)
        .load(connection)
        .await?;
    for line in lines {
        note.push_str(&line);
        note.push('\n');
    }
    let root = root.try_into().map_err(|_| Error::Corrupt(format!("the root of checkpoint {size} is no SHA-256")))?;
    Ok(Checkpoint { size, root, note, signed_at })
}

async fn at_size(connection: &mut AsyncPgConnection, book: BookId, size: i64) -> QueryResult<Option<Row>> {
    log_checkpoints::table
        .filter(log_checkpoints::book_id.eq(book.number()))
        .filter(log_checkpoints::size.eq(size))
        .select((log_checkpoints::size, log_checkpoints::root, log_checkpoints::note, log_checkpoints::signed_at))
        .first(connection)
        .await
        .optional()
}
