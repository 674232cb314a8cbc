//! `teranga screening`: lists of sanctions from files that are too large or too regular for a person at a browser.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use onboarding::screening::{ListFormat, ListLoad, ListName, ListVersion, Removals};
use platform::clock::Clock;

use super::{Failure, say, until_told};
use crate::configuration::Configuration;
use crate::house::OpenHouse;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Load a list in its publisher's own form: whole or not at all.
    Load {
        /// The file.
        file: PathBuf,
        /// The list's short name, such as un or ofac-sdn.
        #[arg(long, value_parser = ListName::try_new)]
        list: ListName,
        /// How it is written.
        #[arg(long)]
        format: Format,
        /// How many entries the file may leave out that the list has; needed when it is more than one of ten.
        #[arg(long)]
        removing: Option<usize>,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Format {
    /// The United Nations' consolidated list.
    UnXml,
    /// The United States Treasury's sdn.xml.
    OfacXml,
    /// The European Union's consolidated list.
    EuXml,
    /// A targets.simple.csv of OpenSanctions.
    OpensanctionsCsv,
}

impl From<Format> for ListFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::UnXml => Self::UnXml,
            Format::OfacXml => Self::OfacXml,
            Format::EuXml => Self::EuXml,
            Format::OpensanctionsCsv => Self::OpensanctionsCsv,
        }
    }
}

pub(super) async fn run(configuration: Configuration, command: Command) -> Result<ExitCode, Failure> {
    let Command::Load { file, list, format, removing } = command;
    let removals = removing.map_or(Removals::AFew, Removals::UpTo);
    let file = File::open(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let open = OpenHouse::open(configuration, Clock::system()).await?;
    let loaded = tokio::select! {
        loaded = open.house.screening.load_list(&list, format.into(), file, removals, None) => loaded.map_err(Failure::from),
        told = until_told() => Err(told.map_or_else(Failure::from, |()| "the load was cut off; nothing was taken".into())),
    };
    open.close().await;
    match loaded? {
        ListLoad::Loaded(ListVersion { version, entries, added, changed, removed, .. }) => {
            say(&format!("version {version}: {entries} entries, {added} new, {changed} changed, {removed} left out"));
        }
        ListLoad::Unchanged(ListVersion { version, .. }) => {
            say(&format!("the list says this already, since version {version}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
