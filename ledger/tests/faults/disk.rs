//! A disk that is full: what was asked waits, and is booked once when there is room again.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use ledger::{Ledger, Outcome};

use super::{AMINA, BANK};
use crate::fixture::{LedgerFixture, Result, euro, unit};

/// For the postings' rows.
const MEGABYTES: usize = 16;
/// So many need new pages for sure.
const UNITS: usize = 4_000;

/// A small disk of its own for the postings, gone when dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Beside PostgreSQL's data, for its user; `None` where nobody may mount one.
    fn mount(data: &Path) -> Result<Option<Self>> {
        let owner = std::fs::metadata(data)?;
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("small_disk_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let directory = data.parent().ok_or("the data lie in a directory")?.join(name);
        std::fs::create_dir_all(&directory)?;
        let options = format!("size={MEGABYTES}m,uid={},gid={},mode=0700", owner.uid(), owner.gid());
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&directory).output();
        if mounted.is_ok_and(|output| output.status.success()) { Ok(Some(Self(directory))) } else { Ok(None) }
    }

    /// The postings move to a small disk, which must be unloaded at the end.
    pub async fn loaded(owner: &mut AsyncPgConnection) -> Result<Option<Self>> {
        #[derive(QueryableByName)]
        struct Setting {
            #[diesel(sql_type = Text)]
            data_directory: String,
        }
        let setting: Setting = diesel::sql_query("show data_directory").get_result(owner).await?;
        let Some(disk) = Self::mount(Path::new(&setting.data_directory))? else { return Ok(None) };
        owner.batch_execute(&format!("create tablespace {} location '{}'", disk.name(), disk.0.display())).await?;
        owner.batch_execute(&format!("alter table ledger.postings set tablespace {}", disk.name())).await?;
        Ok(Some(disk))
    }

    /// The postings move back: the disk is not taken away from under PostgreSQL, whatever came of it.
    pub async fn unload(self, owner: &mut AsyncPgConnection) -> Result {
        let _ = std::fs::remove_file(self.ballast());
        owner.batch_execute("alter table ledger.postings set tablespace pg_default").await?;
        Ok(owner.batch_execute(&format!("drop tablespace {}", self.name())).await?)
    }

    /// The tablespace's, which all databases of the cluster see.
    fn name(&self) -> &str {
        self.0.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default()
    }

    pub fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Leaves no byte.
    pub fn fill(&self) -> Result {
        match std::fs::write(self.ballast(), vec![0; (MEGABYTES << 20) + 1]) {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => Err("the disk is larger than it was made".into()),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stdout, reason = "whoever runs it ought to know what was not tried")]
async fn what_is_asked_while_the_disk_is_full_is_booked_once_when_there_is_room() -> Result {
    let fixture = LedgerFixture::new().await?;
    let mut owner = fixture.test.owner().await?;
    let Some(disk) = SmallDisk::loaded(&mut owner).await? else {
        println!("not tried: a disk of its own cannot be mounted here");
        return Ok(());
    };
    disk.fill()?;
    let booked = tokio::spawn(book(fixture.ledger.clone(), disk.ballast())).await;
    disk.unload(&mut owner).await?;
    booked?
}

async fn book(ledger: Ledger, ballast: PathBuf) -> Result {
    let units: Vec<_> = (0..UNITS).map(|_| unit(&ledger, AMINA, BANK, euro(1))).collect();
    let asked = tokio::spawn({
        let (ledger, units) = (ledger.clone(), units.clone());
        async move { ledger.post_all(units).await }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!asked.is_finished(), "there is no room for {UNITS} entries");
    std::fs::remove_file(ballast)?;
    for answer in asked.await?? {
        answer?;
    }
    for answer in ledger.post_all(units).await? {
        assert_eq!(answer?.outcome, Outcome::AlreadyBooked);
    }
    assert_eq!(ledger.head().await?.number(), UNITS as i64);
    assert_eq!(ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}
