use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, SmallInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::reconciliation::account::Turn;
use crate::reconciliation::open_items::{OPEN_ITEMS, SHARED};
use crate::reconciliation::subset_sums::{Group, OpenItem, Side, groups};
use crate::reconciliation::{ReconciliationError, Rule, Tolerances};
use crate::schema::reconciliation_matches as matches;

/// Open items that the search for sums looks at, the oldest ones: what bounds its memory.
pub const MAX_SEARCHED_ITEMS: i64 = 50_000;
/// Matches that one statement keeps.
const KEPT_AT_ONCE: usize = 1_000;

/// What the search came to.
#[derive(Default)]
pub(super) struct Searched {
    pub(super) matched: Vec<(Rule, i64)>,
    pub(super) ambiguous: Vec<i64>,
    pub(super) given_up: usize,
    pub(super) not_searched: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    item: i64,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_line: bool,
    #[diesel(sql_type = BigInt)]
    amount_minor: i64,
    #[diesel(sql_type = Date)]
    occurs_on: NaiveDate,
    #[diesel(sql_type = BigInt)]
    open: i64,
}

impl Turn {
    /// Tries the rules that seek sums among what the others left.
    pub(super) async fn sums(
        &mut self,
        connection: &mut AsyncPgConnection,
        rules: &[Rule],
        tolerances: Tolerances,
    ) -> Result<Searched, ReconciliationError> {
        let sought: Vec<Rule> = [Rule::OneLineManyPostings, Rule::OnePostingManyLines]
            .into_iter()
            .filter(|rule| rules.contains(rule))
            .collect();
        if sought.is_empty() {
            return Ok(Searched::default());
        }
        let rows = self.unnamed(connection).await?;
        let open = rows.as_slice().first().map_or(0, |row| row.open);
        let not_searched = open - i64::try_from(rows.len()).unwrap_or(open);
        let (days, by_kind) = (tolerances.days(), sought.clone());
        // The search is bounded and may take seconds all the same.
        let searching = tokio::task::spawn_blocking(move || {
            let items: Vec<OpenItem> = rows.into_iter().map(Row::item).collect();
            groups(&items, days, &by_kind)
        });
        let found = searching.await.map_err(|error| ReconciliationError::Unread(error.to_string()))?;
        let mut matched = Vec::new();
        for rule in sought {
            let of_rule: Vec<&Group> = found.found.iter().filter(|group| group.rule == rule).collect();
            for groups in of_rule.chunks(KEPT_AT_ONCE) {
                self.keep_groups(connection, groups).await?;
            }
            matched.push((rule, i64::try_from(of_rule.len()).unwrap_or(i64::MAX)));
        }
        Ok(Searched { matched, ambiguous: found.ambiguous, given_up: found.given_up.len(), not_searched })
    }

    /// Open items that name nothing which is open on the other side too.
    async fn unnamed(&self, connection: &mut AsyncPgConnection) -> Result<Vec<Row>, ReconciliationError> {
        let text = format!(
            "{OPEN_ITEMS},
            {SHARED}
            select item, is_line, amount_minor, occurs_on, count(*) over () as open
            from open_items o
            where not exists (select 1 from shared s where s.reference = o.reference)
            order by occurs_on, item
            limit $3"
        );
        Ok(diesel::sql_query(text)
            .bind::<SmallInt, _>(self.book)
            .bind::<BigInt, _>(self.locked.account)
            .bind::<BigInt, _>(MAX_SEARCHED_ITEMS)
            .load(connection)
            .await?)
    }

    async fn keep_groups(
        &mut self,
        connection: &mut AsyncPgConnection,
        groups: &[&Group],
    ) -> Result<(), ReconciliationError> {
        const MARK: &str = "update ledger.reconciliation_items i
            set match_number = m.match_number
            from unnest($3, $4) as m (item, match_number)
            where i.book_id = $1
              and i.account = $2
              and i.item = m.item";
        let (mut rows, mut marked, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for group in groups {
            self.locked.last_match += 1;
            let many = i32::try_from(group.many.len()).unwrap_or(i32::MAX);
            let (lines, postings) = if group.rule == Rule::OneLineManyPostings { (1, many) } else { (many, 1) };
            rows.push((
                matches::book_id.eq(self.book),
                matches::commodity.eq(self.locked.commodity),
                matches::account.eq(self.locked.account),
                matches::match_number.eq(self.locked.last_match),
                matches::difference_minor.eq(0),
                matches::run.eq(self.locked.last_run),
                matches::lines.eq(lines),
                matches::postings.eq(postings),
                matches::rule.eq(group.rule.name()),
                matches::matched_by.eq(self.person),
                matches::matched_at.eq(self.at),
            ));
            for item in group.items() {
                marked.push(item);
                numbers.push(self.locked.last_match);
            }
        }
        diesel::insert_into(matches::table).values(rows).execute(connection).await?;
        diesel::sql_query(MARK)
            .bind::<SmallInt, _>(self.book)
            .bind::<BigInt, _>(self.locked.account)
            .bind::<Array<BigInt>, _>(marked)
            .bind::<Array<BigInt>, _>(numbers)
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl Row {
    const fn item(self) -> OpenItem {
        OpenItem {
            item: self.item,
            side: if self.is_line { Side::Line } else { Side::Posting },
            amount_minor: self.amount_minor,
            occurs_on: self.occurs_on,
        }
    }
}
