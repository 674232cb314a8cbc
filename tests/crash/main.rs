//! The server is killed at random moments under load, again and again, and its book is held against what its clients
//! were told.
//!
//! `TERANGA_CRASH_SEED` repeats the choices of a run; the moments of the kills are the machine's all the same.

mod agreement;
mod book;
mod client;
mod house;
mod journal;
mod preparation;
mod session;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use tests::Result;

use client::Client;
use house::House;
use journal::Tally;
use preparation::Cast;
use session::Session;

/// Clients that ask at the same time.
const CLIENTS: usize = 32;
/// Migrants whom the clients share, so that some act for the same person at once.
const MIGRANTS: usize = 8;
/// Rounds in which the server alone is killed: its PostgreSQL is left running, an orphan.
const SERVER_KILLS: usize = 23;
/// Rounds in which its PostgreSQL is killed a moment before it.
const DOUBLE_KILLS: usize = 8;
/// Rounds in which its PostgreSQL alone is killed, and the server has to live on.
const DATABASE_KILLS: usize = 5;
/// Answered requests that are sent once more at the end.
const REPEATED_AT_THE_END: usize = 300;

#[derive(Clone, Copy, Debug)]
enum Fate {
    Server,
    DatabaseThenServer,
    Database,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_kills_under_load_lose_nothing_and_book_nothing_twice() -> Result {
    let seed = seed()?;
    eprintln!("TERANGA_CRASH_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut house = House::build()?;
    house.start().await?;
    let cast = Cast::prepare(&house, MIGRANTS).await?;
    let mut clients: Vec<Client> =
        (0..CLIENTS).map(|number| Client::new(number, number % MIGRANTS, &cast, random.random())).collect();

    let mut restarts = Vec::new();
    for fate in fates(&mut random) {
        let session = Arc::new(Session::open(&house, &cast).await?);
        let crowd: Vec<_> = clients.drain(..).map(|client| tokio::spawn(client.work(Arc::clone(&session)))).collect();
        tokio::time::sleep(Duration::from_millis(random.random_range(100..=900))).await;
        strike(fate, &mut house, &mut random).await?;
        if matches!(fate, Fate::Database) {
            house.wait_until_ready().await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        session.close();
        clients = together(crowd).await?;
        if !matches!(fate, Fate::Database) {
            let began = Instant::now();
            house.start().await?;
            restarts.push(began.elapsed());
        }
    }

    let session = Arc::new(Session::open(&house, &cast).await?);
    for client in &mut clients {
        client.catch_up(&session).await?;
    }
    let tally = Tally::of(clients.iter().map(|client| &client.journal));
    eprintln!("{tally}");
    eprintln!("{} kills; restarts took {restarts:?}", restarts.len());
    assert!(restarts.len() >= 30, "the server was killed only {} times", restarts.len());
    assert!(tally.unanswered >= restarts.len(), "the kills hardly met any request: {tally}");

    journal::repeat_some(&session, &clients, REPEATED_AT_THE_END, &mut random).await?;
    book::check_positions(&session).await?;
    book::check_by_audit(&session).await?;
    house.stop().await?;
    let mut owner = house.open_book().await?;
    book::check_rules(&mut owner).await?;
    agreement::check(&mut owner, clients.iter().map(|client| &client.journal)).await?;
    drop(owner);
    house.clear_away()
}

/// Does what fate wants, and waits until it is done.
async fn strike(fate: Fate, house: &mut House, random: &mut StdRng) -> Result {
    match fate {
        Fate::Server => house.kill().await,
        Fate::DatabaseThenServer => {
            house.kill_database()?;
            // Up to the moment at which the server has just begun to start PostgreSQL anew.
            tokio::time::sleep(Duration::from_millis(random.random_range(0..=250))).await;
            house.kill().await
        }
        Fate::Database => house.kill_database(),
    }
}

fn fates(random: &mut StdRng) -> Vec<Fate> {
    let mut fates = vec![Fate::Server; SERVER_KILLS];
    fates.extend([Fate::DatabaseThenServer; DOUBLE_KILLS]);
    fates.extend([Fate::Database; DATABASE_KILLS]);
    fates.shuffle(random);
    fates
}

/// Waits for all clients; the first fault that one of them met is the answer.
async fn together(crowd: Vec<tokio::task::JoinHandle<Result<Client>>>) -> Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(crowd.len());
    for task in crowd {
        clients.push(task.await??);
    }
    Ok(clients)
}

fn seed() -> Result<u64> {
    match std::env::var("TERANGA_CRASH_SEED") {
        Ok(text) => Ok(text.parse()?),
        Err(_) => Ok(u64::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.subsec_nanos())),
    }
}
