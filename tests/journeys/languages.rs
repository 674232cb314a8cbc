//! People are spoken to in their language and called as they call themselves.

use reqwest::Method;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{NewQuote, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_in_the_readers_language_and_its_codes_in_none() -> Result {
    let server = TestServer::start().await?;
    let awa = server.migrant("Awa").await?;
    let faulty = NewQuote::sending("eur-xof", "100.005 EUR");
    let english = awa.caller.post("/mobile/quotes").json(faulty.json()).send().await?;
    english.faulty("/amount/amount", "amount");
    assert_eq!((english.header("Content-Language"), english.header("Vary")), ("en", "Accept-Language"));
    let ask = async |languages: &str, body: &Value| {
        awa.caller.post("/mobile/quotes").header("Accept-Language", languages).json(body).send().await
    };
    let french = ask("wo, fr-SN;q=0.9, en;q=0.5", faulty.json()).await?;
    french.faulty("/amount/amount", "amount");
    assert_eq!((french.header("Content-Language"), french.header("Vary")), ("fr", "Accept-Language"));
    assert_eq!(french.body["title"], "La requête contient des erreurs");
    let fault = french.body["errors"][0]["detail"].as_str().unwrap_or_default();
    assert!(fault.starts_with("un montant est un nombre décimal"), "{fault}");
    assert_eq!(french.body["detail"], format!("/amount/amount : {fault}"));

    let both = json!({ "corridor": "eur-xof", "side": "send", "amount": { "amount": "1.001", "currency": "EUR" },
        "family_minimum": { "amount": "1.00", "currency": "EUX" } });
    let spanish = ask("es", &both).await?;
    assert_eq!(spanish.body["detail"], "2 campos tienen errores; véase errors");
    assert_eq!(spanish.faults(), [("/amount/amount", "amount"), ("/family_minimum/currency", "currency")]);
    let arabic = awa.caller.get("/mobile/nothing").header("Accept-Language", "ar").send().await?;
    arabic.problem(404, "not-found");
    assert_eq!((arabic.header("Content-Language"), &arabic.body["title"]), ("ar", &json!("لا يوجد شيء كهذا هنا")));
    let unread = awa.caller.post("/mobile/quotes").header("Accept-Language", "pt").body("application/json", "{}");
    let unread = unread.send().await?;
    assert_eq!(unread.problem(400, "malformed-request"), unread.body["errors"][0]["detail"]);
    assert!(unread.body["errors"][0]["detail"].as_str().unwrap_or_default().starts_with("não é JSON"));
    let little = ask("ar", NewQuote::sending("eur-xof", "4.99 EUR").json()).await?;
    little.faulty("/amount", "amount-out-of-bounds");
    let detail = little.body["errors"][0]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("\u{2068}5.00 EUR\u{2069}") && detail.contains("8000.00 EUR"), "{detail}");
    let unknown = ask("wo, bm", faulty.json()).await?;
    assert_eq!((unknown.header("Content-Language"), &unknown.body["detail"]), ("en", &english.body["detail"]));

    let page = server.anybody().get("/public/problems/not-found").header("Accept-Language", "pt, en;q=0.1");
    let page = page.send().await?;
    assert_eq!((page.header("Content-Language"), page.header("Vary")), ("pt", "Accept-Language"));
    assert_eq!(page.expect(200)["title"], "Não há tal coisa aqui");
    server.stop().await
}

/// Names come in one piece: they are not cut into first and last ones, put into other letters, or into another order.
#[tokio::test(flavor = "multi_thread")]
async fn names_and_addresses_are_kept_as_given() -> Result {
    let server = TestServer::start().await?;
    let staff = server.staff().await?;
    let (awa, caisse) = (server.migrant("Awa").await?, staff.institution("caisse-thies").await?);
    let names = [
        "Suharto",
        "Maria do Céu Évora Tavares da Silva e Sá",
        "van der Berg-N'Diaye, Aïssatou",
        "محمد بن عبد الله ولد سيدي",
        "ߝߊ߬ߕߌ߬ߡߊ ߖߊ߰ߥߙߊ",
        "𞤀𞥄𞤥𞤭𞤲𞤢𞤼𞤵 𞤄𞤢𞥄",
        "Ó’Brien (née Mac Giolla)",
        "مريم Diop 李明",
    ];
    for name in names {
        let kept = awa.beneficiary(name, &caisse.code).await?;
        let listed = awa.caller.get("/mobile/beneficiaries").send().await?.expect(200);
        let listed: Vec<&Value> =
            listed.as_array().into_iter().flatten().filter(|one| one["id"] == json!(kept.id)).collect();
        assert_eq!(listed.iter().map(|one| &one["name"]).collect::<Vec<_>>(), [name]);
        let identity = json!({ "name": name, "birth_date": "1990-04-02", "address": "près du puits, Keur Mousseu\u{a0}2",
            "country": "SN" });
        awa.caller.request(Method::PUT, "/mobile/me/identity").json(&identity).send().await?.expect(204);
    }
    for (surface, document) in api::server::openapi_documents()? {
        for part in ["first_name", "last_name", "given_name", "family_name", "surname", "middle_name"] {
            // What a machine-readable zone prints is shown to staff as it is printed.
            let printed = surface == "operator" && ["surname", "given_name"].contains(&part);
            assert!(printed || !document.contains(part), "{surface} asks for a {part}");
        }
    }
    server.stop().await
}
