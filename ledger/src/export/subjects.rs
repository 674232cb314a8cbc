//! Who appears in an export as whom.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::{AccountCode, Chart};

/// The open segments of the chart that stand for people or for what belongs to a few of them.
const PERSONAL_SEGMENTS: [&str; 3] = ["{person}", "{goal}", "{association}"];
/// Segments that an account outside of the chart keeps: its kind and its family.
const KEPT_SEGMENTS: usize = 2;

/// Whether an export names subjects and holders of accounts by their own ids.
#[derive(Clone, Debug)]
pub enum Subjects {
    /// By pseudonyms, the same for the same id in everything that is exported under one key. Metadata is left out.
    Pseudonyms(PseudonymKey),
    /// By their own ids, metadata included.
    AsTheyAre,
}

/// The key of the pseudonyms of one grant.
#[derive(Clone)]
pub struct PseudonymKey([u8; 32]);

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PseudonymKey")
    }
}

impl PseudonymKey {
    /// The key of a grant, from a secret of the house: pseudonyms of two grants cannot be joined.
    #[must_use]
    pub fn for_grant(secret: &[u8], grant: Uuid) -> Self {
        Self(authenticate(secret, &[b"teranga grant 1", grant.as_bytes()]))
    }

    /// The pseudonym of an id: a UUID of version 8 from the first 16 bytes of an HMAC-SHA256.
    pub(crate) fn pseudonym(&self, id: &str) -> Uuid {
        let digest = authenticate(&self.0, &[b"teranga subject 1", id.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

fn authenticate(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length; a failure cannot happen, and nothing but zeros would come out of it.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl Subjects {
    /// How a subject appears.
    pub(crate) fn subject(&self, subject: Uuid) -> Uuid {
        match self {
            Self::AsTheyAre => subject,
            Self::Pseudonyms(key) => key.pseudonym(&subject.to_string()),
        }
    }

    /// Whether metadata is shown.
    pub(crate) const fn shows_metadata(&self) -> bool {
        matches!(self, Self::AsTheyAre)
    }

    /// How an account appears: a person's segment is their pseudonym, so that wallet and subject still agree.
    ///
    /// An account that no template fits any more keeps its first two segments only.
    pub(crate) fn code(&self, code: &AccountCode, chart: &Chart) -> String {
        let Self::Pseudonyms(key) = self else { return code.to_string() };
        let pattern: Option<Vec<&str>> = chart.template(code).map(|template| template.pattern().split(':').collect());
        let shown = code.segments().enumerate().map(|(place, segment)| {
            let personal = match &pattern {
                Some(pattern) => pattern.get(place).is_none_or(|segment| PERSONAL_SEGMENTS.contains(segment)),
                None => place >= KEPT_SEGMENTS,
            };
            if personal { key.pseudonym(segment).to_string() } else { segment.to_owned() }
        });
        shown.collect::<Vec<_>>().join(":")
    }
}

/// Whether a code stands for a person, or for what belongs to a few of them.
pub(crate) fn is_personal(code: &AccountCode, chart: &Chart) -> bool {
    chart
        .template(code)
        .is_some_and(|template| template.pattern().split(':').any(|segment| PERSONAL_SEGMENTS.contains(&segment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: &str = r#"
        [accounts."liabilities:wallets:{person}"]
        description = "a person's balance"
        [accounts."revenue:fees:{corridor}"]
        description = "fees"
    "#;

    #[test]
    fn a_person_has_one_pseudonym_within_a_grant_and_another_in_the_next() -> Result<(), Box<dyn std::error::Error>> {
        let chart = Chart::from_toml(CHART)?;
        let person = Uuid::now_v7();
        let [first, second] =
            [1, 2].map(|grant| Subjects::Pseudonyms(PseudonymKey::for_grant(b"house", Uuid::from_u128(grant))));
        let wallet = AccountCode::held_by("liabilities:wallets", person)?;
        assert_eq!(first.code(&wallet, &chart), format!("liabilities:wallets:{}", first.subject(person)));
        assert_ne!(first.subject(person), person);
        assert_ne!(first.subject(person), second.subject(person));
        assert_eq!(first.code(&AccountCode::try_new("revenue:fees:eur-xof")?, &chart), "revenue:fees:eur-xof");
        assert_eq!(Subjects::AsTheyAre.code(&wallet, &chart), wallet.to_string());
        Ok(())
    }

    #[test]
    fn an_account_outside_of_the_chart_hides_what_it_may_hold() -> Result<(), Box<dyn std::error::Error>> {
        let chart = Chart::from_toml(CHART)?;
        let subjects = Subjects::Pseudonyms(PseudonymKey::for_grant(b"house", Uuid::from_u128(1)));
        let shown = subjects.code(&AccountCode::try_new("liabilities:purses:amina")?, &chart);
        assert!(shown.starts_with("liabilities:purses:") && !shown.contains("amina"), "{shown}");
        Ok(())
    }
}
