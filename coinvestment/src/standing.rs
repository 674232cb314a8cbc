//! How well a contributor is known. Another room knows; this one asks in its own words.

use std::future::Future;

use crate::{ContributorId, Error, Kind, Project, Terms};

/// How well somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// By nothing but how to reach them.
    Reachable,
    /// By the name that they state.
    Named,
    /// By a document that was looked at and is valid.
    Documented,
}

impl Standing {
    const fn words(self) -> &'static str {
        match self {
            Self::Reachable => "can be reached",
            Self::Named => "have said who they are",
            Self::Documented => "have shown a document that is valid",
        }
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.words())
    }
}

/// Knows how well contributors are known.
pub trait Acquaintance: Sync {
    /// How well one is known now.
    fn standing(&self, contributor: ContributorId) -> impl Future<Output = Result<Standing, Error>> + Send;
}

impl Project {
    /// How well those are known whose money it takes: a gift to a community needs a name, a stake in a business a
    /// document.
    #[must_use]
    pub const fn asks_for(&self) -> Standing {
        match (self.kind, self.terms) {
            (Kind::Community, Terms::Gift) => Standing::Named,
            (Kind::Business, Terms::Gift) => Standing::Documented,
        }
    }

    /// That it takes money of somebody who is so well known.
    ///
    /// # Errors
    /// [`Error::NotKnownEnough`].
    pub(crate) fn is_open_to(&self, standing: Standing) -> Result<(), Error> {
        let needed = self.asks_for();
        if standing >= needed { Ok(()) } else { Err(Error::NotKnownEnough { needed }) }
    }
}
