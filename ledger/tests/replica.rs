//! Reading from a real replica: never what is older than was asked for.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use ledger::{AsOf, Currency, Error, Ledger, Sequence};
use platform::clock::Clock;
use platform::database::{Access, Database, owner_connection};
use platform::postgres::{EmbeddedPostgres, EmbeddedSettings};
use platform::testing::{TestCluster, TestDatabase};
use tempfile::TempDir;

use crate::fixture::{Result, account, euro, open, unit};

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";
/// How long a replica that follows may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a read waits that is to be refused.
const IMPATIENCE: Duration = Duration::from_millis(300);

/// A PostgreSQL that follows the primary and can be read.
struct Replica {
    // Stopped before its directory is removed.
    postgres: EmbeddedPostgres,
    _directory: TempDir,
}

impl Replica {
    /// A copy of the whole cluster, which then follows it.
    async fn of(primary: &TestCluster, test: &TestDatabase) -> Result<Self> {
        #[derive(QueryableByName)]
        struct Setting {
            #[diesel(sql_type = Text)]
            unix_socket_directories: String,
        }
        let mut owner = test.owner().await?;
        let socket: Setting = diesel::sql_query("show unix_socket_directories").get_result(&mut owner).await?;
        let directory = tempfile::Builder::new().prefix("replica-").tempdir_in(primary.directory())?;
        let cluster = directory.path().join("cluster");
        std::fs::create_dir(&cluster)?;
        copy(primary, &socket.unix_socket_directories, &cluster)?;
        let settings = EmbeddedSettings { data_directory: directory.path().to_owned(), binaries: None };
        let postgres = tokio::task::spawn_blocking(move || EmbeddedPostgres::start(&settings)).await??;
        Ok(Self { postgres, _directory: directory })
    }

    fn database(&self, test: &TestDatabase) -> Result<Database> {
        Ok(Database::connect(&self.postgres.owner_url_of(test.name()), 4, Access::Reader)?)
    }

    async fn owner(&self, test: &TestDatabase) -> Result<AsyncPgConnection> {
        Ok(owner_connection(&self.postgres.owner_url_of(test.name())).await?)
    }
}

/// `pg_basebackup`, by the user that the primary runs as.
fn copy(primary: &TestCluster, socket: &str, cluster: &Path) -> Result {
    let original = std::fs::metadata(primary.directory().join("cluster"))?;
    for path in [cluster.parent().ok_or("it lies in a directory")?, cluster] {
        chown(path, Some(original.uid()), Some(original.gid()))?;
        std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    // Where the programs are that a link may stand for.
    let postgres = primary.postgres().binaries().join("postgres").canonicalize()?;
    let mut command = Command::new(postgres.with_file_name("pg_basebackup"));
    command.arg("--pgdata").arg(cluster).args(["--host", socket, "--username", "teranga"]);
    command.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-password"]);
    if rustix::process::geteuid().is_root() {
        command.uid(original.uid()).gid(original.gid());
    }
    let output = command.current_dir("/").output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("pg_basebackup: {said}").into()) }
}

async fn amina(ledger: &Ledger, moment: AsOf) -> std::result::Result<i64, Error> {
    Ok(ledger.balance(&account(AMINA), Currency::EUR, moment).await?.minor())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_answers_when_it_has_come_so_far_or_says_that_it_has_not_and_never_with_what_is_older() -> Result {
    let primary = TestCluster::create().await?;
    let test = primary.database("followed").await?;
    let (ledger, _writer) = open(&test.database()?, Clock::system()).await?;
    ledger.post(unit(&ledger, AMINA, BANK, euro(100))).await?;
    let replica = Replica::of(&primary, &test).await?;
    let followed = ledger.reading_through(replica.database(&test)?);

    // One reads one's own write, as soon as it is there.
    let mut told = ledger.post(unit(&ledger, AMINA, BANK, euro(10))).await?.sequence;
    for cents in 1..=20 {
        followed.at_least(told, PATIENCE).await?;
        assert_eq!(amina(&followed, AsOf::Now).await?, amina(&ledger, AsOf::Sequence(told)).await?);
        told = ledger.post(unit(&ledger, AMINA, BANK, euro(cents))).await?.sequence;
    }
    followed.at_least(told, PATIENCE).await?;
    let known = told;

    // It stands still: what is newer is refused within the time that was given, by each way of asking for it.
    let mut owner = replica.owner(&test).await?;
    owner.batch_execute("select pg_wal_replay_pause()").await?;
    until_paused(&mut owner).await?;
    let ahead = ledger.post(unit(&ledger, AMINA, BANK, euro(1_000))).await?.sequence;
    let began = Instant::now();
    let behind = followed.at_least(ahead, IMPATIENCE).await;
    let expected = (known.number(), ahead.number());
    assert!(matches!(behind, Err(Error::Behind { head, asked }) if (head, asked) == expected), "{behind:?}");
    assert!(began.elapsed() < IMPATIENCE * 4, "it waited for {:?}", began.elapsed());
    let refused = amina(&followed, AsOf::Sequence(ahead)).await;
    assert!(matches!(refused, Err(Error::SequenceAhead { .. })), "{refused:?}");
    let unread = followed.trial_balance(AsOf::Sequence(ahead)).await;
    assert!(matches!(unread, Err(Error::SequenceAhead { .. })), "{unread:?}");
    assert!(matches!(followed.reversal(ahead, crate::held::KIND).await, Err(Error::SequenceAhead { .. })));
    // What it knows it tells, and says up to where.
    assert_eq!(followed.trial_balance(AsOf::Now).await?.sequence, known);
    assert_eq!(amina(&followed, AsOf::Sequence(known)).await?, amina(&ledger, AsOf::Sequence(known)).await?);

    // Who waits long enough is answered when it goes on.
    let waiting = tokio::spawn({
        let followed = followed.clone();
        async move {
            followed.at_least(ahead, PATIENCE).await?;
            amina(&followed, AsOf::Now).await
        }
    });
    tokio::time::sleep(IMPATIENCE).await;
    assert!(!waiting.is_finished(), "nothing goes on yet");
    owner.batch_execute("select pg_wal_replay_resume()").await?;
    assert_eq!(waiting.await??, amina(&ledger, AsOf::Sequence(ahead)).await?);

    // A whole verification of what the replica has.
    assert_eq!(followed.verify(|_, _| {}).await?.first_difference(), None);
    assert_eq!(followed.head().await?, Sequence::new(ahead.number()));
    Ok(())
}

async fn until_paused(owner: &mut AsyncPgConnection) -> Result {
    #[derive(QueryableByName)]
    struct State {
        #[diesel(sql_type = Text)]
        state: String,
    }
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let state: State =
            diesel::sql_query("select pg_get_wal_replay_pause_state() as state").get_result(owner).await?;
        if state.state == "paused" {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("the replay is not paused".into())
}
