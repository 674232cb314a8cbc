//! How well contributors are known: onboarding's tiers in the words of co-investment.

use coinvestment::{Acquaintance, ContributorId, Standing};
use onboarding::{PersonId, Tier};

use crate::house::House;

/// Onboarding's answer, for the room of co-investment.
pub(crate) struct Acquainted<'a>(pub(crate) &'a House);

impl Acquaintance for Acquainted<'_> {
    async fn standing(&self, contributor: ContributorId) -> Result<Standing, coinvestment::Error> {
        match self.0.people.tier_of(PersonId::from_uuid(contributor.uuid())).await {
            Ok(tier) => Ok(match tier {
                Tier::Contact => Standing::Reachable,
                Tier::Identity => Standing::Named,
                Tier::Document | Tier::Funds => Standing::Documented,
            }),
            Err(onboarding::Error::AccountUnusable) => Ok(Standing::Reachable),
            Err(error) => Err(coinvestment::Error::Acquaintance(error.to_string())),
        }
    }
}
