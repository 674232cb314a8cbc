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
//! - What is kept for a minor is spent by its rules only; see `child`. Its entries go to the ledger as units of work.
//!
//! # What is not here yet
//! Associations.

mod access;
mod child;
mod country;
mod document;
mod error;
mod household;
mod institution;
mod person;
mod personal_data;
mod referral;
pub mod schema;
pub mod screening;
#[cfg(test)]
mod transitions;

pub use access::{
    Access, AuditGrant, AuditScope, Auditor, ClientSecret, CredentialRecord, CredentialState, GrantId, GrantState,
    IssuedCredential, MAX_GRANTED_BOOKS, MAX_LISTED_GRANTS, Operator, OperatorId, OperatorRecord, OperatorState,
};
pub use child::{
    Allowance, Asked, Child, ChildError, ChildEvent, ChildId, ChildState, Children, Claim, Deposit, DepositId,
    ENTRY_KINDS, Ground, Guardian, GuardianEvent, GuardianId, GuardianState, Guardians, HandoverStatement, Handovers,
    MAX_CHILDREN, MAX_GUARDIANS, NewChild, NewSpending, Purpose, Rules, SPENDING_WINDOW, Spending, SpendingEvent,
    SpendingId, SpendingState, Spendings, Verdict, WaitingGuardian, Wish, of_age_on,
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
pub use household::{
    CodeId, Confirmation, ConfirmedRecipient, Household, HouseholdError, HouseholdId, Households, Invitations,
    IssuedCode, MAX_HOUSEHOLD_PEOPLE, MAX_HOUSEHOLDS, MAX_OPEN_INVITATIONS, Member, MemberId, OpenInvitation,
    Recipient, RecipientId, RecipientStatement, Role, SeenDocument, SpokenCode,
};
pub use institution::{
    Institution, InstitutionApplication, InstitutionCode, InstitutionEvent, InstitutionId, InstitutionState,
    Institutions, InvalidInstitutionCode, Product,
};
pub use person::{
    Assurance, CONFIRMATION_TEMPLATE, Challenge, ChallengeId, ClientNetwork, Contact, ContactError,
    DEVICE_CODE_TEMPLATE, Device, DeviceId, Factor, FactorAnswer, FactorId, FactorKind, Identity, Language,
    MOST_DEVICES, MOST_FACTORS, NEW_DEVICE_TEMPLATE, NewOneTimeCodes, Notice, PASSWORD_CHANGED_TEMPLATE,
    PasswordPolicy, People, Person, PersonId, PersonState, RECOVERED_TEMPLATE, RECOVERY_BEGUN_TEMPLATE,
    RECOVERY_CODE_TEMPLATE, REGISTERED_ALREADY_TEMPLATE, RecoveryBegun, RecoveryId, RecoveryKey, RecoveryPolicy,
    RefreshToken, SECOND_FACTOR_GUESSED_TEMPLATE, SECOND_FACTORS_CHANGED_TEMPLATE, SecondFactorPolicy, SignIn,
    SignInPolicy, SignedIn, StatedIdentity, TOKEN_REUSED_TEMPLATE, Tier, UnknownLanguage,
};
pub use personal_data::PersonalDataRead;
pub use referral::{
    Consent, ConsentId, FamilyNeed, Reason, Referral, ReferralId, ReferralState, Referrals, SentReferral, rank,
};
