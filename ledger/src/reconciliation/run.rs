//! A run: postings are collected, the rules are tried in order, and what remains becomes breaks.

mod one_to_one;
mod sums;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

pub use sums::MAX_SEARCHED_ITEMS;

use super::account::Turn;
use super::{Reconciliation, ReconciliationError, Rule, Tolerances, breaks};
use crate::schema::{books, reconciliation_runs as runs};
use crate::{AccountCode, Currency};

/// Which rules a run tries, and how far items may be from each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRules {
    /// The tolerances.
    pub tolerances: Tolerances,
    /// The rules; they are tried in the order of [`Rule::ORDER`], however they stand here.
    pub rules: Vec<Rule>,
}

impl Default for RunRules {
    fn default() -> Self {
        Self { tolerances: Tolerances::USUAL, rules: Rule::ORDER.to_vec() }
    }
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub run: i64,
    /// Postings that it found in the book and put beside the lines.
    pub collected: i64,
    /// Matches that it made, by rule, in the order in which the rules were tried.
    pub matched: Vec<(Rule, i64)>,
    /// Breaks that it opened.
    pub opened: i64,
    /// Breaks that settled.
    pub settled: i64,
    /// Items for which the search for sums was given up at its bounds.
    pub given_up: usize,
    /// Open items that the search for sums did not look at, since there were more than it takes.
    pub not_searched: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Reconciliation {
    /// Matches an account's items by the rules, and opens a break for each that remains.
    ///
    /// # Errors
    /// [`ReconciliationError::NotReconciled`].
    pub async fn run(
        &self,
        code: &AccountCode,
        currency: Currency,
        rules: &RunRules,
        person: Uuid,
    ) -> Result<Run, ReconciliationError> {
        let mut connection = self.long_connection().await?;
        let run = connection
            .transaction(async |connection| {
                let mut turn = self.turn(connection, code, currency, person).await?;
                let run = turn.run(connection, rules).await?;
                turn.keep_numbers(connection).await?;
                Ok::<_, ReconciliationError>(run)
            })
            .await?;
        let matched: i64 = run.matched.iter().map(|(_, count)| count).sum();
        tracing::info!(account = %code, matched, opened = run.opened, settled = run.settled, "reconciled an account");
        Ok(run)
    }
}

impl Turn {
    async fn run(&mut self, connection: &mut AsyncPgConnection, rules: &RunRules) -> Result<Run, ReconciliationError> {
        let RunRules { tolerances, rules } = rules;
        self.locked.last_run += 1;
        let first_match = self.locked.last_match;
        let collected = self.collect(connection).await?;
        self.read_each_side_once(connection).await?;
        let mut matched = Vec::new();
        for rule in Rule::ORDER.into_iter().filter(|rule| rules.contains(rule)) {
            if let Some(count) = self.one_to_one(connection, rule, *tolerances).await? {
                matched.push((rule, count));
            }
        }
        let search = self.sums(connection, rules, *tolerances).await?;
        matched.extend(search.matched);
        let settled = breaks::settle_matched(connection, self, first_match).await?;
        let opened = breaks::open_differences(connection, self, first_match).await?
            + breaks::open_breaks(connection, self, tolerances.days(), search.ambiguous).await?;
        let total: i64 = matched.iter().map(|(_, count)| count).sum();
        diesel::insert_into(runs::table)
            .values((
                runs::book_id.eq(self.book),
                runs::commodity.eq(self.locked.commodity),
                runs::account.eq(self.locked.account),
                runs::run.eq(self.locked.last_run),
                runs::tolerance_days.eq(tolerances.days()),
                runs::tolerance_minor.eq(tolerances.minor()),
                runs::matched.eq(i32::try_from(total).unwrap_or(i32::MAX)),
                runs::opened.eq(i32::try_from(opened).unwrap_or(i32::MAX)),
                runs::run_by.eq(self.person),
                runs::run_at.eq(self.at),
            ))
            .execute(connection)
            .await?;
        Ok(Run {
            run: self.locked.last_run,
            collected,
            matched,
            opened,
            settled,
            given_up: search.given_up,
            not_searched: search.not_searched,
        })
    }

    /// Puts the postings that were booked since the last run beside the lines.
    async fn collect(&mut self, connection: &mut AsyncPgConnection) -> Result<i64, ReconciliationError> {
        // The reference is what the entry's metadata names, or else its description, or else its key.
        const TEXT: &str = "insert into ledger.reconciliation_items
                (book_id, commodity, account, item, sequence, amount_minor, place, occurs_on, reference)
            select $1, $2, $3, $4 + row_number() over (order by p.sequence, p.ordinal), p.sequence, p.amount_minor,
                p.ordinal, e.effective_date,
                nullif(left(upper(regexp_replace(
                    coalesce(e.metadata ->> 'reference', e.description, e.entry_key::text),
                    '[^A-Za-z0-9]', '', 'g')), 64), '')
            from ledger.postings p
            join ledger.entries e on e.book_id = p.book_id and e.sequence = p.sequence
            where p.book_id = $1
              and p.account = $3
              and p.sequence > $5
              and p.sequence <= $6
              and e.sequence > $5
              and e.sequence <= $6";
        let head: i64 = books::table.find(self.book).select(books::last_sequence).first(connection).await?;
        let collected = diesel::sql_query(TEXT)
            .bind::<SmallInt, _>(self.book)
            .bind::<Integer, _>(self.locked.commodity)
            .bind::<BigInt, _>(self.locked.account)
            .bind::<BigInt, _>(self.locked.last_item)
            .bind::<BigInt, _>(self.locked.collected_through)
            .bind::<BigInt, _>(head)
            .execute(connection)
            .await?;
        let collected = i64::try_from(collected).unwrap_or(i64::MAX);
        self.locked.last_item += collected;
        self.locked.collected_through = head;
        Ok(collected)
    }

    /// Tries a rule that is one statement; none when the rule is not.
    async fn one_to_one(
        &mut self,
        connection: &mut AsyncPgConnection,
        rule: Rule,
        tolerances: Tolerances,
    ) -> Result<Option<i64>, ReconciliationError> {
        let Some(text) = one_to_one::statement(rule) else { return Ok(None) };
        let Count { count } = diesel::sql_query(text)
            .bind::<SmallInt, _>(self.book)
            .bind::<BigInt, _>(self.locked.account)
            .bind::<BigInt, _>(self.locked.last_match)
            .bind::<Integer, _>(self.locked.commodity)
            .bind::<BigInt, _>(self.locked.last_run)
            .bind::<Text, _>(rule.name())
            .bind::<diesel::sql_types::Uuid, _>(self.person)
            .bind::<Timestamptz, _>(self.at)
            .bind::<Integer, _>(tolerances.days())
            .bind::<BigInt, _>(tolerances.minor())
            .get_result(connection)
            .await?;
        self.locked.last_match += count;
        Ok(Some(count))
    }
}
