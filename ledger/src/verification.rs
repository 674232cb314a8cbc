//! Verification: everything recomputed from the postings, and the first difference named.
//!
//! Each check is one set-based statement over the whole book, inside one snapshot, so that a book in use can be
//! verified. Floors are checked after every entry of the past, not only today.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use crate::{BookId, Error, Ledger};

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
    /// All checks, in order.
    pub checks: Vec<Check>,
}

impl Verification {
    /// Whether nothing differs.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.difference.is_none())
    }

    /// The first difference.
    #[must_use]
    pub fn first_difference(&self) -> Option<&Difference> {
        self.checks.iter().find_map(|check| check.difference.as_ref())
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Nullable<BigInt>)]
    sequence: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    posting: Option<i64>,
    #[diesel(sql_type = Text)]
    what: String,
}

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    entries: i64,
    #[diesel(sql_type = BigInt)]
    postings: i64,
}

/// A check of a long book takes long; one that nobody waits for any more ends soon.
const SETTINGS: &str = "set statement_timeout = '2h'; set client_connection_check_interval = '2s'";

const COUNTS: &str = "select
        (select count(*) from ledger.entries where book_id = $1) as entries,
        (select count(*) from ledger.postings where book_id = $1) as postings";

/// Each answers the first difference as `sequence, posting, what`.
const CHECKS: [(&str, &str); 9] = [
    (
        "sequences run from 1 to the book's head without a gap",
        "select sequence, null::bigint as posting, what from (
            select sequence, 'the entry before it is missing' as what
            from (select sequence, lag(sequence, 1, 0::bigint) over (order by sequence) as before
                  from ledger.entries where book_id = $1) numbered
            where sequence <> before + 1
            union all
            select last_sequence, 'the head of the book is not the newest entry'
            from ledger.books
            where book_id = $1
              and last_sequence <> (select coalesce(max(sequence), 0) from ledger.entries where book_id = $1)
        ) found order by sequence limit 1",
    ),
    (
        "booking times never run backwards",
        "select sequence, null::bigint as posting, 'it was booked before the entry that it follows' as what
        from (select sequence, booked_at, lag(booked_at) over (order by sequence) as before
              from ledger.entries where book_id = $1) timed
        where booked_at < before
        order by sequence limit 1",
    ),
    (
        "every entry has at least two postings, numbered without a gap, or changes a hold or a period",
        "select e.sequence, null::bigint as posting, 'it has ' || count(p.ordinal) || ' postings, the last numbered '
            || coalesce(max(p.ordinal)::text, '-') as what
        from ledger.entries e
        left join ledger.postings p on p.book_id = e.book_id and p.sequence = e.sequence
        where e.book_id = $1
        group by e.sequence
        having max(p.ordinal) <> count(p.ordinal)
            or min(p.ordinal) <> 1
            or count(p.ordinal) < 2
                and (
                    count(p.ordinal) = 1
                    or not exists (
                        select from ledger.hold_changes h where h.book_id = $1 and h.sequence = e.sequence
                        union all
                        select from ledger.period_changes c where c.book_id = $1 and c.sequence = e.sequence
                    )
                )
        order by e.sequence limit 1",
    ),
    (
        "every posting belongs to an entry",
        "select p.sequence, p.ordinal::bigint as posting, 'it belongs to no entry' as what
        from ledger.postings p
        left join ledger.entries e on e.book_id = p.book_id and e.sequence = p.sequence
        where p.book_id = $1 and e.sequence is null
        order by p.sequence, p.ordinal limit 1",
    ),
    (
        "every entry balances in each currency",
        "select sequence, null::bigint as posting, 'it is off by ' || sum(amount_minor) || ' in commodity ' || commodity as what
        from ledger.postings
        where book_id = $1
        group by sequence, commodity
        having sum(amount_minor) <> 0
        order by sequence limit 1",
    ),
    (
        "every posting is in its account's currency",
        "select p.sequence, p.ordinal::bigint as posting, 'its account is ' || coalesce(a.code, 'unknown') as what
        from ledger.postings p
        left join ledger.accounts a on a.book_id = p.book_id and a.account = p.account
        where p.book_id = $1 and a.commodity is distinct from p.commodity
        order by p.sequence, p.ordinal limit 1",
    ),
    (
        "every running balance continues the one before it",
        "select sequence, ordinal::bigint as posting, 'the balance after it is ' || balance_minor || ', not '
            || before + amount_minor as what
        from (select sequence, ordinal, amount_minor, balance_minor,
                lag(balance_minor, 1, 0::bigint) over (partition by account order by sequence, ordinal) as before
              from ledger.postings where book_id = $1) running
        where before + amount_minor <> balance_minor
        order by sequence, ordinal limit 1",
    ),
    (
        "every account's balance is the sum of its postings",
        "select a.last_sequence as sequence, null::bigint as posting,
            'account ' || a.code || ' says ' || a.balance_minor || ', its postings ' || coalesce(p.total, 0) as what
        from ledger.accounts a
        left join (select account, sum(amount_minor) as total
                   from ledger.postings where book_id = $1 group by account) p on p.account = a.account
        where a.book_id = $1 and a.balance_minor <> coalesce(p.total, 0)
        order by a.account limit 1",
    ),
    (
        "no account was ever below its floor after an entry",
        "select p.sequence, p.ordinal::bigint as posting, 'account ' || a.code || ' fell below its floor' as what
        from (select distinct on (account, sequence) account, sequence, ordinal, balance_minor
              from ledger.postings where book_id = $1
              order by account, sequence, ordinal desc) p
        join ledger.accounts a on a.book_id = $1 and a.account = p.account
        where case when a.kind in ('asset', 'expense') then p.balance_minor else -p.balance_minor end < a.floor_minor
        order by p.sequence limit 1",
    ),
];

impl Ledger {
    /// Recomputes the whole book from its postings; `progress` is told of each check that is done, and of how many
    /// there are.
    ///
    /// # Errors
    /// When the database cannot be reached; a book that is wrong is a result, not an error.
    pub async fn verify(&self, mut progress: impl FnMut(usize, usize) + Send) -> Result<Verification, Error> {
        // A connection of its own: whoever stops waiting drops it, and the database notices and stops too, instead of
        // a pool getting it back inside of the snapshot.
        let mut connection = self.database.dedicated_connection().await?;
        connection.batch_execute(SETTINGS).await?;
        connection
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(async |connection| self.verify_in(connection, &mut progress).await)
            .await
    }

    async fn verify_in(
        &self,
        connection: &mut diesel_async::AsyncPgConnection,
        progress: &mut (impl FnMut(usize, usize) + Send),
    ) -> Result<Verification, Error> {
        let book = self.book.number();
        let counts: Counts = diesel::sql_query(COUNTS).bind::<SmallInt, _>(book).get_result(connection).await?;
        let mut checks = Vec::with_capacity(CHECKS.len());
        for (done, (name, text)) in CHECKS.iter().enumerate() {
            let found: Vec<Found> = diesel::sql_query(*text).bind::<SmallInt, _>(book).load(connection).await?;
            let difference = found.into_iter().next().map(|found| Difference {
                book: self.book,
                sequence: found.sequence,
                posting: found.posting,
                what: found.what,
            });
            checks.push(Check { name, difference });
            progress(done + 1, CHECKS.len());
        }
        Ok(Verification { entries: counts.entries, postings: counts.postings, checks })
    }
}
