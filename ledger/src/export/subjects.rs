//! Who appears in an export as whom.

use std::sync::Arc;

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::{AccountCode, AccountPrefix, Chart};

/// The open segments of the chart that stand for people or for what belongs to a few of them.
const PERSONAL_SEGMENTS: [&str; 3] = ["{person}", "{goal}", "{association}"];
/// Segments that an account outside of the chart keeps: its kind and its family.
const KEPT_SEGMENTS: usize = 2;

/// Whether subjects and holders of accounts are named by their own ids.
#[derive(Clone, Debug)]
pub enum Subjects {
    /// By pseudonyms, the same for the same id in everything that is shown under one key. Metadata is left out.
    Pseudonyms(PseudonymKey),
    /// By their own ids, metadata included.
    AsTheyAre,
}

/// The key of the pseudonyms of one grant.
///
/// The pseudonym of an id is the id itself, encrypted as the one block that it is: every id has one, no two have the
/// same, and whoever has the key finds the way back without a table, so that one may be asked for by it.
#[derive(Clone)]
pub struct PseudonymKey {
    ids: Arc<Aes256>,
    /// For names of holders that are no ids; there is no way back from those.
    names: [u8; 32],
}

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PseudonymKey")
    }
}

impl PseudonymKey {
    /// The key of a grant, from a secret of the house: pseudonyms of two grants cannot be joined.
    #[must_use]
    pub fn for_grant(secret: &[u8], grant: Uuid) -> Self {
        let names = authenticate(secret, &[b"teranga grant 1", grant.as_bytes()]);
        let ids = authenticate(secret, &[b"teranga grant 1 ids", grant.as_bytes()]);
        Self { ids: Arc::new(Aes256::new(&Array(ids))), names }
    }

    fn hide(&self, id: Uuid) -> Uuid {
        let mut block = Array(id.into_bytes());
        self.ids.encrypt_block(&mut block);
        Uuid::from_bytes(block.0)
    }

    fn reveal(&self, pseudonym: Uuid) -> Uuid {
        let mut block = Array(pseudonym.into_bytes());
        self.ids.decrypt_block(&mut block);
        Uuid::from_bytes(block.0)
    }

    fn hide_segment(&self, segment: &str) -> String {
        if let Some(id) = id(segment) {
            return self.hide(id).to_string();
        }
        let digest = authenticate(&self.names, &[b"teranga subject 1", segment.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
    }
}

/// The id that a segment is, written as ids are written in codes.
fn id(segment: &str) -> Option<Uuid> {
    Uuid::parse_str(segment).ok().filter(|id| id.to_string() == segment)
}

fn authenticate(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length; a failure cannot happen, and nothing but zeros would come out of it.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl Subjects {
    /// How a subject appears.
    #[must_use]
    pub fn subject(&self, subject: Uuid) -> Uuid {
        match self {
            Self::AsTheyAre => subject,
            Self::Pseudonyms(key) => key.hide(subject),
        }
    }

    /// The subject that appears so.
    #[must_use]
    pub fn subject_of(&self, shown: Uuid) -> Uuid {
        match self {
            Self::AsTheyAre => shown,
            Self::Pseudonyms(key) => key.reveal(shown),
        }
    }

    /// Whether metadata is shown.
    #[must_use]
    pub const fn shows_metadata(&self) -> bool {
        matches!(self, Self::AsTheyAre)
    }

    /// How an account appears: a person's segment is their pseudonym, so that wallet and subject still agree.
    ///
    /// An account that no template fits any more keeps its first two segments only.
    #[must_use]
    pub fn code(&self, code: &AccountCode, chart: &Chart) -> String {
        let Self::Pseudonyms(key) = self else { return code.to_string() };
        let personal = Personal::of(code.as_str(), chart.template(code).map(|template| template.pattern()));
        personal.map(|segment| key.hide_segment(segment))
    }

    /// The code of the account that appears so; none when no account can.
    #[must_use]
    pub fn code_of(&self, shown: &AccountCode, chart: &Chart) -> Option<AccountCode> {
        let Self::Pseudonyms(key) = self else { return Some(shown.clone()) };
        let personal = Personal::of(shown.as_str(), chart.template(shown).map(|template| template.pattern()));
        AccountCode::try_new(&personal.try_map(|segment| Some(key.reveal(id(segment)?).to_string()))?).ok()
    }

    /// How the beginning of codes appears.
    #[must_use]
    pub fn prefix(&self, prefix: &AccountPrefix, chart: &Chart) -> String {
        let Self::Pseudonyms(key) = self else { return prefix.to_string() };
        Personal::of(prefix.as_str(), chart.beginning(prefix.as_str())).map(|segment| key.hide_segment(segment))
    }

    /// The beginning of codes that appears so; none when no account's can.
    #[must_use]
    pub fn prefix_of(&self, shown: &AccountPrefix, chart: &Chart) -> Option<AccountPrefix> {
        let Self::Pseudonyms(key) = self else { return Some(shown.clone()) };
        let personal = Personal::of(shown.as_str(), chart.beginning(shown.as_str()));
        AccountPrefix::try_new(&personal.try_map(|segment| Some(key.reveal(id(segment)?).to_string()))?).ok()
    }
}

/// The segments of a code, each with whether it stands for a person.
struct Personal<'a>(Vec<(&'a str, bool)>);

impl<'a> Personal<'a> {
    /// By the templates that the code fits, or begins like.
    fn of<'t>(code: &'a str, patterns: impl IntoIterator<Item = &'t str>) -> Self {
        let mut segments: Vec<(&str, bool)> = code.split(':').map(|segment| (segment, false)).collect();
        let mut is_known = false;
        for pattern in patterns {
            is_known = true;
            for (segment, wanted) in segments.iter_mut().zip(pattern.split(':')) {
                segment.1 |= PERSONAL_SEGMENTS.contains(&wanted);
            }
        }
        if !is_known {
            segments.iter_mut().skip(KEPT_SEGMENTS).for_each(|segment| segment.1 = true);
        }
        Self(segments)
    }

    fn map(&self, of: impl Fn(&str) -> String) -> String {
        self.try_map(|segment| Some(of(segment))).unwrap_or_default()
    }

    fn try_map(&self, of: impl Fn(&str) -> Option<String>) -> Option<String> {
        let segments = self.0.iter().map(|&(segment, is_personal)| match is_personal {
            true => of(segment),
            false => Some(segment.to_owned()),
        });
        Some(segments.collect::<Option<Vec<_>>>()?.join(":"))
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

        // There is a way back from what the grant shows, and from nothing else.
        let shown = AccountCode::try_new(&first.code(&wallet, &chart))?;
        assert_eq!(first.subject_of(first.subject(person)), person);
        assert_eq!(first.code_of(&shown, &chart), Some(wallet.clone()));
        assert_ne!(second.code_of(&shown, &chart), Some(wallet.clone()));
        assert_ne!(first.code_of(&wallet, &chart), Some(wallet));
        assert_eq!(first.code_of(&AccountCode::try_new("liabilities:wallets:amina")?, &chart), None);
        Ok(())
    }

    #[test]
    fn the_beginning_of_a_code_shows_as_much_as_the_whole_one() -> Result<(), Box<dyn std::error::Error>> {
        let chart = Chart::from_toml(CHART)?;
        let subjects = Subjects::Pseudonyms(PseudonymKey::for_grant(b"house", Uuid::from_u128(1)));
        for open in ["liabilities", "liabilities:wallets", "revenue:fees:eur-xof"] {
            let prefix = AccountPrefix::try_new(open)?;
            assert_eq!(subjects.prefix(&prefix, &chart), open);
            assert_eq!(subjects.prefix_of(&prefix, &chart), Some(prefix));
        }
        let wallet = AccountPrefix::try_new(&format!("liabilities:wallets:{}", Uuid::now_v7()))?;
        let shown = AccountPrefix::try_new(&subjects.prefix(&wallet, &chart))?;
        assert_eq!(subjects.prefix_of(&shown, &chart), Some(wallet));
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
