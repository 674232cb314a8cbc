//! Where a remittance meets the projects that its sender allocates to: both rooms' changes go into one unit of work.

use std::collections::HashMap;

use coinvestment::{ContributorId, Milestone, MilestoneId, MilestoneState, Party, ProjectId};
use ledger::{Money, PostError, Receipt, Refusal, UnitOfWork};
use remittance::{Allocation, PayIn, PayInId, PayInState, Placement, Remittance, State, UnmatchedReason};

use crate::acquainted::Acquainted;
use crate::house::House;
use crate::problem::{Problem, kinds};
use crate::screened::{Screened, enter_supplier};

/// Pay-ins that are matched and posted together.
const MATCHED_AT_ONCE: usize = 500;
/// How often something is looked at anew after somebody else was first.
const ATTEMPTS: usize = 5;

/// Matches pay-ins that wait for it; answers all of them as they stand then, in order.
///
/// What does not fit is set aside for a person. A project that cannot take its part any more leaves it to the family.
pub(crate) async fn match_pay_ins(house: &House, pay_ins: Vec<PayIn>) -> Result<Vec<PayIn>, Problem> {
    let mut settled = Vec::with_capacity(pay_ins.len());
    for part in pay_ins.chunks(MATCHED_AT_ONCE) {
        match_part(house, part).await?;
        let ids: Vec<PayInId> = part.iter().map(|pay_in| pay_in.id).collect();
        let now = house.pay_ins.get_all(&ids).await?;
        let mut now: HashMap<PayInId, PayIn> = now.into_iter().map(|pay_in| (pay_in.id, pay_in)).collect();
        settled.extend(ids.iter().filter_map(|id| now.remove(id)));
    }
    Ok(settled)
}

async fn match_part(house: &House, part: &[PayIn]) -> Result<(), Problem> {
    let waiting: Vec<&PayIn> = part.iter().filter(|pay_in| pay_in.state == PayInState::Received).collect();
    let references: Vec<String> = waiting.iter().filter_map(|pay_in| pay_in.reference()).collect();
    let found = house.remittances.by_references(&references).await?;
    let found: HashMap<&str, &Remittance> =
        found.iter().map(|remittance| (remittance.reference.as_str(), remittance)).collect();
    let mut fitting = Vec::new();
    let mut units = Vec::new();
    for pay_in in waiting {
        let reference = pay_in.reference();
        let remittance = reference.as_deref().map(|reference| found.get(reference).copied());
        let unit = match fit(pay_in, remittance)? {
            Ok(remittance) => funding(house, pay_in, remittance).await,
            Err(reason) => {
                house.pay_ins.set_aside(pay_in.id, reason).await?;
                continue;
            }
        };
        match unit {
            Ok(unit) => {
                units.push(unit);
                fitting.push(pay_in);
            }
            Err(problem) => leave_to_a_person(house, pay_in, problem).await?,
        }
    }
    for (pay_in, answer) in fitting.into_iter().zip(house.ledger.post_all(units).await?) {
        match answer {
            Ok(_) => {}
            // Somebody was first: look again, one by one.
            Err(PostError::Refused(Refusal::EffectNotApplicable { .. } | Refusal::KeyReused)) => {
                match_again(house, pay_in).await?;
            }
            Err(error) => leave_to_a_person(house, pay_in, error.into()).await?,
        }
    }
    Ok(())
}

/// A pay-in that fails for a reason of its own is for a person, and does not hold up the others; one that fails because
/// something does not answer is taken up again.
async fn leave_to_a_person(house: &House, pay_in: &PayIn, problem: Problem) -> Result<(), Problem> {
    if problem.is_passing() {
        return Err(problem);
    }
    tracing::error!(pay_in = %pay_in.id, %problem, "a pay-in fits its remittance and cannot fund it");
    Ok(house.pay_ins.set_aside(pay_in.id, UnmatchedReason::CannotFund).await?)
}

async fn match_again(house: &House, pay_in: &PayIn) -> Result<(), Problem> {
    for _ in 0..ATTEMPTS {
        let now = house.pay_ins.get(pay_in.id).await?;
        if now.state != PayInState::Received {
            return Ok(());
        }
        let found = house.remittances.by_references(&Vec::from_iter(now.reference())).await?;
        match fit(&now, now.reference().map(|_| found.first()))? {
            Err(reason) => return Ok(house.pay_ins.set_aside(now.id, reason).await?),
            Ok(remittance) => match post(house, funding(house, &now, remittance).await?).await? {
                Posted::Done => return Ok(()),
                Posted::Overtaken => {}
            },
        }
    }
    Err(overtaken())
}

/// Funds a remittance by a pay-in that a person found to be its own.
pub(crate) async fn fund_by_hand(house: &House, pay_in: &PayIn, reference: &str) -> Result<(), Problem> {
    for _ in 0..ATTEMPTS {
        let found = house.remittances.by_references(&[reference.to_owned()]).await?;
        let remittance = found.first().ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such remittance"))?;
        let now = house.pay_ins.get(pay_in.id).await?;
        if now.state == PayInState::Matched && now.remittance == Some(remittance.id) {
            return Ok(());
        }
        if !now.is_open() {
            return Err(Problem::new(&kinds::WRONG_STATE, "the pay-in is dealt with already"));
        }
        if let Err(reason) = fit(&now, Some(Some(remittance)))? {
            return Err(Problem::new(&kinds::WRONG_STATE, format!("the pay-in does not fit: {}", reason.word())));
        }
        match post(house, funding(house, &now, remittance).await?).await? {
            Posted::Done => return Ok(()),
            Posted::Overtaken => {}
        }
    }
    Err(overtaken())
}

/// Credits a pay-in to the wallet of a remittance's sender.
pub(crate) async fn credit(house: &House, pay_in: &PayIn, reference: &str) -> Result<(), Problem> {
    let found = house.remittances.by_references(&[reference.to_owned()]).await?;
    let remittance = found.first().ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such remittance"))?;
    let done = |pay_in: &PayIn| pay_in.state == PayInState::Credited && pay_in.remittance == Some(remittance.id);
    if done(pay_in) {
        return Ok(());
    }
    if !pay_in.is_open() {
        return Err(Problem::new(&kinds::WRONG_STATE, "the pay-in is dealt with already"));
    }
    match post(house, house.pay_ins.crediting(pay_in, remittance)?).await? {
        Posted::Done => Ok(()),
        Posted::Overtaken if done(&house.pay_ins.get(pay_in.id).await?) => Ok(()),
        Posted::Overtaken => Err(overtaken()),
    }
}

/// Gives up a remittance: at once when it is not paid in, with its refund when it is.
pub(crate) async fn cancel(house: &House, mut remittance: Remittance) -> Result<Remittance, Problem> {
    for _ in 0..ATTEMPTS {
        if remittance.state == State::Cancelled || house.remittances.cancel_unfunded(&remittance).await? {
            return Ok(house.remittances.get(remittance.sender, remittance.id).await?);
        }
        let withdrawn = house
            .commitments
            .withdrawing(remittance.id.uuid())
            .await?
            .into_iter()
            .map(|part| Placement {
                allocation: Allocation { project: part.project.uuid(), minor: part.amount.minor() },
                account: part.account,
                effect: part.effect,
            })
            .collect();
        post(house, house.remittances.cancelling(&remittance, withdrawn)?).await?;
        // Done or overtaken: what stands now tells.
        remittance = house.remittances.get(remittance.sender, remittance.id).await?;
    }
    Err(overtaken())
}

/// Whether a unit of work was booked, or somebody changed its ground first.
pub(crate) enum Posted {
    Done,
    Overtaken,
}

/// Posts a unit of work whose caller can look again when somebody was first.
pub(crate) async fn post(house: &House, unit: UnitOfWork) -> Result<Posted, Problem> {
    let posted: Result<Receipt, PostError> = house.ledger.post(unit).await;
    match posted {
        Ok(_) => Ok(Posted::Done),
        Err(PostError::Refused(Refusal::EffectNotApplicable { .. } | Refusal::KeyReused)) => Ok(Posted::Overtaken),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn overtaken() -> Problem {
    Problem::new(&kinds::WRONG_STATE, "it is being changed by somebody else at the same moment; read it again")
}

/// The remittance that a pay-in fits, or why it fits none. `None`: it names none; `Some(None)`: none that we know.
fn fit<'a>(
    pay_in: &PayIn,
    remittance: Option<Option<&'a Remittance>>,
) -> Result<Result<&'a Remittance, UnmatchedReason>, Problem> {
    Ok(match remittance {
        None => Err(UnmatchedReason::NoReference),
        Some(None) => Err(UnmatchedReason::UnknownReference),
        Some(Some(remittance)) if remittance.state != State::AwaitingFunds => Err(UnmatchedReason::NotAwaited),
        Some(Some(remittance)) if remittance.to_pay()? != pay_in.amount => Err(UnmatchedReason::WrongAmount),
        Some(Some(remittance)) => Ok(remittance),
    })
}

async fn funding(house: &House, pay_in: &PayIn, remittance: &Remittance) -> Result<UnitOfWork, Problem> {
    let contributor = ContributorId::from_uuid(remittance.sender.uuid());
    let mut placements = Vec::with_capacity(remittance.allocations.len());
    for allocation in &remittance.allocations {
        let amount = Money::from_minor(allocation.minor, remittance.source());
        let project = ProjectId::from_uuid(allocation.project);
        match house.commitments.placing(project, contributor, remittance.id.uuid(), amount, &Acquainted(house)).await {
            Ok(placing) => {
                placements.push(Placement { allocation: *allocation, account: placing.account, effect: placing.effect })
            }
            Err(
                error @ (coinvestment::Error::Database(_)
                | coinvestment::Error::Platform(_)
                | coinvestment::Error::Acquaintance(_)),
            ) => {
                return Err(error.into());
            }
            Err(reason) => tracing::info!(%reason, "an allocation cannot be placed; it is the family's"),
        }
    }
    Ok(house.remittances.funding(remittance, pay_in, placements)?)
}

/// Keeps a party's approval of a milestone, and releases its tranche when it is the one that was missing. While our
/// staff look at who the owner or the supplier is, the tranche waits: a worker releases it when that is decided.
pub(crate) async fn approve(house: &House, party: Party, id: MilestoneId) -> Result<Milestone, Problem> {
    let approved = house.milestones.approve(party, id).await?;
    if approved.state != MilestoneState::Reported {
        return Ok(approved);
    }
    // Those of before suppliers were screened are held against the lists here.
    let owner = house.projects.get(approved.project).await?.owner;
    enter_supplier(house, owner, id, &approved.supplier).await?;
    match house.milestones.releasing(id, &Screened(house)).await {
        // Overtaken: the other party's request released it.
        Ok(unit) => match post(house, unit).await? {
            Posted::Done | Posted::Overtaken => {}
        },
        Err(coinvestment::Error::NotApproved { .. } | coinvestment::Error::UnderReview) => return Ok(approved),
        Err(coinvestment::Error::WrongState { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let milestones = house.milestones.of(approved.project).await?;
    milestones.into_iter().find(|milestone| milestone.id == id).ok_or_else(overtaken)
}
