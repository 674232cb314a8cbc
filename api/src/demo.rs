//! placeholder while the demo is written
use crate::configuration::Configuration;
use std::process::ExitCode;
#[derive(clap::Args)]
pub(crate) struct Options {}
pub(crate) async fn run(_: Configuration, _: Options) -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    Ok(ExitCode::SUCCESS)
}
