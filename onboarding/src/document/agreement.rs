//! What is printed in a machine-readable zone beside what its person states.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{MachineReadableZone, NewPaper};

/// Where a machine-readable zone says another thing than its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// It is that of another kind of document.
    Kind,
    /// Another state issued it.
    Country,
    /// It has another number.
    Number,
    /// It expires on another day.
    ExpiresOn,
    /// The holder was born on another day than the person states.
    BirthDate,
}

impl Disagreement {
    /// The field in which it shows.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Country => "country",
            Self::Number => "number",
            Self::ExpiresOn => "expires_on",
            Self::BirthDate => "machine_readable_zone",
        }
    }
}

impl std::fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Kind => "the machine-readable zone is that of another kind of document",
            Self::Country => "the machine-readable zone names another issuing state",
            Self::Number => "the machine-readable zone has another number",
            Self::ExpiresOn => "the machine-readable zone has another date of expiry",
            Self::BirthDate => "the machine-readable zone has another date of birth than the identity that is stated",
        })
    }
}

/// A number without what is written between its letters and digits, to tell one document from another.
pub(super) fn bare(number: &str) -> String {
    number.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_uppercase()).collect()
}

impl NewPaper {
    /// All in which the zone and the person, of whom the birth date is stated, say different things.
    pub(super) fn disagreements(&self, born: NaiveDate) -> Vec<Disagreement> {
        let Some(zone) = &self.zone else { return Vec::new() };
        let differs = [
            (!self.kind.bears(&zone.document_code), Disagreement::Kind),
            (zone.issuer.country() != Some(self.country), Disagreement::Country),
            (zone.number != bare(&self.number), Disagreement::Number),
            (zone.expires_on != self.expires_on, Disagreement::ExpiresOn),
            (!zone.birth_date.may_be(born), Disagreement::BirthDate),
        ];
        differs.into_iter().filter_map(|(differs, which)| differs.then_some(which)).collect()
    }
}

/// What of a zone is kept of its holder: what a reviewer holds against the images. The printed sex is not.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedHolder {
    /// The main part of the name.
    pub surname: String,
    /// The other names.
    pub given_names: String,
    /// YYMMDD, with fillers for what is not known.
    pub birth_date: String,
    /// By the code of the document.
    pub nationality: String,
}

impl From<&MachineReadableZone> for PrintedHolder {
    fn from(zone: &MachineReadableZone) -> Self {
        Self {
            surname: zone.surname.clone(),
            given_names: zone.given_names.clone(),
            birth_date: zone.birth_date.to_string(),
            nationality: zone.nationality.text().to_owned(),
        }
    }
}
