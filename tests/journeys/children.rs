//! What is kept for a child is spent for what was set, and for nothing else.

use chrono::Duration;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tests::Result;
use uuid::Uuid;

use crate::family::{Family, answer, ask, ask_at, invited, join, made, money, text};

const OPENSANCTIONS: &str = include_str!("../../onboarding/tests/screening/opensanctions.csv");

#[tokio::test(flavor = "multi_thread")]
async fn school_fees_go_to_the_institution_that_pays_them() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("120.00 EUR").await?;
    assert_eq!(family.awa.wallet().await?, ["380.00 EUR"]);
    let asked = ask(&family.awa, &khady, "school", "50.00 EUR").await?.expect(201);
    assert_eq!((&asked["state"], &asked["approved_by"]), (&"ordered".into(), &Value::Null));
    let id: Uuid = serde_json::from_value(asked["id"].clone())?;
    let expected =
        [(format!("liabilities:savings:{khady}"), 5_000), ("liabilities:payables:caisse-thies".to_owned(), -5_000)];
    assert_eq!(family.server.postings(id, "child-spending").await?, expected);
    assert_eq!(family.kept(&khady).await?, "70.00 EUR");

    let other = family.staff.institution("caisse-dakar").await?;
    let list = family.caisse.caller.get("/partner/child-payments?state=ordered&limit=1").send().await?.expect(200);
    let [seen] = list["items"].as_array().map(Vec::as_slice).unwrap_or_default() else { panic!("{list}") };
    assert_eq!((&seen["child_name"], &seen["purpose"]), (&"Khady Ndiaye".into(), &"school".into()));
    assert_eq!(seen["note"], "Lycée Malick Sy, second term");
    let next = format!("/partner/child-payments?state=ordered&limit=1&cursor={}", text(&list["next"]));
    assert_eq!(family.caisse.caller.get(&next).send().await?.expect(200)["items"], json!([]));
    assert_eq!(other.caller.get("/partner/child-payments").send().await?.expect(200)["items"], json!([]));
    let path = format!("/partner/child-payments/{id}/payment");
    let paid = json!({ "reference": "VIR-2026-0147" });
    other.caller.post(&path).json(&paid).send().await?.problem(404, "not-found");
    assert_eq!(family.caisse.caller.post(&path).json(&paid).send().await?.expect(200)["state"], "paid");
    let again = json!({ "reference": "VIR-2026-0148" });
    let again = family.caisse.caller.post(&path).json(&again).send().await?.expect(200);
    assert_eq!(again["reference"], "VIR-2026-0147", "the first one stays");
    let decline = family.caisse.caller.post(&format!("/partner/child-payments/{id}/decline"));
    decline.json(&json!({ "reason": "the school is closed" })).send().await?.problem(409, "wrong-state");

    let read = family.awa.caller.get(&format!("/mobile/children/{khady}/statement?currency=EUR")).send().await?;
    let kinds: Vec<String> =
        read.expect(200)["lines"].as_array().into_iter().flatten().map(|line| text(&line["kind"])).collect();
    assert_eq!(kinds, ["child-deposit", "child-spending"]);
    // The savings are clients' money, and all of the book holds.
    let equation = family.staff.caller.get("/operator/safeguarding").send().await?.expect(200);
    assert_eq!(equation["holds"], true, "{equation}");
    let verified = family.staff.auditor(1).await?.caller.get("/audit/verification").send().await?.expect(200);
    assert_eq!(verified["holds"], true, "{verified}");
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_the_second_guardian_decides_and_nobody_is_their_own() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("120.00 EUR").await?;
    let (awa, binta) = (&family.awa, &family.binta);
    let asked = ask(awa, &khady, "school", "50.01 EUR").await?.expect(201);
    assert_eq!((&asked["state"], family.kept(&khady).await?.as_str()), (&"requested".into(), "120.00 EUR"));
    answer(&awa.caller, &asked, "approval").await?.problem(403, "two-people");
    let path = format!("/mobile/spendings/{}", text(&asked["id"]));
    let refusal = json!({ "reason": "the term is paid already" });
    awa.caller.post(&format!("{path}/refusal")).json(&refusal).send().await?.problem(403, "two-people");
    answer(&binta.caller, &asked, "cancellation").await?.problem(403, "two-people");
    let refused = binta.caller.post(&format!("{path}/refusal")).json(&refusal).send().await?.expect(200);
    assert_eq!((&refused["state"], &refused["reason"]), (&"refused".into(), &"the term is paid already".into()));
    answer(&binta.caller, &asked, "approval").await?.problem(409, "wrong-state");

    family.server.clock.advance(Duration::seconds(1));
    let asked = ask(awa, &khady, "school", "60.00 EUR").await?.expect(201);
    assert_eq!(answer(&awa.caller, &asked, "cancellation").await?.expect(200)["state"], "cancelled");
    answer(&binta.caller, &asked, "approval").await?.problem(409, "wrong-state");

    family.server.clock.advance(Duration::seconds(1));
    let asked = ask(binta, &khady, "school", "60.00 EUR").await?.expect(201);
    let approved = answer(&awa.caller, &asked, "approval").await?.expect(200);
    assert_eq!((&approved["state"], &approved["approved_by"]), (&"ordered".into(), &json!(awa.id().await?)));
    let head = family.server.head().await?;
    assert_eq!(answer(&awa.caller, &asked, "approval").await?.expect(200)["state"], "ordered");
    assert_eq!((family.server.head().await?, family.kept(&khady).await?.as_str()), (head, "60.00 EUR"));
    answer(&binta.caller, &asked, "cancellation").await?.problem(409, "wrong-state");
    let page = awa.caller.get(&format!("/mobile/children/{khady}/spendings?limit=2")).send().await?.expect(200);
    let states = |page: &Value| {
        page["items"].as_array().into_iter().flatten().map(|one| text(&one["state"])).collect::<Vec<_>>()
    };
    assert_eq!(states(&page), ["ordered", "cancelled"]);
    let rest = format!("/mobile/children/{khady}/spendings?limit=2&cursor={}", text(&page["next"]));
    assert_eq!(states(&awa.caller.get(&rest).send().await?.expect(200)), ["refused"]);
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_is_refused_and_moves_nothing() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("90.00 EUR").await?;
    let dakar = family.staff.institution("caisse-dakar").await?;
    let codou = family.server.migrant("Codou").await?;
    let (awa, head) = (&family.awa, family.server.head().await?);
    ask(awa, &khady, "living", "5.00 EUR").await?.faulty("/purpose", "purpose-not-set");
    ask_at(awa, &khady, "health", "5.00 EUR", &dakar.code).await?.faulty("/institution", "other-institution");
    ask_at(awa, &khady, "school", "5.00 EUR", "caisse-nowhere").await?.faulty("/institution", "institution-not-live");
    ask(awa, &khady, "school", "5000 XOF").await?.faulty("/amount/currency", "wrong-currency");
    ask(awa, &khady, "school", "0.00 EUR").await?.faulty("/amount/amount", "amount-not-positive");
    ask(awa, &khady, "health", "60.01 EUR").await?.problem(403, "limit-reached");
    ask(awa, &khady, "party", "5.00 EUR").await?.problem(400, "malformed-request");
    // A member who is no guardian, and somebody from outside.
    join(&codou, &invited(awa, &family.household).await?).await?.expect(200);
    ask(&codou, &khady, "school", "5.00 EUR").await?.problem(403, "forbidden");
    let seen = codou.caller.get(&format!("/mobile/children/{khady}")).send().await?.expect(200);
    assert_eq!(
        (&seen["name"], &seen["kept"], &seen["is_guardian"]),
        (&"Khady Ndiaye".into(), &Value::Null, &false.into())
    );
    for part in ["spendings", "statement?currency=EUR"] {
        codou.caller.get(&format!("/mobile/children/{khady}/{part}")).send().await?.problem(403, "forbidden");
    }
    let dieynaba = family.server.migrant("Dieynaba").await?;
    made(&dieynaba).await?;
    ask(&dieynaba, &khady, "school", "5.00 EUR").await?.problem(404, "not-found");
    for path in ["", "/spendings", "/statement?currency=EUR"] {
        dieynaba.caller.get(&format!("/mobile/children/{khady}{path}")).send().await?.problem(404, "not-found");
    }
    let deposit = dieynaba.caller.post(&format!("/mobile/children/{khady}/deposits"));
    deposit.json(&json!({ "amount": money("1.00 EUR") })).send().await?.problem(404, "not-found");
    family.staff.advance(dakar.id, "suspension").await?.expect(200);
    ask_at(awa, &khady, "school", "5.00 EUR", &dakar.code).await?.faulty("/institution", "institution-not-live");
    assert_eq!(family.server.head().await?, head);

    // Above what is there: the floor is the ledger's. What waits for a second guardian stays and can be approved later.
    let asked = ask(awa, &khady, "school", "95.00 EUR").await?.expect(201);
    answer(&family.binta.caller, &asked, "approval").await?.problem(409, "not-enough-money");
    let read = awa.caller.get(&format!("/mobile/spendings/{}", text(&asked["id"]))).send().await?.expect(200);
    assert_eq!((&read["state"], family.server.head().await?), (&"requested".into(), head));
    dieynaba.caller.get(&format!("/mobile/spendings/{}", text(&asked["id"]))).send().await?.problem(404, "not-found");
    answer(&dieynaba.caller, &asked, "approval").await?.problem(404, "not-found");
    answer(&codou.caller, &asked, "approval").await?.problem(403, "forbidden");
    family.deposit(&khady, "5.00 EUR").await?.expect(201);
    assert_eq!(answer(&family.binta.caller, &asked, "approval").await?.expect(200)["state"], "ordered");
    family.deposit(&khady, "5000.00 EUR").await?.problem(409, "not-enough-money");
    family.deposit(&khady, "1000 XOF").await?.faulty("/amount/currency", "wrong-currency");
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_holds_in_any_thirty_days_and_opens_again_behind_them() -> Result {
    let family = Family::new().await?;
    let register = json!({
        "name": "Modou Ndiaye", "birth_date": "2015-01-01", "limit": money("50.00 EUR"),
        "purposes": [{ "purpose": "school", "ceiling": money("60.00 EUR") }],
    });
    let path = format!("/mobile/households/{}/children", family.household);
    let modou = text(&family.awa.caller.post(&path).json(&register).send().await?.expect(201)["id"]);
    family.deposit(&modou, "200.00 EUR").await?.expect(201);
    ask(&family.awa, &modou, "school", "40.00 EUR").await?.expect(201);
    let refused = ask(&family.awa, &modou, "school", "20.01 EUR").await?;
    assert!(refused.problem(403, "limit-reached").contains("20.00 EUR"));
    // There is nobody to agree to more than the limit.
    ask(&family.awa, &modou, "school", "55.00 EUR").await?.problem(403, "limit-reached");
    let family = family.after(10).await?;
    ask(&family.awa, &modou, "school", "20.00 EUR").await?.expect(201);
    let family = family.after(19).await?;
    ask(&family.awa, &modou, "school", "0.01 EUR").await?.problem(403, "limit-reached");
    let family = family.after(1).await?;
    ask(&family.awa, &modou, "school", "40.01 EUR").await?.problem(403, "limit-reached");
    ask(&family.awa, &modou, "school", "40.00 EUR").await?.expect(201);
    assert_eq!(family.kept(&modou).await?, "100.00 EUR");
    let family = family.after(30).await?;
    ask(&family.awa, &modou, "school", "55.00 EUR").await?.problem(403, "two-people");
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_pays_once_and_many_at_once_never_go_beyond_the_rules() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("300.00 EUR").await?;
    let body =
        json!({ "purpose": "school", "amount": money("10.00 EUR"), "institution": "caisse-thies", "note": "Books" });
    let path = format!("/mobile/children/{khady}/spendings");
    let request = || family.awa.caller.post(&path).key("books").json(&body);
    let first = request().send().await?;
    let again = request().send().await?;
    assert!(again.is_replayed());
    assert_eq!(first.expect(201)["id"], again.expect(201)["id"]);
    let deposit = || family.awa.caller.post(&format!("/mobile/children/{khady}/deposits")).key("pocket");
    for replayed in [false, true] {
        let answer = deposit().json(&json!({ "amount": money("1.00 EUR") })).send().await?;
        assert_eq!((answer.status, answer.is_replayed()), (201, replayed));
    }
    assert_eq!(family.kept(&khady).await?, "291.00 EUR");
    // 90 are left of the ceiling; twelve of 20 come at once, and four fit. Deposits go on meanwhile.
    let asking = (0..12).map(|_| ask(&family.awa, &khady, "school", "20.00 EUR"));
    let putting = (0..4).map(|_| family.deposit(&khady, "1.00 EUR"));
    let (asked, put) = tokio::join!(try_join_all(asking), try_join_all(putting));
    let statuses = |answers: Vec<tests::server::Answer>| answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    let (asked, put) = (statuses(asked?), statuses(put?));
    let ordered = asked.iter().filter(|status| **status == 201).count();
    assert!(ordered <= 4 && asked.iter().all(|status| [201, 403, 409].contains(status)), "{asked:?}");
    assert_eq!(put, [201; 4]);
    while ask(&family.awa, &khady, "school", "20.00 EUR").await?.status == 201 {}
    assert_eq!(family.kept(&khady).await?, "215.00 EUR");
    let ordered = "select sum(amount_minor) from onboarding.child_spendings where state = 'ordered'";
    assert_eq!(family.server.number(ordered).await?, 9_000);
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_institution_cannot_pay_is_the_childs_again() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("100.00 EUR").await?;
    let asked = ask(&family.awa, &khady, "health", "50.00 EUR").await?.expect(201);
    ask(&family.awa, &khady, "health", "20.00 EUR").await?.problem(403, "limit-reached");
    let path = format!("/partner/child-payments/{}/decline", text(&asked["id"]));
    let reason = json!({ "reason": "the clinic is not known here" });
    let declined = family.caisse.caller.post(&path).json(&reason).send().await?.expect(200);
    assert_eq!((&declined["state"], &declined["reason"]), (&"declined".into(), &reason["reason"]));
    let head = family.server.head().await?;
    family.caisse.caller.post(&path).json(&reason).send().await?.expect(200);
    let paid = family.caisse.caller.post(&format!("/partner/child-payments/{}/payment", text(&asked["id"])));
    paid.json(&json!({ "reference": "late" })).send().await?.problem(409, "wrong-state");
    assert_eq!((family.server.head().await?, family.kept(&khady).await?.as_str()), (head, "100.00 EUR"));
    ask(&family.awa, &khady, "health", "20.00 EUR").await?.expect(201);
    let balances = family.staff.auditor(1).await?.balances().await?;
    assert_eq!(balances["liabilities:payables:caisse-thies"], ["20.00 EUR"]);
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_institution_was_to_pay_is_given_back_by_our_staff() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("100.00 EUR").await?;
    let asked = ask(&family.awa, &khady, "school", "50.00 EUR").await?.expect(201);
    let staff = &family.staff.caller;
    let ordered = staff.get("/operator/child-payments?institution=caisse-thies&limit=1").send().await?.expect(200);
    assert_eq!((&ordered["items"][0]["id"], &ordered["items"][0]["note"]), (&asked["id"], &Value::Null));
    let path = format!("/operator/child-payments/{}/return", text(&asked["id"]));
    staff.post(&path).send().await?.problem(409, "wrong-state");
    staff.post(&format!("/operator/child-payments/{}/return", Uuid::now_v7())).send().await?.problem(404, "not-found");
    family.staff.advance(family.caisse.id, "suspension").await?.expect(200);
    assert_eq!(staff.post(&path).send().await?.expect(200)["state"], "declined");
    assert_eq!(staff.post(&path).send().await?.expect(200)["state"], "declined");
    assert_eq!(family.kept(&khady).await?, "100.00 EUR");
    staff.get("/operator/child-payments?institution=Caisse").send().await?.faulty("institution", "institution-code");
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardian_whom_staff_look_at_agrees_to_nothing() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("100.00 EUR").await?;
    let asked = ask(&family.awa, &khady, "school", "60.00 EUR").await?.expect(201);
    let load = family.staff.caller.post("/operator/screening/lists/opensanctions/versions?format=opensanctions-csv");
    load.without_key().body("text/csv", OPENSANCTIONS).send().await?.expect(200);
    let identity =
        json!({ "name": "Fodie Tounkaranke", "birth_date": "1980-02-11", "address": "Lyon", "country": "FR" });
    let state = family.binta.caller.request(reqwest::Method::PUT, "/mobile/me/identity").json(&identity);
    state.send().await?.expect(204);
    answer(&family.binta.caller, &asked, "approval").await?.problem(403, "under-review");
    ask(&family.binta, &khady, "school", "5.00 EUR").await?.problem(403, "under-review");
    assert_eq!(family.kept(&khady).await?, "100.00 EUR");
    ask(&family.awa, &khady, "school", "5.00 EUR").await?.expect(201);
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_registered_whole_or_with_every_fault_named() -> Result {
    let family = Family::new().await?;
    let path = format!("/mobile/households/{}/children", family.household);
    let register = async |change: Value| {
        let mut body = json!({
            "name": "Khady Ndiaye", "birth_date": "2008-03-20", "limit": money("50.00 EUR"),
            "purposes": [{ "purpose": "school", "ceiling": money("60.00 EUR") }],
        });
        for (name, value) in change.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        family.awa.caller.post(&path).json(&body).send().await
    };
    register(json!({ "birth_date": "2008-03-02" })).await?.faulty("/birth_date", "not-minor");
    register(json!({ "birth_date": "2026-03-03" })).await?.faulty("/birth_date", "not-born");
    register(json!({ "name": "" })).await?.faulty("/name", "text");
    register(json!({ "purposes": [] })).await?.faulty("/purposes", "purposes");
    let school = |ceiling: &str| json!({ "purpose": "school", "ceiling": money(ceiling) });
    register(json!({ "purposes": [school("1.00 EUR"), school("2.00 EUR")] })).await?.faulty("/purposes", "purposes");
    register(json!({ "purposes": [school("100 XOF")] })).await?.faulty("/purposes", "purposes");
    let faults = register(json!({ "limit": money("0.00 EUR"), "purposes": [school("1.0 EUR")] })).await?;
    assert_eq!(faults.faults(), [("/limit/amount", "amount-not-positive"), ("/purposes/0/ceiling/amount", "amount")]);
    let nowhere = json!([{ "purpose": "school", "ceiling": money("1.00 EUR"), "institution": "caisse-nowhere" }]);
    register(json!({ "purposes": nowhere })).await?.faulty("/institution", "institution-not-live");
    let own = family.member(&family.awa).await?;
    register(json!({ "second_guardian": own })).await?.problem(403, "two-people");
    register(json!({ "second_guardian": Uuid::now_v7() })).await?.problem(404, "not-found");
    let dieynaba = family.server.migrant("Dieynaba").await?;
    let elsewhere = json!({
        "name": "Khady Ndiaye", "birth_date": "2008-03-20", "limit": money("50.00 EUR"), "purposes": [school("1.00 EUR")],
    });
    dieynaba.caller.post(&path).json(&elsewhere).send().await?.problem(404, "not-found");
    assert_eq!(family.awa.caller.get("/mobile/children").send().await?.expect(200), json!([]));
    register(json!({})).await?.expect(201);
    let clear = "select count(*) from onboarding.children where sealed_name like '%Khady%'::bytea";
    assert_eq!(family.server.number(clear).await?, 0);
    family.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_recovered_lately_moves_no_childs_money() -> Result {
    let family = Family::new().await?;
    let khady = family.khady_with("50.00 EUR").await?;
    let recovered = "update onboarding.people set limits_lowered_until = '2100-01-01'";
    diesel_async::RunQueryDsl::execute(diesel::sql_query(recovered), &mut family.server.test.owner().await?).await?;
    family.deposit(&khady, "10.00 EUR").await?.problem(403, "limit-reached");
    ask(&family.awa, &khady, "school", "10.00 EUR").await?.problem(403, "limit-reached");
    assert_eq!(family.kept(&khady).await?, "50.00 EUR");
    family.server.stop().await
}
