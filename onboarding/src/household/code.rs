//! Codes that are told from mouth to mouth: to join a household, to confirm a recipient, to hand an account over.
//!
//! A code has twelve characters that are hard to mishear. The first five find it, the other seven, 35 random bits, are
//! its secret; so a wrong secret counts against the code that was meant, and no code can be looked for. It is shown
//! once and kept as a keyed digest.

mod store;

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

pub(crate) use store::{count_in, forgive_in, issue_in, open_of_in, present_in, use_in, used_for_in, withdraw_in};

use super::{HouseholdId, SeenDocument};
use crate::{Error, InstitutionId, PersonId};

platform::define_id!(CodeId, "A code that is told from mouth to mouth.");

/// Digits and letters without I, L, O and U, after Douglas Crockford.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters that find the code.
const SELECTOR_LENGTH: usize = 5;
/// Characters of the code.
const LENGTH: usize = 12;
/// Characters between two hyphens, where it is shown.
const GROUP: usize = 4;
/// How long a code can be used.
const CODE_LIFE: Duration = Duration::days(30);
/// How often a code can be tried wrongly: with 35 bits, one chance in 6,800,000,000.
const CODE_TRIES: i32 = 5;

/// A code in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct SpokenCode(String);

impl SpokenCode {
    fn generate() -> Self {
        Self(random_letters(LENGTH))
    }

    /// The code that somebody wrote down as they heard it: in any case, with or without hyphens.
    ///
    /// # Errors
    /// [`Error::WrongCode`] when it can be none.
    pub fn try_new(text: &str) -> Result<Self, Error> {
        let heard = text.chars().filter(|letter| !matches!(letter, '-' | ' ')).take(LENGTH + 1);
        let code: String = heard
            .map(|letter| match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let known = code.bytes().all(|letter| ALPHABET.contains(&letter));
        if known && code.len() == LENGTH { Ok(Self(code)) } else { Err(Error::WrongCode) }
    }

    fn selector(&self) -> &str {
        self.0.get(..SELECTOR_LENGTH).unwrap_or_default()
    }

    fn whole(&self) -> &str {
        &self.0
    }

    /// In groups, as it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        letters.chunks(GROUP).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }
}

/// Letters that are hard to mishear, by chance.
pub(crate) fn random_letters(count: usize) -> String {
    (0..count).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

/// Prints no secret.
impl std::fmt::Debug for SpokenCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SpokenCode")
    }
}

/// A code that was just made.
#[derive(Clone, Debug)]
pub struct IssuedCode {
    /// Which.
    pub id: CodeId,
    /// In clear, this once.
    pub code: SpokenCode,
    /// Until when it can be used.
    pub expires_at: DateTime<Utc>,
}

/// A code that is to be made.
pub(crate) struct NewCode {
    pub(crate) household: HouseholdId,
    pub(crate) purpose: CodePurpose,
    /// The household, the recipient or the child.
    pub(crate) subject: Uuid,
    pub(crate) maker: Holder,
    /// What an agent saw who makes it.
    pub(crate) seen: Option<SeenDocument>,
}

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodePurpose {
    Join,
    Confirm,
    HandOver,
}

impl CodePurpose {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Confirm => "confirm",
            Self::HandOver => "hand-over",
        }
    }

    /// Whether a fresh code for the same thing takes the place of the one before.
    const fn replaces(self) -> bool {
        !matches!(self, Self::Join)
    }
}

/// Who makes a code or brings one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Person(PersonId),
    Institution(InstitutionId),
}

impl Holder {
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Institution(_) => "institution",
        }
    }

    pub(crate) const fn id(self) -> Uuid {
        match self {
            Self::Person(id) => id.uuid(),
            Self::Institution(id) => id.uuid(),
        }
    }

    /// Wrong codes within an hour after which no more are looked at: an institution has many agents.
    const fn free_failures(self) -> i32 {
        match self {
            Self::Person(_) => 5,
            Self::Institution(_) => 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_understood_however_it_is_written_down() -> Result<(), Error> {
        for _ in 0..100 {
            let code = SpokenCode::generate();
            let shown = code.shown();
            assert_eq!(shown.len(), LENGTH + 2);
            assert_eq!(SpokenCode::try_new(&shown)?, code);
            assert_eq!(SpokenCode::try_new(&shown.to_lowercase().replace('-', " "))?, code);
            assert_eq!(SpokenCode::try_new(&shown.replace('0', "o").replace('1', "l"))?, code);
        }
        for none in ["", "0000-0000-000", "0000-0000-00000", "0000-0000-000U", "0000-0000-000é"] {
            assert!(SpokenCode::try_new(none).is_err(), "{none}");
        }
        Ok(())
    }

    #[test]
    fn a_code_is_in_no_log() {
        let code = SpokenCode::generate();
        assert!(!format!("{code:?}").contains(code.whole()));
    }
}
