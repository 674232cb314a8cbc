//! Random histories over three books, held against a model that knows outcomes and nothing of how they come about.

use std::collections::BTreeMap;

use super::{AMINA, BABACAR, BANK, Books, TILL, open_books, place};
use crate::fixture::{Result, account, unit};
use diesel_async::RunQueryDsl;
use ledger::{BookAccount, Clearing, ClearingError, Currency, Money, TransferId, TransferOrder, TransferState};
use proptest::prelude::*;

const TYPING_ERROR: &str = "liabilities:wallet:typing-error";
const CURRENCIES: [Currency; 2] = [Currency::EUR, Currency::XOF];

/// One wish, and how often it is uttered.
#[derive(Clone, Debug)]
struct Wish {
    order: TransferOrder,
    times: usize,
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let source = prop_oneof![6 => Just(AMINA), 3 => Just(BABACAR), 2 => Just(TILL), 1 => Just(TYPING_ERROR)];
    let destination = prop_oneof![4 => Just(AMINA), 4 => Just(BABACAR), 3 => Just(TILL), 1 => Just(TYPING_ERROR)];
    let wish = (1..=3_i16, 1..=2_i16, source, destination, 1..200_i64, 0..2_usize, 1..=3_usize);
    let wish = wish.prop_map(|(from, step, source, destination, minor, currency, times)| Wish {
        order: TransferOrder {
            id: TransferId::generate(),
            from: place(from, source),
            to: place((from + step - 1) % 3 + 1, destination),
            amount: Money::from_minor(minor, CURRENCIES[currency]),
            description: None,
        },
        times,
    });
    proptest::collection::vec(wish, 20..80)
}

/// Amounts by book, account and currency, debits positive.
type Model = BTreeMap<(i16, String, Currency), i64>;

fn add(model: &mut Model, place: &BookAccount, minor: i64, currency: Currency) {
    *model.entry((place.book.number(), place.account.to_string(), currency)).or_default() += minor;
}

/// What the accounts hold; those between the books are left to the differences.
async fn held(clearing: &Clearing) -> Result<Model> {
    let mut model = Model::new();
    for ledger in clearing.books() {
        for balance in ledger.trial_balance(ledger::AsOf::Now).await?.balances {
            if balance.account.segments().nth(1) != Some("clearing") {
                let place = BookAccount { book: ledger.book(), account: balance.account };
                add(&mut model, &place, balance.debit_positive_minor, Currency::try_from(balance.commodity)?);
            }
        }
    }
    Ok(model)
}

/// Sums over all books, by currency.
fn sums(model: &Model) -> BTreeMap<Currency, i64> {
    let mut sums = BTreeMap::new();
    for ((_, _, currency), minor) in model {
        *sums.entry(*currency).or_default() += minor;
    }
    sums
}

async fn play(wishes: Vec<Wish>) -> Result {
    let books = Books::new().await?;
    for number in 1..=3 {
        for currency in CURRENCIES {
            books.fund(number, AMINA, Money::from_minor(500, currency)).await?;
        }
    }
    let mut model = held(&books.clearing).await?;
    let before = sums(&model);
    // A second process on the same books.
    let (other, _writers) = open_books(&books.test.database()?, &books.clock).await?;
    let mut tasks = Vec::new();
    for (number, order) in wishes.iter().flat_map(|wish| std::iter::repeat_n(&wish.order, wish.times)).enumerate() {
        let clearing = if number % 2 == 0 { books.clearing.clone() } else { other.clone() };
        let order = order.clone();
        tasks.push(tokio::spawn(async move {
            match clearing.transfer(&order).await {
                Ok(transfer) => assert!(transfer.state.is_final()),
                Err(ClearingError::ReturnRefused { .. } | ClearingError::Overtaken(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }));
        if number % 8 == 0 {
            let (clearing, clock) =
                (if number % 16 == 0 { &books.clearing } else { &other }.clone(), books.clock.clone());
            tasks.push(tokio::spawn(async move {
                clock.advance(chrono::TimeDelta::minutes(1));
                clearing.recover().await.expect("the database answers");
            }));
        }
    }
    for task in tasks {
        task.await?;
    }
    fill_tills(&books, &mut model).await?;
    books.clock.advance(chrono::TimeDelta::hours(1));
    let (ours, theirs) = tokio::join!(books.clearing.recover(), other.recover());
    assert_eq!((ours?.left, theirs?.left), (0, 0), "with full tills every return can be taken");
    let mut ends = BTreeMap::<&str, usize>::new();
    for Wish { order, .. } in &wishes {
        let state = books.clearing.get(order.from.book, order.id).await?.state;
        *ends.entry(state.word()).or_default() += 1;
        if state == TransferState::Arrived {
            add(&mut model, &order.from, order.amount.minor(), order.amount.currency());
            add(&mut model, &order.to, -order.amount.minor(), order.amount.currency());
        } else {
            assert!(state.is_final(), "{}", state.word());
        }
    }
    let after = held(&books.clearing).await?;
    let of_note = |model: &Model| -> Model { model.clone().into_iter().filter(|(_, minor)| *minor != 0).collect() };
    assert_eq!(of_note(&after), of_note(&model), "{ends:?}");
    assert_eq!(sums(&after), before, "nothing is lost or made between the books");
    for position in books.clearing.positions().await? {
        assert!(position.in_flight.is_zero() && position.owed == position.claimed, "{position:?}");
    }
    assert_eq!(deadlocks(&books).await?, 0, "the writers of two books lock transfers in one order");
    books.check().await
}

/// Deadlocks that PostgreSQL had to break.
async fn deadlocks(books: &Books) -> Result<i64> {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        deadlocks: i64,
    }
    let mut owner = books.test.owner().await?;
    let text = "select deadlocks from pg_stat_database where datname = current_database()";
    Ok(diesel::sql_query(text).get_result::<Count>(&mut owner).await?.deadlocks)
}

/// So that no return is refused for want of cash.
async fn fill_tills(books: &Books, model: &mut Model) -> Result {
    for ledger in books.clearing.books() {
        for currency in CURRENCIES {
            let plenty = Money::from_minor(100_000, currency);
            ledger.post(unit(ledger, BANK, TILL, plenty)).await?;
            let till = BookAccount { book: ledger.book(), account: account(TILL) };
            add(model, &till, 100_000, currency);
            add(model, &BookAccount { account: account(BANK), ..till }, -100_000, currency);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_wished_refused_repeated_and_recovered_at_once_the_books_agree(wishes in wishes()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(play(wishes)).map_err(|error| TestCaseError::fail(error.to_string()))?;
    }
}
