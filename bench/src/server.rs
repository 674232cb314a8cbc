//! The bench's own PostgreSQL, and the database in it that is made anew for each bench.

use std::path::{Path, PathBuf};

use platform::database::{Access, Database};
use platform::postgres::{EmbeddedPostgres, EmbeddedSettings};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{Client, NoTls};

use crate::Result;

/// The database's name; nothing else of the cluster is touched.
const DATABASE: &str = "bench";
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
}

impl Server {
    /// Starts it; blocks, so it is called outside of the runtime.
    pub fn start(data_directory: Option<&Path>, binaries: Option<&Path>) -> Result<Self> {
        let settings = EmbeddedSettings {
            data_directory: data_directory.map_or_else(default_directory, Path::to_owned),
            binaries: binaries.map(Path::to_owned),
        };
        Ok(Self { postgres: EmbeddedPostgres::start(&settings)? })
    }

    /// Makes the database anew, with the tables of the house.
    pub async fn renew_database(&self) -> Result {
        self.drop_database().await?;
        let client = connect(&self.postgres.owner_url_of("postgres")).await?;
        client.batch_execute(&format!("create database {DATABASE}")).await?;
        platform::migrations::run(&self.url()).await?;
        Ok(())
    }

    /// Lets the tables come to rest after they were filled, so that no run pays for that.
    pub async fn settle(&self) -> Result {
        let client = self.connect().await?;
        // Each alone: neither may stand in a transaction.
        client.batch_execute("vacuum analyze").await?;
        client.batch_execute("checkpoint").await?;
        Ok(())
    }

    /// Gives the disk back.
    pub async fn drop_database(&self) -> Result {
        let client = connect(&self.postgres.owner_url_of("postgres")).await?;
        client.batch_execute(&format!("drop database if exists {DATABASE} with (force)")).await?;
        Ok(())
    }

    /// A connection of the owner, on which nothing of the house stands between us and PostgreSQL.
    pub async fn connect(&self) -> Result<Client> {
        connect(&self.url()).await
    }

    /// The pool that the server of the house would have, with its rights.
    pub fn database(&self) -> Result<Database> {
        Ok(Database::connect(&self.url(), READERS, Access::Server)?)
    }

    /// The first process of PostgreSQL.
    pub fn process_id(&self) -> Option<u32> {
        self.postgres.process_id()
    }

    fn url(&self) -> SecretString {
        self.postgres.owner_url_of(DATABASE)
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

async fn connect(url: &SecretString) -> Result<Client> {
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
