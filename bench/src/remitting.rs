//! Remittances over HTTP: senders who accept quotes, and the pay-ins that book them, against a house in a process of
//! its own.
//!
//! What is measured is, for each remittance, two requests one after the other: the acceptance (token, idempotency key,
//! limits of the sender, state, history) and its pay-in (token, idempotency key, the reference found, and in one unit of
//! work the entry with its postings, the new state and the outbox). Quotes are made before the clock runs, also over
//! HTTP.

mod client;
mod stage;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio_postgres::Client as Connection;
use uuid::Uuid;

use crate::Result;
use crate::measure::{Meter, Sample, Tally};
use crate::server::{Base, Server};
use crate::serving::{self, House};
use client::{Caller, Client, text};
use stage::Sender;

/// Connections, kept alive, each with one request on its way.
const CONNECTIONS: usize = 64;
/// Quotes a second of the first run, before anybody knows how many are used.
const FIRST_QUOTES: u64 = 2_000;
/// What every quote is of, so that what is booked can be counted.
const SENT: &str = "20.00";

const COUNTS: &str = "select (select count(*) from remittance.remittances where state = 'funded'),
    (select last_sequence from ledger.books where book_id = 1)";

/// A quote that waits for its sender.
struct Quote {
    id: String,
    sender: Arc<Sender>,
}

/// The house, those who send, and whoever reports pay-ins.
pub struct Remitting {
    house: House,
    meter: Meter,
    connection: Connection,
    client: Client,
    operator: Caller,
    senders: Vec<Arc<Sender>>,
    next_sender: AtomicUsize,
    rate: Mutex<u64>,
}

impl Remitting {
    /// Starts the house on a copy of the first book and lets everybody in.
    pub async fn prepare(server: &Server, meter: &Meter) -> Result<Self> {
        let house = serving::start_anew(server, &server.url(Base::Served)).await?;
        let meter = meter.with_server(house.process_id());
        let client = Client::new(house.address());
        let (operator, senders) = stage::set(&client, server.directory()).await?;
        let connection = server.connect_to(Base::Served).await?;
        let next_sender = AtomicUsize::new(0);
        Ok(Self { house, meter, connection, client, operator, senders, next_sender, rate: Mutex::new(FIRST_QUOTES) })
    }

    /// Lets the senders accept for so long, or until there are no quotes left.
    pub async fn run(&self, length: Duration) -> Result<Sample> {
        let quotes = self.quotes(length).await?;
        let before = self.counts().await?;
        let sample = self.meter.measure(self.accept_all(quotes, length)).await?;
        let after = self.counts().await?;
        let done = i64::try_from(sample.tally.done)?;
        if after.0 - before.0 != done {
            return Err(format!("{done} remittances were paid in and {} are funded", after.0 - before.0).into());
        }
        if after.1 - before.1 != done {
            return Err(format!("{done} remittances were paid in and {} entries are there", after.1 - before.1).into());
        }
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner) = sample.tally.rate();
        Ok(sample)
    }

    /// Ends the house.
    pub async fn finish(self) -> Result {
        self.house.stop().await
    }

    /// Half as many again as the run before would use, so that the time is up first.
    async fn quotes(&self, length: Duration) -> Result<Vec<Quote>> {
        let rate = *self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let count = u128::from(rate) * length.as_millis() * 3 / 2_000;
        stream::iter(0..u64::try_from(count)?)
            .map(async |_| {
                let place = self.next_sender.fetch_add(1, Ordering::Relaxed) % self.senders.len();
                let sender = Arc::clone(&self.senders[place]);
                let body = json!({
                    "corridor": "eur-xof", "side": "send", "amount": {"amount": SENT, "currency": "EUR"},
                });
                let made = self.client.post(&sender.caller, "/v1/mobile/quotes", &body).await?;
                Ok(Quote { id: text(&made, "/id")?, sender })
            })
            .buffer_unordered(CONNECTIONS)
            .try_collect()
            .await
    }

    async fn accept_all(&self, quotes: Vec<Quote>, length: Duration) -> Result<Tally> {
        let quotes = Arc::new(Mutex::new(quotes));
        let started = Instant::now();
        let running: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let quotes = Arc::clone(&quotes);
                tokio::spawn(accept(self.client.clone(), self.operator.clone(), quotes, started + length))
            })
            .collect();
        let mut done = 0;
        for connection in running {
            done += connection.await??;
        }
        Ok(Tally { done, elapsed: started.elapsed(), batches: None })
    }

    async fn counts(&self) -> Result<(i64, i64)> {
        let row = self.connection.query_one(COUNTS, &[]).await?;
        Ok((row.get(0), row.get(1)))
    }
}

async fn accept(client: Client, operator: Caller, quotes: Arc<Mutex<Vec<Quote>>>, deadline: Instant) -> Result<u64> {
    let mut done = 0;
    while Instant::now() < deadline {
        let next = quotes.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(Quote { id, sender }) = next else { break };
        let body = json!({"quote": id, "beneficiary": sender.beneficiary});
        let remittance = client.post(&sender.caller, "/v1/mobile/remittances", &body).await?;
        let body = json!({
            "provider": "bank", "provider_reference": Uuid::now_v7(), "amount": remittance["to_pay"],
            "value_date": Utc::now().date_naive(), "text": remittance["reference"],
        });
        let pay_in = client.post(&operator, "/v1/operator/pay-ins", &body).await?;
        if text(&pay_in, "/state")? != "matched" {
            return Err(format!("a pay-in did not find its remittance: {pay_in}").into());
        }
        done += 1;
    }
    Ok(done)
}
