//! Diesel's view of the schema `onboarding`; equal to the migrated database, which a test checks.
#![allow(missing_docs)]

mod families;

pub use families::*;

diesel::table! {
    onboarding.people (person_id) {
        person_id -> Uuid,
        state -> Text,
        tier -> Int2,
        contact_kind -> Text,
        contact_index -> Bytea,
        sealed_contact -> Bytea,
        password_hash -> Text,
        language -> Text,
        country -> Nullable<Text>,
        sealed_name -> Nullable<Bytea>,
        sealed_birth_date -> Nullable<Bytea>,
        sealed_address -> Nullable<Bytea>,
        registered_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        limits_lowered_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.devices (device_id) {
        device_id -> Uuid,
        person_id -> Uuid,
        sealed_name -> Nullable<Bytea>,
        sealed_secret -> Bytea,
        generation -> Int4,
        signed_in_at -> Timestamptz,
        refreshed_at -> Timestamptz,
        proven_at -> Nullable<Timestamptz>,
        second_factor_at -> Nullable<Timestamptz>,
        code_index -> Nullable<Bytea>,
        code_tries_left -> Int4,
        code_expires_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        ended_because -> Nullable<Text>,
    }
}

diesel::table! {
    onboarding.second_factors (factor_id) {
        factor_id -> Uuid,
        person_id -> Uuid,
        kind -> Text,
        sealed_name -> Nullable<Bytea>,
        sealed_secret -> Bytea,
        credential_index -> Nullable<Bytea>,
        last_step -> Nullable<Int8>,
        made_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.second_factor_challenges (challenge_id) {
        challenge_id -> Uuid,
        person_id -> Uuid,
        device_id -> Nullable<Uuid>,
        sealed_device_name -> Nullable<Bytea>,
        sealed_passkey_state -> Nullable<Bytea>,
        purpose -> Text,
        tries_left -> Int4,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.recoveries (recovery_id) {
        recovery_id -> Uuid,
        person_id -> Uuid,
        state -> Text,
        code_index -> Bytea,
        tries_left -> Int4,
        code_expires_at -> Timestamptz,
        key_digest -> Nullable<Bytea>,
        by_second_factor -> Bool,
        ready_at -> Nullable<Timestamptz>,
        asked_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.confirmations (confirmation_id) {
        confirmation_id -> Uuid,
        person_id -> Uuid,
        password_hash -> Text,
        language -> Text,
        code_index -> Bytea,
        tries_left -> Int4,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.message_allowances (person_id, purpose) {
        person_id -> Uuid,
        since -> Timestamptz,
        messages -> Int4,
        tries -> Int4,
        last_message_at -> Nullable<Timestamptz>,
        purpose -> Text,
    }
}

diesel::table! {
    onboarding.sign_in_failures (contact_index, network_index) {
        contact_index -> Bytea,
        network_index -> Bytea,
        failures -> Int4,
        since -> Timestamptz,
        locked_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.institutions (institution_id) {
        institution_id -> Uuid,
        code -> Text,
        name -> Text,
        country -> Text,
        regions -> Array<Text>,
        languages -> Array<Text>,
        products -> Array<Text>,
        state -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.operators (operator_id) {
        operator_id -> Uuid,
        name -> Text,
        created_at -> Timestamptz,
        made_by -> Nullable<Uuid>,
        approved_by -> Nullable<Uuid>,
        approved_at -> Nullable<Timestamptz>,
        revoked_by -> Nullable<Uuid>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.audit_grants (grant_id) {
        grant_id -> Uuid,
        auditor -> Text,
        ends_at -> Timestamptz,
        created_at -> Timestamptz,
        books -> Array<Int2>,
        booked_from -> Nullable<Date>,
        booked_through -> Nullable<Date>,
        shows_personal_data -> Bool,
    }
}

diesel::table! {
    onboarding.audit_reads (read_id) {
        read_id -> Int8,
        grant_id -> Uuid,
        what -> Text,
        read_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.credentials (client_id) {
        client_id -> Uuid,
        holder_kind -> Text,
        holder_id -> Uuid,
        secret_digest -> Bytea,
        created_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        issued_by -> Nullable<Uuid>,
        approved_by -> Nullable<Uuid>,
        approved_at -> Nullable<Timestamptz>,
        revoked_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    onboarding.referrals (referral_id) {
        referral_id -> Uuid,
        person_id -> Uuid,
        institution_id -> Uuid,
        need -> Text,
        region -> Text,
        language -> Text,
        score -> Int4,
        reasons -> Array<Text>,
        state -> Text,
        consent_id -> Nullable<Uuid>,
        sealed_family_member -> Nullable<Bytea>,
        sealed_account_number -> Nullable<Bytea>,
        declined_because -> Nullable<Text>,
        proposed_at -> Timestamptz,
        answered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.consents (consent_id) {
        consent_id -> Uuid,
        person_id -> Uuid,
        institution_id -> Uuid,
        purpose -> Text,
        shared -> Array<Text>,
        given_at -> Timestamptz,
        ends_at -> Timestamptz,
        withdrawn_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.screening_versions (version) {
        version -> Int8,
        list -> Text,
        format -> Text,
        published_on -> Nullable<Date>,
        digest -> Bytea,
        entries -> Int4,
        added -> Int4,
        changed -> Int4,
        removed -> Int4,
        loaded_by -> Nullable<Uuid>,
        loaded_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.screening_entries (entry_id) {
        entry_id -> Int8,
        list -> Text,
        reference -> Text,
        kind -> Text,
        names -> Array<Text>,
        births -> Array<Text>,
        countries -> Array<Text>,
        digest -> Bytea,
        since_version -> Int8,
        until_version -> Nullable<Int8>,
    }
}

diesel::table! {
    onboarding.screening_subjects (subject_id) {
        subject_id -> Uuid,
        kind -> Text,
        owner_id -> Uuid,
        revision -> Int4,
        country -> Nullable<Text>,
        sealed_name -> Nullable<Bytea>,
        sealed_birth_date -> Nullable<Bytea>,
        screened_through -> Int8,
        entered_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.screening_cases (case_id) {
        case_id -> Uuid,
        subject_id -> Uuid,
        subject_revision -> Int4,
        entry_id -> Int8,
        score -> Int4,
        sealed_reasons -> Bytea,
        state -> Text,
        first_confirmed_by -> Nullable<Uuid>,
        opened_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
        sealed_name -> Nullable<Bytea>,
    }
}

diesel::table! {
    onboarding.screening_case_history (case_id, ordinal) {
        case_id -> Uuid,
        ordinal -> Int8,
        event -> Text,
        operator_id -> Nullable<Uuid>,
        sealed_reason -> Nullable<Bytea>,
        happened_at -> Timestamptz,
    }
}

diesel::joinable!(devices -> people (person_id));
diesel::table! {
    onboarding.documents (document_id) {
        document_id -> Uuid,
        person_id -> Uuid,
        kind -> Text,
        state -> Text,
        revision -> Int4,
        country -> Nullable<Text>,
        number_index -> Nullable<Bytea>,
        sealed_number -> Nullable<Bytea>,
        sealed_holder -> Nullable<Bytea>,
        sealed_statement -> Nullable<Bytea>,
        expires_on -> Nullable<Date>,
        images -> Int2,
        rejected_because -> Nullable<Text>,
        first_accepted_by -> Nullable<Uuid>,
        submitted_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
        reminded_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.document_images (document_id, ordinal) {
        document_id -> Uuid,
        ordinal -> Int2,
        width -> Int4,
        height -> Int4,
        sealed_image -> Bytea,
        stored_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.document_history (document_id, ordinal) {
        document_id -> Uuid,
        ordinal -> Int8,
        event -> Text,
        operator_id -> Nullable<Uuid>,
        sealed_note -> Nullable<Bytea>,
        happened_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.personal_data_reads (read_id) {
        read_id -> Int8,
        person_id -> Uuid,
        reader_kind -> Text,
        reader_id -> Uuid,
        what -> Text,
        read_at -> Timestamptz,
    }
}

diesel::joinable!(document_images -> documents (document_id));
diesel::joinable!(screening_cases -> screening_subjects (subject_id));
diesel::joinable!(screening_cases -> screening_entries (entry_id));

diesel::allow_tables_to_appear_in_same_query!(
    people,
    devices,
    second_factors,
    second_factor_challenges,
    recoveries,
    confirmations,
    message_allowances,
    sign_in_failures,
    institutions,
    operators,
    audit_grants,
    audit_reads,
    credentials,
    referrals,
    consents,
    screening_versions,
    screening_entries,
    screening_subjects,
    screening_cases,
    screening_case_history,
    documents,
    document_images,
    document_history,
    personal_data_reads,
);
