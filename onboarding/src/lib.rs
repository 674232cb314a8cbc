//! Onboarding: people, the institutions that serve them, and who else may look or act.
//!
//! # What it promises
//! - Personal data is sealed at rest and found by blind indexes; nothing of it is in logs or in the ledger.
//! - Who is let in is a value: a [`Person`], an [`Institution`], an [`Operator`] or an [`Auditor`] comes only out of a
//!   check of its credentials or of a live row.
//! - Who states an identity, and who is paid, is held against lists of sanctions; see [`screening`].
//! - Nobody learns from an answer whether an account exists.
//! - A tier above the first is carried by documents that operators accepted and that are valid, by two where it is
//!   marked so; whoever looks at a document is recorded.
//! - States are enums; only their transitions change them.
//!
//! # What is not here yet
//! Households, associations, second factors and refresh tokens.

mod access;
mod country;
mod document;
mod error;
mod institution;
mod person;
mod personal_data;
mod referral;
pub mod schema;
pub mod screening;

pub use access::{
    Access, AuditGrant, AuditScope, Auditor, ClientSecret, GrantId, GrantState, IssuedCredential, MAX_GRANTED_BOOKS,
    MAX_LISTED_GRANTS, Operator, OperatorId, OperatorRecord, OperatorState,
};
pub use country::{Country, UnknownCountry};
pub use document::{
    DOCUMENT_EXPIRED_TEMPLATE, DOCUMENT_EXPIRES_SOON_TEMPLATE, DOCUMENT_REVIEWED_TEMPLATE, Disagreement, Document,
    DocumentEvent, DocumentFilter, DocumentId, DocumentKind, DocumentPast, DocumentRejection, DocumentState,
    DocumentVerdict, Documents, ExaminedDocument, ImageFault, ImageOrdinal, MAX_IMAGE_BYTES, MAX_IMAGES,
    MachineReadableZone, NewPaper, PaperKind, PrintedBirthDate, PrintedHolder, PrintedSex, SameNumber, StateCode,
    StoredImage, ZoneFault, ZoneField, ZoneForm, looks_like_image,
};
pub use error::Error;
pub use institution::{
    Institution, InstitutionApplication, InstitutionCode, InstitutionEvent, InstitutionId, InstitutionState,
    Institutions, InvalidInstitutionCode, Product,
};
pub use person::{
    CONFIRMATION_TEMPLATE, ClientNetwork, Contact, ContactError, Identity, Language, Notice, PasswordPolicy, People,
    Person, PersonId, PersonState, REGISTERED_ALREADY_TEMPLATE, StatedIdentity, Tier, UnknownLanguage,
};
pub use referral::{ConsentId, FamilyNeed, Reason, Referral, ReferralId, ReferralState, Referrals, SentReferral, rank};
