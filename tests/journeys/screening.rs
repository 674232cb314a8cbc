//! Somebody may be on a list: their money waits, people look at it, and nothing is lost.

use chrono::Duration;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, NewQuote, Staff, TestServer};
use uuid::Uuid;

pub const UN: &str = include_str!("../../onboarding/tests/screening/un.xml");
const OPENSANCTIONS: &str = include_str!("../../onboarding/tests/screening/opensanctions.csv");
const LISTS: &str = "/operator/screening/lists";

pub async fn load(staff: &Staff, list: &str, format: &str, text: &str) -> Result<Answer> {
    let content_type = if format == "opensanctions-csv" { "text/csv" } else { "application/xml" };
    let request = staff.caller.post(&format!("{LISTS}/{list}/versions?format={format}")).without_key();
    request.body(content_type, text.to_owned()).send().await
}

pub async fn cases(staff: &Staff, query: &str) -> Result<Vec<Value>> {
    let mut page = staff.caller.get(&format!("/operator/screening/cases{query}")).send().await?.expect(200);
    Ok(serde_json::from_value(page["items"].take())?)
}

pub async fn decide(staff: &Staff, case: &Value, verdict: &str, reason: &str) -> Result<Answer> {
    let id = case["id"].as_str().unwrap_or_default();
    let request = staff.caller.post(&format!("/operator/screening/cases/{id}/{verdict}")).without_key();
    request.json(&json!({ "reason": reason })).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beneficiary_who_may_be_on_a_list_is_not_paid_before_somebody_looked() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    assert_eq!(load(&staff, "un", "un-xml", UN).await?.expect(200)["is_new"], true);
    let kassoum = awa.beneficiary("Tambadou Kassoum", &caisse.code).await?;
    let fatou = awa.beneficiary("Fatou Ndiaye", &caisse.code).await?;
    let quote = awa.quote(&NewQuote::default()).await?;
    let refused = awa.try_accept(quote.id, kassoum.id).await?;
    assert!(refused.problem(403, "under-review").contains("nothing is lost"));
    awa.accept(&quote, &fatou).await?;

    let open = cases(&staff, "").await?;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (&open[0]["subject"]["name"], &open[0]["subject"]["kind"]),
        (&json!("Tambadou Kassoum"), &json!("beneficiary"))
    );
    assert_eq!(open[0]["entry"]["reference"], "9100001");
    assert!(open[0]["score"].as_u64().is_some_and(|score| score >= 850), "{}", open[0]);
    assert!(open[0]["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()));
    let cleared = decide(&staff, &open[0], "clearance", "born elsewhere").await?.expect(200);
    assert_eq!(cleared["state"], "cleared");
    decide(&staff, &open[0], "confirmation", "or not").await?.problem(409, "wrong-state");
    let quote = awa.quote(&NewQuote::default()).await?;
    awa.accept(&quote, &kassoum).await?;

    let id = open[0]["id"].as_str().unwrap_or_default();
    let read = staff.caller.get(&format!("/operator/screening/cases/{id}")).send().await?.expect(200);
    let events: Vec<_> = read["history"].as_array().into_iter().flatten().map(|past| &past["event"]).collect();
    assert_eq!(events, ["opened", "cleared"]);
    assert_eq!(read["history"][1]["reason"], "born elsewhere");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_waits_when_a_list_changes_and_goes_on_when_it_is_cleared() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let yerima = awa.beneficiary("Yerima Zakaryaou", &caisse.code).await?;
    let waits = awa.accept(&awa.quote(&NewQuote::default()).await?, &yerima).await?;
    staff.pay_in(&waits).await?;
    let goes = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    load(&staff, "un", "un-xml", UN).await?.expect(200);
    let case = server
        .eventually("a case of who was known before", async || Ok(cases(&staff, "?list=un").await?.pop()))
        .await?;
    let claimed = caisse.claim().await?;
    assert_eq!(claimed.len(), 1, "one waits and the other goes on");
    assert_eq!(claimed[0]["id"], json!(goes.id));
    assert_eq!(awa.remittance(&waits).await?.state, "funded", "the money stays where it is");

    decide(&staff, &case, "clearance", "another person").await?.expect(200);
    let claimed = caisse.claim().await?;
    assert_eq!((claimed.len(), &claimed[0]["id"]), (1, &json!(waits.id)));
    caisse.confirm(waits.id).await?.expect(200);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_before_a_case_waits_and_what_was_paid_before_it_is_told() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let yerima = awa.beneficiary("Yerima Zakaryaou", &caisse.code).await?;
    let mut fetched = Vec::new();
    for _ in 0..3 {
        let remittance = awa.accept(&awa.quote(&NewQuote::default()).await?, &yerima).await?;
        staff.pay_in(&remittance).await?;
        fetched.push(remittance);
    }
    let [ready, paid, late] = &fetched[..] else { unreachable!("three were sent") };
    assert_eq!(caisse.claim().await?.len(), 3);
    caisse.make_ready(ready.id).await?.expect(200);
    let paid_in = server.clock.now();
    server.clock.advance(Duration::minutes(1));
    let paid_at = server.clock.now();
    server.clock.advance(Duration::minutes(1));
    load(&staff, "un", "un-xml", UN).await?.expect(200);
    let case = server.eventually("a case", async || Ok(cases(&staff, "?list=un").await?.pop())).await?;
    let head = server.head().await?;

    caisse.make_ready(ready.id).await?.problem(403, "under-review");
    caisse.confirm(ready.id).await?.problem(403, "under-review");
    // Paid while our staff looked, ahead of now, or before there was any money: none of that is taken.
    server.clock.advance(Duration::minutes(1));
    caisse.confirm_paid_at(late.id, server.clock.now()).await?.problem(403, "under-review");
    for never in [server.clock.now() + Duration::hours(1), paid_in - Duration::hours(1)] {
        caisse.confirm_paid_at(late.id, never).await?.faulty("/paid_at", "paid-at");
    }
    assert_eq!(server.head().await?, head);
    assert_eq!(caisse.confirm_paid_at(paid.id, paid_at).await?.expect(200)["state"], "paid-out");
    assert_eq!(server.head().await?, head + 1);
    let told = awa.caller.get(&format!("/mobile/remittances/{}", paid.id)).send().await?.expect(200);
    let cause = told["history"].as_array().and_then(|steps| steps.last()).map(|step| &step["cause"]);
    assert_eq!(cause, Some(&json!("the institution paid at 2026-03-02T09:01:00Z, as it says")));

    let id = case["id"].as_str().unwrap_or_default();
    let read = staff.caller.get(&format!("/operator/screening/cases/{id}")).send().await?.expect(200);
    let noted = &read["history"][1];
    assert_eq!((&noted["event"], &noted["operator"], &read["state"]), (&json!("noted"), &Value::Null, &json!("open")));
    assert!(noted["reason"].as_str().is_some_and(|note| note.contains(&paid.reference)), "{noted}");
    decide(&staff, &case, "clearance", "another person").await?.expect(200);
    caisse.confirm(ready.id).await?.expect(200);
    caisse.confirm_paid_at(late.id, server.clock.now()).await?.expect(200);
    server.stop().await
}

/// Whom a case stands for is who is paid: nobody puts another name there afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_that_is_paid_is_the_one_that_was_held_against_the_lists() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    load(&staff, "un", "un-xml", UN).await?.expect(200);
    let need = json!({ "product": "savings", "country": "SN", "region": "Thiès", "language": "fr" });
    let proposed: Vec<Value> = awa.caller.post("/mobile/referrals").json(&need).send().await?.expect_as(201)?;
    let referral = proposed[0]["id"].as_str().unwrap_or_default().to_owned();
    let family = |name: &str| json!({ "family_member": name });
    let acceptance = format!("/mobile/referrals/{referral}/acceptance");
    awa.caller.post(&acceptance).json(&family("Kassoum Tambadou")).send().await?.expect(200);
    let opened = caisse.caller.post(&format!("/partner/referrals/{referral}/account"));
    opened.json(&json!({ "account_number": "SN-0042-7781" })).send().await?.expect(200);
    let made = format!("/mobile/referrals/{referral}/beneficiary");
    let make = async |name: &str| awa.caller.post(&made).json(&family(name)).send().await;
    let kassoum = make("Kassoum Tambadou").await?.expect(201);
    make("Fatou Diop").await?.problem(409, "wrong-state");
    assert_eq!(make("Kassoum Tambadou").await?.expect(201), kassoum);

    // A key that is not kept any more leads to the same beneficiary.
    let keep = async |name: &str| {
        let body = json!({ "name": name, "channel": "cash", "institution": "caisse-thies" });
        awa.caller.post("/mobile/beneficiaries").key("once").json(&body).send().await
    };
    keep("Yerima Zakaryaou").await?.expect(201);
    let mut owner = server.test.owner().await?;
    diesel::sql_query("delete from api.idempotency_keys").execute(&mut owner).await?;
    keep("Fatou Diop").await?.problem(422, "idempotency-key-reused");

    let open = cases(&staff, "").await?;
    let names: Vec<_> =
        open.iter().map(|case| (&case["subject"]["name"], &case["subject"]["name_at_opening"])).collect();
    let expected = [json!("Kassoum Tambadou"), json!("Yerima Zakaryaou")];
    assert_eq!(names, expected.iter().map(|name| (name, name)).collect::<Vec<_>>());
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_who_may_be_on_a_list_waits_until_it_is_decided() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    load(&staff, "opensanctions", "opensanctions-csv", OPENSANCTIONS).await?.expect(200);
    let identity =
        json!({ "name": "Fodie Tounkaranke", "birth_date": "1980-02-11", "address": "Lyon", "country": "FR" });
    let state = awa.caller.request(reqwest::Method::PUT, "/mobile/me/identity").json(&identity);
    state.send().await?.expect(204);
    let fatou = awa.beneficiary("Fatou Ndiaye", &caisse.code).await?;
    let quote = awa.quote(&NewQuote::default()).await?;
    awa.try_accept(quote.id, fatou.id).await?.problem(403, "under-review");
    let own = cases(&staff, &format!("?owner={}", awa.id().await?)).await?;
    assert_eq!(own[0]["subject"]["birth_date"], "1980-02-11");
    // One operator is not enough.
    let once = decide(&staff, &own[0], "confirmation", "the passport says so").await?.expect(200);
    let again = decide(&staff, &own[0], "confirmation", "I am sure").await?.expect(200);
    assert_eq!((&once["state"], &again["state"]), (&json!("open"), &json!("open")));
    awa.try_accept(quote.id, fatou.id).await?.problem(403, "under-review");
    // No other name helps while it is open, and the case shows both.
    awa.state_identity().await?.expect(204);
    awa.try_accept(quote.id, fatou.id).await?.problem(403, "under-review");
    let own = cases(&staff, &format!("?owner={}", awa.id().await?)).await?;
    let names = (&own[0]["subject"]["name"], &own[0]["subject"]["name_at_opening"]);
    assert_eq!(names, (&json!("Awa"), &json!("Fodie Tounkaranke")));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_floods_our_staff_with_cases() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    load(&staff, "un", "un-xml", UN).await?.expect(200);
    let name = async |name: &str| {
        let body = json!({ "name": name, "channel": "cash", "institution": caisse.code });
        awa.caller.post("/mobile/beneficiaries").json(&body).send().await
    };
    for _ in 0..10 {
        name("Kassoum Tambadou").await?.expect(201);
    }
    name("Fatou Ndiaye").await?.problem(403, "under-review");
    let page = staff.caller.get("/operator/screening/subjects?limit=4").send().await?.expect(200);
    let next = page["next"].as_str().unwrap_or_default();
    let rest =
        staff.caller.get(&format!("/operator/screening/subjects?limit=7&cursor={next}")).send().await?.expect(200);
    let length = |page: &Value| page["items"].as_array().map(Vec::len);
    assert_eq!((length(&page), length(&rest), &rest["next"]), (Some(4), Some(6), &Value::Null));
    let subject = &page["items"][0];
    assert_eq!((&subject["name"], &subject["cases"]), (&json!("Kassoum Tambadou"), &json!(1)));
    assert_eq!(subject["owner"], json!(awa.id().await?));
    let own = cases(&staff, &format!("?subject={}", subject["id"].as_str().unwrap_or_default())).await?;
    assert_eq!((own.len(), &own[0]["score"]), (1, &subject["highest_score"]));
    staff.caller.get("/operator/screening/subjects?state=lost").send().await?.problem(422, "invalid-request");
    decide(&staff, &own[0], "clearance", "another person").await?.expect(200);
    name("Fatou Ndiaye").await?.expect(201);

    // Nor does anybody name people without end.
    let mut owner = server.test.owner().await?;
    let many = "insert into remittance.beneficiaries select gen_random_uuid(), b.sender_id, b.channel, b.institution, \
         b.country, b.sealed_name, b.sealed_account, b.created_at \
         from (select * from remittance.beneficiaries limit 1) b, generate_series(12, 199)";
    diesel::sql_query(many).execute(&mut owner).await?;
    name("Aïda Ndiaye").await?.expect(201);
    let refused = name("Moussa Ndiaye").await?.problem(403, "limit-reached");
    assert!(refused.contains("200"), "{refused}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_taken_whole_or_refused_with_the_place_of_the_fault() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let loaded = load(&staff, "un", "un-xml", UN).await?.expect(200);
    assert_eq!((&loaded["entries"], &loaded["published_on"]), (&json!(3), &json!("2026-01-15")));
    let again = load(&staff, "un", "un-xml", UN).await?.expect(200);
    assert_eq!((&again["is_new"], &again["version"]), (&json!(false), &loaded["version"]));
    let faulty = load(&staff, "un", "un-xml", &UN.replace("1971-04-23", "soon")).await?;
    assert!(faulty.problem(422, "file-refused").contains("DATE"));
    load(&staff, "un", "ofac-xml", UN).await?.problem(422, "file-refused");
    let cut = UN.split_once("<ENTITIES>").map_or("", |(people, _)| people).to_owned() + "</CONSOLIDATED_LIST>";
    let refused = load(&staff, "un", "un-xml", &cut).await?.problem(422, "file-refused");
    assert!(refused.contains("1 of the 3 entries"), "{refused}");
    load(&staff, "un", "un-xml&removing=2000001", &cut).await?.problem(422, "invalid-request");
    assert_eq!(load(&staff, "un", "un-xml&removing=1", &cut).await?.expect(200)["removed"], 1);
    load(&staff, "un", "un-pdf", UN).await?.problem(422, "invalid-request");
    load(&staff, "UN!", "un-xml", UN).await?.problem(422, "invalid-request");
    for (media_type, status, problem) in
        [("text/csv", 422, "invalid-request"), ("text/plain", 415, "unsupported-media-type")]
    {
        let request = staff.caller.post(&format!("{LISTS}/un/versions?format=un-xml")).body(media_type, UN.to_owned());
        request.send().await?.problem(status, problem);
    }
    let mut versions = staff.caller.get("/operator/screening/versions?limit=1").send().await?.expect(200);
    assert_eq!(versions["items"].take().as_array().map(Vec::len), Some(1));
    for path in ["/operator/screening/versions?cursor=x", "/operator/screening/cases?state=lost"] {
        staff.caller.get(path).send().await?.problem(422, "invalid-request");
    }
    let unknown = format!("/operator/screening/cases/{}", Uuid::now_v7());
    staff.caller.get(&unknown).send().await?.problem(404, "not-found");
    awa.caller.get("/operator/screening/cases").send().await?.problem(401, "unauthenticated");
    server.stop().await
}
