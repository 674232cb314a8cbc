//! Milestones: what is needed before money is released.

use coinvestment::{Error, MilestoneState, OwnerId, Party, PartyKind, ProjectState};
use diesel_async::SimpleAsyncConnection;
use ledger::{BasisPoints, Outcome};
use tests::book::{Result, euro};
use uuid::Uuid;

use crate::village::{INSTITUTION, Village, Waiting, does_not_apply};

#[tokio::test(flavor = "multi_thread")]
async fn one_party_that_approves_twice_releases_nothing() -> Result {
    let village = Village::new().await?;
    let project = village.funded(10_000).await?;
    let milestone = village.milestones.of(project.id).await?.remove(0).id;
    let institution = || Party::Institution(INSTITUTION.to_owned());

    let early = village.milestones.approve(institution(), milestone).await;
    assert!(matches!(early, Err(Error::WrongState { state: "planned", .. })));
    assert!(matches!(
        village.milestones.releasing(milestone, &Waiting::default()).await,
        Err(Error::WrongState { .. })
    ));
    village.milestones.report(village.owner, milestone, "a photograph").await?;
    village.milestones.approve(institution(), milestone).await?;
    let twice = village.milestones.approve(institution(), milestone).await?;
    assert_eq!(twice.approvals.len(), 1);
    assert!(matches!(
        village.milestones.releasing(milestone, &Waiting::default()).await,
        Err(Error::NotApproved { given: 1, needed: 2 })
    ));
    assert!(village.milestones.releases_due(10, &Waiting::default()).await?.is_empty());

    // Two of our own staff are one kind of party.
    village.milestones.approve(village.operator.clone(), milestone).await?;
    let again = village.milestones.approve(Party::Operator(Uuid::now_v7()), milestone).await?;
    let kinds: Vec<_> = again.approvals.iter().map(|approval| approval.kind).collect();
    assert_eq!(kinds.len(), 2);
    assert!(kinds.contains(&PartyKind::Institution) && kinds.contains(&PartyKind::Operator));
    village.ledger.post(village.milestones.releasing(milestone, &Waiting::default()).await?).await?;
    let after = village.milestones.approve(institution(), milestone).await?;
    assert_eq!((after.state, after.approvals.len()), (MilestoneState::Released, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_counts_the_approvals_again() -> Result {
    let village = Village::new().await?;
    let project = village.funded(10_000).await?;
    let unit = village.reach(&project, 1).await?;
    let head = village.head().await?;
    let mut owner = village.test.owner().await?;
    owner.batch_execute("delete from coinvestment.approvals where party_kind = 'operator'").await?;
    assert!(does_not_apply(&village.ledger.post(unit).await, "milestone-released"));
    assert_eq!(village.head().await?, head);
    assert_eq!(village.projects.get(project.id).await?.state, ProjectState::Funded);
    assert!(village.disbursements.of(INSTITUTION, 10).await?.is_empty());
    village.check_money(&project).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_reports_and_only_once_the_campaign_is_funded() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    let milestone = village.milestones.of(project.id).await?.remove(0).id;
    let early = village.milestones.report(village.owner, milestone, "already drilled").await;
    assert!(matches!(early, Err(Error::WrongState { thing: "project", state: "open", .. })));
    village.commit(&project, 10_000).await?;
    village.projects.close(village.owner, project.id).await?;
    let stranger = village.milestones.report(OwnerId::generate(), milestone, "drilled").await;
    assert!(matches!(stranger, Err(Error::NotFound("milestone"))));
    assert!(matches!(village.milestones.report(village.owner, milestone, " ").await, Err(Error::Text { .. })));
    let reported = village.milestones.report(village.owner, milestone, "drilled, 40 m").await?;
    assert_eq!((reported.state, reported.evidence.as_deref()), (MilestoneState::Reported, Some("drilled, 40 m")));
    assert_eq!(village.milestones.report(village.owner, milestone, "something else").await?, reported);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_was_left_behind_is_found_and_booked_once() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|draft| draft.milestones[0].share = BasisPoints::WHOLE).await;
    assert!(project.is_err(), "the shares come to more than the whole");
    let project = village
        .opened(|draft| {
            draft.milestones.truncate(1);
            draft.milestones[0].share = BasisPoints::WHOLE;
        })
        .await?;
    village.commit(&project, 12_345).await?;
    village.projects.close(village.owner, project.id).await?;
    let _unposted = village.reach(&project, 1).await?;
    // Two workers find it at the same time.
    let (one, two) = (
        village.milestones.releases_due(10, &Waiting::default()).await?,
        village.milestones.releases_due(10, &Waiting::default()).await?,
    );
    let answers = village.ledger.post_all(one.into_iter().chain(two).collect()).await?;
    let outcomes: Vec<_> = answers.into_iter().map(|answer| answer.map(|receipt| receipt.outcome)).collect();
    assert!(matches!(outcomes[..], [Ok(Outcome::Booked), Ok(Outcome::AlreadyBooked)]), "{outcomes:?}");
    assert!(village.milestones.releases_due(10, &Waiting::default()).await?.is_empty());
    assert_eq!(village.projects.get(project.id).await?.state, ProjectState::Completed);
    let states: Vec<String> = village.projects.history(project.id).await?.into_iter().map(|line| line.state).collect();
    assert_eq!(states, ["submitted", "vetted", "open", "funded", "in-progress", "completed"]);
    assert_eq!(village.disbursements.of(INSTITUTION, 10).await?[0].amount, euro(12_345));
    village.check_money(&project).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_waits_for_whoever_is_looked_at_and_for_nobody_else() -> Result {
    let village = Village::new().await?;
    let project = village.funded(10_000).await?;
    let _unposted = (village.reach(&project, 1).await?, village.reach(&project, 2).await?);
    let milestones = village.milestones.of(project.id).await?;
    let [drilled, pump] = &milestones[..] else { unreachable!("it has two steps") };
    let due = async |waiting: Vec<Uuid>| village.milestones.releases_due(1, &Waiting(waiting)).await;
    let refused = village.milestones.releasing(drilled.id, &Waiting(vec![village.owner.uuid()])).await;
    assert!(matches!(refused, Err(Error::UnderReview)));
    assert!(due(vec![village.owner.uuid()]).await?.is_empty());
    let supplier = Waiting(vec![drilled.id.uuid()]);
    assert!(matches!(village.milestones.releasing(drilled.id, &supplier).await, Err(Error::UnderReview)));
    let waiting = village.milestones.under_review(&[drilled.id, pump.id], &supplier).await?;
    assert_eq!(waiting.into_iter().collect::<Vec<_>>(), [drilled.id]);
    // Whichever comes first, the other one is found.
    for one in [drilled, pump] {
        assert_eq!(due(vec![one.id.uuid()]).await?.len(), 1);
    }
    village.ledger.post_all(due(supplier.0).await?).await?;
    let states: Vec<_> = village.milestones.of(project.id).await?.into_iter().map(|one| one.state).collect();
    assert_eq!(states, [MilestoneState::Reported, MilestoneState::Released]);
    // What is released is the unit that was booked, whoever is looked at now.
    let again = village.milestones.releasing(pump.id, &Waiting(vec![village.owner.uuid()])).await?;
    assert_eq!(village.ledger.post(again).await?.outcome, Outcome::AlreadyBooked);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn supplier_and_evidence_are_not_in_the_tables_in_clear() -> Result {
    use diesel_async::RunQueryDsl;
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let village = Village::new().await?;
    let project = village.funded(10_000).await?;
    village.ledger.post(village.reach(&project, 1).await?).await?;
    let text = "select encode(sealed_supplier || coalesce(sealed_evidence, ''), 'escape') || m::text as line
        from coinvestment.milestones m
        union all
        select d::text from coinvestment.disbursements d
        union all
        select h::text from coinvestment.project_history h";
    let mut owner = village.test.owner().await?;
    let lines: Vec<Line> = diesel::sql_query(text).load(&mut owner).await?;
    assert_eq!(lines.len(), 2 + 1 + 5);
    for Line { line } in lines {
        assert!(!line.contains("Moussa") && !line.contains("Awa") && !line.contains("photographs"), "{line}");
    }
    Ok(())
}
