//! What takes two people: further operators, and whatever is done to the book by hand.

use std::collections::BTreeMap;

use chrono::Duration;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Partner, Staff, TestServer};

struct Office {
    server: TestServer,
    aissatou: Staff,
    binta: Staff,
}

impl Office {
    /// The first operator, and the second one whom she makes alone.
    async fn open() -> Result<Self> {
        let server = TestServer::start().await?;
        let aissatou = server.staff().await?;
        // The second one comes later than the first: whoever is newest must not pass for the first.
        server.clock.advance(Duration::minutes(1));
        let made = aissatou.caller.post("/operator/operators").json(&json!({ "name": "Binta Sow" })).send().await?;
        let made = made.expect(201);
        assert_eq!(made["operator"]["state"], "active");
        let binta = Staff::sign_in(server.anybody(), server.clock.clone(), &made["credential"]).await?;
        Ok(Self { server, aissatou, binta })
    }

    async fn propose(&self, by: &Staff, action: Value) -> Result<Answer> {
        let wish = json!({ "reason": "as the auditors ask", "action": action });
        by.caller.post("/operator/books/1/proposals").json(&wish).send().await
    }

    async fn approve(&self, by: &Staff, proposal: &Value) -> Result<Answer> {
        let id = proposal["id"].as_str().unwrap_or_default();
        let approval = json!({ "digest": proposal["digest"] });
        by.caller.post(&format!("/operator/books/1/proposals/{id}/approval")).json(&approval).send().await
    }

    async fn carried_out(&self, action: Value) -> Result<Value> {
        let proposal = self.propose(&self.aissatou, action).await?.expect(201);
        assert_eq!(proposal["state"], "proposed");
        let done = self.approve(&self.binta, &proposal).await?.expect(200);
        assert_eq!(done["state"], "carried-out");
        Ok(done)
    }
}

fn lines(debit: &str, credit: &str, amount: &str) -> Value {
    let line = |account: &str, side: &str| json!({ "account": account, "side": side, "amount": { "amount": amount, "currency": "EUR" } });
    json!([line(debit, "debit"), line(credit, "credit")])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_operator_takes_two_and_whoever_is_sent_away_is_out_at_once() -> Result {
    let Office { server, aissatou, binta } = Office::open().await?;
    server.clock.advance(Duration::minutes(1));
    let made = binta.caller.post("/operator/operators").json(&json!({ "name": "Codou" })).send().await?.expect(201);
    assert_eq!(made["operator"]["state"], "waiting");
    let out = server.anybody().token_for("operator", &made["credential"]).await?;
    out.problem(401, "wrong-credentials");
    let id = made["operator"]["id"].as_str().unwrap_or_default();
    let approval = format!("/operator/operators/{id}/approval");
    binta.caller.post(&approval).send().await?.problem(403, "two-people");
    let approved = aissatou.caller.post(&approval).send().await?.expect(200);
    assert_eq!(approved["state"], "active");
    let codou = Staff::sign_in(server.anybody(), server.clock.clone(), &made["credential"]).await?;
    let listed = codou.caller.get("/operator/operators?limit=2").send().await?.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    let next = listed["next"].as_str().unwrap_or_default();
    let rest = codou.caller.get(&format!("/operator/operators?cursor={next}")).send().await?.expect(200);
    assert_eq!(rest["items"], json!([approved]));

    let revoked = binta.caller.post(&format!("/operator/operators/{id}/revocation")).send().await?.expect(200);
    assert_eq!(revoked["state"], "revoked");
    codou.caller.get("/operator/rates").send().await?.problem(401, "unauthenticated");
    aissatou.caller.post(&approval).send().await?.problem(409, "wrong-state");
    let nobody = "/operator/operators/00000000-0000-0000-0000-000000000000/revocation";
    aissatou.caller.post(nobody).send().await?.problem(404, "not-found");

    // Who sends all others away is not alone by that.
    let first = listed["items"][0]["id"].as_str().unwrap_or_default();
    binta.caller.post(&format!("/operator/operators/{first}/revocation")).send().await?.expect(200);
    let made = binta.caller.post("/operator/operators").json(&json!({ "name": "Dieynaba" })).send().await?.expect(201);
    assert_eq!(made["operator"]["state"], "waiting");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_alone_gets_to_act_in_an_institutions_name() -> Result {
    let Office { server, aissatou, binta } = Office::open().await?;
    let applied =
        json!({ "code": "caisse-thies", "name": "Caisse de Thiès", "country": "SN", "products": ["savings"] });
    let applied = aissatou.caller.post("/operator/institutions").json(&applied).send().await?.expect(201);
    let id = uuid::Uuid::parse_str(applied["id"].as_str().unwrap_or_default())?;
    for step in ["approval", "launch"] {
        aissatou.advance(id, step).await?.expect(200);
    }
    let credentials = format!("/operator/institutions/{id}/credentials");
    let made = aissatou.caller.post(&credentials).send().await?.expect(201);
    assert_eq!(made["state"], "waiting");
    server.anybody().token_for("partner", &made).await?.problem(401, "wrong-credentials");
    let client = made["client_id"].as_str().unwrap_or_default();
    let approval = format!("{credentials}/{client}/approval");
    aissatou.caller.post(&approval).send().await?.problem(403, "two-people");
    let approved = binta.caller.post(&approval).send().await?.expect(200);
    assert_eq!(approved["state"], "valid");
    let caisse = Partner::sign_in(&server.anybody(), "caisse-thies", id, made.clone()).await?;
    caisse.caller.get("/partner/payouts").send().await?.expect(200);

    let other = binta.caller.post(&credentials).send().await?.expect(201);
    let other = other["client_id"].as_str().unwrap_or_default();
    aissatou.caller.post(&format!("{credentials}/{other}/revocation")).send().await?.expect(204);
    aissatou.caller.post(&format!("{credentials}/{other}/approval")).send().await?.problem(409, "wrong-state");
    let listed = binta.caller.get(&format!("{credentials}?limit=1")).send().await?.expect(200);
    assert_eq!(listed["items"], json!([approved]));
    let next = listed["next"].as_str().unwrap_or_default();
    let rest = binta.caller.get(&format!("{credentials}?cursor={next}")).send().await?.expect(200);
    let revoked = &rest["items"][0];
    assert_eq!((&revoked["state"], &revoked["client_id"]), (&"revoked".into(), &other.into()));
    // Who asked for the one let in the other, and took back the one that the other asked for.
    assert_eq!((&revoked["issued_by"], &revoked["revoked_by"]), (&approved["approved_by"], &approved["issued_by"]));
    caisse.signed_in().await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_audit_tells_who_made_it_and_who_ended_it() -> Result {
    let Office { server, aissatou, binta } = Office::open().await?;
    let operators = aissatou.caller.get("/operator/operators").send().await?.expect(200);
    let [hers, theirs] = [0, 1].map(|place| operators["items"][place]["id"].clone());
    let wish =
        json!({ "auditor": "Nafi Sarr", "ends_at": server.clock.now() + Duration::days(1), "personal_data": true });
    let grant = aissatou.caller.post("/operator/audit-grants").json(&wish).send().await?.expect(201);
    let revocation = format!("/operator/audit-grants/{}/revocation", grant["grant"].as_str().unwrap_or_default());
    let revoked = binta.caller.post(&revocation).send().await?.expect(200);
    assert_eq!((&revoked["made_by"], &revoked["revoked_by"]), (&hers, &theirs));
    assert_eq!(revoked["revoked_at"], json!(server.clock.now()));
    // Whoever does it again is not the one who did it.
    server.clock.advance(Duration::minutes(1));
    assert_eq!(aissatou.caller.post(&revocation).send().await?.expect(200), revoked);
    let listed = binta.caller.get("/operator/audit-grants").send().await?.expect(200);
    assert_eq!(listed["items"], json!([revoked]));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_month_is_adjusted_by_two_and_the_auditor_sees_it_all() -> Result {
    let office = Office::open().await?;
    let (server, aissatou, binta) = (&office.server, &office.aissatou, &office.binta);
    let today = server.clock.today();
    let yesterday = today - Duration::days(1);
    let capital = json!({ "kind": "adjustment", "effective_date": yesterday,
        "lines": lines("assets:operating:bank", "equity:capital", "500.00") });
    let booked = office.carried_out(capital).await?;

    let close = json!({ "kind": "close", "through": yesterday });
    let preview = json!({ "reason": "month's end", "action": close });
    let preview = aissatou.caller.post("/operator/books/1/proposals/preview").json(&preview).send().await?.expect(200);
    assert_eq!((&preview["possible"], &preview["sequence"]), (&true.into(), &2.into()));
    let early = office.propose(aissatou, json!({ "kind": "close", "through": today })).await?;
    early.problem(409, "wrong-state");
    let proposal = office.propose(aissatou, close.clone()).await?.expect(201);
    office.approve(aissatou, &proposal).await?.problem(403, "two-people");
    let mut other = proposal.clone();
    other["digest"] = "00".repeat(32).into();
    office.approve(binta, &other).await?.problem(409, "other-content");
    office.approve(binta, &proposal).await?.expect(200);
    office.approve(aissatou, &proposal).await?.problem(409, "wrong-state");

    let adjustment = json!({ "kind": "adjustment", "effective_date": yesterday,
        "lines": lines("expenses:pay-in:bank", "assets:operating:bank", "3.50") });
    office.carried_out(adjustment).await?;
    let auditor = aissatou.auditor(1).await?;
    let entry = booked["entry"].as_str().unwrap_or_default();
    let entry = auditor.caller.get(&format!("/audit/entries/{entry}")).send().await?.expect(200);
    assert_eq!(entry["entry"]["kind"], "adjustment");
    let changes = auditor.caller.get("/audit/periods").send().await?.expect(200);
    assert_eq!((&changes["items"][0]["change"], &changes["items"][0]["date"]), (&"closed".into(), &json!(yesterday)));
    let recorded = async || {
        let page = auditor.caller.get("/audit/periods/2/balances?limit=1").send().await?;
        Ok(if page.status == 200 { Some(page.expect(200)) } else { None })
    };
    let first = server.eventually("the record of the close", recorded).await?;
    let next = first["next"].as_str().unwrap_or_default();
    let rest = binta.caller.get(&format!("/operator/books/1/periods/2/balances?cursor={next}")).send().await?;
    let rest = rest.expect(200);
    let found: Vec<_> = [&first, &rest].into_iter().flat_map(|page| page["items"].as_array()).flatten().collect();
    let amounts: BTreeMap<_, _> =
        found.iter().filter_map(|one| Some((one["account"].as_str()?, one["balance"]["amount"].as_str()?))).collect();
    let at_the_close = BTreeMap::from([("assets:operating:bank", "500.00"), ("equity:capital", "-500.00")]);
    assert_eq!(amounts, at_the_close, "what the close found stays, whatever is adjusted later");
    auditor.caller.get("/audit/periods/1/balances").send().await?.problem(404, "not-found");
    let verification = auditor.caller.get("/audit/verification").send().await?.expect(200);
    assert_eq!(verification["holds"], true);
    office.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_taken_back_and_names_erased_by_two() -> Result {
    let office = Office::open().await?;
    let (aissatou, binta) = (&office.aissatou, &office.binta);
    let today = office.server.clock.today();
    let wallet = format!("liabilities:wallets:{}", uuid::Uuid::now_v7());
    let booked = json!({ "kind": "adjustment", "effective_date": today,
        "lines": lines("assets:operating:bank", &wallet, "20.00") });
    office.carried_out(booked).await?;
    let erasure = json!({ "kind": "erasure", "account": wallet });
    office.propose(aissatou, erasure.clone()).await?.faulty("/action/account", "not-erasable");
    let reversed = office.carried_out(json!({ "kind": "reversal", "sequence": 1 })).await?;
    let twice = office.propose(binta, json!({ "kind": "reversal", "sequence": 1 })).await?;
    twice.problem(409, "wrong-state");
    let auditor = aissatou.auditor(1).await?;
    let reversal = reversed["entry"].as_str().unwrap_or_default();
    let reversal = auditor.caller.get(&format!("/audit/entries/{reversal}")).send().await?.expect(200);
    assert_eq!(reversal["entry"]["reverses"], 1);
    let first = auditor.caller.get("/audit/entries/1").send().await?.expect(200);
    assert_eq!(first["entry"]["reversed_by"], 2);
    office
        .propose(aissatou, json!({ "kind": "reversal", "sequence": 9 }))
        .await?
        .faulty("/action/sequence", "sequence-ahead");

    let erased = office.carried_out(erasure).await?;
    assert_eq!(erased["entry"], Value::Null);
    let balances = auditor.caller.get("/audit/trial-balance").send().await?.expect(200).to_string();
    assert!(balances.contains("liabilities:wallets:erased-") && !balances.contains(&wallet), "{balances}");

    office.server.clock.advance(Duration::seconds(1));
    let waiting = office.propose(aissatou, json!({ "kind": "close", "through": "2020-01-31" })).await?.expect(201);
    let listed = binta.caller.get("/operator/books/1/proposals?shown=waiting").send().await?.expect(200);
    assert_eq!(listed["items"], json!([waiting]));
    let id = waiting["id"].as_str().unwrap_or_default();
    let withdrawal = format!("/operator/books/1/proposals/{id}/withdrawal");
    assert_eq!(binta.caller.post(&withdrawal).send().await?.expect(200)["state"], "withdrawn");
    office.approve(binta, &waiting).await?.problem(409, "wrong-state");
    let all = binta.caller.get("/operator/books/1/proposals?limit=1").send().await?.expect(200);
    assert_eq!(all["items"][0]["state"], "withdrawn");
    binta.caller.get("/operator/books/9/proposals").send().await?.faulty("book", "unknown-book");
    office.server.stop().await
}
