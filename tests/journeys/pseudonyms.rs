//! One name for one person within a grant, in every answer, and back again.

use serde_json::{Value, json};
use tests::Result;
use tests::server::{Answer, Auditor, NewQuote, TestServer};

async fn ask(auditor: &Auditor, path: &str) -> Result<Answer> {
    auditor.caller.get(&format!("/audit{path}")).send().await
}

async fn read(auditor: &Auditor, path: &str) -> Result<Value> {
    Ok(ask(auditor, path).await?.expect(200))
}

/// The texts of a list's field.
fn texts(list: &Value, field: &str) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item[field].as_str().map(str::to_owned)).collect()
}

/// All accounts of the trial balance, in pages of two.
async fn accounts(auditor: &Auditor) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut page = read(auditor, "/trial-balance?limit=2").await?;
    loop {
        found.extend(texts(&page["balances"], "account"));
        let Some(next) = page["next"].as_str() else { return Ok(found) };
        page = read(auditor, &format!("/trial-balance?limit=2&cursor={next}")).await?;
        assert_eq!(page.get("differences"), None, "the sums stand on the first page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_exports_name_people_alike_and_are_asked_by_these_names() -> Result {
    let server = TestServer::start().await?;
    let staff = server.staff().await?;
    let caisse = staff.institution("caisse-thies").await?;
    let (awa, baye) = (server.migrant("Awa").await?, server.migrant("Baye").await?);
    for one in [&awa, &baye] {
        let remittance = one.funded(&NewQuote::default(), &caisse, &staff).await?;
        one.cancel(&remittance).await?.expect(200);
    }
    let (wallet, person) = (awa.wallet_account().await?, awa.id().await?.to_string());
    let auditor = staff.auditor_of(&json!({})).await?;

    let shown = accounts(&auditor).await?;
    let wallets: Vec<&String> = shown.iter().filter(|account| account.starts_with("liabilities:wallets:")).collect();
    assert_eq!(wallets.len(), 2);
    let export = ask(&auditor, "/exports/journal.jsonl").await?.text;
    assert!(wallets.iter().all(|wallet| export.contains(*wallet)), "one can be joined with the other");
    let subjects = texts(&read(&auditor, "/entries").await?["entries"], "subject");
    assert!(subjects.iter().all(|subject| export.contains(subject)));
    let tree = texts(&read(&auditor, "/accounts?under=liabilities:wallets&depth=1&limit=2").await?["nodes"], "path");
    assert_eq!(tree, ["liabilities:wallets".to_owned(), wallets[0].clone()]);
    let first = read(&auditor, "/accounts?under=liabilities:wallets&depth=1&limit=2").await?;
    let next = first["next"].as_str().ok_or("there is more")?;
    let rest = read(&auditor, &format!("/accounts?under=liabilities:wallets&depth=1&limit=2&cursor={next}")).await?;
    assert_eq!(texts(&rest["nodes"], "path"), [wallets[1].clone()]);

    // Back again.
    for wallet in &wallets {
        let balance = read(&auditor, &format!("/accounts/{wallet}/balance?currency=EUR")).await?;
        assert_eq!((&balance["account"], &balance["on_normal_side"]["amount"]), (&json!(wallet), &"101.50".into()));
        let statement = read(&auditor, &format!("/accounts/{wallet}/statement?currency=EUR")).await?;
        assert!(subjects.contains(&texts(&statement["lines"], "subject")[0]));
        let camt = ask(&auditor, &format!("/accounts/{wallet}/statement.camt053.xml?currency=EUR")).await?;
        assert_eq!(camt.status, 200);
        let entries = read(&auditor, &format!("/entries?account={wallet}")).await?;
        let about = texts(&entries["entries"], "subject");
        assert_eq!(about.len(), 1);
        let both = read(&auditor, &format!("/entries?subject={}", about[0])).await?;
        assert_eq!(both["entries"].as_array().map(Vec::len), Some(2), "the pay-in and the return");
        assert_eq!(read(&auditor, &format!("/accounts?under={wallet}")).await?["nodes"][0]["path"], json!(wallet));
    }

    // A real name is none here, and is not told by what is refused.
    for path in [
        format!("/accounts/{wallet}/balance?currency=EUR"),
        format!("/accounts/{wallet}/statement?currency=EUR"),
        "/accounts/liabilities:wallets:amina/balance?currency=EUR".to_owned(),
    ] {
        let told = ask(&auditor, &path).await?.problem(404, "not-found");
        assert!(told.contains(path.split('/').nth(2).unwrap_or_default()), "{told}");
    }
    ask(&auditor, &format!("/entries?account={wallet}")).await?.faulty("", "filter");
    ask(&auditor, &format!("/accounts?under={wallet}")).await?.faulty("", "filter");
    ask(&auditor, "/entries?metadata=channel%3Dcard").await?.problem(403, "outside-grant");
    for path in ["/trial-balance", "/entries", "/entries/2", "/feed", "/accounts?depth=6", "/journal.hledger"] {
        assert!(!ask(&auditor, path).await?.text.contains(&person), "{path}");
    }

    // A cursor is good under the grant that it was given to.
    let other = staff.auditor_of(&json!({})).await?;
    ask(&other, &format!("/accounts?under=liabilities&cursor={next}")).await?.faulty("cursor", "cursor");
    ask(&other, "/trial-balance?cursor=x").await?.faulty("cursor", "cursor");
    let named = staff.auditor_of(&json!({ "personal_data": true })).await?;
    assert!(accounts(&named).await?.contains(&wallet));
    assert_eq!(read(&named, &format!("/entries?account={wallet}")).await?["entries"].as_array().map(Vec::len), Some(1));
    server.stop().await
}
