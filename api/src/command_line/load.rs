//! `teranga load`: entries from a file into the book.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use ledger::{
    LoadFile, LoadFormat, LoadMode, LoadOutcome, LoadProgress, LoadReport, LoadSource, LoadWitness, RefusedLine, Stage,
};
use platform::clock::Clock;

use super::{Failure, say, until_told};
use crate::configuration::Configuration;
use crate::house::OpenHouse;

/// Refused lines that are printed; a file named by `--refused` has all.
const MAX_PRINTED: u64 = 20;

/// What is said when the program is told to end.
const CUT_OFF: &str = "the load was cut off; the same command goes on where it was";

/// What is loaded, and how.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The file.
    file: PathBuf,
    /// How it is written; the file's ending tells when left out.
    #[arg(long)]
    format: Option<Format>,
    /// The name that keys are derived from; the file's name when left out. Keep it when a file is loaded again.
    #[arg(long)]
    source: Option<String>,
    /// Book nothing unless the whole file would be booked.
    #[arg(long)]
    all_or_nothing: bool,
    /// A CSV file that refused lines are added to.
    #[arg(long)]
    refused: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// A posting a row.
    Csv,
    /// An entry a line, as JSON.
    Jsonl,
}

impl Options {
    fn file(&self) -> Result<LoadFile, Failure> {
        let format = match (self.format, self.file.extension().and_then(|ending| ending.to_str())) {
            (Some(Format::Csv), _) | (None, Some("csv")) => LoadFormat::Csv,
            (Some(Format::Jsonl), _) | (None, Some("jsonl" | "ndjson")) => LoadFormat::JsonLines,
            (None, _) => return Err("name the format of the file: --format csv or --format jsonl".into()),
        };
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let source = LoadSource::try_new(self.source.as_ref().unwrap_or(&name))?;
        let mode = if self.all_or_nothing { LoadMode::AllOrNothing } else { LoadMode::EntryByEntry };
        Ok(LoadFile { path: self.file.clone(), format, source, mode })
    }
}

/// Loads, reports, and fails when something was refused.
pub(super) async fn run(configuration: Configuration, options: Options) -> Result<ExitCode, Failure> {
    let file = options.file()?;
    let mut witness = Witness::try_new(options.refused.as_deref())?;
    let open = OpenHouse::open(configuration, Clock::system()).await?;
    let loaded = tokio::select! {
        loaded = open.house.ledger.load(&file, &mut witness) => loaded.map_err(Failure::from),
        told = until_told() => Err(told.map_or_else(Failure::from, |()| CUT_OFF.into())),
    };
    witness.bar.finish_and_clear();
    open.close().await;
    let report = loaded?;
    witness.tell_rest();
    tell(&report);
    let whole = report.outcome == LoadOutcome::Complete && report.refused == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(report: &LoadReport) {
    if let Some(line) = report.resumed_at_line {
        say(&format!("went on at line {line}, where an earlier run was cut off"));
    }
    if let Some((first, last)) = report.sequences {
        say(&format!("booked from sequence {} to {}", first.number(), last.number()));
    }
    match report.outcome {
        LoadOutcome::Complete => {}
        LoadOutcome::NothingBooked => say("nothing was booked"),
        LoadOutcome::Stopped => say("STOPPED: others moved the book after the check; what is named above stays booked"),
    }
    let LoadReport { booked, already_booked, refused, .. } = report;
    say(&format!("{booked} booked, {already_booked} booked before, {refused} refused"));
}

/// Shows progress and notes refused lines.
struct Witness {
    bar: ProgressBar,
    refused: Option<csv::Writer<File>>,
    count: u64,
}

impl Witness {
    fn try_new(refused: Option<&Path>) -> Result<Self, Failure> {
        let style = ProgressStyle::with_template("{prefix:8} {bar:30} {bytes:>10}/{total_bytes:10} {eta:>5} {msg}")?;
        let refused = refused.map(open).transpose()?;
        Ok(Self { bar: ProgressBar::new(0).with_style(style), refused, count: 0 })
    }

    fn tell_rest(&self) {
        if self.refused.is_none() && self.count > MAX_PRINTED {
            say(&format!("and {} more; --refused FILE keeps all", self.count - MAX_PRINTED));
        }
    }
}

/// The file of refused lines: an earlier run's lines stay.
fn open(path: &Path) -> Result<csv::Writer<File>, Failure> {
    let file = File::options().create(true).append(true).open(path)?;
    let is_new = file.metadata()?.len() == 0;
    let mut writer = csv::Writer::from_writer(file);
    if is_new {
        writer.write_record(["line", "reference", "reason", "detail"])?;
        writer.flush()?;
    }
    Ok(writer)
}

impl LoadWitness for Witness {
    fn reached(&mut self, progress: LoadProgress) {
        self.bar.set_prefix(match progress.stage {
            Stage::Checking => "checking",
            Stage::Booking => "booking",
        });
        self.bar.set_length(progress.of_bytes);
        self.bar.set_position(progress.bytes);
        self.bar.set_message(format!("{} entries, {} refused", progress.accepted, progress.refused));
    }

    fn refused(&mut self, line: &RefusedLine) -> std::io::Result<()> {
        let RefusedLine { line, reference, reason, detail } = line;
        self.count += 1;
        if self.count <= MAX_PRINTED && self.refused.is_none() {
            self.bar.suspend(|| say(&format!("line {line}: {reason}: {detail}")));
        }
        if let Some(writer) = &mut self.refused {
            let reference = reference.as_deref().unwrap_or_default();
            writer.write_record([&line.to_string(), reference, reason, detail])?;
            writer.flush()?;
        }
        Ok(())
    }
}
