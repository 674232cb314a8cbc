//! The tree in tiles (C2SP tlog-tiles): 256 hashes each, full ones stored, the others computed as they are read.
//!
//! A tile never changes once it is full, so storing is safe in any number of processes: whoever is second finds the
//! same tile there. Proofs read a few tiles a level, whatever the length of the book.

use std::cell::RefCell;
use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tlog_tiles::{HashReader, Tile};

use super::rows::leaf_hashes;
use super::{Hash, LogError};
use crate::schema::log_tiles;
use crate::{BookId, Error};

/// A tile's height in levels of the tree.
const HEIGHT: u8 = 8;
/// Hashes of a full tile.
pub(crate) const WIDTH: i64 = 256;
/// Bytes of a full tile.
const TILE_BYTES: u16 = 8_192;
/// Levels that a tree of 2⁶³ leaves can have.
const LEVELS: u8 = 8;
/// Tiles of entries that are computed and stored at once.
const TILES_AT_ONCE: i64 = 16;
/// Tiles of entries that one call stores at most, so that a worker can be stopped between calls.
const MAX_TILES_A_CALL: i64 = 1_024;

#[derive(Insertable)]
#[diesel(table_name = log_tiles)]
struct TileRow {
    book_id: i16,
    level: i16,
    tile: i64,
    root: Vec<u8>,
    hashes: Vec<u8>,
}

/// Whether the full tiles of a size are all stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tiling {
    /// They are.
    Complete,
    /// There was more to do than one call does.
    Behind,
}

/// Stores the full tiles of the tree over the first `size` entries, as far as they are not stored yet.
pub(crate) async fn keep(connection: &mut AsyncPgConnection, book: BookId, size: i64) -> Result<Tiling, Error> {
    let first = stored(connection, book, 0).await?;
    let wanted = size / WIDTH;
    let until = wanted.min(first + MAX_TILES_A_CALL);
    let mut next = first;
    while next < until {
        let end = until.min(next + TILES_AT_ONCE);
        let hashes = leaf_hashes(connection, book, next * WIDTH, end * WIDTH).await?;
        let (tiles, _) = hashes.as_chunks::<{ WIDTH as usize }>();
        let rows: Vec<TileRow> =
            (next..).zip(tiles).map(|(tile, hashes)| row(book, 0, tile, hashes.concat())).collect();
        store(connection, &rows).await?;
        next = end;
    }
    raise(connection, book).await?;
    Ok(if until == wanted { Tiling::Complete } else { Tiling::Behind })
}

/// Stores the full tiles above those that are stored.
async fn raise(connection: &mut AsyncPgConnection, book: BookId) -> Result<(), Error> {
    for level in 1..LEVELS {
        let below = stored(connection, book, level - 1).await?;
        let first = stored(connection, book, level).await?;
        for tile in first..below / WIDTH {
            let roots = roots(connection, book, level - 1, tile * WIDTH, WIDTH).await?;
            store(connection, &[row(book, level, tile, roots)]).await?;
        }
        if below < WIDTH {
            break;
        }
    }
    Ok(())
}

fn row(book: BookId, level: u8, tile: i64, hashes: Vec<u8>) -> TileRow {
    TileRow { book_id: book.number(), level: level.into(), tile, root: subtree_root(&hashes), hashes }
}

/// The root over a full tile; nothing for what is none.
pub(crate) fn subtree_root(hashes: &[u8]) -> Vec<u8> {
    if hashes.len() == usize::from(TILE_BYTES) { Tile::subtree_hash(hashes).0.to_vec() } else { Vec::new() }
}

async fn store(connection: &mut AsyncPgConnection, rows: &[TileRow]) -> QueryResult<()> {
    diesel::insert_into(log_tiles::table).values(rows).on_conflict_do_nothing().execute(connection).await?;
    Ok(())
}

/// How many tiles of a level are stored; they are stored in order.
async fn stored(connection: &mut AsyncPgConnection, book: BookId, level: u8) -> QueryResult<i64> {
    let last: Option<i64> = log_tiles::table
        .filter(log_tiles::book_id.eq(book.number()))
        .filter(log_tiles::level.eq(i16::from(level)))
        .order(log_tiles::tile.desc())
        .select(log_tiles::tile)
        .first(connection)
        .await
        .optional()?;
    Ok(last.map_or(0, |last| last + 1))
}

/// The roots of tiles that follow each other, one after the other.
pub(crate) async fn roots(
    connection: &mut AsyncPgConnection,
    book: BookId,
    level: u8,
    first: i64,
    count: i64,
) -> Result<Vec<u8>, Error> {
    let roots: Vec<Vec<u8>> = log_tiles::table
        .filter(log_tiles::book_id.eq(book.number()))
        .filter(log_tiles::level.eq(i16::from(level)))
        .filter(log_tiles::tile.ge(first))
        .filter(log_tiles::tile.lt(first + count))
        .order(log_tiles::tile)
        .select(log_tiles::root)
        .load(connection)
        .await?;
    if i64::try_from(roots.len()) != Ok(count) {
        return Err(Error::Corrupt(format!(
            "of {count} tiles of level {level} from {first} on, {} are there",
            roots.len()
        )));
    }
    Ok(roots.concat())
}

/// The first `width` hashes of a tile, which the tree must have.
pub(crate) async fn read(
    connection: &mut AsyncPgConnection,
    book: BookId,
    level: u8,
    tile: i64,
    width: i64,
) -> Result<Vec<u8>, Error> {
    let full: Option<Vec<u8>> = log_tiles::table
        .filter(log_tiles::book_id.eq(book.number()))
        .filter(log_tiles::level.eq(i16::from(level)))
        .filter(log_tiles::tile.eq(tile))
        .select(log_tiles::hashes)
        .first(connection)
        .await
        .optional()?;
    match (full, level.checked_sub(1)) {
        (Some(mut hashes), _) => {
            hashes.truncate(usize::try_from(width).unwrap_or(0) * size_of::<Hash>());
            Ok(hashes)
        }
        (None, None) => Ok(leaf_hashes(connection, book, tile * WIDTH, tile * WIDTH + width).await?.concat()),
        (None, Some(below)) => roots(connection, book, below, tile * WIDTH, width).await,
    }
}

/// Computes something from the hashes of the tree that it asks for: a root, a proof.
///
/// `compute` runs twice, first to learn which hashes it asks for; it must ask for the same ones whatever they are.
pub(crate) async fn compute<T>(
    connection: &mut AsyncPgConnection,
    book: BookId,
    compute: impl Fn(&TreeHashes) -> Result<T, tlog_tiles::Error>,
) -> Result<T, LogError> {
    let asked = TreeHashes::Asked(RefCell::default());
    let answered = compute(&asked).map_err(|error| LogError::Unproven(error.to_string()))?;
    let TreeHashes::Asked(indexes) = asked else { return Ok(answered) };
    let mut widths = HashMap::<(u8, u64), u32>::new();
    for index in indexes.into_inner() {
        let tile = Tile::from_index(HEIGHT, index);
        let width = widths.entry((tile.level(), tile.level_index())).or_default();
        *width = tile.width().max(*width);
    }
    let mut tiles = HashMap::with_capacity(widths.len());
    for ((level, number), width) in widths {
        let tile = i64::try_from(number).map_err(|error| Error::Corrupt(error.to_string()))?;
        tiles.insert((level, number), read(connection, book, level, tile, width.into()).await?);
    }
    compute(&TreeHashes::Read(tiles)).map_err(|error| LogError::Unproven(error.to_string()))
}

/// The hashes of the tree, in two steps: what is asked for, and the tiles that have it.
pub(crate) enum TreeHashes {
    /// Which hashes are asked for; the answers mean nothing.
    Asked(RefCell<Vec<u64>>),
    /// The tiles that were asked for.
    Read(HashMap<(u8, u64), Vec<u8>>),
}

impl HashReader for TreeHashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        match self {
            Self::Asked(asked) => {
                asked.borrow_mut().extend_from_slice(indexes);
                Ok(vec![tlog_tiles::Hash::default(); indexes.len()])
            }
            Self::Read(tiles) => indexes
                .iter()
                .map(|&index| {
                    let tile = Tile::from_index(HEIGHT, index);
                    let hashes = tiles.get(&(tile.level(), tile.level_index()));
                    tile.hash_at_index(hashes.ok_or(tlog_tiles::Error::IndexesNotInTree)?, index)
                })
                .collect(),
        }
    }
}

/// The root of the tree over the first `size` entries, from its tiles.
pub(crate) async fn root(connection: &mut AsyncPgConnection, book: BookId, size: i64) -> Result<Hash, LogError> {
    let size = unsigned(size);
    Ok(compute(connection, book, |hashes| tlog_tiles::tree_hash(size, hashes)).await?.0)
}

/// A size or place, of which the tables have none below zero.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
