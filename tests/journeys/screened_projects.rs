//! A project whose owner or supplier may be on a list: its money waits in escrow.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::Result;
use tests::server::{Migrant, Milestone, NewProject, NewQuote, Project, Staff, TestServer};

use crate::screening::{UN, cases, decide, load};

async fn report(owner: &Migrant, milestone: &Milestone) -> Result<tests::server::Answer> {
    let evidence = json!({ "evidence": "photographs and the invoice" });
    owner.caller.post(&format!("/mobile/milestones/{}/report", milestone.id)).json(&evidence).send().await
}

/// The suppliers of the milestones that wait, and whether somebody is looked at.
async fn waiting(staff: &Staff) -> Result<BTreeMap<String, bool>> {
    let waiting: Vec<Value> = staff.caller.get("/operator/milestones").send().await?.expect_as(200)?;
    let told = |one: &Value| (one["supplier"].as_str().unwrap_or_default().to_owned(), one["under_review"] == true);
    Ok(waiting.iter().map(told).collect())
}

async fn public(server: &TestServer, project: &Project) -> Result<Project> {
    server.anybody().get(&format!("/public/projects/{}", project.id)).send().await?.expect_as(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_who_may_be_on_a_list_is_not_paid_before_somebody_looked() -> Result {
    let server = TestServer::start().await?;
    let (staff, moussa) = (server.staff().await?, server.migrant("Moussa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    load(&staff, "un", "un-xml", UN).await?.expect(200);
    let mut wish = NewProject::at("caisse-thies").json();
    wish["milestones"][0]["supplier"] = "Kassoum Tambadou".into();
    let project: Project = moussa.caller.post("/mobile/projects").json(&wish).send().await?.expect_as(201)?;
    let case = cases(&staff, "").await?.pop().ok_or("a case of the supplier")?;
    assert_eq!(case["subject"]["name"], "Kassoum Tambadou");
    assert_eq!(case["subject"]["owner"], json!(moussa.id().await?));
    caisse.vet(&project).await?.expect(200);
    moussa.caller.post(&format!("/mobile/projects/{}/opening", project.id)).send().await?.expect(200);
    moussa.funded(&NewQuote::default().giving(project.id, "50.00 EUR"), &caisse, &staff).await?;
    moussa.close(&project).await?.expect(200);
    for milestone in &project.milestones {
        report(&moussa, milestone).await?.expect(200);
    }
    assert_eq!(
        waiting(&staff).await?,
        BTreeMap::from([("Kassoum Tambadou".to_owned(), true), ("Awa Fall".to_owned(), false)])
    );

    let head = server.head().await?;
    for milestone in &project.milestones {
        caisse.approve(milestone).await?;
    }
    let [held, other] = &project.milestones[..] else { unreachable!("it has two steps") };
    let approved = staff.approve(held).await?;
    assert_eq!((approved.state.as_str(), approved.approvals.len()), ("reported", 2));
    assert_eq!(staff.approve(other).await?.state, "released");
    assert_eq!(server.head().await?, head + 1, "one waits and the other goes on");
    decide(&staff, &case, "clearance", "a firm of that name").await?.expect(200);
    server
        .eventually("the release of what waited", async || {
            Ok((public(&server, &project).await?.state == "completed").then_some(()))
        })
        .await?;
    assert_eq!(server.head().await?, head + 2);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_may_be_on_a_list_draws_no_money() -> Result {
    let server = TestServer::start().await?;
    let (staff, moussa) = (server.staff().await?, server.migrant("Moussa").await?);
    let caisse = staff.institution("caisse-thies").await?;
    let project = moussa.opened(&NewProject::at("caisse-thies"), &caisse).await?;
    moussa.funded(&NewQuote::default().giving(project.id, "50.00 EUR"), &caisse, &staff).await?;
    load(&staff, "un", "un-xml", UN).await?.expect(200);
    let identity = |name: &str| json!({ "name": name, "birth_date": "1971-04-23", "address": "Lyon", "country": "FR" });
    let state = async |name: &str| {
        moussa.caller.request(reqwest::Method::PUT, "/mobile/me/identity").json(&identity(name)).send().await
    };
    state("Kassoum Tambadou").await?.expect(204);
    moussa.close(&project).await?.problem(403, "under-review");
    let clear = async |case: &Value| decide(&staff, case, "clearance", "another birth place").await;
    let case = cases(&staff, "").await?.pop().ok_or("a case of the owner")?;
    clear(&case).await?.expect(200);
    moussa.close(&project).await?.expect(200);

    let [first, second] = &project.milestones[..] else { unreachable!("it has two steps") };
    report(&moussa, first).await?.expect(200);
    state("Qassim Tambadu").await?.expect(204);
    report(&moussa, second).await?.problem(403, "under-review");
    caisse.approve(first).await?;
    assert_eq!(staff.approve(first).await?.state, "reported");
    assert_eq!(waiting(&staff).await?, BTreeMap::from([("Forages Moussa Diop".to_owned(), true)]));
    let case = cases(&staff, "").await?.pop().ok_or("a case of the other name")?;
    clear(&case).await?.expect(200);
    server
        .eventually("the release of what waited", async || {
            Ok((public(&server, &project).await?.milestones[0].state == "released").then_some(()))
        })
        .await?;
    report(&moussa, second).await?.expect(200);
    server.stop().await
}
