//! Many at once: the maximum holds, and nothing slips in while a campaign ends.

use std::time::Duration;

use coinvestment::{CommitmentState, ContributorId, Error, ProjectState};
use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use tests::book::{Result, euro, open};
use uuid::Uuid;

use crate::village::{Village, does_not_apply};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_who_want_to_give_as_many_do_as_the_maximum_takes() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    let give = async || -> Result<bool> {
        let unit = village.committing(project.id, ContributorId::generate(), Uuid::now_v7(), 130).await;
        let unit = match unit {
            Ok(unit) => unit,
            Err(error) => {
                let refused = error.downcast_ref::<Error>();
                assert!(matches!(refused, Some(Error::BeyondMaximum { .. })), "{error}");
                return Ok(false);
            }
        };
        let answer = village.ledger.post(unit).await;
        assert!(answer.is_ok() || does_not_apply(&answer, "project-committed"), "{answer:?}");
        Ok(answer.is_ok())
    };
    let given = join_all((0..200).map(|_| give())).await.into_iter().collect::<Result<Vec<bool>>>()?;
    // 153 times 1.30 EUR are 198.90 EUR; one more would pass the maximum of 200 EUR.
    assert_eq!(given.into_iter().filter(|given| *given).count(), 153);
    assert_eq!(village.escrow(&project).await?, 19_890);
    village.check_money(&project).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_each_is_taken_that_fits_after_those_before_it() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    let other = village.opened(|_| {}).await?;
    let wanted = [
        (project.id, 12_000),
        (project.id, 9_000),
        (other.id, 20_000),
        (project.id, 8_000),
        (other.id, 1),
        (project.id, 1),
    ];
    let mut units = Vec::new();
    for (id, cents) in wanted {
        units.push(village.committing(id, ContributorId::generate(), Uuid::now_v7(), cents).await?);
    }
    let answers = village.ledger.post_all(units).await?;
    let taken: Vec<bool> = answers.iter().map(std::result::Result::is_ok).collect();
    assert_eq!(taken, [true, false, true, true, false, false]);
    village.check_money(&project).await?;
    village.check_money(&other).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_together_do_not_pass_the_maximum() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    let mut units = Vec::new();
    for _ in 0..100 {
        units.push(village.committing(project.id, ContributorId::generate(), Uuid::now_v7(), 333).await?);
    }
    let (other, _writer) = open(&village.test.database()?, village.clock.clone()).await?;
    let posted = units.into_iter().enumerate().map(|(number, unit)| {
        let ledger = if number % 2 == 0 { &village.ledger } else { &other };
        ledger.post(unit)
    });
    let booked = join_all(posted).await.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(booked, 60);
    village.check_money(&project).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_waits_for_the_end_of_its_campaign_is_refused() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    let unit = village.committing(project.id, ContributorId::generate(), Uuid::now_v7(), 500).await?;
    let mut ending = village.test.owner().await?;
    let end = format!("begin; update coinvestment.projects set state = 'failed' where project_id = '{}'", project.id);
    ending.batch_execute(&end).await?;
    let ledger = village.ledger.clone();
    let waiting = tokio::spawn(async move { ledger.post(unit).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "it waits for the project's row");
    ending.batch_execute("commit").await?;
    assert!(does_not_apply(&waiting.await?, "project-committed"));
    assert_eq!(village.head().await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_waits_sees_what_was_raised_meanwhile() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    let mut units = Vec::new();
    for cents in [10_000, 9_999] {
        units.push(village.committing(project.id, ContributorId::generate(), Uuid::now_v7(), cents).await?);
    }
    let mut raising = village.test.owner().await?;
    let raise =
        format!("begin; update coinvestment.projects set raised_minor = 10001 where project_id = '{}'", project.id);
    raising.batch_execute(&raise).await?;
    let ledger = village.ledger.clone();
    let waiting = tokio::spawn(async move { ledger.post_all(units).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "it waits for the project's row");
    raising.batch_execute("commit").await?;
    let taken: Vec<bool> = waiting.await??.iter().map(std::result::Result::is_ok).collect();
    assert_eq!(taken, [false, true]);
    assert_eq!(village.projects.get(project.id).await?.raised, euro(20_000));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_slips_in_while_an_owner_closes() -> Result {
    let village = Village::new().await?;
    let project = village.opened(|_| {}).await?;
    village.commit(&project, 10_000).await?;
    let contributor = ContributorId::generate();
    let mut units = Vec::new();
    for _ in 0..60 {
        units.push(village.committing(project.id, contributor, Uuid::now_v7(), 100).await?);
    }
    let give = join_all(units.into_iter().map(|unit| village.ledger.post(unit)));
    let (closed, answers) = tokio::join!(village.projects.close(village.owner, project.id), give);
    let closed = closed?;
    let booked = i64::try_from(answers.iter().filter(|answer| answer.is_ok()).count())?;
    assert!(answers.iter().all(|answer| answer.is_ok() || does_not_apply(answer, "project-committed")));
    assert_eq!((closed.state, closed.raised), (ProjectState::Funded, euro(10_000 + booked * 100)));
    let own = village.commitments.of(contributor).await?;
    assert!(own.iter().all(|commitment| commitment.state == CommitmentState::Confirmed), "{own:?}");
    let amounts = village.milestones.of(project.id).await?;
    let planned: i64 = amounts.iter().filter_map(|milestone| milestone.amount).map(|amount| amount.minor()).sum();
    assert_eq!(planned, closed.raised.minor());
    village.check_money(&project).await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_end_each_campaign_once() -> Result {
    let village = Village::new().await?;
    let mut projects = Vec::new();
    for number in 0..12 {
        let project = village.opened(|_| {}).await?;
        village.commit(&project, 9_994 + number).await?;
        projects.push(project);
    }
    village.clock.advance(chrono::Duration::days(30));
    let ended = join_all((0..4).map(|_| village.projects.end_due())).await;
    let mut sum = 0;
    for count in ended {
        sum += count?;
    }
    assert_eq!(sum, 12);
    for (number, project) in projects.iter().enumerate() {
        let expected = if number < 6 { ProjectState::Failed } else { ProjectState::Funded };
        assert_eq!(village.projects.get(project.id).await?.state, expected);
        assert_eq!(village.projects.history(project.id).await?.len(), 4);
        village.check_money(project).await?;
    }
    Ok(())
}
