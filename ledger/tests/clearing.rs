//! Transfers between books: two legs, one outcome, whatever is refused, repeated, killed or done at once.

mod crash;
mod histories;

use crate::fixture::{CHART, Result, account, euro, unit};
use diesel_async::SimpleAsyncConnection;
use ledger::{
    AsOf, BookAccount, BookId, BookSettings, Chart, Clearing, ClearingError, ClearingFault, Currency, IdempotencyKey,
    Ledger, MAX_MINOR_UNITS, Money, Shown, TransferId, TransferOrder, TransferState, WriterTask,
};
use platform::clock::Clock;
use platform::database::Database;
use platform::testing::TestDatabase;
use uuid::Uuid;

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";
const BABACAR: &str = "liabilities:wallets:babacar";
/// An asset that may not fall below zero, so that a credit can be refused.
const TILL: &str = "assets:tills:dakar";
const OWED_TO_2: &str = "liabilities:clearing:book-2";
const CLAIMED_FROM_1: &str = "assets:clearing:book-1";

/// Books 1 to 3 on a database of their own.
struct Books {
    test: TestDatabase,
    clearing: Clearing,
    clock: Clock,
    _writers: Vec<WriterTask>,
}

fn chart() -> Result<Chart> {
    let tills = "[accounts.\"assets:tills:{place}\"]\ndescription = \"cash\"\nfloor = 0\n";
    Ok(Chart::from_toml(&format!("{CHART}\n{tills}"))?)
}

/// Opens books 1 to 3, each with a writer.
async fn open_books(database: &Database, clock: &Clock) -> Result<(Clearing, Vec<WriterTask>)> {
    let (mut ledgers, mut writers) = (Vec::new(), Vec::new());
    for number in 1..=3 {
        let settings = BookSettings {
            book: BookId::new(number),
            name: format!("book {number}"),
            chart: chart()?,
            clock: clock.clone(),
            observer: None,
        };
        let (ledger, writer) = Ledger::open(database.clone(), settings).await?;
        ledgers.push(ledger);
        writers.push(writer);
    }
    let first = ledgers.remove(0);
    Ok((Clearing::try_new(first, ledgers)?, writers))
}

impl Books {
    async fn new() -> Result<Self> {
        let test = TestDatabase::create().await?;
        let clock = Clock::fixed("2026-03-02T09:00:00Z".parse()?);
        let (clearing, writers) = open_books(&test.database()?, &clock).await?;
        Ok(Self { test, clearing, clock, _writers: writers })
    }

    fn book(&self, number: i16) -> Result<&Ledger> {
        Ok(self.clearing.book(BookId::new(number))?)
    }

    async fn fund(&self, number: i16, code: &str, amount: Money) -> Result {
        let ledger = self.book(number)?;
        ledger.post(unit(ledger, code, BANK, amount)).await?;
        Ok(())
    }

    async fn holds(&self, number: i16, code: &str) -> Result<i64> {
        let balance = self.book(number)?.balance(&account(code), Currency::EUR, AsOf::Now).await;
        match balance {
            Err(ledger::Error::UnknownAccount { .. }) => Ok(0),
            balance => Ok(balance?.minor()),
        }
    }

    async fn heads(&self) -> Result<Vec<i64>> {
        let mut heads = Vec::new();
        for ledger in self.clearing.books() {
            heads.push(ledger.head().await?.number());
        }
        Ok(heads)
    }

    /// All books hold, and so does what stands between them.
    async fn check(&self) -> Result {
        assert_eq!(self.clearing.differences().await?, []);
        assert!(self.clearing.positions().await?.iter().all(|position| position.difference_minor() == 0));
        assert_eq!(self.clearing.verify(|_, _| {}).await?.first_difference(), None);
        Ok(())
    }
}

fn place(book: i16, code: &str) -> BookAccount {
    BookAccount { book: BookId::new(book), account: account(code) }
}

fn order(from: BookAccount, to: BookAccount, amount: Money) -> TransferOrder {
    TransferOrder { id: TransferId::generate(), from, to, amount, description: Some("a test".to_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_arrives_in_the_other_book_and_both_know_what_they_owe() -> Result {
    let books = Books::new().await?;
    books.fund(1, AMINA, euro(1_000)).await?;
    let wanted = order(place(1, AMINA), place(2, BABACAR), euro(400));
    let transfer = books.clearing.transfer(&wanted).await?;
    assert_eq!((transfer.state, transfer.reason.as_deref()), (TransferState::Arrived, None));
    assert_eq!(transfer, books.clearing.get(BookId::FIRST, wanted.id).await?);
    let held = [(1, AMINA, 600), (1, OWED_TO_2, 400), (2, CLAIMED_FROM_1, 400), (2, BABACAR, 400)];
    for (book, code, minor) in held {
        assert_eq!(books.holds(book, code).await?, minor, "{code}");
    }
    let positions = books.clearing.positions().await?;
    assert_eq!(positions.len(), 1);
    assert_eq!((positions[0].owed, positions[0].claimed, positions[0].in_flight), (euro(400), euro(400), euro(0)));
    let heads = books.heads().await?;
    assert_eq!(books.clearing.transfer(&wanted).await?, transfer, "the same order again moves nothing");
    assert_eq!(books.heads().await?, heads);
    books.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_destination_refuses_goes_back_and_says_why() -> Result {
    let books = Books::new().await?;
    books.fund(1, AMINA, euro(1_000)).await?;
    for refused in [place(2, TILL), place(2, "liabilities:wallet:typing-error")] {
        let wanted = order(place(1, AMINA), refused.clone(), euro(400));
        let transfer = books.clearing.transfer(&wanted).await?;
        assert_eq!(transfer.state, TransferState::Returned);
        assert!(transfer.reason.as_deref().is_some_and(|reason| reason.contains(refused.account.as_str())));
        assert_eq!(transfer, books.clearing.transfer(&wanted).await?);
        assert_eq!(transfer, books.clearing.get(BookId::FIRST, wanted.id).await?);
        assert_eq!((books.holds(1, AMINA).await?, books.holds(1, OWED_TO_2).await?), (1_000, 0));
    }
    assert_eq!(books.heads().await?, [5, 0, 0], "out and back, twice");
    books.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_source_refuses_never_leaves_and_stays_refused() -> Result {
    let books = Books::new().await?;
    let wanted = order(place(1, AMINA), place(2, BABACAR), euro(400));
    let transfer = books.clearing.transfer(&wanted).await?;
    assert_eq!(transfer.state, TransferState::Refused);
    assert!(transfer.reason.as_deref().is_some_and(|reason| reason.contains("below its floor")));
    books.fund(1, AMINA, euro(1_000)).await?;
    assert_eq!(books.clearing.transfer(&wanted).await?, transfer, "an order that was refused is a new one next time");
    assert_eq!(books.heads().await?, [1, 0, 0]);
    books.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_orders_are_told_before_anything_is_kept() -> Result {
    let books = Books::new().await?;
    books.fund(1, AMINA, euro(1_000)).await?;
    let good = order(place(1, AMINA), place(2, BABACAR), euro(1));
    let cases: [(TransferOrder, &str); 7] = [
        (TransferOrder { to: place(1, BABACAR), ..good.clone() }, "between two books"),
        (TransferOrder { to: place(9, BABACAR), ..good.clone() }, "book 9 is not open"),
        (TransferOrder { amount: euro(0), ..good.clone() }, "above zero"),
        (TransferOrder { amount: euro(-1), ..good.clone() }, "above zero"),
        (TransferOrder { amount: euro(MAX_MINOR_UNITS + 1), ..good.clone() }, "16 digits"),
        (TransferOrder { from: place(1, OWED_TO_2), ..good.clone() }, "by transfers alone"),
        (TransferOrder { description: Some("two\nlines".to_owned()), ..good.clone() }, "on one line"),
    ];
    for (faulty, what) in cases {
        let error = books.clearing.transfer(&faulty).await.expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
        assert!(books.clearing.get(BookId::FIRST, faulty.id).await.is_err());
    }
    books.clearing.transfer(&good).await?;
    let other = TransferOrder { amount: euro(2), ..good };
    assert!(matches!(books.clearing.transfer(&other).await, Err(ClearingError::IdReused(_))));
    // Another book may give the same id.
    books.fund(3, AMINA, euro(10)).await?;
    let same_id = TransferOrder { from: place(3, AMINA), ..other };
    assert_eq!(books.clearing.transfer(&same_id).await?.state, TransferState::Arrived);
    assert_eq!(books.holds(2, BABACAR).await?, 3);
    books.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_neither_book_takes_stays_in_flight_until_one_does() -> Result {
    let books = Books::new().await?;
    // The money goes into a till, is spent from there, and its counterpart is refused: it cannot go back.
    let mut owner = books.test.owner().await?;
    owner.batch_execute("begin; select 1 from ledger.books where book_id = 2 for update").await?;
    let wanted = order(place(1, TILL), place(2, TILL), euro(400));
    let (clearing, ordered) = (books.clearing.clone(), wanted.clone());
    let waiting = tokio::spawn(async move { clearing.transfer(&ordered).await });
    while books.holds(1, TILL).await? == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let ledger = books.book(1)?;
    ledger.post(unit(ledger, TILL, "expenses:payouts:caisse-thies", euro(100))).await?;
    owner.batch_execute("rollback").await?;
    assert!(matches!(waiting.await?, Err(ClearingError::ReturnRefused { .. })));
    let on_its_way = books.clearing.list(BookId::FIRST, Shown::Unsettled, None, 10).await?;
    assert_eq!(on_its_way.iter().map(|transfer| transfer.state).collect::<Vec<_>>(), [TransferState::Departed]);
    books.check().await?;

    assert_eq!(books.clearing.recover().await?, ledger::Recovery::default(), "nothing is due yet");
    books.clock.advance(ledger::RECOVERY_AFTER);
    assert_eq!(books.clearing.recover().await?.left, 1);
    assert_eq!(books.clearing.recover().await?.left, 0, "it waits before it is tried again");
    books.clock.advance(chrono::TimeDelta::hours(1));
    let other = books.book(2)?;
    other.post(unit(other, "equity:capital", TILL, euro(400))).await?;
    assert_eq!(books.clearing.recover().await?.arrived, 1);
    assert_eq!(books.holds(2, TILL).await?, 0);
    assert!(books.clearing.list(BookId::FIRST, Shown::Unsettled, None, 10).await?.is_empty());
    assert_eq!(books.clearing.list(BookId::FIRST, Shown::All, None, 10).await?.len(), 1);
    books.check().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_that_met_the_close_of_its_day_is_booked_on_the_next_one() -> Result {
    let books = Books::new().await?;
    books.fund(1, AMINA, euro(1_000)).await?;
    let (other, _writers) = open_books(&books.test.database()?, &books.clock).await?;
    let (day, today) = (chrono::TimeDelta::days(1), books.clock.today());
    let mut owner = books.test.owner().await?;
    owner.batch_execute("begin; select 1 from ledger.books where book_id = 2 for update").await?;
    // The close of today waits at the door of book 2 from tomorrow on, and after it a leg of today.
    books.clock.advance(day);
    let key = IdempotencyKey::generate();
    let closing = tokio::spawn(async move {
        other.book(BookId::new(2))?.close_period(key, today, Uuid::now_v7()).await?;
        Result::Ok(())
    });
    waiting_at_the_door(&mut owner, 1).await?;
    books.clock.advance(-day);
    let (clearing, wanted) = (books.clearing.clone(), order(place(1, AMINA), place(2, BABACAR), euro(400)));
    let transferring = tokio::spawn(async move { clearing.transfer(&wanted).await });
    waiting_at_the_door(&mut owner, 2).await?;
    books.clock.advance(day);
    owner.batch_execute("rollback").await?;
    closing.await??;
    assert_eq!(transferring.await??.state, TransferState::Arrived);
    let mut refusals = books.test.owner().await?;
    let met: Vec<String> = {
        use diesel::prelude::*;
        use diesel_async::RunQueryDsl;
        use ledger::schema::refusals::dsl;
        dsl::refusals.select(dsl::reason).load(&mut refusals).await?
    };
    assert_eq!(met, ["period-closed"]);
    books.check().await
}

/// Waits until so many connections wait for a lock.
async fn waiting_at_the_door(owner: &mut diesel_async::AsyncPgConnection, connections: i64) -> Result {
    use diesel_async::RunQueryDsl;
    #[derive(diesel::QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        waiting: i64,
    }
    let text = "select count(*) as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    for _ in 0..2_000 {
        if diesel::sql_query(text).get_result::<Waiting>(owner).await?.waiting >= connections {
            return Ok(());
        }
        // What a transaction sees of the others stands still otherwise.
        owner.batch_execute("select pg_stat_clear_snapshot()").await?;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Err(format!("{connections} connections do not wait").into())
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_name_the_transfers_that_a_superuser_changed() -> Result {
    let books = Books::new().await?;
    books.fund(1, AMINA, euro(1_000)).await?;
    let mut ids = Vec::new();
    for cents in [100, 200, 300] {
        let wanted = order(place(1, AMINA), place(2, BABACAR), euro(cents));
        books.clearing.transfer(&wanted).await?;
        ids.push(wanted.id);
    }
    let mut owner = books.test.owner().await?;
    let second = ids[1];
    owner
        .batch_execute(&format!("update ledger.transfers set amount_minor = 201 where transfer_id = '{second}'"))
        .await?;
    let found = books.clearing.differences().await?;
    assert_eq!(found.len(), 4, "on both sides of either book: {found:?}");
    assert!(
        found.iter().all(
            |difference| matches!(difference.fault, ClearingFault::Transfer { transfer, .. } if transfer == second)
        )
    );
    assert!(!books.clearing.verify(|_, _| {}).await?.holds());
    owner.batch_execute(&format!(
        "update ledger.transfers set amount_minor = 200, state = 'departed', settled_at = null where transfer_id = '{second}'"
    )).await?;
    let found = books.clearing.differences().await?;
    let named = found.iter().filter(
        |difference| matches!(difference.fault, ClearingFault::Transfer { transfer, .. } if transfer == second),
    );
    assert_eq!(named.count(), 2, "claimed and in flight at once: {found:?}");
    assert_eq!(books.clearing.positions().await?[0].difference_minor(), -200);
    owner.batch_execute("update ledger.transfers set state = 'arrived', settled_at = now()").await?;
    books.check().await?;
    for (column, code) in [("source", AMINA), ("destination", BABACAR)] {
        let mallory = format!(
            "update ledger.transfers set {column} = 'liabilities:wallets:mallory' where transfer_id = '{second}'"
        );
        owner.batch_execute(&mallory).await?;
        let found = books.clearing.differences().await?;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].account, account("liabilities:wallets:mallory"));
        owner.batch_execute(&mallory.replace("liabilities:wallets:mallory", code)).await?;
    }
    owner.batch_execute("delete from ledger.transfers").await?;
    let gone: Vec<_> = books.clearing.differences().await?.into_iter().map(|found| found.fault).collect();
    assert!(gone.iter().all(|fault| matches!(fault, ClearingFault::Entries { .. })), "{gone:?}");
    assert_eq!(gone.len(), 6);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_booked_on_a_clearing_account_by_hand_stands_out() -> Result {
    let books = Books::new().await?;
    books.fund(1, AMINA, euro(1_000)).await?;
    books.clearing.transfer(&order(place(1, AMINA), place(2, BABACAR), euro(400))).await?;
    books.fund(1, OWED_TO_2, euro(5)).await?;
    books.fund(1, "liabilities:clearing:typing-error", euro(7)).await?;
    let found = books.clearing.differences().await?;
    let faults: Vec<_> = found.iter().map(|found| (found.account.as_str(), found.fault)).collect();
    let by_hand = |first_sequence, booked_minor| ClearingFault::Entries { first_sequence, booked_minor };
    let off = ClearingFault::Position { difference_minor: 5 };
    let expected =
        [(OWED_TO_2, by_hand(3, -5)), ("liabilities:clearing:typing-error", by_hand(4, -7)), (OWED_TO_2, off)];
    assert_eq!(faults, expected);
    let verification = books.clearing.verify(|done, of| assert!(done <= of)).await?;
    let difference = verification.first_difference().map(ToString::to_string).unwrap_or_default();
    assert!(difference.starts_with("book 1, sequence 3, posting -: -5 minor units of EUR"), "{difference}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_role_cannot_change_what_was_ordered() -> Result {
    let books = Books::new().await?;
    let database = books.test.database()?;
    let mut connection = database.connection().await?;
    for statement in [
        "update ledger.transfers set amount_minor = 1",
        "update ledger.transfers set destination = 'liabilities:wallets:mallory'",
        "update ledger.transfers set to_book = 3",
        "delete from ledger.transfers",
        "truncate ledger.transfers",
    ] {
        let error = connection.batch_execute(statement).await.expect_err(statement);
        assert!(error.to_string().contains("permission denied"), "{error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_cannot_clear_with_itself() -> Result {
    let books = Books::new().await?;
    let ledger = books.book(1)?;
    let twice = Clearing::try_new(ledger.clone(), vec![ledger.clone()]);
    assert!(matches!(twice, Err(ClearingError::BookTwice(BookId::FIRST))));
    Ok(())
}
