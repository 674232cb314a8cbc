//! Co-investment: from an idea to the paid supplier, or to the money back.

use chrono::Duration;
use serde_json::{Value, json};
use tests::Result;
use tests::server::{Milestone, NewProject, NewQuote, Project, TestServer};

use crate::whole_path::book;

async fn public(server: &TestServer, project: &Project) -> Result<Project> {
    server.anybody().get(&format!("/public/projects/{}", project.id)).send().await?.expect_as(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_village_gets_its_well_by_parts_of_remittances() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let (moussa, caisse) = (server.migrant("Moussa").await?, staff.institution("caisse-thies").await?);

    let submitted = moussa.submit(&NewProject::at("caisse-thies")).await?;
    let hidden = server.anybody().get(&format!("/public/projects/{}", submitted.id)).send().await?;
    hidden.problem(404, "not-found");
    let to_vet: Vec<Project> = caisse.caller.get("/partner/projects").send().await?.expect_as(200)?;
    assert_eq!((to_vet.len(), to_vet[0].state.as_str()), (1, "submitted"));
    let early = awa.ask_quote(&NewQuote::default().giving(submitted.id, "20.00 EUR")).await?;
    early.problem(404, "not-found");
    assert_eq!(caisse.vet(&submitted).await?.expect(200)["state"], "vetted");
    let opening = format!("/mobile/projects/{}/opening", submitted.id);
    awa.caller.post(&opening).send().await?.problem(404, "not-found");
    let project: Project = moussa.caller.post(&opening).send().await?.expect_as(200)?;
    assert_eq!(project.state, "open");

    // 20 EUR of the 100, and of the next 100 a third, rounded to the cent.
    let parts = NewQuote::default().giving(project.id, "20.00 EUR");
    let quote = awa.quote(&parts).await?;
    assert_eq!(
        (&quote.family, &quote.received),
        (&tests::server::Money::of("80.00 EUR"), &tests::server::Money::of("52215 XOF"))
    );
    let first = awa.funded(&parts, &caisse, &staff).await?;
    let escrow = format!("liabilities:escrow:{}", project.id);
    let entry = [
        ("assets:pay-in:bank".to_owned(), 10_150),
        ("liabilities:in-transit:eur-xof".to_owned(), -8_150),
        (escrow.clone(), -2_000),
    ];
    assert_eq!(server.postings(first.id, "remittance-funded").await?, entry, "one entry for all parts");
    let shared = NewQuote::default().sharing(project.id, 3_333);
    let second = awa.funded(&shared, &caisse, &staff).await?;
    assert_eq!(second.allocations[0].amount, "33.33 EUR");
    let entry = server.postings(second.id, "remittance-funded").await?;
    assert!(entry.contains(&(escrow.clone(), -3_333)), "{entry:?}");
    assert_eq!(public(&server, &project).await?.raised, "53.33 EUR");

    moussa.close(&project).await?.expect(200);
    let project = public(&server, &project).await?;
    let amounts: Vec<_> = project.milestones.iter().flat_map(|one| &one.amount).map(ToString::to_string).collect();
    assert_eq!((project.state.as_str(), amounts), ("funded", vec!["32.00 EUR".to_owned(), "21.33 EUR".to_owned()]));
    assert_eq!(awa.commitments().await?.iter().filter(|(state, _)| state == "confirmed").count(), 2);

    // Nothing is released before both kinds of parties have seen what was reached.
    let [drilled, pump] = &project.milestones[..] else { unreachable!("it has two steps") };
    let caller = &moussa.caller;
    let report = |milestone: &Milestone| {
        let evidence = json!({ "evidence": "photographs and the invoice" });
        caller.post(&format!("/mobile/milestones/{}/report", milestone.id)).json(&evidence)
    };
    report(drilled).send().await?.expect(200);
    let approved = caisse.approve(drilled).await?;
    assert_eq!((approved.state.as_str(), approved.approvals.len()), ("reported", 1));
    assert_eq!(server.head().await?, 2);
    assert_eq!(staff.approve(drilled).await?.state, "released");
    assert_eq!(server.head().await?, 3);
    report(pump).send().await?.expect(200);
    staff.approve(pump).await?;
    assert_eq!(caisse.approve(pump).await?.state, "released");

    let ordered: Vec<Value> = caisse.caller.get("/partner/disbursements").send().await?.expect_as(200)?;
    assert_eq!(ordered.len(), 2);
    for (disbursement, supplier) in ordered.iter().zip(["Forages Moussa Diop", "Awa Fall"]) {
        assert!(ordered.iter().any(|one| one["supplier"] == supplier), "{supplier}");
        let id = disbursement["id"].as_str().unwrap_or_default();
        let paying = caisse.caller.post(&format!("/partner/disbursements/{id}/payment"));
        let paid = paying.json(&json!({ "reference": "V-2026-17" })).send().await?.expect(200);
        assert_eq!(paid["state"], "paid");
    }
    assert_eq!(public(&server, &project).await?.state, "completed");
    let auditor = staff.auditor(1).await?;
    let released = [
        ("assets:pay-in:bank", &["203.00 EUR"][..]),
        ("liabilities:in-transit:eur-xof", &["149.67 EUR"]),
        ("liabilities:payables:caisse-thies", &["53.33 EUR"]),
    ];
    assert_eq!(auditor.balances().await?, book(&released));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_fails_gives_every_cent_back() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let (moussa, caisse) = (server.migrant("Moussa").await?, staff.institution("caisse-thies").await?);
    let project = moussa.opened(&NewProject::at("caisse-thies"), &caisse).await?;
    let giving = |amount| NewQuote::default().giving(project.id, amount);
    awa.funded(&giving("20.00 EUR"), &caisse, &staff).await?;
    moussa.funded(&giving("29.99 EUR"), &caisse, &staff).await?;
    moussa.close(&project).await?.problem(409, "wrong-state");

    server.clock.advance(Duration::days(30));
    server
        .eventually("the return of the commitments", async || {
            let held = "select count(*) from coinvestment.commitments where state <> 'refunded'";
            Ok((server.number(held).await? == 0).then_some(()))
        })
        .await?;
    let (awa, moussa) = (awa.signed_in().await?, moussa.signed_in().await?);
    assert_eq!(
        (awa.wallet().await?, moussa.wallet().await?),
        (vec!["20.00 EUR".to_owned()], vec!["29.99 EUR".to_owned()])
    );
    assert_eq!(awa.commitments().await?, [("refunded".to_owned(), "20.00".to_owned())]);
    let (hers, his) = (awa.wallet_account().await?, moussa.wallet_account().await?);
    let returned = [
        ("assets:pay-in:bank", &["203.00 EUR"][..]),
        ("liabilities:in-transit:eur-xof", &["153.01 EUR"]),
        (hers.as_str(), &["20.00 EUR"]),
        (his.as_str(), &["29.99 EUR"]),
    ];
    assert_eq!(server.staff().await?.auditor(1).await?.balances().await?, book(&returned));
    let failed = public(&server, &project).await?;
    assert_eq!((failed.state.as_str(), failed.raised.to_string().as_str()), ("failed", "0.00 EUR"));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_closed_project_cannot_take_is_the_familys() -> Result {
    let server = TestServer::start().await?;
    let (staff, awa) = (server.staff().await?, server.migrant("Awa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let project = awa.opened(&NewProject::at("caisse-thies"), &caisse).await?;
    let late = awa.accepted(&NewQuote::default().giving(project.id, "20.00 EUR"), &caisse).await?;
    awa.funded(&NewQuote::default().giving(project.id, "50.00 EUR"), &caisse, &staff).await?;
    assert_eq!(awa.close(&project).await?.expect(200)["state"], "funded");

    staff.pay_in(&late).await?;
    let late = awa.remittance(&late).await?;
    assert_eq!((late.state.as_str(), late.received.to_string().as_str()), ("funded", "65268 XOF"));
    assert!(late.allocations.is_empty());
    let entry = [("assets:pay-in:bank".to_owned(), 10_150), ("liabilities:in-transit:eur-xof".to_owned(), -10_150)];
    assert_eq!(server.postings(late.id, "remittance-funded").await?, entry);
    assert_eq!(public(&server, &project).await?.raised, "50.00 EUR");
    server.stop().await
}
