//! The private PostgreSQL: started, killed, left over, shared by nobody.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use platform::database::{Access, Database};
use platform::postgres::{EmbeddedPostgres, EmbeddedSettings};
use platform::{Error, migrations};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One PostgreSQL at a time is enough for a small machine.
static TURN: Mutex<()> = Mutex::new(());

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("teranga-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        Self(directory)
    }

    fn settings(&self) -> EmbeddedSettings {
        EmbeddedSettings { data_directory: self.0.clone(), binaries: None }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Runtime::new()?)
}

async fn count_outbox(postgres: &EmbeddedPostgres) -> Result<i64> {
    use diesel_async::RunQueryDsl;
    let mut connection = Database::connect(&postgres.server_url(), 1, Access::Server)?.connection().await?;
    Ok(platform::schema::outbox::table.count().get_result(&mut connection).await?)
}

use diesel::QueryDsl;

fn signal(pid: u32, name: &str) -> Result {
    assert!(Command::new("kill").args([format!("-{name}"), pid.to_string()]).status()?.success());
    Ok(())
}

fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn write_a_message(postgres: &EmbeddedPostgres) -> Result {
    let cipher = platform::cipher::Cipher::try_new(&platform::cipher::Cipher::generate_key())?;
    let message = platform::outbox::Message::try_new("mail", &"hello", &cipher)?;
    let mut connection = Database::connect(&postgres.server_url(), 1, Access::Server)?.connection().await?;
    platform::outbox::enqueue_in(&mut connection, &[message]).await?;
    Ok(())
}

#[test]
fn what_was_committed_is_there_after_a_restart_and_after_a_kill_of_postgresql() -> Result {
    let _turn = TURN.lock();
    let place = Place::new("kill");
    let runtime = runtime()?;
    let postgres = EmbeddedPostgres::start(&place.settings())?;
    runtime.block_on(migrations::run(&postgres.owner_url()))?;
    postgres.admit_server_roles()?;
    runtime.block_on(write_a_message(&postgres))?;
    let first = postgres.process_id().ok_or("no process")?;
    signal(first, "KILL")?;
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let counted = loop {
        let replaced = postgres.process_id().is_some_and(|pid| pid != first);
        match runtime.block_on(count_outbox(&postgres)) {
            Ok(count) if replaced => break count,
            _ => assert!(std::time::Instant::now() < until, "PostgreSQL was not started again"),
        }
    };
    assert_eq!(counted, 1);
    let second = postgres.process_id().ok_or("no process")?;
    postgres.stop();
    assert!(!is_alive(second), "stopped means gone");
    drop(postgres);
    let postgres = EmbeddedPostgres::start(&place.settings())?;
    assert_eq!(runtime.block_on(count_outbox(&postgres))?, 1);
    Ok(())
}

#[test]
fn a_second_process_on_the_directory_is_refused_by_name() -> Result {
    let _turn = TURN.lock();
    let place = Place::new("second");
    let _postgres = EmbeddedPostgres::start(&place.settings())?;
    // A second lock of the same file is refused within one process too, as the lock belongs to the open file.
    let second = EmbeddedPostgres::start(&place.settings());
    match second {
        Err(Error::DirectoryInUse { holder, .. }) => assert_eq!(holder, std::process::id().to_string()),
        Err(other) => return Err(format!("another error: {other}").into()),
        Ok(_) => return Err("two servers on one directory".into()),
    }
    Ok(())
}

#[test]
fn a_server_left_over_by_a_killed_owner_is_stopped_and_replaced() -> Result {
    let _turn = TURN.lock();
    let place = Place::new("orphan");
    let program = env!("CARGO_BIN_EXE_platform-embedded-owner");
    let mut owner = Command::new(program).arg(&place.0).stdout(std::process::Stdio::piped()).spawn()?;
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(owner.stdout.take().ok_or("no output")?), &mut line)?;
    let orphan: u32 = line.trim().parse()?;
    owner.kill()?;
    owner.wait()?;
    assert!(is_alive(orphan), "PostgreSQL outlives an owner that is killed");
    let postgres = EmbeddedPostgres::start(&place.settings())?;
    assert!(!is_alive(orphan));
    assert_ne!(postgres.process_id(), Some(orphan));
    Ok(())
}

#[test]
fn others_on_the_machine_see_neither_the_directory_nor_the_log() -> Result {
    use std::os::unix::fs::MetadataExt;
    let _turn = TURN.lock();
    let place = Place::new("closed");
    let _postgres = EmbeddedPostgres::start(&place.settings())?;
    let is_root = std::fs::metadata("/proc/self")?.uid() == 0;
    let parent = std::fs::metadata(&place.0)?;
    assert_eq!(parent.mode() & 0o777, if is_root { 0o711 } else { 0o700 }, "PostgreSQL's user has to pass");
    let cluster = std::fs::metadata(place.0.join("cluster"))?;
    assert_eq!(cluster.mode() & 0o777, 0o700);
    let log = std::fs::metadata(place.0.join("postgresql.log"))?;
    assert_eq!(log.mode() & 0o777, 0o600);
    assert_eq!(log.uid(), cluster.uid(), "it is PostgreSQL's own");
    Ok(())
}

/// Runs the same set-up once more as a user without rights, where the test itself runs as root.
#[test]
fn an_ordinary_user_can_run_it_too() -> Result {
    let _turn = TURN.lock();
    let whoami = String::from_utf8(Command::new("id").arg("-u").output()?.stdout)?;
    if whoami.trim() != "0" {
        // The other tests of this file ran as an ordinary user already.
        return Ok(());
    }
    let place = Place::new("ordinary");
    std::fs::create_dir_all(&place.0)?;
    let program = place.0.join("owner");
    std::fs::copy(env!("CARGO_BIN_EXE_platform-embedded-owner"), &program)?;
    let data = place.0.join("data");
    std::fs::create_dir(&data)?;
    std::os::unix::fs::chown(&data, Some(65_534), Some(65_534))?;
    let mut command = Command::new(&program);
    std::os::unix::process::CommandExt::uid(&mut command, 65_534);
    std::os::unix::process::CommandExt::gid(&mut command, 65_534);
    let mut owner = command.arg(&data).stdout(std::process::Stdio::piped()).spawn()?;
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(owner.stdout.take().ok_or("no output")?), &mut line)?;
    let pid: u32 = line.trim().parse()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    assert!(status.lines().any(|line| line.starts_with("Uid:") && line.contains("65534")), "{status}");
    signal(owner.id(), "TERM")?;
    owner.wait()?;
    signal(pid, "QUIT")?;
    Ok(())
}
