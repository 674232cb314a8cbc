//! The table of loads.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::reading::{Identity, Place};
use super::{LoadError, LoadFile};
use crate::Ledger;
use crate::schema::loads;

/// Where a load stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Begun {
    /// Where an earlier run was cut off, with what it had counted.
    pub(super) reached: Option<Reached>,
}

/// How far a file is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    pub(super) place: Place,
    pub(super) booked: u64,
    pub(super) refused: u64,
}

type Row = (String, Option<chrono::DateTime<chrono::Utc>>, i64, i64, i64, i64);

/// Notes that the file is being loaded; answers where an earlier run was cut off.
pub(super) async fn begin(ledger: &Ledger, file: &LoadFile, identity: &Identity) -> Result<Begun, LoadError> {
    let mut connection = ledger.database.connection().await?;
    let now = ledger.now();
    diesel::insert_into(loads::table)
        .values((
            loads::book_id.eq(ledger.book.number()),
            loads::file_sha256.eq(&identity.sha256[..]),
            loads::source.eq(file.source.as_str()),
            loads::started_at.eq(now),
            loads::updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(&mut connection)
        .await?;
    let (source, finished_at, byte, line, booked, refused): Row = loads::table
        .find((ledger.book.number(), &identity.sha256[..]))
        .select((
            loads::source,
            loads::finished_at,
            loads::reached_byte,
            loads::reached_line,
            loads::booked,
            loads::refused,
        ))
        .first(&mut connection)
        .await?;
    if source != file.source.as_str() {
        return Err(LoadError::LoadedAs { source_name: source });
    }
    // A file that was read to its end is read again from the start: what was refused may be accepted now.
    let cut_off = finished_at.is_none() && byte > 0;
    let reached = cut_off.then(|| Reached {
        place: Place { byte: byte.unsigned_abs(), line: line.unsigned_abs() },
        booked: booked.unsigned_abs(),
        refused: refused.unsigned_abs(),
    });
    Ok(Begun { reached })
}

/// Whether the file is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Ahead,
    Reached,
}

/// Keeps how far the file is answered.
pub(super) async fn keep(ledger: &Ledger, identity: &Identity, reached: Reached, end: End) -> Result<(), LoadError> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let now = ledger.now();
    let mut connection = ledger.database.connection().await?;
    diesel::update(loads::table.find((ledger.book.number(), &identity.sha256[..])))
        .set((
            loads::updated_at.eq(now),
            loads::finished_at.eq((end == End::Reached).then_some(now)),
            loads::reached_byte.eq(number(reached.place.byte)),
            loads::reached_line.eq(number(reached.place.line)),
            loads::booked.eq(number(reached.booked)),
            loads::refused.eq(number(reached.refused)),
        ))
        .execute(&mut connection)
        .await?;
    Ok(())
}
