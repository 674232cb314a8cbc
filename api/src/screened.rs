//! Who is held against lists of sanctions, and where their money waits: onboarding's answer in the words of the others.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use coinvestment::{MilestoneId, OwnerId};
use onboarding::screening::{Facts, Subject, SubjectKind};
use onboarding::{ChildId, Identity, NewChild, Person};
use remittance::{Beneficiary, BeneficiaryId, Clearance, NewBeneficiary, SenderId};
use serde::Deserialize;
use uuid::Uuid;

use crate::house::House;
use crate::problem::{Problem, kinds};

/// People under review whom one person may have named before they name anybody else.
const MOST_UNDER_REVIEW: usize = 10;

/// Lists of sanctions.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScreeningSettings {
    /// The likeness, in thousandths, from which people look at it.
    pub threshold: u16,
}

/// Whether the settings can be used.
pub(crate) fn check(settings: ScreeningSettings, require: &mut impl FnMut(bool, &str)) {
    let fits = (750..=1_000).contains(&settings.threshold);
    require(fits, "screening.threshold: 750 to 1000; below, one word in common would be a case");
}

/// Whom screening lets wait, for the room of remittances.
pub(crate) struct Screened<'a>(pub(crate) &'a House);

impl Clearance for Screened<'_> {
    async fn waiting(&self, parties: Vec<Uuid>) -> Result<HashSet<Uuid>, remittance::Error> {
        let waiting = self.0.screening.waiting(&parties).await;
        waiting.map_err(|error| remittance::Error::Clearance(error.to_string()))
    }

    async fn waiting_since(&self, parties: Vec<Uuid>) -> Result<Option<DateTime<Utc>>, remittance::Error> {
        let since = self.0.screening.waiting_since(&parties).await;
        since.map_err(|error| remittance::Error::Clearance(error.to_string()))
    }
}

/// The same for the room of projects.
impl coinvestment::Clearance for Screened<'_> {
    async fn waiting(&self, parties: Vec<Uuid>) -> Result<HashSet<Uuid>, coinvestment::Error> {
        let waiting = self.0.screening.waiting(&parties).await;
        waiting.map_err(|error| coinvestment::Error::Clearance(error.to_string()))
    }
}

/// Holds a person against the lists.
pub(crate) async fn enter_person(house: &House, person: &Person, identity: &Identity) -> Result<(), Problem> {
    Ok(house.screening.enter(&Subject::person(person, identity)).await?)
}

/// Keeps somebody whom a person wants to pay, held against the lists before. Whoever was kept first under an id stays
/// there: anybody else gets none, so that the name that is paid is the one that was held against the lists.
pub(crate) async fn keep_beneficiary(
    house: &House,
    person: &Person,
    id: BeneficiaryId,
    beneficiary: &NewBeneficiary,
) -> Result<Option<Beneficiary>, Problem> {
    let sender = SenderId::from_uuid(person.id().uuid());
    match house.beneficiaries.get(sender, id).await {
        Ok(kept) if !beneficiary.is(&kept) => return Ok(None),
        Ok(_) => {}
        Err(remittance::Error::NotFound(_)) => may_name_more(house, person, sender).await?,
        Err(error) => return Err(error.into()),
    }
    let facts = Facts {
        kind: SubjectKind::Beneficiary,
        name: beneficiary.name().to_owned(),
        birth_date: None,
        country: Some(beneficiary.country().to_owned()),
    };
    match house.screening.enter(&Subject::try_new(id.uuid(), person.id().uuid(), facts)?).await {
        Ok(()) => {}
        Err(onboarding::Error::SomebodyElse) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let kept = house.beneficiaries.add(sender, id, beneficiary).await?;
    Ok(Some(kept).filter(|kept| beneficiary.is(kept)))
}

/// Whether a person may name somebody else to be paid: each may be work for our staff.
async fn may_name_more(house: &House, person: &Person, sender: SenderId) -> Result<(), Problem> {
    house.beneficiaries.check_room(sender).await?;
    if house.screening.waiting_for(person.id().uuid()).await? < MOST_UNDER_REVIEW {
        return Ok(());
    }
    let detail = "too many of those whom you named wait until our staff have looked at them; nothing is lost";
    Err(Problem::new(&kinds::UNDER_REVIEW, detail))
}

/// Holds whoever is paid for a milestone against the lists; false when it is somebody else than was said before.
pub(crate) async fn enter_supplier(
    house: &House,
    owner: OwnerId,
    milestone: MilestoneId,
    supplier: &str,
) -> Result<bool, Problem> {
    let facts = Facts { kind: SubjectKind::Beneficiary, name: supplier.to_owned(), birth_date: None, country: None };
    match house.screening.enter(&Subject { id: milestone.uuid(), owner: owner.uuid(), facts }).await {
        Ok(()) => Ok(true),
        Err(onboarding::Error::SomebodyElse) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Holds a child against the lists.
pub(crate) async fn enter_child(house: &House, person: &Person, id: ChildId, child: &NewChild) -> Result<(), Problem> {
    let facts = Facts {
        kind: SubjectKind::Beneficiary,
        name: child.name().to_owned(),
        birth_date: Some(child.birth_date()),
        country: None,
    };
    Ok(house.screening.enter(&Subject::try_new(id.uuid(), person.id().uuid(), facts)?).await?)
}

/// Lets a person go on for whom nothing waits.
pub(crate) async fn may_go_on(house: &House, person: &Person) -> Result<(), Problem> {
    may_all_go_on(house, &[person.id().uuid()]).await
}

/// Lets those go on for whom nothing waits.
pub(crate) async fn may_all_go_on(house: &House, parties: &[Uuid]) -> Result<(), Problem> {
    if house.screening.waiting(parties).await?.is_empty() {
        return Ok(());
    }
    let detail = "this waits until our staff have looked at it; nothing is lost";
    Err(Problem::new(&kinds::UNDER_REVIEW, detail))
}
