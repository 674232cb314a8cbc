//! Whoever is not sure asks again, with the same key, and nothing is done twice.

use diesel_async::SimpleAsyncConnection;
use serde_json::json;
use tests::Result;
use tests::server::{NewQuote, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_the_same_again_and_nothing_is_done_twice() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let (caisse, baye) = (staff.institution("caisse-thies").await?, server.migrant("Baye").await?);
    let fatou = awa.beneficiary("Fatou", "caisse-thies").await?;
    let quote = awa.quote(&NewQuote::default()).await?;
    let body = json!({ "quote": quote.id, "beneficiary": fatou.id });
    let accept = || awa.caller.post("/mobile/remittances").key("send-1").json(&body);
    let (first, second) = (accept().send().await?, accept().send().await?);
    assert_eq!((first.is_replayed(), second.is_replayed()), (false, true));
    assert_eq!((first.status, &first.text), (second.status, &second.text));
    assert_eq!(server.number("select count(*) from remittance.remittances").await?, 1);

    // Another request under the key, the key on another address, no key, a faulty key.
    let other = json!({ "quote": fatou.id, "beneficiary": fatou.id });
    let reused = awa.caller.post("/mobile/remittances").key("send-1").json(&other).send().await?;
    reused.problem(422, "idempotency-key-reused");
    let elsewhere = awa.caller.post("/mobile/quotes").key("send-1").json(NewQuote::default().json()).send().await?;
    elsewhere.problem(422, "idempotency-key-reused");
    let without = awa.caller.post("/mobile/remittances").without_key().json(&body).send().await?;
    without.problem(400, "idempotency-key-missing");
    for faulty in ["with blank", &"k".repeat(65)] {
        let answer = awa.caller.post("/mobile/remittances").key(faulty).json(&body).send().await?;
        answer.problem(400, "idempotency-key-missing");
    }
    // Keys are one's own: the same word of another person is another key.
    let his = baye.caller.post("/mobile/quotes").key("send-1").json(NewQuote::default().json()).send().await?;
    assert!(!his.is_replayed());
    his.expect(201);

    // A refused request leaves its key free.
    let unknown = json!({ "quote": fatou.id, "beneficiary": fatou.id });
    let refused = awa.caller.post("/mobile/remittances").key("send-2").json(&unknown).send().await?;
    refused.problem(404, "not-found");
    let free = awa.caller.post("/mobile/quotes").key("send-2").json(NewQuote::default().json()).send().await?;
    free.expect(201);

    let remittance: tests::server::Remittance = first.expect_as(201)?;
    staff.pay_in(&remittance).await?;
    caisse.claim().await?;
    let path = format!("/partner/payouts/{}/confirmation", remittance.id);
    for replayed in [false, true] {
        let paid = caisse.caller.post(&path).key("paid-1").send().await?;
        assert_eq!((paid.is_replayed(), &paid.body["state"]), (replayed, &"paid-out".into()));
    }
    caisse.caller.post(&path).key("paid-2").send().await?.expect(200);
    assert_eq!(server.head().await?, 2, "one entry for the pay-in, one for the payout");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_same_request_many_times_at_once_one_is_carried_out() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let remittance = awa.accepted(&NewQuote::default(), &caisse).await?;
    let pay_in = json!({
        "provider": "bank", "provider_reference": "B1", "value_date": "2026-03-02", "text": remittance.reference,
        "amount": { "amount": "101.50", "currency": "EUR" },
    });
    let one_key = futures_util::future::join_all(
        (0..8).map(|_| staff.caller.post("/operator/pay-ins").key("pay-in-1").json(&pay_in).send()),
    );
    let mut bodies = std::collections::BTreeSet::new();
    for answer in one_key.await {
        let answer = answer?;
        if answer.status == 409 {
            answer.problem(409, "still-running");
            assert_eq!(answer.header("Retry-After"), "1");
        } else {
            assert_eq!(answer.status, 201, "{}", answer.text);
            bodies.insert(answer.text);
        }
    }
    assert_eq!(bodies.len(), 1, "whoever was answered was answered the same");
    assert_eq!(server.head().await?, 1);

    // Each under a key of its own: the bank's name for the money still makes it one.
    let own_keys =
        futures_util::future::join_all((0..8).map(|_| staff.caller.post("/operator/pay-ins").json(&pay_in).send()));
    for answer in own_keys.await {
        assert_eq!(answer?.expect(201)["state"], "matched");
    }
    caisse.claim().await?;
    let confirmations = futures_util::future::join_all((0..8).map(|_| caisse.confirm(remittance.id)));
    for answer in confirmations.await {
        assert_eq!(answer?.expect(200)["state"], "paid-out");
    }
    // Out of eight who would accept one quote, one does.
    let quote = awa.quote(&NewQuote::default()).await?;
    let fatou = awa.beneficiary("Fatou", "caisse-thies").await?;
    let accepted = futures_util::future::join_all((0..8).map(|_| awa.try_accept(quote.id, fatou.id))).await;
    let made = accepted.iter().filter(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 201)).count();
    assert_eq!(made, 1);
    assert_eq!(server.head().await?, 2);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_claim_is_answered_with_what_it_took_even_when_its_answer_was_not_kept() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    for _ in 0..2 {
        awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    }
    let claim = || caisse.caller.post("/partner/payouts/claims").key("claim-1").json(&json!({ "limit": 1 })).send();
    let first = claim().await?.expect(200);
    // As a crash between the work and its answer leaves it.
    server.test.owner().await?.batch_execute("delete from api.idempotency_keys where key = 'claim-1'").await?;
    let again = claim().await?.expect(200);
    assert_eq!(again[0]["id"], first[0]["id"]);
    assert_eq!(server.number("select count(*) from remittance.remittances where state = 'submitted'").await?, 1);
    server.stop().await
}
