//! Children, guardians and spendings in JSON.

use chrono::{DateTime, NaiveDate, Utc};
use ledger::Money;
use onboarding::{
    Allowance, Child, ChildState, Deposit, Guardian, InstitutionCode, PersonId, Purpose, Rules, Spending,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::{Faults, Problem};
use crate::wire::{MoneyBody, words};

/// A minor, and what their account may be spent for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct NewChildBody {
    #[schema(min_length = 1, max_length = 200)]
    pub(super) name: String,
    pub(super) birth_date: NaiveDate,
    /// Above it two guardians have to agree. Its currency is the account's.
    limit: MoneyBody,
    #[schema(min_items = 1, max_items = 3)]
    purposes: Vec<NewPurpose>,
    /// Another member of the household, who is to be a guardian too and has to accept.
    pub(super) second_guardian: Option<Uuid>,
}

/// A purpose that is set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct NewPurpose {
    #[schema(value_type = words::SpendingPurpose)]
    purpose: Purpose,
    /// The most in any thirty days.
    ceiling: MoneyBody,
    /// The one institution that is paid for it; any that is live where none is named.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", example = "caisse-thies")]
    institution: Option<String>,
}

impl NewChildBody {
    /// The rules, with every fault at once.
    pub(super) fn rules(&self) -> Result<Rules, Problem> {
        let mut faults = Faults::default();
        let limit = self.limit.positive("/limit", &mut faults);
        let mut allowances = Vec::with_capacity(self.purposes.len().min(3));
        for (index, given) in self.purposes.iter().enumerate() {
            let ceiling = given.ceiling.positive(&format!("/purposes/{index}/ceiling"), &mut faults);
            let pointer = format!("/purposes/{index}/institution");
            let institution = given
                .institution
                .as_ref()
                .and_then(|code| faults.check(&pointer, "institution-code", InstitutionCode::try_new(code)));
            allowances.extend(ceiling.map(|ceiling| Allowance { purpose: given.purpose, ceiling, institution }));
        }
        let (Some(limit), true) = (limit, allowances.len() == self.purposes.len()) else {
            return Err(faults.problem());
        };
        let rules = faults.check("/purposes", "purposes", Rules::try_new(limit, allowances));
        faults.finish_with(rules)
    }
}

/// An amount for a child.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct DepositWish {
    amount: MoneyBody,
}

impl DepositWish {
    pub(super) fn amount(&self) -> Result<Money, Problem> {
        let mut faults = Faults::default();
        let amount = self.amount.positive("/amount", &mut faults);
        faults.finish_with(amount)
    }
}

/// Money that was put into a protected account.
#[derive(Serialize, ToSchema)]
#[schema(as = Deposit)]
pub(in crate::mobile) struct DepositBody {
    id: Uuid,
    child: Uuid,
    amount: MoneyBody,
}

impl From<Deposit> for DepositBody {
    fn from(deposit: Deposit) -> Self {
        Self { id: deposit.id.uuid(), child: deposit.child.uuid(), amount: deposit.amount.into() }
    }
}

/// A member of the household.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct GuardianWish {
    pub(super) member: Uuid,
}

/// A child with a protected account.
#[derive(Serialize, ToSchema)]
#[schema(as = Child)]
pub(in crate::mobile) struct ChildBody {
    id: Uuid,
    household: Uuid,
    name: String,
    #[schema(value_type = words::ChildState)]
    state: &'static str,
    #[schema(value_type = words::Currency)]
    currency: String,
    guardians: Vec<GuardianBody>,
    /// Whether you are one of them.
    is_guardian: bool,
    registered_at: DateTime<Utc>,
    /// What only guardians see, and the child who has taken the account over.
    kept: Option<KeptForChild>,
}

/// What is kept for a child, and by which rules.
#[derive(Serialize, ToSchema)]
pub(in crate::mobile) struct KeptForChild {
    birth_date: NaiveDate,
    /// What the account is called at an institution's counter.
    account_number: String,
    balance: MoneyBody,
    /// Above it two guardians have to agree.
    limit: MoneyBody,
    purposes: Vec<PurposeBody>,
}

/// A purpose that was set.
#[derive(Serialize, ToSchema)]
pub(in crate::mobile) struct PurposeBody {
    #[schema(value_type = words::SpendingPurpose)]
    purpose: &'static str,
    ceiling: MoneyBody,
    institution: Option<String>,
}

/// A guardian, or somebody who was named.
#[derive(Serialize, ToSchema)]
#[schema(as = Guardian)]
pub(in crate::mobile) struct GuardianBody {
    id: Uuid,
    person: Uuid,
    #[schema(value_type = words::GuardianState)]
    state: &'static str,
    has_accepted: bool,
    /// Whether another guardian or our staff have to agree.
    waits_for_consent: bool,
}

impl From<&Guardian> for GuardianBody {
    fn from(guardian: &Guardian) -> Self {
        Self {
            id: guardian.id.uuid(),
            person: guardian.person.uuid(),
            state: guardian.state.word(),
            has_accepted: guardian.has_accepted,
            waits_for_consent: guardian.waits_for_consent,
        }
    }
}

impl ChildBody {
    /// A child as a person sees them at a moment; the balance is for those who see it.
    pub(super) fn new(child: &Child, by: PersonId, balance: Money, now: DateTime<Utc>) -> Self {
        let is_guardian = child.is_guardian(by) && child.state != ChildState::HandedOver;
        let sees_all = is_guardian || child.handed_over_to == Some(by);
        let purposes = child.rules.allowances().iter().map(|one| PurposeBody {
            purpose: one.purpose.word(),
            ceiling: one.ceiling.into(),
            institution: one.institution.as_ref().map(|code| code.as_str().to_owned()),
        });
        let kept = sees_all.then(|| KeptForChild {
            birth_date: child.birth_date,
            account_number: child.account_number.clone(),
            balance: balance.into(),
            limit: child.rules.limit().into(),
            purposes: purposes.collect(),
        });
        Self {
            id: child.id.uuid(),
            household: child.household.uuid(),
            name: child.name.clone(),
            state: child.state_at(now).word(),
            currency: child.currency().to_string(),
            guardians: child.guardians.iter().map(GuardianBody::from).collect(),
            is_guardian,
            registered_at: child.registered_at,
            kept,
        }
    }
}

/// What a guardian asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct SpendingWish {
    #[schema(value_type = words::SpendingPurpose)]
    pub(in crate::mobile) purpose: Purpose,
    amount: MoneyBody,
    /// The code of the live institution that pays it.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", example = "caisse-thies")]
    pub(in crate::mobile) institution: String,
    /// Whom to pay and for what; told to the institution.
    #[schema(min_length = 1, max_length = 200)]
    pub(in crate::mobile) note: String,
}

impl SpendingWish {
    pub(in crate::mobile) fn amount(&self) -> Result<Money, Problem> {
        let mut faults = Faults::default();
        let amount = self.amount.positive("/amount", &mut faults);
        faults.finish_with(amount)
    }
}

/// Why a guardian does not agree.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct SpendingRefusal {
    #[schema(min_length = 1, max_length = 200)]
    pub(in crate::mobile) reason: String,
}

/// Something that is paid for a child.
#[derive(Serialize, ToSchema)]
#[schema(as = Spending)]
pub(in crate::mobile) struct SpendingBody {
    id: Uuid,
    child: Uuid,
    #[schema(value_type = words::SpendingPurpose)]
    purpose: &'static str,
    amount: MoneyBody,
    institution: String,
    note: String,
    #[schema(value_type = words::SpendingState)]
    state: &'static str,
    requested_by: Uuid,
    requested_at: DateTime<Utc>,
    /// The other guardian, where one had to agree.
    approved_by: Option<Uuid>,
    ordered_at: Option<DateTime<Utc>>,
    /// The institution's name for its payment.
    reference: Option<String>,
    /// Why it was refused or declined.
    reason: Option<String>,
    answered_at: Option<DateTime<Utc>>,
}

impl From<Spending> for SpendingBody {
    fn from(spending: Spending) -> Self {
        Self {
            id: spending.id.uuid(),
            child: spending.child.uuid(),
            purpose: spending.purpose.word(),
            amount: spending.amount.into(),
            institution: spending.institution.as_str().to_owned(),
            note: spending.note,
            state: spending.state.word(),
            requested_by: spending.requested_by.uuid(),
            requested_at: spending.requested_at,
            approved_by: spending.approved_by.map(PersonId::uuid),
            ordered_at: spending.ordered_at,
            reference: spending.reference,
            reason: spending.reason,
            answered_at: spending.answered_at,
        }
    }
}

/// A page of spendings, the newest first.
#[derive(Serialize, ToSchema)]
pub(in crate::mobile) struct SpendingPage {
    pub(in crate::mobile) items: Vec<SpendingBody>,
    /// The cursor of the next page, where there is one.
    pub(in crate::mobile) next: Option<String>,
}
