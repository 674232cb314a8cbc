use std::path::PathBuf;

/// Why the ground under the rooms gave way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused a statement or did not answer.
    #[error("the database failed: {0}")]
    Database(#[from] diesel::result::Error),
    /// No connection could be opened.
    #[error("the database cannot be reached: {0}")]
    Connection(#[from] diesel::ConnectionError),
    /// No connection became free in time, or none could be opened.
    #[error("no database connection could be had: {0}")]
    Pool(String),
    /// The database's URL is none.
    #[error("database.url is not a PostgreSQL URL: {0}")]
    Url(String),
    /// TLS could not be set up.
    #[error("TLS to the database cannot be set up: {0}")]
    Tls(String),
    /// A migration failed; those before it are kept.
    #[error("a migration failed: {0}")]
    Migration(String),
    /// No PostgreSQL of at least version 15 is installed, and none could be downloaded.
    #[error("no PostgreSQL 15 or newer was found ({searched}), and none could be downloaded: {download}")]
    NoPostgres {
        /// Where it was looked for.
        searched: String,
        /// Why it could not be downloaded.
        download: String,
    },
    /// Another process holds the data directory.
    #[error("the data directory {directory} is in use by process {holder}; stop it first, or name another directory")]
    DirectoryInUse {
        /// The directory.
        directory: PathBuf,
        /// The other process.
        holder: String,
    },
    /// PostgreSQL's own user cannot reach the data directory.
    #[error(
        "{directory} cannot be entered by the user {user}, as whom PostgreSQL runs; choose a data directory elsewhere or allow it with: chmod o+x {directory}"
    )]
    DirectoryClosed {
        /// The directory that stands in the way.
        directory: PathBuf,
        /// The user.
        user: String,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Postgres {
        /// The program.
        program: String,
        /// What it said.
        output: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// Sealed data could not be opened: another key, another context, or tampering.
    #[error("sealed data cannot be opened")]
    Sealed,
    /// A key is not 32 bytes in hexadecimal.
    #[error("an encryption key is 64 hexadecimal digits")]
    Key,
    /// Something could not be written as JSON, or read from it.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }
}

/// What an error says, and what it says of its causes: a driver's error alone is `db error`.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some tell their cause themselves.
        if !told.contains(&more) {
            told = format!("{told}: {more}");
        }
        cause = error.source();
    }
    told
}
