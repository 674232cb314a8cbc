//! From the registration to the money in the family's hands.

use std::collections::BTreeMap;

use tests::Result;
use tests::server::{Migrant, NewQuote, PASSWORD, TestServer};

pub fn book(lines: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    lines
        .iter()
        .map(|(account, amounts)| ((*account).to_owned(), amounts.iter().map(ToString::to_string).collect()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn awa_sends_a_hundred_euros_and_her_mother_is_paid() -> Result {
    let server = TestServer::start().await?;
    let staff = server.staff().await?;
    let caisse = staff.institution("caisse-thies").await?;
    let auditor = staff.auditor(30).await?;

    // She registers; the first code that she types is wrong.
    let awa = Migrant::new(server.anybody(), "Awa");
    awa.register().await?.expect(202);
    let code = server.code_for(awa.contact()).await?;
    awa.sign_in(PASSWORD).await?.problem(401, "unauthenticated");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    awa.confirm(wrong).await?.faulty("/code", "wrong-code");
    awa.confirm(&code).await?.expect(204);
    let awa = awa.signed_in().await?;
    assert_eq!(awa.me().await?["tier"], 0);

    // Before she says who she is, she may look and not send.
    let mother = awa.beneficiary("Fatou Ndiaye", "caisse-thies").await?;
    let quote = awa.quote(&NewQuote::default()).await?;
    awa.try_accept(quote.id, mother.id).await?.problem(403, "limit-reached");
    awa.state_identity().await?.expect(204);
    assert_eq!(awa.me().await?["tier"], 1);

    assert_eq!(quote.sent, "100.00 EUR");
    assert_eq!(quote.fee, "1.50 EUR");
    assert_eq!(quote.to_pay, "101.50 EUR");
    assert_eq!(quote.family, "100.00 EUR");
    assert_eq!(quote.received, "65268 XOF");
    assert_eq!((quote.mid_rate.as_str(), quote.rate.as_str()), ("655.957", "652.677215"));
    assert_eq!(quote.total_cost_percent, "2.00");
    let remittance = awa.accept(&quote, &mother).await?;
    assert_eq!(remittance.state, "awaiting-funds");
    assert_eq!(server.head().await?, 0, "nothing is booked before the money is there");
    assert!(caisse.claim().await?.is_empty(), "nor to be paid");

    let pay_in = staff.pay_in(&remittance).await?;
    assert_eq!((&pay_in["state"], &pay_in["remittance"]), (&"matched".into(), &remittance.id.to_string().into()));
    let funded = [("assets:pay-in:bank", &["101.50 EUR"][..]), ("liabilities:in-transit:eur-xof", &["101.50 EUR"])];
    assert_eq!(auditor.balances().await?, book(&funded));

    let payouts = caisse.claim().await?;
    assert_eq!(payouts.len(), 1);
    assert_eq!(payouts[0]["id"], remittance.id.to_string());
    assert_eq!(payouts[0]["beneficiary_name"], "Fatou Ndiaye");
    assert_eq!(payouts[0]["amount"]["amount"], "65268");
    assert!(caisse.claim().await?.is_empty(), "each payout is fetched once");
    assert_eq!(caisse.make_ready(remittance.id).await?.expect(200)["state"], "ready-for-pickup");
    assert_eq!(caisse.confirm(remittance.id).await?.expect(200)["state"], "paid-out");

    // Only now are fee and margin earned, and the institution is owed what it paid.
    let paid = [
        ("assets:pay-in:bank", &["101.50 EUR"][..]),
        ("equity:fx-position", &["100.00 EUR", "-65596 XOF"]),
        ("liabilities:payables:caisse-thies", &["65268 XOF"]),
        ("revenue:fees:eur-xof", &["1.50 EUR"]),
        ("revenue:fx-margin:eur-xof", &["328 XOF"]),
    ];
    assert_eq!(auditor.balances().await?, book(&paid));
    let history = awa.remittance(&remittance).await?;
    assert_eq!(history.history(), ["awaiting-funds", "funded", "submitted", "ready-for-pickup", "paid-out"]);

    let journal = auditor.caller.get("/audit/journal.hledger").send().await?;
    assert_eq!((journal.status, journal.header("Content-Type")), (200, "text/plain; charset=utf-8"));
    for line in ["commodity", "liabilities:payables:caisse-thies", "-65268 XOF", &remittance.reference] {
        assert!(journal.text.contains(line), "{line} is missing in {}", journal.text);
    }
    server.stop().await
}
