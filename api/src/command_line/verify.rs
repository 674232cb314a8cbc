//! Verification by the command line: of the books in the database, or of an export without it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ledger::{Believed, Verification, verify_export};
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
}

/// Verifies, and prints each check.
pub(super) async fn run(configuration: Configuration, options: Options) -> Result<ExitCode, Failure> {
    let bar = indicatif::ProgressBar::new(0);
    let progress = |done: i64, of: i64| {
        bar.set_length(of.unsigned_abs());
        bar.set_position(done.unsigned_abs());
    };
    let verified = match &options.export {
        Some(path) => export(path, &options, progress),
        None => books(configuration, &options.log_keys, progress).await,
    };
    bar.finish_and_clear();
    let verification = verified?;
    for check in &verification.checks {
        match &check.difference {
            None => say(&format!("holds   {}", check.name)),
            Some(difference) => say(&format!("DIFFERS {}: {difference}", check.name)),
        }
    }
    let Verification { entries, postings, checkpoints, .. } = &verification;
    say(&format!("{entries} entries, {postings} postings, {checkpoints} checkpoints"));
    Ok(if verification.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn export(path: &Path, options: &Options, progress: impl FnMut(i64, i64)) -> Result<Verification, Failure> {
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
