//! A process that transfers is killed between the legs, and others finish what it began.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{AMINA, BABACAR, Books, TILL, open_books, order, place};
use crate::fixture::{Result, euro};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use ledger::{AsOf, Clearing, TransferState};
use platform::clock::Clock;
use platform::database::{Access, Database};
use secrecy::ExposeSecret;

/// Tells the child on which database it works; without it the child has nothing to do.
const DATABASE: &str = "TERANGA_CLEARING_CHILD_DATABASE";
/// A child that nobody kills ends by itself.
const CHILD_LIVES: Duration = Duration::from_secs(60);
/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Rounds in which the child is killed at a moment of the machine's choice.
const RANDOM_KILLS: u64 = 5;

/// The process that is killed: transfers round and round between the books, some of which are refused on arrival.
#[test]
#[ignore = "the child of the test below, which starts and kills it"]
fn a_child_that_transfers_until_it_is_killed() -> Result {
    let Ok(url) = std::env::var(DATABASE) else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let database = Database::connect(&url.into(), 10, Access::Server)?;
        let (clearing, _writers) = open_books(&database, &Clock::system()).await?;
        let began = Instant::now();
        let drivers = (0..8_i16).map(|number| {
            let clearing = clearing.clone();
            tokio::spawn(async move {
                let (from, to) = (number % 3 + 1, (number + 1) % 3 + 1);
                while began.elapsed() < CHILD_LIVES {
                    for destination in [BABACAR, AMINA, TILL] {
                        let wanted = order(place(from, AMINA), place(to, destination), euro(1));
                        // The test looks at what is in the books, not at what a dead process was told.
                        let _ = clearing.transfer(&wanted).await;
                    }
                }
            })
        });
        for driver in drivers.collect::<Vec<_>>() {
            driver.await?;
        }
        Ok(())
    })
}

fn start_child(url: &str) -> Result<Child> {
    let child = Command::new(std::env::current_exe()?)
        .args(["--exact", "clearing::crash::a_child_that_transfers_until_it_is_killed", "--ignored"])
        .env(DATABASE, url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(child)
}

async fn count(books: &Books, condition: &str) -> Result<i64> {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let mut owner = books.test.owner().await?;
    let text = format!("select count(*) from ledger.transfers where {condition}");
    Ok(diesel::sql_query(text).get_result::<Count>(&mut owner).await?.count)
}

async fn wait_until(books: &Books, condition: &str, at_least: i64) -> Result {
    let began = Instant::now();
    while count(books, condition).await? < at_least {
        if began.elapsed() > PATIENCE {
            return Err(format!("there are not {at_least} transfers with {condition}").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// What all wallets and tills of all books hold.
async fn held(clearing: &Clearing) -> Result<i64> {
    let mut sum = 0;
    for ledger in clearing.books() {
        let balances = ledger.trial_balance(AsOf::Now).await?.balances;
        let of_people = balances.iter().filter(|balance| balance.account.as_str().starts_with("liabilities:wallets:"));
        sum += of_people.map(|balance| balance.on_normal_side().minor()).sum::<i64>();
    }
    Ok(sum)
}

/// Two processes recover at once; afterwards nothing is on its way.
async fn recover(books: &Books) -> Result<usize> {
    let clock = Clock::fixed(Clock::system().now() + chrono::TimeDelta::hours(2));
    let (one, _first) = open_books(&books.test.database()?, &clock).await?;
    let (other, _second) = open_books(&books.test.database()?, &clock).await?;
    let (ours, theirs) = tokio::join!(one.recover(), other.recover());
    let settled = [ours?, theirs?].iter().map(|one| one.arrived + one.returned + one.refused).sum();
    assert_eq!(count(books, "settled_at is null").await?, 0);
    Ok(settled)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_the_legs_loses_nothing_and_books_nothing_twice() -> Result {
    let books = Books::new().await?;
    for number in 1..=3 {
        books.fund(number, AMINA, euro(1_000_000)).await?;
    }
    let url = books.test.owner_url().expose_secret();

    // Nobody gets into book 2, so what departed for it is between its legs when the process dies.
    let mut owner = books.test.owner().await?;
    owner.batch_execute("begin; select 1 from ledger.books where book_id = 2 for update").await?;
    let mut child = start_child(url)?;
    let waited = wait_until(&books, "state = 'departed' and to_book = 2", 2).await;
    child.kill()?;
    child.wait()?;
    waited?;
    let in_flight = count(&books, "state = 'departed'").await?;
    owner.batch_execute("rollback").await?;
    assert!(in_flight >= 2);
    books.check().await?;
    recover(&books).await?;
    books.check().await?;
    assert_eq!(held(&books.clearing).await?, 3_000_000);

    let mut recovered = 0;
    for round in 0..RANDOM_KILLS {
        let settled = count(&books, "settled_at is not null").await?;
        let mut child = start_child(url)?;
        let waited = wait_until(&books, "settled_at is not null", settled + 20).await;
        tokio::time::sleep(Duration::from_millis(37 * round)).await;
        child.kill()?;
        child.wait()?;
        waited?;
        recovered += recover(&books).await?;
        books.check().await?;
        assert_eq!(held(&books.clearing).await?, 3_000_000);
    }
    assert!(recovered > 0, "no kill met a transfer on its way");
    for state in [TransferState::Arrived, TransferState::Returned] {
        assert!(count(&books, &format!("state = '{}'", state.word())).await? > 0, "none is {}", state.word());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_commit_fails_is_not_taken_for_kept() -> Result {
    let books = Books::new().await?;
    books.fund(1, AMINA, euro(100)).await?;
    let mut owner = books.test.owner().await?;
    owner
        .batch_execute(
            "create function ledger.fail_at_commit() returns trigger language plpgsql as
             $$ begin raise exception 'the commit fails'; end $$;
             create constraint trigger fail_at_commit after insert on ledger.transfers
             deferrable initially deferred for each row execute function ledger.fail_at_commit();",
        )
        .await?;
    let wanted = order(place(1, AMINA), place(2, BABACAR), euro(40));
    let failed = books.clearing.transfer(&wanted).await.expect_err("nothing is kept");
    assert!(failed.to_string().contains("the commit fails"), "{failed}");
    owner.batch_execute("drop trigger fail_at_commit on ledger.transfers").await?;
    // Who asks again is served.
    assert_eq!(books.clearing.transfer(&wanted).await?.state, TransferState::Arrived);
    books.check().await
}
