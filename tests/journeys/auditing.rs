//! What an auditor asks of the past, and what cannot be answered.

use chrono::Duration;
use serde_json::Value;
use tests::Result;
use tests::server::{Answer, Auditor, NewQuote, TestServer};

async fn ask(auditor: &Auditor, path: &str) -> Result<Answer> {
    auditor.caller.get(&format!("/audit{path}")).send().await
}

async fn read(auditor: &Auditor, path: &str) -> Result<Value> {
    Ok(ask(auditor, path).await?.expect(200))
}

fn texts(list: &Value, field: &str) -> Vec<String> {
    let text = |item: &Value| item[field].as_str().map_or_else(|| item[field].to_string(), str::to_owned);
    list.as_array().into_iter().flatten().map(text).collect()
}

/// Two remittances of 101.50 EUR paid in, the first one paid out before the other came: three entries.
async fn with_a_past(server: &TestServer) -> Result<(Auditor, String)> {
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let first = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    caisse.claim().await?;
    caisse.confirm(first.id).await?.expect(200);
    server.clock.advance(Duration::minutes(1));
    awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    assert_eq!(server.head().await?, 3);
    Ok((staff.auditor(30).await?, first.id.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_the_book_as_it_was_at_any_moment() -> Result {
    let server = TestServer::start().await?;
    let (auditor, _) = with_a_past(&server).await?;
    let second = read(&auditor, "/entries/2").await?;
    let (time, today) = (&second["entry"]["booked_at"], &second["entry"]["effective_date"]);
    let (time, today) = (time.as_str().ok_or("a time")?, today.as_str().ok_or("a day")?);

    let bank = "/accounts/assets:pay-in:bank";
    let balance = async |moment: &str| -> Result<String> {
        let balance = read(&auditor, &format!("{bank}/balance?currency=EUR{moment}")).await?;
        Ok(balance["on_normal_side"]["amount"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(balance("").await?, "203.00");
    assert_eq!(balance("&at_least_sequence=3").await?, "203.00");
    assert_eq!(balance("&as_of_sequence=1").await?, "101.50");
    assert_eq!(balance(&format!("&known_at={time}")).await?, "101.50");
    assert_eq!(balance(&format!("&effective_date={today}")).await?, "203.00");
    assert_eq!(balance(&format!("&effective_date={today}&as_of_sequence=2")).await?, "101.50");
    let trial = read(&auditor, &format!("/trial-balance?known_at={time}&effective_date={today}")).await?;
    assert_eq!(trial["sequence"], 2);
    assert!(trial["differences"].as_array().into_iter().flatten().all(|sum| sum["minor"] == "0"));

    let tree = read(&auditor, "/accounts?under=liabilities&depth=1").await?;
    assert_eq!(
        texts(&tree["nodes"], "path"),
        ["liabilities", "liabilities", "liabilities:in-transit", "liabilities:payables"]
    );
    let page = ask(&auditor, "/accounts?depth=2&limit=2").await?;
    assert!(page.header("Link").contains("rel=\"next\""));
    let next = page.expect(200)["next"].as_str().ok_or("there is more")?.to_owned();
    let page = read(&auditor, &format!("/accounts?depth=2&limit=2&cursor={next}")).await?;
    assert_eq!(texts(&page["nodes"], "path"), ["equity", "equity"]);

    for moment in ["effective_date=2000-01-01", "known_at=2000-01-01T00:00:00Z"] {
        ask(&auditor, &format!("/trial-balance?{moment}")).await?.faulty("", "before-history");
    }
    ask(&auditor, "/trial-balance?known_at=9000-01-01T00:00:00Z").await?.faulty("", "not-yet");
    ask(&auditor, "/trial-balance?as_of_sequence=4").await?.faulty("as_of_sequence", "sequence-ahead");
    let two = format!("/trial-balance?as_of_sequence=1&known_at={time}");
    ask(&auditor, &two).await?.faulty("known_at", "one-moment");
    ask(&auditor, "/trial-balance?at_least_sequence=4").await?.problem(503, "unavailable");
    ask(&auditor, "/accounts?under=liabilities:groups").await?.faulty("", "filter");
    ask(&auditor, "/accounts?under=wallets").await?.faulty("under", "account-code");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_finds_entries_and_reads_one_whole() -> Result {
    let server = TestServer::start().await?;
    let (auditor, remittance) = with_a_past(&server).await?;
    let list = async |filter: &str| -> Result<Vec<String>> {
        Ok(texts(&read(&auditor, &format!("/entries{filter}")).await?["entries"], "sequence"))
    };
    assert_eq!(list("").await?, ["3", "2", "1"]);
    assert_eq!(list("?order=oldest-first&limit=2").await?, ["1", "2"]);
    assert_eq!(list(&format!("?subject={remittance}")).await?, ["2", "1"]);
    assert_eq!(list(&format!("?subject={remittance}&kind=remittance-paid-out")).await?, ["2"]);
    assert_eq!(list("?account=liabilities:payables").await?, ["2"]);
    assert_eq!(list("?account=revenue&as_of_sequence=1").await?, Vec::<String>::new());
    assert_eq!(list("?metadata=channel%3Dcard").await?, Vec::<String>::new());
    assert_eq!(list("?effective_from=2026-01-01&booked_from=2026-01-01&kind=remittance-funded").await?, ["3", "1"]);
    let first = read(&auditor, "/entries?limit=2").await?;
    let next = first["next"].as_str().ok_or("there is more")?;
    assert_eq!(list(&format!("?limit=2&cursor={next}")).await?, ["1"]);

    let whole = read(&auditor, "/entries/2").await?;
    assert_eq!(whole["entry"]["kind"], "remittance-paid-out");
    assert_eq!(whole["entry"]["reversed_by"], Value::Null);
    assert_eq!(whole["postings"].as_array().map(Vec::len), Some(6));
    let id = whole["entry"]["entry"].as_str().ok_or("an id")?;
    assert_eq!(read(&auditor, &format!("/entries/{id}")).await?, whole);

    ask(&auditor, "/entries?kind=remittance-funded").await?.faulty("", "filter");
    ask(&auditor, "/entries?kind=%00").await?.faulty("kind", "kind");
    ask(&auditor, "/entries?metadata=channel").await?.faulty("metadata", "fact");
    ask(&auditor, "/entries?booked_through=2000-01-01").await?.faulty("", "before-history");
    ask(&auditor, "/entries?cursor=3.9223372036854775807&order=oldest-first").await?.expect(200);
    ask(&auditor, "/entries?cursor=x").await?.faulty("cursor", "cursor");
    for nothing in ["4", "-1", "x", "00000000-0000-0000-0000-000000000000"] {
        ask(&auditor, &format!("/entries/{nothing}")).await?.problem(404, "not-found");
    }
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_the_statement_of_a_period_in_both_directions() -> Result {
    let server = TestServer::start().await?;
    let (auditor, _) = with_a_past(&server).await?;
    let path = |query: &str| format!("/accounts/assets:pay-in:bank/statement?currency=EUR{query}");
    let whole = read(&auditor, &path("")).await?;
    assert_eq!((&whole["opening"]["amount"], &whole["closing"]["amount"]), (&"0.00".into(), &"203.00".into()));
    assert_eq!(texts(&whole["lines"], "sequence"), ["1", "3"]);
    let today = whole["lines"][0]["effective_date"].as_str().ok_or("a day")?;
    for by in ["booked", "effective"] {
        let period = format!("&from={today}&through={today}&by={by}");
        let first = read(&auditor, &path(&format!("{period}&limit=1"))).await?;
        assert_eq!(texts(&first["lines"], "sequence"), ["1"]);
        assert_eq!(first["previous"], Value::Null);
        let next = first["next"].as_str().ok_or("there is more")?;
        let second = read(&auditor, &path(&format!("{period}&limit=1&cursor={next}"))).await?;
        assert_eq!((texts(&second["lines"], "sequence"), &second["next"]), (vec!["3".to_owned()], &Value::Null));
        assert_eq!(second["before"]["amount"], "101.50");
        let previous = second["previous"].as_str().ok_or("there is more")?;
        let back = read(&auditor, &path(&format!("{period}&limit=1&cursor={previous}"))).await?;
        assert_eq!(back["lines"], first["lines"]);
        let newest = read(&auditor, &path(&format!("{period}&limit=1&start=newest"))).await?;
        assert_eq!(newest["lines"], second["lines"]);
    }
    let part = read(&auditor, &path("&from_sequence=2&through_sequence=3")).await?;
    assert_eq!(
        (&part["opening"]["amount"], texts(&part["lines"], "sequence")),
        (&"101.50".into(), vec!["3".to_owned()])
    );

    ask(&auditor, &path(&format!("&from={today}"))).await?.faulty("from", "period");
    ask(&auditor, &path("&from=2000-01-01&through=2000-12-31")).await?.faulty("", "before-history");
    ask(&auditor, &path("&from_sequence=3&through_sequence=2")).await?.faulty("", "filter");
    ask(&auditor, &path("&from_sequence=1&through_sequence=4")).await?.faulty("as_of_sequence", "sequence-ahead");
    ask(&auditor, &path("&cursor=3.beside.2026-01-01.1.1")).await?.faulty("cursor", "cursor");
    server.stop().await
}
