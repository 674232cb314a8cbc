//! A bare commit: one connection inserts one row into a table without an index, again and again.
//!
//! The least that anything durable costs: a round trip, a WAL record, an fsync.

use std::time::{Duration, Instant};

use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::Result;
use crate::measure::Tally;
use crate::server::Server;

/// The connection, ready to go.
pub struct BareCommit {
    client: Client,
    statement: Statement,
}

impl BareCommit {
    /// Makes the table and connects.
    pub async fn prepare(server: &Server, client: &Client) -> Result<Self> {
        client.batch_execute("create table yardstick.commits (number bigint not null, key uuid not null)").await?;
        let client = server.connect().await?;
        let statement = client.prepare("insert into yardstick.commits (number, key) values ($1, $2)").await?;
        Ok(Self { client, statement })
    }

    /// Commits one row after the other for so long.
    pub async fn run(&self, length: Duration) -> Result<Tally> {
        let started = Instant::now();
        let mut done = 0_u64;
        while started.elapsed() < length {
            let number = i64::try_from(done)?;
            self.client.execute(&self.statement, &[&number, &Uuid::now_v7()]).await?;
            done += 1;
        }
        Ok(Tally { done, elapsed: started.elapsed(), batches: None })
    }

    /// The rows that are there.
    pub async fn count(&self) -> Result<u64> {
        let count: i64 = self.client.query_one("select count(*) from yardstick.commits", &[]).await?.get(0);
        Ok(u64::try_from(count)?)
    }
}
