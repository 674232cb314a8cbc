//! One PostgreSQL, one database with two books, two processes that have them open, and what befalls all of them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use platform::testing::{Ending, TestCluster, TestDatabase};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::fixture::Result;
use crate::held::START;
use crate::process::Process;
use crate::process::errand::{BOOKS, Errand, Told};
use crate::things;

/// How long PostgreSQL may be away.
const PATIENCE: Duration = Duration::from_secs(60);
/// Attempts at what is not to be lost.
const MAX_ATTEMPTS: usize = 1_000;
/// Things that there are in each book.
pub const THINGS: i32 = 25;

/// What befell them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blows {
    pub kills: usize,
    pub restarts: usize,
    pub sessions: usize,
    pub locks: usize,
    pub leaves: usize,
}

pub struct House {
    cluster: Arc<TestCluster>,
    pub test: TestDatabase,
    now: AtomicI64,
    /// The newest entry of each book that somebody was told of.
    pub told: [AtomicI64; BOOKS],
    doors: [Mutex<Arc<Process>>; 2],
    blows: Mutex<Blows>,
}

impl House {
    pub async fn new(cluster: &Arc<TestCluster>, name: &str) -> Result<Self> {
        let test = cluster.database(name).await?;
        things::lay_out(&mut test.owner().await?, THINGS).await?;
        let doors = [Process::start(&test, START).await?, Process::start(&test, START).await?];
        Ok(Self {
            cluster: Arc::clone(cluster),
            test,
            now: AtomicI64::new(START),
            told: [AtomicI64::new(0), AtomicI64::new(0)],
            doors: doors.map(|process| Mutex::new(Arc::new(process))),
            blows: Mutex::new(Blows::default()),
        })
    }

    pub fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    fn process(&self, door: usize) -> Arc<Process> {
        Arc::clone(&self.doors[door].lock().expect("nobody panics at the door"))
    }

    /// Asks the process behind that door; nothing when it dies.
    pub async fn ask(&self, door: usize, errand: Errand) -> Option<Vec<Told>> {
        let told = self.process(door).ask(self.now(), errand).await?;
        for told in &told {
            assert!(!matches!(told, Told::Broken(_)), "{told:?}");
        }
        Some(told)
    }

    /// Has something done by whoever lives.
    pub async fn have_done(&self, errand: Errand) -> Result {
        for attempt in 0..MAX_ATTEMPTS {
            if self.ask(attempt % 2, errand.clone()).await.is_some_and(|told| told == [Told::Done]) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(format!("{errand:?} cannot be done").into())
    }

    /// A connection of the tables' owner, as soon as PostgreSQL is there.
    pub async fn owner(&self) -> Result<AsyncPgConnection> {
        let began = Instant::now();
        loop {
            match self.test.owner().await {
                Ok(owner) => return Ok(owner),
                Err(error) if began.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Something goes wrong.
    pub async fn strike(&self, random: &mut StdRng) -> Result {
        for _ in 0..random.random_range(1..4) {
            tokio::time::sleep(Duration::from_micros(random.random_range(0..8_000))).await;
            let door = random.random_range(0..2);
            match random.random_range(0..20) {
                0 | 1 => {
                    let ending = if random.random_bool(0.5) { Ending::Fast } else { Ending::Immediate };
                    // One that is starting just now cannot be ended again.
                    if self.cluster.restart(ending).is_ok() {
                        self.note(|blows| blows.restarts += 1);
                    }
                }
                2..5 => self.end_sessions("pg_terminate_backend").await?,
                5..8 => self.end_sessions("pg_cancel_backend").await?,
                8..12 => {
                    let pause = Duration::from_millis(random.random_range(5..40));
                    self.lock(random.random_range(1..=BOOKS), pause).await?;
                }
                // The process ends in order, beside the one that takes its place.
                12..14 => {
                    let before = self.replace(door).await?;
                    let now = self.now();
                    tokio::spawn(async move { before.leave(now).await });
                    self.note(|blows| blows.leaves += 1);
                }
                // It is killed, and another one takes its place.
                _ => {
                    self.process(door).kill();
                    self.replace(door).await?;
                    self.note(|blows| blows.kills += 1);
                }
            }
        }
        Ok(())
    }

    /// Sessions end or lose what they are at; that it meets a PostgreSQL that ends itself is no harm.
    async fn end_sessions(&self, how: &str) -> Result {
        let others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        let _ = self.owner().await?.batch_execute(&format!("select {how}(pid) {others}")).await;
        self.note(|blows| blows.sessions += 1);
        Ok(())
    }

    async fn lock(&self, book: usize, pause: Duration) -> Result {
        let mut owner = self.owner().await?;
        let lock = format!("begin; select from ledger.books where book_id = {book} for update");
        if owner.batch_execute(&lock).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
        self.note(|blows| blows.locks += 1);
        Ok(())
    }

    async fn replace(&self, door: usize) -> Result<Arc<Process>> {
        let next = Arc::new(Process::start(&self.test, self.now()).await?);
        Ok(std::mem::replace(&mut *self.doors[door].lock().expect("nobody panics at the door"), next))
    }

    fn note(&self, change: impl FnOnce(&mut Blows)) {
        change(&mut self.blows.lock().expect("nobody panics here"));
    }

    pub fn blows(&self) -> Blows {
        *self.blows.lock().expect("nobody panics here")
    }

    /// Ends the processes and drops the database.
    pub async fn close(self) -> Result {
        let Self { cluster, test, doors, .. } = self;
        drop(doors);
        let database = cluster.postgres().owner_url();
        let mut owner = platform::database::owner_connection(&database).await?;
        owner.batch_execute(&format!("drop database {} with (force)", test.name())).await?;
        Ok(())
    }
}
