//! Clearing: transfers between books, each with two legs and one outcome.
//!
//! Every book has its own writer and its own order, so no transaction spans two of them. A transfer leaves its source
//! for what its book owes (`liabilities:clearing:book-2`), and reaches its destination from what the other book claims
//! (`assets:clearing:book-1`). The row of the transfer moves with each leg, in the leg's own batch.
//!
//! # Invariants
//! - A leg is booked if and only if the transfer's state says so: they commit together.
//! - Arrival and return both start from `departed`, so a transfer ends in one of them, whoever tries and how often.
//! - What book A owes book B is what B claims and what is in flight, in each commodity, in every snapshot.
//!
//! # Crashes
//! A transfer that nobody drives any more is taken up by [`Clearing::recover`], in any number of processes at once. Rows
//! are claimed by putting off when they are due, never by holding a lock while a leg is posted: the leg's own batch
//! needs that lock.
//!
//! # Cost
//! One insert and two batches. A departure and an arrival share their batches with whatever else their books write.

mod differences;
mod error;
mod legs;
mod store;
mod transfer;

pub use differences::{ClearingDifference, ClearingFault, MAX_NAMED_DIFFERENCES, Position};
pub use error::ClearingError;
pub use store::Shown;
pub(crate) use store::transfer_order_in;
pub use transfer::{BookAccount, Transfer, TransferId, TransferOrder, TransferState};

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use platform::database::Database;

use crate::{BookId, Entry, Ledger, Outcome, PostError, Refusal};
use transfer::Leg;

/// How long a transfer is left to whoever ordered it before recovery takes it up.
pub const RECOVERY_AFTER: TimeDelta = TimeDelta::seconds(30);
/// Transfers that one list has at most.
pub const MAX_LISTED_TRANSFERS: i64 = 500;
/// Transfers that recovery drives at once: enough to fill a batch, few enough to leave connections to others.
const RECOVERED_AT_ONCE: usize = 16;
/// Claims that one recovery makes at most, each of up to 100 transfers; the next recovery goes on.
const CLAIMS_A_RECOVERY: usize = 50;
/// Looks at a transfer that others move at the same moment; it has three steps.
const MAX_LOOKS: usize = 8;

/// Books that clear among themselves. Cheap to clone.
#[derive(Clone)]
pub struct Clearing {
    database: Database,
    books: Arc<[Ledger]>,
}

/// What a recovery came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Transfers that are at their destination.
    pub arrived: usize,
    /// Transfers that went back.
    pub returned: usize,
    /// Transfers that never left.
    pub refused: usize,
    /// Transfers that could not be settled and are tried again later.
    pub left: usize,
}

/// What became of a leg.
enum Posted {
    Booked(DateTime<Utc>),
    /// It was booked before, or the transfer stands elsewhere by now.
    Overtaken,
    Refused(Refusal),
}

impl Clearing {
    /// Clearing among books of one database, each opened by [`Ledger::open`].
    ///
    /// # Errors
    /// [`ClearingError::BookTwice`].
    pub fn try_new(first: Ledger, further: Vec<Ledger>) -> Result<Self, ClearingError> {
        let database = first.database.clone();
        let books: Vec<Ledger> = std::iter::once(first).chain(further).collect();
        for (position, ledger) in books.iter().enumerate() {
            if books[..position].iter().any(|before| before.book() == ledger.book()) {
                return Err(ClearingError::BookTwice(ledger.book()));
            }
        }
        Ok(Self { database, books: books.into() })
    }

    /// The same books, read through another pool: that of a role with fewer rights, or of a replica.
    #[must_use]
    pub fn reading_through(&self, database: &Database) -> Self {
        let books = self.books.iter().map(|ledger| ledger.reading_through(database.clone())).collect();
        Self { database: database.clone(), books }
    }

    /// The books.
    #[must_use]
    pub fn books(&self) -> &[Ledger] {
        &self.books
    }

    /// The book of that number.
    ///
    /// # Errors
    /// [`ClearingError::UnknownBook`].
    pub fn book(&self, book: BookId) -> Result<&Ledger, ClearingError> {
        self.books.iter().find(|ledger| ledger.book() == book).ok_or(ClearingError::UnknownBook(book))
    }

    /// Carries out a transfer and answers how it ended: arrived, returned or refused. The same order again answers the
    /// same and moves nothing.
    ///
    /// # Errors
    /// What is wrong with the order, before anything is kept. After [`ClearingError::Post`] or
    /// [`ClearingError::ReturnRefused`] the transfer may be on its way; recovery brings it to its end, and the same
    /// order again tells.
    pub async fn transfer(&self, order: &TransferOrder) -> Result<Transfer, ClearingError> {
        self.departure(order)?;
        let now = self.book(order.from.book)?.now();
        let transfer = store::transfer_initiate(&self.database, order, now, now + RECOVERY_AFTER).await?;
        if transfer.order != *order {
            return Err(ClearingError::IdReused(order.id));
        }
        self.settle(transfer).await
    }

    /// The entry by which a transfer would leave its source today.
    pub(crate) fn departure(&self, order: &TransferOrder) -> Result<Entry, ClearingError> {
        order.check()?;
        let source = self.book(order.from.book)?;
        self.book(order.to.book)?;
        legs::entry(Leg::Departure, order, source.today())
    }

    /// A transfer as it stands.
    ///
    /// # Errors
    /// [`ClearingError::UnknownTransfer`].
    pub async fn get(&self, from: BookId, id: TransferId) -> Result<Transfer, ClearingError> {
        store::transfer_get(&self.database, from, id).await
    }

    /// Transfers out of a book, the oldest first; `limit` is bounded by [`MAX_LISTED_TRANSFERS`].
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(
        &self,
        from: BookId,
        shown: Shown,
        after: Option<(DateTime<Utc>, TransferId)>,
        limit: i64,
    ) -> Result<Vec<Transfer>, ClearingError> {
        store::transfer_list(&self.database, from, shown, after, limit.clamp(1, MAX_LISTED_TRANSFERS)).await
    }

    /// Brings transfers that are due by now to their end, as far as their books allow: all of them unless thousands
    /// wait, which the next call goes on with.
    ///
    /// # Errors
    /// When the database cannot be reached. A single transfer that cannot be settled is counted, logged and left.
    pub async fn recover(&self) -> Result<Recovery, ClearingError> {
        let mut recovery = Recovery::default();
        let books: Vec<i16> = self.books.iter().map(|ledger| ledger.book().number()).collect();
        let due_by = self.books[0].now();
        for _ in 0..CLAIMS_A_RECOVERY {
            let claimed = store::transfer_claim(&self.database, &books, due_by, RECOVERY_AFTER).await?;
            if claimed.is_empty() {
                break;
            }
            let mut settled = stream::iter(claimed)
                .map(async |transfer| (transfer.order.id, self.settle(transfer).await))
                .buffer_unordered(RECOVERED_AT_ONCE);
            while let Some((id, outcome)) = settled.next().await {
                match outcome.map(|transfer| transfer.state) {
                    Ok(TransferState::Arrived) => recovery.arrived += 1,
                    Ok(TransferState::Returned) => recovery.returned += 1,
                    Ok(TransferState::Refused) => recovery.refused += 1,
                    Ok(TransferState::Initiated | TransferState::Departed) => recovery.left += 1,
                    Err(error) => {
                        tracing::warn!(transfer = %id, %error, "a transfer between books could not be settled");
                        recovery.left += 1;
                    }
                }
            }
        }
        Ok(recovery)
    }

    /// Books the legs that are missing, or takes the first one back.
    async fn settle(&self, mut transfer: Transfer) -> Result<Transfer, ClearingError> {
        let id = transfer.order.id;
        for _ in 0..MAX_LOOKS {
            let Some(leg) = transfer.state.next_leg() else { return Ok(transfer) };
            transfer = match self.post(leg, &transfer, None).await? {
                Posted::Booked(at) => transfer.after(leg, at, None),
                Posted::Overtaken => self.get(transfer.order.from.book, id).await?,
                Posted::Refused(refusal) if leg == Leg::Departure => self.refuse(transfer, &refusal).await?,
                Posted::Refused(refusal) => self.give_back(transfer, &refusal).await?,
            };
        }
        Err(ClearingError::Overtaken(id))
    }

    async fn refuse(&self, transfer: Transfer, refusal: &Refusal) -> Result<Transfer, ClearingError> {
        let source = self.book(transfer.order.from.book)?;
        store::transfer_refuse(&self.database, &transfer.order, &refusal.to_string(), source.now()).await?;
        self.get(transfer.order.from.book, transfer.order.id).await
    }

    async fn give_back(&self, transfer: Transfer, refusal: &Refusal) -> Result<Transfer, ClearingError> {
        let reason = refusal.to_string();
        match self.post(Leg::Return, &transfer, Some(&reason)).await? {
            Posted::Booked(at) => Ok(transfer.after(Leg::Return, at, Some(reason))),
            Posted::Overtaken => self.get(transfer.order.from.book, transfer.order.id).await,
            Posted::Refused(refusal) => Err(ClearingError::ReturnRefused { transfer: transfer.order.id, refusal }),
        }
    }

    async fn post(&self, leg: Leg, transfer: &Transfer, reason: Option<&str>) -> Result<Posted, ClearingError> {
        let ledger = self.book(legs::book_of(leg, &transfer.order))?;
        let unit = legs::unit(leg, transfer, ledger.today(), reason)?;
        match ledger.post(unit).await {
            Ok(receipt) if receipt.outcome == Outcome::Booked => Ok(Posted::Booked(receipt.booked_at)),
            Ok(_) | Err(PostError::Refused(Refusal::EffectNotApplicable { .. })) => Ok(Posted::Overtaken),
            // The day was closed while the leg waited; under the new day's date it is another matter.
            Err(PostError::Refused(Refusal::PeriodClosed { effective_date, .. }))
                if effective_date < ledger.today() =>
            {
                Ok(Posted::Overtaken)
            }
            // Not a refusal for good: an entry with this key is booked, and it may be the leg.
            Err(PostError::Refused(Refusal::KeyReused)) => Err(ClearingError::LegKeyTaken(transfer.order.id)),
            Err(PostError::Refused(refusal)) => Ok(Posted::Refused(refusal)),
            Err(error) => Err(error.into()),
        }
    }
}
