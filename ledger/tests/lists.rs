//! Lists, trees and statements of the past: what is found, what is refused, and what it costs.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use ledger::{
    AccountPrefix, AsOf, Currency, Dates, Entry, EntryFilter, EntryKind, EntryName, EntryPage, EntryQuery, Error,
    IdempotencyKey, InvalidFilter, Ledger, MetadataFact, Money, Order, Page, Period, Sequence, StatementQuery,
    TreeQuery, UnitOfWork,
};
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{LedgerFixture, Result, account, euro, transfer, unit};

const BANK: &str = "assets:pay-in:bank";
const AMINA: &str = "liabilities:wallets:amina";
const BABACAR: &str = "liabilities:wallets:babacar";
const CAISSE: &str = "liabilities:payables:caisse-thies";

fn prefix(text: &str) -> AccountPrefix {
    AccountPrefix::try_new(text).unwrap_or_else(|error| panic!("{error}"))
}

async fn post(ledger: &Ledger, kind: &'static str, credit: &str, subject: Option<Uuid>, fact: Option<&str>) -> Result {
    let mut entry = Entry::builder(EntryKind::new(kind), ledger.today())
        .debit(account(BANK), euro(100))
        .credit(account(credit), euro(100));
    if let Some(subject) = subject {
        entry = entry.subject(subject);
    }
    if let Some(channel) = fact {
        entry = entry.metadata(json!({"channel": channel, "attempt": 1}));
    }
    ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry.build()?)).await?;
    Ok(())
}

async fn list(ledger: &Ledger, filter: EntryFilter) -> std::result::Result<Vec<i64>, Error> {
    let query = EntryQuery { filter, known: AsOf::Now, order: Order::NewestFirst, after: None, limit: 10 };
    Ok(sequences(&ledger.entries(query).await?))
}

fn sequences(page: &EntryPage) -> Vec<i64> {
    page.entries.iter().map(|entry| entry.sequence.number()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_found_by_what_is_known_of_them() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let remittance = Uuid::now_v7();
    post(ledger, "funded", AMINA, Some(remittance), Some("card")).await?;
    post(ledger, "funded", BABACAR, None, Some("cash")).await?;
    post(ledger, "paid-out", AMINA, Some(remittance), None).await?;
    post(ledger, "funded", CAISSE, None, Some("card")).await?;

    let any = EntryFilter::default();
    let fact = |value| MetadataFact::try_new("channel", value);
    assert_eq!(list(ledger, any.clone()).await?, [4, 3, 2, 1]);
    assert_eq!(list(ledger, EntryFilter { subject: Some(remittance), ..any.clone() }).await?, [3, 1]);
    assert_eq!(list(ledger, EntryFilter { subject: Some(Uuid::nil()), ..any.clone() }).await?, [0_i64; 0]);
    assert_eq!(list(ledger, EntryFilter { metadata: Some(fact(json!("card"))?), ..any.clone() }).await?, [4, 1]);
    let attempt = MetadataFact::try_new("attempt", json!(1))?;
    assert_eq!(list(ledger, EntryFilter { metadata: Some(attempt), ..any.clone() }).await?, [4, 2, 1]);
    let wallets = Some(prefix("liabilities:wallets"));
    assert_eq!(list(ledger, EntryFilter { accounts: wallets.clone(), ..any.clone() }).await?, [3, 2, 1]);
    assert_eq!(list(ledger, EntryFilter { accounts: Some(prefix(AMINA)), ..any.clone() }).await?, [3, 1]);
    let both = EntryFilter { accounts: wallets, metadata: Some(fact(json!("card"))?), ..any.clone() };
    assert_eq!(list(ledger, both).await?, [1]);
    let both = EntryFilter { accounts: Some(prefix(BABACAR)), subject: Some(remittance), ..any.clone() };
    assert_eq!(list(ledger, both).await?, [0_i64; 0]);
    let kind = Some("funded".to_owned());
    let today = Dates { from: Some(ledger.today()), through: Some(ledger.today()) };
    assert_eq!(list(ledger, EntryFilter { kind: kind.clone(), booked: today, ..any.clone() }).await?, [4, 2, 1]);
    assert_eq!(list(ledger, EntryFilter { kind, subject: Some(remittance), ..any.clone() }).await?, [1]);

    // A page says where the next one goes on, in both orders.
    for (order, pages) in [(Order::OldestFirst, [[1, 2], [3, 4]]), (Order::NewestFirst, [[4, 3], [2, 1]])] {
        let query = |after| EntryQuery { filter: any.clone(), known: AsOf::Now, order, after, limit: 2 };
        let first = ledger.entries(query(None)).await?;
        let second = ledger.entries(query(first.next)).await?;
        assert_eq!([sequences(&first), sequences(&second)], pages);
        assert_eq!((first.next, second.next), (Some(Sequence::new(pages[0][1])), None));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_index_serves_and_what_cannot_be_answered_is_refused() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    post(ledger, "funded", AMINA, None, None).await?;
    let any = EntryFilter::default();
    let refused = async |filter| match list(ledger, filter).await {
        Err(Error::Filter(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let kind = EntryFilter { kind: Some("funded".to_owned()), ..any.clone() };
    assert_eq!(refused(kind).await, InvalidFilter::KindAlone { kind: "funded".to_owned() });
    let nobody = EntryFilter { accounts: Some(prefix("liabilities:groups")), ..any.clone() };
    assert!(matches!(refused(nobody).await, InvalidFilter::NoSuchAccounts { .. }));
    let today = ledger.today();
    let backwards = Dates { from: Some(today), through: Some(today - Days::new(1)) };
    let backwards = EntryFilter { effective: backwards, ..any.clone() };
    assert!(matches!(refused(backwards).await, InvalidFilter::Backwards { .. }));
    assert!(MetadataFact::try_new("channel", json!(["card"])).is_err());
    assert!(MetadataFact::try_new("", json!("card")).is_err());
    let tomorrow = Dates { from: Some(today + Days::new(1)), through: None };
    let tomorrow = list(ledger, EntryFilter { booked: tomorrow, ..any.clone() }).await;
    assert!(matches!(tomorrow, Err(Error::NotYet { .. })));
    let before = Dates { from: None, through: Some(today - Days::new(1)) };
    let before = list(ledger, EntryFilter { booked: before, ..any }).await;
    assert!(matches!(before, Err(Error::BeforeHistory { .. })));

    let balance = async |moment| ledger.balance(&account(AMINA), Currency::EUR, moment).await;
    let yesterday = today - Days::new(1);
    assert!(matches!(balance(AsOf::Now.effective_by(yesterday)).await, Err(Error::NothingEffective { known: 1, .. })));
    assert!(matches!(balance(AsOf::BookedBy(DateTime::UNIX_EPOCH).into()).await, Err(Error::BeforeHistory { .. })));
    let later = AsOf::BookedBy(Utc::now() + chrono::Duration::hours(1));
    assert!(matches!(balance(later.into()).await, Err(Error::NotYet { .. })));
    let ahead = AsOf::Sequence(Sequence::new(2)).effective_by(today);
    assert!(matches!(balance(ahead).await, Err(Error::SequenceAhead { head: 1, asked: 2 })));
    for day in [NaiveDate::MIN, NaiveDate::MAX] {
        let far = balance(AsOf::Now.effective_by(day)).await;
        assert!(matches!(far, Ok(_) | Err(Error::NothingEffective { .. })), "{far:?}");
    }
    assert!(matches!(ledger.entry(EntryName::Sequence(Sequence::new(2))).await, Err(Error::UnknownEntry(_))));
    let nobodys = EntryName::Key(IdempotencyKey::generate());
    assert!(matches!(ledger.entry(nobodys).await, Err(Error::UnknownEntry(_))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_read_by_its_key_with_its_postings_and_what_reversed_it() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    let key = IdempotencyKey::generate();
    ledger.post(UnitOfWork::new(key, transfer(ledger, AMINA, BANK, euro(250)))).await?;
    ledger.post(unit(ledger, BANK, AMINA, euro(250))).await?;
    let mut owner = fixture.test.owner().await?;
    owner.batch_execute("insert into ledger.reversals (book_id, reverses, sequence) values (1, 1, 2)").await?;
    let first = ledger.entry(EntryName::Key(key)).await?;
    assert_eq!((first.entry.sequence.number(), first.entry.reversed_by), (1, Some(Sequence::new(2))));
    let postings: Vec<(String, i64, i64)> = first
        .postings
        .iter()
        .map(|posting| (posting.account.to_string(), posting.amount.minor(), posting.balance.minor()))
        .collect();
    assert_eq!(postings, [(BANK.to_owned(), 250, 250), (AMINA.to_owned(), -250, -250)]);
    let second = ledger.entry(EntryName::Sequence(Sequence::new(2))).await?;
    assert_eq!((second.entry.reverses, second.entry.reversed_by), (Some(Sequence::new(1)), None));
    let query = EntryQuery {
        filter: EntryFilter::default(),
        known: AsOf::Now,
        order: Order::OldestFirst,
        after: None,
        limit: 10,
    };
    assert_eq!(ledger.entries(query).await?.entries, [first.entry, second.entry]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_sums_up_what_is_below_and_ends_where_it_is_told() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    for (credit, cents) in [(AMINA, 100), (BABACAR, 50), (CAISSE, 7)] {
        ledger.post(unit(ledger, credit, BANK, euro(cents))).await?;
    }
    let franc = Money::from_minor(500, Currency::XOF);
    ledger.post(unit(ledger, AMINA, BANK, franc)).await?;
    let tree = async |under: Option<&str>, depth, limit, after| {
        let under = under.map(prefix);
        ledger.account_tree(TreeQuery { under, depth, moment: AsOf::Now.into(), after, limit }).await
    };
    let lines = |tree: &ledger::AccountTree| -> Vec<(String, String, i64, i128)> {
        let line = |node: &ledger::AccountNode| {
            (node.path.to_string(), node.commodity.to_string(), node.accounts, node.debit_positive_minor)
        };
        tree.nodes.iter().map(line).collect()
    };
    let line = |path: &str, currency: &str, accounts, minor| (path.to_owned(), currency.to_owned(), accounts, minor);
    let top = tree(None, 1, 10, None).await?;
    let expected = [
        line("assets", "XOF", 1, 500),
        line("assets", "EUR", 1, 157),
        line("liabilities", "XOF", 1, -500),
        line("liabilities", "EUR", 3, -157),
    ];
    assert_eq!(lines(&top), expected);
    let liabilities = tree(Some("liabilities"), 2, 10, None).await?;
    let expected = [
        line("liabilities", "XOF", 1, -500),
        line("liabilities", "EUR", 3, -157),
        line("liabilities:payables", "EUR", 1, -7),
        line(CAISSE, "EUR", 1, -7),
        line("liabilities:wallets", "XOF", 1, -500),
        line("liabilities:wallets", "EUR", 2, -150),
        line(AMINA, "XOF", 1, -500),
        line(AMINA, "EUR", 1, -100),
        line(BABACAR, "EUR", 1, -50),
    ];
    assert_eq!(lines(&liabilities), expected);
    assert!(!liabilities.goes_on);

    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = tree(Some("liabilities"), 2, 2, after).await?;
        pages.extend(lines(&page));
        let last = page.nodes.last().expect("no page is empty");
        after = Some((last.path.clone(), last.commodity));
        if !page.goes_on {
            break;
        }
    }
    assert_eq!(pages, expected);

    let as_known = AsOf::Sequence(Sequence::new(1)).into();
    let past = TreeQuery { under: Some(prefix(AMINA)), depth: 0, moment: as_known, after: None, limit: 10 };
    assert_eq!(lines(&ledger.account_tree(past).await?), [line(AMINA, "EUR", 1, -100)]);
    let nowhere = tree(Some("liabilities:wallets:am"), 1, 10, None).await;
    assert!(matches!(nowhere, Err(Error::Filter(InvalidFilter::NoSuchAccounts { .. }))));
    assert!(matches!(tree(None, 7, 10, None).await, Err(Error::Filter(InvalidFilter::TooDeep { .. }))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_a_period_has_both_balances_and_stays_as_it_is() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    for cents in 1..=10 {
        ledger.post(unit(ledger, AMINA, BANK, euro(cents))).await?;
    }
    let read = async |period, known, page| {
        let query = StatementQuery { period, known, page, limit: 3 };
        ledger.statement_of(&account(AMINA), Currency::EUR, query).await
    };
    let amounts = |statement: &ledger::PeriodStatement| -> Vec<i64> {
        statement.lines.iter().map(|line| line.amount.minor()).collect()
    };
    let period = Period::Sequences(Sequence::new(3), Sequence::new(8));
    let first = read(period, AsOf::Now, Page::First).await?;
    assert_eq!((first.opening, first.closing), (euro(3).into(), euro(36).into()));
    assert_eq!((amounts(&first), first.before, first.after), (vec![3, 4, 5], euro(3).into(), euro(15).into()));
    let second = read(period, AsOf::Now, Page::After(first.newer.ok_or("there is more")?)).await?;
    assert_eq!((amounts(&second), second.before, second.after), (vec![6, 7, 8], euro(15).into(), euro(36).into()));
    assert_eq!(second.newer, None);
    let back = read(period, AsOf::Now, Page::Before(second.older.ok_or("there is more")?)).await?;
    assert_eq!((back.lines, back.before, back.after), (first.lines, first.before, first.after));
    assert_eq!(back.older, None);

    // What is booked meanwhile moves no line of what was known.
    let today = Period::Booked(ledger.today(), ledger.today());
    let last = read(today, AsOf::Now, Page::Last).await?;
    ledger.post(unit(ledger, AMINA, BANK, euro(99))).await?;
    let again = read(today, AsOf::Sequence(last.sequence), Page::Last).await?;
    assert_eq!(amounts(&last), [8, 9, 10]);
    assert_eq!(again, last);
    let whole = read(Period::Whole, AsOf::Now, Page::Last).await?;
    assert_eq!((amounts(&whole), whole.closing), (vec![9, 10, 99], euro(154).into()));

    let yesterday = ledger.today() - Days::new(1);
    let before = read(Period::Booked(yesterday, yesterday), AsOf::Now, Page::First).await;
    assert!(matches!(before, Err(Error::BeforeHistory { .. })));
    let ahead = read(Period::Sequences(Sequence::new(1), Sequence::new(12)), AsOf::Now, Page::First).await;
    assert!(matches!(ahead, Err(Error::SequenceAhead { head: 11, asked: 12 })));
    let backwards = read(Period::Effective(ledger.today(), yesterday), AsOf::Now, Page::First).await;
    assert!(matches!(backwards, Err(Error::Filter(InvalidFilter::Backwards { .. }))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_waits_for_what_it_asks_and_says_where_it_stands() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    ledger.post(unit(ledger, AMINA, BANK, euro(1))).await?;
    ledger.at_least(Sequence::new(1), Duration::ZERO).await?;
    let behind = ledger.at_least(Sequence::new(2), Duration::from_millis(60)).await;
    assert!(matches!(behind, Err(Error::Behind { head: 1, asked: 2 })));
    let waiting = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.at_least(Sequence::new(2), Duration::from_secs(5)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    ledger.post(unit(ledger, AMINA, BANK, euro(1))).await?;
    waiting.await??;
    Ok(())
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// Pages that a statement looks at, from the first line of its plan that tells.
async fn buffers(connection: &mut diesel_async::AsyncPgConnection, text: &str) -> Result<i64> {
    let plan: Vec<Plan> = diesel::sql_query(format!("explain (analyze, buffers) {text}")).load(connection).await?;
    let told = plan.iter().find_map(|plan| plan.line.trim().strip_prefix("Buffers: shared "));
    let parts = told.ok_or("the plan tells no buffers")?.split(' ');
    let counts = parts.filter_map(|part| part.strip_prefix("hit=").or_else(|| part.strip_prefix("read=")));
    Ok(counts.map(str::parse::<i64>).sum::<std::result::Result<i64, _>>()?)
}

/// Looks into a b-tree of some million entries: root, inner page, leaf, and the row.
const PAGES_OF_A_LOOK: i64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_of_the_past_costs_a_few_pages_however_long_the_history() -> Result {
    let fixture = LedgerFixture::new().await?;
    let ledger = &fixture.ledger;
    const ENTRIES: i64 = 100_000;
    for _ in 0..ENTRIES / 10_000 {
        let units = (0..10_000).map(|_| unit(ledger, AMINA, BANK, euro(1))).collect();
        for answer in ledger.post_all(units).await? {
            answer?;
        }
    }
    // Twenty entries take effect yesterday and tomorrow.
    for days in [-1, 1] {
        let entry = Entry::builder(EntryKind::new("late"), ledger.today() + chrono::Duration::days(days))
            .debit(account(BANK), euro(1))
            .credit(account(AMINA), euro(1))
            .build()?;
        for _ in 0..10 {
            ledger.post(UnitOfWork::new(IdempotencyKey::generate(), entry.clone())).await?;
        }
    }
    let mut owner = fixture.test.owner().await?;
    let of_amina = "(select account from ledger.accounts where code = 'liabilities:wallets:amina')";
    let head = ENTRIES + 20;
    for statistics in ["select 1", "analyze ledger.entries, ledger.postings"] {
        owner.batch_execute(statistics).await?;
        for sequence in [1, ENTRIES / 2, head] {
            let text = format!("select ledger.balance_at(1::int2, {of_amina}, {sequence}, {sequence}, null, 0)");
            // Once before, so that what is planned and cached for the session is not counted.
            buffers(&mut owner, &text).await?;
            let pages = buffers(&mut owner, &text).await?;
            assert!(pages <= 3 * PAGES_OF_A_LOOK, "{pages} pages at {sequence}");
        }
        let search = format!("select ledger.last_booked_before(1::int2, now() - interval '1 minute', {head})");
        buffers(&mut owner, &search).await?;
        let pages = buffers(&mut owner, &search).await?;
        // 2^17 is above 100,000.
        assert!(pages <= 17 * PAGES_OF_A_LOOK, "{pages} pages for a search");
        let today = format!(
            "select ledger.balance_at(1::int2, {of_amina}, {head}, {head}, (now() at time zone 'UTC')::date, {})",
            i64::MAX
        );
        buffers(&mut owner, &today).await?;
        let pages = buffers(&mut owner, &today).await?;
        // Twenty touch the day, of which ten cross it.
        assert!(pages <= (20 + 10 + 3) * PAGES_OF_A_LOOK, "{pages} pages by effective date");
    }
    let today = AsOf::Now.effective_by(ledger.today());
    assert_eq!(ledger.balance(&account(AMINA), Currency::EUR, today).await?, euro(ENTRIES + 10));
    Ok(())
}
