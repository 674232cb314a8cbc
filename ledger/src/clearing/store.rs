//! The table of transfers. Their states move with the legs, as effects; what is here makes, reads and claims rows.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, SmallInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::database::Database;
use uuid::Uuid;

use super::transfer::{BookAccount, Transfer, TransferId, TransferOrder, TransferState};
use super::{ClearingError, RECOVERY_AFTER};
use crate::balances::{currency, stored_code};
use crate::schema::transfers;
use crate::{BookId, Error, Money};

/// Transfers that one claim takes.
const CLAIMED_AT_ONCE: i32 = 100;

/// A row as the table has it.
#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = transfers)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    from_book: i16,
    to_book: i16,
    commodity: i32,
    transfer_id: Uuid,
    amount_minor: i64,
    source: String,
    destination: String,
    description: Option<String>,
    state: String,
    reason: Option<String>,
    attempts: i16,
    created_at: DateTime<Utc>,
    departed_at: Option<DateTime<Utc>>,
    settled_at: Option<DateTime<Utc>>,
}

impl Row {
    fn transfer(self) -> Result<Transfer, ClearingError> {
        let place = |number, code: &str| {
            let account = stored_code(code)?;
            Ok::<_, Error>(BookAccount { book: BookId::new(number), account })
        };
        let unknown = || Error::Corrupt(format!("a transfer is in the state {:?}", self.state));
        Ok(Transfer {
            order: TransferOrder {
                id: TransferId::from_uuid(self.transfer_id),
                from: place(self.from_book, &self.source)?,
                to: place(self.to_book, &self.destination)?,
                amount: Money::from_minor(self.amount_minor, currency(self.commodity)?),
                description: self.description,
            },
            state: TransferState::of_word(&self.state).ok_or_else(unknown)?,
            reason: self.reason,
            attempts: self.attempts,
            created_at: self.created_at,
            departed_at: self.departed_at,
            settled_at: self.settled_at,
        })
    }
}

/// Keeps an order if its id is new; answers the transfer of that id as it stands.
pub(super) async fn transfer_initiate(
    database: &Database,
    order: &TransferOrder,
    created_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Result<Transfer, ClearingError> {
    let mut connection = database.connection().await?;
    let made = transfer_insert(&mut connection, order, created_at, due_at).await?;
    drop(connection);
    match made {
        Some(row) => row.transfer(),
        None => transfer_get(database, order.from.book, order.id).await,
    }
}

/// Keeps an order in a transaction of the caller; whether its id was new.
pub(crate) async fn transfer_order_in(
    connection: &mut AsyncPgConnection,
    order: &TransferOrder,
    created_at: DateTime<Utc>,
) -> Result<bool, diesel::result::Error> {
    Ok(transfer_insert(connection, order, created_at, created_at + RECOVERY_AFTER).await?.is_some())
}

async fn transfer_insert(
    connection: &mut AsyncPgConnection,
    order: &TransferOrder,
    created_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Result<Option<Row>, diesel::result::Error> {
    // All rows, not the first: only the end of the answer says that it is committed.
    let made: Vec<Row> = diesel::insert_into(transfers::table)
        .values((
            transfers::from_book.eq(order.from.book.number()),
            transfers::to_book.eq(order.to.book.number()),
            transfers::commodity.eq(order.amount.currency().number()),
            transfers::transfer_id.eq(order.id.uuid()),
            transfers::amount_minor.eq(order.amount.minor()),
            transfers::source.eq(order.from.account.as_str()),
            transfers::destination.eq(order.to.account.as_str()),
            transfers::description.eq(order.description.as_deref()),
            transfers::state.eq(TransferState::Initiated.word()),
            transfers::created_at.eq(created_at),
            transfers::due_at.eq(due_at),
        ))
        .on_conflict_do_nothing()
        .returning(Row::as_returning())
        .get_results(connection)
        .await?;
    Ok(made.into_iter().next())
}

/// The transfer of that id from that book.
pub(super) async fn transfer_get(database: &Database, from: BookId, id: TransferId) -> Result<Transfer, ClearingError> {
    let mut connection = database.connection().await?;
    let row: Option<Row> = transfers::table
        .find((from.number(), id.uuid()))
        .select(Row::as_select())
        .first(&mut connection)
        .await
        .optional()?;
    row.ok_or(ClearingError::UnknownTransfer(id))?.transfer()
}

/// Says that the source refused for good; nothing is changed when it departed after all.
pub(super) async fn transfer_refuse(
    database: &Database,
    order: &TransferOrder,
    reason: &str,
    refused_at: DateTime<Utc>,
) -> Result<(), ClearingError> {
    let mut connection = database.connection().await?;
    diesel::update(transfers::table.find((order.from.book.number(), order.id.uuid())))
        .filter(transfers::state.eq(TransferState::Initiated.word()))
        .set((
            transfers::state.eq(TransferState::Refused.word()),
            transfers::reason.eq(reason),
            transfers::settled_at.eq(refused_at),
        ))
        .execute(&mut connection)
        .await?;
    Ok(())
}

/// Which transfers a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All of them.
    All,
    /// Those that are on their way.
    Unsettled,
}

/// Transfers out of a book in the order in which they were made.
pub(super) async fn transfer_list(
    database: &Database,
    from: BookId,
    shown: Shown,
    after: Option<(DateTime<Utc>, TransferId)>,
    limit: i64,
) -> Result<Vec<Transfer>, ClearingError> {
    let mut query = transfers::table
        .filter(transfers::from_book.eq(from.number()))
        .order((transfers::created_at, transfers::transfer_id))
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if shown == Shown::Unsettled {
        query = query.filter(transfers::settled_at.is_null());
    }
    if let Some((time, id)) = after {
        let later = transfers::created_at.eq(time).and(transfers::transfer_id.gt(id.uuid()));
        query = query.filter(transfers::created_at.gt(time).or(later));
    }
    let mut connection = database.connection().await?;
    let rows: Vec<Row> = query.load(&mut connection).await?;
    rows.into_iter().map(Row::transfer).collect()
}

/// Takes unsettled transfers that are due, and puts off when they are due again: each time twice as long, an hour at
/// most. So several processes share the work, and one that cannot be settled does not stand in the way of others.
pub(super) async fn transfer_claim(
    database: &Database,
    books: &[i16],
    due_by: DateTime<Utc>,
    first_pause: TimeDelta,
) -> Result<Vec<Transfer>, ClearingError> {
    // Set-based: diesel cannot say an update of what a subquery locked.
    const TEXT: &str = "with due as (
            select from_book, transfer_id
            from ledger.transfers
            where from_book = any ($1)
              and to_book = any ($1)
              and settled_at is null
              and due_at <= $2
            order by due_at
            limit $3
            for update skip locked
        )
        update ledger.transfers t
        set attempts = least(t.attempts + 1, 1000),
            due_at = $2 + least(make_interval(secs => $4) * (1 << least(t.attempts, 10)), interval '1 hour')
        from due
        where t.from_book = due.from_book
          and t.transfer_id = due.transfer_id
        returning t.*";
    let mut connection = database.connection().await?;
    let rows: Vec<Row> = diesel::sql_query(TEXT)
        .bind::<Array<SmallInt>, _>(books)
        .bind::<Timestamptz, _>(due_by)
        .bind::<Integer, _>(CLAIMED_AT_ONCE)
        .bind::<Integer, _>(i32::try_from(first_pause.num_seconds()).unwrap_or(i32::MAX))
        .load(&mut connection)
        .await?;
    rows.into_iter().map(Row::transfer).collect()
}
