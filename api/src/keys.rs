//! Keys that are made once and kept in files that only we can read.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

/// A secret text of a file; made and kept there if the file is not there yet. A kill in the middle leaves no half key.
///
/// # Errors
/// When the file cannot be read or written.
pub(crate) fn load_or_make(path: &Path, make: impl FnOnce() -> SecretString) -> std::io::Result<SecretString> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    match File::open(path) {
        Ok(mut file) => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(text.trim().to_owned().into())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = make();
            write_private(path, secret.expose_secret())?;
            Ok(secret)
        }
        Err(error) => Err(error),
    }
}

/// Writes a file that only we can read, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}
