//! Money in and out of protected accounts: onboarding decides, the ledger books, and whoever was overtaken looks again.

use ledger::{AccountCode, Currency, Money};
use onboarding::{
    Asked, Child, ChildId, Deposit, DepositId, InstitutionCode, NewSpending, Operator, Person, Spending, SpendingId,
    SpokenCode,
};

use crate::funding::{Posted, overtaken, post};
use crate::house::House;
use crate::problem::{Faults, Problem, kinds};
use crate::screened;

/// How often something is looked at anew after somebody else was first.
const ATTEMPTS: usize = 10;

/// A live institution's code.
pub(crate) async fn live(house: &House, code: &str) -> Result<InstitutionCode, Problem> {
    let mut faults = Faults::default();
    let Some(code) = faults.check("/institution", "institution-code", InstitutionCode::try_new(code)) else {
        return Err(faults.problem());
    };
    match house.institutions.live_by_code(&code).await {
        Ok(_) => Ok(code),
        Err(onboarding::Error::NotFound(_)) => {
            faults.add("/institution", "institution-not-live", "there is no live institution of that code");
            Err(faults.problem())
        }
        Err(error) => Err(error.into()),
    }
}

/// What is on an account; nothing before its first money.
pub(crate) async fn balance(house: &House, account: &AccountCode, currency: Currency) -> Result<Money, Problem> {
    let balances = house.ledger.balances_of(account).await?;
    for balance in balances {
        let amount = balance.on_normal_side();
        if let Ok(amount) = Money::try_from(amount)
            && amount.currency() == currency
        {
            return Ok(amount);
        }
    }
    Ok(Money::zero(currency))
}

/// Refuses whose account was recovered lately: a thief of the mailbox must not find this way out.
fn limits_are_ordinary(by: &Person) -> Result<(), Problem> {
    if !by.has_lowered_limits() {
        return Ok(());
    }
    let detail =
        "the account was recovered lately: until its limits are the ordinary ones again, no money goes this way";
    Err(Problem::new(&kinds::LIMIT_REACHED, detail))
}

/// Puts money out of a person's wallet into a protected account.
pub(crate) async fn deposit(
    house: &House,
    by: &Person,
    child: ChildId,
    id: DepositId,
    amount: Money,
) -> Result<Deposit, Problem> {
    limits_are_ordinary(by)?;
    for _ in 0..ATTEMPTS {
        let (deposit, unit) = house.families.children.depositing(by, child, id, amount).await?;
        screened::may_go_on(house, by).await?;
        match post(house, unit).await? {
            Posted::Done => return Ok(deposit),
            Posted::Overtaken => {}
        }
    }
    Err(overtaken())
}

/// A guardian asks for something to be paid: it is ordered, or waits for another guardian.
pub(crate) async fn request(
    house: &House,
    by: &Person,
    child: ChildId,
    id: SpendingId,
    new: &NewSpending,
) -> Result<Spending, Problem> {
    limits_are_ordinary(by)?;
    for _ in 0..ATTEMPTS {
        match house.families.spendings.request(by, child, id, new).await? {
            Asked::Kept => return Ok(house.families.spendings.get(by, id).await?),
            Asked::Order(unit) => {
                screened::may_all_go_on(house, &[by.id().uuid(), child.uuid()]).await?;
                // Done or overtaken: what stands now tells.
                post(house, *unit).await?;
            }
        }
    }
    Err(overtaken())
}

/// Another guardian agrees to a spending, which orders it.
pub(crate) async fn approve(house: &House, by: &Person, id: SpendingId) -> Result<Spending, Problem> {
    limits_are_ordinary(by)?;
    let spending = house.families.spendings.get(by, id).await?;
    for _ in 0..ATTEMPTS {
        let Some(unit) = house.families.spendings.approving(by, id).await? else {
            return Ok(house.families.spendings.get(by, id).await?);
        };
        live(house, spending.institution.as_str()).await?;
        let parties = [by.id().uuid(), spending.requested_by.uuid(), spending.child.uuid()];
        screened::may_all_go_on(house, &parties).await?;
        // Done or overtaken: what stands now tells.
        post(house, unit).await?;
    }
    Err(overtaken())
}

/// The institution cannot pay: the money goes back.
pub(crate) async fn decline(
    house: &House,
    institution: &InstitutionCode,
    id: SpendingId,
    reason: &str,
) -> Result<Spending, Problem> {
    for _ in 0..ATTEMPTS {
        let Some(unit) = house.families.spendings.declining(institution, id, reason).await? else {
            return Ok(house.families.spendings.get_of_institution(institution, id).await?);
        };
        // Done or overtaken: what stands now tells.
        post(house, unit).await?;
    }
    Err(overtaken())
}

/// The institution was stopped, and answers no more: the money goes back.
pub(crate) async fn return_of_stopped(house: &House, by: &Operator, id: SpendingId) -> Result<Spending, Problem> {
    let institution = house.families.spendings.institution_of(by, id).await?;
    match house.institutions.live_by_code(&institution).await {
        Ok(_) => Err(Problem::new(&kinds::WRONG_STATE, "a live institution pays or declines it itself")),
        Err(onboarding::Error::NotFound(_)) => {
            let returned = decline(house, &institution, id, "the institution was stopped").await?;
            tracing::info!(operator = %by.id(), spending = %id, "gave back what a stopped institution was to pay");
            Ok(returned)
        }
        Err(error) => Err(error.into()),
    }
}

/// A child who came of age takes over the account; answers what came into their wallet.
pub(crate) async fn take_over(house: &House, by: &Person, code: &SpokenCode) -> Result<(Child, Money), Problem> {
    let handovers = &house.families.handovers;
    let mut claim = handovers.claim(by, code).await?;
    screened::may_all_go_on(house, &[by.id().uuid(), claim.child().uuid()]).await?;
    let mut moved = Money::zero(claim.currency());
    for _ in 0..ATTEMPTS {
        if claim.is_done() {
            return Ok((house.families.children.get(by, claim.child()).await?, moved));
        }
        let balance = balance(house, &claim.account()?, claim.currency()).await?;
        if balance.is_positive() {
            let unit = handovers.handing_over(&claim, balance)?;
            if let Posted::Done = post(house, unit).await? {
                moved = balance;
            }
        } else {
            handovers.close_empty(&claim).await?;
        }
        claim = handovers.look_again(&claim).await?;
    }
    Err(overtaken())
}
