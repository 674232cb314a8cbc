//! A campaign from its first commitment to its end, with the money at each step.

use std::collections::BTreeSet;

use chrono::Duration;
use coinvestment::{CommitmentState, DisbursementState, Error, MilestoneState, OwnerId, ProjectEvent, ProjectState};
use ledger::{Currency, Entry, EntryKind, IdempotencyKey, Money, Outcome, UnitOfWork};
use tests::book::{Result, account, euro};
use uuid::Uuid;

use crate::village::{BANK, INSTITUTION, Village, WellKnown, does_not_apply};

const PAYABLES: &str = "liabilities:payables:caisse-thies";

#[tokio::test(flavor = "multi_thread")]
async fn a_village_gets_its_well() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;

    let (awa, _) = village.commit(&project, 6_001).await?;
    let early = village.projects.close(village.owner, project.id).await;
    assert!(matches!(early, Err(Error::BelowMinimum { raised, .. }) if raised == euro(6_001)));
    let (babacar, _) = village.commit(&project, 5_002).await?;
    assert_eq!(village.escrow(&project).await?, 11_003);
    assert_eq!(village.balance(BANK).await?, 11_003);
    assert_eq!(village.projects.get(project.id).await?.raised, euro(11_003));
    village.check_money(&project).await?;
    let own = village.commitments.of(awa).await?;
    assert_eq!((own.len(), own[0].amount, own[0].state), (1, euro(6_001), CommitmentState::Held));

    assert!(matches!(village.projects.close(OwnerId::generate(), project.id).await, Err(Error::NotFound("project"))));
    let funded = village.projects.close(village.owner, project.id).await?;
    assert_eq!((funded.state, funded.raised), (ProjectState::Funded, euro(11_003)));
    assert_eq!(village.projects.close(village.owner, project.id).await?, funded);
    assert_eq!(village.commitments.of(babacar).await?[0].state, CommitmentState::Confirmed);
    // 6601.8 and 4401.2 cents.
    let amounts: Vec<_> = village.milestones.of(project.id).await?.iter().map(|milestone| milestone.amount).collect();
    assert_eq!(amounts, [Some(euro(6_602)), Some(euro(4_401))]);
    village.check_money(&project).await?;

    let drilled = village.reach(&project, 1).await?;
    village.ledger.post(drilled.clone()).await?;
    assert_eq!((village.escrow(&project).await?, village.balance(PAYABLES).await?), (4_401, 6_602));
    assert_eq!(village.projects.get(project.id).await?.state, ProjectState::InProgress);
    assert_eq!(village.commitments.of(awa).await?[0].state, CommitmentState::Invested);
    village.check_money(&project).await?;
    assert_eq!(village.ledger.post(drilled).await?.outcome, Outcome::AlreadyBooked);

    let ordered = village.disbursements.of(INSTITUTION, 10).await?;
    let [order] = &ordered[..] else { panic!("one disbursement, not {ordered:?}") };
    assert_eq!((order.amount, order.supplier.as_str()), (euro(6_602), "Forages Moussa Diop"));
    let paid = village.disbursements.paid(INSTITUTION, order.id, "VIR-2026-17").await?;
    assert_eq!((paid.state, paid.reference.as_deref()), (DisbursementState::Paid, Some("VIR-2026-17")));
    assert_eq!(village.disbursements.paid(INSTITUTION, order.id, "another").await?, paid);

    village.ledger.post(village.reach(&project, 2).await?).await?;
    assert_eq!((village.escrow(&project).await?, village.balance(PAYABLES).await?), (0, 11_003));
    assert_eq!(village.projects.get(project.id).await?.state, ProjectState::Completed);
    village.check_money(&project).await?;
    let states: Vec<_> = village.disbursements.of(INSTITUTION, 10).await?.iter().map(|order| order.state).collect();
    assert_eq!(states, [DisbursementState::Ordered, DisbursementState::Paid]);

    let released: Vec<_> = village.milestones.of(project.id).await?.iter().map(|milestone| milestone.state).collect();
    assert_eq!(released, [MilestoneState::Released; 2]);
    assert_eq!(village.ledger.verify(|_, _| {}).await?.first_difference(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_goes_only_where_the_table_of_transitions_goes() -> Result {
    let village = Village::new().await?;
    let completed = village.funded(10_000).await?;
    let units = vec![village.reach(&completed, 2).await?, village.reach(&completed, 1).await?];
    // Both tranches in one batch: the project begins and finishes at once.
    assert!(village.ledger.post_all(units).await?.iter().all(std::result::Result::is_ok));
    let failed = village.opened(|_| {}).await?;
    village.clock.advance(Duration::days(31));
    village.projects.end_due().await?;

    let next: BTreeSet<(&str, &str)> = ProjectState::ALL
        .into_iter()
        .flat_map(|state| ProjectEvent::ALL.map(|event| (state, event)))
        .filter_map(|(state, event)| Some((state.word(), state.after(event).ok()?.word())))
        .collect();
    for (project, length) in [(&completed, 6), (&failed, 4)] {
        let history = village.projects.history(project.id).await?;
        assert_eq!(history.len(), length, "{history:?}");
        assert!(history.windows(2).all(|pair| next.contains(&(&pair[0].state, &pair[1].state))), "{history:?}");
        let moved = history.iter().filter(|line| line.entry.is_some()).count();
        assert_eq!(moved, if project.id == completed.id { 2 } else { 0 });
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_ends_at_its_deadline_by_itself() -> Result {
    let village = Village::new().await?;
    let enough = village.opened(|_| {}).await?;
    village.commit(&enough, 10_000).await?;
    let too_little = village.opened(|_| {}).await?;
    village.commit(&too_little, 9_999).await?;
    let longer = village.opened(|draft| draft.deadline += Duration::days(1)).await?;
    assert_eq!(village.projects.end_due().await?, 0);
    village.clock.advance(Duration::days(30));
    // The deadline has come and nobody has ended them yet: they take nothing, and nobody is shown them.
    assert!(matches!(village.takes(enough.id, euro(1)).await, Err(Error::DeadlinePassed(_))));
    assert_eq!(village.projects.open_projects(10).await?.len(), 1);
    assert_eq!(village.projects.end_due().await?, 2);
    assert_eq!(village.projects.end_due().await?, 0);
    assert_eq!(village.projects.get(enough.id).await?.state, ProjectState::Funded);
    assert_eq!(village.projects.get(too_little.id).await?.state, ProjectState::Failed);
    assert_eq!(village.projects.get(longer.id).await?.state, ProjectState::Open);
    assert!(village.milestones.of(enough.id).await?.iter().all(|milestone| milestone.amount.is_some()));
    village.check_money(&enough).await?;
    village.check_money(&too_little).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_project_does_not_take_is_told_before() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    village.commit(&project, 15_000).await?;
    let check = |amount| village.takes(project.id, amount);
    assert!(check(euro(5_000)).await.is_ok());
    assert!(matches!(check(euro(5_001)).await, Err(Error::BeyondMaximum { left }) if left == euro(5_000)));
    assert!(matches!(check(euro(0)).await, Err(Error::NotPositive)));
    assert!(matches!(check(Money::from_minor(1, Currency::XOF)).await, Err(Error::WrongCurrency { .. })));
    village.projects.close(village.owner, project.id).await?;
    assert!(matches!(check(euro(1)).await, Err(Error::NotOpen { state: ProjectState::Funded })));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_and_came_too_late_books_nothing() -> Result {
    let village = Village::new().await?;
    let contributor = coinvestment::ContributorId::generate();
    let (closed, over, full) =
        (village.opened(|_| {}).await?, village.opened(|_| {}).await?, village.opened(|_| {}).await?);
    village.commit(&closed, 10_000).await?;
    let mut late = Vec::new();
    for project in [&closed, &over, &full] {
        late.push(village.committing(project.id, contributor, Uuid::now_v7(), 10_000).await?);
    }
    village.projects.close(village.owner, closed.id).await?;
    village.commit(&full, 10_001).await?;
    let head = village.head().await?;
    let answer = village.ledger.post(late.remove(2)).await;
    assert!(does_not_apply(&answer, "project-committed"));
    village.clock.advance(Duration::days(30));
    for answer in village.ledger.post_all(late).await? {
        assert!(does_not_apply(&answer, "project-committed"));
    }
    assert_eq!(village.head().await?, head);
    assert!(village.commitments.of(contributor).await?.is_empty());
    for project in [&closed, &over, &full] {
        village.check_money(project).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remittance_with_two_projects_is_placed_in_both_or_in_none() -> Result {
    let village = Village::new().await?;
    let contributor = coinvestment::ContributorId::generate();
    let well = village.opened(|_| {}).await?;
    let school = village.opened(|draft| draft.title = "A roof for the school".to_owned()).await?;
    let remittance = Uuid::now_v7();
    let mut entry =
        Entry::builder(EntryKind::new("remittance-funded"), village.ledger.today()).debit(account(BANK), euro(15_000));
    let mut effects = Vec::new();
    for (project, cents) in [(&well, 10_000), (&school, 5_000)] {
        let placing = village.commitments.placing(project.id, contributor, remittance, euro(cents), &WellKnown).await?;
        entry = entry.credit(placing.account, euro(cents));
        effects.push(placing.effect);
    }
    let unit = UnitOfWork::new(IdempotencyKey::derived(remittance, "fund"), entry.build()?);
    let unit = effects.into_iter().fold(unit, UnitOfWork::causing);

    village.commit(&school, 15_001).await?;
    assert!(does_not_apply(&village.ledger.post(unit.clone()).await, "project-committed"));
    assert_eq!(village.projects.get(well.id).await?.raised, euro(0));
    assert!(village.commitments.of(contributor).await?.is_empty());

    village.check_money(&well).await?;
    village.check_money(&school).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_funding_that_is_asked_for_again_is_the_same_unit_even_when_nothing_is_left() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    let (contributor, remittance) = village.commit(&project, 20_000).await?;
    let again = village.committing(project.id, contributor, remittance, 20_000).await?;
    assert_eq!(village.ledger.post(again).await?.outcome, Outcome::AlreadyBooked);
    let other = village.commitments.placing(project.id, contributor, remittance, euro(1), &WellKnown).await;
    assert!(matches!(other, Err(Error::BeyondMaximum { .. })));
    assert_eq!(village.commitments.of(contributor).await?.len(), 1);
    village.check_money(&project).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_remittance_takes_back_what_is_held_in_a_running_campaign() -> Result {
    let village = Village::new().await?;
    let running = village.opened(|_| {}).await?;
    let (contributor, remittance) = village.commit(&running, 7_000).await?;
    village.commit(&running, 10_000).await?;
    let withdrawing = village.commitments.withdrawing(remittance).await?;
    let [back] = &withdrawing[..] else { panic!("one commitment, not {withdrawing:?}") };
    assert_eq!((back.project, back.amount), (running.id, euro(7_000)));
    let wallet = format!("liabilities:wallets:{contributor}");
    let entry = Entry::builder(EntryKind::new("remittance-cancelled"), village.ledger.today())
        .debit(back.account.clone(), back.amount)
        .credit(account(&wallet), back.amount)
        .build()?;
    let cancel = |purpose: &str| {
        UnitOfWork::new(IdempotencyKey::derived(remittance, purpose), entry.clone()).causing(back.effect.clone())
    };
    village.ledger.post(cancel("cancel")).await?;
    assert_eq!((village.balance(&wallet).await?, village.escrow(&running).await?), (7_000, 10_000));
    assert_eq!(village.projects.get(running.id).await?.raised, euro(10_000));
    assert_eq!(village.commitments.of(contributor).await?[0].state, CommitmentState::Withdrawn);
    assert!(village.commitments.withdrawing(remittance).await?.is_empty());
    assert!(does_not_apply(&village.ledger.post(cancel("cancel again")).await, "commitment-withdrawn"));
    // What was given back can be given by others.
    village.commit(&running, 10_000).await?;
    village.check_money(&running).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_campaign_that_ended_holds_cannot_be_withdrawn() -> Result {
    let village = Village::new().await?;
    let (funded, failed) = (village.opened(|_| {}).await?, village.opened(|_| {}).await?);
    let mut cancels = Vec::new();
    for (project, cents) in [(&funded, 10_000), (&failed, 9_999)] {
        let (contributor, remittance) = village.commit(project, cents).await?;
        let back = village.commitments.withdrawing(remittance).await?.remove(0);
        let entry = Entry::builder(EntryKind::new("remittance-cancelled"), village.ledger.today())
            .debit(back.account, back.amount)
            .credit(account(&format!("liabilities:wallets:{contributor}")), back.amount)
            .build()?;
        let cancel = UnitOfWork::new(IdempotencyKey::derived(remittance, "cancel"), entry).causing(back.effect);
        cancels.push((remittance, cancel));
    }
    village.projects.close(village.owner, funded.id).await?;
    village.clock.advance(Duration::days(30));
    village.projects.end_due().await?;
    let head = village.head().await?;
    for (remittance, cancel) in cancels {
        assert!(village.commitments.withdrawing(remittance).await?.is_empty());
        assert!(does_not_apply(&village.ledger.post(cancel).await, "commitment-withdrawn"));
    }
    assert_eq!(village.head().await?, head);
    village.check_money(&funded).await?;
    village.check_money(&failed).await
}
