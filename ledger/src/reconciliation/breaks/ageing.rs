//! How old breaks are, and whether both sides come to the same.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, SmallInt};
use diesel_async::RunQueryDsl;

use crate::reconciliation::{Reconciliation, ReconciliationError};
use crate::{AccountCode, Currency, Money};

/// The first day of age of each bucket but the first, which begins with breaks of today and of the future.
pub const AGE_BOUNDS: [i32; 4] = [2, 8, 31, 91];

/// Breaks of an age that are open or assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeBucket {
    /// The least age in days; none for the youngest.
    pub from_days: Option<i32>,
    /// The greatest age in days; none for the oldest.
    pub to_days: Option<i32>,
    /// Breaks that nobody has taken on.
    pub open: i64,
    /// Breaks that somebody has.
    pub assigned: i64,
    /// What they come to where money came in.
    pub incoming: Money,
    /// What they come to where money went out; not above zero.
    pub outgoing: Money,
}

/// Both sides of an account, as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Breaks by age, the youngest first.
    pub ages: Vec<AgeBucket>,
    /// What the newest statement closes with; none before the first one.
    pub outside: Option<Money>,
    /// What the account holds by the postings that are among the items, debits positive.
    pub inside: Money,
    /// What lines without a match come to.
    pub open_lines: Money,
    /// What postings without a match come to.
    pub open_postings: Money,
    /// What the differences of matches come to.
    pub differences: Money,
    /// What none of these explains: zero, unless a statement is missing or the sides did not begin together.
    pub unexplained: Money,
}

#[derive(QueryableByName)]
struct AgeRow {
    #[diesel(sql_type = Integer)]
    bucket: i32,
    #[diesel(sql_type = BigInt)]
    open: i64,
    #[diesel(sql_type = BigInt)]
    assigned: i64,
    #[diesel(sql_type = BigInt)]
    incoming: i64,
    #[diesel(sql_type = BigInt)]
    outgoing: i64,
}

#[derive(QueryableByName)]
struct Sides {
    #[diesel(sql_type = Nullable<BigInt>)]
    outside: Option<i64>,
    #[diesel(sql_type = BigInt)]
    inside: i64,
    #[diesel(sql_type = BigInt)]
    open_lines: i64,
    #[diesel(sql_type = BigInt)]
    open_postings: i64,
    #[diesel(sql_type = BigInt)]
    differences: i64,
}

impl Reconciliation {
    /// How an account stands on a day: its breaks by age, and both sides with what explains their difference.
    ///
    /// # Errors
    /// [`ReconciliationError::NotReconciled`].
    pub async fn standing(
        &self,
        code: &AccountCode,
        currency: Currency,
        today: NaiveDate,
    ) -> Result<Standing, ReconciliationError> {
        const AGES: &str = "select width_bucket($3 - occurs_on, $4) as bucket,
                count(*) filter (where state = 'open') as open,
                count(*) filter (where state = 'assigned') as assigned,
                coalesce(sum(greatest(amount_minor, 0)), 0)::bigint as incoming,
                coalesce(sum(least(amount_minor, 0)), 0)::bigint as outgoing
            from ledger.reconciliation_breaks
            where book_id = $1
              and account = $2
              and state in ('open', 'assigned')
            group by bucket
            order by bucket";
        const SIDES: &str = "select
                (
                    select closing_minor
                    from ledger.reconciliation_statements
                    where book_id = $1 and account = $2
                    order by closes_on desc, statement desc
                    limit 1
                ) as outside,
                coalesce((
                    select p.balance_minor
                    from ledger.postings p
                    join ledger.reconciled_accounts r on r.book_id = p.book_id and r.account = p.account
                    where p.book_id = $1 and p.account = $2 and p.sequence <= r.collected_through
                    order by p.sequence desc, p.ordinal desc
                    limit 1
                ), 0) as inside,
                coalesce(sum(amount_minor) filter (where sequence is null), 0)::bigint as open_lines,
                coalesce(sum(amount_minor) filter (where sequence is not null), 0)::bigint as open_postings,
                coalesce((
                    select sum(m.difference_minor)
                    from ledger.reconciliation_matches m
                    where m.book_id = $1
                      and m.account = $2
                      and m.difference_minor <> 0
                      and not exists (
                          select 1
                          from ledger.reconciliation_unmatches u
                          where u.book_id = m.book_id and u.account = m.account and u.match_number = m.match_number
                      )
                ), 0)::bigint as differences
            from ledger.reconciliation_items
            where book_id = $1
              and account = $2
              and match_number is null";
        let mut connection = self.database.connection().await?;
        let account = self.number_of(&mut connection, code, currency).await?;
        let book = self.ledger.book().number();
        let ages: Vec<AgeRow> = diesel::sql_query(AGES)
            .bind::<SmallInt, _>(book)
            .bind::<BigInt, _>(account)
            .bind::<Date, _>(today)
            .bind::<Array<Integer>, _>(AGE_BOUNDS.to_vec())
            .load(&mut connection)
            .await?;
        let sides: Sides = diesel::sql_query(SIDES)
            .bind::<SmallInt, _>(book)
            .bind::<BigInt, _>(account)
            .get_result(&mut connection)
            .await?;
        Ok(sides.standing(buckets(&ages, currency), currency))
    }
}

fn buckets(rows: &[AgeRow], currency: Currency) -> Vec<AgeBucket> {
    (0_i32..)
        .zip(0..=AGE_BOUNDS.len())
        .map(|(bucket, place)| {
            let row = rows.iter().find(|row| row.bucket == bucket);
            AgeBucket {
                from_days: place.checked_sub(1).map(|before| AGE_BOUNDS[before]),
                to_days: AGE_BOUNDS.get(place).map(|next| next - 1),
                open: row.map_or(0, |row| row.open),
                assigned: row.map_or(0, |row| row.assigned),
                incoming: Money::from_minor(row.map_or(0, |row| row.incoming), currency),
                outgoing: Money::from_minor(row.map_or(0, |row| row.outgoing), currency),
            }
        })
        .collect()
}

impl Sides {
    fn standing(&self, ages: Vec<AgeBucket>, currency: Currency) -> Standing {
        let money = |minor| Money::from_minor(minor, currency);
        let explained = i128::from(self.inside) - i128::from(self.open_postings)
            + i128::from(self.open_lines)
            + i128::from(self.differences);
        let unexplained = self.outside.map_or(0, |outside| i128::from(outside) - explained);
        Standing {
            ages,
            outside: self.outside.map(money),
            inside: money(self.inside),
            open_lines: money(self.open_lines),
            open_postings: money(self.open_postings),
            differences: money(self.differences),
            unexplained: money(i64::try_from(unexplained).unwrap_or(i64::MAX)),
        }
    }
}
