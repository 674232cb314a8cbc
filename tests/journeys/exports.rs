//! What an auditor takes home, and who is in it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::Result;
use tests::server::{Migrant, NewQuote, TestServer};

const FILES: [&str; 8] = [
    "journal.hledger",
    "journal.ledger",
    "journal.beancount",
    "gl_detail.csv",
    "trial_balance.csv",
    "chart_of_accounts.csv",
    "journal.jsonl",
    "postings.parquet",
];

/// A book in which somebody's money came back to their wallet; answers the wallet's account.
async fn with_a_wallet(server: &TestServer) -> Result<String> {
    let staff = server.staff().await?;
    let caisse = staff.institution("caisse-thies").await?;
    let awa: Migrant = server.migrant("Awa").await?;
    let remittance = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    awa.cancel(&remittance).await?.expect(200);
    awa.wallet_account().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_takes_the_book_home_in_every_format_and_nobody_is_named() -> Result {
    let server = TestServer::start().await?;
    let wallet = with_a_wallet(&server).await?;
    let person = wallet.rsplit(':').next().unwrap_or_default();
    let staff = server.staff().await?;
    let auditor = staff.auditor_of(&json!({})).await?;
    for file in FILES {
        let answer = auditor.caller.get(&format!("/audit/exports/{file}")).send().await?;
        assert_eq!(answer.status, 200, "{file}: {}", answer.text);
        assert!(answer.header("Content-Disposition").contains(file), "{file}");
        // In a journal for beancount the first letter of the id is a capital.
        assert!(!answer.text.contains(&person[1..]), "{file} names {person}");
    }
    let lines = auditor.caller.get("/audit/exports/journal.jsonl").send().await?.text;
    let manifest = auditor.caller.get("/audit/exports/journal.jsonl/manifest").send().await?.expect(200);
    let signed: Value = serde_json::from_str(manifest["manifest"].as_str().unwrap_or_default())?;
    let hash: String = Sha256::digest(&lines).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(signed["files"][0]["sha256"], hash.as_str());
    assert_eq!(signed["entries"], lines.lines().count());

    // What broke off goes on behind the last line that arrived.
    let rest = auditor.caller.get("/audit/exports/journal.jsonl?from_sequence=2").send().await?.text;
    assert_eq!(rest.lines().collect::<Vec<_>>(), lines.lines().skip(1).collect::<Vec<_>>());

    // Another auditor sees other pseudonyms.
    let other = staff.auditor_of(&json!({})).await?;
    assert_ne!(other.caller.get("/audit/exports/journal.jsonl").send().await?.text, lines);

    // Who may see people takes the book home as it is.
    let named = staff.auditor_of(&json!({ "personal_data": true })).await?;
    let as_they_are = named.caller.get("/audit/exports/journal.jsonl").send().await?.text;
    assert!(as_they_are.contains(person), "{as_they_are}");

    let statement = "/audit/accounts/assets:pay-in:bank/statement.camt053.xml?currency=EUR";
    let statement = auditor.caller.get(statement).send().await?;
    assert_eq!((statement.status, statement.header("Content-Type")), (200, "application/xml"));
    assert!(statement.text.contains("<Amt Ccy=\"EUR\">101.50</Amt><CdtDbtInd>CRDT</CdtDbtInd>"), "{}", statement.text);
    let named = format!("/audit/accounts/{wallet}/statement.camt053.xml?currency=EUR");
    auditor.caller.get(&named).send().await?.problem(404, "not-found");
    auditor.caller.get("/audit/exports/journal.pdf").send().await?.problem(404, "not-found");
    let ahead = auditor.caller.get("/audit/exports/journal.jsonl?to_sequence=99").send().await?;
    ahead.faulty("to_sequence", "sequence-ahead");
    let none = auditor.caller.get("/audit/exports/journal.jsonl?from_sequence=9&to_sequence=2").send().await?;
    none.faulty("from_sequence", "no-extent");
    server.stop().await
}
