//! Money between two books: sent by two operators, seen from both sides, taken up after a crash.

use chrono::Duration;
use diesel_async::SimpleAsyncConnection;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, NewQuote, Staff, TestServer};

pub(crate) const SECOND_BOOK: &str = "books = [{ number = 2, name = \"mali\" }]";
pub(crate) const MALI: &str = "liabilities:wallets:bamako";

pub(crate) fn wish(from: &str, to: &str, amount: &str) -> Value {
    json!({ "reason": "for the office in Bamako", "action": {
        "kind": "transfer", "from": from, "to": { "book": 2, "account": to },
        "amount": { "amount": amount, "currency": "EUR" },
    } })
}

/// Two operators, of whom one proposes and the other one approves.
pub(crate) struct Desk {
    pub(crate) staff: Staff,
    pub(crate) colleague: Staff,
}

impl Desk {
    pub(crate) async fn open(server: &TestServer) -> Result<Self> {
        let staff = server.staff().await?;
        let made = staff.caller.post("/operator/operators").json(&json!({ "name": "Binta Sow" })).send().await?;
        let colleague = Staff::sign_in(server.anybody(), server.clock.clone(), &made.expect(201)["credential"]).await?;
        Ok(Self { staff, colleague })
    }

    async fn propose(&self, wish: &Value) -> Result<Answer> {
        self.staff.caller.post("/operator/books/1/proposals").json(wish).send().await
    }

    async fn approve(&self, by: &Staff, proposal: &Value) -> Result<Answer> {
        let id = proposal["id"].as_str().unwrap_or_default();
        let approval = json!({ "digest": proposal["digest"] });
        by.caller.post(&format!("/operator/books/1/proposals/{id}/approval")).json(&approval).send().await
    }

    /// Proposes and approves a transfer out of book 1; answers how it ended.
    pub(crate) async fn send(&self, wish: &Value) -> Result<Value> {
        let proposal = self.propose(wish).await?.expect(201);
        let approved = self.approve(&self.colleague, &proposal).await?.expect(200);
        assert_eq!((&approved["state"], &approved["entry"]), (&"carried-out".into(), &Value::Null));
        let listed = listed(&self.staff, "from_book=1&limit=100").await?;
        Ok(listed.into_iter().find(|one| one["id"] == proposal["id"]).ok_or("no transfer has the proposal's id")?)
    }
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
    let caisse = server.staff().await?.institution("caisse-thies").await?;
    let (desk, awa) = (Desk::open(&server).await?, server.migrant("Awa").await?);
    let staff = &desk.staff;
    let remittance = awa.funded(&NewQuote::default(), &caisse, staff).await?;
    awa.cancel(&remittance).await?.expect(200);
    let wallet = awa.wallet_account().await?;

    const BOOKED: &str = "select sum(last_sequence) from ledger.books";
    let booked = server.number(BOOKED).await?;
    let proposal = desk.propose(&wish(&wallet, MALI, "60.00")).await?.expect(201);
    assert_eq!(proposal["action"], wish(&wallet, MALI, "60.00")["action"]);
    desk.approve(staff, &proposal).await?.problem(403, "two-people");
    assert_eq!(server.number(BOOKED).await?, booked, "one person moves nothing");
    assert!(listed(staff, "from_book=1").await?.is_empty());
    desk.approve(&desk.colleague, &proposal).await?.expect(200);
    let arrived = listed(staff, "from_book=1").await?.pop().ok_or("a transfer")?;
    assert_eq!((&arrived["state"], &arrived["reason"]), (&"arrived".into(), &Value::Null));
    assert_eq!((&arrived["id"], &arrived["description"]), (&proposal["id"], &"for the office in Bamako".into()));
    assert_eq!(awa.wallet().await?, ["41.50 EUR"]);
    server.clock.advance(Duration::seconds(1));
    let returned = desk.send(&wish(&wallet, "liabilities:wallet:typing-error", "41.50")).await?;
    assert_eq!(returned["state"], "returned");
    assert!(returned["reason"].as_str().is_some_and(|reason| reason.contains("typing-error")), "{returned}");
    desk.propose(&wish(&wallet, MALI, "41.51")).await?.problem(409, "not-enough-money");
    assert_eq!(awa.wallet().await?, ["41.50 EUR"]);
    let sixty = Value::from("60.00");
    assert_eq!(position(staff).await?, (sixty.clone(), sixty, "0.00".into()));
    server.clock.advance(Duration::seconds(1));
    desk.send(&wish(&wallet, MALI, "1.00")).await?;

    let states: Vec<Value> = listed(staff, "from_book=1").await?.iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["arrived", "returned", "arrived"]);
    let page = staff.caller.get("/operator/book-transfers?from_book=1&limit=1").send().await?.expect(200);
    assert_eq!(page["items"], json!([arrived]));
    let rest = format!("from_book=1&cursor={}", page["next"].as_str().unwrap_or_default());
    assert_eq!(listed(staff, &rest).await?.len(), 2);
    assert!(listed(staff, "from_book=1&shown=unsettled").await?.is_empty());
    assert!(listed(staff, "from_book=2").await?.is_empty());

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
    let desk = Desk::open(&server).await?;
    let good = wish("equity:capital", MALI, "1.00");
    let with = |pointer: &str, value: Value| {
        let mut wish = good.clone();
        *wish.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        wish
    };
    for (wish, pointer, code) in [
        (with("/action/to/book", 3.into()), "/action/to/book", "unknown-book"),
        (with("/action/to/book", 1.into()), "/action/to/book", "same-book"),
        (with("/action/from", "equity".into()), "/action/from", "account-code"),
        (with("/action/from", "liabilities:wallet:typing-error".into()), "/action/from", "unknown-account"),
        (with("/action/from", "assets:clearing:book-2".into()), "/action", "clearing-account"),
        (with("/action/amount/amount", "0.00".into()), "/action/amount/amount", "amount-not-positive"),
        (with("/reason", "two\nlines".into()), "/reason", "reason"),
    ] {
        desk.propose(&wish).await?.faulty(pointer, code);
    }
    let unknown = desk.staff.caller.get("/operator/book-transfers?from_book=7").send().await?;
    unknown.faulty("from_book", "unknown-book");
    assert_eq!(server.number("select count(*) from ledger.transfers").await?, 0);
    assert_eq!(server.number("select count(*) from ledger.proposals").await?, 0);
    server.stop().await
}
