//! A family over two countries, and those in it who have no account.

use chrono::Duration;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Beneficiary, Migrant, NewQuote, Partner, TestServer};
use uuid::Uuid;

use crate::family::{invited, join, made, read, text};

const OPENSANCTIONS: &str = include_str!("../../onboarding/tests/screening/opensanctions.csv");

async fn add(by: &Migrant, household: &str, known_as: &str) -> Result<Answer> {
    let body = json!({ "known_as": known_as, "country": "SN", "region": "Thiès" });
    by.caller.post(&format!("/mobile/households/{household}/recipients")).json(&body).send().await
}

async fn confirm(by: &Partner, code: &str, name: &str) -> Result<Answer> {
    let body = json!({
        "code": code, "name": name, "birth_date": "1955-01-01", "address": "Keur Mousseu", "document": "national-card",
    });
    by.caller.post("/partner/recipients/confirmations").json(&body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grandmother_without_an_account_is_confirmed_by_an_agent_and_paid() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let household = made(&awa).await?;
    let added = add(&awa, &household, "Mame Fatou").await?.expect(201);
    let (recipient, code) = (text(&added["recipient"]), text(&added["invitation"]["code"]));
    let waiting = read(&awa, &household).await?;
    assert_eq!(waiting["recipients"][0]["confirmed_name"], Value::Null);
    assert_eq!(waiting["invitations"][0]["recipient"], recipient.as_str());
    let path = format!("/mobile/households/{household}/recipients/{recipient}/beneficiary");
    let pay_at = json!({ "institution": caisse.code });
    awa.caller.post(&path).json(&pay_at).send().await?.problem(409, "wrong-state");

    // She tells it as she heard it, in lower case and without hyphens.
    let told = code.to_lowercase().replace('-', " ");
    let confirmed = confirm(&caisse, &told, "Fatou Ndiaye").await?.expect(200);
    assert_eq!((&confirmed["recipient"], &confirmed["region"]), (&recipient.as_str().into(), &"Thiès".into()));
    confirm(&caisse, &code, "Somebody Else").await?.faulty("/code", "wrong-code");
    let known = read(&awa, &household).await?;
    let seen = &known["recipients"][0];
    assert_eq!((&seen["confirmed_name"], &seen["confirmed_by"]), (&"Fatou Ndiaye".into(), &"caisse-thies".into()));
    assert_eq!(known["invitations"], json!([]));
    let renewal = format!("/mobile/households/{household}/recipients/{recipient}/code");
    awa.caller.post(&renewal).send().await?.problem(409, "wrong-state");

    let fatou: Beneficiary = awa.caller.post(&path).json(&pay_at).send().await?.expect_as(201)?;
    assert_eq!((fatou.name.as_str(), fatou.channel.as_str()), ("Fatou Ndiaye", "cash"));
    let remittance = awa.accept(&awa.quote(&NewQuote::default()).await?, &fatou).await?;
    staff.pay_in(&remittance).await?;
    assert_eq!(caisse.claim().await?[0]["beneficiary_name"], "Fatou Ndiaye");
    caisse.confirm(remittance.id).await?.expect(200);
    // What is known of her is sealed, and so is the code.
    let clear = "select count(*) from onboarding.household_recipients where sealed_name like '%Fatou%'::bytea";
    assert_eq!(server.number(clear).await?, 0);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_guessed_by_nobody_and_no_answer_tells_which_are_there() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let (caisse, other) = (staff.institution("caisse-thies").await?, staff.institution("caisse-dakar").await?);
    let household = made(&awa).await?;
    let code = text(&add(&awa, &household, "Mame Fatou").await?.expect(201)["invitation"]["code"]);
    let guess = |number: usize| format!("{}{:07}", code.replace('-', "").get(..5).unwrap_or_default(), number);
    // A code that is there with a wrong secret, one that is not, and one of another purpose: one answer.
    let near = confirm(&other, &guess(1), "Fatou Ndiaye").await?;
    let none = confirm(&other, "0000-0000-0000", "Fatou Ndiaye").await?;
    let joining = confirm(&other, &invited(&awa, &household).await?, "Fatou Ndiaye").await?;
    for answer in [&near, &none, &joining] {
        answer.faulty("/code", "wrong-code");
        assert_eq!(answer.body["detail"], near.body["detail"]);
    }
    confirm(&other, "no code", "Fatou Ndiaye").await?.faulty("/code", "wrong-code");
    // Five wrong secrets and the code is dead, even for who knows it.
    for number in 2..=5 {
        confirm(&other, &guess(number), "Fatou Ndiaye").await?.faulty("/code", "wrong-code");
    }
    confirm(&caisse, &code, "Fatou Ndiaye").await?.faulty("/code", "wrong-code");
    // Twenty wrong ones and the institution waits, whatever it brings; another one does not.
    for number in 0..13 {
        confirm(&other, &format!("ABCDE{number:07}"), "Fatou Ndiaye").await?.faulty("/code", "wrong-code");
    }
    let recipient = read(&awa, &household).await?["recipients"][0]["id"].clone();
    let path = format!("/mobile/households/{household}/recipients/{}/code", text(&recipient));
    let fresh = text(&awa.caller.post(&path).send().await?.expect(201)["code"]);
    let refused = confirm(&other, &fresh, "Fatou Ndiaye").await?;
    refused.problem(429, "too-many-requests");
    assert!(!refused.header("Retry-After").is_empty());
    confirm(&caisse, &fresh, "Fatou Ndiaye").await?.expect(200);
    server.clock.advance(Duration::hours(2));
    let other = other.signed_in().await?;
    confirm(&other, "0000-0000-0000", "Fatou Ndiaye").await?.faulty("/code", "wrong-code");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_dies_after_thirty_days_when_it_is_replaced_and_when_it_is_taken_back() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa, binta) = (server.staff().await?, server.migrant("Awa").await?, server.migrant("Binta").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let household = made(&awa).await?;
    let added = add(&awa, &household, "Mame Fatou").await?.expect(201);
    let first = text(&added["invitation"]["code"]);
    let renewal = format!("/mobile/households/{household}/recipients/{}/code", text(&added["recipient"]));
    let second = text(&awa.caller.post(&renewal).send().await?.expect(201)["code"]);
    confirm(&caisse, &first, "Fatou Ndiaye").await?.faulty("/code", "wrong-code");
    let joining = invited(&awa, &household).await?;
    let open = read(&awa, &household).await?["invitations"].clone();
    let own = open.as_array().into_iter().flatten().find(|one| one["recipient"].is_null()).cloned();
    let path = format!("/mobile/households/{household}/invitations/{}", text(&own.unwrap_or_default()["id"]));
    awa.caller.post(&format!("{path}/withdrawal")).send().await?.expect(200);
    awa.caller.post(&format!("{path}/withdrawal")).send().await?.expect(200);
    join(&binta, &joining).await?.faulty("/code", "wrong-code");
    server.clock.advance(Duration::days(30));
    let (caisse, awa) = (caisse.signed_in().await?, awa.signed_in().await?);
    confirm(&caisse, &second, "Fatou Ndiaye").await?.faulty("/code", "wrong-code");
    assert_eq!(read(&awa, &household).await?["invitations"], json!([]));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_the_household_heads_change_it_and_nobody_else_knows_of_it() -> Result {
    let server = TestServer::start().await?;
    let (awa, binta, codou) =
        (server.migrant("Awa").await?, server.migrant("Binta").await?, server.migrant("Codou").await?);
    let household = made(&awa).await?;
    let code = invited(&awa, &household).await?;
    let joined = join(&binta, &code).await?.expect(200);
    assert_eq!((&joined["own_role"], &joined["invitations"]), (&"member".into(), &json!([])));
    assert_eq!(join(&binta, &code).await?.expect(200)["id"], joined["id"], "she is in it");
    join(&codou, &code).await?.faulty("/code", "wrong-code");
    let members: Vec<Value> = joined["members"].as_array().cloned().unwrap_or_default();
    let names: Vec<String> = members.iter().map(|member| text(&member["name"])).collect();
    assert_eq!(names, ["Awa", "Binta"]);

    let at = |rest: &str| format!("/mobile/households/{household}{rest}");
    binta.caller.post(&at("/invitations")).send().await?.problem(403, "forbidden");
    add(&binta, &household, "Mame Fatou").await?.problem(403, "forbidden");
    codou.caller.get(&at("")).send().await?.problem(404, "not-found");
    for path in [at("/invitations"), format!("/mobile/households/{}/invitations", Uuid::now_v7())] {
        codou.caller.post(&path).send().await?.problem(404, "not-found");
    }
    add(&codou, &household, "Mame Fatou").await?.problem(404, "not-found");
    let (head, member) = (text(&members[0]["id"]), text(&members[1]["id"]));
    codou.caller.post(&at(&format!("/members/{member}/removal"))).send().await?.problem(404, "not-found");
    binta.caller.post(&at(&format!("/members/{head}/removal"))).send().await?.problem(403, "forbidden");
    awa.caller.post(&at(&format!("/members/{head}/removal"))).send().await?.problem(409, "wrong-state");

    binta.caller.post(&at(&format!("/members/{member}/headship"))).send().await?.problem(403, "forbidden");
    awa.caller.post(&at(&format!("/members/{member}/headship"))).send().await?.expect(200);
    awa.caller.post(&at(&format!("/members/{head}/removal"))).send().await?.expect(204);
    awa.caller.get(&at("")).send().await?.problem(404, "not-found");
    assert_eq!(awa.caller.get("/mobile/households").send().await?.expect(200), json!([]));
    assert_eq!(read(&binta, &household).await?["own_role"], "head");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_said_who_they_are_makes_no_household() -> Result {
    let server = TestServer::start().await?;
    let awa = Migrant::new(server.anybody(), "Awa");
    awa.register().await?.expect(202);
    awa.confirm(&server.code_for(awa.contact()).await?).await?.expect(204);
    let awa = awa.signed_in().await?;
    let wish = json!({ "name": "Famille Ndiaye" });
    awa.caller.post("/mobile/households").json(&wish).send().await?.problem(403, "forbidden");
    awa.state_identity().await?.expect(204);
    let request = || awa.caller.post("/mobile/households").key("once").json(&wish);
    let first = request().send().await?;
    let again = request().send().await?;
    assert!(again.is_replayed());
    assert_eq!(first.expect(201)["id"], again.expect(201)["id"]);
    awa.caller.post("/mobile/households").json(&json!({ "name": " " })).send().await?.faulty("/name", "text");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_who_may_be_on_a_list_waits_like_everybody() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let load = staff.caller.post("/operator/screening/lists/opensanctions/versions?format=opensanctions-csv");
    load.without_key().body("text/csv", OPENSANCTIONS).send().await?.expect(200);
    let household = made(&awa).await?;
    let added = add(&awa, &household, "Fodie").await?.expect(201);
    let body = json!({
        "code": added["invitation"]["code"], "name": "Fodie Tounkaranke", "birth_date": "1980-02-11",
        "address": "Kayes", "document": "passport",
    });
    caisse.caller.post("/partner/recipients/confirmations").json(&body).send().await?.expect(200);
    let path = format!("/mobile/households/{household}/recipients/{}/beneficiary", text(&added["recipient"]));
    let pay_at = json!({ "institution": caisse.code });
    awa.caller.post(&path).json(&pay_at).send().await?.problem(403, "under-review");
    let mut cases = staff.caller.get("/operator/screening/cases").send().await?.expect(200);
    let case = cases["items"][0].take();
    assert_eq!((&case["subject"]["name"], &case["subject"]["id"]), (&"Fodie Tounkaranke".into(), &added["recipient"]));
    server.stop().await
}
