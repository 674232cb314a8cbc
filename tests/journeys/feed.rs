//! Auditors follow the book: what is there, then what comes, each entry once.

use futures_util::StreamExt;
use serde_json::Value;
use tests::Result;
use tests::server::{Auditor, NewQuote, TestServer};

/// A stream of server-sent events that is read as it comes.
struct Events {
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Vec<u8>>> + Send>>,
    text: String,
}

impl Events {
    async fn open(auditor: &Auditor, query: &str, last: Option<i64>) -> Result<Self> {
        let mut request = auditor.caller.get(&format!("/audit/feed/stream{query}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", &last.to_string());
        }
        let response = request.open().await?;
        if response.status() != 200 {
            return Err(format!("{}", response.status()).into());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let body = response.bytes_stream().map(|piece| Ok(piece?.to_vec()));
        Ok(Self { body: Box::pin(body), text: String::new() })
    }

    /// The next entry; none at the end.
    async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let (id, data) = (field("id: "), field("data: "));
                self.text = rest.to_owned();
                if let (Some(id), Some(data)) = (id, data) {
                    let entry: Value = serde_json::from_str(&data)?;
                    assert_eq!(entry["sequence"].as_i64(), Some(id.parse()?), "the id is the place");
                    return Ok(Some(entry));
                }
                continue;
            }
            match self.body.next().await {
                Some(piece) => self.text.push_str(std::str::from_utf8(&piece?)?),
                None => return Ok(None),
            }
        }
    }

    async fn sequence(&mut self) -> Result<i64> {
        let entry = self.next().await?.ok_or("the stream ended")?;
        entry["sequence"].as_i64().ok_or_else(|| "an entry has a sequence".into())
    }
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

    let mut events = Events::open(&auditor, "", None).await?;
    assert_eq!(&events.next().await?.ok_or("an entry")?, entry);
    assert_eq!(events.sequence().await?, 2);
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    assert_eq!(events.sequence().await?, 3, "it comes as it is booked");
    drop(events);
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    // The header goes before the address, as browsers send it to the same address again.
    let mut again = Events::open(&auditor, "?after=1", Some(3)).await?;
    assert_eq!(again.sequence().await?, 4);
    let mut short = Events::open(&auditor, "?after=4&for_seconds=1", None).await?;
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
        open.push(Events::open(&auditor, "", None).await?);
    }
    let full = auditor.caller.get("/audit/feed/stream").send().await?;
    full.problem(429, "too-many-requests");
    assert_eq!(full.header("Retry-After"), "10");
    Events::open(&staff.auditor(30).await?, "", None).await?;
    open.pop();
    // A stream that nobody reads any more is noticed when it is written to, or when the connection is closed.
    let room =
        server.eventually("room for a stream", async || Ok(Events::open(&auditor, "?for_seconds=1", None).await.ok()));
    drop(room.await?);
    drop(open);
    server.stop().await
}
