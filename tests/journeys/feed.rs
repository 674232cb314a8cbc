//! Auditors follow the book: what is there, then what comes, each entry once.

use tests::Result;
use tests::server::{Auditor, Events, NewQuote, TestServer};

async fn follow(auditor: &Auditor, query: &str, last: Option<i64>) -> Result<Events> {
    Events::open(&auditor.caller, &format!("/audit/feed/stream{query}"), last).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_catches_up_goes_live_and_comes_back() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let auditor = staff.auditor(30).await?;
    let first = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;

    let page = auditor.caller.get("/audit/feed?limit=1").send().await?.expect(200);
    assert_eq!((page["next"].as_i64(), page["head"].as_i64()), (Some(1), Some(2)));
    let entry = &page["items"][0];
    assert_eq!(entry["kind"], "remittance-funded");
    assert_eq!(entry["subject"], first.id.to_string());
    assert_eq!(entry["postings"][0]["amount"]["amount"], "101.50");
    let rest = auditor.caller.get("/audit/feed?after=2").send().await?.expect(200);
    assert_eq!((rest["items"].as_array().map(Vec::len), rest["next"].as_i64()), (Some(0), Some(2)));

    let mut events = follow(&auditor, "", None).await?;
    assert_eq!(&events.next().await?.ok_or("an entry")?, entry);
    assert_eq!(events.sequence().await?, 2);
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    assert_eq!(events.sequence().await?, 3, "it comes as it is booked");
    drop(events);
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    // The header goes before the address, as browsers send it to the same address again.
    let mut again = follow(&auditor, "?after=1", Some(3)).await?;
    assert_eq!(again.sequence().await?, 4);
    let mut short = follow(&auditor, "?after=4&for_seconds=1", None).await?;
    assert_eq!(short.next().await?, None, "its time is over");

    // The server does not wait for those who follow.
    let stopping = std::time::Instant::now();
    let (stopped, ended) = tokio::join!(server.stop(), again.next());
    stopped?;
    assert_eq!(ended?, None);
    assert!(stopping.elapsed() < std::time::Duration::from_secs(10), "{:?}", stopping.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_and_only_for_those_who_may_read() -> Result {
    let server = TestServer::start().await?;
    let staff = server.staff().await?;
    let auditor = staff.auditor(30).await?;
    for path in ["/audit/feed", "/audit/feed/stream"] {
        server.anybody().get(path).send().await?.problem(401, "unauthenticated");
        staff.caller.get(path).send().await?.problem(401, "unauthenticated");
        auditor.caller.get(&format!("{path}?after=1")).send().await?.problem(422, "invalid-request");
        auditor.caller.get(&format!("{path}?after=-1")).send().await?.problem(422, "invalid-request");
    }
    auditor.caller.get("/audit/feed?limit=501").send().await?.problem(422, "invalid-request");
    let odd = auditor.caller.get("/audit/feed/stream").header("Last-Event-ID", "the last one");
    odd.send().await?.problem(422, "invalid-request");

    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(follow(&auditor, "", None).await?);
    }
    let full = auditor.caller.get("/audit/feed/stream").send().await?;
    full.problem(429, "too-many-requests");
    assert_eq!(full.header("Retry-After"), "10");
    follow(&staff.auditor(30).await?, "", None).await?;
    open.pop();
    // A stream that nobody reads any more is noticed when it is written to, or when the connection is closed.
    let room = server.eventually("room for a stream", async || Ok(follow(&auditor, "?for_seconds=1", None).await.ok()));
    drop(room.await?);
    drop(open);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_soon_after_the_grant_is_revoked_or_over() -> Result {
    let server = TestServer::start().await?;
    let staff = server.staff().await?;
    let (revoked, ending) = (staff.auditor(1).await?, staff.auditor(2).await?);
    let (mut first, mut second) = (follow(&revoked, "", None).await?, follow(&ending, "", None).await?);
    let path = format!("/operator/audit-grants/{}/revocation", revoked.grant());
    assert_eq!(staff.caller.post(&path).send().await?.expect(200)["state"], "revoked");
    assert_eq!(staff.caller.post(&path).send().await?.expect(200)["state"], "revoked");
    revoked.caller.get("/audit/feed").send().await?.problem(401, "unauthenticated");
    revoked.ask_token().await?.problem(401, "wrong-credentials");
    let started = std::time::Instant::now();
    assert_eq!(first.next().await?, None);
    assert!(started.elapsed() < std::time::Duration::from_secs(15), "{:?}", started.elapsed());
    server.clock.advance(chrono::Duration::days(2));
    assert_eq!(second.next().await?, None);

    let staff = server.staff().await?;
    let listed = staff.caller.get("/operator/audit-grants").send().await?.expect(200);
    let states: Vec<_> = listed["items"].as_array().into_iter().flatten().map(|grant| &grant["state"]).collect();
    assert_eq!(states, ["ended", "revoked"]);
    let nobody = "/operator/audit-grants/00000000-0000-0000-0000-000000000000/revocation";
    staff.caller.post(nobody).send().await?.problem(404, "not-found");
    server.stop().await
}
