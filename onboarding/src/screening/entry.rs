//! Entries of lists: whom a publisher names, as far as screening needs it. All of it is public.

use std::collections::BTreeSet;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::birth_date::PartialDate;
use crate::{Country, Error};

/// Names that one entry may have.
pub(super) const MOST_NAMES: usize = 300;
/// Characters of a name.
const LONGEST_NAME: usize = 500;
/// Characters of a publisher's number for an entry.
const LONGEST_REFERENCE: usize = 100;
/// Birth dates and countries that one entry may have.
const MOST_FACTS: usize = 100;

/// What an entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// Somebody.
    Person,
    /// A company, a group, an authority.
    Organisation,
    /// A ship, an aircraft: nobody whom we would pay.
    Thing,
}

impl EntryKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Person, Self::Organisation, Self::Thing];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Thing => "thing",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(Error::Corrupt("a kind of entry"))
    }
}

/// Whom a list names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// The publisher's number for it.
    pub reference: String,
    /// What it is.
    pub kind: EntryKind,
    /// All its names, the main one first.
    pub names: Vec<String>,
    /// When it may be born.
    pub births: Vec<PartialDate>,
    /// Codes of the countries that it belongs to, as far as they are known.
    pub countries: Vec<String>,
}

impl ListEntry {
    pub(super) const fn new(kind: EntryKind) -> Self {
        Self { reference: String::new(), kind, names: Vec::new(), births: Vec::new(), countries: Vec::new() }
    }

    /// Adds a name, if there is one.
    pub(super) fn name(&mut self, name: &str) {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if !name.is_empty() && !self.names.contains(&name) && self.names.len() <= MOST_NAMES {
            self.names.push(name);
        }
    }

    /// Adds a country by its code, or by the name that publishers give it; one that nobody knows says nothing.
    pub(super) fn country(&mut self, text: &str) {
        let code = country_code(text.trim());
        if let Some(code) = code.filter(|code| !self.countries.contains(code)) {
            self.countries.push(code);
        }
    }

    /// The entry, if it can be kept.
    pub(super) fn checked(self) -> Result<Self, String> {
        let fits = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
        let printable = |text: &str| !text.chars().any(char::is_control);
        if !fits(&self.reference, LONGEST_REFERENCE) || !printable(&self.reference) {
            return Err(format!("the publisher's number has 1 to {LONGEST_REFERENCE} characters on one line"));
        }
        let reference = &self.reference;
        if self.names.is_empty() {
            return Err(format!("entry {reference} has no name"));
        }
        if self.names.len() > MOST_NAMES || self.births.len() > MOST_FACTS || self.countries.len() > MOST_FACTS {
            return Err(format!(
                "entry {reference} has more than {MOST_NAMES} names or {MOST_FACTS} dates or countries"
            ));
        }
        if !self.names.iter().all(|name| fits(name, LONGEST_NAME) && printable(name)) {
            return Err(format!("a name of entry {reference} has more than {LONGEST_NAME} characters on one line"));
        }
        Ok(self)
    }

    /// What tells two versions of an entry apart: all that screening looks at, whatever its order.
    pub(super) fn digest(&self) -> Vec<u8> {
        let mut hasher = Sha256::new();
        let mut add = |texts: BTreeSet<String>| {
            hasher.update((texts.len() as u64).to_be_bytes());
            for text in texts {
                hasher.update((text.len() as u64).to_be_bytes());
                hasher.update(text.as_bytes());
            }
        };
        add(BTreeSet::from([self.kind.word().to_owned()]));
        add(self.names.iter().cloned().collect());
        add(self.births.iter().map(ToString::to_string).collect());
        add(self.countries.iter().cloned().collect());
        hasher.finalize().to_vec()
    }
}

/// Names of countries that publishers use and the standard does not.
const OTHER_NAMES: [(&str, &str); 24] = [
    ("russia", "RU"),
    ("syria", "SY"),
    ("iran", "IR"),
    ("korea, north", "KP"),
    ("north korea", "KP"),
    ("democratic people's republic of korea", "KP"),
    ("korea, south", "KR"),
    ("burma", "MM"),
    ("congo, democratic republic of the", "CD"),
    ("democratic republic of the congo", "CD"),
    ("congo, republic of the", "CG"),
    ("gambia, the", "GM"),
    ("ivory coast", "CI"),
    ("cote d ivoire", "CI"),
    ("palestinian", "PS"),
    ("united kingdom", "GB"),
    ("united states", "US"),
    ("tanzania", "TZ"),
    ("venezuela", "VE"),
    ("bolivia", "BO"),
    ("moldova", "MD"),
    ("laos", "LA"),
    ("vietnam", "VN"),
    ("turkey", "TR"),
];

fn country_code(text: &str) -> Option<String> {
    let upper = text.to_uppercase();
    if let Ok(country) = Country::try_new(&upper) {
        return Some(country.code().to_owned());
    }
    let plain = any_ascii::any_ascii(text).to_lowercase();
    let named = |name: &str| {
        let name = any_ascii::any_ascii(name).to_lowercase();
        name == plain || name.split(" (").next() == Some(plain.as_str())
    };
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == plain).map(|(_, code)| (*code).to_owned());
    other.or_else(|| {
        rust_iso3166::ALL.iter().find(|country| named(country.name)).map(|country| country.alpha2.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_known_by_their_code_and_by_what_publishers_call_them() {
        for (text, code) in [
            ("ml", "ML"),
            ("Mali", "ML"),
            ("Côte d'Ivoire", "CI"),
            ("Syrian Arab Republic", "SY"),
            ("Syria", "SY"),
            ("Korea, North", "KP"),
            ("Niger", "NE"),
            ("Congo", "CG"),
            ("Türkiye", "TR"),
        ] {
            assert_eq!(country_code(text).as_deref(), Some(code), "{text}");
        }
        assert_eq!(country_code("Atlantis"), None);
    }

    #[test]
    fn a_digest_tells_what_screening_looks_at_and_no_order() {
        let mut one = ListEntry::new(EntryKind::Person);
        one.name("A B");
        one.name("C");
        let mut other = ListEntry::new(EntryKind::Person);
        other.name("C");
        other.name("A  B");
        assert_eq!(one.digest(), other.digest());
        other.country("Mali");
        assert_ne!(one.digest(), other.digest());
    }
}
