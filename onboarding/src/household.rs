//! Households: a family over two countries, with people who have an account and people who have none.
//!
//! Members see the household; only heads change it, and it always has one. Who has no account is added as a
//! [`Recipient`], and confirmed by an agent of an institution who sees their document.

mod code;
mod error;
mod invitation;
mod store;

use chrono::{DateTime, Utc};

pub use code::{CodeId, IssuedCode, SpokenCode};
pub(crate) use code::{
    CodePurpose, Holder, NewCode, count_in as count_code_try_in, forgive_in as forgive_code_try_in,
    issue_in as issue_code_in, present_in as present_code_in, random_letters, used_for_in as used_code_for_in,
};
pub use error::HouseholdError;
pub use invitation::{Confirmation, Invitations, RecipientStatement, SeenDocument};
pub use store::Households;
pub(crate) use store::{lock_in as lock_household_in, require_member_in, role_in};

use crate::person::text;
use crate::{Country, Error, PersonId, Tier};

platform::define_id!(HouseholdId, "A household.");
platform::define_id!(MemberId, "Somebody with an account, as a member of a household.");
platform::define_id!(RecipientId, "Somebody without an account, as a recipient of a household.");

/// Households that one person is in at most.
pub const MAX_HOUSEHOLDS: usize = 10;
/// Members and recipients that a household has at most.
pub const MAX_HOUSEHOLD_PEOPLE: usize = 40;
/// Invitations of a household that are open at once.
pub const MAX_OPEN_INVITATIONS: usize = 20;
/// What has to be known of whoever makes a household, joins it or is a guardian: who they are, held against the lists.
pub(crate) const LEAST_TIER: Tier = Tier::Identity;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Changes the household.
    Head,
    /// Sees it.
    Member,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 2] = [Self::Head, Self::Member];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Member => "member",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|role| role.word() == word).ok_or(Error::Corrupt("a role in a household"))
    }
}

/// A household, as one of its members sees it.
#[derive(Clone)]
pub struct Household {
    /// Which.
    pub id: HouseholdId,
    /// As its heads call it.
    pub name: String,
    /// What the one who looks may do.
    pub own_role: Role,
    /// Those who have an account.
    pub members: Vec<Member>,
    /// Those who have none.
    pub recipients: Vec<Recipient>,
    /// Codes that wait to be used; told to heads only.
    pub invitations: Vec<OpenInvitation>,
    /// Since when.
    pub made_at: DateTime<Utc>,
}

/// Somebody with an account.
#[derive(Clone)]
pub struct Member {
    /// Which.
    pub id: MemberId,
    /// Who.
    pub person: PersonId,
    /// As they say that they are called.
    pub name: Option<String>,
    /// Where they live.
    pub country: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether they are the guardian of a child of the household.
    pub is_guardian: bool,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// Somebody without an account.
#[derive(Clone)]
pub struct Recipient {
    /// Which.
    pub id: RecipientId,
    /// As the household calls them.
    pub known_as: String,
    /// Where they live.
    pub country: Country,
    /// The region there.
    pub region: String,
    /// What an agent read in their document, once one did.
    pub confirmed: Option<ConfirmedRecipient>,
}

/// What an agent confirmed.
#[derive(Clone)]
pub struct ConfirmedRecipient {
    /// As the document says.
    pub name: String,
    /// Where the agent works.
    pub institution: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A code that was made and not used.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    /// Which.
    pub id: CodeId,
    /// The recipient whom it is to confirm; none for one by which a person joins.
    pub recipient: Option<RecipientId>,
    /// Until when it can be used.
    pub expires_at: DateTime<Utc>,
    /// How often it can still be tried.
    pub tries_left: i32,
}

/// The name of a household, or of somebody as the family calls them.
pub(crate) fn called(field: &'static str, given: &str) -> Result<String, Error> {
    text(field, given)
}

/// Lets in whose identity is known.
pub(crate) fn require_identity(tier: Tier) -> Result<(), Error> {
    if tier >= LEAST_TIER { Ok(()) } else { Err(HouseholdError::IdentityNeeded.into()) }
}
