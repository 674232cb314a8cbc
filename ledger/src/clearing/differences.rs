//! The net check: what books owe one another is what they claim and what is in flight.
//!
//! Read in one snapshot over all books of the database, opened here or not. A leg commits with its transfer's state, so
//! every snapshot has to agree, however busy the books are.

use std::fmt;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::transfer::TransferId;
use super::{Clearing, ClearingError};
use crate::balances::currency;
use crate::verification::{Check, Difference, Verification};
use crate::{AccountCode, BookId, Currency, Error, Money};

/// Differences that one check names at most.
pub const MAX_NAMED_DIFFERENCES: usize = 100;

/// What stands between two books in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The book that owes.
    pub from: BookId,
    /// The book that is owed.
    pub to: BookId,
    /// What `from` owes by its clearing account.
    pub owed: Money,
    /// What `to` claims by its clearing account.
    pub claimed: Money,
    /// What departed and is not at its destination yet.
    pub in_flight: Money,
}

impl Position {
    /// What is owed and neither claimed nor in flight, in minor units: zero, or something is wrong.
    #[must_use]
    pub fn difference_minor(&self) -> i128 {
        i128::from(self.owed.minor()) - i128::from(self.claimed.minor()) - i128::from(self.in_flight.minor())
    }
}

/// Where clearing accounts and transfers do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearingDifference {
    /// The book.
    pub book: BookId,
    /// The account in it.
    pub account: AccountCode,
    /// The currency.
    pub currency: Currency,
    /// What differs.
    pub fault: ClearingFault,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearingFault {
    /// A transfer is not booked on its account as its state says. Amounts in minor units, debits positive.
    Transfer {
        /// The transfer.
        transfer: TransferId,
        /// What is booked.
        booked_minor: i128,
        /// What its state says.
        expected_minor: i128,
    },
    /// Entries on the account are about no transfer.
    Entries {
        /// The first of them.
        first_sequence: i64,
        /// What they come to, in minor units, debits positive.
        booked_minor: i128,
    },
    /// The account's balance is not what the other book's and the transfers in flight come to.
    Position {
        /// By how much, in minor units.
        difference_minor: i128,
    },
}

impl fmt::Display for ClearingDifference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, currency, .. } = self;
        match self.fault {
            ClearingFault::Transfer { transfer, booked_minor, expected_minor } => write!(
                formatter,
                "transfer {transfer}: {booked_minor} minor units of {currency} are booked on {account}, its state says \
                 {expected_minor}"
            ),
            ClearingFault::Entries { booked_minor, .. } => {
                write!(formatter, "{booked_minor} minor units of {currency} on {account} are of no transfer")
            }
            ClearingFault::Position { difference_minor } => write!(
                formatter,
                "{account} is off by {difference_minor} minor units of {currency} against the other book and what is in \
                 flight"
            ),
        }
    }
}

#[derive(QueryableByName)]
struct PositionRow {
    #[diesel(sql_type = SmallInt)]
    from_book: i16,
    #[diesel(sql_type = SmallInt)]
    to_book: i16,
    #[diesel(sql_type = Integer)]
    commodity: i32,
    #[diesel(sql_type = BigInt)]
    owed: i64,
    #[diesel(sql_type = BigInt)]
    claimed: i64,
    #[diesel(sql_type = BigInt)]
    in_flight: i64,
}

#[derive(QueryableByName)]
struct DifferenceRow {
    #[diesel(sql_type = SmallInt)]
    book_id: i16,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Integer)]
    commodity: i32,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    transfer: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    first_sequence: Option<i64>,
    #[diesel(sql_type = Text)]
    booked: String,
    #[diesel(sql_type = Text)]
    expected: String,
}

/// All pairs of books and the commodities that they have between them. The codes are those of the legs.
const POSITIONS: &str = "with pairs as (
        select f.book_id as from_book, t.book_id as to_book,
            'liabilities:clearing:book-' || t.book_id as owing, 'assets:clearing:book-' || f.book_id as claiming
        from ledger.books f
        join ledger.books t on t.book_id <> f.book_id
    ), in_flight as (
        select from_book, to_book, commodity, sum(amount_minor) as amount
        from ledger.transfers
        where state = 'departed'
          and settled_at is null
        group by from_book, to_book, commodity
    ), owed as (
        select p.from_book, p.to_book, a.commodity, -a.balance_minor as amount
        from pairs p
        join ledger.accounts a on a.book_id = p.from_book and a.code = p.owing
    ), claimed as (
        select p.from_book, p.to_book, a.commodity, a.balance_minor as amount
        from pairs p
        join ledger.accounts a on a.book_id = p.to_book and a.code = p.claiming
    )
    select from_book, to_book, commodity, coalesce(owed.amount, 0) as owed, coalesce(claimed.amount, 0) as claimed,
        least(coalesce(in_flight.amount, 0), 9223372036854775807)::int8 as in_flight
    from owed
    full join claimed using (from_book, to_book, commodity)
    full join in_flight using (from_book, to_book, commodity)
    order by from_book, to_book, commodity";

/// Each transfer on each of its four accounts: what is booked against what its state says. Transfers of one id from two
/// books are told as one. Of entries that are about no transfer, the postings on clearing accounts stand out.
const DIFFERENCES: &str = "with between_books as (
        select book_id, account
        from ledger.accounts
        where code like 'liabilities:clearing:%'
           or code like 'assets:clearing:%'
    ), touching as (
        select distinct p.book_id, p.sequence
        from between_books b
        join ledger.postings p on p.book_id = b.book_id and p.account = b.account
    ), booked as (
        select p.book_id, a.code, a.commodity, e.subject as transfer, sum(p.amount_minor) as amount,
            min(p.sequence) as first_sequence, bool_or(b.account is not null) as is_between_books
        from touching t
        join ledger.postings p on p.book_id = t.book_id and p.sequence = t.sequence
        join ledger.accounts a on a.book_id = p.book_id and a.account = p.account
        left join between_books b on b.book_id = p.book_id and b.account = p.account
        left join ledger.entries e on e.book_id = p.book_id and e.sequence = p.sequence
        group by p.book_id, a.code, a.commodity, e.subject
    ), expected as (
        select side.book_id, side.code, t.commodity, t.transfer_id as transfer, sum(side.amount) as amount
        from ledger.transfers t
        cross join lateral (
            select case when t.state in ('departed', 'arrived') then t.amount_minor else 0 end as departed,
                case when t.state = 'arrived' then t.amount_minor else 0 end as arrived
        ) leg
        cross join lateral (
            values
                (t.from_book, t.source, leg.departed),
                (t.from_book, 'liabilities:clearing:book-' || t.to_book, -leg.departed),
                (t.to_book, 'assets:clearing:book-' || t.from_book, leg.arrived),
                (t.to_book, t.destination, -leg.arrived)
        ) side (book_id, code, amount)
        group by side.book_id, side.code, t.commodity, t.transfer_id
    )
    select book_id, code, commodity, expected.transfer, booked.first_sequence,
        coalesce(booked.amount, 0)::text as booked, coalesce(expected.amount, 0)::text as expected
    from booked
    full join expected using (book_id, code, commodity, transfer)
    where expected.transfer is null and booked.is_between_books
       or coalesce(booked.amount, 0) <> expected.amount
    order by book_id, code, commodity, booked.first_sequence, expected.transfer
    limit $1";

/// Both statements read long histories; one that nobody waits for any more ends soon.
const SETTINGS: &str = "set statement_timeout = '2h'; set client_connection_check_interval = '2s'";

impl Clearing {
    /// What stands between each two books, in each currency: a few index probes a pair.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn positions(&self) -> Result<Vec<Position>, ClearingError> {
        let mut connection = self.database.connection().await?;
        Ok(positions(&mut connection).await?)
    }

    /// Where clearing accounts and transfers do not agree, transfer by transfer; empty when all is well. Names
    /// [`MAX_NAMED_DIFFERENCES`] at most. Reads the whole history of the clearing accounts.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn differences(&self) -> Result<Vec<ClearingDifference>, ClearingError> {
        // As in the verification of a book: whoever stops waiting drops the connection, and the database stops too.
        let mut connection = self.database.dedicated_connection().await?;
        connection.batch_execute(SETTINGS).await?;
        let found = connection
            .build_transaction()
            .repeatable_read()
            .read_only()
            .run(async |connection| Ok::<_, Error>((differences(connection).await?, positions(connection).await?)))
            .await;
        let (mut found, positions) = found?;
        // Differences of transfers may cancel out in a position, and a balance may be off beside all its postings.
        for position in positions.iter().filter(|position| position.difference_minor() != 0) {
            if found.len() < MAX_NAMED_DIFFERENCES {
                found.push(position.as_difference()?);
            }
        }
        Ok(found)
    }

    /// Recomputes every book from its postings, and what stands between them; the checks of all books are told as one.
    ///
    /// # Errors
    /// When the database cannot be reached; books that are wrong are a result, not an error.
    pub async fn verify(&self, progress: impl FnMut(i64, i64) + Send) -> Result<Verification, ClearingError> {
        self.verify_with_keys(&[], progress).await
    }

    /// Recomputes some of the books; what they owe one another is looked at only when all of them are named.
    ///
    /// # Errors
    /// [`ClearingError::UnknownBook`]; otherwise as [`Clearing::verify`].
    pub async fn verify_books(&self, books: &[BookId]) -> Result<Verification, ClearingError> {
        if self.books.iter().all(|ledger| books.contains(&ledger.book())) {
            return self.verify(|_, _| {}).await;
        }
        let mut whole = Verification { entries: 0, postings: 0, checkpoints: 0, checks: Vec::new() };
        for book in books {
            merge(&mut whole, self.book(*book)?.verify(|_, _| {}).await?);
        }
        Ok(whole)
    }

    /// The same with only those verifier keys believed for checkpoints; with none, those that the books publish.
    ///
    /// # Errors
    /// As [`Clearing::verify`].
    pub async fn verify_with_keys(
        &self,
        believed: &[String],
        mut progress: impl FnMut(i64, i64) + Send,
    ) -> Result<Verification, ClearingError> {
        let mut entries = 0;
        for ledger in self.books.iter() {
            entries += ledger.head().await?.number();
        }
        let mut whole = Verification { entries: 0, postings: 0, checkpoints: 0, checks: Vec::new() };
        for ledger in self.books.iter() {
            let before = whole.entries;
            let one = ledger.verify_with_keys(believed, |done, _| progress(before + done, entries)).await?;
            merge(&mut whole, one);
        }
        let difference = self.differences().await?.into_iter().next().map(ClearingDifference::into_difference);
        whole.checks.push(Check { name: "what books owe one another is claimed or in flight", difference });
        Ok(whole)
    }
}

impl ClearingDifference {
    fn into_difference(self) -> Difference {
        let sequence = match self.fault {
            ClearingFault::Entries { first_sequence, .. } => Some(first_sequence),
            ClearingFault::Transfer { .. } | ClearingFault::Position { .. } => None,
        };
        Difference { book: self.book, sequence, posting: None, what: self.to_string() }
    }
}

impl Position {
    fn as_difference(self) -> Result<ClearingDifference, ClearingError> {
        Ok(ClearingDifference {
            book: self.from,
            account: super::legs::owed_to(self.to)?,
            currency: self.owed.currency(),
            fault: ClearingFault::Position { difference_minor: self.difference_minor() },
        })
    }
}

/// Adds another book's result: its counts, and for each check its difference where none is known yet.
fn merge(whole: &mut Verification, one: Verification) {
    whole.entries += one.entries;
    whole.postings += one.postings;
    for check in one.checks {
        match whole.checks.iter_mut().find(|known| known.name == check.name) {
            Some(known) => known.difference = known.difference.take().or(check.difference),
            None => whole.checks.push(check),
        }
    }
}

async fn positions(connection: &mut AsyncPgConnection) -> Result<Vec<Position>, Error> {
    let rows: Vec<PositionRow> = diesel::sql_query(POSITIONS).load(connection).await?;
    let position = |row: PositionRow| {
        let currency = currency(row.commodity)?;
        let money = |minor| Money::from_minor(minor, currency);
        Ok(Position {
            from: BookId::new(row.from_book),
            to: BookId::new(row.to_book),
            owed: money(row.owed),
            claimed: money(row.claimed),
            in_flight: money(row.in_flight),
        })
    };
    rows.into_iter().map(position).collect()
}

async fn differences(connection: &mut AsyncPgConnection) -> Result<Vec<ClearingDifference>, Error> {
    let limit = i64::try_from(MAX_NAMED_DIFFERENCES).unwrap_or(i64::MAX);
    let rows: Vec<DifferenceRow> = diesel::sql_query(DIFFERENCES).bind::<BigInt, _>(limit).load(connection).await?;
    rows.into_iter().map(DifferenceRow::difference).collect()
}

impl DifferenceRow {
    fn difference(self) -> Result<ClearingDifference, Error> {
        let corrupt = |error: &dyn fmt::Display| Error::Corrupt(error.to_string());
        let booked_minor = self.booked.parse().map_err(|error: std::num::ParseIntError| corrupt(&error))?;
        let expected_minor = self.expected.parse().map_err(|error: std::num::ParseIntError| corrupt(&error))?;
        let fault = match (self.transfer, self.first_sequence) {
            (Some(transfer), _) => {
                ClearingFault::Transfer { transfer: TransferId::from_uuid(transfer), booked_minor, expected_minor }
            }
            (None, first) => ClearingFault::Entries { first_sequence: first.unwrap_or_default(), booked_minor },
        };
        Ok(ClearingDifference {
            book: BookId::new(self.book_id),
            account: AccountCode::try_new(&self.code).map_err(|error| corrupt(&error))?,
            currency: currency(self.commodity)?,
            fault,
        })
    }
}
