//! Households and codes in JSON.

use chrono::{DateTime, Utc};
use onboarding::{Household, IssuedCode, Member, OpenInvitation, Recipient, RecipientId, SpokenCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Problem;
use crate::wire::words;

/// A household to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct NewHousehold {
    #[schema(min_length = 1, max_length = 200, example = "Family Ndiaye")]
    pub(super) name: String,
}

/// Somebody without an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct NewRecipient {
    /// As the household calls them.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) known_as: String,
    /// ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    pub(super) country: String,
    #[schema(min_length = 1, max_length = 200)]
    pub(super) region: String,
}

/// Where a recipient is paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct PaidAt {
    /// The code of a live institution.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", example = "caisse-thies")]
    pub(super) institution: String,
}

/// A code that somebody was told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mobile) struct SpokenCodeOnly {
    /// In any case, with or without hyphens.
    #[schema(min_length = 12, max_length = 40, example = "7KQ2-9MXA-4T3D")]
    code: String,
}

impl SpokenCodeOnly {
    pub(in crate::mobile) fn code(&self) -> Result<SpokenCode, Problem> {
        Ok(SpokenCode::try_new(&self.code)?)
    }
}

/// A code to be told to somebody, shown this once.
#[derive(Serialize, ToSchema)]
pub(in crate::mobile) struct IssuedCodeBody {
    id: Uuid,
    code: String,
    expires_at: DateTime<Utc>,
}

impl From<IssuedCode> for IssuedCodeBody {
    fn from(issued: IssuedCode) -> Self {
        Self { id: issued.id.uuid(), code: issued.code.shown(), expires_at: issued.expires_at }
    }
}

/// A recipient who waits for confirmation, with their code.
#[derive(Serialize, ToSchema)]
pub(in crate::mobile) struct AddedRecipient {
    pub(super) recipient: Uuid,
    pub(super) invitation: IssuedCodeBody,
}

/// A household.
#[derive(Serialize, ToSchema)]
#[schema(as = Household)]
pub(in crate::mobile) struct HouseholdBody {
    id: Uuid,
    name: String,
    /// What you may do.
    #[schema(value_type = words::HouseholdRole)]
    own_role: &'static str,
    members: Vec<MemberBody>,
    recipients: Vec<RecipientBody>,
    /// Codes that wait to be used; shown to heads.
    invitations: Vec<InvitationBody>,
    made_at: DateTime<Utc>,
}

/// Somebody with an account.
#[derive(Serialize, ToSchema)]
#[schema(as = HouseholdMember)]
pub(in crate::mobile) struct MemberBody {
    id: Uuid,
    person: Uuid,
    name: Option<String>,
    country: Option<String>,
    #[schema(value_type = words::HouseholdRole)]
    role: &'static str,
    /// Whether they are the guardian of a child of the household.
    is_guardian: bool,
    joined_at: DateTime<Utc>,
}

/// Somebody without an account.
#[derive(Serialize, ToSchema)]
#[schema(as = HouseholdRecipient)]
pub(in crate::mobile) struct RecipientBody {
    id: Uuid,
    known_as: String,
    country: String,
    region: String,
    /// As their document says, once an agent saw it.
    confirmed_name: Option<String>,
    /// Where the agent works.
    confirmed_by: Option<String>,
    confirmed_at: Option<DateTime<Utc>>,
}

/// A code that was made and not used.
#[derive(Serialize, ToSchema)]
#[schema(as = HouseholdInvitation)]
pub(in crate::mobile) struct InvitationBody {
    id: Uuid,
    /// The recipient whom it is to confirm; none for one by which a person joins.
    recipient: Option<Uuid>,
    expires_at: DateTime<Utc>,
    tries_left: i32,
}

impl From<Household> for HouseholdBody {
    fn from(household: Household) -> Self {
        Self {
            id: household.id.uuid(),
            name: household.name,
            own_role: household.own_role.word(),
            members: household.members.into_iter().map(MemberBody::from).collect(),
            recipients: household.recipients.into_iter().map(RecipientBody::from).collect(),
            invitations: household.invitations.into_iter().map(InvitationBody::from).collect(),
            made_at: household.made_at,
        }
    }
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        Self {
            id: member.id.uuid(),
            person: member.person.uuid(),
            name: member.name,
            country: member.country,
            role: member.role.word(),
            is_guardian: member.is_guardian,
            joined_at: member.joined_at,
        }
    }
}

impl From<Recipient> for RecipientBody {
    fn from(recipient: Recipient) -> Self {
        let confirmed = recipient.confirmed;
        Self {
            id: recipient.id.uuid(),
            known_as: recipient.known_as,
            country: recipient.country.code().to_owned(),
            region: recipient.region,
            confirmed_at: confirmed.as_ref().map(|confirmed| confirmed.at),
            confirmed_by: confirmed.as_ref().map(|confirmed| confirmed.institution.clone()),
            confirmed_name: confirmed.map(|confirmed| confirmed.name),
        }
    }
}

impl From<OpenInvitation> for InvitationBody {
    fn from(open: OpenInvitation) -> Self {
        Self {
            id: open.id.uuid(),
            recipient: open.recipient.map(RecipientId::uuid),
            expires_at: open.expires_at,
            tries_left: open.tries_left,
        }
    }
}
