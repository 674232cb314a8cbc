//! The rows of the performance goals: the ledger beside its yardsticks.
//!
//! The contenders of the rows asked for run in phases: those who read the book as it was filled, those who write, and
//! those who ask for the past. Within a phase every contender runs once a round, in an order that turns round each
//! time, so that a machine that gets slower or busier on the way does not favour anybody. After each run its result is
//! checked. One round goes before those that count, so that caches and plans are warm for all.

use std::time::Duration;

use ledger::{BookId, Ledger};
use platform::clock::Clock;
use tokio_postgres::Client;

use crate::goals::{CURVE_ROW, Contender, DISK_ROW, Phase, contenders};
use crate::measure::{Meter, Sample};
use crate::past::Past;
use crate::posting::Posting;
use crate::quantity::Grouped;
use crate::reading::Reading;
use crate::report::{self, Head};
use crate::results::Results;
use crate::server::{self, Server};
use crate::workload::WALLETS;
use crate::writing::Writing;
use crate::{LedgerOptions, Result, machine};

/// The seed of the transfers that fill the book; the runs have the seeds after it.
const SEED: u64 = 1;
/// The length of the round that does not count.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures and prints.
pub fn run(options: &LedgerOptions) -> Result {
    let machine = machine::describe();
    let server = Server::start(options.data_directory.as_deref(), options.binaries.as_deref())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let measured = runtime.block_on(measure(&server, options, machine));
    // Whatever happened, the disk is given back; a failure to do so is the lesser one.
    let dropped = runtime.block_on(server.drop_database());
    measured.and(dropped)
}

async fn measure(server: &Server, options: &LedgerOptions, machine: String) -> Result {
    server.renew_database().await?;
    let client = server.connect().await?;
    let head = Head::new(machine, server::settings(&client).await?, options);
    head.print();
    let meter = Meter::new(server.connect().await?, server.process_id());
    let contenders = contenders(&options.rows);
    let mut rounds = Rounds { options, contenders: &contenders, results: Results::default() };
    if options.rows.contains(&DISK_ROW) || rounds.has(Phase::Reading) || rounds.has(Phase::Writing) {
        first_book(server, client, &meter, &mut rounds).await?;
    }
    if rounds.has(Phase::Past) {
        report::progress(&format!("filling a year in which one wallet has {} postings", Grouped(options.entries)));
        let past = Past::prepare(server, &meter, options.entries, SEED).await?;
        rounds.go(Phase::Past, async |contender, length, seed| past.run(contender, length, seed).await).await?;
        verify(past.ledger()).await?;
    }
    let Rounds { results, .. } = rounds;
    let lines = results.lines(&options.rows);
    report::rows(&lines);
    report::limits(&contenders, &results);
    if options.rows.contains(&CURVE_ROW) {
        report::curve(&contenders, &results)?;
    }
    match &options.json {
        Some(file) => report::json(file, &head, &lines, &contenders, &results),
        None => Ok(()),
    }
}

/// The rows that speak of one and the same book: filled, looked at on disk, read, written, verified.
async fn first_book(server: &Server, client: Client, meter: &Meter, rounds: &mut Rounds<'_>) -> Result {
    let options = rounds.options;
    report::progress(&format!(
        "filling the books: {} wallets, {} entries",
        Grouped(u64::try_from(WALLETS)?),
        Grouped(options.entries)
    ));
    let posting = Posting::open(server.database()?, BookId::FIRST, Clock::system()).await?;
    posting.fill(options.entries, SEED).await?;
    server.settle().await?;
    if options.rows.contains(&DISK_ROW) {
        rounds.results.add_bytes_each(bytes_each(&client).await?);
    }
    if rounds.has(Phase::Reading) {
        let reading = Reading::prepare(meter, posting.ledger(), client).await?;
        rounds.go(Phase::Reading, async |contender, _, _| reading.run(contender).await).await?;
    }
    if rounds.has(Phase::Writing) {
        let mut writing = Writing::prepare(server, meter, &posting).await?;
        rounds.go(Phase::Writing, async |contender, length, seed| writing.run(contender, length, seed).await).await?;
    }
    verify(posting.ledger()).await
}

/// Bytes on disk of an entry with its postings and all indexes.
async fn bytes_each(client: &Client) -> Result<u64> {
    const TEXT: &str = "select (pg_total_relation_size('ledger.entries') + pg_total_relation_size('ledger.postings'))
            / greatest(count(*), 1)
        from ledger.entries";
    Ok(u64::try_from(client.query_one(TEXT, &[]).await?.get::<_, i64>(0))?)
}

/// Recomputes a whole book, as an auditor would.
async fn verify(ledger: &Ledger) -> Result {
    report::progress("verifying the whole book");
    let verification = ledger.verify(|_, _| {}).await?;
    match verification.first_difference() {
        Some(difference) => Err(format!("the ledger's book is wrong: {difference}").into()),
        None => Ok(()),
    }
}

/// All who run, and what came of it.
struct Rounds<'a> {
    options: &'a LedgerOptions,
    contenders: &'a [Contender],
    results: Results,
}

impl Rounds<'_> {
    fn has(&self, phase: Phase) -> bool {
        self.contenders.iter().any(|contender| contender.phase() == phase)
    }

    /// Lets those of a phase take turns.
    async fn go(
        &mut self,
        phase: Phase,
        mut run: impl AsyncFnMut(Contender, Duration, u64) -> Result<Sample>,
    ) -> Result {
        for round in 0..=self.options.runs {
            let mut order: Vec<_> =
                self.contenders.iter().copied().filter(|contender| contender.phase() == phase).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            let length = if round == 0 { WARM_UP } else { Duration::from_secs(self.options.seconds) };
            for contender in order {
                let sample = run(contender, length, SEED + 1 + u64::from(round)).await?;
                let name = if round == 0 { "warm-up".to_owned() } else { format!("run {round}") };
                let (rate, unit) = (Grouped(sample.tally.rate()), contender.counts());
                report::progress(&format!("{name}: {contender}, {rate} {unit}/s"));
                if round > 0 {
                    self.results.add(contender, sample);
                }
            }
        }
        Ok(())
    }
}
