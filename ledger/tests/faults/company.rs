//! Faults under load: two real processes on two books reserve and spend the same money, cause what cannot be done and
//! transfer between the books, while a book is locked for long, the disk is full or the clock of one process is wrong.

use std::sync::Arc;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use ledger::{Clearing, Currency, Ledger};
use platform::clock::Clock;
use platform::testing::TestDatabase;

use super::LONG;
use super::disk::SmallDisk;
use crate::fixture::{Result, account, euro};
use crate::held::{START, time};
use crate::model::Operation;
use crate::process::errand::{BOOKS, Errand, Told, Wish};
use crate::process::{self, Process};
use crate::things;

const BANK: usize = 0;
/// Her money is reserved and spent.
const AMINA: usize = 1;
/// His money goes to the other book.
const BABACAR: usize = 2;
/// Cents that are there to be spent in each book.
const FUNDS: i64 = 200;
/// Those who want to spend them, a cent at a time.
const SPENDERS: u64 = 6;
const CENTS_OF_A_SPENDER: u64 = 50;
/// Cents that go from the first book to the second.
const TRANSFERS: u64 = 30;
/// Entries of a book when all is done: two that fund, two for each cent, the legs.
const ENTRIES: i64 = 2 + 2 * FUNDS + TRANSFERS as i64;
/// When the fault comes.
const A_MOMENT: Duration = Duration::from_millis(300);
/// A book under load that does not move for so long does not move at all.
const STANDSTILL: Duration = Duration::from_secs(2);
const MAX_STANDSTILLS: usize = 15;
/// How soon a unit has to be answered when nothing is wrong any more.
const PROMPTLY: Duration = Duration::from_secs(5);
const MAX_ATTEMPTS: usize = 2_000;

struct Company {
    test: TestDatabase,
    processes: [Process; 2],
    /// By how much the second process's clock is behind, in seconds.
    behind: i64,
}

impl Company {
    async fn new(behind: i64) -> Result<Arc<Self>> {
        let test = TestDatabase::create().await?;
        things::lay_out(&mut test.owner().await?, 1).await?;
        let processes = [Process::start(&test, START).await?, Process::start(&test, START - behind).await?];
        let company = Arc::new(Self { test, processes, behind });
        for book in 0..BOOKS {
            for (wallet, amount) in [(AMINA, FUNDS), (BABACAR, TRANSFERS as i64)] {
                let fund = Operation::Move { debit: BANK, credit: wallet, amount };
                let told = company.unit(0, book, wallet as u64, fund).await;
                assert!(matches!(told, Told::Receipt(_)), "{told:?}");
            }
        }
        Ok(company)
    }

    /// Asks one process after the other until there is an answer.
    async fn ask(&self, first: usize, errand: Errand) -> Told {
        for attempt in 0..MAX_ATTEMPTS {
            let process = (first + attempt) % 2;
            let now = if process == 0 { START } else { START - self.behind };
            let told = self.processes[process].ask(now, errand.clone()).await.and_then(|mut told| told.pop());
            match told.expect("the processes live") {
                Told::Lost(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                told => return told,
            }
        }
        panic!("no answer to {errand:?}");
    }

    async fn unit(&self, process: usize, book: usize, key: u64, operation: Operation) -> Told {
        self.ask(process, Errand::Post { book, units: vec![(key, operation)] }).await
    }

    /// Takes a hold of a cent and uses it, again and again; answers how often.
    async fn reserve_and_spend(&self, book: usize, spender: u64) -> i64 {
        let mut spent = 0;
        for turn in 0..CENTS_OF_A_SPENDER {
            let (process, hold) = ((spender % 2) as usize, 1_000 * (spender + 1) + turn * 4);
            let place = Operation::Place { hold, account: AMINA, amount: 1, until: START + 3_600 };
            match self.unit(process, book, hold, place).await {
                Told::Receipt(_) => {}
                Told::Refused(reason) if reason == "below-floor" => continue,
                told => panic!("{told:?}"),
            }
            let post = Operation::Post { hold, debit: AMINA, credit: BANK, amount: 1, of_hold: 1 };
            let told = self.unit(process, book, hold + 1, post).await;
            assert!(matches!(told, Told::Receipt(_)), "{told:?}");
            spent += 1;
            if turn % 8 == 0 {
                let poison = Operation::Poison { debit: BANK, credit: AMINA, amount: 1 };
                assert_eq!(self.unit(process, book, hold + 2, poison).await, Told::Refused("rejected".to_owned()));
            }
        }
        spent
    }

    async fn transfer(&self) {
        for id in 1..=TRANSFERS {
            let wish = Wish { id, from: 0, debit: BABACAR, credit: Some(BABACAR), amount: 1 };
            assert_eq!(self.ask((id % 2) as usize, Errand::Transfer(wish)).await, Told::Ended("arrived".to_owned()));
        }
    }

    /// Waits until the books stand still, with work left.
    async fn until_nothing_moves(&self) -> Result {
        let mut before = self.entries().await?;
        for _ in 0..MAX_STANDSTILLS {
            tokio::time::sleep(STANDSTILL).await;
            let now = self.entries().await?;
            assert!(now < ENTRIES * BOOKS as i64, "the fault came too late: all is done");
            if now == before {
                return Ok(());
            }
            before = now;
        }
        Err("the fault stops nobody".into())
    }

    /// Entries of all books.
    async fn entries(&self) -> Result<i64> {
        #[derive(QueryableByName)]
        struct Sum {
            #[diesel(sql_type = BigInt)]
            sum: i64,
        }
        let mut owner = self.test.owner().await?;
        let query = diesel::sql_query("select sum(last_sequence)::int8 as sum from ledger.books");
        Ok(query.get_result::<Sum>(&mut owner).await?.sum)
    }

    /// All of it was spent once, and the processes work on by themselves.
    async fn check(&self) -> Result {
        let mut ledgers = Vec::new();
        for book in 0..BOOKS {
            for process in 0..2 {
                let one = Operation::Move { debit: BANK, credit: BABACAR, amount: 1 };
                let asked = self.unit(process, book, 10 + process as u64, one);
                let told = tokio::time::timeout(PROMPTLY, asked).await?;
                assert!(matches!(told, Told::Receipt(_)), "{told:?}");
            }
            let settings = process::settings(book, &Clock::fixed(time(START)))?;
            let (ledger, _writer) = Ledger::open(self.test.database()?, settings).await?;
            let left = ledger.available(&account("liabilities:wallets:amina"), Currency::EUR).await?;
            assert_eq!((left.balance, left.held), (euro(0).into(), euro(0).into()));
            assert_eq!(ledger.head().await?.number(), ENTRIES + 2);
            ledgers.push(ledger);
        }
        let first = ledgers.remove(0);
        let clearing = Clearing::try_new(first, ledgers)?;
        assert_eq!(clearing.differences().await?, []);
        for position in clearing.positions().await? {
            let all = euro(TRANSFERS as i64);
            assert_eq!((position.owed, position.claimed, position.in_flight), (all, all, euro(0)));
        }
        assert_eq!(clearing.verify(|_, _| {}).await?.first_difference(), None);
        Ok(())
    }
}

/// Everybody works, and something goes wrong meanwhile.
async fn work_through<F>(company: &Arc<Company>, fault: F) -> Result
where
    F: Future<Output = Result>,
{
    let spenders: Vec<_> = (0..BOOKS)
        .flat_map(|book| (0..SPENDERS).map(move |spender| (book, spender)))
        .map(|(book, spender)| {
            let company = Arc::clone(company);
            (book, tokio::spawn(async move { company.reserve_and_spend(book, spender).await }))
        })
        .collect();
    let transfers = tokio::spawn({
        let company = Arc::clone(company);
        async move { company.transfer().await }
    });
    tokio::time::sleep(A_MOMENT).await;
    assert!(!transfers.is_finished() && spenders.iter().all(|(_, spender)| !spender.is_finished()), "it is over");
    fault.await?;
    let mut spent = [0; BOOKS];
    for (book, spender) in spenders {
        spent[book] += spender.await?;
    }
    transfers.await?;
    assert_eq!(spent, [FUNDS; BOOKS]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_outlasts_the_writers_patience_delays_two_books_and_spoils_neither() -> Result {
    let company = Company::new(0).await?;
    let mut owner = company.test.owner().await?;
    work_through(&company, async {
        owner.batch_execute("begin; select from ledger.books for update").await?;
        tokio::time::sleep(LONG).await;
        company.until_nothing_moves().await?;
        Ok(owner.batch_execute("commit").await?)
    })
    .await?;
    company.check().await
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout, reason = "whoever runs it ought to know what was not tried")]
async fn a_full_disk_delays_holds_and_transfers_and_loses_none() -> Result {
    let company = Company::new(0).await?;
    let mut owner = company.test.owner().await?;
    let Some(disk) = SmallDisk::loaded(&mut owner).await? else {
        println!("not tried: a disk of its own cannot be mounted here");
        return Ok(());
    };
    let ballast = disk.ballast();
    let worked = work_through(&company, async {
        disk.fill()?;
        let stopped = company.until_nothing_moves().await;
        std::fs::remove_file(ballast)?;
        stopped
    })
    .await;
    disk.unload(&mut owner).await?;
    worked?;
    company.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_clock_is_an_hour_behind_books_in_order_beside_one_whose_clock_is_right() -> Result {
    let company = Company::new(3_600).await?;
    work_through(&company, async { Ok(()) }).await?;
    company.check().await
}
