//! Onboarding: people, the institutions that serve them, and who else may look or act.
//!
//! # What it promises
//! - Personal data is sealed at rest and found by blind indexes; nothing of it is in logs or in the ledger.
//! - Who is let in is a value: a [`Person`], an [`Institution`], an [`Operator`] or an [`Auditor`] comes only out of a
//!   check of its credentials or of a live row.
//! - Who states an identity, and who is paid, is held against lists of sanctions; see [`screening`].
//! - Nobody learns from an answer whether an account exists.
//! - States are enums; only their transitions change them.
//!
//! # What is not here yet
//! Documents and reviewed tiers, households, associations, second factors and refresh tokens.

mod access;
mod country;
mod error;
mod institution;
mod person;
mod referral;
pub mod schema;
pub mod screening;

pub use access::{
    Access, AuditGrant, AuditScope, Auditor, ClientSecret, CredentialRecord, CredentialState, GrantId, GrantState,
    IssuedCredential, MAX_GRANTED_BOOKS, MAX_LISTED_GRANTS, Operator, OperatorId, OperatorRecord, OperatorState,
};
pub use country::{Country, UnknownCountry};
pub use error::Error;
pub use institution::{
    Institution, InstitutionApplication, InstitutionCode, InstitutionEvent, InstitutionId, InstitutionState,
    Institutions, InvalidInstitutionCode, Product,
};
pub use person::{
    CONFIRMATION_TEMPLATE, ClientNetwork, Contact, ContactError, Identity, Language, Notice, PasswordPolicy, People,
    Person, PersonId, PersonState, REGISTERED_ALREADY_TEMPLATE, Tier, UnknownLanguage,
};
pub use referral::{ConsentId, FamilyNeed, Reason, Referral, ReferralId, ReferralState, Referrals, SentReferral, rank};
