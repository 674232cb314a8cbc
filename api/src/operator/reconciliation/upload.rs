use std::fs::File;
use std::io::Seek as _;

use actix_web::web;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::problem::{Problem, kinds};

/// The largest statement or list that is taken over HTTP.
const LARGEST_FILE: u64 = 512 << 20;

/// Writes a body to a file without a name, which is gone when nobody has it open any more.
///
/// It is read twice, and may be larger than the memory that a request should have.
pub(in crate::operator) async fn to_file(mut body: web::Payload) -> Result<File, Problem> {
    let made = web::block(tempfile::tempfile).await.map_err(|error| Problem::internal(&error))?;
    let mut file = tokio::fs::File::from_std(made.map_err(|error| Problem::internal(&error))?);
    let mut written: u64 = 0;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| Problem::new(&kinds::MALFORMED, "the body did not arrive whole"))?;
        written += piece.len() as u64;
        if written > LARGEST_FILE {
            return Err(Problem::new(&kinds::TOO_LARGE, "a file has at most 512 MiB here"));
        }
        file.write_all(&piece).await.map_err(|error| Problem::internal(&error))?;
    }
    file.flush().await.map_err(|error| Problem::internal(&error))?;
    let mut file = file.into_std().await;
    file.rewind().map_err(|error| Problem::internal(&error))?;
    Ok(file)
}
