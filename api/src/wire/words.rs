//! The closed sets of words, as the OpenAPI documents tell them; each set is the rooms' own.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($(#[$docs:meta])* $name:ident = $words:expr;)*) => {$(
        $(#[$docs])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some($words)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

words! {
    /// Who approves a milestone.
    ApprovingParty = {
        use coinvestment::PartyKind as Kind;
        [Kind::Institution, Kind::Operator].map(Kind::word)
    };
    /// How far a transfer between books came.
    BookTransferState = ledger::TransferState::ALL.map(ledger::TransferState::word);
    /// Why there is a break.
    BreakCause = ledger::reconciliation::BreakCause::ALL.map(ledger::reconciliation::BreakCause::word);
    /// What happens to a break.
    BreakEvent = ledger::reconciliation::BreakEvent::ALL.map(ledger::reconciliation::BreakEvent::word);
    /// Where a break stands.
    BreakState = ledger::reconciliation::BreakState::ALL.map(ledger::reconciliation::BreakState::word);
    /// How a beneficiary is paid.
    Channel = {
        use remittance::Channel as Way;
        [Way::BankAccount, Way::MobileWallet, Way::Cash, Way::InstitutionAccount].map(Way::word)
    };
    /// What happens to a case.
    CaseEvent = onboarding::screening::CaseEvent::ALL.map(onboarding::screening::CaseEvent::word);
    /// Where a case stands.
    CaseState = onboarding::screening::CaseState::ALL.map(onboarding::screening::CaseState::word);
    /// Where a protected account stands.
    ChildState = onboarding::ChildState::ALL.map(onboarding::ChildState::word);
    /// Where a commitment stands.
    CommitmentState = coinvestment::CommitmentState::ALL.map(coinvestment::CommitmentState::word);
    /// Whether a credential of an institution lets anybody in.
    CredentialState = onboarding::CredentialState::ALL.map(onboarding::CredentialState::word);
    /// Every currency that money is kept in, by ISO 4217.
    Currency = {
        let mut codes: Vec<String> = ledger::Currency::all().map(|currency| currency.to_string()).collect();
        codes.sort_unstable();
        codes
    };
    /// Where a disbursement stands.
    DisbursementState = coinvestment::DisbursementState::ALL.map(coinvestment::DisbursementState::word);
    /// What happens to a document.
    DocumentEvent = onboarding::DocumentEvent::ALL.map(onboarding::DocumentEvent::word);
    /// What a person shows of themselves.
    DocumentKind = onboarding::DocumentKind::ALL.map(onboarding::DocumentKind::word);
    /// Why a document is rejected.
    DocumentRejection = onboarding::DocumentRejection::ALL.map(onboarding::DocumentRejection::word);
    /// Where a document stands.
    DocumentState = onboarding::DocumentState::ALL.map(onboarding::DocumentState::word);
    /// The files of an export.
    ExportFile = ledger::Format::ALL.map(ledger::Format::file_name);
    /// Where an institution stands.
    InstitutionState = {
        use onboarding::InstitutionState as State;
        [State::Applied, State::Approved, State::Live, State::Suspended].map(State::word)
    };
    /// What an entry of a list names.
    ListEntryKind = onboarding::screening::EntryKind::ALL.map(onboarding::screening::EntryKind::word);
    /// In which form a list comes.
    ListFormat = onboarding::screening::ListFormat::ALL.map(onboarding::screening::ListFormat::word);
    /// Why lines and postings belong together; the last one is a person's.
    MatchingRule = {
        use ledger::reconciliation::Rule;
        Rule::ORDER.into_iter().chain([Rule::ByHand]).map(Rule::name).collect::<Vec<_>>()
    };
    /// Where a grant of audit stands.
    GrantState = {
        use onboarding::GrantState as State;
        [State::Active, State::Ended, State::Revoked].map(State::word)
    };
    /// Where a guardian stands.
    GuardianState = onboarding::GuardianState::ALL.map(onboarding::GuardianState::word);
    /// What a member of a household may do.
    HouseholdRole = onboarding::Role::ALL.map(onboarding::Role::word);
    /// Where a milestone stands.
    MilestoneState = coinvestment::MilestoneState::ALL.map(coinvestment::MilestoneState::word);
    /// Whether an operator is let in.
    OperatorState = {
        use onboarding::OperatorState as State;
        [State::Waiting, State::Active, State::Revoked].map(State::word)
    };
    /// A paper that says who somebody is.
    PaperKind = onboarding::PaperKind::ALL.map(onboarding::PaperKind::word);
    /// Where a pay-in stands.
    PayInState = {
        use remittance::PayInState as State;
        [State::Received, State::Matched, State::Unmatched, State::Credited].map(State::word)
    };
    /// Whether a book was closed or reopened.
    PeriodChangeKind = ["closed", "reopened"];
    /// What an institution offers.
    Product = {
        use onboarding::Product as Offer;
        [Offer::CashPayout, Offer::AccountPayout, Offer::WalletPayout, Offer::Savings, Offer::Credit, Offer::ForWomen]
            .map(Offer::word)
    };
    /// How far a proposal came.
    ProposalState = {
        use ledger::ProposalState as State;
        [State::Proposed, State::CarriedOut, State::Withdrawn, State::Lapsed].map(State::word)
    };
    /// What a project is.
    ProjectKind = [coinvestment::Kind::Community, coinvestment::Kind::Business].map(coinvestment::Kind::word);
    /// Where a project stands.
    ProjectState = coinvestment::ProjectState::ALL.map(coinvestment::ProjectState::word);
    /// What contributors have of a project.
    ProjectTerms = [coinvestment::Terms::Gift.word()];
    /// Why an institution is proposed.
    ReferralReason = {
        use onboarding::Reason;
        [Reason::OffersProduct, Reason::ServesRegion, Reason::ServesCountry, Reason::SpeaksLanguage].map(Reason::word)
    };
    /// Where a referral stands.
    ReferralState = {
        use onboarding::ReferralState as State;
        [State::Proposed, State::AcceptedByPerson, State::Sent, State::AccountOpened, State::Declined].map(State::word)
    };
    /// Why a payout is rejected.
    RejectionReason = {
        use remittance::RejectionReason as Reason;
        [
            Reason::UnknownAccount,
            Reason::NameDiffers,
            Reason::AccountClosed,
            Reason::NotCollected,
            Reason::NotPermitted,
            Reason::Other,
        ]
        .map(Reason::word)
    };
    /// Where a remittance stands.
    RemittanceState = remittance::State::ALL.map(remittance::State::word);
    /// What kind of second factor.
    SecondFactorKind = onboarding::FactorKind::ALL.map(onboarding::FactorKind::word);
    /// What somebody who is screened is to us.
    ScreenedKind = onboarding::screening::SubjectKind::ALL.map(onboarding::screening::SubjectKind::word);
    /// What an agent saw of whom they confirm.
    SeenDocument = onboarding::SeenDocument::ALL.map(onboarding::SeenDocument::word);
    /// What a protected account may be spent for.
    SpendingPurpose = onboarding::Purpose::ALL.map(onboarding::Purpose::word);
    /// Where a spending stands.
    SpendingState = onboarding::SpendingState::ALL.map(onboarding::SpendingState::word);
    /// Why a pay-in waits for a person.
    UnmatchedReason = {
        use remittance::UnmatchedReason as Reason;
        [
            Reason::NoReference,
            Reason::UnknownReference,
            Reason::WrongAmount,
            Reason::NotAwaited,
            Reason::CannotFund,
        ]
        .map(Reason::word)
    };
}
