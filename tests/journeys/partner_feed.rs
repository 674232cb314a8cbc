//! An institution follows what happens on its own accounts, and sees nothing of the others.

use chrono::Duration;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Events, NewQuote, Partner, TestServer};

async fn page(partner: &Partner, query: &str) -> Result<Value> {
    Ok(partner.caller.get(&format!("/partner/feed{query}")).send().await?.expect(200))
}

fn sequences(page: &Value) -> Vec<i64> {
    page["items"].as_array().into_iter().flatten().filter_map(|entry| entry["sequence"].as_i64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institution_follows_its_own_entries_alone() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let (thies, dakar) = (staff.institution("caisse-thies").await?, staff.institution("caisse-dakar").await?);
    assert_eq!(page(&thies, "").await?, json!({ "items": [], "next": 0, "more": false }));
    let mut events = Events::open(&thies.caller, "/partner/feed/stream", None).await?;

    let mut payouts = Vec::new();
    for partner in [&thies, &dakar, &thies] {
        let remittance = awa.funded(&NewQuote::default(), partner, &staff).await?;
        partner.claim().await?;
        partner.confirm(remittance.id).await?.expect(200);
        payouts.push(remittance.id.to_string());
    }
    // Each payout is an entry after that of its pay-in.
    let own = page(&thies, "").await?;
    assert_eq!((sequences(&own), &own["next"], &own["more"]), (vec![2, 6], &6.into(), &false.into()));
    assert_eq!(sequences(&page(&dakar, "").await?), [4]);
    let entry = &own["items"][0];
    assert_eq!((&entry["kind"], &entry["subject"]), (&"remittance-paid-out".into(), &json!(payouts[0])));
    let posting = &entry["postings"][0];
    assert_eq!(posting["account"], "liabilities:payables:caisse-thies");
    assert_eq!(posting["amount"], posting["balance"]);
    assert_eq!(entry["postings"].as_array().map(Vec::len), Some(1), "neither our fee nor our margin");
    assert_eq!((entry.get("metadata"), entry.get("description")), (None, None));

    let first = page(&thies, "?limit=1").await?;
    assert_eq!((sequences(&first), &first["next"], &first["more"]), (vec![2], &2.into(), &true.into()));
    let second = page(&thies, "?limit=1&after=2").await?;
    assert_eq!((sequences(&second), &second["more"]), (vec![6], &false.into()));
    assert_eq!(sequences(&page(&thies, "?after=4").await?), [6], "a place need not be one of its own");

    assert_eq!(&events.next().await?.ok_or("an entry")?, entry);
    assert_eq!(events.sequence().await?, 6);
    drop(events);
    let mut again = Events::open(&thies.caller, "/partner/feed/stream?after=0", Some(2)).await?;
    assert_eq!(again.sequence().await?, 6);
    let mut short = Events::open(&thies.caller, "/partner/feed/stream?after=6&for_seconds=1", None).await?;
    assert_eq!(short.next().await?, None);

    for path in ["/partner/feed", "/partner/feed/stream"] {
        server.anybody().get(path).send().await?.problem(401, "unauthenticated");
        thies.caller.get(&format!("{path}?after=-1")).send().await?.problem(422, "invalid-request");
    }
    for ahead in [6, 7, 1_000_000] {
        let empty = page(&thies, &format!("?after={ahead}")).await?;
        assert_eq!(empty, json!({ "items": [], "next": ahead, "more": false }), "not how far the book is");
    }
    let mut waiting = Events::open(&thies.caller, "/partner/feed/stream?after=1000000&for_seconds=1", None).await?;
    assert_eq!(waiting.next().await?, None);
    thies.caller.get("/partner/feed?limit=101").send().await?.faulty("limit", "limit");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_soon_after_the_last_credential_is_revoked_or_the_institution_suspended() -> Result {
    let server = TestServer::start().await?;
    let staff = server.staff().await?;
    let (thies, dakar) = (staff.institution("caisse-thies").await?, staff.institution("caisse-dakar").await?);
    let (mut first, mut second) = (
        Events::open(&thies.caller, "/partner/feed/stream", None).await?,
        Events::open(&dakar.caller, "/partner/feed/stream", None).await?,
    );
    let fresh = format!("/operator/institutions/{}/credentials", thies.id);
    let fresh = staff.caller.post(&fresh).send().await?.expect(201);
    let revoke = async |client: &str| {
        let path = format!("/operator/institutions/{}/credentials/{client}/revocation", thies.id);
        staff.caller.post(&path).send().await
    };
    let [old, new] = [thies.client_id(), fresh["client_id"].as_str().ok_or("a client")?];
    revoke(old).await?.expect(204);
    revoke(old).await?.expect(204);
    thies.ask_token().await?.problem(401, "wrong-credentials");
    page(&thies, "").await?;
    revoke(new).await?.expect(204);
    thies.caller.get("/partner/feed").send().await?.problem(401, "unauthenticated");
    revoke("00000000-0000-0000-0000-000000000000").await?.problem(404, "not-found");
    staff.advance(dakar.id, "suspension").await?.expect(200);
    let started = std::time::Instant::now();
    assert_eq!((first.next().await?, second.next().await?), (None, None));
    assert!(started.elapsed() < std::time::Duration::from_secs(15), "{:?}", started.elapsed());
    server.clock.advance(Duration::seconds(1));
    server.stop().await
}
