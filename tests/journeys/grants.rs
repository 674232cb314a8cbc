//! What a grant shows: the books and days that it names, and nothing else.

use chrono::Duration;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Auditor, Events, NewQuote, TestServer};

use super::books::{Desk, MALI, SECOND_BOOK, wish};

async fn ask(auditor: &Auditor, path: &str) -> Result<Answer> {
    auditor.caller.get(&format!("/audit{path}")).send().await
}

async fn read(auditor: &Auditor, path: &str) -> Result<Value> {
    Ok(ask(auditor, path).await?.expect(200))
}

fn numbers(list: &Value) -> Vec<i64> {
    list.as_array().into_iter().flatten().filter_map(|item| item["sequence"].as_i64()).collect()
}

/// Every read of one book.
const READS: [&str; 13] = [
    "/trial-balance?",
    "/accounts?",
    "/accounts/equity:capital/balance?currency=EUR&",
    "/accounts/equity:capital/statement?currency=EUR&",
    "/accounts/equity:capital/statement.camt053.xml?currency=EUR&",
    "/entries?",
    "/entries/1?",
    "/safeguarding?",
    "/verification?",
    "/journal.hledger?",
    "/exports/journal.jsonl?",
    "/exports/journal.jsonl/manifest?",
    "/feed?",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_shows_the_books_that_it_names() -> Result {
    let server = TestServer::start_with(SECOND_BOOK).await?;
    let desk = Desk::open(&server).await?;
    let staff = &desk.staff;
    desk.send(&wish("equity:capital", MALI, "5.00")).await?;
    desk.send(&wish("equity:capital", MALI, "6.00")).await?;
    let first = staff.auditor_of(&json!({})).await?;
    let second = staff.auditor_of(&json!({ "books": [2] })).await?;
    for path in READS {
        ask(&first, &format!("{path}book=1")).await?;
        let outside = ask(&first, &format!("{path}book=2")).await?.problem(403, "outside-grant");
        assert!(outside.contains("book 2"), "{outside}");
        if path != "/verification?" {
            ask(&second, path).await?.problem(403, "outside-grant");
        }
        ask(&second, &format!("{path}book=3")).await?.problem(403, "outside-grant");
    }
    for path in ["checkpoint", "tile/0/000.p/1", "proofs/inclusion?sequence=1", "proofs/consistency?from=1"] {
        ask(&first, &format!("/log/2/{path}")).await?.problem(403, "outside-grant");
    }
    ask(&first, "/feed/stream?book=2").await?.problem(403, "outside-grant");
    let reads = "select count(*) from onboarding.audit_reads where what like '%book=2%'";
    assert_eq!(server.number(reads).await?, i64::try_from(READS.len())? + 1, "what was refused was asked all the same");

    let trial = read(&second, "/trial-balance?book=2").await?;
    assert_eq!(trial["sequence"], 2);
    assert_eq!(trial["differences"], json!([{ "currency": "EUR", "minor": "0" }]));
    assert_eq!(read(&second, "/entries/2?book=2").await?["entry"]["kind"], "transfer-arrived");
    assert_eq!(numbers(&read(&second, "/entries?book=2").await?["entries"]), [2, 1]);
    assert_eq!(numbers(&read(&second, "/feed?book=2").await?["items"]), [1, 2]);
    assert_eq!(ask(&second, "/exports/journal.jsonl?book=2").await?.text.lines().count(), 2);
    assert_eq!(read(&second, "/verification").await?["entries"], 2);
    let mut events = Events::open(&second.caller, "/audit/feed/stream?book=2&after=1", None).await?;
    assert_eq!(events.sequence().await?, 2);
    desk.send(&wish("equity:capital", MALI, "7.00")).await?;
    assert_eq!(events.sequence().await?, 3, "a further book is followed too");
    let both = staff.auditor_of(&json!({ "books": [2, 1, 2] })).await?;
    let verification = read(&both, "/verification").await?;
    assert_eq!((&verification["holds"], &verification["entries"]), (&true.into(), &6.into()));
    drop(events);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_made_of_what_is_there() -> Result {
    let server = TestServer::start().await?;
    let staff = server.staff().await?;
    let make = async |scope: Value| -> Result<Answer> {
        let mut wish = json!({ "auditor": "Nafi Sarr", "ends_at": server.clock.now() + Duration::days(1) });
        for (name, value) in scope.as_object().into_iter().flatten() {
            wish[name] = value.clone();
        }
        staff.caller.post("/operator/audit-grants").json(&wish).send().await
    };
    make(json!({ "books": [] })).await?.faulty("/books", "books");
    make(json!({ "books": vec![1; 101] })).await?.faulty("/books", "books");
    make(json!({ "books": [1, 2] })).await?.faulty("/books/1", "unknown-book");
    make(json!({ "books": [0] })).await?.faulty("/books/0", "unknown-book");
    let backwards = json!({ "booked_from": "2026-02-02", "booked_through": "2026-02-01" });
    make(backwards).await?.faulty("/booked_through", "backwards");
    make(json!({ "booked_from": "+10000-01-01" })).await?.faulty("/booked_from", "date");
    make(json!({ "personal_data": "yes" })).await?.problem(400, "malformed-request");

    make(json!({})).await?.expect(201);
    let scope = json!({ "booked_from": "2026-01-01", "personal_data": true });
    make(scope).await?.expect(201);
    let listed = staff.caller.get("/operator/audit-grants?limit=1").send().await?.expect(200);
    let grant = &listed["items"][0];
    assert_eq!((&grant["books"], &grant["personal_data"]), (&json!([1]), &true.into()));
    assert_eq!((&grant["booked_from"], &grant["booked_through"]), (&"2026-01-01".into(), &Value::Null));
    assert_eq!(grant["state"], "active");
    let next = listed["next"].as_str().ok_or("there is more")?;
    let rest = staff.caller.get(&format!("/operator/audit-grants?cursor={next}")).send().await?.expect(200);
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["next"]), (Some(1), &Value::Null));
    server.stop().await
}

/// A remittance paid in on each of three days: an entry a day, of which the grant shows the second.
async fn with_one_day(server: &TestServer) -> Result<Auditor> {
    let awa = server.migrant("Awa").await?;
    let caisse = server.staff().await?.institution("caisse-thies").await?;
    for day in 0..3 {
        if day > 0 {
            server.clock.advance(Duration::days(1));
        }
        awa.signed_in().await?.funded(&NewQuote::default(), &caisse, &server.staff().await?).await?;
    }
    assert_eq!(server.head().await?, 3);
    let day = json!({ "booked_from": "2026-03-03", "booked_through": "2026-03-03" });
    server.staff().await?.auditor_of(&day).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_shows_the_days_that_it_names_and_what_accounts_held_before() -> Result {
    let server = TestServer::start().await?;
    let auditor = with_one_day(&server).await?;
    let bank = "/accounts/assets:pay-in:bank";
    assert_eq!(numbers(&read(&auditor, "/entries").await?["entries"]), [2]);
    assert_eq!(read(&auditor, "/trial-balance").await?["sequence"], 2);
    assert_eq!(read(&auditor, "/accounts").await?["sequence"], 2);
    let balance = async |moment: &str| -> Result<Value> {
        Ok(read(&auditor, &format!("{bank}/balance?currency=EUR{moment}")).await?["balance"]["amount"].clone())
    };
    assert_eq!(balance("").await?, "203.00");
    assert_eq!(balance("&as_of_sequence=1").await?, "101.50", "what it opens with");
    let statement = read(&auditor, &format!("{bank}/statement?currency=EUR")).await?;
    assert_eq!((numbers(&statement["lines"]), &statement["opening"]["amount"]), (vec![2], &"101.50".into()));
    let lines = ask(&auditor, "/exports/journal.jsonl").await?.text;
    assert!(lines.starts_with("{\"sequence\":2,") && lines.lines().count() == 1, "{lines}");
    let feed = read(&auditor, "/feed").await?;
    assert_eq!((numbers(&feed["items"]), &feed["next"], &feed["head"]), (vec![2], &2.into(), &2.into()));
    let mut events = Events::open(&auditor.caller, "/audit/feed/stream", None).await?;
    assert_eq!((events.sequence().await?, events.next().await?), (2, None));

    for path in [
        "/trial-balance?as_of_sequence=0",
        "/trial-balance?as_of_sequence=3",
        "/trial-balance?known_at=2026-03-02T23:59:59Z",
        "/trial-balance?known_at=2026-03-04T00:00:00Z",
        "/trial-balance?effective_date=2026-03-02",
        "/accounts?as_of_sequence=3",
        &format!("{bank}/balance?currency=EUR&as_of_sequence=3"),
        &format!("{bank}/statement?currency=EUR&from=2026-03-02&through=2026-03-03"),
        &format!("{bank}/statement?currency=EUR&from_sequence=1&through_sequence=2"),
        &format!("{bank}/statement?currency=EUR&from=2026-03-03&through=2026-03-03&by=effective"),
        &format!("{bank}/statement.camt053.xml?currency=EUR&from_sequence=1"),
        "/entries?booked_from=2026-03-02",
        "/entries?booked_through=2026-03-04",
        "/entries/1",
        "/entries/3",
        "/exports/journal.jsonl?from_sequence=1",
        "/exports/journal.jsonl?to_sequence=3",
        "/exports/journal.jsonl/manifest?to_sequence=3",
        "/journal.hledger?from_sequence=3",
        "/feed?after=0",
        "/feed?after=3",
        "/feed/stream?after=0",
        "/safeguarding",
        "/log/1/tile/entries/000.p/3",
    ] {
        let told = ask(&auditor, path).await?.problem(403, "outside-grant");
        assert!(told.contains("2026-03-03") || path == "/safeguarding", "{path}: {told}");
    }
    ask(&auditor, "/trial-balance?as_of_sequence=9").await?.faulty("as_of_sequence", "sequence-ahead");
    ask(&auditor, "/exports/journal.jsonl?to_sequence=9").await?.faulty("to_sequence", "sequence-ahead");
    ask(&auditor, "/feed?after=9").await?.faulty("after", "sequence-ahead");
    let empty = json!({ "booked_from": "2026-03-05" });
    let early = server.staff().await?.auditor_of(&empty).await?;
    ask(&early, &format!("{bank}/statement?currency=EUR")).await?.faulty("", "no-extent");
    assert_eq!(read(&early, "/feed").await?["items"], json!([]));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_outside_the_days_is_as_unknown_as_one_that_there_is_not() -> Result {
    let server = TestServer::start().await?;
    let auditor = with_one_day(&server).await?;
    let whole = server.staff().await?.auditor(30).await?;
    let mut ids = Vec::new();
    for sequence in 1..=3 {
        let mut entry = read(&whole, &format!("/entries/{sequence}")).await?;
        ids.push(entry["entry"]["entry"].take().as_str().ok_or("an id")?.to_owned());
    }
    let nobody = "00000000-0000-0000-0000-000000000000";
    for path in ["/entries/", "/log/1/proofs/inclusion?entry=", "/log/1/proofs/inclusion?size=1&entry="] {
        let told = async |id: &str| -> Result<Value> {
            let answer = ask(&auditor, &format!("{path}{id}")).await?;
            answer.problem(404, "not-found");
            Ok(serde_json::from_str::<Value>(&answer.text.replace(id, nobody))?["detail"].take())
        };
        let unknown = told(nobody).await?;
        assert!(unknown.is_string());
        for id in [&ids[0], &ids[2]] {
            assert_eq!(told(id).await?, unknown, "{path}");
        }
    }
    assert_eq!(read(&auditor, &format!("/entries/{}", ids[1])).await?["entry"]["sequence"], 2);
    let proof = async || {
        server.clock.advance(Duration::milliseconds(100));
        let proof = ask(&auditor, &format!("/log/1/proofs/inclusion?entry={}", ids[1])).await?;
        Ok(if proof.status == 200 { Some(proof.expect(200)) } else { None })
    };
    assert_eq!(server.eventually("a checkpoint", proof).await?["sequence"], 2);
    server.stop().await
}
