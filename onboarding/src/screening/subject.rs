//! Subjects: who is screened, and what is known of them.

use chrono::NaiveDate;
use uuid::Uuid;

use super::entry::EntryKind;
use crate::person::text;
use crate::{Error, Identity, Person};

/// What somebody who is screened is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A person who has an account: sender, project owner.
    Person,
    /// Somebody, or an institution such as a school, who is paid.
    Beneficiary,
    /// An officer of an association.
    Officer,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Person, Self::Beneficiary, Self::Officer];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Beneficiary => "beneficiary",
            Self::Officer => "officer",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(Error::Corrupt("a kind of subject"))
    }
}

/// What is known of somebody who is screened.
#[derive(Clone, PartialEq, Eq)]
pub struct Facts {
    /// What they are to us.
    pub kind: SubjectKind,
    /// Their name as given.
    pub name: String,
    /// When they are born.
    pub birth_date: Option<NaiveDate>,
    /// The country of theirs that is known, by its code.
    pub country: Option<String>,
}

impl Facts {
    /// Whether they may be what a list names: only who is paid may be an organisation.
    pub(super) fn may_be(&self, kind: EntryKind) -> bool {
        match kind {
            EntryKind::Person => true,
            EntryKind::Organisation => self.kind == SubjectKind::Beneficiary,
            EntryKind::Thing => false,
        }
    }
}

/// Somebody who is to be screened.
#[derive(Clone)]
pub struct Subject {
    /// The person, the beneficiary, the officer: the id that the room has that knows them.
    pub id: Uuid,
    /// The person in whose account it shows.
    pub owner: Uuid,
    /// What is known.
    pub facts: Facts,
}

impl Subject {
    /// A person, by who they say to be.
    #[must_use]
    pub fn person(person: &Person, identity: &Identity) -> Self {
        let facts = Facts {
            kind: SubjectKind::Person,
            name: identity.name.clone(),
            birth_date: Some(identity.birth_date),
            country: Some(identity.country.code().to_owned()),
        };
        Self { id: person.id().uuid(), owner: person.id().uuid(), facts }
    }

    /// Somebody whose name can be kept.
    ///
    /// # Errors
    /// [`Error::Text`] for an empty or overlong name.
    pub fn try_new(id: Uuid, owner: Uuid, facts: Facts) -> Result<Self, Error> {
        let name = text("name", &facts.name)?;
        Ok(Self { id, owner, facts: Facts { name, ..facts } })
    }
}
