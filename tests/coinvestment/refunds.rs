//! A campaign that fails returns every unit of money, once, whatever happens on the way.

use chrono::Duration;
use coinvestment::{CommitmentState, ContributorId, Project, ProjectState};
use ledger::{Outcome, UnitOfWork};
use tests::book::{Result, euro, open};

use crate::village::{BANK, Village, does_not_apply};

/// A campaign that failed with those amounts, each of somebody else.
async fn failed(village: &Village, amounts: &[i64]) -> Result<(Project, Vec<(ContributorId, i64)>)> {
    let project = village.opened(|_| {}).await?;
    let mut given = Vec::new();
    for &cents in amounts {
        given.push((village.commit(&project, cents).await?.0, cents));
    }
    village.clock.advance(Duration::days(30));
    village.projects.end_due().await?;
    Ok((village.projects.get(project.id).await?, given))
}

async fn all_is_back(village: &Village, project: &Project, given: &[(ContributorId, i64)]) -> Result {
    for (contributor, cents) in given {
        assert_eq!(village.balance(&format!("liabilities:wallets:{contributor}")).await?, *cents);
        let own = village.commitments.of(*contributor).await?;
        assert!(own.iter().all(|commitment| commitment.state == CommitmentState::Refunded), "{own:?}");
    }
    assert_eq!(village.escrow(project).await?, 0);
    assert_eq!(village.projects.get(project.id).await?.raised, euro(0));
    assert_eq!(village.balance(BANK).await?, given.iter().map(|(_, cents)| cents).sum::<i64>());
    assert!(village.commitments.refunds_due(100).await?.is_empty());
    assert_eq!(village.ledger.verify(|_, _| {}).await?.first_difference(), None);
    village.check_money(project).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cut_is_resumed_and_returns_every_unit_exactly() -> Result {
    let village = Village::new().await?;
    let (project, given) = failed(&village, &[1, 999, 1_234, 7, 3_333, 50, 2_001]).await?;
    assert_eq!(project.state, ProjectState::Failed);
    assert!(given.iter().map(|(_, cents)| cents).sum::<i64>() < 10_000);

    // The first run comes to three of them.
    let first: Vec<UnitOfWork> = village.commitments.refunds_due(3).await?;
    assert_eq!(first.len(), 3);
    for unit in first.clone() {
        village.ledger.post(unit).await?;
    }
    village.check_money(&project).await?;

    // The second is cut while it waits for its answer: what it handed in may be booked or not.
    let waiting = village.commitments.refunds_due(2).await?;
    let ledger = village.ledger.clone();
    let run = tokio::spawn(async move { ledger.post_all(waiting).await });
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    run.abort();
    let _ = run.await;

    // Another process takes over, a day later, with a writer of its own; it repeats what the first one did, too.
    village.clock.advance(Duration::days(1));
    let (ledger, _writer) = open(&village.test.database()?, village.clock.clone()).await?;
    for unit in first {
        assert_eq!(ledger.post(unit).await?.outcome, Outcome::AlreadyBooked);
    }
    loop {
        let due = village.commitments.refunds_due(2).await?;
        if due.is_empty() {
            break;
        }
        for answer in ledger.post_all(due).await? {
            answer?;
        }
    }
    all_is_back(&village, &project, &given).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_return_everything_once() -> Result {
    let village = Village::new().await?;
    let amounts: Vec<i64> = (1..=40).map(|number| number * 7).collect();
    let (project, given) = failed(&village, &amounts).await?;
    let (one, two) = (village.commitments.refunds_due(100).await?, village.commitments.refunds_due(100).await?);
    assert_eq!((one.len(), two.len()), (40, 40));
    let (other, _writer) = open(&village.test.database()?, village.clock.clone()).await?;
    let (one, two) = tokio::join!(village.ledger.post_all(one), other.post_all(two));
    let mut booked = 0;
    for answer in one?.into_iter().chain(two?) {
        booked += usize::from(answer?.outcome == Outcome::Booked);
    }
    assert_eq!(booked, 40);
    all_is_back(&village, &project, &given).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_returned_while_a_campaign_runs_or_after_it_is_funded() -> Result {
    let village = Village::new().await?;
    let (failed, _) = failed(&village, &[500]).await?;
    let refund = village.commitments.refunds_due(10).await?.remove(0);
    // Were the project open again, the refund would not apply.
    let mut owner = village.test.owner().await?;
    let set = |state: &str| format!("update coinvestment.projects set state = '{state}' where state <> '{state}'");
    for state in ["open", "funded", "completed"] {
        diesel_async::SimpleAsyncConnection::batch_execute(&mut owner, &set(state)).await?;
        assert!(village.commitments.refunds_due(10).await?.is_empty());
        let head = village.head().await?;
        assert!(does_not_apply(&village.ledger.post(refund.clone()).await, "commitment-refunded"));
        assert_eq!(village.head().await?, head);
    }
    village.check_money(&failed).await
}
