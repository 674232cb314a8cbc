//! The bench's own PostgreSQL, and the databases in it that are made anew for each bench.

use std::path::{Path, PathBuf};

use platform::database::{Access, Database};
use platform::postgres::{EmbeddedPostgres, EmbeddedSettings};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{Client, NoTls};

use crate::Result;

/// The databases of the bench; nothing else of the cluster is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Where the first book and the yardsticks are.
    First,
    /// The one that the house serves when it runs its own PostgreSQL.
    Served,
    /// A small book, from which the next two are made.
    Seed,
    /// A copy of it that stays small.
    Small,
    /// A copy of it that grows.
    Grown,
}

impl Base {
    const ALL: [Self; 5] = [Self::First, Self::Served, Self::Seed, Self::Small, Self::Grown];

    const fn name(self) -> &'static str {
        match self {
            Self::First => "bench",
            Self::Served => "teranga",
            Self::Seed => "bench_seed",
            Self::Small => "bench_small",
            Self::Grown => "bench_grown",
        }
    }
}

/// Connections that the ledger's readers may have; its writer has its own.
const READERS: usize = 4;
/// Settings that a reader of the figures wants to know.
const TELLING_SETTINGS: [&str; 7] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
];

/// A running PostgreSQL.
pub struct Server {
    postgres: EmbeddedPostgres,
    directory: PathBuf,
}

impl Server {
    /// Starts it; blocks, so it is called outside of the runtime.
    pub fn start(data_directory: Option<&Path>, binaries: Option<&Path>) -> Result<Self> {
        let directory = data_directory.map_or_else(default_directory, Path::to_owned);
        let settings = EmbeddedSettings {
            // As the house does it, so that it can be started on the same directory.
            data_directory: directory.join("postgresql"),
            binaries: binaries.map(Path::to_owned),
        };
        Ok(Self { postgres: EmbeddedPostgres::start(&settings)?, directory: directory.canonicalize()? })
    }

    /// The directory in which the house would find this PostgreSQL.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directory of PostgreSQL's programs.
    pub fn binaries(&self) -> &Path {
        self.postgres.binaries()
    }

    /// Makes a database anew, with the tables of the house.
    pub async fn renew(&self, base: Base) -> Result {
        self.drop(base).await?;
        self.administer(&format!("create database {}", base.name())).await?;
        platform::migrations::run(&self.url(base)).await?;
        Ok(())
    }

    /// Makes a database anew as a copy of another one, from which whoever is connected is thrown out.
    pub async fn copy(&self, from: Base, to: Base) -> Result {
        self.drop(to).await?;
        let (from, to) = (from.name(), to.name());
        self.administer(&format!(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{from}'"
        ))
        .await?;
        // File by file: the pages of a large book need not go through the WAL.
        self.administer(&format!("create database {to} template {from} strategy file_copy")).await
    }

    /// Lets the tables come to rest after they were filled, so that no run pays for that.
    pub async fn settle(&self, base: Base) -> Result {
        let client = self.connect_to(base).await?;
        // Each alone: neither may stand in a transaction.
        client.batch_execute("vacuum analyze").await?;
        client.batch_execute("checkpoint").await?;
        Ok(())
    }

    /// Gives the disk of a database back.
    pub async fn drop(&self, base: Base) -> Result {
        self.administer(&format!("drop database if exists {} with (force)", base.name())).await
    }

    /// Gives the disk of all of them back.
    pub async fn drop_all(&self) -> Result {
        for base in Base::ALL {
            self.drop(base).await?;
        }
        Ok(())
    }

    async fn administer(&self, statement: &str) -> Result {
        Ok(self.connect_beside().await?.batch_execute(statement).await?)
    }

    /// A connection of the owner to none of the bench's databases.
    pub async fn connect_beside(&self) -> Result<Client> {
        connect(&self.postgres.owner_url_of("postgres")).await
    }

    /// A connection of the owner to the first book, on which nothing of the house stands between us and PostgreSQL.
    pub async fn connect(&self) -> Result<Client> {
        self.connect_to(Base::First).await
    }

    /// The same to another one.
    pub async fn connect_to(&self, base: Base) -> Result<Client> {
        connect(&self.url(base)).await
    }

    /// The pool that the server of the house would have, with its rights.
    pub fn database(&self, base: Base) -> Result<Database> {
        Ok(Database::connect(&self.url(base), READERS, Access::Server)?)
    }

    /// The first process of PostgreSQL.
    pub fn process_id(&self) -> Option<u32> {
        self.postgres.process_id()
    }

    /// The owner's URL of a database.
    pub fn url(&self, base: Base) -> SecretString {
        self.postgres.owner_url_of(base.name())
    }
}

/// PostgreSQL's version and the settings that matter here.
pub async fn settings(client: &Client) -> Result<String> {
    let version: String = client.query_one("select current_setting('server_version')", &[]).await?.get(0);
    let mut text = version;
    for name in TELLING_SETTINGS {
        let value: String = client.query_one("select current_setting($1)", &[&name]).await?.get(0);
        text.push_str(&format!(", {name} {value}"));
    }
    Ok(text)
}

/// Connects as the URL says.
pub async fn connect(url: &SecretString) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await?;
    // It ends with its client; what went wrong on the way is heard by whoever waited for an answer.
    tokio::spawn(connection);
    Ok(client)
}

/// Under `target/`, which everybody may throw away.
pub fn default_directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("bench")
}
