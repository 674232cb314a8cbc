//! What operations can see: counted as it happens, or read when it is asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::{AsOf, Observer, Safeguarding};
use platform::outbox;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use tokio::sync::Mutex;

use crate::house::House;

/// How old the figures from the books may be: they cost a read of all balances.
const BOOKS_EVERY: Duration = Duration::from_secs(10);

/// All metrics.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    batch_units: Histogram,
    batch_seconds: Histogram,
    refused_units: IntCounter,
    queue_length: IntGauge,
    open_position: IntGaugeVec,
    client_money: IntGaugeVec,
    safeguards: IntGaugeVec,
    safeguarding_holds: IntGauge,
    messages_waiting: IntGauge,
    dead_letters: IntGauge,
    books_read: Mutex<Option<Instant>>,
}

impl Metrics {
    pub(crate) fn try_new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("teranga_http_requests_total", "Requests, by route and status."),
                &["method", "route", "status"],
            )?,
            request_seconds: HistogramVec::new(
                HistogramOpts::new("teranga_http_request_seconds", "Time to answer a request, by route."),
                &["route"],
            )?,
            batch_units: Histogram::with_opts(
                HistogramOpts::new("teranga_ledger_batch_units", "Units of work in a batch.")
                    .buckets(prometheus::exponential_buckets(1.0, 2.0, 12)?),
            )?,
            batch_seconds: Histogram::with_opts(
                HistogramOpts::new("teranga_ledger_commit_seconds", "Time from taking a batch to its commit.")
                    .buckets(prometheus::exponential_buckets(0.000_5, 2.0, 14)?),
            )?,
            refused_units: IntCounter::new("teranga_ledger_refused_units_total", "Units of work that were refused.")?,
            queue_length: IntGauge::new("teranga_ledger_queue_length", "Units that wait or are being written.")?,
            open_position: IntGaugeVec::new(
                Opts::new(
                    "teranga_open_position_minor",
                    "Open position of a currency, in minor units, debits positive.",
                ),
                &["currency"],
            )?,
            client_money: IntGaugeVec::new(
                Opts::new("teranga_client_money_minor", "Owed to clients, in minor units."),
                &["currency"],
            )?,
            safeguards: IntGaugeVec::new(
                Opts::new("teranga_safeguards_minor", "Money that covers what is owed to clients, in minor units."),
                &["currency"],
            )?,
            safeguarding_holds: IntGauge::new(
                "teranga_safeguarding_holds",
                "1 when clients' money is covered at the day's rates, 0 when it is not or cannot be shown.",
            )?,
            messages_waiting: IntGauge::new("teranga_messages_waiting", "Messages that wait for their next attempt.")?,
            dead_letters: IntGauge::new("teranga_dead_letters", "Messages that were given up and wait for a person.")?,
            books_read: Mutex::new(None),
            registry,
        };
        let collectors: [Box<dyn prometheus::core::Collector>; 12] = [
            Box::new(metrics.requests.clone()),
            Box::new(metrics.request_seconds.clone()),
            Box::new(metrics.batch_units.clone()),
            Box::new(metrics.batch_seconds.clone()),
            Box::new(metrics.refused_units.clone()),
            Box::new(metrics.queue_length.clone()),
            Box::new(metrics.open_position.clone()),
            Box::new(metrics.client_money.clone()),
            Box::new(metrics.safeguards.clone()),
            Box::new(metrics.safeguarding_holds.clone()),
            Box::new(metrics.messages_waiting.clone()),
            Box::new(metrics.dead_letters.clone()),
        ];
        for collector in collectors {
            metrics.registry.register(collector)?;
        }
        Ok(metrics)
    }

    /// Told of each batch by the ledger's writer.
    pub(crate) fn batch_observer(&self) -> Observer {
        let (units, seconds, refused) =
            (self.batch_units.clone(), self.batch_seconds.clone(), self.refused_units.clone());
        Arc::new(move |batch| {
            units.observe(f64::from(u32::try_from(batch.units).unwrap_or(u32::MAX)));
            seconds.observe(batch.duration.as_secs_f64());
            refused.inc_by(batch.refused as u64);
        })
    }

    pub(crate) fn count_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.request_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// All figures in Prometheus' text format.
    pub(crate) async fn text(&self, house: &House) -> Result<Vec<u8>, String> {
        let queued: usize = house.clearing.books().iter().map(ledger::Ledger::queue_length).sum();
        self.queue_length.set(i64::try_from(queued).unwrap_or(i64::MAX));
        self.read_messages(house).await.map_err(|error| error.to_string())?;
        self.read_books(house).await?;
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    async fn read_messages(&self, house: &House) -> Result<(), platform::Error> {
        let (waiting, dead) = outbox::backlog(&mut *house.database.connection().await?).await?;
        self.messages_waiting.set(waiting);
        self.dead_letters.set(dead);
        Ok(())
    }

    async fn read_books(&self, house: &House) -> Result<(), String> {
        let mut read = self.books_read.lock().await;
        if read.is_some_and(|read| read.elapsed() < BOOKS_EVERY) {
            return Ok(());
        }
        let balance = house.audited.trial_balance(AsOf::Now).await.map_err(|error| error.to_string())?;
        for account in balance.balances.iter().filter(|account| account.account.as_str() == "equity:fx-position") {
            self.open_position.with_label_values(&[account.commodity.code()]).set(account.debit_positive_minor);
        }
        let rates = house.rates.table().await.map_err(|error| error.to_string())?;
        let equation = Safeguarding::of(&balance, house.ledger.chart(), &rates).map_err(|error| error.to_string())?;
        for line in &equation.lines {
            let currency = [line.currency.code()];
            self.client_money.with_label_values(&currency).set(line.client_money_minor);
            self.safeguards.with_label_values(&currency).set(line.safeguards_minor);
        }
        self.safeguarding_holds.set(i64::from(equation.holds()));
        *read = Some(Instant::now());
        Ok(())
    }
}
