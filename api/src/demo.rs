//! The demo: the whole main job on shipped data, played over HTTP against the running server by everybody in it.
//!
//! Senders register by mail, quote, accept and pay in; a bank reports by file; institutions fetch and pay or reject;
//! a family gets an account; one project is built and another gives everything back; an auditor reads the book. What is
//! needed to go on by hand is kept in `demo.json` under the data directory.

mod auditor;
mod client;
mod institutions;
mod kept;
mod pay_ins;
mod payouts;
mod projects;
mod report;
mod rows;
mod senders;
mod sending;

use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use platform::clock::Clock;
use serde_json::{Value, json};

use crate::command_line::until_told;
use crate::configuration::Configuration;
use crate::logs;
use crate::server::Server;
use client::{Caller, Client};
use kept::Kept;

/// What a step of the demo failed of.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Requests that are under way at once.
const AT_ONCE: usize = 16;

/// How the demo is run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Stop after the report instead of serving on.
    #[arg(long)]
    then_stop: bool,
}

/// What every step needs.
struct Stage {
    client: Client,
    kept: Kept,
    directory: PathBuf,
    operator: Caller,
    bar: ProgressBar,
}

/// Serves, plays the demo if it was not played on this data before, reports, and serves on.
pub(crate) async fn run(mut configuration: Configuration, options: Options) -> Result<ExitCode, Failure> {
    // Hundreds of people come from one address here.
    configuration.settings.request_limits.per_second = 100_000;
    configuration.settings.request_limits.burst = 100_000;
    configuration.settings.request_limits.sign_ins_per_minute = 100_000;
    let log = logs::start_in_file(&configuration.settings.log, &configuration.settings.data_directory)?;
    let public_url = configuration.settings.server.public_url.clone();
    report::say(&format!("Starting; the log is {}", log.display()));
    let server = Server::start(configuration, Clock::system()).await?;
    let played = tokio::select! {
        played = play(&server) => played,
        told = until_told() => {
            told?;
            report::say("\nStopping before the end.");
            server.stop().await;
            return Ok(ExitCode::FAILURE);
        }
    };
    let stage = match played {
        Ok(stage) => stage,
        Err(failure) => {
            server.stop().await;
            return Err(failure);
        }
    };
    let sound = report::print(&stage, &server, &public_url).await;
    drop(stage);
    if !options.then_stop {
        report::say("\nServing on; Ctrl-C ends it.");
        until_told().await?;
    }
    server.stop().await;
    Ok(if sound? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn play(server: &Server) -> Result<Stage, Failure> {
    let directory = server.directory().to_owned();
    let client = Client::new(server.address());
    let credential: Value = serde_json::from_slice(&std::fs::read(directory.join("first-operator.json"))?)?;
    let operator = client.sign_in_client("operator", &credential).await?;
    let kept = Kept::load(&directory)?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:30} {pos:>4}/{len:4} {msg}")?);
    let mut stage = Stage { client, kept, directory, operator, bar };
    if stage.kept.is_played() {
        report::say("The demo was played on this data before; everything is still there.");
        return Ok(stage);
    }
    let rows = rows::read()?;
    set_rates(&stage).await?;
    institutions::open(&mut stage).await?;
    let people = senders::register(&mut stage).await?;
    let family = institutions::refer_a_family(&stage, &people).await?;
    let projects = projects::open(&stage, &people).await?;
    let sent = sending::send_all(&stage, &people, &projects, &family, &rows).await?;
    sending::cancel_some(&stage, &people, &sent).await?;
    payouts::pay_all(&stage, &sent).await?;
    projects::build(&stage, &people, &projects).await?;
    projects::wait_for_failure(&stage, &projects).await?;
    auditor::let_in(&mut stage).await?;
    stage.kept.finish()?;
    stage.bar.finish_and_clear();
    Ok(stage)
}

impl Stage {
    /// Begins a step of so many parts.
    fn step(&self, what: &str, parts: usize) {
        self.bar.set_length(parts as u64);
        self.bar.set_position(0);
        self.bar.set_message(what.to_owned());
    }
}

/// Market rates of the day, as an operator would read them off a screen.
async fn set_rates(stage: &Stage) -> Result<(), Failure> {
    let now = chrono::Utc::now();
    let rate = |counter: &str, rate: &str| json!({"base": "EUR", "counter": counter, "rate": rate, "set_at": now});
    let body = json!({"rates": [rate("MAD", "10.8415"), rate("USD", "1.0842")]});
    stage.client.post(&stage.operator, "/v1/operator/rates", &body).await?;
    Ok(())
}

/// The text at a pointer of an answer.
fn text(answer: &Value, pointer: &str) -> Result<String, Failure> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned);
    found.ok_or_else(|| format!("an answer has no text at {pointer}").into())
}

/// The list that an answer is, or that stands in it as `items`.
fn list(answer: &Value) -> Result<Vec<Value>, Failure> {
    let found = answer.as_array().or_else(|| answer.get("items").and_then(Value::as_array)).cloned();
    found.ok_or_else(|| "an answer is no list".into())
}
