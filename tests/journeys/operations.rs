//! What operations see on their own port.

use tests::Result;
use tests::server::{NewQuote, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_remittance_shows_in_the_metrics() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    for path in ["/health/live", "/health/ready"] {
        server.operations().get(path).send().await?.expect(200);
        // Not on the surfaces' port, and the surfaces are not here.
        server.anybody().get(path).send().await?.problem(404, "not-found");
    }
    assert_eq!(server.operations().get("/v1/public/corridors").send().await?.status, 404);

    let remittance = awa.funded(&NewQuote::default(), &caisse, &staff).await?;
    caisse.claim().await?;
    caisse.confirm(remittance.id).await?.expect(200);
    caisse.confirm(awa.id().await?).await?.problem(404, "not-found");
    let metrics = server.operations().get("/metrics").send().await?;
    assert_eq!(metrics.status, 200);
    let confirmation = "route=\"/v1/partner/payouts/{id}/confirmation\"";
    for line in [
        "teranga_ledger_batch_units_count 2".to_owned(),
        "teranga_ledger_batch_units_sum 2".to_owned(),
        "teranga_ledger_commit_seconds_count 2".to_owned(),
        "teranga_ledger_queue_length 0".to_owned(),
        "teranga_ledger_refused_units_total 0".to_owned(),
        format!("teranga_http_requests_total{{method=\"POST\",{confirmation},status=\"200\"}} 1"),
        format!("teranga_http_requests_total{{method=\"POST\",{confirmation},status=\"404\"}} 1"),
        format!("teranga_http_request_seconds_count{{{confirmation}}} 2"),
        // Debits are positive: euros were given for francs.
        "teranga_open_position_minor{currency=\"EUR\"} -10000".to_owned(),
        "teranga_open_position_minor{currency=\"XOF\"} 65596".to_owned(),
        "teranga_client_money_minor{currency=\"XOF\"} 65268".to_owned(),
        "teranga_safeguards_minor{currency=\"EUR\"} 10150".to_owned(),
        "teranga_safeguarding_holds 1".to_owned(),
    ] {
        assert!(metrics.text.lines().any(|found| found == line), "{line} is missing in\n{}", metrics.text);
    }
    server.stop().await
}
