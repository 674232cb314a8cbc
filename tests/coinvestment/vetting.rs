//! Who may say what of a project, and who sees it.

use coinvestment::{
    Acquaintance, ContributorId, Error, NewProject, OwnerId, Party, ProjectId, ProjectState, Standing, VettingDecision,
};
use tests::Result;

use crate::village::{INSTITUTION, Village, approval};

fn rejection() -> VettingDecision {
    VettingDecision::Reject { reason: "nobody asked the village".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_submission_answers_the_project_that_was_made_first() -> Result {
    let village = Village::new().await?;
    let first = village.submitted(|_| {}).await?;
    assert_eq!(first.state, ProjectState::Submitted);
    let mut other = village.draft();
    other.title = "Another name".to_owned();
    let other = NewProject::try_new(other, village.clock.now())?;
    assert_eq!(village.projects.submit(village.owner, first.id, other.clone()).await?, first);
    let stranger = village.projects.submit(OwnerId::generate(), first.id, other).await;
    assert!(matches!(stranger, Err(Error::NotFound("project"))));
    assert_eq!(village.milestones.of(first.id).await?.len(), 2);
    assert_eq!(village.projects.history(first.id).await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_institution_sees_nothing_and_decides_nothing() -> Result {
    let village = Village::new().await?;
    let project = village.submitted(|_| {}).await?;
    let vetted = village.projects.vet("caisse-dakar", project.id, approval()).await;
    assert!(matches!(vetted, Err(Error::NotFound("project"))));
    assert!(village.projects.for_institution("caisse-dakar", 10).await?.is_empty());
    assert_eq!(village.projects.for_institution(INSTITUTION, 10).await?, [project]);

    let project = village.funded(10_000).await?;
    let unit = village.reach(&project, 1).await?;
    let first = village.milestones.of(project.id).await?.remove(0);
    let approved = village.milestones.approve(Party::Institution("caisse-dakar".to_owned()), first.id).await;
    assert!(matches!(approved, Err(Error::NotFound("milestone"))));
    village.ledger.post(unit).await?;
    assert!(village.disbursements.of("caisse-dakar", 10).await?.is_empty());
    let ordered = village.disbursements.of(INSTITUTION, 10).await?.remove(0);
    let paid = village.disbursements.paid("caisse-dakar", ordered.id, "VIR-1").await;
    assert!(matches!(paid, Err(Error::NotFound("disbursement"))));
    assert_eq!(village.disbursements.of(INSTITUTION, 10).await?, [ordered]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_may_be_said_again_and_not_be_turned() -> Result {
    let village = Village::new().await?;
    let good = village.submitted(|_| {}).await?;
    let vetted = village.projects.vet(INSTITUTION, good.id, approval()).await?;
    assert_eq!((vetted.state, vetted.checklist.len()), (ProjectState::Vetted, 2));
    let again = VettingDecision::Approve { checklist: vec!["something else".to_owned()] };
    assert_eq!(village.projects.vet(INSTITUTION, good.id, again).await?, vetted);
    let turned = village.projects.vet(INSTITUTION, good.id, rejection()).await;
    assert!(matches!(turned, Err(Error::WrongState { state: "vetted", .. })));

    let bad = village.submitted(|_| {}).await?;
    let rejected = village.projects.vet(INSTITUTION, bad.id, rejection()).await?;
    assert_eq!(rejected.rejected_because.as_deref(), Some("nobody asked the village"));
    assert_eq!(village.projects.vet(INSTITUTION, bad.id, rejection()).await?, rejected);
    let turned = village.projects.vet(INSTITUTION, bad.id, approval()).await;
    assert!(matches!(turned, Err(Error::WrongState { state: "rejected", .. })));

    let empty = VettingDecision::Approve { checklist: Vec::new() };
    let faulty = village.projects.vet(INSTITUTION, bad.id, empty).await;
    assert!(matches!(faulty, Err(Error::Checklist { .. })));
    Ok(())
}

/// Somebody who is known so well and no better.
struct Known(Standing);

impl Acquaintance for Known {
    async fn standing(&self, _: ContributorId) -> std::result::Result<Standing, Error> {
        Ok(self.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_needs_a_name_and_a_stake_in_a_business_a_document() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    let check = async |standing| {
        let (contributor, amount) = (ContributorId::generate(), tests::book::euro(1));
        match village.commitments.check(project.id, contributor, amount, &Known(standing)).await {
            Err(Error::NotKnownEnough { needed }) => Some(needed),
            _ => None,
        }
    };
    assert_eq!(check(Standing::Reachable).await, Some(Standing::Named));
    assert_eq!(check(Standing::Named).await, None);
    // Businesses cannot hand themselves in yet.
    let business = diesel::sql_query("update coinvestment.projects set kind = 'business'");
    diesel_async::RunQueryDsl::execute(business, &mut village.test.owner().await?).await?;
    assert_eq!(check(Standing::Named).await, Some(Standing::Documented));
    assert_eq!(check(Standing::Documented).await, None);
    let remittance = uuid::Uuid::now_v7();
    let placing = village.commitments.placing(
        project.id,
        ContributorId::generate(),
        remittance,
        tests::book::euro(1),
        &Known(Standing::Named),
    );
    assert!(matches!(placing.await, Err(Error::NotKnownEnough { .. })));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_vetted_is_its_owners_and_its_institutions_alone() -> Result {
    let village = Village::new().await?;
    let project = village.submitted(|_| {}).await?;
    let hidden = |found: std::result::Result<_, Error>| matches!(found, Err(Error::NotFound("project")));
    assert!(hidden(village.projects.get(project.id).await.map(|_| ())));
    assert!(hidden(village.takes(project.id, tests::book::euro(1)).await));
    assert!(hidden(village.projects.open(OwnerId::generate(), project.id).await.map(|_| ())));
    assert!(hidden(village.projects.get(ProjectId::generate()).await.map(|_| ())));
    assert_eq!(village.projects.of_owner(village.owner).await?, std::slice::from_ref(&project));
    assert!(village.projects.of_owner(OwnerId::generate()).await?.is_empty());

    let unvetted = village.projects.open(village.owner, project.id).await;
    assert!(matches!(unvetted, Err(Error::WrongState { state: "submitted", .. })));
    village.projects.vet(INSTITUTION, project.id, approval()).await?;
    assert_eq!(village.projects.get(project.id).await?.state, ProjectState::Vetted);
    assert!(village.projects.open_projects(10).await?.is_empty());
    let opened = village.projects.open(village.owner, project.id).await?;
    assert_eq!(village.projects.open(village.owner, project.id).await?, opened);
    assert_eq!(village.projects.open_projects(10).await?, [opened]);
    Ok(())
}
