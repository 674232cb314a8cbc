//! How money that arrives finds its remittance, and what becomes of money that does not.

use serde_json::Value;
use tests::Result;
use tests::server::{NewQuote, Remittance, TestServer};

const HEADER: &str = "provider_reference,amount,currency,value_date,text\n";

/// The reasons why pay-ins wait, by the bank's reference.
fn reasons(pay_ins: &[Value]) -> Vec<(&str, &str)> {
    let mut reasons: Vec<_> = pay_ins
        .iter()
        .map(|one| (one["provider_reference"].as_str().unwrap_or_default(), one["reason"].as_str().unwrap_or_default()))
        .collect();
    reasons.sort_unstable();
    reasons
}

fn notification(entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
        <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"><BkToCstmrDbtCdtNtfctn>
        <GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-02T08:00:00Z</CreDtTm></GrpHdr>
        <Ntfctn><Id>N1</Id>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    )
}

fn entry(reference: &str, direction: &str, amount: &str, text: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
        <ValDt><Dt>2026-03-02</Dt></ValDt><AcctSvcrRef>{reference}</AcctSvcrRef>
        <NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
}

async fn states(awa: &tests::server::Migrant, remittances: &[Remittance]) -> Result<Vec<String>> {
    let mut states = Vec::new();
    for remittance in remittances {
        states.push(awa.remittance(remittance).await?.state);
    }
    Ok(states)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_file_is_matched_once_and_a_person_decides_on_the_rest() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let mut remittances = Vec::new();
    for _ in 0..4 {
        remittances.push(awa.accepted(&NewQuote::default(), &caisse).await?);
    }
    let [first, second, third, given_up] = &remittances[..] else { unreachable!("four were made") };
    awa.cancel(given_up).await?.expect(200);
    let bare = first.reference.replace('-', "").to_lowercase();
    let lines = format!(
        "{HEADER}A1,101.50,EUR,2026-03-02,\"virement /{bare}/, merci\"\n\
         A2,101.50,EUR,2026-03-02,pour maman\n\
         A3,50.00,EUR,2026-03-02,{second}\n\
         A4,101.50,EUR,2026-03-02,{given_up}\n\
         A5,101.50,EUR,2026-03-02,{unknown}\n",
        second = second.reference,
        given_up = given_up.reference,
        unknown = "TRG-00000-0000Q",
    );
    let taken = staff.file("csv", lines.as_str()).await?.expect(200);
    assert_eq!((&taken["matched"], &taken["unmatched"]), (&1.into(), &4.into()), "{taken}");
    assert_eq!(states(&awa, &remittances).await?, ["funded", "awaiting-funds", "awaiting-funds", "cancelled"]);
    let waiting = staff.pay_ins("unmatched").await?;
    let expected = [("A2", "no-reference"), ("A3", "wrong-amount"), ("A4", "not-awaited"), ("A5", "unknown-reference")];
    assert_eq!(reasons(&waiting), expected);

    // The same file again, under another key: nothing new comes of it.
    let head = server.head().await?;
    assert_eq!(staff.file("csv", lines.as_str()).await?.expect(200), taken);
    assert_eq!(server.head().await?, head);
    assert_eq!(server.number("select count(*) from remittance.pay_ins").await?, 5);

    let waits = |name: &str| waiting.iter().find(|one| one["provider_reference"] == name).expect("it waits");
    // Whoever wrote no reference is recognised by a person. What does not fit is not made to fit.
    let refused = staff.decide(waits("A3"), "match", &second.reference).await?;
    assert!(refused.problem(409, "wrong-state").contains("wrong-amount"));
    let matched = staff.decide(waits("A2"), "match", &third.reference).await?.expect(200);
    assert_eq!(matched["state"], "matched");
    for (name, whose) in [("A3", second), ("A4", given_up)] {
        let credited = staff.decide(waits(name), "credit", &whose.reference).await?.expect(200);
        assert_eq!(credited["state"], "credited");
    }
    staff.decide(waits("A2"), "credit", &second.reference).await?.problem(409, "wrong-state");
    staff.decide(waits("A5"), "credit", "TRG-00000-0000Q").await?.problem(404, "not-found");
    assert_eq!(states(&awa, &remittances).await?, ["funded", "awaiting-funds", "funded", "cancelled"]);
    assert_eq!(awa.wallet().await?, ["151.50 EUR"]);
    assert_eq!(reasons(&staff.pay_ins("unmatched").await?), [("A5", "unknown-reference")]);

    let taken = staff.file("csv", lines.as_str()).await?.expect(200);
    assert_eq!((&taken["matched"], &taken["credited"]), (&2.into(), &2.into()), "{taken}");
    let balances = staff.auditor(1).await?.balances().await?;
    assert_eq!(balances["assets:pay-in:bank"], ["354.50 EUR"]);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_notification_is_matched_and_its_debits_are_passed_over() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let first = awa.accepted(&NewQuote::default(), &caisse).await?;
    let second = awa.accepted(&NewQuote::default(), &caisse).await?;
    let file = notification(
        &[
            entry("B1", "CRDT", "101.5", &first.reference),
            entry("B2", "DBIT", "9.00", "account charges"),
            entry("B3", "CRDT", "101.50", "sans reference"),
        ]
        .concat(),
    );
    let taken = staff.file("camt.054", file.as_str()).await?.expect(200);
    let counts = [&taken["matched"], &taken["unmatched"], &taken["passed_over"]];
    assert_eq!(counts, [1, 1, 1], "{taken}");
    assert_eq!(awa.remittance(&first).await?.state, "funded");

    // The bank reports the first one again in a later file, and it changes nothing; the second one is new.
    let later = notification(
        &[entry("B1", "CRDT", "101.50", &first.reference), entry("B4", "CRDT", "101.50", &second.reference)].concat(),
    );
    let taken = staff.file("camt.054", later.as_str()).await?.expect(200);
    assert_eq!(taken["matched"], 2, "{taken}");
    assert_eq!(awa.remittance(&second).await?.state, "funded");
    assert_eq!(server.head().await?, 2);

    // Money that arrives a second time for the same remittance is set aside.
    let twice = staff.receive("B5", "101.50 EUR", &first.reference).await?.expect(201);
    assert_eq!((&twice["state"], &twice["reason"]), (&"unmatched".into(), &"not-awaited".into()));
    assert_eq!(server.head().await?, 2);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_file_is_refused_whole() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let remittance = awa.accepted(&NewQuote::default(), &caisse).await?;
    let good = format!("{HEADER}A1,101.50,EUR,2026-03-02,{}\n", remittance.reference);
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\">]>{}",
        notification(&entry("B1", "CRDT", "101.50", "&b;")).split_once("?>").map_or("", |(_, rest)| rest),
    );
    let unbalanced = notification(
        "<Ntry><Amt Ccy=\"EUR\">3.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
        <ValDt><Dt>2026-03-02</Dt></ValDt><AcctSvcrRef>B1</AcctSvcrRef><NtryDtls>
        <TxDtls><Amt Ccy=\"EUR\">1.00</Amt></TxDtls><TxDtls><Amt Ccy=\"EUR\">1.00</Amt></TxDtls></NtryDtls></Ntry>",
    );
    let faulty: [(&str, String, &str); 9] = [
        ("csv", format!("{good}A2,1.005,EUR,2026-03-02,x\n"), "line 3"),
        ("csv", format!("{good}A2,-1.00,EUR,2026-03-02,x\n"), "line 3"),
        ("csv", format!("{good}A2,1.00,EUX,2026-03-02,x\n"), "line 3"),
        ("csv", format!("{good}A1,1.00,EUR,2026-03-02,x\n"), "twice"),
        ("csv", format!("{good}A2,1.00,EUR,-9999-01-01,x\n"), "line 3"),
        ("camt.054", "this is no XML".to_owned(), "XML"),
        ("camt.054", notification("<Ntry>").replace("</Ntfctn>", ""), "XML"),
        ("camt.054", bomb, "document type"),
        ("camt.054", unbalanced, "sum"),
    ];
    for (form, file, what) in faulty {
        let detail = staff.file(form, file.as_str()).await?.problem(422, "file-refused");
        assert!(detail.contains(what), "{what} is not in {detail}");
    }
    assert_eq!(server.number("select count(*) from remittance.pay_ins").await?, 0);
    assert_eq!(server.head().await?, 0);

    // Files have a bound of their own, above that of other bodies.
    let filler = "x".repeat(500);
    let mut large = good;
    for number in 0..900 {
        large.push_str(&format!("C{number},1.00,EUR,2026-03-02,{filler}\n"));
    }
    let taken = staff.file("csv", large).await?.expect(200);
    assert_eq!((&taken["matched"], &taken["unmatched"]), (&1.into(), &900.into()));
    for form in ["csv", "camt.054"] {
        staff.file(form, vec![b' '; (10 << 20) + 1]).await?.problem(413, "too-large");
    }
    server.stop().await
}
