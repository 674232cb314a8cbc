//! Those who write: the ledger and its yardsticks, each on tables of its own, checked after each run.

use std::time::Duration;

use tokio_postgres::Client;

use crate::book_check::{BookCheck, BookTables};
use crate::goals::Contender;
use crate::measure::{Meter, Sample, Tally};
use crate::posting::{CALLERS, Posting};
use crate::remitting::Remitting;
use crate::server::{Base, Server};
use crate::workload::Pattern;
use crate::yardstick::commit::BareCommit;
use crate::yardstick::naive::{self, Naive};
use crate::yardstick::set_based::{self, SetBased};
use crate::{Result, yardstick};

/// All of them, and what their books held when they were checked last.
pub struct Writing<'a> {
    meter: &'a Meter,
    posting: &'a Posting,
    client: Client,
    naive: Naive,
    set_based: SetBased,
    bare_commit: BareCommit,
    ledger_book: BookCheck,
    naive_book: BookCheck,
    set_based_book: BookCheck,
    commits: u64,
    remitting: Option<Remitting>,
}

impl<'a> Writing<'a> {
    /// Copies the ledger's book for the yardsticks and connects them.
    pub async fn prepare(
        server: &Server,
        meter: &'a Meter,
        posting: &'a Posting,
        remitting: Option<Remitting>,
    ) -> Result<Self> {
        let client = server.connect().await?;
        yardstick::create_schema(&client).await?;
        let naive = Naive::prepare(server, &client).await?;
        let set_based = SetBased::prepare(server, &client).await?;
        let bare_commit = BareCommit::prepare(server, &client).await?;
        server.settle(Base::First).await?;
        let ledger_book = BookCheck::begin(&client, BookTables::of_ledger()).await?;
        let naive_book = BookCheck::begin(&client, BookTables::of_yardstick(naive::PREFIX)).await?;
        let set_based_book = BookCheck::begin(&client, BookTables::of_yardstick(set_based::PREFIX)).await?;
        Ok(Self {
            meter,
            posting,
            client,
            naive,
            set_based,
            bare_commit,
            ledger_book,
            naive_book,
            set_based_book,
            commits: 0,
            remitting,
        })
    }

    /// Ends what was started for it.
    pub async fn finish(self) -> Result {
        match self.remitting {
            Some(remitting) => remitting.finish().await,
            None => Ok(()),
        }
    }

    /// Lets a contender run, and checks what it left.
    pub async fn run(&mut self, contender: Contender, length: Duration, seed: u64) -> Result<Sample> {
        if let (Contender::Remittances, Some(remitting)) = (contender, &self.remitting) {
            return remitting.run(length).await;
        }
        let posting = self.posting;
        let sample = match contender {
            Contender::Ledger(pattern) => self.meter.measure(posting.run(CALLERS, pattern, length, seed)).await,
            Contender::LedgerAlone => self.meter.measure(posting.run(1, Pattern::Uniform, length, seed)).await,
            Contender::LedgerBatches(size) => self.meter.measure(posting.run_batches(size, length, seed)).await,
            Contender::Naive(pattern) => self.meter.measure(self.naive.run(pattern, length, seed)).await,
            Contender::SetBased => self.meter.measure(self.set_based.run(Pattern::Uniform, length, seed)).await,
            Contender::BareCommit => self.meter.measure(self.bare_commit.run(length)).await,
            other => return Err(format!("{other} does not write").into()),
        }?;
        let Tally { done, .. } = sample.tally;
        match contender {
            Contender::Naive(_) => self.naive_book.check(&self.client, done).await?,
            Contender::SetBased => self.set_based_book.check(&self.client, done).await?,
            Contender::BareCommit => {
                self.commits += done;
                let count = self.bare_commit.count().await?;
                if count != self.commits {
                    return Err(format!("{} rows were committed and {count} are there", self.commits).into());
                }
            }
            _ => self.ledger_book.check(&self.client, done).await?,
        }
        Ok(sample)
    }
}
