//! Measures the house beside its yardsticks: both figures, their ratio, the goal, and what the limit was.
//!
//! `cargo run --release -p bench -- ledger` runs what stands in `ledger_rows`. Nothing has to be set up: it starts a
//! PostgreSQL of its own. A goal that is missed is a result; a book that is wrong after a run is an error.

mod book_check;
mod goals;
mod growth;
mod ledger_rows;
mod machine;
mod measure;
mod past;
mod plot;
mod posting;
mod quantity;
mod reading;
mod reconciliation;
mod remitting;
mod report;
mod results;
mod screening;
mod server;
mod serving;
mod starting;
mod workload;
mod writing;
mod yardstick;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use goals::ROW_NUMBERS;

/// What everything here answers: a bench has nobody who would tell its errors apart.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Measures the house beside its yardsticks, in one run and in alternating order")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Posting, reading, verifying and exporting through the ledger, beside what PostgreSQL does of the same without it.
    Ledger(LedgerOptions),
    /// A bank's statement against as many postings: loaded, matched, and the memory that it took.
    Reconciliation(reconciliation::ReconciliationOptions),
    /// Everybody against a list that changed: how fast, and the memory that it took.
    Screening(screening::ScreeningOptions),
}

/// How long and how large; the defaults are those of the published figures.
#[derive(Args, Clone, Debug)]
struct LedgerOptions {
    /// A short look: 100,000 entries, three runs of one second, a book that grows to 2,000,000 postings. Its figures
    /// flatter.
    #[arg(long, conflicts_with_all = ["entries", "postings", "runs", "seconds"])]
    quick: bool,
    /// Entries in every book before the first run.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Postings to which the book of row 7 grows.
    #[arg(long, default_value_t = 20_000_000, value_parser = clap::value_parser!(u64).range(goals::SMALL_BOOK..))]
    postings: u64,
    /// Runs of each contender; medians are printed.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
    /// Length of each run.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Rows to measure, such as 1,2; all of them when none is named.
    #[arg(long, value_delimiter = ',', default_values_t = ROW_NUMBERS, value_parser = row_number)]
    rows: Vec<u8>,
    /// Writes all that is measured to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where the bench's own PostgreSQL lives; the bench's databases in it are made anew.
    #[arg(long)]
    data_directory: Option<PathBuf>,
    /// The directory of PostgreSQL's programs; looked for when not named.
    #[arg(long)]
    binaries: Option<PathBuf>,
}

impl LedgerOptions {
    fn settled(self) -> Self {
        if self.quick { Self { entries: 100_000, postings: 2_000_000, runs: 3, seconds: 1, ..self } } else { self }
    }
}

fn row_number(text: &str) -> std::result::Result<u8, String> {
    let number = text.parse().ok().filter(|number| ROW_NUMBERS.contains(number));
    number.ok_or_else(|| format!("rows are {ROW_NUMBERS:?}"))
}

fn main() -> ExitCode {
    // The bench starts itself once more to be the house that it measures over HTTP.
    if let Some(code) = serving::as_house() {
        return code;
    }
    let measured = match Cli::parse().command {
        Command::Ledger(options) => ledger_rows::run(&options.settled()),
        Command::Reconciliation(options) => reconciliation::run(&options),
        Command::Screening(options) => screening::run(&options.settled()),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            // The driver says only in the source of its error what the database said.
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("       {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}
