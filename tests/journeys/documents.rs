//! What people show of themselves, from the paper to the tier, and back when it expires.

use chrono::Duration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Migrant, Staff, TestServer};
use uuid::Uuid;

/// A drawing of 64 by 40 pixels, with a position in its comment.
const CARD: &[u8] = include_bytes!("../fixtures/documents/card.png");
/// Invented; the check digits fit.
const ZONE: [&str; 2] =
    ["P<SENNDIAYE<<AWA<FATOU<<<<<<<<<<<<<<<<<<<<<<", "A012345678SEN9004023F3001019<<<<<<<<<<<<<<02"];

/// A server with somebody who sends money, and two who look at documents.
struct Counter {
    server: TestServer,
    awa: Migrant,
    nafi: Staff,
    binta: Staff,
}

impl Counter {
    async fn open() -> Result<Self> {
        let server = TestServer::start().await?;
        let (nafi, awa) = (server.staff().await?, server.migrant("Awa").await?);
        let made = nafi.caller.post("/operator/operators").json(&json!({ "name": "Binta Sow" })).send().await?;
        let binta = Staff::sign_in(server.anybody(), server.clock.clone(), &made.expect(201)["credential"]).await?;
        Ok(Self { server, awa, nafi, binta })
    }
}

fn passport() -> Value {
    json!({
        "kind": "passport", "country": "SN", "number": "A01234567", "expires_on": "2030-01-01",
        "machine_readable_zone": ZONE,
    })
}

fn refugee_paper(number: &str) -> Value {
    json!({ "kind": "refugee-paper", "country": "FR", "number": number, "expires_on": "2028-05-31" })
}

async fn submit(person: &Migrant, paper: &Value) -> Result<Answer> {
    person.caller.post("/mobile/documents").json(paper).send().await
}

async fn send_image(person: &Migrant, document: &Value, ordinal: u8, form: &str, bytes: Vec<u8>) -> Result<Answer> {
    let path = format!("/mobile/documents/{}/images/{ordinal}", document["id"].as_str().unwrap_or_default());
    person.caller.request(Method::PUT, &path).body(form, bytes).send().await
}

/// A paper with an image, which waits for a verdict.
async fn shown(person: &Migrant, paper: &Value) -> Result<Value> {
    let submitted = submit(person, paper).await?.expect(201);
    Ok(send_image(person, &submitted, 1, "image/png", CARD.to_vec()).await?.expect(200))
}

async fn queue(staff: &Staff, query: &str) -> Result<Vec<Value>> {
    let mut page = staff.caller.get(&format!("/operator/documents{query}")).send().await?.expect(200);
    Ok(serde_json::from_value(page["items"].take())?)
}

async fn examine(staff: &Staff, document: &Value) -> Result<Value> {
    let path = format!("/operator/documents/{}", document["id"].as_str().unwrap_or_default());
    Ok(staff.caller.get(&path).send().await?.expect(200))
}

async fn accept(staff: &Staff, document: &Value, revision: i32) -> Result<Answer> {
    let path = format!("/operator/documents/{}/acceptance", document["id"].as_str().unwrap_or_default());
    let body = json!({ "revision": revision, "note": "legible, and the face fits" });
    staff.caller.post(&path).without_key().json(&body).send().await
}

async fn reject(staff: &Staff, document: &Value, revision: i32, reason: &str) -> Result<Answer> {
    let path = format!("/operator/documents/{}/rejection", document["id"].as_str().unwrap_or_default());
    let body = json!({ "revision": revision, "reason": reason, "note": "see the second page" });
    staff.caller.post(&path).without_key().json(&body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passport_lifts_to_the_second_tier_and_its_expiry_takes_it_back() -> Result {
    let Counter { server, awa, nafi, .. } = Counter::open().await?;
    let submitted = submit(&awa, &passport()).await?.expect(201);
    assert_eq!((&submitted["state"], &submitted["images"]), (&json!("submitted"), &json!(0)));
    assert!(queue(&nafi, "").await?.is_empty(), "there is nothing to look at yet");
    let document = send_image(&awa, &submitted, 1, "image/png", CARD.to_vec()).await?.expect(200);
    send_image(&awa, &submitted, 2, "image/png", CARD.to_vec()).await?.expect(200);
    let waiting = queue(&nafi, "").await?;
    assert_eq!((waiting.len(), &waiting[0]["id"], &waiting[0]["revision"]), (1, &document["id"], &json!(2)));

    let examined = examine(&nafi, &document).await?;
    assert_eq!((&examined["number"], &examined["identity"]["name"]), (&json!("A01234567"), &json!("Awa")));
    let holder =
        json!({ "surname": "NDIAYE", "given_names": "AWA FATOU", "birth_date": "900402", "nationality": "SEN" });
    assert_eq!(examined["holder"], holder, "and not the sex that is printed");
    let path = format!("/operator/documents/{}/images/1", document["id"].as_str().unwrap_or_default());
    let image = nafi.caller.get(&path).open().await?;
    assert_eq!(image.headers()["content-type"], "image/jpeg");
    let image = image.bytes().await?;
    assert!(image.starts_with(&[0xff, 0xd8, 0xff]), "a JPEG, whatever came in");
    let has_position = |bytes: &[u8]| bytes.windows(3).any(|window| window == b"GPS");
    assert!(has_position(CARD) && !has_position(&image));
    let id = awa.id().await?;
    let reads = format!("select count(*) from onboarding.personal_data_reads where person_id = '{id}'");
    assert_eq!(server.number(&reads).await?, 2);
    let in_clear =
        "select count(*) from onboarding.document_images where position('\\xffd8ff'::bytea in sealed_image) > 0";
    assert_eq!(server.number(in_clear).await?, 0);

    let reads = awa.caller.get("/mobile/me/data-reads?limit=1").send().await?.expect(200);
    assert_eq!(reads["items"][0]["reader"], "operator");
    let what = reads["items"][0]["what"].as_str().unwrap_or_default();
    assert!(what.contains("document"), "{what}");

    let mails = server.mails_for(awa.contact())?;
    let mail = async |more: usize| -> Result {
        let there =
            async || -> Result<Option<()>> { Ok((server.mails_for(awa.contact())? == mails + more).then_some(())) };
        server.eventually("a mail", there).await
    };
    accept(&nafi, &document, 1).await?.problem(409, "other-content");
    assert_eq!(accept(&nafi, &document, 2).await?.expect(200)["state"], "accepted");
    mail(1).await?;
    assert_eq!(accept(&nafi, &document, 2).await?.expect(200)["state"], "accepted", "said twice is said once");
    reject(&nafi, &document, 2, "unreadable").await?.problem(409, "wrong-state");
    let me = awa.me().await?;
    assert_eq!((&me["tier"], &me["limit_per_transfer"]["amount"]), (&json!(2), &json!("5000.00")));
    let late = send_image(&awa, &document, 1, "image/png", CARD.to_vec()).await?;
    late.problem(409, "wrong-state");

    // On its last day it is valid, and a reminder has gone out; on the next one it is not.
    server.clock.advance("2030-01-01T12:00:00Z".parse::<chrono::DateTime<chrono::Utc>>()? - server.clock.now());
    mail(2).await?;
    assert_eq!(awa.signed_in().await?.me().await?["tier"], 2);
    server.clock.advance(Duration::hours(12));
    // One of them tells of the sign-in just now.
    mail(4).await?;
    let again = awa.signed_in().await?;
    assert_eq!(again.me().await?["tier"], 1);
    let own = again.caller.get("/mobile/documents").send().await?.expect(200);
    assert_eq!(own[0]["state"], "expired");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refugees_paper_and_the_source_of_funds_take_two() -> Result {
    let Counter { server, awa, nafi, binta } = Counter::open().await?;
    let funds = json!({ "statement": "Wages of the bakery where I work.\nAnd a stall on Sundays." });
    let state_funds = async || awa.caller.post("/mobile/documents/source-of-funds").json(&funds).send().await;
    state_funds().await?.problem(403, "forbidden");
    let paper = shown(&awa, &refugee_paper("FR 12-345")).await?;
    assert_eq!(accept(&nafi, &paper, 1).await?.expect(200)["state"], "in-review");
    accept(&nafi, &paper, 1).await?.problem(403, "two-people");
    assert_eq!(awa.me().await?["tier"], 1);
    let changed = send_image(&awa, &paper, 1, "image/png", CARD.to_vec()).await?;
    changed.problem(409, "wrong-state");
    let waiting = queue(&binta, "?state=in-review&kind=refugee-paper&limit=1").await?;
    assert_eq!((waiting.len(), &waiting[0]["takes_two"]), (1, &json!(true)));
    assert_eq!(accept(&binta, &paper, 1).await?.expect(200)["state"], "accepted");
    assert_eq!(awa.me().await?["tier"], 2);

    let stated = state_funds().await?.expect(201);
    assert_eq!(examine(&nafi, &stated).await?["statement"], funds["statement"]);
    assert_eq!(accept(&nafi, &stated, 0).await?.expect(200)["state"], "in-review");
    assert_eq!(awa.me().await?["tier"], 2);
    let accepted = accept(&binta, &stated, 0).await?.expect(200);
    assert_eq!((&accepted["state"], &accepted["expires_on"]), (&json!("accepted"), &json!("2027-03-02")));
    let me = awa.me().await?;
    assert_eq!((&me["tier"], &me["limit_thirty_days"]["amount"]), (&json!(3), &json!("50000.00")));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_zone_says_beside_what_is_stated_is_told_field_by_field() -> Result {
    let Counter { server, awa, .. } = Counter::open().await?;
    let faulty = json!({
        "kind": "consular-card", "country": "ML", "number": "A01234568", "expires_on": "2030-01-02",
        "machine_readable_zone": ZONE,
    });
    let refused = submit(&awa, &faulty).await?;
    refused.problem(422, "invalid-request");
    let fields = ["/kind", "/country", "/number", "/expires_on"].map(|field| (field, "disagrees"));
    assert_eq!(refused.faults(), fields);
    let misread = json!([ZONE[0], ZONE[1].replace("900402", "900403")]);
    let mut paper = passport();
    paper["machine_readable_zone"] = misread;
    submit(&awa, &paper).await?.faulty("/machine_readable_zone", "machine-readable-zone");
    let identity = json!({ "name": "Awa", "birth_date": "1991-04-02", "address": "Lyon", "country": "FR" });
    awa.caller.request(Method::PUT, "/mobile/me/identity").json(&identity).send().await?.expect(204);
    submit(&awa, &passport()).await?.faulty("/machine_readable_zone", "disagrees");
    paper = passport();
    paper["expires_on"] = "2026-03-01".into();
    paper["machine_readable_zone"] = Value::Null;
    submit(&awa, &paper).await?.faulty("/expires_on", "expiry-date");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_what_its_content_says() -> Result {
    let Counter { server, awa, nafi, .. } = Counter::open().await?;
    let moussa = server.migrant("Moussa").await?;
    let document = submit(&awa, &passport()).await?.expect(201);
    let send =
        async |ordinal, form: &str, bytes: &[u8]| send_image(&awa, &document, ordinal, form, bytes.to_vec()).await;
    send(1, "image/png", b"%PDF-1.7 with a script").await?.problem(422, "file-refused");
    send(1, "image/jpeg", &CARD[..60]).await?.problem(422, "file-refused");
    send(1, "application/pdf", CARD).await?.problem(415, "unsupported-media-type");
    send(5, "image/png", CARD).await?.problem(404, "not-found");
    let mut large = CARD.to_vec();
    large.resize((10 << 20) + 1, 0);
    send(1, "image/png", &large).await?.problem(413, "too-large");
    send_image(&moussa, &document, 1, "image/png", CARD.to_vec()).await?.problem(404, "not-found");
    // What is sent as another form is read by its content.
    assert_eq!(send(1, "image/jpeg", CARD).await?.expect(200)["images"], 1);
    assert_eq!(send(1, "image/png", CARD).await?.expect(200)["images"], 1, "in place of the first");

    // No more than four wait at once; what is withdrawn leaves its place, and no image behind.
    for number in 1..=3 {
        submit(&awa, &refugee_paper(&format!("R{number}"))).await?.expect(201);
    }
    submit(&awa, &refugee_paper("R4")).await?.problem(409, "wrong-state");
    let withdrawal = format!("/mobile/documents/{}/withdrawal", document["id"].as_str().unwrap_or_default());
    moussa.caller.post(&withdrawal).send().await?.problem(404, "not-found");
    assert_eq!(awa.caller.post(&withdrawal).send().await?.expect(200)["state"], "withdrawn");
    assert_eq!(server.number("select count(*) from onboarding.document_images").await?, 0);
    submit(&awa, &refugee_paper("R4")).await?.expect(201);
    assert!(queue(&nafi, "").await?.is_empty());
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_identity_takes_back_what_was_shown_for_the_one_before() -> Result {
    let Counter { server, awa, nafi, .. } = Counter::open().await?;
    let document = shown(&awa, &passport()).await?;
    accept(&nafi, &document, 1).await?.expect(200);
    let state = async |name: &str, address: &str| {
        let identity = json!({ "name": name, "birth_date": "1990-04-02", "address": address, "country": "FR" });
        awa.caller.request(Method::PUT, "/mobile/me/identity").json(&identity).send().await
    };
    state("Awa", "3 quai de Saône, Lyon").await?.expect(204);
    assert_eq!(awa.me().await?["tier"], 2, "who moves is the same person");
    state("Awa Ndiaye Sarr", "3 quai de Saône, Lyon").await?.expect(204);
    assert_eq!(awa.me().await?["tier"], 1);
    let own = awa.caller.get("/mobile/documents").send().await?.expect(200);
    assert_eq!(own[0]["state"], "outdated");
    let again = shown(&awa, &passport()).await?;
    accept(&nafi, &again, 1).await?.expect(200);
    assert_eq!(awa.me().await?["tier"], 2);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_document_in_two_hands_is_seen_and_rejected_for_a_reason() -> Result {
    let Counter { server, awa, nafi, .. } = Counter::open().await?;
    let moussa = server.migrant("Moussa").await?;
    let first = shown(&awa, &passport()).await?;
    let mut paper = passport();
    paper["number"] = "a01 234-567".into();
    let second = shown(&moussa, &paper).await?;
    let same = &examine(&nafi, &second).await?["same_document"];
    assert_eq!(same[0]["document"], first["id"]);
    assert_eq!(same[0]["person"], json!(awa.id().await?));
    assert_eq!(examine(&nafi, &first).await?["same_document"][0]["person"], json!(moussa.id().await?));
    reject(&nafi, &second, 1, "because").await?.faulty("/reason", "reason");
    reject(&nafi, &second, 1, "another-person").await?.expect(200);
    let own = moussa.caller.get("/mobile/documents").send().await?.expect(200);
    assert_eq!((&own[0]["state"], &own[0]["rejected_because"]), (&json!("rejected"), &json!("another-person")));
    assert_eq!(moussa.me().await?["tier"], 1);
    let past = examine(&nafi, &second).await?["history"].clone();
    assert_eq!((&past[0]["event"], &past[1]["event"]), (&json!("submitted"), &json!("rejected")));
    assert_eq!(past[1]["note"], "see the second page");

    let unknown = format!("/operator/documents/{}", Uuid::now_v7());
    nafi.caller.get(&unknown).send().await?.problem(404, "not-found");
    awa.caller.get("/operator/documents").send().await?.problem(401, "unauthenticated");
    for query in ["?state=lost", "?kind=visa", "?cursor=x"] {
        let asked = nafi.caller.get(&format!("/operator/documents{query}")).send().await?;
        asked.problem(422, "invalid-request");
    }
    server.stop().await
}
