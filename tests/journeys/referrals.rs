//! A family without an account is introduced to an institution near it.

use serde_json::{Value, json};
use tests::Result;
use tests::server::{Beneficiary, Migrant, NewQuote, Partner, Profile, TestServer};

async fn proposed(awa: &Migrant) -> Result<Vec<Value>> {
    let need = json!({ "product": "savings", "country": "SN", "region": "thiès", "language": "wo" });
    awa.caller.post("/mobile/referrals").json(&need).send().await?.expect_as(201)
}

async fn accept(awa: &Migrant, referral: &Value) -> Result<Value> {
    let path = format!("/mobile/referrals/{}/acceptance", referral["id"].as_str().unwrap_or_default());
    let body = json!({ "family_member": "Fatou Ndiaye" });
    Ok(awa.caller.post(&path).json(&body).send().await?.expect(200))
}

async fn sent(partner: &Partner) -> Result<Vec<Value>> {
    partner.caller.get("/partner/referrals").send().await?.expect_as(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_introduced_to_the_nearest_institution_and_paid_on_its_new_account() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let near = Profile { regions: &["Thiès"], languages: &["wo", "fr"], ..Profile::new("caisse-thies") };
    let caisse = staff.institution_like(&near).await?;
    let national = staff.institution("banque-nationale").await?;
    staff.institution_like(&Profile { regions: &["Dakar"], ..Profile::new("caisse-dakar") }).await?;

    let ranked = proposed(&awa).await?;
    let order: Vec<_> = ranked.iter().map(|one| (&one["institution"], &one["score"], &one["reasons"])).collect();
    let near_reasons = json!(["offers-product", "serves-region", "speaks-language"]);
    let expected = [
        (json!("caisse-thies"), json!(100), near_reasons),
        (json!("banque-nationale"), json!(70), json!(["offers-product", "serves-country"])),
    ];
    assert_eq!(order, expected.each_ref().map(|(code, score, reasons)| (code, score, reasons)));
    assert!(sent(&caisse).await?.is_empty(), "nobody is told before she consents");

    let receipt = accept(&awa, &ranked[0]).await?;
    let consents =
        format!("select count(*) from onboarding.consents where consent_id = '{}'", text(&receipt["consent"]));
    assert_eq!(server.number(&consents).await?, 1);
    let waiting = sent(&caisse).await?;
    assert_eq!((waiting.len(), &waiting[0]["family_member"]), (1, &"Fatou Ndiaye".into()));
    assert!(sent(&national).await?.is_empty(), "the other one learns nothing");

    let id = text(&waiting[0]["id"]);
    let opening = json!({ "account_number": "SN-0042-7781" });
    let path = format!("/partner/referrals/{id}/account");
    national.caller.post(&path).json(&opening).send().await?.problem(404, "not-found");
    let early = awa.caller.post(&format!("/mobile/referrals/{id}/beneficiary"));
    early.json(&json!({ "family_member": "Fatou Ndiaye" })).send().await?.problem(409, "wrong-state");
    assert_eq!(caisse.caller.post(&path).json(&opening).send().await?.expect(200)["state"], "account-opened");

    let made = awa.caller.post(&format!("/mobile/referrals/{id}/beneficiary"));
    let made = made.json(&json!({ "family_member": "Fatou Ndiaye" })).send().await?;
    let fatou: Beneficiary = made.expect_as(201)?;
    assert_eq!((fatou.channel.as_str(), fatou.account.as_deref()), ("institution-account", Some("SN-0042-7781")));
    assert_eq!(fatou.institution, "caisse-thies");
    let quote = awa.quote(&NewQuote::default()).await?;
    let remittance = awa.accept(&quote, &fatou).await?;
    staff.pay_in(&remittance).await?;
    assert_eq!(caisse.claim().await?[0]["account"], "SN-0042-7781");
    caisse.confirm(remittance.id).await?.expect(200);
    let balances = staff.auditor(1).await?.balances().await?;
    assert_eq!(balances["liabilities:payables:caisse-thies"], ["65268 XOF"]);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institution_that_cannot_help_says_why() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let ranked = proposed(&awa).await?;
    accept(&awa, &ranked[0]).await?;
    let path = format!("/partner/referrals/{}/decline", text(&ranked[0]["id"]));
    let declined = caisse.caller.post(&path).json(&json!({ "reason": "no place before June" })).send().await?;
    assert_eq!(declined.expect(200)["state"], "declined");
    assert!(sent(&caisse).await?.is_empty());
    let known: Vec<Value> = awa.caller.get("/mobile/referrals").send().await?.expect_as(200)?;
    assert_eq!(
        (&known[0]["state"], &known[0]["declined_because"]),
        (&"declined".into(), &"no place before June".into())
    );
    server.stop().await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_withdrawn_holds_no_more() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa, baye) = (server.staff().await?, server.migrant("Awa").await?, server.migrant("Baye").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let referral = proposed(&awa).await?.swap_remove(0);
    let receipt = accept(&awa, &referral).await?;
    let kept = awa.caller.get("/mobile/consents").send().await?.expect(200);
    let kept = &kept["items"][0];
    assert_eq!((&kept["id"], &kept["institution"]), (&receipt["consent"], &"caisse-thies".into()));
    assert_eq!(kept["shared"][0], "family member's name");
    assert_eq!(kept["withdrawn_at"], Value::Null);
    assert_eq!(sent(&caisse).await?.len(), 1);

    let path = format!("/mobile/consents/{}/withdrawal", text(&receipt["consent"]));
    baye.caller.post(&path).send().await?.problem(404, "not-found");
    assert_eq!(baye.caller.get("/mobile/consents").send().await?.expect(200)["items"], json!([]));
    let withdrawn = awa.caller.post(&path).send().await?.expect(200);
    server.clock.advance(chrono::Duration::minutes(1));
    assert_eq!(awa.caller.post(&path).send().await?.expect(200), withdrawn, "said twice is said once");
    assert!(sent(&caisse).await?.is_empty());
    let opening = json!({ "account_number": "SN-0042-7781" });
    let account = format!("/partner/referrals/{}/account", text(&referral["id"]));
    caisse.caller.post(&account).json(&opening).send().await?.problem(404, "not-found");
    let kept = awa.caller.get("/mobile/consents").send().await?.expect(200);
    assert_eq!(kept["items"][0]["withdrawn_at"], withdrawn["withdrawn_at"]);
    server.stop().await
}
