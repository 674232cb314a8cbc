//! Books, and the handle through which everything is posted and read.

use chrono::{DateTime, NaiveDate, Utc};
use platform::clock::Clock;
use platform::database::Database;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::account::Chart;
use crate::entry::EntryKind;
use crate::period::{Approvals, PeriodChange};
use crate::unit_of_work::{IdempotencyKey, PostError, Receipt, UnitOfWork};
use crate::units::Units;
use crate::writer::{self, Observer, Purpose, Queue};
use crate::{Error, Sequence};

pub(crate) const PERIOD_CLOSED: EntryKind = EntryKind::new("period-closed");
pub(crate) const PERIOD_REOPENED: EntryKind = EntryKind::new("period-reopened");
const HOLD_EXPIRED: EntryKind = EntryKind::new("hold-expired");

/// A complete set of accounts with one order of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BookId(i16);

impl BookId {
    /// The book that a new installation starts with.
    pub const FIRST: Self = Self(1);

    /// The book of that number.
    #[must_use]
    pub const fn new(number: i16) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i16 {
        self.0
    }
}

/// What is said of a book when it is opened.
#[derive(Clone)]
pub struct BookSettings {
    /// Which book.
    pub book: BookId,
    /// Its name, when it has to be made.
    pub name: String,
    /// The accounts that may be opened in it.
    pub chart: Chart,
    /// Where booking times come from.
    pub clock: Clock,
    /// Who is told of each batch.
    pub observer: Option<Observer>,
}

/// A book that can be written and read. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) database: Database,
    pub(crate) book: BookId,
    pub(crate) chart: Chart,
    /// Units are the same for all books and never change, so what is known of them holds through every pool.
    pub(crate) units: Units,
    clock: Clock,
    pub(crate) queue: Queue,
}

/// The running writer; see [`Ledger::open`].
#[must_use]
pub struct WriterTask(JoinHandle<()>);

impl WriterTask {
    /// Waits until everything handed in is answered. Drop every [`Ledger`] first: the writer lives as long as one does.
    pub async fn finished(self) {
        if let Err(error) = self.0.await {
            tracing::error!(%error, "the ledger's writer ended badly");
        }
    }
}

impl Ledger {
    /// Opens a book, making it if it is new, and starts its writer.
    ///
    /// # Errors
    /// When the database cannot be reached or has not been migrated.
    pub async fn open(database: Database, settings: BookSettings) -> Result<(Self, WriterTask), Error> {
        let BookSettings { book, name, chart, clock, observer } = settings;
        let units = Units::default();
        let memory = writer::Beginning { chart: chart.clone(), units: units.clone() };
        let (queue, task) = writer::start(database.clone(), book, &name, memory, clock.clone(), observer).await?;
        Ok((Self { database, book, chart, units, clock, queue }, WriterTask(task)))
    }

    /// The same book, read through another pool: that of a role with fewer rights, or of a replica.
    #[must_use]
    pub fn reading_through(&self, database: Database) -> Self {
        Self { database, ..self.clone() }
    }

    /// Books a unit of work, whole or not at all, and answers once it is durable.
    ///
    /// # Errors
    /// [`PostError::Refused`] with the reason; [`PostError::Busy`] when too much waits; after
    /// [`PostError::Unavailable`] a retry with the same key tells whether it was booked.
    pub async fn post(&self, unit: UnitOfWork) -> Result<Receipt, PostError> {
        let mut answers = self.queue.submit(vec![unit], Purpose::Book).await?;
        answers.pop().unwrap_or_else(|| Err(PostError::Unavailable("the writer gave no answer".to_owned())))
    }

    /// Books units in order, each on its own: one that is refused does not stop those after it.
    ///
    /// # Errors
    /// [`PostError::Busy`] or [`PostError::Unavailable`] for all of them; what befell a single one is in its place.
    pub async fn post_all(&self, units: Vec<UnitOfWork>) -> Result<Vec<Result<Receipt, PostError>>, PostError> {
        self.queue.submit(units, Purpose::Book).await
    }

    /// Decides a unit as if it were booked now, effects included, and writes nothing: not even a refusal is kept.
    ///
    /// The answer has [`crate::Outcome::WouldBeBooked`], and the sequence and balances that it would get.
    ///
    /// # Errors
    /// As [`Ledger::post`].
    pub async fn dry_run(&self, unit: UnitOfWork) -> Result<Receipt, PostError> {
        let mut answers = self.queue.submit(vec![unit], Purpose::DryRun).await?;
        answers.pop().unwrap_or_else(|| Err(PostError::Unavailable("the writer gave no answer".to_owned())))
    }

    /// Closes the book through a date: no entry may take effect on it or before it any more, adjustments aside.
    ///
    /// # Errors
    /// [`crate::Refusal::PeriodChange`] when the day is not over or is closed already; otherwise as [`Ledger::post`].
    pub async fn close_period(
        &self,
        key: IdempotencyKey,
        through: NaiveDate,
        approver: Uuid,
    ) -> Result<Receipt, PostError> {
        self.change_period(key, PERIOD_CLOSED, PeriodChange::Closed { through, approver }).await
    }

    /// Opens the book again from a date on.
    ///
    /// # Errors
    /// [`crate::Refusal::PeriodChange`] when it is open; otherwise as [`Ledger::post`].
    pub async fn reopen_period(
        &self,
        key: IdempotencyKey,
        from: NaiveDate,
        approvals: Approvals,
    ) -> Result<Receipt, PostError> {
        self.change_period(key, PERIOD_REOPENED, PeriodChange::Reopened { from, approvals }).await
    }

    async fn change_period(
        &self,
        key: IdempotencyKey,
        kind: EntryKind,
        change: PeriodChange,
    ) -> Result<Receipt, PostError> {
        let entry = crate::Entry::builder(kind, self.today()).period(change).build();
        let entry = entry.map_err(|error| PostError::Rejected(error.to_string()))?;
        self.post(UnitOfWork::new(key, entry)).await
    }

    /// Takes holds off the list whose time is over; they count no more in any case. Answers how many.
    ///
    /// # Errors
    /// When the database cannot be reached or the queue is full; a hold that somebody else took off is no error.
    pub async fn tidy_expired_holds(&self, limit: i64) -> Result<usize, Error> {
        let mut units = Vec::new();
        for hold in self.expired_holds(limit).await? {
            let entry = crate::Entry::builder(HOLD_EXPIRED, self.today()).expire_hold(hold).build();
            let entry = entry.map_err(|error| Error::Corrupt(error.to_string()))?;
            units.push(UnitOfWork::new(IdempotencyKey::derived(hold.uuid(), "expired"), entry));
        }
        if units.is_empty() {
            return Ok(0);
        }
        let tidied = self.post_all(units).await.map_err(|error| Error::Writer(error.to_string()))?;
        Ok(tidied.into_iter().filter(Result::is_ok).count())
    }

    /// Units that wait or are being written.
    #[must_use]
    pub fn queue_length(&self) -> usize {
        self.queue.length()
    }

    /// The chart of accounts.
    #[must_use]
    pub fn chart(&self) -> &Chart {
        &self.chart
    }

    /// The book.
    #[must_use]
    pub fn book(&self) -> BookId {
        self.book
    }

    /// The day by the ledger's clock: the effective date of what happens now.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.clock.today()
    }

    /// The time by the ledger's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The newest entry's place; zero in an empty book.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn head(&self) -> Result<Sequence, Error> {
        use crate::schema::books;
        use diesel::prelude::*;
        use diesel_async::RunQueryDsl;
        let mut connection = self.database.connection().await?;
        let number = books::table
            .filter(books::book_id.eq(self.book.number()))
            .select(books::last_sequence)
            .first(&mut connection)
            .await?;
        Ok(Sequence::new(number))
    }

    /// That the book has come so far.
    pub(crate) async fn require(&self, sequence: Sequence) -> Result<(), Error> {
        let (head, asked) = (self.head().await?.number(), sequence.number());
        if (0..=head).contains(&asked) { Ok(()) } else { Err(Error::SequenceAhead { head, asked }) }
    }
}
