//! Referrals: a family is proposed to institutions that serve it, ranked with reasons.

mod consents;
mod store;

use serde::{Deserialize, Serialize};

pub use consents::Consent;
pub use store::{Referral, Referrals, SentReferral};

use crate::{Country, Error, InstitutionApplication, Product};

platform::define_id!(ReferralId, "A family proposed to an institution.");
platform::define_id!(ConsentId, "A consent, and its receipt.");

/// What a family looks for, and where it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyNeed {
    /// The product.
    pub product: Product,
    /// The country.
    pub country: Country,
    /// The region, as people there call it.
    pub region: String,
    /// The language that the family speaks, as a BCP 47 code.
    pub language: String,
}

/// Why an institution is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It offers what is looked for.
    OffersProduct,
    /// It names the family's region.
    ServesRegion,
    /// It serves the whole country.
    ServesCountry,
    /// Its staff speak the family's language.
    SpeaksLanguage,
}

impl Reason {
    const ALL: [Self; 4] = [Self::OffersProduct, Self::ServesRegion, Self::ServesCountry, Self::SpeaksLanguage];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OffersProduct => "offers-product",
            Self::ServesRegion => "serves-region",
            Self::ServesCountry => "serves-country",
            Self::SpeaksLanguage => "speaks-language",
        }
    }

    /// What it counts for. An office nearby matters more than a common language.
    const fn weight(self) -> i32 {
        match self {
            Self::OffersProduct => 50,
            Self::ServesRegion => 40,
            Self::ServesCountry => 20,
            Self::SpeaksLanguage => 10,
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|reason| reason.word() == word).ok_or(Error::Corrupt("a reason"))
    }
}

/// Where a referral stands.
///
/// | from | event | to |
/// | --- | --- | --- |
/// | proposed | the person accepts | sent |
/// | sent | the institution opens an account | account-opened |
/// | sent | the institution declines | declined |
///
/// `accepted-by-person` is passed through at once while the institution fetches its referrals by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferralState {
    /// Shown to the person.
    Proposed,
    /// The person consented.
    AcceptedByPerson,
    /// The institution may see it.
    Sent,
    /// The family has an account.
    AccountOpened,
    /// The institution cannot help.
    Declined,
}

impl ReferralState {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::AcceptedByPerson => "accepted-by-person",
            Self::Sent => "sent",
            Self::AccountOpened => "account-opened",
            Self::Declined => "declined",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        [Self::Proposed, Self::AcceptedByPerson, Self::Sent, Self::AccountOpened, Self::Declined]
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or(Error::Corrupt("a referral's state"))
    }
}

/// The institutions that serve a family, best first: score, reasons and place in the list given.
///
/// Who offers something else, or serves another place, is left out; ties go by code, so that the order is no secret.
#[must_use]
pub fn rank(need: &FamilyNeed, institutions: &[InstitutionApplication]) -> Vec<(usize, i32, Vec<Reason>)> {
    let mut ranked: Vec<(usize, i32, Vec<Reason>)> = institutions
        .iter()
        .enumerate()
        .filter_map(|(index, institution)| {
            let reasons = reasons(need, institution)?;
            Some((index, reasons.iter().map(|reason| reason.weight()).sum(), reasons))
        })
        .collect();
    ranked.sort_by(|a, b| {
        b.1.cmp(&a.1).then_with(|| institutions[a.0].code.as_str().cmp(institutions[b.0].code.as_str()))
    });
    ranked
}

fn reasons(need: &FamilyNeed, institution: &InstitutionApplication) -> Option<Vec<Reason>> {
    if institution.country != need.country || !institution.products.contains(&need.product) {
        return None;
    }
    let mut reasons = vec![Reason::OffersProduct];
    let same = |text: &String| text.to_lowercase() == need.region.to_lowercase();
    if institution.regions.is_empty() {
        reasons.push(Reason::ServesCountry);
    } else if institution.regions.iter().any(same) {
        reasons.push(Reason::ServesRegion);
    } else {
        return None;
    }
    if institution.languages.contains(&need.language) {
        reasons.push(Reason::SpeaksLanguage);
    }
    Some(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstitutionCode;

    fn institution(code: &str, regions: &[&str], languages: &[&str], products: &[Product]) -> InstitutionApplication {
        let list = |items: &[&str]| items.iter().map(ToString::to_string).collect();
        InstitutionApplication {
            code: InstitutionCode::try_new(code).expect("a code"),
            name: code.to_owned(),
            country: Country::try_new("SN").expect("a country"),
            regions: list(regions),
            languages: list(languages),
            products: products.to_vec(),
        }
    }

    #[test]
    fn who_serves_the_region_comes_first_and_who_does_not_is_left_out() {
        let institutions = [
            institution("b-national", &[], &["fr"], &[Product::Savings]),
            institution("a-national", &[], &["fr"], &[Product::Savings]),
            institution("thies", &["Thiès"], &["wo"], &[Product::Savings]),
            institution("dakar", &["Dakar"], &["fr"], &[Product::Savings]),
            institution("credit", &["Thiès"], &["fr"], &[Product::Credit]),
        ];
        let need = FamilyNeed {
            product: Product::Savings,
            country: institutions[0].country,
            region: "THIÈS".to_owned(),
            language: "fr".to_owned(),
        };
        let ranked = rank(&need, &institutions);
        let order: Vec<_> =
            ranked.iter().map(|(index, score, _)| (institutions[*index].code.as_str(), *score)).collect();
        assert_eq!(order, [("thies", 90), ("a-national", 80), ("b-national", 80)]);
        assert_eq!(ranked[0].2, [Reason::OffersProduct, Reason::ServesRegion]);
    }
}
