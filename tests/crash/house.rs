//! The server as a process of its own, on one data directory through all its lives.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;
use platform::database::owner_connection;
use platform::postgres::{EmbeddedPostgres, EmbeddedSettings};
use rustix::process::{Pid, Signal, kill_process};
use tests::Result;
use tokio::process::{Child, Command};

/// How long a start or a recovery may take.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Below the range from which systems give ports to clients, so that nobody takes ours while the server is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

pub struct House {
    pub directory: PathBuf,
    /// Where the surfaces are.
    pub base: String,
    operations: String,
    process: Option<Child>,
    postgres: Option<EmbeddedPostgres>,
    http: reqwest::Client,
    sound: bool,
}

impl House {
    /// Lays out a data directory with its settings.
    pub fn build() -> Result<Self> {
        let directory = directory();
        std::fs::create_dir_all(&directory)?;
        let (surfaces, operations) = (free_port(0)?, free_port(1)?);
        let settings = format!(
            "data_directory = {:?}
            books = [{{ number = 2, name = \"mali\" }}]
            server.listen = \"127.0.0.1:{surfaces}\"
            server.operations_listen = \"127.0.0.1:{operations}\"
            server.public_url = \"http://127.0.0.1:{surfaces}\"
            passwords = {{ memory_kib = 64, passes = 1 }}
            request_limits = {{ per_second = 100000, burst = 100000, sign_ins_per_minute = 100000 }}
            sending_limits.identity = {{ per_transfer = \"100000.00\", thirty_days = \"100000000.00\" }}
            log.filter = \"warn\"
            ",
            directory.join("data").to_string_lossy(),
        );
        std::fs::write(directory.join("teranga.toml"), settings)?;
        Ok(Self {
            directory,
            base: format!("http://127.0.0.1:{surfaces}/v1"),
            operations: format!("http://127.0.0.1:{operations}"),
            process: None,
            postgres: None,
            http: crate::session::client()?,
            sound: false,
        })
    }

    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&mut self) -> Result {
        let log = File::options().create(true).append(true).open(self.log())?;
        let process = Command::new(env!("CARGO_BIN_EXE_teranga-under-test"))
            .arg("serve")
            .arg("--config")
            .arg(self.directory.join("teranga.toml"))
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        self.process = Some(process);
        self.wait_until_ready().await
    }

    /// Waits until the server says that it is ready; that it ended instead is a fault.
    pub async fn wait_until_ready(&mut self) -> Result {
        let began = Instant::now();
        loop {
            let asked = self.http.get(format!("{}/health/ready", self.operations)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().transpose()) {
                return Err(format!("the server ended by itself: {}; see {}", status?, self.log().display()).into());
            }
            if began.elapsed() > READY_WITHIN {
                return Err(format!("the server is not ready in time; see {}", self.log().display()).into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL to the server.
    pub async fn kill(&mut self) -> Result {
        match self.process.take() {
            Some(mut process) => Ok(process.kill().await?),
            None => Err("there is no server to kill".into()),
        }
    }

    /// SIGKILL to the server's PostgreSQL.
    pub fn kill_database(&self) -> Result {
        let pid = self.postmaster().ok_or("there is no PostgreSQL to kill")?;
        Ok(kill_process(pid, Signal::KILL)?)
    }

    /// The running PostgreSQL of our directory, whoever started it.
    fn postmaster(&self) -> Option<Pid> {
        let cluster = self.data().join("postgresql/cluster");
        let text = std::fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
        let pid: i32 = text.lines().next()?.trim().parse().ok()?;
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let ours = String::from_utf8_lossy(&line).contains(&*cluster.to_string_lossy());
        Pid::from_raw(pid).filter(|_| ours)
    }

    /// Ends the server as an operator would; it has to end in order, and never to have panicked in any of its lives.
    pub async fn stop(&mut self) -> Result {
        let mut process = self.process.take().ok_or("there is no server to stop")?;
        let pid = process.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        kill_process(pid.ok_or("the server is gone")?, Signal::TERM)?;
        let status = tokio::time::timeout(Duration::from_secs(45), process.wait()).await??;
        assert!(status.success(), "the server did not end in order: {status}");
        assert!(self.postmaster().is_none(), "PostgreSQL outlived its server");
        let log = std::fs::read_to_string(self.log())?;
        assert!(!log.contains("panicked"), "the server panicked; see {}", self.log().display());
        Ok(())
    }

    /// The stopped server's database, as its owner.
    pub async fn open_book(&mut self) -> Result<AsyncPgConnection> {
        let settings = EmbeddedSettings { data_directory: self.data().join("postgresql"), binaries: None };
        let postgres = tokio::task::spawn_blocking(move || EmbeddedPostgres::start(&settings)).await??;
        let connection = owner_connection(&postgres.owner_url()).await?;
        self.postgres = Some(postgres);
        Ok(connection)
    }

    /// Removes the directory of a run that went well.
    pub fn clear_away(mut self) -> Result {
        self.sound = true;
        Ok(())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Fails only for one that has ended.
            let _ = process.start_kill();
            std::thread::sleep(Duration::from_millis(200));
        }
        drop(self.postgres.take());
        if let Some(pid) = self.postmaster() {
            // Fails only for one that has ended.
            let _ = kill_process(pid, Signal::QUIT);
        }
        if self.sound {
            // What stays behind is under the directory of builds.
            let _ = std::fs::remove_dir_all(&self.directory);
        } else {
            eprintln!("what the server left is kept in {}", self.directory.display());
        }
    }
}

/// Under the directory of builds, where PostgreSQL's user can get; elsewhere when that is closed to it.
fn directory() -> PathBuf {
    let name = format!("crash-{}", std::process::id());
    let builds = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let closed = rustix::process::geteuid().is_root() && builds.starts_with("/root");
    if closed { std::env::temp_dir().join(name) } else { builds.join(name) }
}

fn free_port(parity: u16) -> Result<u16> {
    for _ in 0..100 {
        let port = rand::random_range(PORTS) / 2 * 2 + parity;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no port is free".into())
}
