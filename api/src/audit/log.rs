use actix_web::{HttpResponse, get, web};
use ledger::{CheckpointAt, EntryName, IdempotencyKey, LogEntry, Sequence};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::{View, require_book};
use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem};
use crate::wire::log;

/// Which entry is to be proven, and by which checkpoint.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EntryAndSize {
    /// The entry's place in the book; or `entry`.
    #[param(minimum = 1)]
    sequence: Option<i64>,
    /// The entry's id; or `sequence`.
    entry: Option<Uuid>,
    /// The size of the checkpoint; the newest when left out.
    #[param(minimum = 1)]
    size: Option<i64>,
}

/// From which earlier size to which checkpoint.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FromAndTo {
    /// Entries of the earlier tree.
    #[param(minimum = 1)]
    from: i64,
    /// The size of the later checkpoint; the newest when left out.
    #[param(minimum = 1)]
    to: Option<i64>,
}

/// That an entry is in the log.
#[derive(Serialize, ToSchema)]
#[schema(as = InclusionProof)]
pub(super) struct InclusionProofBody {
    /// The entry's place in the book; its index in the tree is one less.
    sequence: i64,
    /// Entries that the checkpoint counts.
    size: i64,
    /// The root of the tree, in base64.
    root: String,
    /// The entry's canonical form, in base64.
    leaf: String,
    /// The hashes from the leaf's sibling up to the root's child, in base64 (RFC 6962, 2.1.1).
    hashes: Vec<String>,
    /// The signed note.
    checkpoint: String,
    /// All of it as a text that can be handed on and checked without us (C2SP tlog-proof).
    proof: String,
}

/// That a later tree begins with all of an earlier one.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsistencyProof)]
pub(super) struct ConsistencyProofBody {
    from: i64,
    to: i64,
    /// The hashes, in base64 (RFC 6962, 2.1.2).
    hashes: Vec<String>,
    /// The later signed note.
    checkpoint: String,
    /// All of it as a text that can be handed on: what a witness is sent (C2SP tlog-witness).
    proof: String,
}

fn at(size: Option<i64>) -> CheckpointAt {
    size.map_or(CheckpointAt::Newest, CheckpointAt::Size)
}

/// The newest checkpoint of a book's log (C2SP tlog-checkpoint), with the cosignatures of witnesses.
#[utoipa::path(tag = "log", security(("token" = [])), params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1)),
    responses((status = 200, description = "The signed note", body = String, content_type = "text/plain"), ReadProblems))]
#[get("/log/{book}/checkpoint")]
pub(super) async fn read_checkpoint(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    book: web::Path<i16>,
) -> Result<HttpResponse, Problem> {
    require_book(&auditor, *book)?;
    log::checkpoint(&house, *book, CheckpointAt::Newest).await
}

/// A tile of a book's log: hashes (`0/000`), or the entries themselves (`entries/000`), as C2SP tlog-tiles has them.
#[utoipa::path(tag = "log", security(("token" = [])),
    params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1), ("tile" = String, Path, example = "entries/000.p/1")),
    responses((status = 200, description = "The hashes or entries", content_type = "application/octet-stream",
        body = [u8]), ReadProblems))]
#[get("/log/{book}/tile/{tile:.*}")]
pub(super) async fn read_tile(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    path: web::Path<(i16, String)>,
) -> Result<HttpResponse, Problem> {
    let tile = log::parse_tile(&path.1)?;
    let view = View::open(&house, &auditor, Some(path.0)).await?;
    if tile.is_of_entries() {
        view.require_all_days("a bundle of entries")?;
    }
    log::tile(&house, path.0, tile, log::Kept::ByNobody).await
}

/// Proves that an entry is among those that a checkpoint counts.
#[utoipa::path(tag = "log", security(("token" = [])),
    params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1), EntryAndSize),
    responses((status = 200, description = "The proof", body = InclusionProofBody), ReadProblems))]
#[get("/log/{book}/proofs/inclusion")]
pub(super) async fn prove_inclusion(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    book: web::Path<i16>,
    asked: web::Query<EntryAndSize>,
) -> Result<HttpResponse, Problem> {
    let name = match (asked.sequence, asked.entry) {
        (Some(sequence), None) => EntryName::Sequence(Sequence::new(sequence)),
        (None, Some(entry)) => EntryName::Key(IdempotencyKey::from_uuid(entry)),
        _ => {
            let mut faults = Faults::default();
            faults.add("sequence", "one-of-two", "name either the sequence or the entry");
            return Err(faults.problem());
        }
    };
    let view = View::open(&house, &auditor, Some(*book)).await?;
    let sequence = match name {
        EntryName::Sequence(sequence) => sequence,
        // By its id it has to be shown before anything is said of it, even that a checkpoint does not count it.
        EntryName::Key(_) => view.entry(name).await?.entry.sequence,
    };
    let proof = view.ledger.prove_inclusion(LogEntry::Sequence(sequence), at(asked.size)).await?;
    view.require_entry(proof.sequence)?;
    Ok(HttpResponse::Ok().json(InclusionProofBody {
        sequence: proof.sequence,
        size: proof.checkpoint.size,
        root: log::base64(&proof.checkpoint.root),
        leaf: log::base64(&proof.leaf),
        hashes: proof.hashes.iter().map(|hash| log::base64(hash)).collect(),
        proof: proof.to_string(),
        checkpoint: proof.checkpoint.note,
    }))
}

/// Proves that a checkpoint continues an earlier tree.
#[utoipa::path(tag = "log", security(("token" = [])),
    params(("book" = i16, Path, minimum = 1, maximum = 32767, example = 1), FromAndTo),
    responses((status = 200, description = "The proof", body = ConsistencyProofBody), ReadProblems))]
#[get("/log/{book}/proofs/consistency")]
pub(super) async fn prove_consistency(
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    book: web::Path<i16>,
    asked: web::Query<FromAndTo>,
) -> Result<HttpResponse, Problem> {
    let proof = house
        .audited_clearing
        .book(require_book(&auditor, *book)?)?
        .prove_consistency(asked.from, at(asked.to))
        .await?;
    Ok(HttpResponse::Ok().json(ConsistencyProofBody {
        from: proof.from,
        to: proof.checkpoint.size,
        hashes: proof.hashes.iter().map(|hash| log::base64(hash)).collect(),
        proof: proof.to_string(),
        checkpoint: proof.checkpoint.note,
    }))
}
