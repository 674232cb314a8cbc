//! Households, the codes that are told in them, and the protected accounts of minors.

diesel::table! {
    onboarding.households (household_id) {
        household_id -> Uuid,
        sealed_name -> Bytea,
        made_by -> Uuid,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.household_members (member_id) {
        member_id -> Uuid,
        household_id -> Uuid,
        person_id -> Uuid,
        role -> Text,
        joined_at -> Timestamptz,
        left_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.household_recipients (recipient_id) {
        recipient_id -> Uuid,
        household_id -> Uuid,
        sealed_known_as -> Bytea,
        country -> Text,
        region -> Text,
        added_by -> Uuid,
        added_at -> Timestamptz,
        sealed_name -> Nullable<Bytea>,
        sealed_birth_date -> Nullable<Bytea>,
        sealed_address -> Nullable<Bytea>,
        document_kind -> Nullable<Text>,
        confirmed_by -> Nullable<Uuid>,
        confirmed_at -> Nullable<Timestamptz>,
        left_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.household_codes (code_id) {
        code_id -> Uuid,
        household_id -> Uuid,
        purpose -> Text,
        subject_id -> Uuid,
        selector -> Text,
        secret_index -> Bytea,
        tries_left -> Int4,
        made_by_kind -> Text,
        made_by -> Uuid,
        document_kind -> Nullable<Text>,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        withdrawn_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.household_code_failures (holder_kind, holder_id) {
        holder_kind -> Text,
        holder_id -> Uuid,
        failures -> Int4,
        since -> Timestamptz,
    }
}

diesel::table! {
    onboarding.children (child_id) {
        child_id -> Uuid,
        household_id -> Uuid,
        account_number -> Text,
        sealed_name -> Bytea,
        sealed_birth_date -> Bytea,
        may_be_of_age_from -> Date,
        currency -> Text,
        limit_minor -> Int8,
        state -> Text,
        version -> Int8,
        registered_by -> Uuid,
        registered_at -> Timestamptz,
        handed_over_to -> Nullable<Uuid>,
        handed_over_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.child_allowances (child_id, purpose) {
        child_id -> Uuid,
        purpose -> Text,
        ceiling_minor -> Int8,
        currency -> Text,
        institution -> Nullable<Text>,
    }
}

diesel::table! {
    onboarding.guardians (guardian_id) {
        guardian_id -> Uuid,
        child_id -> Uuid,
        person_id -> Uuid,
        state -> Text,
        consent -> Text,
        named_by -> Uuid,
        named_at -> Timestamptz,
        accepted_at -> Nullable<Timestamptz>,
        consent_by_guardian -> Nullable<Uuid>,
        consent_by_operator -> Nullable<Uuid>,
        consented_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    onboarding.child_deposits (deposit_id) {
        deposit_id -> Uuid,
        child_id -> Uuid,
        person_id -> Uuid,
        amount_minor -> Int8,
        currency -> Text,
        entry -> Uuid,
        deposited_at -> Timestamptz,
    }
}

diesel::table! {
    onboarding.child_spendings (spending_id) {
        spending_id -> Uuid,
        child_id -> Uuid,
        purpose -> Text,
        amount_minor -> Int8,
        currency -> Text,
        institution -> Text,
        sealed_note -> Bytea,
        requested_by -> Uuid,
        requested_at -> Timestamptz,
        state -> Text,
        approved_by -> Nullable<Uuid>,
        entry -> Nullable<Uuid>,
        ordered_at -> Nullable<Timestamptz>,
        answered_by -> Nullable<Uuid>,
        answered_at -> Nullable<Timestamptz>,
        reference -> Nullable<Text>,
        sealed_reason -> Nullable<Bytea>,
        returned_entry -> Nullable<Uuid>,
    }
}

diesel::joinable!(guardians -> children (child_id));
diesel::joinable!(child_spendings -> children (child_id));

diesel::allow_tables_to_appear_in_same_query!(
    households,
    household_members,
    household_recipients,
    household_codes,
    household_code_failures,
    children,
    child_allowances,
    guardians,
    child_deposits,
    child_spendings
);
