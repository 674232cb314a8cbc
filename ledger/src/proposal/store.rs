//! The table of proposals. That one was carried out is said by the batch that books its entry; the rest is here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Proposal, ProposalError, ProposalId, ProposalState, Terms};
use crate::clearing::transfer_order_in;
use crate::export::is_personal;
use crate::schema::{accounts, entries, holds, proposals};
use crate::{AccountCode, BookId, ClearingError, Error, IdempotencyKey, Ledger, Sequence, TransferOrder};

/// Which proposals a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalsShown {
    /// All of them.
    All,
    /// Those that wait for another person.
    Waiting,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = proposals)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    book_id: i16,
    proposal_id: ProposalId,
    content: String,
    digest: Vec<u8>,
    proposed_by: Uuid,
    proposed_at: DateTime<Utc>,
    lapses_at: DateTime<Utc>,
    state: String,
    decided_by: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    entry_key: Option<Uuid>,
}

impl Row {
    fn proposal(self, now: DateTime<Utc>) -> Result<Proposal, ProposalError> {
        let corrupt = |what: &str| Error::Corrupt(format!("proposal {}: {what}", self.proposal_id));
        let state = match self.state.as_str() {
            "proposed" if self.lapses_at <= now => ProposalState::Lapsed,
            "proposed" => ProposalState::Proposed,
            "carried-out" => ProposalState::CarriedOut,
            "withdrawn" => ProposalState::Withdrawn,
            other => return Err(corrupt(&format!("the state {other:?}")).into()),
        };
        let digest = self.digest.as_slice().try_into().map_err(|_| corrupt("a digest of another length"))?;
        Ok(Proposal {
            id: self.proposal_id,
            book: BookId::new(self.book_id),
            terms: serde_json::from_str(&self.content)?,
            digest,
            proposed_by: self.proposed_by,
            proposed_at: self.proposed_at,
            lapses_at: self.lapses_at,
            state,
            decided_by: self.decided_by,
            decided_at: self.decided_at,
            entry: self.entry_key.map(IdempotencyKey::from_uuid),
        })
    }
}

pub(super) async fn find(
    ledger: &Ledger,
    id: ProposalId,
    now: DateTime<Utc>,
) -> Result<Option<Proposal>, ProposalError> {
    let mut connection = ledger.database.connection().await?;
    let row: Option<Row> = proposals::table
        .find((ledger.book.number(), id))
        .select(Row::as_select())
        .first(&mut connection)
        .await
        .optional()?;
    row.map(|row| row.proposal(now)).transpose()
}

pub(super) async fn insert(
    ledger: &Ledger,
    id: ProposalId,
    terms: &Terms,
    digest: [u8; 32],
    by: Uuid,
    now: DateTime<Utc>,
    lapses_at: DateTime<Utc>,
) -> Result<(), ProposalError> {
    let mut connection = ledger.database.connection().await?;
    diesel::insert_into(proposals::table)
        .values((
            proposals::book_id.eq(ledger.book.number()),
            proposals::proposal_id.eq(id),
            proposals::kind.eq(terms.action.name()),
            proposals::content.eq(terms.text()?),
            proposals::digest.eq(digest.as_slice()),
            proposals::proposed_by.eq(by),
            proposals::proposed_at.eq(now),
            proposals::lapses_at.eq(lapses_at),
        ))
        .on_conflict_do_nothing()
        .execute(&mut connection)
        .await?;
    Ok(())
}

pub(super) async fn withdraw(ledger: &Ledger, id: ProposalId, by: Uuid) -> Result<bool, ProposalError> {
    let now = ledger.now();
    let mut connection = ledger.database.connection().await?;
    let changed = diesel::update(proposals::table.find((ledger.book.number(), id)))
        .filter(proposals::state.eq("proposed"))
        .filter(proposals::lapses_at.gt(now))
        .set((proposals::state.eq("withdrawn"), proposals::decided_by.eq(by), proposals::decided_at.eq(now)))
        .execute(&mut connection)
        .await?;
    Ok(changed == 1)
}

pub(super) async fn list(
    ledger: &Ledger,
    shown: ProposalsShown,
    after: Option<(DateTime<Utc>, ProposalId)>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Proposal>, ProposalError> {
    let mut query = proposals::table
        .filter(proposals::book_id.eq(ledger.book.number()))
        .order((proposals::proposed_at.desc(), proposals::proposal_id.desc()))
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if shown == ProposalsShown::Waiting {
        query = query.filter(proposals::state.eq("proposed")).filter(proposals::lapses_at.gt(now));
    }
    if let Some((time, id)) = after {
        let earlier = proposals::proposed_at.eq(time).and(proposals::proposal_id.lt(id));
        query = query.filter(proposals::proposed_at.lt(time).or(earlier));
    }
    let mut connection = ledger.database.connection().await?;
    let rows: Vec<Row> = query.load(&mut connection).await?;
    rows.into_iter().map(|row| row.proposal(now)).collect()
}

pub(super) async fn kind_of(ledger: &Ledger, sequence: Sequence) -> Result<String, ProposalError> {
    let mut connection = ledger.database.connection().await?;
    Ok(entries::table
        .find((ledger.book.number(), sequence.number()))
        .select(entries::kind)
        .first(&mut connection)
        .await?)
}

/// Whether the code stands for a person, and its accounts hold and reserve nothing.
pub(super) async fn is_erasable(ledger: &Ledger, code: &AccountCode) -> Result<bool, ProposalError> {
    if !is_personal(code, &ledger.chart) {
        return Ok(false);
    }
    let of_code = accounts::table
        .filter(accounts::book_id.eq(ledger.book.number()))
        .filter(accounts::code.eq(code.as_str()))
        .filter(accounts::salt.is_not_null());
    let mut connection = ledger.database.connection().await?;
    let balances: Vec<i64> = of_code.select(accounts::balance_minor).load(&mut connection).await?;
    if balances.is_empty() || balances.iter().any(|balance| *balance != 0) {
        return Ok(false);
    }
    let reserved = holds::table
        .filter(holds::book_id.eq(ledger.book.number()))
        .filter(holds::account.eq_any(of_code.select(accounts::account)))
        .filter(holds::remaining_minor.gt(0));
    Ok(!diesel::select(diesel::dsl::exists(reserved)).get_result::<bool>(&mut connection).await?)
}

/// Erases and says so, both or neither, unless somebody else decided first.
pub(super) async fn erase(
    ledger: &Ledger,
    id: ProposalId,
    account: &AccountCode,
    by: Uuid,
) -> Result<(), ProposalError> {
    let now = ledger.now();
    let mut connection = ledger.database.connection().await?;
    let done = connection
        .transaction(async |connection| {
            // The book's lock comes before the proposal's, as where entries carry proposals out.
            if ledger.erase_in(connection, account).await?.is_empty() {
                return Err(ProposalError::NotErasable(account.clone()));
            }
            match carried_out(connection, ledger, id, by, now).await? {
                true => Ok(()),
                false => Err(ProposalError::Overtaken(id)),
            }
        })
        .await;
    drop(connection);
    match done {
        Ok(()) => {
            ledger.forget_names().await?;
            Ok(())
        }
        Err(ProposalError::Overtaken(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Orders a transfer and says so, both or neither; whether it was ordered, or somebody else decided first.
pub(super) async fn order(
    ledger: &Ledger,
    id: ProposalId,
    order: &TransferOrder,
    by: Uuid,
) -> Result<bool, ProposalError> {
    let now = ledger.now();
    let mut connection = ledger.database.connection().await?;
    connection
        .transaction(async |connection| {
            if !carried_out(connection, ledger, id, by, now).await? {
                return Ok(false);
            }
            match transfer_order_in(connection, order, now).await? {
                true => Ok(true),
                false => Err(ClearingError::IdReused(order.id).into()),
            }
        })
        .await
}

/// Says that a proposal was carried out, if nobody decided on it and its time is not over.
async fn carried_out(
    connection: &mut AsyncPgConnection,
    ledger: &Ledger,
    id: ProposalId,
    by: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, diesel::result::Error> {
    let changed = diesel::update(proposals::table.find((ledger.book.number(), id)))
        .filter(proposals::state.eq("proposed"))
        .filter(proposals::lapses_at.gt(now))
        .set((proposals::state.eq("carried-out"), proposals::decided_by.eq(by), proposals::decided_at.eq(now)))
        .execute(connection)
        .await?;
    Ok(changed == 1)
}
