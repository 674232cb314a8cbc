//! A phone over its life: signed in, kept in, proven, lost, replaced.

use chrono::Duration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Migrant, NewQuote, PASSWORD, TestServer};
use totp_rs::{Algorithm, Builder, Secret};

fn shown(server: &TestServer, secret: &Value) -> Result<String> {
    let secret = Secret::try_from_base32(secret.as_str().ok_or("a secret")?).map_err(|error| error.to_string())?;
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_secret(secret);
    let totp = builder.with_account_name("app").build().map_err(|error| error.to_string())?;
    Ok(totp.generate(u64::try_from(server.clock.now().timestamp())?).to_string())
}

async fn tokens(who: &Migrant) -> Result<Value> {
    Ok(who.sign_in(PASSWORD).await?.expect(200))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_stays_signed_in_until_it_is_signed_out_from_elsewhere() -> Result {
    let server = TestServer::start().await?;
    let awa = server.migrant("Awa").await?;
    let phone = tokens(&awa).await?;
    server.clock.advance(Duration::minutes(16));
    let anybody = server.anybody();
    let old = anybody.with_token(phone["access_token"].as_str().unwrap_or_default());
    old.get("/mobile/me").send().await?.problem(401, "unauthenticated");
    let body = json!({ "refresh_token": phone["refresh_token"] });
    let next = anybody.post("/mobile/tokens/refresh").json(&body).send().await?.expect(200);
    assert_eq!(next["device"], phone["device"]);
    let phone = anybody.with_token(next["access_token"].as_str().unwrap_or_default());
    let me = phone.get("/mobile/me").send().await?.expect(200);
    assert_eq!((&me["device"], &me["strongly_authenticated"]), (&next["device"], &json!(true)));

    let tablet = awa.signed_in().await?;
    let seen: Vec<Value> = tablet.caller.get("/mobile/me/devices").send().await?.expect_as(200)?;
    assert_eq!(seen.len(), 3);
    assert_eq!(seen.iter().filter(|one| one["current"] == true).count(), 1);
    let path = format!("/mobile/me/devices/{}", next["device"].as_str().unwrap_or_default());
    let baye = server.migrant("Baye").await?;
    baye.caller.request(Method::DELETE, &path).send().await?.problem(404, "not-found");
    tablet.caller.request(Method::DELETE, &path).send().await?.expect(204);
    phone.get("/mobile/me").send().await?.problem(401, "unauthenticated");
    let body = json!({ "refresh_token": next["refresh_token"] });
    anybody.post("/mobile/tokens/refresh").json(&body).send().await?.problem(401, "wrong-credentials");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_out_from_a_proven_device_only() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    staff.institution("caisse-thies").await?;
    let beneficiary = awa.beneficiary("Fatou", "caisse-thies").await?;
    server.clock.advance(Duration::hours(2));
    let thief = awa.signed_in().await?;
    let quote = thief.quote(&NewQuote::default()).await?;
    thief.try_accept(quote.id, beneficiary.id).await?.problem(403, "device-not-proven");
    let app = json!({});
    thief.caller.post("/mobile/me/second-factors/totp").json(&app).send().await?.problem(403, "device-not-proven");
    let change = json!({ "present": PASSWORD, "password": "fromager-de-la-place" });
    thief
        .caller
        .request(Method::PUT, "/mobile/me/password")
        .json(&change)
        .send()
        .await?
        .problem(403, "device-not-proven");

    // It was no thief: the code to the contact shows it.
    server.prove_device(&thief).await?;
    thief.try_accept(quote.id, beneficiary.id).await?.expect(201);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_app_shows_it_at_the_door_and_for_money() -> Result {
    let server = TestServer::start().await?;
    let awa = server.migrant("Awa").await?;
    let app =
        awa.caller.post("/mobile/me/second-factors/totp").json(&json!({ "name": "Phone" })).send().await?.expect(201);
    let path = format!("/mobile/me/second-factors/totp/{}/confirmation", app["id"].as_str().unwrap_or_default());
    let confirm = json!({ "code": shown(&server, &app["secret"])? });
    awa.caller.request(Method::PUT, &path).json(&confirm).send().await?.expect(204);
    let factors: Vec<Value> = awa.caller.get("/mobile/me/second-factors").send().await?.expect_as(200)?;
    assert_eq!((&factors[0]["kind"], &factors[0]["name"]), (&json!("totp"), &json!("Phone")));

    server.clock.advance(Duration::minutes(1));
    let asked = awa.sign_in(PASSWORD).await?.expect(202);
    assert_eq!(asked["totp"], true);
    assert!(asked.get("access_token").is_none());
    let answer = |code: String| json!({ "challenge": asked["challenge"], "answer": { "kind": "totp", "code": code } });
    let place = "/mobile/tokens/second-factor";
    let anybody = server.anybody();
    anybody.post(place).json(&answer("000000".to_owned())).send().await?.problem(401, "wrong-credentials");
    let right = answer(shown(&server, &app["secret"])?);
    let entered = anybody.post(place).json(&right).send().await?.expect(200);
    anybody.post(place).json(&right).send().await?.problem(401, "wrong-credentials");

    server.clock.advance(Duration::minutes(16));
    let body = json!({ "refresh_token": entered["refresh_token"] });
    let next = anybody.post("/mobile/tokens/refresh").json(&body).send().await?.expect(200);
    let phone = anybody.with_token(next["access_token"].as_str().unwrap_or_default());
    let change = json!({ "present": PASSWORD, "password": "fromager-de-la-place" });
    let due = phone.request(Method::PUT, "/mobile/me/password").json(&change).send().await?;
    due.problem(403, "second-factor-needed");
    let asked = phone.post("/mobile/me/second-factor/challenges").send().await?.expect(201);
    let code = shown(&server, &app["secret"])?;
    let answer = json!({ "challenge": asked["challenge"], "answer": { "kind": "totp", "code": code } });
    phone.request(Method::PUT, "/mobile/me/second-factor/proof").json(&answer).send().await?.expect(204);
    phone.request(Method::PUT, "/mobile/me/password").json(&change).send().await?.expect(204);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_password_comes_back_after_a_wait_that_every_device_shows() -> Result {
    let server = TestServer::start().await?;
    let awa = server.migrant("Awa").await?;
    let anybody = server.anybody();
    let ask =
        async |contact: &str| anybody.post("/mobile/recoveries").json(&json!({ "contact": contact })).send().await;
    ask("nobody@example.org").await?.expect(202);
    let before = server.code_for(awa.contact()).await?;
    let asked = ask(awa.contact()).await?.expect(202);
    let code = server.code_after(&before, awa.contact()).await?;
    let path = format!("/mobile/recoveries/{}", asked["recovery"].as_str().unwrap_or_default());
    let begin = anybody.post(&format!("{path}/confirmation")).json(&json!({ "code": code })).send().await?.expect(200);
    let complete = json!({ "key": begin["key"], "password": "fromager-de-la-place" });
    let completion = format!("{path}/completion");
    anybody.post(&completion).json(&complete).send().await?.problem(409, "too-early");
    assert_eq!(awa.me().await?["recovery_ready_at"], begin["ready_at"]);

    server.clock.advance(Duration::hours(72));
    anybody.post(&completion).json(&complete).send().await?.expect(204);
    awa.sign_in(PASSWORD).await?.problem(401, "wrong-credentials");
    let entered = awa.sign_in("fromager-de-la-place").await?.expect(200);
    let phone = anybody.with_token(entered["access_token"].as_str().unwrap_or_default());
    let me = phone.get("/mobile/me").send().await?.expect(200);
    assert_eq!((&me["limits_lowered"], &me["strongly_authenticated"]), (&json!(true), &json!(false)));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_password_alone_changes_nothing_and_signs_nobody_out() -> Result {
    let server = TestServer::start().await?;
    let awa = server.migrant("Awa").await?;
    server.clock.advance(Duration::hours(2));
    let own = awa.signed_in().await?;
    server.prove_device(&own).await?;
    let owners = own.me().await?["device"].clone();
    let thief = awa.signed_in().await?;
    let identity = json!({ "name": "Somebody", "birth_date": "1990-04-02", "address": "Elsewhere", "country": "FR" });
    let put = thief.caller.request(Method::PUT, "/mobile/me/identity").json(&identity).send().await?;
    put.problem(403, "device-not-proven");
    let path = format!("/mobile/me/devices/{}", owners.as_str().unwrap_or_default());
    thief.caller.request(Method::DELETE, &path).send().await?.problem(403, "device-not-proven");
    own.me().await?;
    let itself = format!("/mobile/me/devices/{}", thief.me().await?["device"].as_str().unwrap_or_default());
    thief.caller.request(Method::DELETE, &itself).send().await?.expect(204);
    server.stop().await
}
