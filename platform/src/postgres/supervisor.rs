use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::cluster::{Cluster, stop};
use crate::Error;

/// How often the server is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Keeps the server running until it is told to stop: one that dies is started again.
pub(super) struct Supervisor {
    stop: Sender<()>,
    thread: JoinHandle<()>,
    process_id: Arc<AtomicU32>,
}

impl Supervisor {
    pub(super) fn start(cluster: Cluster) -> Result<Self, Error> {
        let child = cluster.start()?;
        let process_id = Arc::new(AtomicU32::new(child.id()));
        let (stop, stopped) = channel();
        let shared = Arc::clone(&process_id);
        let thread = std::thread::Builder::new()
            .name("postgresql-supervisor".to_owned())
            .spawn(move || supervise(&cluster, child, &stopped, &shared))
            .map_err(Error::file("postgresql-supervisor"))?;
        Ok(Self { stop, thread, process_id })
    }

    pub(super) fn process_id(&self) -> Option<u32> {
        Some(self.process_id.load(Ordering::SeqCst)).filter(|pid| *pid != 0)
    }

    pub(super) fn stop(self) {
        // A supervisor that is gone has nothing left to stop.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

fn supervise(cluster: &Cluster, child: Child, stopped: &Receiver<()>, process_id: &AtomicU32) {
    let mut running = Some(child);
    loop {
        match stopped.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => {
                if let Some(child) = &mut running {
                    stop(child);
                }
                process_id.store(0, Ordering::SeqCst);
                return;
            }
        }
        if let Some(child) = &mut running {
            match child.try_wait() {
                Ok(None) => continue,
                ended => tracing::error!(?ended, "PostgreSQL ended by itself; starting it again"),
            }
        }
        process_id.store(0, Ordering::SeqCst);
        running = match cluster.start() {
            Ok(child) => {
                process_id.store(child.id(), Ordering::SeqCst);
                Some(child)
            }
            Err(error) => {
                tracing::error!(%error, "PostgreSQL cannot be started again");
                None
            }
        };
    }
}
