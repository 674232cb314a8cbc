//! Exports by the command line: one file, a pack of a period, the difference of two packs, a sample.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use futures_util::TryStreamExt;
use ledger::{AccountCode, Currency, Draw, EntryDifference, Export, Extent, Format, Sequence, Which, diff_packs};
use platform::clock::Clock;
use uuid::Uuid;

use super::{Failure, say};
use crate::configuration::Configuration;
use crate::house::{House, OpenHouse};

/// What is asked of exports.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Write one file: journal.hledger, journal.ledger, journal.beancount, gl_detail.csv, trial_balance.csv,
    /// chart_of_accounts.csv, journal.jsonl, postings.parquet, accounts.jsonl or log.jsonl.
    File {
        /// The file's name, which says its format.
        name: String,
        #[command(flatten)]
        which: Entries,
        /// Where to write it; standard output when left out.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Write the statement of one account as camt.053.001.08.
    Statement {
        /// The account's code, as exports show it.
        account: AccountCode,
        /// ISO 4217.
        currency: Currency,
        #[command(flatten)]
        which: Entries,
        /// Where to write it; standard output when left out.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Write a period as one archive with a signed manifest; the same period gives the same bytes.
    Pack {
        #[command(flatten)]
        which: Entries,
        /// Where to write it.
        #[arg(long)]
        out: PathBuf,
    },
    /// Name every difference of two packs and the entries that caused it; exits with 1 if there is any.
    Diff {
        /// The first pack.
        first: PathBuf,
        /// The second pack.
        second: PathBuf,
    },
    /// Draw entries from a public seed, as lines of JSON.
    Sample {
        /// 32 bytes in hexadecimal that nobody could choose: the root hash of the checkpoint after the last entry.
        #[arg(long, value_parser = seed)]
        seed: [u8; 32],
        /// How many entries.
        #[arg(long)]
        size: usize,
        /// Make every minor unit that was debited in this currency as likely, instead of every entry.
        #[arg(long)]
        by_amount: Option<Currency>,
        #[command(flatten)]
        which: Entries,
    },
}

/// Which entries, and as whom people appear in them.
#[derive(Args)]
pub(super) struct Entries {
    /// The first day on which they were booked, by UTC.
    #[arg(long, requires = "to", conflicts_with_all = ["from_sequence", "to_sequence"])]
    from: Option<NaiveDate>,
    /// The last day on which they were booked; it has to be over.
    #[arg(long, requires = "from")]
    to: Option<NaiveDate>,
    /// The first entry; 1 when left out.
    #[arg(long)]
    from_sequence: Option<i64>,
    /// The last entry; the newest when left out.
    #[arg(long)]
    to_sequence: Option<i64>,
    /// The grant whose pseudonyms are used; without one the house's own.
    #[arg(long)]
    grant: Option<Uuid>,
    /// How people appear.
    #[arg(long, value_enum, default_value_t = Subjects::Pseudonyms)]
    subjects: Subjects,
}

/// How people appear.
#[derive(Clone, Copy, ValueEnum)]
enum Subjects {
    /// By pseudonyms, the same within a grant.
    Pseudonyms,
    /// By their own ids, with all metadata.
    AsTheyAre,
}

fn seed(text: &str) -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    hex::decode_to_slice(text, &mut seed).map_err(|error| format!("a seed is 64 hexadecimal digits: {error}"))?;
    Ok(seed)
}

impl Entries {
    async fn view(&self, house: &House) -> Result<Export, Failure> {
        let extent = match (self.from, self.to) {
            (Some(from), Some(to)) => house.audited.booked_on(from, to).await?,
            _ => {
                let from = self.from_sequence.map_or(Extent::WHOLE, |first| Extent::WHOLE.from(Sequence::new(first)));
                self.to_sequence.map_or(from, |last| from.through(Sequence::new(last)))
            }
        };
        let subjects = match self.subjects {
            Subjects::AsTheyAre => ledger::Subjects::AsTheyAre,
            Subjects::Pseudonyms => house.pseudonyms(self.grant.unwrap_or_default()),
        };
        Ok(house.audited.export(extent, subjects).await?)
    }
}

/// Does what is asked.
pub(super) async fn run(configuration: Configuration, command: Command) -> Result<ExitCode, Failure> {
    if let Command::Diff { first, second } = &command {
        return diff(first, second);
    }
    let open = OpenHouse::open(configuration, Clock::system()).await?;
    let done = with_house(&open, command).await;
    open.close().await;
    done?;
    Ok(ExitCode::SUCCESS)
}

async fn with_house(open: &OpenHouse, command: Command) -> Result<(), Failure> {
    let house = &open.house;
    match command {
        Command::File { name, which, out } => {
            let unknown = || format!("there is no export {name}; there are {}", names().join(", "));
            let format = Format::of_file(&name).ok_or_else(unknown)?;
            write(which.view(house).await?.stream(format), out.as_deref()).await
        }
        Command::Statement { account, currency, which, out } => {
            let export = which.view(house).await?;
            write(export.statement_camt053(&account, currency).await?, out.as_deref()).await
        }
        Command::Pack { which, out } => {
            let export = which.view(house).await?;
            let rates = house.rates.table_at(export.closed_at()).await?;
            let manifest = export.pack(&out, &rates, &house.seal).await?;
            if manifest.checkpoint.is_none() {
                say("no signed head of the log counts the last entry yet: nobody can check this pack against the log");
            }
            say(&format!(
                "entries {} through {}: {} entries, {} postings, {} files",
                manifest.first_sequence,
                manifest.last_sequence,
                manifest.entries,
                manifest.postings,
                manifest.files.len()
            ));
            Ok(())
        }
        Command::Sample { seed, size, by_amount, which } => {
            let draw = by_amount.map_or(Draw::Even, Draw::ByAmount);
            for sampled in which.view(house).await?.sample(seed, size, draw).await? {
                let hash = hex::encode(sampled.hash);
                say(&format!("{{\"draw\":{},\"hash\":\"{hash}\",\"entry\":{}}}", sampled.draw, sampled.line));
            }
            Ok(())
        }
        Command::Diff { .. } => Ok(()),
    }
}

fn names() -> Vec<&'static str> {
    Format::ALL.into_iter().map(Format::file_name).collect()
}

async fn write(mut pieces: ledger::Pieces, out: Option<&Path>) -> Result<(), Failure> {
    let mut target: Box<dyn Write + Send> = match out {
        Some(path) => Box::new(std::fs::File::create(path)?),
        None => Box::new(std::io::stdout()),
    };
    while let Some(piece) = pieces.try_next().await? {
        target.write_all(&piece)?;
    }
    target.flush()?;
    Ok(())
}

fn diff(first: &Path, second: &Path) -> Result<ExitCode, Failure> {
    let difference = diff_packs(first, second, |entry| match entry {
        EntryDifference::Missing { only_in, sequence, kind } => {
            let path = if only_in == Which::First { first } else { second };
            say(&format!("entry {sequence} ({kind}) is only in {}", path.display()));
        }
        EntryDifference::Changed { sequence, fields } => {
            say(&format!("entry {sequence} differs in {}", fields.join(", ")));
        }
    })?;
    for account in &difference.accounts {
        let named: Vec<String> = account.entries.iter().map(ToString::to_string).collect();
        let more = if account.entry_count > account.entries.len() as u64 { ", …" } else { "" };
        let entries = format!("{} by {} entries ({}{more})", account.by_entries, account.entry_count, named.join(", "));
        say(&format!(
            "{} {}: begins {:+}, ends {:+}; {entries}; {} unexplained",
            account.account,
            account.currency,
            account.opening,
            account.closing,
            account.unexplained()
        ));
    }
    difference.files.iter().for_each(|file| say(&format!("file {file} differs")));
    Ok(if difference.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
