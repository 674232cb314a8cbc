//! The demo, run as a newcomer runs it: what it shows, what it leaves, and what its log must not hold.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tests::Result;

const SENDERS: &str = include_str!("../../api/src/demo/senders.csv");
const REMITTANCES: &str = include_str!("../../api/src/demo/remittances.csv");

/// An installation of its own.
struct Installation {
    directory: PathBuf,
    port: u16,
    operations_port: u16,
}

impl Installation {
    fn new() -> Result<Self> {
        let directory = std::env::temp_dir().join(format!("teranga-demo-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        // Both are held until both are known, so that they differ.
        let (first, second) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        Ok(Self { directory, port: first.local_addr()?.port(), operations_port: second.local_addr()?.port() })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_teranga-under-test"));
        command
            .args(arguments)
            .env("TERANGA__DATA_DIRECTORY", &self.directory)
            .env("TERANGA__SERVER__LISTEN", format!("127.0.0.1:{}", self.port))
            .env("TERANGA__SERVER__OPERATIONS_LISTEN", format!("127.0.0.1:{}", self.operations_port))
            .env("TERANGA__SERVER__PUBLIC_URL", format!("http://127.0.0.1:{}", self.port))
            .stdin(Stdio::null());
        command
    }

    fn demo(&self) -> Result<String> {
        let Output { status, stdout, stderr } = self.command(&["demo", "--then-stop"]).output()?;
        let said = String::from_utf8(stdout)?;
        assert!(status.success(), "{said}\n{}", String::from_utf8_lossy(&stderr));
        Ok(said)
    }

    fn answers(&self, path: &str) -> bool {
        use std::io::{Read, Write};
        let ask = || -> std::io::Result<String> {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.operations_port))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The part of the report that says what the book holds.
fn trial_balance(said: &str) -> &str {
    let start = said.find("Trial balance").unwrap_or(0);
    let end = said.find("Safeguarding").unwrap_or(said.len());
    &said[start..end]
}

#[test]
fn the_demo_plays_the_main_job_and_its_log_holds_nothing_personal() -> Result {
    let installation = Installation::new()?;
    let said = installation.demo()?;
    assert!(said.contains("sums: 0 EUR, 0 MAD, 0 USD, 0 XAF, 0 XOF"), "{said}");
    assert!(said.contains(": holds"), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("  holds    ")).count(), 16, "{said}");
    hledger_accepts(&installation.directory.join("teranga.journal"))?;
    the_log_holds_nothing_personal(&installation.directory)?;
    // A second start finds everything as it was left.
    let again = installation.demo()?;
    assert!(again.contains("was played on this data before"), "{again}");
    assert_eq!(trial_balance(&again), trial_balance(&said));
    ctrl_c_ends_it_cleanly(&installation)
}

fn hledger_accepts(journal: &Path) -> Result {
    let check = Command::new("hledger").arg("-f").arg(journal).args(["check", "--strict", "ordereddates"]).output();
    let check = check.map_err(|error| format!("hledger is needed (Debian's package hledger): {error}"))?;
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    Ok(())
}

/// Everything that the demo knew of people, and every secret that it used.
fn personal(directory: &Path) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for line in SENDERS.lines().skip(1) {
        let (contact, rest) = line.split_once(',').ok_or("a sender without a name")?;
        let (name, rest) = rest.split_once(',').ok_or("a sender without a country")?;
        let address = rest.split('"').nth(1).ok_or("a sender without an address")?;
        let birth_date = rest.split(',').nth(1).ok_or("a sender without a birth date")?;
        words.extend([contact, name, address, birth_date].map(ToOwned::to_owned));
    }
    for line in REMITTANCES.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        words.extend([cells[4], cells[7]].into_iter().filter(|cell| !cell.is_empty()).map(ToOwned::to_owned));
    }
    for file in ["demo.json", "first-operator.json"] {
        let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(directory.join(file))?)?;
        secrets(&kept, false, &mut words);
    }
    // What every token of ours begins with, and what carries them.
    words.extend(["eyJ", "Bearer ", "client_secret", "THS-004711", "Ndèye Awa Diop", "Diagne"].map(ToOwned::to_owned));
    words.sort();
    words.dedup();
    Ok(words)
}

/// The secrets in what the demo keeps: client secrets, and passwords by contact.
fn secrets(value: &serde_json::Value, secret: bool, words: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                secrets(value, name == "client_secret" || name.contains('@'), words);
            }
        }
        serde_json::Value::String(text) if secret => words.push(text.clone()),
        _ => {}
    }
}

fn the_log_holds_nothing_personal(directory: &Path) -> Result {
    let log = std::fs::read_to_string(directory.join("teranga.log"))?;
    let answered = log.lines().filter(|line| line.contains("answered") && line.contains("request_id=")).count();
    assert!(answered > 1_500, "one line a request is written: {answered}");
    let words = personal(directory)?;
    assert!(words.len() > 300, "{}", words.len());
    for word in words {
        assert!(!log.contains(&word), "the log holds {word:?}");
    }
    Ok(())
}

fn ctrl_c_ends_it_cleanly(installation: &Installation) -> Result {
    let mut server: Child = installation.command(&["serve"]).stderr(Stdio::null()).spawn()?;
    wait_for("the server is ready", || installation.answers("/health/ready"));
    let lock = std::fs::read_to_string(installation.directory.join("postgresql/cluster/postmaster.pid"))?;
    let postgres = lock.lines().next().ok_or("PostgreSQL has no process")?.to_owned();
    let interrupted = Command::new("kill").args(["-INT", &server.id().to_string()]).status()?;
    assert!(interrupted.success());
    let status = server.wait()?;
    assert!(status.success(), "{status}");
    assert!(!Path::new(&format!("/proc/{postgres}")).exists(), "PostgreSQL is stopped with the server");
    Ok(())
}
