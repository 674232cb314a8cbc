//! Documents: by them people show who they are and where their money comes from, which lifts them to a tier.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | submitted | accepted-first | in-review |
//! | submitted | accepted | accepted |
//! | submitted | rejected | rejected |
//! | submitted | withdrawn | withdrawn |
//! | submitted | expired | expired |
//! | submitted | outdated | outdated |
//! | in-review | accepted | accepted |
//! | in-review | rejected | rejected |
//! | in-review | expired | expired |
//! | in-review | outdated | outdated |
//! | accepted | expired | expired |
//! | accepted | outdated | outdated |
//!
//! One operator accepts or rejects a document. Where a refugee's or an asylum seeker's paper or the source of funds is
//! concerned, two accept: such papers differ from office to office, and much money follows from the latter. Another name
//! or birth date outdates what was shown for the one before.
//!
//! # Locks
//! Whatever changes a tier holds the person's row first and their documents after it.

mod agreement;
mod expiry;
mod image_store;
mod kind;
mod machine_readable_zone;
mod notices;
mod picture;
mod review;
mod store;
mod tiers;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Serialize;

pub use agreement::{Disagreement, PrintedHolder};
pub use image_store::{ImageOrdinal, MAX_IMAGES, StoredImage};
pub use kind::{DocumentKind, PaperKind};
pub use machine_readable_zone::{
    MachineReadableZone, PrintedBirthDate, PrintedSex, StateCode, ZoneFault, ZoneField, ZoneForm,
};
pub use notices::{DOCUMENT_EXPIRED_TEMPLATE, DOCUMENT_EXPIRES_SOON_TEMPLATE, DOCUMENT_REVIEWED_TEMPLATE};
pub use picture::{ImageFault, MAX_IMAGE_BYTES, looks_like_image};
pub use review::{DocumentFilter, DocumentPast, ExaminedDocument, SameNumber};
pub use store::Documents;
pub(crate) use tiers::outdate_in;

use crate::{Country, Error, OperatorId, PersonId};

platform::define_id!(DocumentId, "Something that a person shows us of themselves.");

/// Characters of a document's number.
const LONGEST_NUMBER: usize = 32;
/// Characters of what a person says of their funds.
const LONGEST_STATEMENT: usize = 4_000;
/// How far ahead a document can expire: no state issues them for longer.
const LONGEST_VALIDITY: Days = Days::new(50 * 366);

/// Where a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentState {
    /// Handed in.
    Submitted,
    /// One operator accepted it; another one has to, too.
    InReview,
    /// Good.
    Accepted,
    /// Not good.
    Rejected,
    /// Taken back by the person.
    Withdrawn,
    /// Good no more.
    Expired,
    /// The person has stated another identity since.
    Outdated,
}

/// What happens to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentEvent {
    /// The person handed it in.
    Submitted,
    /// An operator accepted it; another one has to, too.
    AcceptedFirst,
    /// An operator accepted it, the second one where it takes two.
    Accepted,
    /// An operator rejected it.
    Rejected,
    /// The person took it back.
    Withdrawn,
    /// Its last day is over.
    Expired,
    /// The person stated another identity.
    Outdated,
}

/// Why a document is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentRejection {
    /// It cannot be read on the images.
    Unreadable,
    /// A side or a page is missing.
    Incomplete,
    /// It is not what was stated: another number, date or kind.
    DiffersFromStated,
    /// It is somebody else's.
    AnotherPerson,
    /// It is not taken for this.
    NotAccepted,
    /// It was changed, or never issued.
    NotGenuine,
    /// What is said does not explain the funds.
    NotExplained,
}

/// What an operator says of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentVerdict {
    /// It is good.
    Accept,
    /// It is not.
    Reject(DocumentRejection),
}

impl DocumentState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Submitted,
        Self::InReview,
        Self::Accepted,
        Self::Rejected,
        Self::Withdrawn,
        Self::Expired,
        Self::Outdated,
    ];
    /// Those in which somebody has to look at it.
    pub(crate) const WAITING: [Self; 2] = [Self::Submitted, Self::InReview];
    /// Those that time or another identity ends.
    pub(crate) const LIVE: [Self; 3] = [Self::Submitted, Self::InReview, Self::Accepted];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::InReview => "in-review",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Outdated => "outdated",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    pub(crate) fn stored(word: &str) -> Result<Self, Error> {
        Self::from_word(word).ok_or(Error::Corrupt("a document's state"))
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`Error::WrongState`] when the event does not fit.
    pub fn after(self, event: DocumentEvent) -> Result<Self, Error> {
        use DocumentEvent as Event;
        match (self, event) {
            (Self::Submitted, Event::AcceptedFirst) => Ok(Self::InReview),
            (Self::Submitted | Self::InReview, Event::Accepted) => Ok(Self::Accepted),
            (Self::Submitted | Self::InReview, Event::Rejected) => Ok(Self::Rejected),
            (Self::Submitted, Event::Withdrawn) => Ok(Self::Withdrawn),
            (Self::Submitted | Self::InReview | Self::Accepted, Event::Expired) => Ok(Self::Expired),
            (Self::Submitted | Self::InReview | Self::Accepted, Event::Outdated) => Ok(Self::Outdated),
            (state, event) => Err(Error::WrongState { thing: "document", state: state.word(), wanted: event.word() }),
        }
    }

    /// What an operator's verdict is to a document, where there is anything left to say: none when it was said before.
    ///
    /// # Errors
    /// [`Error::WrongState`] when it does not wait for one, [`Error::SamePerson`] when the second to accept is the first.
    pub fn event(
        self,
        kind: DocumentKind,
        first: Option<OperatorId>,
        verdict: DocumentVerdict,
        by: OperatorId,
    ) -> Result<Option<DocumentEvent>, Error> {
        let event = match (self, verdict) {
            (Self::Accepted, DocumentVerdict::Accept) | (Self::Rejected, DocumentVerdict::Reject(_)) => {
                return Ok(None);
            }
            (Self::Submitted, DocumentVerdict::Accept) if kind.takes_two() => DocumentEvent::AcceptedFirst,
            (Self::InReview, DocumentVerdict::Accept) if first == Some(by) => return Err(Error::SamePerson),
            (_, DocumentVerdict::Accept) => DocumentEvent::Accepted,
            (_, DocumentVerdict::Reject(_)) => DocumentEvent::Rejected,
        };
        self.after(event)?;
        Ok(Some(event))
    }
}

impl DocumentEvent {
    /// All events.
    pub const ALL: [Self; 7] = [
        Self::Submitted,
        Self::AcceptedFirst,
        Self::Accepted,
        Self::Rejected,
        Self::Withdrawn,
        Self::Expired,
        Self::Outdated,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::AcceptedFirst => "accepted-first",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Outdated => "outdated",
        }
    }

    pub(crate) fn stored(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|event| event.word() == word).ok_or(Error::Corrupt("an event of a document"))
    }
}

impl DocumentRejection {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::Unreadable,
        Self::Incomplete,
        Self::DiffersFromStated,
        Self::AnotherPerson,
        Self::NotAccepted,
        Self::NotGenuine,
        Self::NotExplained,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Incomplete => "incomplete",
            Self::DiffersFromStated => "differs-from-stated",
            Self::AnotherPerson => "another-person",
            Self::NotAccepted => "not-accepted",
            Self::NotGenuine => "not-genuine",
            Self::NotExplained => "not-explained",
        }
    }

    /// The reason of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

/// A paper that a person wants to show.
#[derive(Clone)]
pub struct NewPaper {
    kind: PaperKind,
    country: Country,
    number: String,
    expires_on: NaiveDate,
    zone: Option<MachineReadableZone>,
}

impl NewPaper {
    /// A paper as stated, valid today.
    ///
    /// # Errors
    /// [`Error::DocumentNumber`], [`Error::ExpiryDate`] for one that is not valid any more or for longer than any is.
    pub fn try_new(
        kind: PaperKind,
        country: Country,
        number: &str,
        expires_on: NaiveDate,
        zone: Option<MachineReadableZone>,
        today: NaiveDate,
    ) -> Result<Self, Error> {
        let has_form = number.starts_with(|first: char| first.is_ascii_alphanumeric())
            && number.len() <= LONGEST_NUMBER
            && number.chars().all(|character| character.is_ascii_alphanumeric() || " -./".contains(character));
        if !has_form {
            return Err(Error::DocumentNumber { maximum: LONGEST_NUMBER });
        }
        let latest = today.checked_add_days(LONGEST_VALIDITY).unwrap_or(NaiveDate::MAX);
        if !(today..=latest).contains(&expires_on) {
            return Err(Error::ExpiryDate { today, latest });
        }
        Ok(Self { kind, country, number: number.to_owned(), expires_on, zone })
    }
}

/// A document, without what it says of its holder.
#[derive(Clone, Debug)]
pub struct Document {
    /// Which.
    pub id: DocumentId,
    /// Whose.
    pub person: PersonId,
    /// What it is.
    pub kind: DocumentKind,
    /// Where it stands.
    pub state: DocumentState,
    /// Counts the changes of its images: a verdict names the one that was looked at.
    pub revision: i32,
    /// Who issued it; none for the source of funds.
    pub country: Option<Country>,
    /// Its last day; for the source of funds once it is accepted.
    pub expires_on: Option<NaiveDate>,
    /// How many images there are.
    pub images: i16,
    /// Why it is rejected.
    pub rejected_because: Option<DocumentRejection>,
    /// Who accepted it first, where it takes two.
    pub first_accepted_by: Option<OperatorId>,
    /// Since when.
    pub submitted_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests;
