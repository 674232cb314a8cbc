//! What is printed: the rows with both figures, and for each contender what its limit was.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::goals::{Contender, Row, wanted};
use crate::measure::Sample;
use crate::quantity::{Grouped, Hundredths, median, nanoseconds};
use crate::workload::WALLETS;
use crate::{LedgerOptions, machine};

/// Runs below which medians mean little.
const FEWEST_RUNS: u32 = 5;

/// The runs that count, by contender and in order.
#[derive(Default)]
pub struct Results(BTreeMap<Contender, Vec<Sample>>);

impl Results {
    pub fn add(&mut self, contender: Contender, sample: Sample) {
        self.0.entry(contender).or_default().push(sample);
    }

    fn of(&self, contender: Contender) -> &[Sample] {
        self.0.get(&contender).map_or(&[], Vec::as_slice)
    }

    fn rate(&self, contender: Contender) -> u64 {
        median(self.of(contender).iter().map(|sample| sample.tally.rate()).collect())
    }

    /// The rates of both in each round.
    fn pairs(&self, one: Contender, other: Contender) -> impl Iterator<Item = (u64, u64)> {
        let rates = |contender| self.of(contender).iter().map(|sample: &Sample| sample.tally.rate());
        rates(one).zip(rates(other))
    }

    /// The run of median rate, or the one just below.
    fn typical(&self, contender: Contender) -> Option<&Sample> {
        let mut samples: Vec<&Sample> = self.of(contender).iter().collect();
        samples.sort_by_key(|sample| sample.tally.rate());
        samples.get(samples.len().saturating_sub(1) / 2).copied()
    }
}

/// What was measured on what.
pub fn head(machine: &str, settings: &str, options: &LedgerOptions) {
    let LedgerOptions { entries, runs, seconds, .. } = options;
    println!("machine     {machine}");
    println!("PostgreSQL  {settings}");
    println!("books       {} wallets, {} entries of two postings each", Grouped(WALLETS as u64), Grouped(*entries));
    println!("runs        {runs} of {seconds} s for each contender, in alternating order; medians");
    if *runs < FEWEST_RUNS || *entries < 1_000_000 {
        println!("            fewer or smaller than the published figures: for a look only");
    }
    println!();
}

/// What happens, for those who wait.
pub fn progress(what: &str) {
    eprintln!("{what}");
}

/// The rows: both figures, their ratio with its range over the rounds, the goal.
pub fn rows(numbers: &[u8], results: &Results) {
    println!(
        "{:<4}{:<32}{:>10}  {:<32}{:>10}  {:>8}  {:<16}  {:<18}holds",
        "row", "what", "per s", "against", "per s", "ratio", "range", "goal"
    );
    for Row { number, subject, against, goal } in wanted(numbers) {
        let ratios: Vec<Hundredths> =
            results.pairs(*subject, *against).map(|(one, other)| goal.ratio(one, other)).collect();
        let range = match (ratios.iter().min(), ratios.iter().max()) {
            (Some(least), Some(most)) => format!("{least} - {most}"),
            _ => String::new(),
        };
        let (one, other) = (results.rate(*subject), results.rate(*against));
        let ratio = goal.ratio(one, other);
        let holds = if goal.holds(ratio) { "yes" } else { "no" };
        println!(
            "{number:<4}{subject:<32}{:>10}  {against:<32}{:>10}  {:>8}  {range:<16}  {goal:<18}{holds}",
            Grouped(one),
            Grouped(other),
            format!("{ratio}x"),
        );
    }
    println!();
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
    let Sample { tally, processors, waits, wal_bytes } = sample;
    let each = |time: Duration| Hundredths::ratio(nanoseconds(time), tally.done.saturating_mul(1_000));
    let batches = tally.batches.map_or(String::new(), |batches| {
        format!("; {} a transaction", Grouped(tally.done.checked_div(batches).unwrap_or(0)))
    });
    format!(
        "us of processor each: backends {}, other PostgreSQL {}, ours {}, others' work {}; WAL {} bytes each; \
         backends on average: {} running, {} in WAL, {} in row locks, {} in other waits{batches}",
        each(processors.backends),
        each(processors.other_postgres),
        each(processors.ours),
        each(processors.strangers),
        Grouped(wal_bytes.checked_div(tally.done).unwrap_or(0)),
        waits.running(),
        waits.wal(),
        waits.row_locks(),
        waits.other(),
    )
}
