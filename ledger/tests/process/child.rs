//! The process that is started, asked and killed.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ledger::{
    BookSettings, Chart, Clearing, ClearingError, Ledger, LoadFile, LoadFormat, LoadMode, LoadProgress, LoadSource,
    LoadWitness, Money, PostError, Receipt, RefusedLine, WriterTask,
};
use platform::clock::Clock;
use platform::database::{Access, Database};
use serde_json::json;

use super::READY;
use super::errand::{Answered, BOOKS, Errand, Left, Request, Told, accounts_of, book_id};
use crate::fixture::Result;
use crate::held::{CHART, KIND, change_period, currency_of, date, key, time, unit_among};
use crate::model::Operation;

pub const NAME: &str = "process::child::a_process_that_writes_until_it_is_killed";
/// On which database it works; without it the process has nothing to do.
pub const DATABASE: &str = "TERANGA_PROCESS_DATABASE";
/// The second at which it starts.
pub const NOW: &str = "TERANGA_PROCESS_NOW";
/// PostgreSQL may be starting again when the process begins.
const OPEN_WITHIN: Duration = Duration::from_secs(60);

#[test]
#[ignore = "a process of its own, which other tests start and kill"]
fn a_process_that_writes_until_it_is_killed() -> Result {
    let (Ok(url), Ok(now)) = (std::env::var(DATABASE), std::env::var(NOW)) else { return Ok(()) };
    let wire = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let clock = Clock::fixed(time(now.parse()?));
    let (clearing, writers) = runtime.block_on(open(&url, &clock))?;
    let servant = Arc::new(Servant { clearing, clock, answers: Mutex::new(wire.try_clone()?) });
    servant.answer(READY, vec![Told::Done]);
    for line in BufReader::new(wire).lines() {
        let Request { number, now, errand } = serde_json::from_str(&line?)?;
        if matches!(errand, Errand::Leave) {
            drop(servant);
            runtime.block_on(async {
                for writer in writers {
                    writer.finished().await;
                }
            });
            return Ok(());
        }
        servant.clock.advance(time(now) - servant.clock.now());
        let servant = Arc::clone(&servant);
        runtime.spawn(async move {
            let told = servant.perform(errand).await;
            servant.answer(number, told);
        });
    }
    // Who asked is gone.
    runtime.shutdown_background();
    Ok(())
}

async fn open(url: &str, clock: &Clock) -> Result<(Clearing, Vec<WriterTask>)> {
    let database = Database::connect(&url.into(), 10, Access::Server)?;
    let (mut ledgers, mut writers) = (Vec::new(), Vec::new());
    for book in 0..BOOKS {
        let began = Instant::now();
        let (ledger, writer) = loop {
            match Ledger::open(database.clone(), settings(book, clock)?).await {
                Ok(opened) => break opened,
                Err(error) if began.elapsed() > OPEN_WITHIN => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        ledgers.push(ledger);
        writers.push(writer);
    }
    let first = ledgers.remove(0);
    Ok((Clearing::try_new(first, ledgers)?, writers))
}

/// A book of that number, by that clock.
pub fn settings(book: usize, clock: &Clock) -> Result<BookSettings> {
    let (chart, name) = (Chart::from_toml(CHART)?, format!("book {book}"));
    Ok(BookSettings { book: book_id(book), name, chart, clock: clock.clone(), observer: None })
}

struct Servant {
    clearing: Clearing,
    clock: Clock,
    answers: Mutex<UnixStream>,
}

impl Servant {
    fn answer(&self, number: u64, told: Vec<Told>) {
        let mut line = serde_json::to_vec(&Answered { number, told }).expect("an answer is JSON");
        line.push(b'\n');
        // Who does not listen any more is about to end this process.
        let _ = self.answers.lock().expect("nobody panics here").write_all(&line);
    }

    async fn perform(&self, errand: Errand) -> Vec<Told> {
        let ledger = |book: usize| &self.clearing.books()[book];
        match errand {
            Errand::Post { book, units } => post(ledger(book), book, &units).await,
            Errand::DryRun { book, key, operation } => {
                let unit = unit_among(&accounts_of(book), ledger(book), key, &operation).await;
                vec![match unit {
                    Ok(unit) => told(ledger(book).dry_run(unit).await),
                    Err(error) => not_made(&*error),
                }]
            }
            Errand::ChangePeriod { book, key, operation } => {
                vec![told(change_period(ledger(book), key, &operation).await)]
            }
            Errand::Load { book, units } => vec![done(load(ledger(book), book, &units).await)],
            Errand::Transfer(wish) => vec![match self.clearing.transfer(&wish.order()).await {
                Ok(transfer) if transfer.state.is_final() => Told::Ended(transfer.state.word().to_owned()),
                Ok(transfer) => Told::Lost(transfer.state.word().to_owned()),
                Err(
                    error @ (ClearingError::Overtaken(_)
                    | ClearingError::ReturnRefused { .. }
                    | ClearingError::Ledger(_)
                    | ClearingError::Post(PostError::Busy { .. } | PostError::Unavailable(_))),
                ) => Told::Lost(error.to_string()),
                Err(error) => Told::Broken(error.to_string()),
            }],
            Errand::Recover => vec![done(self.clearing.recover().await.map_err(Into::into))],
            Errand::Tidy { book } => vec![done(ledger(book).tidy_expired_holds(1_000).await.map_err(Into::into))],
            Errand::Leave => Vec::new(),
        }
    }
}

async fn post(ledger: &Ledger, book: usize, asked: &[(u64, Operation)]) -> Vec<Told> {
    let accounts = accounts_of(book);
    let mut units = Vec::with_capacity(asked.len());
    for (key, operation) in asked {
        match unit_among(&accounts, ledger, *key, operation).await {
            Ok(unit) => units.push(unit),
            // Nothing of it is asked of the ledger yet.
            Err(error) => return vec![not_made(&*error); asked.len()],
        }
    }
    match ledger.post_all(units).await {
        Ok(answers) => answers.into_iter().map(told).collect(),
        Err(error) => vec![told(Err(error)); asked.len()],
    }
}

/// A unit is made from what is booked: that may not be read just now, but it is there.
fn not_made(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Told {
    match error.downcast_ref::<ledger::Error>() {
        Some(ledger::Error::SequenceAhead { .. } | ledger::Error::NotReversible { .. }) | None => {
            Told::Broken(error.to_string())
        }
        Some(error) => Told::Lost(error.to_string()),
    }
}

fn told(answer: std::result::Result<Receipt, PostError>) -> Told {
    match answer {
        Ok(receipt) => Told::Receipt(Left::of(&receipt)),
        Err(PostError::Refused(refusal)) => Told::Refused(refusal.reason().to_owned()),
        Err(PostError::Rejected(_)) => Told::Refused("rejected".to_owned()),
        Err(error @ (PostError::Busy { .. } | PostError::Unavailable(_))) => Told::Lost(error.to_string()),
        Err(error) => Told::Broken(error.to_string()),
    }
}

fn done<T>(result: Result<T>) -> Told {
    match result {
        Ok(_) => Told::Done,
        Err(error) => Told::Lost(error.to_string()),
    }
}

/// Nobody looks on: what became of each line is asked afterwards.
struct Nobody;

impl LoadWitness for Nobody {
    fn reached(&mut self, _: LoadProgress) {}

    fn refused(&mut self, _: &RefusedLine) -> std::io::Result<()> {
        Ok(())
    }
}

/// Loads movements from a file, under the keys that they would have if they were asked for one by one.
async fn load(ledger: &Ledger, book: usize, units: &[(u64, Operation)]) -> Result {
    let accounts = accounts_of(book);
    let (mut text, mut name) = (String::new(), "load".to_owned());
    for (number, operation) in units {
        let (debit, credit, amount, day) = match *operation {
            Operation::Move { debit, credit, amount } => (debit, credit, amount, crate::held::START / 86_400),
            Operation::Late { debit, credit, amount, day } => (debit, credit, amount, day),
            _ => return Err("only movements are loaded".into()),
        };
        let currency = accounts[debit].currency;
        let amount = Money::from_minor(amount, currency_of(&accounts[debit])).to_string();
        let line = json!({
            "key": key(*number).uuid(),
            "kind": KIND.name(),
            "effective_date": date(day),
            "postings": [
                { "account": accounts[debit].code, "debit": amount, "currency": currency },
                { "account": accounts[credit].code, "credit": amount, "currency": currency },
            ],
        });
        text.push_str(&format!("{line}\n"));
        name = format!("load-{book}-{number}");
    }
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), text)?;
    let source = LoadSource::try_new(&name)?;
    let path = file.path().to_owned();
    let loaded = LoadFile { path, format: LoadFormat::JsonLines, source, mode: LoadMode::EntryByEntry };
    ledger.load(&loaded, &mut Nobody).await?;
    Ok(())
}
