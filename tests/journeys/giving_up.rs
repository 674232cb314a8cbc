//! Ends before the payout: cancelled by the sender, rejected by the institution.

use chrono::Duration;
use serde_json::json;
use tests::Result;
use tests::server::{NewProject, NewQuote, TestServer};

use crate::whole_path::book;

#[tokio::test(flavor = "multi_thread")]
async fn a_remittance_that_is_not_paid_in_is_given_up_without_an_entry() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let remittance = awa.accepted(&NewQuote::default(), &caisse).await?;
    assert_eq!(awa.cancel(&remittance).await?.expect(200)["state"], "cancelled");
    // Again, under another key: it is what was asked for.
    assert_eq!(awa.cancel(&remittance).await?.expect(200)["state"], "cancelled");
    assert_eq!(awa.remittance(&remittance).await?.history(), ["awaiting-funds", "cancelled"]);
    assert_eq!(server.head().await?, 0);
    // What arrives all the same is set aside.
    assert_eq!(staff.pay_in(&remittance).await?["reason"], "not-awaited");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_remittance_returns_the_fee_and_the_projects_part_too() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let project = awa.opened(&NewProject::at("caisse-thies"), &caisse).await?;
    let remittance = awa.funded(&NewQuote::default().giving(project.id, "20.00 EUR"), &caisse, &staff).await?;
    let auditor = staff.auditor(1).await?;
    let escrow = format!("liabilities:escrow:{}", project.id);
    assert_eq!(auditor.balances().await?[&escrow], ["20.00 EUR"]);
    // It is on its way already: fetched by the institution, and not picked up yet.
    assert_eq!(caisse.claim().await?.len(), 1);

    server.clock.advance(Duration::minutes(30));
    let (awa, staff, caisse) = (awa.signed_in().await?, server.staff().await?, caisse.signed_in().await?);
    assert_eq!(awa.cancel(&remittance).await?.expect(200)["state"], "cancelled");
    let wallet = awa.wallet_account().await?;
    let returned = [("assets:pay-in:bank", &["101.50 EUR"][..]), (wallet.as_str(), &["101.50 EUR"])];
    assert_eq!(staff.auditor(1).await?.balances().await?, book(&returned));
    assert_eq!(awa.wallet().await?, ["101.50 EUR"]);
    assert_eq!(awa.commitments().await?, [("withdrawn".to_owned(), "20.00".to_owned())]);
    let open = server.anybody().get(&format!("/public/projects/{}", project.id)).send().await?.expect(200);
    assert_eq!(open["raised"]["amount"], "0.00");
    // The institution that comes to pay now is too late.
    caisse.confirm(remittance.id).await?.problem(409, "wrong-state");
    assert_eq!(staff.auditor(1).await?.balances().await?, book(&returned));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_half_an_hour_or_after_the_payout_nothing_is_cancelled() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let waiting = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    let paid = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    assert_eq!(caisse.claim().await?.len(), 2);
    caisse.confirm(paid.id).await?.expect(200);
    let head = server.head().await?;
    awa.cancel(&paid).await?.problem(409, "wrong-state");
    server.clock.advance(Duration::minutes(31));
    let awa = awa.signed_in().await?;
    awa.cancel(&waiting).await?.problem(409, "too-late-to-cancel");
    assert_eq!(server.head().await?, head);
    assert_eq!(awa.remittance(&waiting).await?.state, "submitted");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_payout_comes_back_to_the_wallet_with_its_fee() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let remittance = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    // What was not fetched is not there for the institution.
    caisse.reject(remittance.id, "name-differs").await?.problem(404, "not-found");
    assert_eq!(caisse.claim().await?.len(), 1);
    caisse.reject(remittance.id, "no-mood").await?.problem(400, "malformed-request");
    assert_eq!(caisse.reject(remittance.id, "name-differs").await?.expect(200)["state"], "refunded");
    assert_eq!(caisse.reject(remittance.id, "name-differs").await?.expect(200)["state"], "refunded");
    caisse.confirm(remittance.id).await?.problem(409, "wrong-state");

    assert_eq!(awa.wallet().await?, ["101.50 EUR"]);
    assert_eq!(awa.wallet_lines().await?, [("remittance-refunded".to_owned(), "101.50".to_owned())]);
    let history = awa.remittance(&remittance).await?;
    assert_eq!(history.history(), ["awaiting-funds", "funded", "submitted", "rejected", "refunded"]);
    let wallet = awa.wallet_account().await?;
    let returned = [("assets:pay-in:bank", &["101.50 EUR"][..]), (wallet.as_str(), &["101.50 EUR"])];
    let auditor = staff.auditor(1).await?;
    assert_eq!(auditor.balances().await?, book(&returned));
    let path = format!("/audit/accounts/{wallet}/statement?currency=EUR");
    let statement = auditor.caller.get(&path).send().await?.expect(200);
    assert_eq!(statement["lines"][0]["subject"], remittance.id.to_string());
    assert_eq!(statement["closing"]["amount"], "101.50");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_institution_holds_goes_back_and_nothing_new_is_sent_to_it() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let fetched = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    assert_eq!(caisse.claim().await?.len(), 1);
    let waiting = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    let give_back = async |reference: &str| {
        staff.caller.post("/operator/remittances/returns").json(&json!({ "reference": reference })).send().await
    };
    // While it is live, what it has fetched is its own to reject.
    give_back(&fetched.reference).await?.problem(409, "wrong-state");
    let beneficiary = awa.beneficiary("Fatou", "caisse-thies").await?;
    let quote = awa.quote(&NewQuote::default()).await?;
    staff.advance(caisse.id, "suspension").await?.expect(200);

    awa.try_accept(quote.id, beneficiary.id).await?.faulty("/institution", "institution-not-live");
    for remittance in [&fetched, &waiting, &waiting] {
        assert_eq!(give_back(&remittance.reference).await?.expect(200)["state"], "refunded");
    }
    give_back("TRG-00000-00000").await?.problem(404, "not-found");
    assert_eq!(awa.wallet().await?, ["203.00 EUR"]);
    let wallet = awa.wallet_account().await?;
    let everything = [("assets:pay-in:bank", &["203.00 EUR"][..]), (wallet.as_str(), &["203.00 EUR"])];
    assert_eq!(staff.auditor(1).await?.balances().await?, book(&everything));
    // Launched again, it is too late for both.
    staff.advance(caisse.id, "launch").await?.expect(200);
    caisse.confirm(fetched.id).await?.problem(409, "wrong-state");
    server.stop().await
}
