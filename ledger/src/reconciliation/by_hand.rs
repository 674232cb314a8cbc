//! What a person matches, and what a person takes apart.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, SmallInt, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::account::Turn;
use super::{BreakSubject, Reconciliation, ReconciliationError, Rule, breaks};
use crate::schema::{
    reconciliation_items as items, reconciliation_matches as matches, reconciliation_unmatches as unmatches,
};
use crate::{AccountCode, Currency, Error, Money, Sequence};

/// Items that a person may match at once.
pub const MAX_HAND_ITEMS: usize = 1_000;

/// Items that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Its number.
    pub number: i64,
    /// By which rule.
    pub rule: Rule,
    /// What the person said; none for what a rule matched, see [`Rule::why`].
    pub reason: Option<String>,
    /// The run that made it; none by hand.
    pub run: Option<i64>,
    /// Lines less postings.
    pub difference: Money,
    /// The person, or who let the rules run.
    pub matched_by: Uuid,
    /// When.
    pub matched_at: DateTime<Utc>,
    /// Its items, lines first.
    pub items: Vec<MatchedItem>,
}

/// A line or a posting in a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedItem {
    /// What it is.
    pub subject: BreakSubject,
    /// Its amount; positive where money came in.
    pub amount: Money,
    /// When it happened.
    pub occurs_on: NaiveDate,
    /// What it says it is about.
    pub reference: Option<String>,
}

type MatchRow = (String, Option<String>, Option<i64>, i64, Uuid, DateTime<Utc>);
type ItemRow = (i64, Option<i64>, Option<i64>, i32, i64, NaiveDate, Option<String>);

impl Reconciliation {
    /// Matches open items by hand; answers the match's number. What lines and postings differ by becomes a break.
    ///
    /// # Errors
    /// [`ReconciliationError::Items`] when there are fewer than two or too many, or when one is not open on the account.
    pub async fn match_by_hand(
        &self,
        code: &AccountCode,
        currency: Currency,
        numbers: &[i64],
        reason: &str,
        person: Uuid,
    ) -> Result<i64, ReconciliationError> {
        let reason = breaks::checked_reason(reason)?;
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != numbers.len() || !(2..=MAX_HAND_ITEMS).contains(&sorted.len()) {
            return Err(ReconciliationError::Items("there are 2 to 1,000 of them, each once"));
        }
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let mut turn = self.turn(connection, code, currency, person).await?;
                let number = turn.match_by_hand(connection, &sorted, reason).await?;
                turn.keep_numbers(connection).await?;
                Ok(number)
            })
            .await
    }

    /// Takes a match apart; its items are open again, each a break, and the rules leave them alone from then on.
    ///
    /// # Errors
    /// [`ReconciliationError::UnknownMatch`] when there is none, or when it was taken apart before.
    pub async fn unmatch(
        &self,
        code: &AccountCode,
        currency: Currency,
        number: i64,
        reason: &str,
        person: Uuid,
    ) -> Result<(), ReconciliationError> {
        let reason = breaks::checked_reason(reason)?;
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let mut turn = self.turn(connection, code, currency, person).await?;
                turn.unmatch(connection, number, reason).await?;
                turn.keep_numbers(connection).await
            })
            .await
    }

    /// A match with its items.
    ///
    /// # Errors
    /// [`ReconciliationError::UnknownMatch`] when there is none, or when it was taken apart.
    pub async fn match_of(
        &self,
        code: &AccountCode,
        currency: Currency,
        number: i64,
    ) -> Result<Match, ReconciliationError> {
        let mut connection = self.database.connection().await?;
        let account = self.number_of(&mut connection, code, currency).await?;
        let book = self.ledger.book().number();
        let row: Option<MatchRow> = matches::table
            .find((book, account, number))
            .select((
                matches::rule,
                matches::reason,
                matches::run,
                matches::difference_minor,
                matches::matched_by,
                matches::matched_at,
            ))
            .first(&mut connection)
            .await
            .optional()?;
        let (rule, reason, run, difference, matched_by, matched_at) =
            row.ok_or(ReconciliationError::UnknownMatch(number))?;
        let members: Vec<ItemRow> = items::table
            .filter(items::book_id.eq(book))
            .filter(items::account.eq(account))
            .filter(items::match_number.eq(number))
            .order((items::sequence.is_not_null(), items::item))
            .select((
                items::item,
                items::statement,
                items::sequence,
                items::place,
                items::amount_minor,
                items::occurs_on,
                items::reference,
            ))
            .load(&mut connection)
            .await?;
        if members.is_empty() {
            return Err(ReconciliationError::UnknownMatch(number));
        }
        let rule = Rule::named(&rule).ok_or_else(|| Error::Corrupt(format!("match {number}: its rule")))?;
        let items = members.into_iter().map(|row| matched(row, currency)).collect::<Result<_, _>>()?;
        let difference = Money::from_minor(difference, currency);
        Ok(Match { number, rule, reason, run, difference, matched_by, matched_at, items })
    }
}

fn matched(row: ItemRow, currency: Currency) -> Result<MatchedItem, Error> {
    let (item, statement, sequence, place, amount, occurs_on, reference) = row;
    let subject = match (statement, sequence) {
        (Some(statement), None) => BreakSubject::Line { item, statement, line: place },
        (None, Some(sequence)) => BreakSubject::Posting { item, sequence: Sequence::new(sequence), ordinal: place },
        _ => return Err(Error::Corrupt(format!("item {item} is of no side"))),
    };
    Ok(MatchedItem { subject, amount: Money::from_minor(amount, currency), occurs_on, reference })
}

impl Turn {
    async fn match_by_hand(
        &mut self,
        connection: &mut AsyncPgConnection,
        numbers: &[i64],
        reason: &str,
    ) -> Result<i64, ReconciliationError> {
        let of_match = || {
            items::table
                .filter(items::book_id.eq(self.book))
                .filter(items::account.eq(self.locked.account))
                .filter(items::item.eq_any(numbers))
        };
        let open: Vec<(bool, i64)> = of_match()
            .filter(items::match_number.is_null())
            .select((items::sequence.is_null(), items::amount_minor))
            .load(connection)
            .await?;
        if open.len() != numbers.len() {
            return Err(ReconciliationError::Items("one of them is not open on the account"));
        }
        let signed = open.iter().map(|(is_line, minor)| i128::from(if *is_line { *minor } else { -minor }));
        let difference = i64::try_from(signed.sum::<i128>())
            .map_err(|_| ReconciliationError::Items("they come to more than can be kept"))?;
        let lines = open.iter().filter(|(is_line, _)| *is_line).count();
        let before = self.locked.last_match;
        let number = before + 1;
        diesel::insert_into(matches::table)
            .values((
                matches::book_id.eq(self.book),
                matches::commodity.eq(self.locked.commodity),
                matches::account.eq(self.locked.account),
                matches::match_number.eq(number),
                matches::difference_minor.eq(difference),
                matches::lines.eq(i32::try_from(lines).unwrap_or(i32::MAX)),
                matches::postings.eq(i32::try_from(open.len() - lines).unwrap_or(i32::MAX)),
                matches::rule.eq(Rule::ByHand.name()),
                matches::reason.eq(reason),
                matches::matched_by.eq(self.person),
                matches::matched_at.eq(self.at),
            ))
            .execute(connection)
            .await?;
        diesel::update(of_match()).set(items::match_number.eq(number)).execute(connection).await?;
        self.locked.last_match = number;
        self.read_each_side_once(connection).await?;
        breaks::settle_matched(connection, self, before).await?;
        breaks::open_differences(connection, self, before).await?;
        Ok(number)
    }

    async fn unmatch(
        &mut self,
        connection: &mut AsyncPgConnection,
        number: i64,
        reason: &str,
    ) -> Result<(), ReconciliationError> {
        let freed: Vec<i64> = diesel::update(items::table)
            .filter(items::book_id.eq(self.book))
            .filter(items::account.eq(self.locked.account))
            .filter(items::match_number.eq(number))
            .set((items::match_number.eq(None::<i64>), items::by_hand_only.eq(true)))
            .returning(items::item)
            .get_results(connection)
            .await?;
        if freed.is_empty() {
            return Err(ReconciliationError::UnknownMatch(number));
        }
        diesel::insert_into(unmatches::table)
            .values((
                unmatches::book_id.eq(self.book),
                unmatches::account.eq(self.locked.account),
                unmatches::match_number.eq(number),
                unmatches::items.eq(&freed),
                unmatches::reason.eq(reason),
                unmatches::unmatched_by.eq(self.person),
                unmatches::unmatched_at.eq(self.at),
            ))
            .execute(connection)
            .await?;
        self.reopen(connection, &freed, number, reason).await?;
        self.open_freed(connection, &freed).await
    }

    /// The breaks that the match had settled are open again; that of its difference is none any more.
    async fn reopen(
        &self,
        connection: &mut AsyncPgConnection,
        freed: &[i64],
        number: i64,
        reason: &str,
    ) -> Result<(), ReconciliationError> {
        const TEXT: &str = "with changed as (
                update ledger.reconciliation_breaks
                set state = case when match_number is null then 'open' else 'settled' end,
                    owner = case when match_number is null then null else owner end,
                    last_event = last_event + 1
                where book_id = $1
                  and account = $2
                  and (
                      item = any($3) and state = 'settled'
                      or match_number = $4 and state in ('open', 'assigned', 'explained')
                  )
                returning break_number, last_event, match_number
            )
            insert into ledger.reconciliation_break_events
                (book_id, account, break_number, ordinal, event, person, reason, happened_at)
            select $1, $2, break_number, last_event,
                case when match_number is null then 'reopened' else 'settled' end, $5, $6, $7
            from changed";
        diesel::sql_query(TEXT)
            .bind::<SmallInt, _>(self.book)
            .bind::<BigInt, _>(self.locked.account)
            .bind::<Array<BigInt>, _>(freed)
            .bind::<BigInt, _>(number)
            .bind::<diesel::sql_types::Uuid, _>(self.person)
            .bind::<diesel::sql_types::Text, _>(reason)
            .bind::<Timestamptz, _>(self.at)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Opens a break for each freed item that never had one.
    async fn open_freed(
        &mut self,
        connection: &mut AsyncPgConnection,
        freed: &[i64],
    ) -> Result<(), ReconciliationError> {
        const TEXT: &str = "with opened as (
                insert into ledger.reconciliation_breaks
                    (book_id, commodity, account, break_number, item, amount_minor, occurs_on, candidates, cause, state,
                     last_event, opened_at)
                select $1, $3, $2, $4 + row_number() over (order by i.item), i.item, i.amount_minor, i.occurs_on, 0,
                    'unmatched', 'open', 1, $6
                from ledger.reconciliation_items i
                where i.book_id = $1
                  and i.account = $2
                  and i.item = any($5)
                  and not exists (
                      select 1
                      from ledger.reconciliation_breaks b
                      where b.book_id = $1 and b.account = $2 and b.item = i.item
                  )
                returning break_number
            )
            insert into ledger.reconciliation_break_events
                (book_id, account, break_number, ordinal, event, person, happened_at)
            select $1, $2, break_number, 1, 'opened', $7, $6
            from opened";
        let opened = diesel::sql_query(TEXT)
            .bind::<SmallInt, _>(self.book)
            .bind::<BigInt, _>(self.locked.account)
            .bind::<Integer, _>(self.locked.commodity)
            .bind::<BigInt, _>(self.locked.last_break)
            .bind::<Array<BigInt>, _>(freed)
            .bind::<Timestamptz, _>(self.at)
            .bind::<diesel::sql_types::Uuid, _>(self.person)
            .execute(connection)
            .await?;
        self.locked.last_break += i64::try_from(opened).unwrap_or(0);
        Ok(())
    }
}
