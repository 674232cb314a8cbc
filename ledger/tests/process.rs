//! A process that writes two books and can be killed: this very program, started once more.
//!
//! It is asked and answers over a socket that is its standard input. What it answered before it died is read to the last
//! line, so that what was acknowledged is known exactly.

mod child;
pub mod errand;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use platform::testing::TestDatabase;
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use crate::fixture::Result;
pub use child::settings;
use errand::{Answered, Errand, Request, Told};

/// Under this number the process says that its books are open.
const READY: u64 = 0;

/// Who waits for which answer; nobody any more once the process is gone.
type Waiting = Arc<Mutex<Option<BTreeMap<u64, oneshot::Sender<Vec<Told>>>>>>;

pub struct Process {
    child: Mutex<Child>,
    wire: Mutex<UnixStream>,
    waiting: Waiting,
    numbers: AtomicU64,
}

impl Process {
    /// Starts a process on that database, at that second, and waits until its books are open.
    pub async fn start(test: &TestDatabase, now: i64) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["--exact", child::NAME, "--ignored"])
            .env(child::DATABASE, test.owner_url().expose_secret())
            .env(child::NOW, now.to_string())
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let (ready, is_ready) = oneshot::channel();
        let waiting: Waiting = Arc::new(Mutex::new(Some(BTreeMap::from([(READY, ready)]))));
        let process = Self {
            child: Mutex::new(child),
            wire: Mutex::new(ours.try_clone()?),
            waiting: Arc::clone(&waiting),
            numbers: AtomicU64::new(READY + 1),
        };
        std::thread::spawn(move || listen(ours, &waiting));
        is_ready.await.map_err(|_| "the process ended before its books were open")?;
        Ok(process)
    }

    /// What it answers; nothing when it dies before it does.
    pub async fn ask(&self, now: i64, errand: Errand) -> Option<Vec<Told>> {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        let mut line = serde_json::to_vec(&Request { number, now, errand }).expect("a request is JSON");
        line.push(b'\n');
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().expect("nobody panics here").as_mut()?.insert(number, sender);
        self.wire.lock().expect("nobody panics here").write_all(&line).ok()?;
        answer.await.ok()
    }

    /// SIGKILL.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("nobody panics here");
        // Both fail only for one that has ended.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Has it answer what it was asked and end.
    pub async fn leave(&self, now: i64) {
        let answer = self.ask(now, Errand::Leave).await;
        assert_eq!(answer, None, "who leaves answers by being gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Passes answers on until the process is gone.
fn listen(wire: UnixStream, waiting: &Waiting) {
    let mut wire = BufReader::new(wire);
    let mut line = String::new();
    // A line that was cut off by the end is no answer.
    while wire.read_line(&mut line).is_ok_and(|length| length > 0) && line.ends_with('\n') {
        let Answered { number, told } = serde_json::from_str(&line).expect("an answer is JSON");
        let asker = waiting.lock().expect("nobody panics here").as_mut().and_then(|waiting| waiting.remove(&number));
        if let Some(asker) = asker {
            // Who does not wait any more needs no answer.
            let _ = asker.send(told);
        }
        line.clear();
    }
    *waiting.lock().expect("nobody panics here") = None;
}
