//! How the transparency log's answers stand, where more than one audience reads them: as C2SP tlog-tiles wants them.

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::{BookId, CheckpointAt, LogTile};

use crate::house::House;
use crate::problem::{Problem, kinds};

/// Bytes in base64, as the formats of C2SP have hashes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Who may keep a tile.
#[derive(Clone, Copy)]
pub(crate) enum Kept {
    /// Any cache.
    ByAnybody,
    /// None.
    ByNobody,
}

impl Kept {
    const fn header(self) -> &'static str {
        match self {
            Self::ByAnybody => "public, max-age=31536000, immutable",
            Self::ByNobody => "private, no-store",
        }
    }
}

/// A checkpoint as a signed note. The newest one is good for a moment, one of a size grows by cosignatures.
pub(crate) async fn checkpoint(house: &House, book: i16, at: CheckpointAt) -> Result<HttpResponse, Problem> {
    let checkpoint = house.audited_clearing.book(BookId::new(book))?.checkpoint(at).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("Cache-Control", "public, max-age=1"))
        .body(checkpoint.note))
}

/// A tile that was found; none of them ever changes.
/// What an auditor reads is theirs alone: no cache on the way may keep it.
pub(crate) async fn tile(house: &House, book: i16, tile: LogTile, kept: Kept) -> Result<HttpResponse, Problem> {
    let bytes = house.audited_clearing.book(BookId::new(book))?.log_tile(tile).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header(("Cache-Control", kept.header()))
        .body(bytes))
}

/// The tile that a path names.
pub(crate) fn parse_tile(path: &str) -> Result<LogTile, Problem> {
    LogTile::parse(path).map_err(|error| Problem::new(&kinds::NOT_FOUND, error.to_string()))
}
