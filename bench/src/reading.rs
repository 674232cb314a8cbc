//! Those who read a whole book: the journal and the verification, beside the same rows read without them.
//!
//! A run is one pass over the book, however long it takes.

use std::hint::black_box;
use std::pin::pin;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt;
use ledger::{Extent, Format, Ledger, Sequence, Subjects};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::Result;
use crate::goals::Contender;
use crate::measure::{Meter, Sample, Tally};
use crate::quantity::Grouped;
use crate::yardstick::BOOK;

const COPY: &str = "copy (
        select e.sequence, e.entry_key, e.booked_at, e.effective_date, e.kind, e.description, e.subject, e.metadata,
            p.ordinal, a.code, p.commodity, p.amount_minor, p.balance_minor
        from ledger.entries e
        inner join ledger.postings p using (book_id, sequence)
        inner join ledger.accounts a using (book_id, account)
        where e.book_id = 1
        order by e.sequence, p.ordinal
    ) to stdout";

const ENTRIES: &str =
    "select sequence, entry_key, booked_at, effective_date, kind, description, subject, metadata::text, salt
    from ledger.entries
    where book_id = $1
    order by sequence";

const POSTINGS: &str = "select sequence, ordinal, account, commodity, amount_minor, balance_minor
    from ledger.postings
    where book_id = $1
    order by sequence, ordinal";

/// A book that nobody writes meanwhile.
pub struct Reading<'a> {
    meter: &'a Meter,
    ledger: &'a Ledger,
    client: Client,
    entries: u64,
    postings: u64,
}

impl<'a> Reading<'a> {
    /// Looks at how long the book is.
    pub async fn prepare(meter: &'a Meter, ledger: &'a Ledger, client: Client) -> Result<Self> {
        let entries = u64::try_from(ledger.head().await?.number())?;
        let text = "select count(*) from ledger.postings where book_id = $1";
        let postings = u64::try_from(client.query_one(text, &[&BOOK]).await?.get::<_, i64>(0))?;
        Ok(Self { meter, ledger, client, entries, postings })
    }

    /// Lets a contender read all of it.
    pub async fn run(&self, contender: Contender) -> Result<Sample> {
        match contender {
            Contender::Export => self.meter.measure(self.export()).await,
            Contender::Copy => self.meter.measure(self.copy()).await,
            Contender::Verify => self.meter.measure(self.verify()).await,
            Contender::ReadRows => self.meter.measure(self.read_rows()).await,
            other => Err(format!("{other} does not read a book").into()),
        }
    }

    async fn export(&self) -> Result<Tally> {
        let started = Instant::now();
        let last = Sequence::new(i64::try_from(self.entries)?);
        let export = self.ledger.export(Extent::WHOLE.through(last), Subjects::AsTheyAre).await?;
        let mut pieces = export.stream(Format::Hledger);
        let mut assertions = 0;
        while let Some(piece) = pieces.try_next().await? {
            assertions += count(b'=', &piece);
        }
        // Every posting asserts a balance, and nothing else in this book's journal is equal to something.
        self.all_there("balances are asserted in the journal", assertions, self.postings)?;
        Ok(tally(self.postings, started))
    }

    async fn copy(&self) -> Result<Tally> {
        let started = Instant::now();
        let mut pieces = pin!(self.client.copy_out(COPY).await?);
        let mut rows = 0;
        while let Some(piece) = pieces.try_next().await? {
            rows += count(b'\n', &piece);
        }
        self.all_there("rows were copied", rows, self.postings)?;
        Ok(tally(self.postings, started))
    }

    async fn verify(&self) -> Result<Tally> {
        let started = Instant::now();
        let verification = self.ledger.verify(|_, _| {}).await?;
        if let Some(difference) = verification.first_difference() {
            return Err(format!("the ledger's book is wrong: {difference}").into());
        }
        self.all_there("entries were verified", u64::try_from(verification.entries)?, self.entries)?;
        self.all_there("postings were verified", u64::try_from(verification.postings)?, self.postings)?;
        Ok(tally(self.entries, started))
    }

    async fn read_rows(&self) -> Result<Tally> {
        let started = Instant::now();
        let entries = self.read(ENTRIES, read_entry).await?;
        let postings = self.read(POSTINGS, read_posting).await?;
        self.all_there("entries were read", entries, self.entries)?;
        self.all_there("postings were read", postings, self.postings)?;
        Ok(tally(self.entries, started))
    }

    async fn read(&self, text: &str, read: fn(&Row)) -> Result<u64> {
        let parameters: [&(dyn ToSql + Sync); 1] = [&BOOK];
        let mut rows = pin!(self.client.query_raw(text, parameters).await?);
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            read(&row);
            count += 1;
        }
        Ok(count)
    }

    fn all_there(&self, what: &str, found: u64, expected: u64) -> Result {
        if found == expected {
            return Ok(());
        }
        Err(format!("{} {what}, the book has {}", Grouped(found), Grouped(expected)).into())
    }
}

type EntryRow<'a> =
    (i64, Uuid, DateTime<Utc>, NaiveDate, &'a str, Option<&'a str>, Option<Uuid>, Option<&'a str>, Option<Uuid>);

/// Takes every column out of the row, as whoever does something with it must.
fn read_entry(row: &Row) {
    let entry: EntryRow<'_> =
        (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5), row.get(6), row.get(7), row.get(8));
    black_box(entry);
}

fn read_posting(row: &Row) {
    let posting: (i64, i16, i64, i32, i64, i64) =
        (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5));
    black_box(posting);
}

fn tally(done: u64, started: Instant) -> Tally {
    Tally { done, elapsed: started.elapsed(), batches: None }
}

fn count(byte: u8, piece: &[u8]) -> u64 {
    piece.iter().map(|found| u64::from(*found == byte)).sum()
}
