//! The machine: what it is, and whose work its processors do.
//!
//! All of it is read from `/proc`; where there is none, it is said to be unknown and the rest of the bench goes on.

use std::fs;
use std::time::Duration;

/// What a tick of `/proc/<pid>/stat` lasts on every Linux that PostgreSQL runs on.
const TICK: Duration = Duration::from_millis(10);
/// Words in the title of PostgreSQL's processes that serve no client.
const NOT_BACKENDS: [&str; 7] =
    ["checkpointer", "background writer", "walwriter", "autovacuum", "logical replication", "archiver", "io worker"];

/// A line about the machine.
pub fn describe() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown");
    let memory =
        field("/proc/meminfo", "MemTotal").and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    let memory = memory.map_or("unknown memory".to_owned(), |kib| format!("{} MiB memory", kib / 1024));
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    format!("{model}, {} cores, {memory}, load {load} before the first run", cores())
}

/// Processors that this process may use.
pub fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| u64::try_from(count.get()).unwrap_or(1))
}

/// Lets the peak of our memory begin anew.
pub fn forget_peak() -> std::io::Result<()> {
    fs::write("/proc/self/clear_refs", "5")
}

/// The most that we had in memory; zero where nobody tells.
pub fn peak_kib() -> u64 {
    kib_of("self", "VmHWM")
}

/// What we have in memory; zero where nobody tells.
pub fn resident_kib() -> u64 {
    kib_of("self", "VmRSS")
}

/// A figure of a process's memory; zero where nobody tells.
pub fn kib_of(process: &str, name: &str) -> u64 {
    let text = field(&format!("/proc/{process}/status"), name);
    text.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Processor time used so far.
#[derive(Clone, Debug, Default)]
pub struct ProcessorTimes {
    ours: Duration,
    /// By process id, with whether it serves a client.
    postgres: Vec<(u32, bool, Duration)>,
    /// All that anybody used.
    busy: Duration,
}

/// Processor time used between two moments.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessorShare {
    /// By this process, the callers and the ledger, and by the house's own where it serves.
    pub ours: Duration,
    /// By the backends, which serve clients.
    pub backends: Duration,
    /// By PostgreSQL's other processes.
    pub other_postgres: Duration,
    /// By everybody else on the machine.
    pub strangers: Duration,
}

impl ProcessorTimes {
    /// The times now, with those of PostgreSQL whose first process is `postmaster`.
    ///
    /// What the process `server` used counts as ours.
    pub fn read(postmaster: Option<u32>, server: Option<u32>) -> Self {
        let used = |process: &str| stat(process).map_or(Duration::ZERO, |stat| stat.used);
        let ours = used("self") + server.map_or(Duration::ZERO, |process| used(&process.to_string()));
        let postgres = postmaster.map(children).unwrap_or_default();
        Self { ours, postgres, busy: busy() }
    }

    /// What was used since `before`. A process that came or went between counts among the strangers.
    pub fn since(&self, before: &Self) -> ProcessorShare {
        let mut share = ProcessorShare { ours: self.ours.saturating_sub(before.ours), ..ProcessorShare::default() };
        for (pid, serves, used) in &self.postgres {
            let Some((_, _, earlier)) = before.postgres.iter().find(|(known, ..)| known == pid) else { continue };
            let sum = if *serves { &mut share.backends } else { &mut share.other_postgres };
            *sum += used.saturating_sub(*earlier);
        }
        let known = share.ours + share.backends + share.other_postgres;
        share.strangers = self.busy.saturating_sub(before.busy).saturating_sub(known);
        share
    }
}

struct Stat {
    parent: u32,
    used: Duration,
}

fn stat(process: &str) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold spaces and parentheses; what follows the last one is numbers.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u32>().ok()?.checked_add(fields.get(12)?.parse().ok()?)?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, used: TICK * ticks })
}

fn children(parent: u32) -> Vec<(u32, bool, Duration)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    processes
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let pid = name.parse().ok()?;
            let stat = stat(&name).filter(|stat| stat.parent == parent)?;
            let title = fs::read(format!("/proc/{name}/cmdline")).unwrap_or_default();
            let title = String::from_utf8_lossy(&title).into_owned();
            Some((pid, !NOT_BACKENDS.iter().any(|word| title.contains(word)), stat.used))
        })
        .collect()
}

/// The time that all processors were not idle: the first line of `/proc/stat` is user, nice, system, idle, waiting for
/// the disk, interrupts, soft interrupts, stolen.
fn busy() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<u32> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let of = |position: usize| ticks.get(position).copied().unwrap_or(0);
    TICK * (of(0) + of(1) + of(2) + of(5) + of(6))
}
