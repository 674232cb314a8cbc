//! Rows one to five of the performance goals: the ledger beside its yardsticks.
//!
//! Every contender of the rows asked for runs once a round, in an order that turns round each time, so that a machine
//! that gets slower or busier on the way does not favour anybody. After each run its result is checked. One round goes
//! before those that count, so that caches and plans are warm for all.

use std::time::Duration;

use tokio_postgres::Client;

use crate::book_check::{BookCheck, BookTables};
use crate::goals::{Contender, contenders};
use crate::measure::{Meter, Sample, Tally};
use crate::posting::Posting;
use crate::quantity::Grouped;
use crate::report::{self, Results};
use crate::server::{self, Server};
use crate::workload::{Pattern, WALLETS};
use crate::yardstick::commit::BareCommit;
use crate::yardstick::naive::{self, Naive};
use crate::yardstick::set_based::{self, SetBased};
use crate::{LedgerOptions, Result, machine, yardstick};

/// Callers who post at once.
const CALLERS: u64 = 256;
/// The seed of the transfers that fill the book; the runs have the seeds after it.
const SEED: u64 = 1;
/// The length of the round that does not count.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measures and prints.
pub fn run(options: &LedgerOptions) -> Result {
    let machine = machine::describe();
    let server = Server::start(options.data_directory.as_deref(), options.binaries.as_deref())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let measured = runtime.block_on(measure(&server, options, &machine));
    // Whatever happened, the disk is given back; a failure to do so is the lesser one.
    let dropped = runtime.block_on(server.drop_database());
    measured.and(dropped)
}

async fn measure(server: &Server, options: &LedgerOptions, machine: &str) -> Result {
    server.renew_database().await?;
    let client = server.connect().await?;
    report::head(machine, &server::settings(&client).await?, options);
    let mut contest = Contest::prepare(server, client, options.entries).await?;
    let contenders = contenders(&options.rows);
    let mut results = Results::default();
    for round in 0..=options.runs {
        let mut order = contenders.clone();
        if round % 2 == 1 {
            order.reverse();
        }
        let length = if round == 0 { WARM_UP } else { Duration::from_secs(options.seconds) };
        for contender in order {
            let sample = contest.run(contender, length, SEED + 1 + u64::from(round)).await?;
            let name = if round == 0 { "warm-up".to_owned() } else { format!("run {round}") };
            report::progress(&format!("{name}: {contender}, {}/s", Grouped(sample.tally.rate())));
            if round > 0 {
                results.add(contender, sample);
            }
        }
    }
    contest.verify().await?;
    report::rows(&options.rows, &results);
    report::limits(&contenders, &results);
    Ok(())
}

/// All contenders, and what their books held when they were checked last.
struct Contest {
    client: Client,
    meter: Meter,
    posting: Posting,
    naive: Naive,
    set_based: SetBased,
    bare_commit: BareCommit,
    ledger_book: BookCheck,
    naive_book: BookCheck,
    set_based_book: BookCheck,
    commits: u64,
}

impl Contest {
    async fn prepare(server: &Server, client: Client, entries: u64) -> Result<Self> {
        report::progress(&format!(
            "filling the books: {} wallets, {} entries",
            Grouped(u64::try_from(WALLETS)?),
            Grouped(entries)
        ));
        let posting = Posting::open(server.database()?).await?;
        posting.fill(entries, SEED).await?;
        yardstick::create_schema(&client).await?;
        let naive = Naive::prepare(server, &client).await?;
        let set_based = SetBased::prepare(server, &client).await?;
        let bare_commit = BareCommit::prepare(server, &client).await?;
        // Each alone: neither may stand in a transaction.
        client.batch_execute("vacuum analyze").await?;
        client.batch_execute("checkpoint").await?;
        let ledger_book = BookCheck::begin(&client, BookTables::of_ledger()).await?;
        let naive_book = BookCheck::begin(&client, BookTables::of_yardstick(naive::PREFIX)).await?;
        let set_based_book = BookCheck::begin(&client, BookTables::of_yardstick(set_based::PREFIX)).await?;
        let meter = Meter::new(server.connect().await?, server.process_id());
        Ok(Self {
            client,
            meter,
            posting,
            naive,
            set_based,
            bare_commit,
            ledger_book,
            naive_book,
            set_based_book,
            commits: 0,
        })
    }

    /// Lets a contender run, and checks what it left.
    async fn run(&mut self, contender: Contender, length: Duration, seed: u64) -> Result<Sample> {
        let posting = &self.posting;
        let sample = match contender {
            Contender::Ledger(pattern) => self.meter.measure(posting.run(CALLERS, pattern, length, seed)).await,
            Contender::LedgerAlone => self.meter.measure(posting.run(1, Pattern::Uniform, length, seed)).await,
            Contender::Naive(pattern) => self.meter.measure(self.naive.run(pattern, length, seed)).await,
            Contender::SetBased => self.meter.measure(self.set_based.run(Pattern::Uniform, length, seed)).await,
            Contender::BareCommit => self.meter.measure(self.bare_commit.run(length)).await,
        }?;
        let Tally { done, .. } = sample.tally;
        match contender {
            Contender::Ledger(_) | Contender::LedgerAlone => self.ledger_book.check(&self.client, done).await?,
            Contender::Naive(_) => self.naive_book.check(&self.client, done).await?,
            Contender::SetBased => self.set_based_book.check(&self.client, done).await?,
            Contender::BareCommit => {
                self.commits += done;
                let count = self.bare_commit.count().await?;
                if count != self.commits {
                    return Err(format!("{} rows were committed and {count} are there", self.commits).into());
                }
            }
        }
        Ok(sample)
    }

    /// Recomputes the ledger's whole book, as an auditor would.
    async fn verify(&self) -> Result {
        report::progress("verifying the ledger's whole book");
        let verification = self.posting.ledger().verify(|_, _| {}).await?;
        match verification.first_difference() {
            Some(difference) => Err(format!("the ledger's book is wrong: {difference}").into()),
            None => Ok(()),
        }
    }
}
