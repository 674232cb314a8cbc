use serde::Serialize;

use crate::{Error, Tier};

/// A paper that says who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaperKind {
    /// A passport.
    Passport,
    /// A national identity card.
    NationalCard,
    /// A card that a consulate gives to its nationals abroad.
    ConsularCard,
    /// A residence permit.
    ResidencePermit,
    /// A travel document under the Refugee Convention of 1951, or another paper of a recognised refugee.
    RefugeePaper,
    /// A paper of somebody whose request for asylum is being decided.
    AsylumPaper,
}

impl PaperKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Passport,
        Self::NationalCard,
        Self::ConsularCard,
        Self::ResidencePermit,
        Self::RefugeePaper,
        Self::AsylumPaper,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passport => "passport",
            Self::NationalCard => "national-card",
            Self::ConsularCard => "consular-card",
            Self::ResidencePermit => "residence-permit",
            Self::RefugeePaper => "refugee-paper",
            Self::AsylumPaper => "asylum-paper",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether a machine-readable zone with this document code can be on it.
    pub(super) fn bears(self, document_code: &str) -> bool {
        let is_passport = document_code.starts_with('P');
        match self {
            Self::Passport => is_passport,
            Self::NationalCard | Self::ConsularCard | Self::ResidencePermit => !is_passport,
            // A convention travel document has the form of a passport, other papers that of a card.
            Self::RefugeePaper | Self::AsylumPaper => true,
        }
    }
}

/// What a person shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Who they are.
    Paper(PaperKind),
    /// Where their money comes from.
    SourceOfFunds,
}

impl DocumentKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Paper(PaperKind::Passport),
        Self::Paper(PaperKind::NationalCard),
        Self::Paper(PaperKind::ConsularCard),
        Self::Paper(PaperKind::ResidencePermit),
        Self::Paper(PaperKind::RefugeePaper),
        Self::Paper(PaperKind::AsylumPaper),
        Self::SourceOfFunds,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paper(paper) => paper.word(),
            Self::SourceOfFunds => "source-of-funds",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    pub(super) fn stored(word: &str) -> Result<Self, Error> {
        Self::from_word(word).ok_or(Error::Corrupt("a kind of document"))
    }

    /// Whether two operators have to accept it.
    #[must_use]
    pub const fn takes_two(self) -> bool {
        matches!(self, Self::SourceOfFunds | Self::Paper(PaperKind::RefugeePaper | PaperKind::AsylumPaper))
    }

    /// The tier of who has shown these and has them valid, beside an identity that is stated.
    #[must_use]
    pub fn tier_of(valid: &[Self]) -> Tier {
        let has_paper = valid.iter().any(|kind| matches!(kind, Self::Paper(_)));
        match (has_paper, valid.contains(&Self::SourceOfFunds)) {
            (false, _) => Tier::Identity,
            (true, false) => Tier::Document,
            (true, true) => Tier::Funds,
        }
    }
}
