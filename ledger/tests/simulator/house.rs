//! One database, two processes that have the book open, and what befalls them.

use std::sync::Mutex;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use ledger::{After, Currency, Ledger, UnitOfWork, WriterTask};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::runtime::Runtime;

use crate::fixture::{Result, account};
use crate::held::{START, settings, time, unit_of};
use crate::model::{Model, Operation};

/// Attempts at a read or at opening the book; each may meet a session that was ended.
const MAX_ATTEMPTS: usize = 100;

pub struct House {
    pub test: TestDatabase,
    pub clock: Clock,
    /// The newest entry that somebody was told of.
    pub told: AtomicI64,
    doors: [Mutex<Door>; 2],
}

/// A ledger as a process of its own would have it: its writer lives on a runtime that can be taken away.
struct Door {
    ledger: Ledger,
    writer: Option<WriterTask>,
    runtime: Option<Runtime>,
}

impl House {
    pub async fn new() -> Result<Self> {
        let test = TestDatabase::create().await?;
        let clock = Clock::fixed(time(START));
        let doors = [Mutex::new(Door::open(&test, &clock).await?), Mutex::new(Door::open(&test, &clock).await?)];
        Ok(Self { test, clock, told: AtomicI64::new(0), doors })
    }

    pub fn ledger(&self, door: usize) -> Ledger {
        self.doors[door].lock().expect("nobody panicked at the door").ledger.clone()
    }

    /// A unit to ask for; some are built from what is booked.
    pub async fn unit(&self, key: u64, operation: &Operation) -> Result<UnitOfWork> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match unit_of(&self.ledger(attempt % 2), key, operation).await {
                Err(_) if attempt < MAX_ATTEMPTS => tokio::time::sleep(Duration::from_millis(5)).await,
                unit => return unit,
            }
        }
    }

    /// Has expired holds taken off the list; that it fails is no harm.
    pub async fn tidy(&self, door: usize) {
        let ledger = self.ledger(door);
        for _ in 0..MAX_ATTEMPTS {
            if ledger.tidy_expired_holds(1_000).await.is_ok() {
                return;
            }
        }
    }

    /// Something goes wrong.
    pub async fn strike(&self, random: &mut StdRng) -> Result {
        const SESSIONS: &str = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        let mut owner = self.test.owner().await?;
        for _ in 0..random.random_range(1..4) {
            tokio::time::sleep(Duration::from_micros(random.random_range(0..8_000))).await;
            let door = random.random_range(0..2);
            match random.random_range(0..5) {
                0 => owner.batch_execute(&format!("select pg_terminate_backend(pid) {SESSIONS}")).await?,
                1 => owner.batch_execute(&format!("select pg_cancel_backend(pid) {SESSIONS}")).await?,
                2 => {
                    owner.batch_execute("begin; select from ledger.books for update").await?;
                    tokio::time::sleep(Duration::from_millis(random.random_range(5..40))).await;
                    owner.batch_execute("commit").await?;
                }
                // The process dies, and another one takes its place.
                3 => drop(self.replace(door).await?),
                // The process ends in order, beside the one that takes its place.
                _ => self.replace(door).await?.leave(),
            }
        }
        Ok(())
    }

    async fn replace(&self, door: usize) -> Result<Door> {
        let next = Door::open(&self.test, &self.clock).await?;
        Ok(std::mem::replace(&mut *self.doors[door].lock().expect("nobody panicked at the door"), next))
    }

    /// Holds the whole book against the model, through a process that knows nothing yet.
    pub async fn compare(&self, model: &Model) -> Result {
        let door = Door::open(&self.test, &self.clock).await?;
        crate::held::compare(&door.ledger, model).await?;
        let mut owner = self.test.owner().await?;
        for (index, modelled) in model.accounts.iter().enumerate() {
            assert_eq!(posted(&mut owner, modelled.code).await?, modelled.balance, "{}", modelled.code);
            compare_statement(&door.ledger, model, index).await?;
        }
        Ok(())
    }
}

/// What the postings alone make of an account.
async fn posted(owner: &mut AsyncPgConnection, code: &str) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        sum: i64,
    }
    const TEXT: &str = "select coalesce(sum(p.amount_minor), 0)::int8 as sum
        from ledger.accounts a
        join ledger.postings p using (book_id, account)
        where a.code = $1";
    let row: Sum = diesel::sql_query(TEXT).bind::<diesel::sql_types::Text, _>(code).get_result(owner).await?;
    Ok(row.sum)
}

async fn compare_statement(ledger: &Ledger, model: &Model, index: usize) -> Result {
    let modelled = &model.accounts[index];
    let sign = if modelled.grows_by_debit { 1 } else { -1 };
    let mut expected = Vec::new();
    let mut balance = 0;
    for (sequence, amounts) in (1_i64..).zip(&model.entries) {
        for &(_, amount) in amounts.iter().filter(|(other, _)| *other == index) {
            balance += sign * amount;
            expected.push((sequence, sign * amount, balance));
        }
    }
    let mut found = Vec::new();
    let mut after = After::BEGINNING;
    loop {
        let page = match ledger.statement(&account(modelled.code), Currency::EUR, after, 100).await {
            Err(ledger::Error::UnknownAccount { .. }) => break,
            page => page?,
        };
        let Some(last) = page.lines.last() else { break };
        after = After { sequence: last.sequence, ordinal: last.ordinal };
        found.extend(page.lines.iter().map(|line| (line.sequence.number(), line.amount.minor(), line.balance.minor())));
    }
    assert_eq!(found, expected, "the statement of {}", modelled.code);
    Ok(())
}

impl Door {
    async fn open(test: &TestDatabase, clock: &Clock) -> Result<Self> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            let opened = runtime.spawn(Ledger::open(test.database()?, settings(clock)?)).await?;
            let failed = opened.is_err() && attempt < MAX_ATTEMPTS;
            match opened {
                Ok((ledger, writer)) => return Ok(Self { ledger, writer: Some(writer), runtime: Some(runtime) }),
                Err(_) if failed => runtime.shutdown_background(),
                Err(error) => {
                    runtime.shutdown_background();
                    return Err(error.into());
                }
            }
        }
    }

    /// Takes no more and answers what was asked.
    fn leave(mut self) {
        let (writer, runtime, ledger) = (self.writer.take(), self.runtime.take(), self.ledger.clone());
        drop(self);
        drop(ledger);
        tokio::spawn(async move {
            if let Some(writer) = writer {
                writer.finished().await;
            }
            if let Some(runtime) = runtime {
                runtime.shutdown_background();
            }
        });
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
