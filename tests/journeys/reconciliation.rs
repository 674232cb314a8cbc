//! How a bank's statement is held against the book, and what becomes of what does not agree.

use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, NewQuote, Staff, TestServer};

const ACCOUNT: &str = "/operator/reconciliation/accounts/assets:pay-in:bank/EUR";
const IBAN: &str = "DE02120300000000202051";

fn entry(reference: &str, direction: &str, amount: &str, text: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
        <ValDt><Dt>2026-03-02</Dt></ValDt><AcctSvcrRef>{reference}</AcctSvcrRef>
        <NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
}

fn statement(id: &str, opening: &str, closing: &str, entries: &[String]) -> String {
    let balance = |code: &str, amount: &str, day: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt>
            <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
        <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>
        <GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>{id}</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{}{}{}</Stmt>
        </BkToCstmrStmt></Document>",
        balance("OPBD", opening, "2026-03-02"),
        balance("CLBD", closing, "2026-03-02"),
        entries.concat()
    )
}

async fn load(staff: &Staff, file: String) -> Result<Answer> {
    let request = staff.caller.post(&format!("{ACCOUNT}/statements/camt.053"));
    request.body("application/xml", file).send().await
}

async fn run(staff: &Staff, body: Value) -> Result<Value> {
    Ok(staff.caller.post(&format!("{ACCOUNT}/runs")).json(&body).send().await?.expect(200))
}

async fn breaks(staff: &Staff, query: &str) -> Result<Vec<Value>> {
    let mut page = staff.caller.get(&format!("{ACCOUNT}/breaks{query}")).send().await?.expect(200);
    Ok(serde_json::from_value(page["items"].take())?)
}

async fn step(staff: &Staff, one: &Value, body: Value) -> Result<Answer> {
    staff.caller.post(&format!("{ACCOUNT}/breaks/{}/steps", one["number"])).json(&body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_matched_and_its_charges_are_taken_on_and_explained() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let remittance = awa.accepted(&NewQuote::default(), &caisse).await?;
    staff.pay_in(&remittance).await?;

    load(&staff, statement("S1", "0", "0", &[])).await?.problem(404, "not-found");
    let opening =
        json!({ "account": "assets:pay-in:bank", "currency": "EUR", "external_account": IBAN, "begins_after": 0 });
    for _ in 0..2 {
        let opened = staff.caller.post("/operator/reconciliation/accounts").json(&opening).send().await?.expect(200);
        assert_eq!(opened["external_account"], IBAN);
    }
    let text = format!("virement {} merci", remittance.reference);
    let file = statement(
        "S1",
        "0",
        "99.00",
        &[entry("B1", "CRDT", "101.5", &text), entry("B2", "DBIT", "2.50", "charges of Awa Diop")],
    );
    let detail = load(&staff, file.replace("99.00", "98.00")).await?.problem(422, "file-refused");
    assert!(detail.contains("statement 1") && detail.contains("99.00"), "{detail}");
    let wrong_type = staff.caller.post(&format!("{ACCOUNT}/statements/mt940"));
    wrong_type.body("application/xml", file.clone()).send().await?.problem(415, "unsupported-media-type");
    let taken = load(&staff, file.clone()).await?.expect(200);
    assert_eq!(taken["statements"], json!([{ "statement": 1, "outcome": "loaded", "lines": 2 }]));
    let again = load(&staff, file.clone()).await?.expect(200);
    assert_eq!(again["statements"][0]["outcome"], "already-loaded");
    load(&staff, file.replace("merci", "thanks")).await?.problem(409, "wrong-state");

    let ran = run(&staff, json!({})).await?;
    assert_eq!(ran["matched"][0], json!({ "rule": "reference-and-amount", "matches": 1 }), "{ran}");
    assert_eq!((&ran["collected"], &ran["opened"]), (&1.into(), &1.into()), "{ran}");
    let made = staff.caller.get(&format!("{ACCOUNT}/matches/1")).send().await?.expect(200);
    assert_eq!((&made["rule"], &made["difference"]["amount"]), (&"reference-and-amount".into(), &"0.00".into()));
    assert_eq!(made["items"].as_array().map(Vec::len), Some(2), "{made}");

    let open = breaks(&staff, "").await?;
    let charge = &open[0];
    assert_eq!(
        (open.len(), &charge["cause"], &charge["amount"]["amount"]),
        (1, &"nothing-fits".into(), &"-2.50".into())
    );
    assert_eq!((&charge["text"], &charge["age_days"]), (&"charges of Awa Diop".into(), &0.into()));
    let reason = json!({ "step": "explain", "reason": "charged at the end of the month" });
    step(&staff, charge, reason.clone()).await?.problem(409, "wrong-state");
    let owner = uuid::Uuid::now_v7();
    let assigned = step(&staff, charge, json!({ "step": "assign", "owner": owner })).await?.expect(200);
    assert_eq!(assigned["state"], "assigned");
    let nothing = json!({ "step": "correct", "entry": 99, "reason": "booked" });
    step(&staff, charge, nothing).await?.faulty("/entry", "unknown-entry");
    step(&staff, charge, json!({ "step": "explain", "reason": "\u{0}" })).await?.faulty("/reason", "reason");
    step(&staff, charge, json!({ "step": "guess" })).await?.problem(400, "malformed-request");
    assert_eq!(step(&staff, charge, reason).await?.expect(200)["state"], "explained");
    let history = staff.caller.get(&format!("{ACCOUNT}/breaks/{}/history", charge["number"])).send().await?.expect(200);
    let events: Vec<&str> = history.as_array().into_iter().flatten().filter_map(|one| one["event"].as_str()).collect();
    assert_eq!(events, ["opened", "assigned", "explained"]);
    assert_eq!(history[1]["owner"], owner.to_string());
    assert_eq!((breaks(&staff, "").await?.len(), breaks(&staff, "?state=explained").await?.len()), (0, 1));

    let standing = staff.caller.get(&format!("{ACCOUNT}/standing")).send().await?.expect(200);
    assert_eq!(standing["outside"]["amount"], "99.00", "{standing}");
    assert_eq!((&standing["inside"]["amount"], &standing["unexplained"]["amount"]), (&"101.50".into(), &"0.00".into()));
    let listed = staff.caller.get(&format!("{ACCOUNT}/statements?limit=1")).send().await?.expect(200);
    assert_eq!(
        (&listed["items"][0]["external_id"], &listed["items"][0]["succession"]),
        (&"S1".into(), &"first".into())
    );
    let cursor = listed["next"].as_str().unwrap_or_default();
    let rest = staff.caller.get(&format!("{ACCOUNT}/statements?limit=1&cursor={cursor}")).send().await?.expect(200);
    assert_eq!(rest["items"], json!([]));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_leave_a_person_matches_and_takes_apart_again() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    for _ in 0..2 {
        let remittance = awa.accepted(&NewQuote::default(), &caisse).await?;
        staff.pay_in(&remittance).await?;
    }
    let opening =
        json!({ "account": "assets:pay-in:bank", "currency": "EUR", "external_account": IBAN, "begins_after": 0 });
    staff.caller.post("/operator/reconciliation/accounts").json(&opening).send().await?.expect(200);
    let parameters = format!(
        "id=March&external_account={IBAN}&opens_on=2026-03-01&closes_on=2026-03-02&opening=0.00&closing=101.40\
         &delimiter=%3B&decimal_mark=comma&date_format=%25d.%25m.%25Y&date=Datum&amount=Betrag&text=Zweck"
    );
    let csv = |parameters: &str| staff.caller.post(&format!("{ACCOUNT}/statements/csv?{parameters}"));
    let file = "Datum;Zweck;Betrag\n02.03.2026;pour maman;101,40\n";
    let without = parameters.replace("&amount=Betrag", "");
    csv(&without).body("text/csv", file).send().await?.faulty("amount", "columns");
    let taken = csv(&parameters).body("text/csv", file).send().await?.expect(200);
    assert_eq!(taken["statements"][0]["lines"], 1);
    let wrong = json!({ "rules": ["amount-and-date", "by-hand"] });
    let refused = staff.caller.post(&format!("{ACCOUNT}/runs")).json(&wrong).send().await?;
    refused.faulty("/rules/1", "rule");
    let ran = run(&staff, json!({ "tolerance_days": 5, "tolerance_minor": 10 })).await?;
    assert_eq!(ran["opened"], 3, "{ran}");

    let open = breaks(&staff, "?limit=10").await?;
    let of_kind =
        |kind: &str| open.iter().find(|one| one["subject"]["kind"] == kind).map(|one| &one["subject"]["item"]);
    let items = json!([of_kind("line"), of_kind("posting")]);
    let by_hand = staff.caller.post(&format!("{ACCOUNT}/matches"));
    let made = by_hand.json(&json!({ "items": items, "reason": "the bank kept ten cents" })).send().await?.expect(201);
    assert_eq!((&made["rule"], &made["why"]), (&"by-hand".into(), &"the bank kept ten cents".into()));
    assert_eq!(made["difference"]["amount"], "-0.10");
    let causes =
        |open: Vec<Value>| open.iter().filter_map(|one| one["cause"].as_str().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(causes(breaks(&staff, "").await?), ["nothing-fits", "difference"]);

    let undoing = format!("{ACCOUNT}/matches/{}/undoing", made["number"]);
    let because = json!({ "reason": "it was another payment" });
    assert_eq!(staff.caller.post(&undoing).json(&because).send().await?.status, 204);
    staff.caller.post(&undoing).json(&because).send().await?.problem(404, "not-found");
    assert_eq!(breaks(&staff, "").await?.len(), 3);
    // It is for our own staff alone.
    awa.caller.get(&format!("{ACCOUNT}/breaks")).send().await?.problem(401, "unauthenticated");
    for cursor in ["x", "20260230-1", "99999999-1", "20260301-99999999999999999999"] {
        staff.caller.get(&format!("{ACCOUNT}/breaks?cursor={cursor}")).send().await?.faulty("cursor", "cursor");
    }
    server.stop().await
}
