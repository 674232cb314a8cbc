//! A book as a whole against its model, three ways: as it is read, as it verifies, and built anew from zero out of what
//! is kept of each entry.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Date, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ledger::{After, Clearing, Ledger};
use platform::clock::Clock;
use uuid::Uuid;

use super::house::House;
use crate::fixture::{Result, account};
use crate::held::{compare, currency_of, date, hold_id, key, time};
use crate::model::Model;
use crate::process;
use crate::process::errand::{BOOKS, book_id};
use crate::things;

/// Lines of a page of a statement.
const PAGE: i64 = 37;

/// Compares all books, through a process that knows nothing yet.
pub async fn compare_all(house: &House, models: &[Model]) -> Result<Clearing> {
    let clock = Clock::fixed(time(house.now()));
    let mut ledgers = Vec::new();
    for book in 0..BOOKS {
        let (ledger, _writer) = Ledger::open(house.test.database()?, process::settings(book, &clock)?).await?;
        ledgers.push(ledger);
    }
    let mut owner = house.owner().await?;
    for (ledger, model) in ledgers.iter().zip(models) {
        ledger.record_closes().await?;
        compare(ledger, model).await?;
        for (index, _) in model.accounts.iter().enumerate() {
            compare_statement(ledger, model, index).await?;
        }
        rebuild(&mut owner, ledger, model).await?;
        let taken: BTreeMap<i32, Uuid> = model.taken.iter().map(|(thing, by)| (*thing, key(*by).uuid())).collect();
        assert_eq!(things::taken(&mut owner, ledger.book()).await?, taken, "what was taken of {:?}", ledger.book());
    }
    let first = ledgers.remove(0);
    let clearing = Clearing::try_new(first, ledgers)?;
    assert_eq!(clearing.differences().await?, []);
    for position in clearing.positions().await? {
        assert!(position.difference_minor() == 0 && position.in_flight.is_zero(), "{position:?}");
        let (from, to) = (position.from, position.to);
        assert!(from != to && [from, to].iter().all(|book| (0..BOOKS).any(|known| book_id(known) == *book)));
    }
    assert_eq!(clearing.verify(|_, _| {}).await?.first_difference(), None);
    Ok(clearing)
}

async fn compare_statement(ledger: &Ledger, model: &Model, index: usize) -> Result {
    let modelled = &model.accounts[index];
    let sign = if modelled.grows_by_debit { 1 } else { -1 };
    let mut expected = Vec::new();
    let mut balance = 0;
    for (sequence, amounts) in (1_i64..).zip(&model.entries) {
        for &(_, amount) in amounts.iter().filter(|(other, _)| *other == index) {
            balance += sign * amount;
            expected.push((sequence, sign * amount, balance));
        }
    }
    let mut found = Vec::new();
    let (mut after, mut closing) = (After::BEGINNING, 0);
    loop {
        let page = match ledger.statement(&account(modelled.code), currency_of(modelled), after, PAGE).await {
            Err(ledger::Error::UnknownAccount { .. }) => break,
            page => page?,
        };
        assert_eq!(page.opening.minor(), closing, "{} opens with what it closed with", modelled.code);
        closing = page.closing.minor();
        let Some(last) = page.lines.last() else { break };
        after = After { sequence: last.sequence, ordinal: last.ordinal };
        found.extend(page.lines.iter().map(|line| (line.sequence.number(), line.amount.minor(), line.balance.minor())));
    }
    assert_eq!(found, expected, "the statement of {}", modelled.code);
    assert_eq!(closing, model.normal(index), "the end of the statement of {}", modelled.code);
    Ok(())
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    commodity: i64,
    #[diesel(sql_type = BigInt)]
    amount_minor: i64,
    #[diesel(sql_type = BigInt)]
    balance_minor: i64,
}

#[derive(QueryableByName)]
struct HoldLine {
    #[diesel(sql_type = SqlUuid)]
    hold_id: Uuid,
    #[diesel(sql_type = BigInt)]
    minor: i64,
}

#[derive(QueryableByName)]
struct PeriodLine {
    #[diesel(sql_type = Text)]
    change: String,
    #[diesel(sql_type = Nullable<Date>)]
    day: Option<NaiveDate>,
}

const POSTINGS: &str = "select a.code, a.commodity::int8, p.amount_minor, p.balance_minor
    from ledger.postings p
    join ledger.accounts a using (book_id, account)
    where p.book_id = $1
    order by p.sequence, p.ordinal";
const ACCOUNTS: &str = "select code, commodity::int8, 0::int8 as amount_minor, balance_minor
    from ledger.accounts
    where book_id = $1";
const HOLD_CHANGES: &str = "select hold_id, case change when 'placed' then amount_minor else -amount_minor end as minor
    from ledger.hold_changes
    where book_id = $1
    order by sequence, ordinal";
const HOLDS: &str = "select hold_id, remaining_minor as minor from ledger.holds where book_id = $1";
const PERIOD_CHANGES: &str = "select change, through as day
    from ledger.period_changes
    where book_id = $1
    order by sequence";
const CLOSED: &str = "select '' as change, closed_through as day from ledger.books where book_id = $1";

/// Builds balances, holds and what is closed from zero, and holds them against what is kept and against the model.
async fn rebuild(owner: &mut AsyncPgConnection, ledger: &Ledger, model: &Model) -> Result {
    let book = ledger.book().number();
    let mut balances = BTreeMap::<(String, i64), i64>::new();
    for line in rows::<Line>(owner, POSTINGS, book).await? {
        let balance = balances.entry((line.code, line.commodity)).or_default();
        *balance += line.amount_minor;
        assert_eq!(*balance, line.balance_minor, "a running balance of book {book}");
    }
    for line in rows::<Line>(owner, ACCOUNTS, book).await? {
        let rebuilt = balances.get(&(line.code.clone(), line.commodity)).copied().unwrap_or_default();
        assert_eq!(rebuilt, line.balance_minor, "{} of book {book}", line.code);
    }
    for modelled in &model.accounts {
        let place = (modelled.code.to_owned(), i64::from(currency_of(modelled).number()));
        assert_eq!(balances.remove(&place).unwrap_or_default(), modelled.balance, "{} of book {book}", modelled.code);
    }
    assert!(balances.is_empty(), "accounts that the model does not know: {balances:?}");
    let mut holds = BTreeMap::<Uuid, i64>::new();
    for change in rows::<HoldLine>(owner, HOLD_CHANGES, book).await? {
        *holds.entry(change.hold_id).or_default() += change.minor;
    }
    let kept: BTreeMap<_, _> =
        rows::<HoldLine>(owner, HOLDS, book).await?.into_iter().map(|hold| (hold.hold_id, hold.minor)).collect();
    assert_eq!(holds, kept, "the holds of book {book}");
    let modelled: BTreeMap<_, _> =
        model.holds.iter().map(|(number, hold)| (hold_id(*number).uuid(), hold.remaining)).collect();
    assert_eq!(holds, modelled, "the holds of book {book}");
    let mut closed = None;
    for change in rows::<PeriodLine>(owner, PERIOD_CHANGES, book).await? {
        closed = if change.change == "closed" { change.day } else { change.day.and_then(|day| day.pred_opt()) };
    }
    let [kept] = &rows::<PeriodLine>(owner, CLOSED, book).await?[..] else { return Err("a book is there once".into()) };
    assert_eq!(closed, kept.day, "what is closed of book {book}");
    assert_eq!(closed, model.closed_through.map(date), "what is closed of book {book}");
    Ok(())
}

async fn rows<T>(owner: &mut AsyncPgConnection, query: &str, book: i16) -> Result<Vec<T>>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    Ok(diesel::sql_query(query).bind::<SmallInt, _>(book).load(owner).await?)
}
