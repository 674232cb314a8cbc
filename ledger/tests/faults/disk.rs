//! A disk that is full: what was asked waits, and is booked once when there is room again.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use ledger::{Ledger, Outcome};

use super::{AMINA, BANK};
use crate::fixture::{LedgerFixture, Result, euro, unit};

/// For the postings' rows.
const MEGABYTES: usize = 16;
/// So many need new pages for sure.
const UNITS: usize = 4_000;

/// A small disk of its own, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Beside PostgreSQL's data, for its user; `None` where nobody may mount one.
    fn mount(data: &Path) -> Result<Option<Self>> {
        let owner = std::fs::metadata(data)?;
        let directory = data.parent().ok_or("the data lie in a directory")?.join("small-disk");
        std::fs::create_dir_all(&directory)?;
        let options = format!("size={MEGABYTES}m,uid={},gid={},mode=0700", owner.uid(), owner.gid());
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&directory).output();
        if mounted.is_ok_and(|output| output.status.success()) { Ok(Some(Self(directory))) } else { Ok(None) }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Leaves no byte.
    fn fill(&self) -> Result {
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
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        data_directory: String,
    }
    let fixture = LedgerFixture::new().await?;
    let mut owner = fixture.test.owner().await?;
    let setting: Setting = diesel::sql_query("show data_directory").get_result(&mut owner).await?;
    let Some(disk) = SmallDisk::mount(Path::new(&setting.data_directory))? else {
        println!("not tried: a disk of its own cannot be mounted here");
        return Ok(());
    };
    owner.batch_execute(&format!("create tablespace small location '{}'", disk.0.display())).await?;
    owner.batch_execute("alter table ledger.postings set tablespace small").await?;
    disk.fill()?;
    let booked = tokio::spawn(book(fixture.ledger.clone(), disk.ballast())).await;
    // The disk is not taken away from under PostgreSQL, whatever came of it.
    let _ = std::fs::remove_file(disk.ballast());
    owner.batch_execute("alter table ledger.postings set tablespace pg_default").await?;
    owner.batch_execute("drop tablespace small").await?;
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
