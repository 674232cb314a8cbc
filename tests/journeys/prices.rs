//! What sending costs, on every corridor and from either side.

use chrono::Duration;
use tests::Result;
use tests::server::{NewQuote, TestServer};

const RATES: [(&str, &str); 2] = [("USD", "1.25"), ("MAD", "10.80")];

#[tokio::test(flavor = "multi_thread")]
async fn every_corridor_is_quoted_from_either_side() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    staff.set_rates(&RATES).await?;
    // Corridor, what is sent, the fee, what arrives: each computed by hand from config/corridors.toml.
    let by_hand = [
        ("eur-xof", "100.00 EUR", "1.50 EUR", "65268 XOF"),
        ("eur-mad", "100.00 EUR", "1.40 EUR", "1072.44 MAD"),
        ("usd-xof", "100.00 USD", "1.90 USD", "52057 XOF"),
        ("eur-eur", "100.00 EUR", "0.50 EUR", "100.00 EUR"),
        ("xof-xof", "100000 XOF", "900 XOF", "100000 XOF"),
        ("xof-xaf", "100000 XOF", "1400 XOF", "99750 XAF"),
    ];
    for (corridor, sent, fee, received) in by_hand {
        let forth = awa.quote(&NewQuote::sending(corridor, sent)).await?;
        assert_eq!(
            (&forth.fee, &forth.received),
            (&tests::server::Money::of(fee), &tests::server::Money::of(received))
        );
        assert_eq!(forth.sent, sent, "{corridor}");
        // The other side asks for what arrived: it is given exactly, and costs no more than was sent for it.
        let back = awa.quote(&NewQuote::receiving(corridor, received)).await?;
        assert_eq!(back.received, received, "{corridor}");
        assert_eq!(back.fee, fee, "{corridor}");
        let again = awa.quote(&NewQuote::sending(corridor, &back.sent.to_string())).await?;
        assert_eq!(again.received, received, "{corridor}: what it says to send brings what was asked for");
    }
    let corridors = server.anybody().get("/public/corridors").send().await?.expect(200);
    assert_eq!(corridors.as_array().map(Vec::len), Some(by_hand.len()));
    let price = server.anybody().get("/public/prices?corridor=eur-xof&amount=100.00").send().await?.expect(200);
    assert_eq!((&price["received"]["amount"], &price["total_cost_percent"]), (&"65268".into(), &"2.00".into()));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_rate_grows_stale_and_a_peg_does_not() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let to_morocco = NewQuote::sending("eur-mad", "100.00 EUR");
    awa.ask_quote(&to_morocco).await?.problem(409, "rate-stale");
    staff.set_rates(&RATES).await?;
    awa.quote(&to_morocco).await?;
    server.clock.advance(Duration::hours(24));
    awa.signed_in().await?.quote(&to_morocco).await?;

    server.clock.advance(Duration::hours(1));
    let awa = awa.signed_in().await?;
    let detail = awa.ask_quote(&to_morocco).await?.problem(409, "rate-stale");
    assert!(detail.contains("older than 24 h"), "{detail}");
    awa.ask_quote(&NewQuote::sending("usd-xof", "100.00 USD")).await?.problem(409, "rate-stale");
    let public = server.anybody().get("/public/prices?corridor=eur-mad&amount=100.00").send().await?;
    public.problem(409, "rate-stale");
    awa.quote(&NewQuote::default()).await?;
    awa.quote(&NewQuote::sending("xof-xaf", "100000 XOF")).await?;

    server.staff().await?.set_rates(&RATES).await?;
    awa.quote(&to_morocco).await?;
    server.stop().await
}
