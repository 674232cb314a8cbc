//! Who is let in, who is not, and what nobody learns by asking.

use chrono::Duration;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Migrant, NewQuote, TestServer};

/// What somebody can see of an answer, beside the request's own id.
fn seen(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("instance");
    }
    (answer.status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_whether_an_account_exists() -> Result {
    let server = TestServer::start().await?;
    let awa = server.migrant("Awa").await?;
    let nobody = Migrant::new(server.anybody(), "Nobody");
    let resend = async |who: &Migrant| {
        let body = json!({ "contact": who.contact() });
        server.anybody().post("/mobile/registrations/code").json(&body).send().await
    };
    assert_eq!(seen(&resend(&awa).await?), seen(&resend(&nobody).await?));
    let wrong = "not-the-password";
    assert_eq!(seen(&awa.sign_in(wrong).await?), seen(&nobody.sign_in(wrong).await?));
    awa.sign_in(wrong).await?.problem(401, "wrong-credentials");
    assert_eq!(seen(&awa.confirm("123456").await?), seen(&nobody.confirm("123456").await?));

    // A second registration looks like a first one. Only the owner of the address hears of it, and the password stays.
    let mails = server.mails_for(awa.contact())?;
    assert_eq!(seen(&awa.register().await?), seen(&Migrant::new(server.anybody(), "Newcomer").register().await?));
    server
        .eventually("the mail to the owner", async || Ok((server.mails_for(awa.contact())? == mails + 1).then_some(())))
        .await?;
    awa.signed_in().await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_passwords_or_codes_is_locked_out_for_a_while() -> Result {
    let server = TestServer::start().await?;
    let awa = server.migrant("Awa").await?;
    for _ in 0..5 {
        awa.sign_in("not-the-password").await?.problem(401, "wrong-credentials");
    }
    let locked = awa.sign_in(tests::server::PASSWORD).await?;
    locked.problem(429, "too-many-requests");
    let seconds: i64 = locked.header("Retry-After").parse()?;
    assert!((1..=900).contains(&seconds), "{seconds}");
    server.clock.advance(Duration::seconds(seconds));
    awa.signed_in().await?;

    // A code can be tried five times; then not even the right one is taken, until another is asked for.
    let baye = Migrant::new(server.anybody(), "Baye");
    baye.register().await?.expect(202);
    let code = server.code_for(baye.contact()).await?;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        baye.confirm(wrong).await?.faulty("/code", "wrong-code");
    }
    baye.confirm(&code).await?.faulty("/code", "wrong-code");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_on_its_own_surface_and_for_its_time() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let auditor = staff.auditor(1).await?;
    let places = [
        ("/mobile/wallet", awa.caller.token()),
        ("/partner/payouts", caisse.caller.token()),
        ("/operator/rates", staff.caller.token()),
        ("/audit/trial-balance", auditor.caller.token()),
    ];
    let anybody = server.anybody();
    for (place, _) in places {
        for (home, token) in places {
            let answer = anybody.with_token(token).get(place).send().await?;
            if home == place {
                answer.expect(200);
            } else {
                answer.problem(401, "unauthenticated");
            }
        }
        let missing = anybody.get(place).send().await?;
        missing.problem(401, "unauthenticated");
        assert_eq!(missing.header("WWW-Authenticate"), "Bearer");
        anybody.with_token("no.token.atall").get(place).send().await?.problem(401, "unauthenticated");
    }
    // Another signature under the same claims; then the true one, after its time.
    let token = awa.caller.token();
    let (claims, signature) = token.rsplit_once('.').ok_or("a token has three parts")?;
    let forged = format!("{claims}.{}", signature.chars().rev().collect::<String>());
    anybody.with_token(&forged).get("/mobile/me").send().await?.problem(401, "unauthenticated");
    server.clock.advance(Duration::minutes(15));
    awa.caller.get("/mobile/me").send().await?.problem(401, "unauthenticated");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_institution_is_out_at_once() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    staff.institution("caisse-dakar").await?;
    let remittance = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    caisse.claim().await?;
    let head = server.head().await?;
    assert_eq!(staff.advance(caisse.id, "suspension").await?.expect(200)["state"], "suspended");

    caisse.confirm(remittance.id).await?.problem(401, "unauthenticated");
    let refused = caisse.ask_token().await?;
    refused.problem(401, "wrong-credentials");
    assert_eq!(refused.body["error"], "invalid_client");
    assert_eq!(server.head().await?, head);
    let offered: Vec<Value> = server.anybody().get("/public/institutions").send().await?.expect_as(200)?;
    assert_eq!(offered.iter().map(|one| &one["code"]).collect::<Vec<_>>(), ["caisse-dakar"]);
    let body = json!({ "name": "Fatou", "channel": "cash", "institution": "caisse-thies" });
    let refused = awa.caller.post("/mobile/beneficiaries").json(&body).send().await?;
    refused.faulty("/institution", "institution-not-live");
    let need = json!({ "product": "savings", "country": "SN", "region": "Thiès", "language": "fr" });
    let proposed: Vec<Value> = awa.caller.post("/mobile/referrals").json(&need).send().await?.expect_as(201)?;
    assert_eq!(proposed.iter().map(|one| &one["institution"]).collect::<Vec<_>>(), ["caisse-dakar"]);
    // It comes back by being launched again.
    assert_eq!(staff.advance(caisse.id, "launch").await?.expect(200)["state"], "live");
    caisse.confirm(remittance.id).await?.expect(200);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_until_the_grant_ends_and_every_read_is_kept() -> Result {
    let server = TestServer::start().await?;
    let staff = server.staff().await?;
    let auditor = staff.auditor(1).await?;
    let reads = "select count(*) from onboarding.audit_reads";
    assert_eq!(server.number(reads).await?, 0);
    let paths = [
        "/audit/trial-balance",
        "/audit/trial-balance?as_of_sequence=0",
        "/audit/safeguarding",
        "/audit/verification",
        "/audit/journal.hledger",
    ];
    for path in paths {
        auditor.caller.get(path).send().await?.expect(200);
    }
    // A question that cannot be answered was asked all the same.
    let ahead = auditor.caller.get("/audit/trial-balance?as_of_sequence=99").send().await?;
    ahead.faulty("as_of_sequence", "sequence-ahead");
    assert_eq!(server.number(reads).await?, 6);
    let one = "select count(*) from onboarding.audit_reads where what = '/v1/audit/trial-balance?as_of_sequence=0'";
    assert_eq!(server.number(one).await?, 1);

    // A token of a quarter of an hour, taken just before the end, does not outlive the grant.
    server.clock.advance(Duration::hours(23) + Duration::minutes(55));
    let token = auditor.ask_token().await?.expect(200);
    let last = auditor.caller.with_token(token["access_token"].as_str().unwrap_or_default());
    last.get("/audit/trial-balance").send().await?.expect(200);
    server.clock.advance(Duration::minutes(6));
    last.get("/audit/trial-balance").send().await?.problem(401, "unauthenticated");
    auditor.ask_token().await?.problem(401, "wrong-credentials");
    assert_eq!(server.number(reads).await?, 7);
    server.stop().await
}
