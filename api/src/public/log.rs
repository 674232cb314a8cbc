use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use ledger::{BookId, CheckpointAt, Witness};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::is_of_type;
use crate::house::House;
use crate::openapi::{OpenProblems, WriteProblems};
use crate::problem::{Problem, kinds};
use crate::wire::log;

/// Who signs a book's log, and who witnesses it.
#[derive(Serialize, ToSchema)]
#[schema(as = LogKeys)]
pub(super) struct LogKeysBody {
    /// The log's name: the first line of its checkpoints.
    #[schema(example = "teranga.example/book/1")]
    origin: String,
    /// Its public keys, the newest first.
    keys: Vec<LogKeyBody>,
    /// The public keys of the witnesses whose cosignatures are kept.
    witnesses: Vec<String>,
}

/// A public key of a log.
#[derive(Serialize, ToSchema)]
#[schema(as = LogKey)]
pub(super) struct LogKeyBody {
    /// Name, key id and public key, as C2SP signed-note writes them.
    verifier_key: String,
    signs_from: DateTime<Utc>,
    /// When a checkpoint was first signed without it; null while it signs.
    signs_until: Option<DateTime<Utc>>,
}

/// The public keys of a book's transparency log.
#[utoipa::path(tag = "log", params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1)),
    responses((status = 200, description = "The keys", body = LogKeysBody), OpenProblems))]
#[get("/log/{book}/keys")]
pub(super) async fn read_log_keys(house: web::Data<House>, book: web::Path<i16>) -> Result<HttpResponse, Problem> {
    let book = BookId::new(*book);
    let keys = house.audited_clearing.book(book)?.log_keys().await?;
    let signer = house.logs.signer(book).ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such log"))?;
    let body = LogKeysBody {
        origin: signer.origin().to_owned(),
        keys: keys
            .into_iter()
            .map(|key| LogKeyBody {
                verifier_key: key.verifier_key,
                signs_from: key.signs_from,
                signs_until: key.signs_until,
            })
            .collect(),
        witnesses: house.logs.witnesses().iter().map(Witness::verifier_key).collect(),
    };
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=60")).json(body))
}

/// The newest checkpoint of a book's log (C2SP tlog-checkpoint), with the cosignatures of witnesses.
#[utoipa::path(tag = "log", params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1)),
    responses((status = 200, description = "The signed note", body = String, content_type = "text/plain"), OpenProblems))]
#[get("/log/{book}/checkpoint")]
pub(super) async fn read_checkpoint(house: web::Data<House>, book: web::Path<i16>) -> Result<HttpResponse, Problem> {
    log::checkpoint(&house, *book, CheckpointAt::Newest).await
}

/// The checkpoint over so many entries.
#[utoipa::path(tag = "log",
    params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1), ("size" = i64, Path, minimum = 1)),
    responses((status = 200, description = "The signed note", body = String, content_type = "text/plain"), OpenProblems))]
#[get("/log/{book}/checkpoints/{size}")]
pub(super) async fn read_checkpoint_of_size(
    house: web::Data<House>,
    path: web::Path<(i16, i64)>,
) -> Result<HttpResponse, Problem> {
    let (book, size) = path.into_inner();
    log::checkpoint(&house, book, CheckpointAt::Size(size)).await
}

/// Keeps a witness's cosignature of a checkpoint: its signature line (C2SP tlog-cosignature).
#[utoipa::path(tag = "log",
    params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1), ("size" = i64, Path, minimum = 1)),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 204, description = "It is kept"), WriteProblems))]
#[post("/log/{book}/checkpoints/{size}/cosignatures")]
pub(super) async fn add_cosignature(
    request: HttpRequest,
    house: web::Data<House>,
    path: web::Path<(i16, i64)>,
    line: web::Bytes,
) -> Result<HttpResponse, Problem> {
    if !is_of_type(&request, "text/plain") {
        return Err(Problem::new(&kinds::MEDIA_TYPE, "the body is read as text/plain"));
    }
    let (book, size) = path.into_inner();
    let line = std::str::from_utf8(&line).map_err(|error| Problem::new(&kinds::MALFORMED, error.to_string()))?;
    house.clearing.book(BookId::new(book))?.add_cosignature(house.logs.witnesses(), size, line).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A tile of a book's log: 256 hashes, or fewer where the path ends in `.p/` and how many (C2SP tlog-tiles).
#[utoipa::path(tag = "log",
    params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1), ("tile" = String, Path, example = "0/000.p/1")),
    responses((status = 200, description = "The hashes", content_type = "application/octet-stream", body = [u8]),
        OpenProblems))]
#[get("/log/{book}/tile/{tile:.*}")]
pub(super) async fn read_tile(
    house: web::Data<House>,
    path: web::Path<(i16, String)>,
) -> Result<HttpResponse, Problem> {
    let tile = log::parse_tile(&path.1)?;
    if tile.is_of_entries() {
        return Err(Problem::new(&kinds::NOT_FOUND, "entries are for auditors"));
    }
    log::tile(&house, path.0, tile, log::Kept::ByAnybody).await
}
