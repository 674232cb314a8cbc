//! Money between two books: sent by an operator, seen from both sides, taken up after a crash.

use chrono::Duration;
use diesel_async::SimpleAsyncConnection;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, NewQuote, Staff, TestServer};

pub(crate) const SECOND_BOOK: &str = "books = [{ number = 2, name = \"mali\" }]";
pub(crate) const MALI: &str = "liabilities:wallets:bamako";

pub(crate) fn wish(from: &str, to: &str, amount: &str) -> Value {
    json!({
        "from": { "book": 1, "account": from }, "to": { "book": 2, "account": to },
        "amount": { "amount": amount, "currency": "EUR" }, "description": "for the office in Bamako",
    })
}

pub(crate) async fn send(staff: &Staff, wish: &Value) -> Result<Answer> {
    staff.caller.post("/operator/book-transfers").json(wish).send().await
}

async fn position(staff: &Staff) -> Result<(Value, Value, Value)> {
    let positions = staff.caller.get("/operator/book-positions").send().await?.expect(200);
    let only = &positions[0];
    assert_eq!((&only["from_book"], &only["to_book"], &only["agrees"]), (&1.into(), &2.into(), &true.into()));
    let amount = |side: &str| only[side]["amount"].clone();
    Ok((amount("owed"), amount("claimed"), amount("in_flight")))
}

async fn listed(staff: &Staff, query: &str) -> Result<Vec<Value>> {
    let mut page = staff.caller.get(&format!("/operator/book-transfers?{query}")).send().await?.expect(200);
    Ok(serde_json::from_value(page["items"].take())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_to_another_book_or_comes_back_and_both_sides_agree() -> Result {
    let server = TestServer::start_with(SECOND_BOOK).await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let remittance = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    awa.cancel(&remittance).await?.expect(200);
    let wallet = awa.wallet_account().await?;

    let arrived = send(&staff, &wish(&wallet, MALI, "60.00")).await?.expect(201);
    assert_eq!((&arrived["state"], &arrived["reason"]), (&"arrived".into(), &Value::Null));
    assert_eq!(awa.wallet().await?, ["41.50 EUR"]);
    server.clock.advance(Duration::seconds(1));
    let returned = send(&staff, &wish(&wallet, "liabilities:wallet:typing-error", "41.50")).await?.expect(201);
    assert_eq!(returned["state"], "returned");
    assert!(returned["reason"].as_str().is_some_and(|reason| reason.contains("typing-error")), "{returned}");
    server.clock.advance(Duration::seconds(1));
    let refused = send(&staff, &wish(&wallet, MALI, "41.51")).await?.expect(201);
    assert_eq!(refused["state"], "refused");
    assert_eq!(awa.wallet().await?, ["41.50 EUR"]);
    let sixty = Value::from("60.00");
    assert_eq!(position(&staff).await?, (sixty.clone(), sixty, "0.00".into()));

    server.clock.advance(Duration::seconds(1));
    // The same request again is the same transfer.
    let request = || staff.caller.post("/operator/book-transfers").key("to-bamako").json(&wish(&wallet, MALI, "1.00"));
    let first = request().send().await?.expect(201);
    let again = request().send().await?;
    assert!(again.is_replayed());
    assert_eq!(again.expect(201), first);

    let states: Vec<Value> = listed(&staff, "from_book=1").await?.iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["arrived", "returned", "refused", "arrived"]);
    let page = staff.caller.get("/operator/book-transfers?from_book=1&limit=1").send().await?.expect(200);
    assert_eq!(page["items"], json!([arrived]));
    let rest = format!("from_book=1&cursor={}", page["next"].as_str().unwrap_or_default());
    assert_eq!(listed(&staff, &rest).await?.len(), 3);
    assert!(listed(&staff, "from_book=1&shown=unsettled").await?.is_empty());
    assert!(listed(&staff, "from_book=2").await?.is_empty());

    // The auditor's check is over both books and what stands between them; clients' money is covered throughout.
    let both = json!({ "books": [1, 2], "personal_data": true });
    let auditor = staff.auditor_of(&both).await?;
    let balances = auditor.balances().await?;
    assert_eq!(balances["liabilities:clearing:book-2"], ["61.00 EUR"]);
    assert_eq!(balances[&wallet], ["40.50 EUR"]);
    let tampering = "update ledger.transfers set amount_minor = amount_minor + 1 where state = 'arrived'";
    server.test.owner().await?.batch_execute(tampering).await?;
    let verification = auditor.caller.get("/audit/verification").send().await?.expect(200);
    assert_eq!(verification["holds"], false);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_on_its_way_is_brought_to_its_end() -> Result {
    let server = TestServer::start_with(SECOND_BOOK).await?;
    let staff = server.staff().await?;
    // As a process leaves it that is killed after it kept the order: once it can depart, once it cannot.
    let left =
        "insert into ledger.transfers (from_book, to_book, commodity, transfer_id, amount_minor, source, destination,
            state, created_at, due_at)
        select 1, 2, 978, gen_random_uuid(), 500, source, 'liabilities:wallets:bamako', 'initiated', now(), 'epoch'
        from unnest(array['equity:capital', 'liabilities:wallets:nobody']) as source";
    server.test.owner().await?.batch_execute(left).await?;
    let settled = async || {
        let unsettled = listed(&staff, "from_book=1&shown=unsettled").await?;
        Ok(unsettled.is_empty().then_some(()))
    };
    server.eventually("the end of two transfers", settled).await?;
    let mut states: Vec<String> = Vec::new();
    for transfer in listed(&staff, "from_book=1").await? {
        assert_eq!(transfer["attempts"], 1);
        states.push(transfer["state"].as_str().unwrap_or_default().to_owned());
    }
    states.sort();
    assert_eq!(states, ["arrived", "refused"]);
    assert_eq!(position(&staff).await?, ("5.00".into(), "5.00".into(), "0.00".into()));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_wishes_name_their_fault() -> Result {
    let server = TestServer::start_with(SECOND_BOOK).await?;
    let staff = server.staff().await?;
    let good = wish("equity:capital", MALI, "1.00");
    let with = |pointer: &str, value: Value| {
        let mut wish = good.clone();
        *wish.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        wish
    };
    for (wish, pointer, code) in [
        (with("/to/book", 3.into()), "/to/book", "unknown-book"),
        (with("/to/book", 1.into()), "/to/book", "same-book"),
        (with("/from/account", "equity".into()), "/from/account", "account-code"),
        (with("/from/account", "assets:clearing:book-2".into()), "", "clearing-account"),
        (with("/amount/amount", "0.00".into()), "/amount/amount", "amount-not-positive"),
        (with("/description", "two\nlines".into()), "/description", "text"),
    ] {
        send(&staff, &wish).await?.faulty(pointer, code);
    }
    let unknown = staff.caller.get("/operator/book-transfers?from_book=7").send().await?;
    unknown.faulty("from_book", "unknown-book");
    assert_eq!(server.number("select count(*) from ledger.transfers").await?, 0);
    server.stop().await
}
