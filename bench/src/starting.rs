//! Starts on an existing directory: the house until its first answer over HTTP, and PostgreSQL alone until its own.
//!
//! The directory is the bench's, in which the house left a book when it served. Both start after an orderly stop, and
//! PostgreSQL with the settings that the house gives it. What the house does more is: its own checks of the directory,
//! the migrations that are due (none), the books with their writers, and a price over HTTP.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use secrecy::SecretString;

use crate::Result;
use crate::server::{self, Base, Server};
use crate::serving::{self, House, LOOK_EVERY};

/// How long a start may take.
const START_WITHIN: Duration = Duration::from_secs(60);

/// How long both took.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    pub house: Duration,
    pub postgres: Duration,
}

/// What has to be known of a PostgreSQL to start it again without the house.
pub struct Starting {
    directory: PathBuf,
    binaries: PathBuf,
    cluster: PathBuf,
    settings: Vec<(String, String)>,
    url: SecretString,
}

impl Starting {
    /// Looks at the running one, which has to be stopped before anything starts.
    pub async fn prepare(server: &Server) -> Result<Self> {
        let client = server.connect_beside().await?;
        let cluster: String = client.query_one("select current_setting('data_directory')", &[]).await?.get(0);
        let text = "select name, current_setting(name)
            from pg_settings
            where source = 'command line'
              and context <> 'internal'
              and name <> 'data_directory'";
        let settings = client.query(text, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(Self {
            directory: server.directory().to_owned(),
            binaries: server.binaries().to_owned(),
            cluster: cluster.into(),
            settings,
            url: server.url(Base::Served),
        })
    }

    /// Starts both, each once; whoever comes first in one round comes last in the next.
    pub async fn run(&self, round: u32) -> Result<Start> {
        if round.is_multiple_of(2) {
            let house = self.start_house().await?;
            Ok(Start { house, postgres: self.start_postgres().await? })
        } else {
            let postgres = self.start_postgres().await?;
            Ok(Start { house: self.start_house().await?, postgres })
        }
    }

    async fn start_house(&self) -> Result<Duration> {
        let started = Instant::now();
        let house = House::start(&self.directory, &self.binaries, None).await?;
        let took = started.elapsed();
        house.stop().await?;
        Ok(took)
    }

    async fn start_postgres(&self) -> Result<Duration> {
        let owner = std::fs::metadata(&self.cluster)?;
        let mut command = Command::new(self.binaries.join("postgres"));
        // It refuses to be root, and belongs to whoever owns the directory.
        command.uid(owner.uid()).gid(owner.gid()).current_dir("/").env_clear().env("LC_ALL", "C");
        command.arg("-D").arg(&self.cluster);
        for (name, value) in &self.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn()?;
        let answered = loop {
            if let Ok(client) = server::connect(&self.url).await {
                client.simple_query("select 1").await?;
                break Ok(started.elapsed());
            }
            if let Some(status) = child.try_wait()? {
                return Err(format!("PostgreSQL ended by itself, {status}").into());
            }
            if started.elapsed() > START_WITHIN {
                break Err("PostgreSQL does not answer".into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        serving::stop(&mut child, Signal::INT).await?;
        answered
    }
}
