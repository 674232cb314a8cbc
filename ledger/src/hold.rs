//! Holds: amounts reserved on an account, not yet moved.
//!
//! A hold is placed, posted (in whole or in part, several times) and released by entries, so its changes stand in the
//! book's order like postings. What an account has *available* is its balance less the holds that are live; an entry
//! is refused that would bring the available balance below the account's floor.
//!
//! | change | when it applies | afterwards |
//! | --- | --- | --- |
//! | placed | the id is new, the expiry lies ahead, the amount is available | live, all of it remains |
//! | posted | live, and no more than remains; the entry moves at least as much off the account | less remains |
//! | released | live | nothing remains |
//! | expired | something remains, and the expiry has come | nothing remains |
//!
//! Whether a hold is live is decided at each read and each write from its stored expiry: at that very time it is over,
//! whether anybody has tidied it up or not.

mod reads;

use chrono::{DateTime, Utc};

use crate::{AccountCode, Amount};

pub use reads::{Available, Hold};

platform::define_id!(HoldId, "One hold.");

/// Live holds that one account may have at once.
pub const MAX_LIVE_HOLDS: usize = 1_000;

/// What an entry does to a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldChange {
    /// Reserves an amount until a moment.
    Placed {
        /// The new hold.
        hold: HoldId,
        /// On which account.
        account: AccountCode,
        /// How much, on the account's normal side.
        amount: Amount,
        /// From this moment on it is over.
        expires_at: DateTime<Utc>,
    },
    /// The entry's postings use that much of it.
    Posted {
        /// The hold.
        hold: HoldId,
        /// How much.
        amount: Amount,
    },
    /// Gives back what remains.
    Released {
        /// The hold.
        hold: HoldId,
    },
    /// Takes what remains of an expired hold off the list; changes nothing that counts.
    Expired {
        /// The hold.
        hold: HoldId,
    },
}

/// What happened to a hold, as kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HoldChangeKind {
    Placed,
    Posted,
    Released,
    Expired,
}

impl HoldChangeKind {
    /// The word in the tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Posted => "posted",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }

    /// The number in a leaf of the log.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Placed => 1,
            Self::Posted => 2,
            Self::Released => 3,
            Self::Expired => 4,
        }
    }
}

impl HoldChange {
    /// The hold.
    #[must_use]
    pub const fn hold(&self) -> HoldId {
        match self {
            Self::Placed { hold, .. }
            | Self::Posted { hold, .. }
            | Self::Released { hold }
            | Self::Expired { hold } => *hold,
        }
    }

    pub(crate) const fn kind(&self) -> HoldChangeKind {
        match self {
            Self::Placed { .. } => HoldChangeKind::Placed,
            Self::Posted { .. } => HoldChangeKind::Posted,
            Self::Released { .. } => HoldChangeKind::Released,
            Self::Expired { .. } => HoldChangeKind::Expired,
        }
    }
}
