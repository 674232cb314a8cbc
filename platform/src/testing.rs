//! Databases for tests: one PostgreSQL a process, one database a test, cloned from a migrated template. A test that
//! harms PostgreSQL itself has a cluster of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::SecretString;

use crate::Error;
use crate::database::{Access, Database, owner_connection};
use crate::migrations;
use crate::postgres::{EmbeddedPostgres, EmbeddedSettings};

/// A PostgreSQL of a test's own, gone when dropped or when the process ends.
pub struct TestCluster {
    postgres: EmbeddedPostgres,
    directory: PathBuf,
    // Stops PostgreSQL and clears up when this process ends, in whatever way: its input closes with us.
    _undertaker: Child,
}

/// How a PostgreSQL is ended before its supervisor starts it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Sessions are cut off and everything is written out.
    Fast,
    /// Everything is dropped at once, and the next start recovers from the log.
    Immediate,
}

static CLUSTER: OnceLock<TestCluster> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A database of one test's own.
#[derive(Clone)]
pub struct TestDatabase {
    name: String,
    url: SecretString,
}

impl TestDatabase {
    /// A migrated, empty database.
    ///
    /// # Errors
    /// When PostgreSQL cannot be started or refuses.
    pub async fn create() -> Result<Self, Error> {
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let clone = name.clone();
        let url = tokio::task::spawn_blocking(move || -> Result<SecretString, Error> {
            let cluster = CLUSTER.get_or_init(|| TestCluster::start().unwrap_or_else(|error| panic!("{error}")));
            cluster.postgres.clone_template(&clone)?;
            Ok(cluster.postgres.owner_url_of(&clone))
        })
        .await
        .map_err(|error| Error::Pool(error.to_string()))??;
        Ok(Self { name, url })
    }

    /// A pool with the server's rights.
    ///
    /// # Errors
    /// When the pool cannot be built.
    pub fn database(&self) -> Result<Database, Error> {
        Database::connect(&self.url, 10, Access::Server)
    }

    /// The URL of the database's owner, a superuser: for looking behind the curtain.
    #[must_use]
    pub fn owner_url(&self) -> &SecretString {
        &self.url
    }

    /// A connection of the owner.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn owner(&self) -> Result<diesel_async::AsyncPgConnection, Error> {
        owner_connection(&self.url).await
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl TestCluster {
    /// A migrated cluster.
    ///
    /// # Errors
    /// When PostgreSQL cannot be started or refuses.
    pub async fn create() -> Result<Self, Error> {
        tokio::task::spawn_blocking(Self::start).await.map_err(|error| Error::Pool(error.to_string()))?
    }

    /// A migrated, empty database of it.
    ///
    /// # Errors
    /// When PostgreSQL refuses, or the name is taken.
    pub async fn database(&self, name: &str) -> Result<TestDatabase, Error> {
        tokio::task::block_in_place(|| self.postgres.clone_template(name))?;
        Ok(TestDatabase { name: name.to_owned(), url: self.postgres.owner_url_of(name) })
    }

    /// Ends PostgreSQL. It is started again by itself, after a moment.
    ///
    /// # Errors
    /// When it is not running.
    pub fn restart(&self, ending: Ending) -> Result<(), Error> {
        let fault = |said: &str| Error::Postgres { program: "postgres".to_owned(), output: said.to_owned() };
        let pid = self.postgres.process_id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let signal = match ending {
            Ending::Fast => Signal::INT,
            Ending::Immediate => Signal::QUIT,
        };
        kill_process(pid.ok_or_else(|| fault("it is not running"))?, signal).map_err(|error| fault(&error.to_string()))
    }

    /// The PostgreSQL.
    #[must_use]
    pub fn postgres(&self) -> &EmbeddedPostgres {
        &self.postgres
    }

    /// The directory that all of it lies in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn start() -> Result<Self, Error> {
        let directory = directory();
        let settings = EmbeddedSettings { data_directory: directory.clone(), binaries: None };
        let postgres = EmbeddedPostgres::start(&settings)?;
        // Which process it is by then is written there; nothing is written when it was stopped in order.
        let script = format!(
            "cat >/dev/null; pid=$(head -n 1 '{0}/cluster/postmaster.pid') && kill -INT $pid && \
             while kill -0 $pid 2>/dev/null; do sleep 0.1; done; rm -rf '{0}'",
            directory.display()
        );
        let undertaker = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::file("sh"))?;
        let template = postgres.owner_url();
        let runtime = tokio::runtime::Runtime::new().map_err(Error::file(&directory))?;
        runtime.block_on(migrations::run(&template))?;
        drop(runtime);
        postgres.admit_server_roles()?;
        Ok(Self { postgres, directory, _undertaker: undertaker })
    }
}

/// Under `target/`, where PostgreSQL's user can get; elsewhere only when that is closed to it.
fn directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    let name = format!("test-cluster-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
    let closed = rustix::process::geteuid().is_root() && target.to_string_lossy().starts_with("/root");
    if closed { std::env::temp_dir().join(name) } else { target.join(name) }
}
