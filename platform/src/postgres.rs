//! A private PostgreSQL, run by this process when no external one is named.
//!
//! It lives under the data directory and listens on a unix socket in a directory that only its user may enter. It is
//! started with us and stopped with us. After a crash of either, the next start stops what was left over and lets
//! PostgreSQL recover; fsync stays on.
//!
//! PostgreSQL refuses to run as root, so as root it runs as the user `postgres`, or else `nobody`.

mod account;
mod binaries;
mod cluster;
mod supervisor;

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use secrecy::SecretString;

use crate::Error;
use account::Account;
use cluster::Cluster;
use supervisor::Supervisor;

/// The superuser of the private cluster; owner of the tables.
const OWNER: &str = "teranga";
/// The database.
const DATABASE: &str = "teranga";

/// Where and how the private PostgreSQL runs.
#[derive(Clone, Debug)]
pub struct EmbeddedSettings {
    /// The directory that holds the cluster, its log and its socket.
    pub data_directory: PathBuf,
    /// Where PostgreSQL's programs are; looked for when not named.
    pub binaries: Option<PathBuf>,
}

/// A running private PostgreSQL.
pub struct EmbeddedPostgres {
    cluster: Cluster,
    supervisor: Mutex<Option<Supervisor>>,
    // Held until the end: another process on the same directory is refused by it.
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts PostgreSQL on the data directory, making the cluster if there is none. Blocks until it answers.
    ///
    /// # Errors
    /// [`Error::DirectoryInUse`] when another process has the directory, [`Error::NoPostgres`] when there are no
    /// programs to run, [`Error::DirectoryClosed`] when PostgreSQL's user cannot get there.
    pub fn start(settings: &EmbeddedSettings) -> Result<Self, Error> {
        let directory = &settings.data_directory;
        let account = Account::for_postgres()?;
        account.make_parent(directory)?;
        let directory = directory.canonicalize().map_err(Error::file(directory))?;
        let lock = lock(&directory)?;
        let binaries = binaries::find(settings.binaries.as_deref(), &directory)?;
        let cluster = Cluster::prepare(directory, binaries, account)?;
        cluster.stop_orphan()?;
        let supervisor = Supervisor::start(cluster.clone())?;
        let embedded = Self { cluster, supervisor: Mutex::new(Some(supervisor)), _lock: lock };
        embedded.cluster.ensure_database(DATABASE)?;
        Ok(embedded)
    }

    /// The URL of the tables' owner.
    #[must_use]
    pub fn owner_url(&self) -> SecretString {
        self.cluster.url(OWNER, DATABASE)
    }

    /// The URL of the server's own role, which may not change entries; valid after the migrations.
    #[must_use]
    pub fn server_url(&self) -> SecretString {
        self.cluster.url("teranga_server", DATABASE)
    }

    /// The owner's URL of another database of the cluster.
    #[must_use]
    pub fn owner_url_of(&self, database: &str) -> SecretString {
        self.cluster.url(OWNER, database)
    }

    /// Makes another database as a copy of the migrated one, which nobody may be using.
    ///
    /// # Errors
    /// When the database refuses.
    #[cfg(feature = "testing")]
    pub fn clone_template(&self, name: &str) -> Result<(), Error> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock();
        self.cluster.execute("postgres", &format!("create database {name} template {DATABASE}"))
    }

    /// The process id of the running server.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.supervisor.lock().ok()?.as_ref().and_then(Supervisor::process_id)
    }

    /// Lets the server's roles sign in over the private socket; run after the migrations that make them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn admit_server_roles(&self) -> Result<(), Error> {
        self.cluster.execute(DATABASE, "alter role teranga_server login; alter role teranga_reader login")
    }

    /// The directory of the server's programs.
    #[must_use]
    pub fn binaries(&self) -> &Path {
        &self.cluster.binaries
    }

    /// Ends all sessions, writes everything out and stops. Blocks until it is done.
    pub fn stop(&self) {
        let supervisor = self.supervisor.lock().ok().and_then(|mut supervisor| supervisor.take());
        if let Some(supervisor) = supervisor {
            supervisor.stop();
        }
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Takes the directory's lock, which the system gives back when the process ends in whatever way.
fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("lock");
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(Error::file(&path))?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        // Who holds it is only a courtesy.
        let _ = file.read_to_string(&mut holder);
        return Err(Error::DirectoryInUse { directory: directory.to_owned(), holder: holder.trim().to_owned() });
    }
    file.set_len(0).map_err(Error::file(&path))?;
    file.rewind().map_err(Error::file(&path))?;
    writeln!(file, "{}", std::process::id()).map_err(Error::file(&path))?;
    Ok(file)
}
