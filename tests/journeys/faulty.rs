//! What is wrong is told clearly, and nothing is booked for it.

use chrono::Duration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{NewQuote, Partner, TestServer};

/// A paid-in remittance stands beside, so that there is something to be damaged.
async fn with_a_remittance(server: &TestServer) -> Result<(tests::server::Staff, tests::server::Migrant, Partner)> {
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    Ok((staff, awa, caisse))
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_are_none_are_refused_with_their_place() -> Result {
    let server = TestServer::start().await?;
    let (_, awa, _) = with_a_remittance(&server).await?;
    let faulty = [
        ("100.00 EUX", "/amount/currency", "currency"),
        ("100.00 eur", "/amount/currency", "currency"),
        ("100.005 EUR", "/amount/amount", "amount"),
        ("100.0 EUR", "/amount/amount", "amount"),
        ("1e2 EUR", "/amount/amount", "amount"),
        ("99999999999999999999.00 EUR", "/amount/amount", "amount"),
        ("-5.00 EUR", "/amount/amount", "amount-not-positive"),
        ("0.00 EUR", "/amount/amount", "amount-not-positive"),
        ("65000 XOF", "/amount/currency", "wrong-currency"),
        ("4.99 EUR", "/amount", "amount-out-of-bounds"),
        ("8000.01 EUR", "/amount", "amount-out-of-bounds"),
    ];
    for (amount, pointer, code) in faulty {
        awa.ask_quote(&NewQuote::sending("eur-xof", amount)).await?.faulty(pointer, code);
    }
    awa.ask_quote(&NewQuote::sending("eur-usd", "5.00 EUR")).await?.faulty("/corridor", "unknown-corridor");
    let huge = awa.ask_quote(&NewQuote::receiving("eur-xof", "999999999999999 XOF")).await?;
    assert_eq!((huge.status, huge.faults()[0].0), (422, "/amount"), "{}", huge.text);
    // Every fault is named at once.
    let both = json!({ "corridor": "eur-xof", "side": "send", "amount": { "amount": "1.001", "currency": "EUR" },
        "family_minimum": { "amount": "1.00", "currency": "EUX" } });
    let answer = awa.caller.post("/mobile/quotes").json(&both).send().await?;
    answer.problem(422, "invalid-request");
    assert_eq!(answer.faults(), [("/amount/amount", "amount"), ("/family_minimum/currency", "currency")]);
    assert_eq!(server.head().await?, 1);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_or_is_over_cannot_be_used() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa, caisse) = with_a_remittance(&server).await?;
    let (baye, other) = (server.migrant("Baye").await?, staff.institution("caisse-dakar").await?);
    let (quote, hers) = (awa.quote(&NewQuote::default()).await?, awa.beneficiary("Fatou", "caisse-thies").await?);
    let his = baye.beneficiary("Fatou", "caisse-thies").await?;
    baye.try_accept(quote.id, his.id).await?.problem(404, "not-found");
    awa.try_accept(quote.id, his.id).await?.problem(404, "not-found");
    baye.caller.get(&format!("/mobile/quotes/{}", quote.id)).send().await?.problem(404, "not-found");
    let remittance = awa.accept(&quote, &hers).await?;
    awa.try_accept(quote.id, hers.id).await?.problem(409, "wrong-state");
    baye.cancel(&remittance).await?.problem(404, "not-found");
    baye.caller.get(&format!("/mobile/remittances/{}", remittance.id)).send().await?.problem(404, "not-found");

    staff.pay_in(&remittance).await?;
    assert_eq!(caisse.claim().await?.len(), 2);
    assert!(other.claim().await?.is_empty());
    let head = server.head().await?;
    other.confirm(remittance.id).await?.problem(404, "not-found");
    other.reject(remittance.id, "other").await?.problem(404, "not-found");
    other.make_ready(remittance.id).await?.problem(404, "not-found");
    other.caller.get(&format!("/partner/payouts/{}", remittance.id)).send().await?.problem(404, "not-found");
    assert_eq!(awa.remittance(&remittance).await?.state, "submitted");

    let elsewhere = awa.quote(&NewQuote::sending("eur-eur", "5.00 EUR")).await?;
    awa.try_accept(elsewhere.id, hers.id).await?.faulty("/beneficiary", "beneficiary-elsewhere");
    let beyond = awa.quote(&NewQuote::sending("eur-xof", "1000.01 EUR")).await?;
    awa.try_accept(beyond.id, hers.id).await?.problem(403, "limit-reached");
    let late = awa.quote(&NewQuote::default()).await?;
    server.clock.advance(Duration::minutes(15));
    let awa = awa.signed_in().await?;
    let detail = awa.try_accept(late.id, hers.id).await?.problem(409, "quote-expired");
    assert!(detail.contains("2026-03-02"), "{detail}");
    assert_eq!(server.head().await?, head);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_before_anything_is_done() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa, _) = with_a_remittance(&server).await?;
    let quotes = || awa.caller.post("/mobile/quotes");
    let good = NewQuote::default().json().to_string();
    quotes().body("text/plain", good.clone()).send().await?.problem(415, "unsupported-media-type");
    let csv = staff.caller.post("/operator/pay-ins/files/csv?provider=bank").body("application/json", "{}");
    csv.send().await?.problem(415, "unsupported-media-type");
    quotes().body("application/json", good.replace('}', "")).send().await?.problem(400, "malformed-request");
    quotes().body("application/json", format!("{good} true")).send().await?.problem(400, "malformed-request");
    quotes().body("application/json", "[".repeat(100_000)).send().await?.problem(400, "malformed-request");
    quotes().body("application/json", vec![0xff, 0xfe]).send().await?.problem(400, "malformed-request");
    let large = format!("{{\"corridor\": \"{}\"}}", "x".repeat(256 << 10));
    quotes().body("application/json", large).send().await?.problem(413, "too-large");

    let mut surprising = NewQuote::default().json().clone();
    surprising["surprise"] = json!(1);
    let unknown = quotes().json(&surprising).send().await?;
    assert!(unknown.problem(400, "malformed-request").contains("unknown field `surprise`"));
    let mut float = NewQuote::default().json().clone();
    float["amount"]["amount"] = json!(100.0);
    let float = quotes().json(&float).send().await?;
    float.problem(400, "malformed-request");
    assert_eq!(float.faults(), [("/amount/amount", "malformed")]);

    for (method, path, allow) in [
        (Method::DELETE, "/mobile/quotes", "POST"),
        (Method::DELETE, "/mobile/remittances", "GET, POST"),
        (Method::PATCH, "/partner/payouts/0197f0a0-0000-7000-8000-000000000000", "GET"),
        (Method::POST, "/audit/trial-balance", "GET"),
    ] {
        let answer = awa.caller.request(method, path).send().await?;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("Allow"), allow, "{path}");
    }
    for path in ["/mobile/nothing", "/nobody/openapi.json", "/mobile/quotes/not-an-id", "/mobile/../../etc/passwd"] {
        awa.caller.get(path).send().await?.problem(404, "not-found");
    }
    for query in ["limit=0", "limit=101", "limit=many", "cursor=!", "surprise=1"] {
        let answer = awa.caller.get(&format!("/mobile/remittances?{query}")).send().await?;
        answer.problem(422, "invalid-request");
    }
    assert_eq!(server.head().await?, 1);
    server.stop().await
}

/// Texts that a database cannot keep, times that it does not know, and cursors that nobody gave out.
#[tokio::test(flavor = "multi_thread")]
async fn no_input_is_our_fault() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa, caisse) = with_a_remittance(&server).await?;
    let nul = "a\u{0}b";
    let money = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    let pay_in = |reference: &str, date: &str, text: &str| {
        json!({ "provider": "bank", "provider_reference": reference, "amount": money("1.00"), "value_date": date,
            "text": text })
    };
    let rate =
        |set_at: &str| json!({ "rates": [{ "base": "EUR", "counter": "USD", "rate": "1.1", "set_at": set_at }] });
    let institution = |name: &str, region: &str, language: &str| {
        json!({ "code": "x", "name": name, "country": "SN", "regions": [region], "languages": [language],
            "products": ["savings"] })
    };
    let need = |region: &str, language: &str| json!({ "product": "savings", "country": "SN", "region": region, "language": language });
    let project = |title: &str, deadline: &str| {
        json!({ "title": title, "summary": "s", "institution": "caisse-thies", "minimum": money("1.00"),
            "maximum": money("2.00"), "deadline": deadline,
            "milestones": [{ "title": "t", "share_basis_points": 10000, "supplier": "s" }] })
    };
    let received: Value = staff.receive("B1", "1.00 EUR", "no reference").await?.expect(201);
    let by_hand = format!("/operator/pay-ins/{}/match", received["id"].as_str().unwrap_or_default());
    let deadline = "2026-04-01T00:00:00Z";
    let requests: Vec<(&tests::server::Caller, &str, Value)> = vec![
        (&awa.caller, "/mobile/registrations", json!({ "contact": nul, "password": "0123456789", "language": "en" })),
        (&awa.caller, "/mobile/registrations", json!({ "contact": "a@b.c", "password": nul, "language": "en" })),
        (&awa.caller, "/mobile/registrations/confirmation", json!({ "contact": awa.contact(), "code": nul })),
        (&awa.caller, "/mobile/tokens", json!({ "contact": awa.contact(), "password": nul })),
        (
            &awa.caller,
            "/mobile/beneficiaries",
            json!({ "name": nul, "channel": "cash", "institution": "caisse-thies" }),
        ),
        (&awa.caller, "/mobile/beneficiaries", json!({ "name": "Fatou", "channel": "cash", "institution": nul })),
        (&awa.caller, "/mobile/quotes", json!({ "corridor": nul, "side": "send", "amount": money("5.00") })),
        (&awa.caller, "/mobile/referrals", need(nul, "fr")),
        (&awa.caller, "/mobile/referrals", need("Thiès", nul)),
        (&awa.caller, "/mobile/referrals", need(&"x".repeat(10_000), "fr")),
        (&awa.caller, "/mobile/projects", project(nul, deadline)),
        (&awa.caller, "/mobile/projects", project("t", "+262000-01-01T00:00:00Z")),
        (&staff.caller, "/operator/institutions", institution(nul, "Thiès", "fr")),
        (&staff.caller, "/operator/institutions", institution("x", nul, "fr")),
        (&staff.caller, "/operator/institutions", institution("x", "Thiès", nul)),
        (&staff.caller, "/operator/audit-grants", json!({ "auditor": nul, "ends_at": "2026-03-03T00:00:00Z" })),
        (&staff.caller, "/operator/audit-grants", json!({ "auditor": "x", "ends_at": "+262000-01-01T00:00:00Z" })),
        (&staff.caller, "/operator/pay-ins", pay_in(nul, "2026-03-02", "x")),
        (&staff.caller, "/operator/pay-ins", pay_in("B2", "-9999-01-01", "x")),
        (&staff.caller, "/operator/pay-ins", pay_in("B3", "+262142-12-31", "x")),
        (&staff.caller, "/operator/rates", rate("-9999-01-01T00:00:00Z")),
        (&staff.caller, "/operator/rates", rate("0000-01-01T00:00:00Z")),
        (&staff.caller, &by_hand, json!({ "reference": nul })),
    ];
    let mut ours = Vec::new();
    for (caller, path, body) in &requests {
        let answer = caller.post(path).json(body).send().await?;
        let refused = (400..500).contains(&answer.status);
        if !refused || answer.header("Content-Type") != "application/problem+json" {
            ours.push(format!("{path} {body}: {} {}", answer.status, answer.text));
        }
    }
    // Before the first day of the database, and after its last.
    let cursors =
        ["gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "f_________8AAAAAAAAAAAAAAAAAAAAA", "jnCk-wAAAAAAAAAAAAAAAAAAAAAAAAAA"];
    for cursor in cursors {
        for (caller, path) in [
            (&awa.caller, "/mobile/remittances"),
            (&caisse.caller, "/partner/payouts"),
            (&staff.caller, "/operator/pay-ins"),
        ] {
            let answer = caller.get(&format!("{path}?cursor={cursor}")).send().await?;
            if answer.status >= 500 {
                ours.push(format!("{path}?cursor={cursor}: {} {}", answer.status, answer.text));
            }
        }
    }
    for path in [
        "/public/prices?corridor=%00&amount=1.00",
        "/public/prices?corridor=eur-xof&amount=999999999999999999999",
        "/public/problems/%00",
        "/mobile/wallet/statement?currency=EUR&cursor=999999999999999999-99999",
        "/mobile/wallet/statement?currency=%00",
    ] {
        let answer = awa.caller.get(path).send().await?;
        if answer.status >= 500 {
            ours.push(format!("{path}: {} {}", answer.status, answer.text));
        }
    }
    let auditor = staff.auditor(1).await?;
    for path in [
        "/audit/accounts/%00/balance?currency=EUR",
        "/audit/accounts/revenue:fees:eur-xof/balance?currency=EUR&as_of_sequence=-1",
        "/audit/trial-balance?as_of_sequence=-9223372036854775808",
    ] {
        let answer = auditor.caller.get(path).send().await?;
        if answer.status >= 500 {
            ours.push(format!("{path}: {} {}", answer.status, answer.text));
        }
    }
    assert!(ours.is_empty(), "{}", ours.join("\n"));
    assert_eq!(server.head().await?, 1);
    server.stop().await
}
