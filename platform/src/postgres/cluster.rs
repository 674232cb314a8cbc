use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use secrecy::{ExposeSecret, SecretString};

use super::{Account, OWNER};
use crate::Error;
use crate::error::with_causes;

/// A socket's path must fit into `sockaddr_un`, with the name that PostgreSQL adds.
const LONGEST_SOCKET_DIRECTORY: usize = 107 - "/.s.PGSQL.5432".len();
/// How long an orderly shutdown may take before it is made a quick one.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How long a start may take, recovery included.
const START_WITHIN: Duration = Duration::from_secs(120);
/// A log larger than this is put aside at the start, and the one before it dropped.
const LARGEST_LOG: u64 = 64 << 20;

/// Settings for a small server that shares its machine; durability is PostgreSQL's default, and stated.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "max_connections=100",
    "shared_buffers=256MB",
    "wal_compression=on",
    "max_wal_size=2GB",
    "checkpoint_timeout=15min",
    "logging_collector=off",
    "log_line_prefix=%m [%p] ",
];

/// A PostgreSQL cluster on disk.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    directory: PathBuf,
    socket_directory: PathBuf,
    pub(super) binaries: PathBuf,
    account: Account,
}

impl Cluster {
    /// Finds the cluster, or makes it: beside its place first, so that a kill in the middle leaves nothing half made.
    pub(super) fn prepare(parent: PathBuf, binaries: PathBuf, account: Account) -> Result<Self, Error> {
        let directory = parent.join("cluster");
        account.can_reach(&directory)?;
        let socket_directory = socket_directory(&parent)?;
        account.own(&socket_directory)?;
        let cluster = Self { directory, socket_directory, binaries, account };
        if !cluster.directory.join("PG_VERSION").exists() {
            cluster.initialise(&parent.join("cluster.partial"))?;
        }
        Ok(cluster)
    }

    fn initialise(&self, partial: &Path) -> Result<(), Error> {
        tracing::info!(directory = %self.directory.display(), "making a new PostgreSQL cluster");
        if partial.exists() {
            std::fs::remove_dir_all(partial).map_err(Error::file(partial))?;
        }
        std::fs::create_dir(partial).map_err(Error::file(partial))?;
        self.account.own(partial)?;
        let mut initdb = self.account.command(&self.binaries.join("initdb"));
        initdb
            .arg("--pgdata")
            .arg(partial)
            .args(["--username", OWNER, "--encoding=UTF8", "--locale=C", "--data-checksums"])
            .args(["--auth-local=trust", "--auth-host=reject"]);
        run("initdb", &mut initdb)?;
        std::fs::rename(partial, &self.directory).map_err(Error::file(&self.directory))
    }

    /// A URL over the private socket.
    pub(super) fn url(&self, role: &str, database: &str) -> SecretString {
        let host: String = self
            .socket_directory
            .to_string_lossy()
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        format!("postgresql://{role}@{host}/{database}").into()
    }

    /// Starts the server and waits until it answers.
    pub(super) fn start(&self) -> Result<Child, Error> {
        let log = self.log()?;
        let mut command = self.account.command(&self.binaries.join("postgres"));
        command.arg("-D").arg(&self.directory);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.arg("-c").arg(format!("unix_socket_directories={}", self.socket_directory.display()));
        let second = log.try_clone().map_err(Error::file(&self.directory))?;
        command.stdin(Stdio::null()).stdout(log).stderr(second);
        let started = Instant::now();
        loop {
            let mut child = command.spawn().map_err(Error::file(self.binaries.join("postgres")))?;
            match self.wait_until_it_answers(&mut child, started) {
                Ok(()) => return Ok(child),
                Err(error) if started.elapsed() > START_WITHIN => {
                    end(&mut child);
                    return Err(error);
                }
                // The processes of a server that was killed may hold its memory for a moment; try again.
                Err(error) => {
                    end(&mut child);
                    if started.elapsed() > Duration::from_secs(20) {
                        return Err(error);
                    }
                    // Or its owner was killed while it had only begun to start, and it came up since.
                    self.stop_orphan()?;
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
        }
    }

    fn wait_until_it_answers(&self, child: &mut Child, started: Instant) -> Result<(), Error> {
        loop {
            match self.execute("postgres", "select 1") {
                // One that was left over could answer too, as long as ours has not found out that it is not alone.
                Ok(()) if self.recorded_pid().is_some_and(|pid| is_child(pid, child)) => return Ok(()),
                Ok(()) if started.elapsed() > START_WITHIN => {
                    let output = "another server answers in its place".to_owned();
                    return Err(Error::Postgres { program: "postgres".to_owned(), output });
                }
                Ok(()) => {}
                Err(error) if started.elapsed() > START_WITHIN => return Err(error),
                Err(_) => {}
            }
            if let Ok(Some(status)) = child.try_wait() {
                let log = std::fs::read_to_string(self.log_path()).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                let output = format!("{status}: {}", last.into_iter().rev().collect::<Vec<_>>().join(" / "));
                return Err(Error::Postgres { program: "postgres".to_owned(), output });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log_path(&self) -> PathBuf {
        self.directory.with_file_name("postgresql.log")
    }

    fn log(&self) -> Result<File, Error> {
        let path = self.log_path();
        if std::fs::metadata(&path).is_ok_and(|status| status.len() > LARGEST_LOG) {
            std::fs::rename(&path, path.with_extension("log.1")).map_err(Error::file(&path))?;
        }
        // Statements stand in it, and so may what people told us.
        let log = File::options().create(true).append(true).mode(0o600).open(&path).map_err(Error::file(&path))?;
        self.account.own_file(&path)?;
        Ok(log)
    }

    /// Which process has the cluster, or had it last.
    fn recorded_pid(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.directory.join("postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
    }

    /// Stops a server that was left running when its owner was killed.
    pub(super) fn stop_orphan(&self) -> Result<(), Error> {
        let Some(pid) = self.recorded_pid() else { return Ok(()) };
        if !is_our_postmaster(pid, &self.directory) {
            return Ok(());
        }
        tracing::warn!(pid = pid.as_raw_nonzero().get(), "stopping a PostgreSQL that was left over");
        for (signal, patience) in [
            (Signal::INT, STOP_WITHIN),
            (Signal::QUIT, Duration::from_secs(10)),
            (Signal::KILL, Duration::from_secs(5)),
        ] {
            // It may end between the look and the signal.
            let _ = kill_process(pid, signal);
            let until = Instant::now() + patience;
            while Instant::now() < until {
                if !is_our_postmaster(pid, &self.directory) {
                    return Ok(());
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Err(Error::Postgres {
            program: "postgres".to_owned(),
            output: "a left-over server cannot be stopped".to_owned(),
        })
    }

    pub(super) fn ensure_database(&self, name: &str) -> Result<(), Error> {
        let exists = format!("select 1 / count(*) from pg_database where datname = '{name}'");
        if self.execute("postgres", &exists).is_ok() {
            return Ok(());
        }
        self.execute("postgres", &format!("create database {name}"))
    }

    /// Runs statements as the owner, in a runtime of its own: callers here are not asynchronous.
    pub(super) fn execute(&self, database: &str, statements: &str) -> Result<(), Error> {
        let url = self.url(OWNER, database).expose_secret().to_owned();
        let statements = statements.to_owned();
        let work = async move {
            let fault = |error: tokio_postgres::Error| Error::Postgres {
                program: "postgres".to_owned(),
                output: with_causes(&error),
            };
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.map_err(fault)?;
            let connection = tokio::spawn(connection);
            let executed = client.batch_execute(&statements).await.map_err(fault);
            drop(client);
            // Its end says nothing that the statement's answer did not.
            let _ = connection.await;
            executed
        };
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(Error::file(&self.directory))?;
                runtime.block_on(work)
            });
            thread.join().unwrap_or_else(|_| {
                Err(Error::Postgres { program: "postgres".to_owned(), output: "a thread ended badly".to_owned() })
            })
        })
    }
}

/// Ends a child in order, then less so.
pub(super) fn stop(child: &mut Child) {
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    for signal in [Signal::INT, Signal::QUIT] {
        // It may have ended by itself.
        let _ = kill_process(pid, signal);
        let until = Instant::now() + STOP_WITHIN;
        while Instant::now() < until {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    end(child);
}

fn end(child: &mut Child) {
    // Both fail only for a child that has ended.
    let _ = child.kill();
    let _ = child.wait();
}

fn is_child(pid: Pid, child: &Child) -> bool {
    u32::try_from(pid.as_raw_nonzero().get()) == Ok(child.id())
}

/// Whether the process runs on our directory. One that has ended and that its new parent has not collected yet (some
/// containers have nobody who does) can still be signalled, but has no command line any more.
fn is_our_postmaster(pid: Pid, directory: &Path) -> bool {
    if test_kill_process(pid).is_err() {
        return false;
    }
    // Where there is no /proc, the pid file of a running process is believed.
    match std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) {
        Ok(line) => String::from_utf8_lossy(&line).contains(&*directory.to_string_lossy()),
        Err(_) => !Path::new("/proc/self").exists(),
    }
}

fn socket_directory(parent: &Path) -> Result<PathBuf, Error> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut directory = parent.join("run");
    if directory.as_os_str().len() > LONGEST_SOCKET_DIRECTORY {
        let mut hasher = DefaultHasher::new();
        parent.hash(&mut hasher);
        directory = std::env::temp_dir().join(format!("teranga-{:016x}", hasher.finish()));
    }
    std::fs::create_dir_all(&directory).map_err(Error::file(&directory))?;
    Ok(directory)
}

fn run(program: &str, command: &mut Command) -> Result<(), Error> {
    let output = command.stdin(Stdio::null()).output().map_err(Error::file(program))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " / ");
    Err(Error::Postgres { program: program.to_owned(), output: said })
}
