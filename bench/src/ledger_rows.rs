//! The rows of the performance goals: the ledger beside its yardsticks.
//!
//! The contenders of the rows asked for run in phases: those who read the book as it was filled, those who write, and
//! those who ask for the past, and those who write in a book that grows; the starts come last. Within a phase every contender runs once a round, in an order that turns round each
//! time, so that a machine that gets slower or busier on the way does not favour anybody. After each run its result is
//! checked. One round goes before those that count, so that caches and plans are warm for all.

use std::time::{Duration, Instant};

use ledger::{BookId, Ledger};
use platform::clock::Clock;
use tokio_postgres::Client;

use crate::goals::{CURVE_ROW, Contender, DISK_ROW, GROWTH_ROW, Phase, Row, START_ROW, contenders, stages, wanted};
use crate::growth::Growth;
use crate::measure::{Meter, Sample};
use crate::past::Past;
use crate::posting::Posting;
use crate::quantity::Grouped;
use crate::reading::Reading;
use crate::remitting::Remitting;
use crate::report::{self, Head};
use crate::results::Results;
use crate::server::{self, Base, Server};
use crate::starting::Starting;
use crate::workload::WALLETS;
use crate::writing::Writing;
use crate::{LedgerOptions, Result, machine};

/// The seed of the transfers that fill the book; the runs have the seeds after it.
const SEED: u64 = 1;
/// Where the seed of a stage of growth begins, beyond those of the runs.
const SEED_OF_STAGE: u32 = 20;
/// The length of the round that does not count.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures and prints.
pub fn run(options: &LedgerOptions) -> Result {
    let began = Instant::now();
    let machine = machine::describe();
    let start = || Server::start(options.data_directory.as_deref(), options.binaries.as_deref());
    let server = start()?;
    let runtime = tokio::runtime::Runtime::new()?;
    platform::tls::install_provider();
    let rows = wanted(&options.rows, options.postings);
    let contenders = contenders(&rows);
    let mut rounds = Rounds { options, contenders: &contenders, results: Results::default() };
    let measured = runtime.block_on(measure(&server, &mut rounds, machine));
    // PostgreSQL is stopped before anybody starts it: the starts are the last to be measured.
    drop(server);
    let measured = measured.and_then(|(head, starting)| {
        if let Some(starting) = starting {
            runtime.block_on(start_all(&starting, &mut rounds))?;
        }
        Ok(head)
    });
    // Whatever happened, the disk is given back; a failure to do so is the lesser one.
    let dropped = start().and_then(|server| runtime.block_on(server.drop_all()));
    let head = measured?;
    tell(options, &head, &rows, &rounds)?;
    report::took(began.elapsed());
    dropped
}

fn tell(options: &LedgerOptions, head: &Head, rows: &[Row], rounds: &Rounds<'_>) -> Result {
    let Rounds { contenders, results, .. } = rounds;
    let lines = results.lines(rows);
    report::rows(&lines);
    report::limits(contenders, results);
    if options.rows.contains(&CURVE_ROW) {
        report::batches(contenders, results)?;
    }
    if options.rows.contains(&GROWTH_ROW) {
        report::growth(contenders, results)?;
    }
    match &options.json {
        Some(file) => report::json(file, head, &lines, contenders, results),
        None => Ok(()),
    }
}

/// All that is measured while PostgreSQL runs, and what is needed to start it afterwards.
async fn measure(server: &Server, rounds: &mut Rounds<'_>, machine: String) -> Result<(Head, Option<Starting>)> {
    let options = rounds.options;
    server.drop_all().await?;
    server.renew(Base::First).await?;
    let beside = server.connect_beside().await?;
    let head = Head::new(machine, server::settings(&beside).await?, options);
    head.print();
    let meter = Meter::new(beside, server.process_id());
    let has_row = |row| options.rows.contains(&row);
    if [DISK_ROW, START_ROW].into_iter().any(has_row) || rounds.has(Phase::Reading) || rounds.has(Phase::Writing) {
        first_book(server, &meter, rounds).await?;
    }
    if rounds.has(Phase::Past) {
        report::progress(&format!("filling a year in which one wallet has {} postings", Grouped(options.entries)));
        let past = Past::prepare(server, &meter, options.entries, SEED).await?;
        rounds.go(Phase::Past, async |contender, length, seed| past.run(contender, length, seed).await).await?;
        verify(past.ledger()).await?;
    }
    server.drop(Base::First).await?;
    if has_row(GROWTH_ROW) {
        growing_book(server, &meter, rounds).await?;
    }
    let starting = if has_row(START_ROW) { Some(Starting::prepare(server).await?) } else { None };
    Ok((head, starting))
}

/// The rows that speak of one and the same book: filled, looked at on disk, read, written, verified.
async fn first_book(server: &Server, meter: &Meter, rounds: &mut Rounds<'_>) -> Result {
    let options = rounds.options;
    report::progress(&format!(
        "filling the books: {} wallets, {} entries",
        Grouped(u64::try_from(WALLETS)?),
        Grouped(options.entries)
    ));
    let open = async || Posting::open(server.database(Base::First)?, BookId::FIRST, Clock::system()).await;
    let posting = open().await?;
    posting.fill(options.entries, SEED).await?;
    posting.close().await;
    server.settle(Base::First).await?;
    if options.rows.contains(&START_ROW) || rounds.contenders.contains(&Contender::Remittances) {
        server.copy(Base::First, Base::Served).await?;
    }
    let posting = open().await?;
    let client = server.connect().await?;
    if options.rows.contains(&DISK_ROW) {
        rounds.results.add_bytes_each(bytes_each(&client).await?);
    }
    if rounds.has(Phase::Reading) {
        let reading = Reading::prepare(meter, posting.ledger(), client).await?;
        rounds.go(Phase::Reading, async |contender, _, _| reading.run(contender).await).await?;
    }
    if rounds.has(Phase::Writing) {
        let remitting = if rounds.contenders.contains(&Contender::Remittances) {
            report::progress("starting the house and letting senders in");
            Some(Remitting::prepare(server, meter).await?)
        } else {
            None
        };
        let mut writing = Writing::prepare(server, meter, &posting, remitting).await?;
        rounds.go(Phase::Writing, async |contender, length, seed| writing.run(contender, length, seed).await).await?;
        writing.finish().await?;
    }
    verify(posting.ledger()).await?;
    if rounds.contenders.contains(&Contender::Remittances) {
        let served = Posting::open(server.database(Base::Served)?, BookId::FIRST, Clock::system()).await?;
        verify(served.ledger()).await?;
        served.close().await;
    }
    Ok(())
}

/// The row whose book grows from stage to stage.
async fn growing_book(server: &Server, meter: &Meter, rounds: &mut Rounds<'_>) -> Result {
    let growth = Growth::prepare(server, meter, SEED).await?;
    for (seed, postings) in (SEED..).zip(stages(rounds.options.postings)) {
        report::progress(&format!("letting a book grow to {} postings", Grouped(postings)));
        growth.grow(postings, seed << SEED_OF_STAGE).await?;
        let phase = Phase::Growing(postings);
        rounds.go(phase, async |contender, length, seed| growth.run(contender, length, seed).await).await?;
    }
    verify(growth.ledger()).await?;
    drop(growth);
    for base in [Base::Seed, Base::Small, Base::Grown] {
        server.drop(base).await?;
    }
    Ok(())
}

/// Starts the house and PostgreSQL, the round that does not count first.
async fn start_all(starting: &Starting, rounds: &mut Rounds<'_>) -> Result {
    for round in 0..=rounds.options.runs {
        let start = starting.run(round).await?;
        report::progress(&format!(
            "start {round}: the house {} ms, PostgreSQL alone {} ms",
            start.house.as_millis(),
            start.postgres.as_millis()
        ));
        if round > 0 {
            rounds.results.add_start(start);
        }
    }
    Ok(())
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
