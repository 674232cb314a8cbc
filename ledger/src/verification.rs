//! Verification: everything recomputed from what is booked, and the first difference of each kind named.
//!
//! The book is read once, in stretches, by as many connections as there are processors; each stretch is checked by
//! itself, and their ends are joined in order. Only the head that stood at the start is looked at, so a book in use can
//! be verified. What is not part of an entry (accounts, holds, the book's row) is read in the snapshot that the head
//! belongs to.

mod accounts;
mod besides;
mod holds;
mod joining;
mod lots;
mod stretch;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use platform::database::Database;
use tokio::sync::{Semaphore, mpsc};

use crate::log::{Hash, LogCheck, for_each_booked};
use crate::schema::books;
use crate::{BookId, Error, Ledger};
use accounts::Facts;
use joining::Joined;
use stretch::{Checked, Stretch};

/// Entries of one stretch: whole tiles of the log, and few enough to keep their hashes.
const STRETCH_ENTRIES: i64 = 16_384;
/// Entries that are read at once.
const PAGE_ENTRIES: i64 = 4_096;
/// A check of a long book takes long; one that nobody waits for any more ends soon.
const SETTINGS: &str = "set statement_timeout = '2h'; set client_connection_check_interval = '2s';
    set idle_in_transaction_session_timeout = 0";

/// What is checked.
const CHECKS: [&str; 15] = [
    "sequences run from 1 to the book's head without a gap",
    "booking times never run backwards",
    "every entry has at least two postings, numbered without a gap, or changes a hold or a period",
    "every posting belongs to an entry",
    "every entry balances in each commodity",
    "every posting is in its account's commodity",
    "every running balance continues the one before it",
    "no account was ever below its floor after an entry",
    "every account is what was opened, and its balance is the sum of its postings",
    "every lot is passed on as it was issued, and nobody gave what they did not hold",
    "every hold is what its changes left, and nothing was reserved that was not there",
    "nothing was taken back twice, and nothing stands beside an entry that is not there",
    "the book is closed as far as its last change of period says",
    "the log's tree is made of these entries",
    "every checkpoint is signed over this log",
];

/// The place of a check in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sequence,
    Time,
    Numbering,
    Stray,
    Balance,
    Currency,
    Running,
    Floor,
    Account,
    Lot,
    Hold,
    Beside,
    Period,
    Log,
    Signature,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What holds when there is no difference.
    pub name: &'static str,
    /// The first difference, if any.
    pub difference: Option<Difference>,
}

/// Where a book is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("book {}, sequence {}, posting {}: {what}", book.number(), sequence.map_or("-".to_owned(), |n| n.to_string()), posting.map_or("-".to_owned(), |n| n.to_string()))]
pub struct Difference {
    /// The book.
    pub book: BookId,
    /// The entry, where one can be named.
    pub sequence: Option<i64>,
    /// The posting in the entry, where one can be named.
    pub posting: Option<i64>,
    /// What is wrong.
    pub what: String,
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Entries that were read.
    pub entries: i64,
    /// Postings that were read.
    pub postings: i64,
    /// Checkpoints whose signatures were checked.
    pub checkpoints: i64,
    /// All checks, in order.
    pub checks: Vec<Check>,
}

impl Verification {
    /// Whether nothing differs.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.difference.is_none())
    }

    /// The first difference in the book's order.
    #[must_use]
    pub fn first_difference(&self) -> Option<&Difference> {
        let differences = self.checks.iter().filter_map(|check| check.difference.as_ref());
        differences.min_by_key(|difference| difference.sequence.unwrap_or(i64::MAX))
    }
}

/// The first difference of each kind.
#[derive(Debug, Default)]
struct Differences([Option<Difference>; CHECKS.len()]);

impl Differences {
    fn found(
        &mut self,
        kind: Kind,
        book: BookId,
        sequence: impl Into<Option<i64>>,
        posting: Option<i16>,
        what: String,
    ) {
        let difference = Difference { book, sequence: sequence.into(), posting: posting.map(i64::from), what };
        self.keep(kind as usize, difference);
    }

    fn keep(&mut self, kind: usize, difference: Difference) {
        let place = |difference: &Difference| difference.sequence.unwrap_or(i64::MAX);
        let kept = &mut self.0[kind];
        if kept.as_ref().is_none_or(|kept| place(&difference) < place(kept)) {
            *kept = Some(difference);
        }
    }

    fn join(&mut self, other: Self) {
        for (kind, difference) in other.0.into_iter().enumerate() {
            if let Some(difference) = difference {
                self.keep(kind, difference);
            }
        }
    }

    fn into_checks(self) -> Vec<Check> {
        CHECKS.into_iter().zip(self.0).map(|(name, difference)| Check { name, difference }).collect()
    }
}

impl Ledger {
    /// Recomputes the whole book from its postings, with every public key that the book publishes believed; see
    /// [`Ledger::verify_with_keys`].
    ///
    /// # Errors
    /// When the database cannot be reached; a book that is wrong is a result, not an error.
    pub async fn verify(&self, progress: impl FnMut(i64, i64) + Send) -> Result<Verification, Error> {
        self.verify_with_keys(&[], progress).await
    }

    /// Recomputes the whole book from its postings and compares it with the log as those keys signed it; `progress` is
    /// told how many entries are done, and how many there are.
    ///
    /// # Errors
    /// When the database cannot be reached; a book that is wrong is a result, not an error.
    pub async fn verify_with_keys(
        &self,
        believed: &[String],
        mut progress: impl FnMut(i64, i64) + Send,
    ) -> Result<Verification, Error> {
        // A connection of its own: whoever stops waiting drops it, and the database notices and stops too, instead of
        // a pool getting it back inside of the snapshot.
        let mut connection = connect(&self.database).await?;
        connection
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(async |connection| self.verify_in(connection, believed, &mut progress).await)
            .await
    }

    async fn verify_in(
        &self,
        connection: &mut AsyncPgConnection,
        believed: &[String],
        progress: &mut (impl FnMut(i64, i64) + Send),
    ) -> Result<Verification, Error> {
        let book = self.book;
        let head: i64 = books::table
            .filter(books::book_id.eq(book.number()))
            .select(books::last_sequence)
            .first(connection)
            .await?;
        let facts = Arc::new(Facts::read(connection, book).await?);
        let log = LogCheck::begin(connection, book, believed).await?;
        let mut joined = Joined::new(book, log);
        let mut stretches = read_stretches(&self.database, book, head, &facts);
        while let Some(checked) = stretches.next().await? {
            let to = checked.to;
            joined.take(connection, checked).await?;
            progress(to, head);
        }
        let mut verification = joined.finish(connection, head, &facts).await?;
        if let Some(difference) = self.differing_close(connection, head).await? {
            verification.checks[Kind::Period as usize].difference.get_or_insert(difference);
        }
        Ok(verification)
    }
}

async fn connect(database: &Database) -> Result<AsyncPgConnection, Error> {
    let mut connection = database.dedicated_connection().await?;
    connection.batch_execute(SETTINGS).await?;
    Ok(connection)
}

/// Stretches that are read side by side and given in order.
struct Stretches {
    checked: mpsc::UnboundedReceiver<Result<Checked, Error>>,
    waiting: std::collections::BTreeMap<i64, Checked>,
    next: i64,
    head: i64,
    room: Arc<Semaphore>,
}

impl Stretches {
    async fn next(&mut self) -> Result<Option<Checked>, Error> {
        if self.next >= self.head {
            return Ok(None);
        }
        loop {
            if let Some(checked) = self.waiting.remove(&self.next) {
                self.next = checked.to;
                self.room.add_permits(1);
                return Ok(Some(checked));
            }
            let ended = || Error::Corrupt("a reader of the verification ended".to_owned());
            let checked = self.checked.recv().await.ok_or_else(ended)??;
            self.waiting.insert(checked.after, checked);
        }
    }
}

/// Starts readers that take stretch after stretch, never far ahead of the one that is asked for.
fn read_stretches(database: &Database, book: BookId, head: i64, facts: &Arc<Facts>) -> Stretches {
    let readers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(16);
    let room = Arc::new(Semaphore::new(readers * 2));
    let next = Arc::new(AtomicI64::new(0));
    let (sender, checked) = mpsc::unbounded_channel();
    for _ in 0..readers {
        let (database, facts) = (database.clone(), Arc::clone(facts));
        let (room, next, sender) = (Arc::clone(&room), Arc::clone(&next), sender.clone());
        tokio::spawn(async move {
            let read = async {
                let mut connection = connect(&database).await?;
                loop {
                    let Ok(permit) = room.acquire().await else { return Ok(()) };
                    permit.forget();
                    let after = next.fetch_add(STRETCH_ENTRIES, Ordering::SeqCst);
                    if after >= head || sender.is_closed() {
                        return Ok(());
                    }
                    let to = head.min(after + STRETCH_ENTRIES);
                    let stretch = read_stretch(&mut connection, book, after, to, &facts).await?;
                    let _ = sender.send(Ok(stretch));
                }
            };
            if let Err(error) = read.await {
                let _ = sender.send(Err(error));
            }
        });
    }
    Stretches { checked, waiting: std::collections::BTreeMap::new(), next: 0, head, room }
}

async fn read_stretch(
    connection: &mut AsyncPgConnection,
    book: BookId,
    after: i64,
    to: i64,
    facts: &Facts,
) -> Result<Checked, Error> {
    let mut stretch = Stretch::new(book, after, facts);
    let mut from = after;
    while from < to {
        let until = to.min(from + PAGE_ENTRIES);
        for_each_booked(connection, book, from, until, &mut |row| {
            stretch.take(&row);
            Ok(())
        })
        .await?;
        from = until;
    }
    Ok(stretch.finish(to))
}
