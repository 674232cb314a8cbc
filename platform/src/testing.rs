//! Databases for tests: one PostgreSQL a process, one database a test, cloned from a migrated template.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::SecretString;

use crate::Error;
use crate::database::{Access, Database, owner_connection};
use crate::migrations;
use crate::postgres::{EmbeddedPostgres, EmbeddedSettings};

struct TestCluster {
    postgres: EmbeddedPostgres,
    // Stops PostgreSQL and clears up when this process ends, in whatever way: its input closes with us.
    _undertaker: Child,
}

static CLUSTER: OnceLock<TestCluster> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A database of one test's own.
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
    fn start() -> Result<Self, Error> {
        let directory = directory();
        let settings = EmbeddedSettings { data_directory: directory.clone(), binaries: None };
        let postgres = EmbeddedPostgres::start(&settings)?;
        let pid = postgres.process_id().unwrap_or_default();
        let script = format!(
            "cat >/dev/null; kill -INT {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done; rm -rf '{}'",
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
        Ok(Self { postgres, _undertaker: undertaker })
    }
}

/// Under `target/`, where PostgreSQL's user can get; elsewhere only when that is closed to it.
fn directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    let name = format!("test-cluster-{}", std::process::id());
    let closed = rustix::process::geteuid().is_root() && target.to_string_lossy().starts_with("/root");
    if closed { std::env::temp_dir().join(name) } else { target.join(name) }
}
