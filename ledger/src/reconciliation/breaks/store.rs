use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{BreakCause, BreakEvent, BreakState};
use crate::reconciliation::account::Turn;
use crate::reconciliation::{Reconciliation, ReconciliationError, TEXT};
use crate::schema::{
    postings, reconciliation_break_events as events, reconciliation_breaks as breaks, reconciliation_items as items,
};
use crate::{AccountCode, Currency, Error, Money, Sequence};

/// Breaks that one list shows at most.
pub const MAX_BREAKS_SHOWN: i64 = 200;
/// Characters of a reason.
pub const MAX_REASON: usize = 500;

/// What does not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakSubject {
    /// A line of a statement, without a posting.
    Line {
        /// The item's number.
        item: i64,
        /// The statement's number.
        statement: i64,
        /// The line in it.
        line: i32,
    },
    /// A posting of the book, without a line.
    Posting {
        /// The item's number.
        item: i64,
        /// The entry.
        sequence: Sequence,
        /// The posting in it.
        ordinal: i32,
    },
    /// The difference of a match.
    Difference {
        /// The match's number.
        match_number: i64,
    },
}

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Its number.
    pub number: i64,
    /// What does not agree.
    pub subject: BreakSubject,
    /// By how much; positive where money came in, or where lines exceed postings.
    pub amount: Money,
    /// Since when it is outstanding.
    pub occurs_on: NaiveDate,
    /// What it says it is about.
    pub reference: Option<String>,
    /// What the bank passed on.
    pub text: Option<String>,
    /// Why there is a break.
    pub cause: BreakCause,
    /// How many things of the other side might have fitted when it was opened.
    pub candidates: i32,
    /// Where it stands.
    pub state: BreakState,
    /// Who has taken it on.
    pub owner: Option<Uuid>,
    /// When it was found.
    pub opened_at: DateTime<Utc>,
}

/// One event of a break's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakPast {
    /// What happened.
    pub event: BreakEvent,
    /// Who did it, or who let the rules run.
    pub person: Uuid,
    /// Who has taken it on, where that is what happened.
    pub owner: Option<Uuid>,
    /// The entry that corrects, where one does.
    pub entry: Option<Sequence>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub happened_at: DateTime<Utc>,
}

/// What a person does about a break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakStep {
    /// Takes it on, or gives it to somebody.
    Assign {
        /// Who has it now.
        owner: Uuid,
    },
    /// Says why, and that it will settle.
    Explain {
        /// Why.
        reason: String,
    },
    /// Names the entry that corrects it.
    Correct {
        /// The entry; it touches the account.
        entry: Sequence,
        /// Why.
        reason: String,
    },
    /// Gives it up; the rules leave its item alone from then on.
    WriteOff {
        /// Why.
        reason: String,
    },
    /// Makes it a break again.
    Reopen {
        /// Why.
        reason: String,
    },
}

impl BreakStep {
    const fn event(&self) -> BreakEvent {
        match self {
            Self::Assign { .. } => BreakEvent::Assigned,
            Self::Explain { .. } => BreakEvent::Explained,
            Self::Correct { .. } => BreakEvent::Corrected,
            Self::WriteOff { .. } => BreakEvent::WrittenOff,
            Self::Reopen { .. } => BreakEvent::Reopened,
        }
    }

    const fn entry(&self) -> Option<Sequence> {
        if let Self::Correct { entry, .. } = self { Some(*entry) } else { None }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Assign { .. } => None,
            Self::Explain { reason }
            | Self::Correct { reason, .. }
            | Self::WriteOff { reason }
            | Self::Reopen { reason } => Some(reason),
        }
    }
}

/// A reason that can be kept.
pub(in crate::reconciliation) fn checked_reason(reason: &str) -> Result<&str, ReconciliationError> {
    let reason = reason.trim();
    let fits = !reason.is_empty() && reason.chars().count() <= MAX_REASON && !reason.chars().any(char::is_control);
    if fits { Ok(reason) } else { Err(ReconciliationError::Reason { most: MAX_REASON }) }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = breaks)]
struct Row {
    break_number: i64,
    match_number: Option<i64>,
    amount_minor: i64,
    occurs_on: NaiveDate,
    cause: String,
    candidates: i32,
    state: String,
    owner: Option<Uuid>,
    opened_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = items)]
struct ItemRow {
    item: i64,
    statement: Option<i64>,
    sequence: Option<i64>,
    place: i32,
    reference: Option<String>,
    sealed_text: Option<Vec<u8>>,
}

impl Reconciliation {
    /// An account's breaks in these states, the oldest first, after the one that was shown last.
    ///
    /// # Errors
    /// [`ReconciliationError::NotReconciled`].
    pub async fn breaks(
        &self,
        code: &AccountCode,
        currency: Currency,
        states: &[BreakState],
        after: Option<(NaiveDate, i64)>,
        limit: i64,
    ) -> Result<Vec<Break>, ReconciliationError> {
        let mut connection = self.database.connection().await?;
        let account = self.number_of(&mut connection, code, currency).await?;
        let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
        let mut query = breaks::table
            .left_join(
                items::table.on(items::book_id
                    .eq(breaks::book_id)
                    .and(items::account.eq(breaks::account))
                    .and(items::item.nullable().eq(breaks::item))),
            )
            .filter(breaks::book_id.eq(self.ledger.book().number()))
            .filter(breaks::account.eq(account))
            .filter(breaks::state.eq_any(words))
            .order((breaks::occurs_on, breaks::break_number))
            .limit(limit.clamp(1, MAX_BREAKS_SHOWN))
            .select((Row::as_select(), Option::<ItemRow>::as_select()))
            .into_boxed();
        if let Some((occurs_on, number)) = after {
            query = query.filter(
                breaks::occurs_on
                    .gt(occurs_on)
                    .or(breaks::occurs_on.eq(occurs_on).and(breaks::break_number.gt(number))),
            );
        }
        let rows: Vec<(Row, Option<ItemRow>)> = query.load(&mut connection).await?;
        rows.into_iter().map(|(row, item)| self.told(row, item, currency)).collect()
    }

    fn told(&self, row: Row, item: Option<ItemRow>, currency: Currency) -> Result<Break, ReconciliationError> {
        let corrupt = |what: &str| Error::Corrupt(format!("break {}: {what}", row.break_number));
        let subject = match (&item, row.match_number) {
            (None, Some(match_number)) => BreakSubject::Difference { match_number },
            (Some(ItemRow { item, statement: Some(statement), place, .. }), None) => {
                BreakSubject::Line { item: *item, statement: *statement, line: *place }
            }
            (Some(ItemRow { item, sequence: Some(sequence), place, .. }), None) => {
                BreakSubject::Posting { item: *item, sequence: Sequence::new(*sequence), ordinal: *place }
            }
            _ => return Err(corrupt("it is of nothing").into()),
        };
        let (reference, sealed) = item.map_or((None, None), |item| (item.reference, item.sealed_text));
        Ok(Break {
            number: row.break_number,
            subject,
            amount: Money::from_minor(row.amount_minor, currency),
            occurs_on: row.occurs_on,
            reference,
            text: sealed.map(|sealed| self.cipher.decrypt(TEXT, &sealed)).transpose()?,
            cause: BreakCause::of_word(&row.cause).ok_or_else(|| corrupt("its cause"))?,
            candidates: row.candidates,
            state: BreakState::of_word(&row.state).ok_or_else(|| corrupt("its state"))?,
            owner: row.owner,
            opened_at: row.opened_at,
        })
    }

    /// The history of a break, from the beginning.
    ///
    /// # Errors
    /// [`ReconciliationError::UnknownBreak`].
    pub async fn break_history(
        &self,
        code: &AccountCode,
        currency: Currency,
        number: i64,
    ) -> Result<Vec<BreakPast>, ReconciliationError> {
        type Past = (String, Uuid, Option<Uuid>, Option<i64>, Option<String>, DateTime<Utc>);
        let mut connection = self.database.connection().await?;
        let account = self.number_of(&mut connection, code, currency).await?;
        let rows: Vec<Past> = events::table
            .filter(events::book_id.eq(self.ledger.book().number()))
            .filter(events::account.eq(account))
            .filter(events::break_number.eq(number))
            .order(events::ordinal)
            .limit(MAX_BREAKS_SHOWN)
            .select((
                events::event,
                events::person,
                events::owner,
                events::entry_sequence,
                events::reason,
                events::happened_at,
            ))
            .load(&mut connection)
            .await?;
        if rows.is_empty() {
            return Err(ReconciliationError::UnknownBreak(number));
        }
        let past = |(event, person, owner, entry, reason, happened_at): Past| {
            let event = BreakEvent::of_word(&event).ok_or_else(|| Error::Corrupt(format!("break event {event}")))?;
            Ok(BreakPast { event, person, owner, entry: entry.map(Sequence::new), reason, happened_at })
        };
        rows.into_iter().map(past).collect()
    }

    /// Takes a break a step further; answers its new state.
    ///
    /// # Errors
    /// [`ReconciliationError::WrongState`] when its state does not allow it, [`ReconciliationError::UnknownBreak`],
    /// [`ReconciliationError::UnknownEntry`] for a correction that is not on the account, [`ReconciliationError::Reason`].
    pub async fn step(
        &self,
        code: &AccountCode,
        currency: Currency,
        number: i64,
        step: &BreakStep,
        person: Uuid,
    ) -> Result<BreakState, ReconciliationError> {
        let reason = step.reason().map(checked_reason).transpose()?;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let turn = self.turn(connection, code, currency, person).await?;
                turn.take_step(connection, number, step, reason).await
            })
            .await
    }
}

impl Turn {
    async fn require_entry(
        &self,
        connection: &mut AsyncPgConnection,
        entry: Sequence,
    ) -> Result<(), ReconciliationError> {
        let touches = diesel::select(diesel::dsl::exists(
            postings::table
                .filter(postings::book_id.eq(self.book))
                .filter(postings::account.eq(self.locked.account))
                .filter(postings::sequence.eq(entry.number())),
        ));
        let touches: bool = touches.get_result(connection).await?;
        if touches { Ok(()) } else { Err(ReconciliationError::UnknownEntry(entry.number())) }
    }

    async fn take_step(
        &self,
        connection: &mut AsyncPgConnection,
        number: i64,
        step: &BreakStep,
        reason: Option<&str>,
    ) -> Result<BreakState, ReconciliationError> {
        let row = (self.book, self.locked.account, number);
        let known: Option<(String, Option<Uuid>, i32, Option<i64>)> = breaks::table
            .find(row)
            .select((breaks::state, breaks::owner, breaks::last_event, breaks::item))
            .first(connection)
            .await
            .optional()?;
        let (state, owner, last, item) = known.ok_or(ReconciliationError::UnknownBreak(number))?;
        let state = BreakState::of_word(&state).ok_or_else(|| Error::Corrupt(format!("break {number}: its state")))?;
        let event = step.event();
        let after = state.after(event).ok_or(ReconciliationError::WrongState { state, event })?;
        if let Some(entry) = step.entry() {
            self.require_entry(connection, entry).await?;
        }
        let owner = match step {
            BreakStep::Assign { owner } => Some(*owner),
            BreakStep::Reopen { .. } => None,
            _ => owner,
        };
        diesel::update(breaks::table.find(row))
            .set((breaks::state.eq(after.word()), breaks::owner.eq(owner), breaks::last_event.eq(last + 1)))
            .execute(connection)
            .await?;
        diesel::insert_into(events::table)
            .values((
                events::book_id.eq(self.book),
                events::account.eq(self.locked.account),
                events::break_number.eq(number),
                events::ordinal.eq(last + 1),
                events::event.eq(event.word()),
                events::person.eq(self.person),
                events::owner.eq(owner.filter(|_| event == BreakEvent::Assigned)),
                events::entry_sequence.eq(step.entry().map(Sequence::number)),
                events::reason.eq(reason),
                events::happened_at.eq(self.at),
            ))
            .execute(connection)
            .await?;
        if let (BreakStep::WriteOff { .. }, Some(item)) = (step, item) {
            diesel::update(items::table.find((self.book, self.locked.account, item)))
                .set(items::by_hand_only.eq(true))
                .execute(connection)
                .await?;
        }
        Ok(after)
    }
}
