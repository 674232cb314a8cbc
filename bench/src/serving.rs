//! The house as a process of its own: this program once more, which then is `teranga serve`.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::{ExposeSecret, SecretString};

use crate::Result;
use crate::server::Server;

/// Tells this program that it is the house.
const IS_HOUSE: &str = "TERANGA_BENCH_IS_THE_HOUSE";
/// What the house writes to its log, in its directory.
const LOG: &str = "served.log";
/// How long a start may take.
const START_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked whether a start is over.
pub const LOOK_EVERY: Duration = Duration::from_millis(2);
/// A question that only a house with its database can answer.
const FIRST_QUESTION: &str = "/v1/public/prices?corridor=eur-xof&amount=100.00";

/// Settings of the house that let one machine play hundreds of senders; nothing else differs from what is shipped.
const SETTINGS: [(&str, &str); 9] = [
    ("TERANGA__TOKENS__LIFETIME_MINUTES", "60"),
    ("TERANGA__REQUEST_LIMITS__PER_SECOND", "1000000"),
    ("TERANGA__REQUEST_LIMITS__BURST", "1000000"),
    ("TERANGA__REQUEST_LIMITS__SIGN_INS_PER_MINUTE", "1000000"),
    ("TERANGA__SENDING_LIMITS__IDENTITY__PER_TRANSFER", "\"1000.00\""),
    ("TERANGA__SENDING_LIMITS__IDENTITY__THIRTY_DAYS", "\"100000000.00\""),
    ("TERANGA__PASSWORDS__MEMORY_KIB", "64"),
    ("TERANGA__PASSWORDS__PASSES", "1"),
    ("TERANGA__LOG__FILTER", "info"),
];

/// The program of the house, when this process was started to be it.
pub fn as_house() -> Option<ExitCode> {
    std::env::var_os(IS_HOUSE).map(|_| api::run())
}

/// A house that serves; it ends with this.
pub struct House {
    child: Child,
    address: String,
}

impl House {
    /// Starts it on the bench's directory and waits for its first answer. It runs a PostgreSQL of its own there unless
    /// it is told of one.
    pub async fn start(directory: &Path, binaries: &Path, database: Option<&SecretString>) -> Result<Self> {
        let log = File::options().create(true).append(true).open(directory.join(LOG))?;
        let (listen, operations) = (free_address()?, free_address()?);
        let mut command = Command::new(std::env::current_exe()?);
        // The programs of PostgreSQL that the bench uses come first where the house looks for some.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([binaries.to_owned()].into_iter().chain(std::env::split_paths(&path)))?;
        command.arg("serve").env_clear().env("PATH", path).env(IS_HOUSE, "1").envs(SETTINGS);
        command
            .env("TERANGA__DATA_DIRECTORY", directory)
            .env("TERANGA__SERVER__LISTEN", &listen)
            .env("TERANGA__SERVER__OPERATIONS_LISTEN", &operations);
        if let Some(url) = database {
            command.env("TERANGA__DATABASE__URL", url.expose_secret());
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let mut house = Self { child, address: format!("http://{listen}") };
        house.wait_for_an_answer(&directory.join(LOG)).await?;
        Ok(house)
    }

    async fn wait_for_an_answer(&mut self, log: &Path) -> Result {
        let client = reqwest::Client::new();
        let question = format!("{}{FIRST_QUESTION}", self.address);
        let started = Instant::now();
        loop {
            if let Ok(answer) = client.get(&question).send().await {
                answer.error_for_status()?;
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the house ended by itself, {status}; see {}", log.display()).into());
            }
            if started.elapsed() > START_WITHIN {
                return Err(format!("the house does not answer; see {}", log.display()).into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Where it answers.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it finish what it accepted and end.
    pub async fn stop(mut self) -> Result {
        stop(&mut self.child, Signal::TERM).await
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // In order, so that a PostgreSQL of its own ends too; one that has ended already needs nothing.
        if matches!(self.child.try_wait(), Ok(None))
            && let Ok(pid) = pid(&self.child)
        {
            let _ = kill_process(pid, Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

/// Starts the house on the bench's PostgreSQL, as new: without what an earlier one left beside its database.
pub async fn start_anew(server: &Server, database: &SecretString) -> Result<House> {
    let directory = server.directory();
    for name in ["keys", "mail", LOG, "first-operator.json"] {
        let path = directory.join(name);
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    }
    House::start(directory, server.binaries(), Some(database)).await
}

/// Ends a child by a signal and waits for its end.
pub async fn stop(child: &mut Child, signal: Signal) -> Result {
    kill_process(pid(child)?, signal)?;
    while child.try_wait()?.is_none() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn pid(child: &Child) -> Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(child.id())?).ok_or("a child has no process")?)
}

/// An address that nobody listens on at the moment.
fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
