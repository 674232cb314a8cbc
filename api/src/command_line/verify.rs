//! Verification by the command line: of the books in the database, or of an export without it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::SecondsFormat;
use clap::Args;
use ledger::{Believed, CheckedExport, Verification, verify_export};
use platform::clock::Clock;

use super::{Failure, say};
use crate::configuration::Configuration;
use crate::house::OpenHouse;

/// What is verified, and whom to believe.
#[derive(Args)]
pub(super) struct Options {
    /// A public key of a book's log, kept from elsewhere; the heads of the log must be signed by one of them. For the
    /// books in the database, those that the books publish are believed when none is named.
    #[arg(long = "log-key")]
    log_keys: Vec<String>,
    /// A pack, or the directory that it was unpacked into: nothing else is opened, no database and no connection.
    #[arg(long)]
    export: Option<PathBuf>,
    /// The public key of the house's exports (manifest.pub.pem), kept from elsewhere; without one that in the export is
    /// taken.
    #[arg(long, requires = "export")]
    export_key: Option<PathBuf>,
    /// Fail unless the export has every entry, from the first one to the last that its signed head counts.
    #[arg(long, requires = "export")]
    whole: bool,
}

/// What was verified.
enum Verified {
    Books(Verification),
    Export(CheckedExport),
}

/// Verifies, and prints each check.
pub(super) async fn run(configuration: Configuration, options: Options) -> Result<ExitCode, Failure> {
    let bar = indicatif::ProgressBar::new(0);
    let progress = |done: i64, of: i64| {
        bar.set_length(of.unsigned_abs());
        bar.set_position(done.unsigned_abs());
    };
    let verified = match &options.export {
        Some(path) => export(path, &options, progress).map(Verified::Export),
        None => books(configuration, &options.log_keys, progress).await.map(Verified::Books),
    };
    bar.finish_and_clear();
    let verified = verified?;
    let (Verified::Books(verification) | Verified::Export(CheckedExport { verification, .. })) = &verified;
    for check in &verification.checks {
        match &check.difference {
            None => say(&format!("holds   {}", check.name)),
            Some(difference) => say(&format!("DIFFERS {}: {difference}", check.name)),
        }
    }
    let Verification { entries, postings, checkpoints, .. } = verification;
    say(&format!("{entries} entries, {postings} postings, {checkpoints} checkpoints"));
    let mut holds = verification.holds();
    if let Verified::Export(export) = &verified {
        say(&extent(export));
        if options.whole && !export.is_whole() {
            say("DIFFERS the export has every entry that its signed head counts");
            holds = false;
        }
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How much of the book an export is: a part can be right in all it says, and yet not be what was asked for.
fn extent(export: &CheckedExport) -> String {
    let CheckedExport { book, first_sequence: first, last_sequence: last, .. } = export;
    let part = match export.signed_size {
        Some(_) if export.is_whole() => "the whole",
        Some(_) => "a part",
        None => "what may be a part",
    };
    let booked = export.last_booked_at.map_or_else(
        || "nothing is booked".to_owned(),
        |time| format!("the last one booked at {}", time.to_rfc3339_opts(SecondsFormat::Micros, true)),
    );
    let head = export.signed_size.map_or_else(
        || "no head that is believed is signed".to_owned(),
        |size| format!("the signed head counts {size}"),
    );
    format!("{part} of book {}: entries {first} through {last}, {booked}; {head}", book.number())
}

fn export(path: &Path, options: &Options, progress: impl FnMut(i64, i64)) -> Result<CheckedExport, Failure> {
    let manifest_key = match &options.export_key {
        None => None,
        Some(key) => Some(std::fs::read_to_string(key).map_err(|error| format!("{}: {error}", key.display()))?),
    };
    let believed = Believed { log_keys: options.log_keys.clone(), manifest_key };
    Ok(verify_export(path, &believed, progress)?)
}

async fn books(
    configuration: Configuration,
    log_keys: &[String],
    progress: impl FnMut(i64, i64) + Send,
) -> Result<Verification, Failure> {
    let open = OpenHouse::open(configuration, Clock::system()).await?;
    let verified = open.house.verify(&open.house.clearing, log_keys, progress).await;
    open.close().await;
    Ok(verified.map_err(|problem| problem.to_string())?)
}
