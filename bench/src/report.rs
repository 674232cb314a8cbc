//! What is printed and written: the rows with both figures, and for each contender what its limit was.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::goals::{Contender, SMALL_BOOK};
use crate::measure::Sample;
use crate::plot::{self, Point, Yardstick};
use crate::quantity::{Grouped, Hundredths, nanoseconds};
use crate::results::{Line, Results};
use crate::workload::WALLETS;
use crate::{LedgerOptions, Result, machine, server};

/// Runs below which medians mean little.
const FEWEST_RUNS: u32 = 5;
/// The names of the drawings in the bench's directory.
const BATCHES_DRAWING: &str = "ledger.svg";
const GROWTH_DRAWING: &str = "growth.svg";

/// What was measured on what.
#[derive(Serialize)]
pub struct Head {
    machine: String,
    postgresql: String,
    entries: u64,
    /// To which the book of row 7 grows.
    postings: u64,
    runs: u32,
    seconds: u64,
    /// Whether it was too short or too small to be published.
    for_a_look_only: bool,
}

impl Head {
    pub fn new(machine: String, postgresql: String, options: &LedgerOptions) -> Self {
        let LedgerOptions { entries, postings, runs, seconds, .. } = *options;
        let for_a_look_only = runs < FEWEST_RUNS || entries < 1_000_000 || postings < 20_000_000;
        Self { machine, postgresql, entries, postings, runs, seconds, for_a_look_only }
    }

    pub fn print(&self) {
        let Self { machine, postgresql, entries, postings, runs, seconds, for_a_look_only } = self;
        println!("machine     {machine}");
        println!("PostgreSQL  {postgresql}");
        println!("books       {} wallets, {} entries of two postings each", Grouped(WALLETS as u64), Grouped(*entries));
        println!("            row 7: a book that grows to {} postings", Grouped(*postings));
        println!("runs        {runs} of {seconds} s for each contender, in alternating order; medians");
        println!("            who reads a whole book has read it once a run, however long that takes");
        if *for_a_look_only {
            println!("            fewer or smaller than the published figures: for a look only");
        }
        println!();
    }
}

/// What happens, for those who wait.
pub fn progress(what: &str) {
    eprintln!("{what}");
}

/// The rows: both figures, their ratio with its range over the rounds, the goal.
pub fn rows(lines: &[Line]) {
    println!(
        "{:<4}{:<33}{:>9}  {:<32}{:>9}  {:<12}{:>7}  {:<15}  {:<18}holds",
        "row", "what", "figure", "against", "figure", "unit", "ratio", "range", "goal"
    );
    for line in lines {
        let range = line.range.map_or(String::new(), |[least, most]| format!("{least} - {most}"));
        let holds = line.holds.map_or("-", |holds| if holds { "yes" } else { "no" });
        println!(
            "{:<4}{:<33}{:>9}  {:<32}{:>9}  {:<12}{:>7}  {range:<15}  {:<18}{holds}",
            line.row,
            line.what,
            Grouped(line.figure),
            line.against,
            Grouped(line.against_figure),
            line.unit,
            format!("{}x", line.ratio),
            line.goal,
        );
    }
    println!();
}

/// How long all of it took.
pub fn took(time: Duration) {
    println!("\nall of it took {} min {} s", time.as_secs() / 60, time.as_secs() % 60);
}

/// Draws the rate against the size of a batch.
pub fn batches(contenders: &[Contender], results: &Results) -> Result {
    let points: Vec<Point> = contenders
        .iter()
        .filter_map(|contender| match contender {
            Contender::LedgerBatches(size) => Some(Point { size: *size as u64, rate: results.rate(*contender) }),
            _ => None,
        })
        .collect();
    let yardstick = Yardstick { name: "bare set-based, 1,000 a batch", rate: results.rate(Contender::SetBased) };
    draw(BATCHES_DRAWING, "transfers a second, by how many a caller hands in at once", &points, yardstick)
}

/// Draws the rate against the size of the book.
pub fn growth(contenders: &[Contender], results: &Results) -> Result {
    let grown: Vec<(u64, u64)> = contenders
        .iter()
        .filter_map(|contender| match contender {
            Contender::GrownBook(size) => Some((*size, results.rate(*contender))),
            _ => None,
        })
        .collect();
    let Some((largest, _)) = grown.last() else { return Ok(()) };
    let small = results.rate(Contender::SmallBook(*largest));
    let points: Vec<Point> = std::iter::once((SMALL_BOOK, small))
        .chain(grown.iter().copied().filter(|(size, _)| *size > SMALL_BOOK))
        .map(|(size, rate)| Point { size, rate })
        .collect();
    let name = format!("{} postings, beside the largest", Grouped(SMALL_BOOK));
    let yardstick = Yardstick { name: &name, rate: small };
    draw(GROWTH_DRAWING, "transfers a second, by the postings in the book", &points, yardstick)
}

fn draw(name: &str, title: &str, points: &[Point], yardstick: Yardstick<'_>) -> Result {
    let directory = server::default_directory();
    fs::create_dir_all(&directory)?;
    let path = directory.join(name);
    fs::write(&path, plot::svg(title, points, yardstick))?;
    println!("\n{title}: drawn in {}", path.display());
    Ok(())
}

/// Writes all that was measured.
pub fn json(file: &Path, head: &Head, lines: &[Line], contenders: &[Contender], results: &Results) -> Result {
    #[derive(Serialize)]
    struct Written<'a> {
        #[serde(flatten)]
        head: &'a Head,
        rows: &'a [Line],
        contenders: Vec<Told>,
    }
    #[derive(Serialize)]
    struct Told {
        name: String,
        unit: String,
        figure: u64,
        limit: String,
        costs: String,
        memory_before_kib: u64,
        memory_peak_kib: u64,
    }
    let told = |contender: &Contender| {
        let sample = results.typical(*contender)?;
        Some(Told {
            name: contender.to_string(),
            unit: format!("{}/s", contender.counts()),
            figure: results.rate(*contender),
            limit: limit(sample),
            costs: costs(sample),
            memory_before_kib: sample.memory.before_kib,
            memory_peak_kib: sample.memory.peak_kib,
        })
    };
    let written = Written { head, rows: lines, contenders: contenders.iter().filter_map(told).collect() };
    let mut text = serde_json::to_vec_pretty(&written)?;
    text.push(b'\n');
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(())
}

/// For each contender its typical run: what it cost, and what kept it from being faster.
pub fn limits(contenders: &[Contender], results: &Results) {
    for &contender in contenders {
        let Some(sample) = results.typical(contender) else { continue };
        println!("{contender:<32}{}", limit(sample));
        println!("{:32}{}", "", costs(sample));
    }
}

/// Hundredths of all processor time beyond which the processors are the limit.
const SATURATED: Hundredths = Hundredths(85);
/// Hundredths of a single backend's time beyond which it is the limit.
const ALWAYS_BUSY: Hundredths = Hundredths(70);

fn limit(sample: &Sample) -> String {
    let Sample { tally, processors, waits, .. } = sample;
    let all = tally.elapsed.saturating_mul(u32::try_from(machine::cores()).unwrap_or(1));
    let used = processors.ours + processors.backends + processors.other_postgres + processors.strangers;
    let share = |part: Duration| Hundredths::of_times(part, used);
    if waits.row_locks() >= Hundredths(100) && waits.row_locks() > waits.running() {
        return format!("limit: the row's lock, for which {} backends waited on average", waits.row_locks());
    }
    if Hundredths::of_times(used, all) >= SATURATED {
        return format!(
            "limit: the processors ({} of the time used was the backends', {} ours)",
            share(processors.backends),
            share(processors.ours)
        );
    }
    if waits.wal() > waits.running() {
        return format!("limit: the disk; {} backends waited for the WAL on average", waits.wal());
    }
    if waits.running() >= ALWAYS_BUSY {
        return format!("limit: the backend's processor; {} backends ran on average", waits.running());
    }
    "limit: the way to and fro; neither processors nor disk were busy all the time".to_owned()
}

fn costs(sample: &Sample) -> String {
    let Sample { tally, processors, waits, wal_bytes, memory } = sample;
    let each = |time: Duration| Hundredths::ratio(nanoseconds(time), tally.done.saturating_mul(1_000));
    let batches = tally.batches.map_or(String::new(), |batches| {
        format!("; {} a transaction", Grouped(tally.done.checked_div(batches).unwrap_or(0)))
    });
    format!(
        "us of processor each: backends {}, other PostgreSQL {}, ours {}, others' work {}; WAL {} bytes each; \
         backends on average: {} running, {} in WAL, {} in row locks, {} in other waits, {} at once at most; \
         our memory {} KiB at most, {} more than before{batches}",
        each(processors.backends),
        each(processors.other_postgres),
        each(processors.ours),
        each(processors.strangers),
        Grouped(wal_bytes.checked_div(tally.done).unwrap_or(0)),
        waits.running(),
        waits.wal(),
        waits.row_locks(),
        waits.other(),
        waits.most(),
        Grouped(memory.peak_kib),
        Grouped(memory.peak_kib.saturating_sub(memory.before_kib)),
    )
}
