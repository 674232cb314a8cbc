use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// The user as whom PostgreSQL runs.
#[derive(Clone, Debug)]
pub(super) enum Account {
    /// We are an ordinary user, and so is PostgreSQL.
    Ourselves,
    /// We are root, which PostgreSQL refuses to be.
    Other { name: String, user: u32, group: u32 },
}

impl Account {
    pub(super) fn for_postgres() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let path = Path::new("/etc/passwd");
        let users = std::fs::read_to_string(path).map_err(Error::file(path))?;
        ["postgres", "nobody"].into_iter().find_map(|name| Self::named(&users, name)).ok_or_else(|| Error::Postgres {
            program: "postgres".to_owned(),
            output: "it refuses to run as root, and there is neither a user postgres nor nobody".to_owned(),
        })
    }

    fn named(users: &str, name: &str) -> Option<Self> {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        let user = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Self::Other { name: name.to_owned(), user, group })
    }

    /// A command that will run as this user, in a process group of its own: Ctrl-C is for us, and we stop PostgreSQL.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.process_group(0).current_dir("/").env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        if let Self::Other { user, group, .. } = self {
            command.uid(*user).gid(*group);
        }
        command
    }

    /// Makes our directory, and those on the way to it, where there is none. Nobody can list it; PostgreSQL's user, when
    /// it is another one than us, can pass.
    pub(super) fn make_parent(&self, directory: &Path) -> Result<(), Error> {
        let mode = match self {
            Self::Ourselves => 0o700,
            Self::Other { .. } => 0o711,
        };
        DirBuilder::new().recursive(true).mode(mode).create(directory).map_err(Error::file(directory))
    }

    /// Gives a directory to this user, for its eyes only.
    pub(super) fn own(&self, directory: &Path) -> Result<(), Error> {
        self.give(directory, 0o700)
    }

    /// Gives a file to this user, for its eyes only.
    pub(super) fn own_file(&self, file: &Path) -> Result<(), Error> {
        self.give(file, 0o600)
    }

    fn give(&self, path: &Path, mode: u32) -> Result<(), Error> {
        if let Self::Other { user, group, .. } = self {
            chown(path, Some(*user), Some(*group)).map_err(Error::file(path))?;
        }
        std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::file(path))
    }

    /// Whether this user can get to a directory: each one on the way must let others pass.
    pub(super) fn can_reach(&self, directory: &Path) -> Result<(), Error> {
        let Self::Other { name, user, group } = self else { return Ok(()) };
        for ancestor in directory.ancestors().skip(1) {
            let status = std::fs::metadata(ancestor).map_err(Error::file(ancestor))?;
            let needed = match status {
                _ if status.uid() == *user => 0o100,
                _ if status.gid() == *group => 0o010,
                _ => 0o001,
            };
            if status.mode() & needed == 0 {
                return Err(Error::DirectoryClosed { directory: ancestor.to_owned(), user: name.clone() });
            }
        }
        Ok(())
    }
}
