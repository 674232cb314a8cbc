//! Diesel's view of the schema `remittance`; equal to the migrated database, which a test checks.
#![allow(missing_docs)]

diesel::table! {
    remittance.rates (rate_id) {
        rate_id -> Int8,
        base -> Text,
        counter -> Text,
        rate -> Text,
        nature -> Text,
        set_at -> Timestamptz,
        source -> Text,
    }
}

diesel::table! {
    remittance.quotes (quote_id) {
        quote_id -> Uuid,
        sender_id -> Uuid,
        corridor -> Text,
        source_currency -> Text,
        target_currency -> Text,
        sent_minor -> Int8,
        fee_minor -> Int8,
        family_minor -> Int8,
        at_mid_minor -> Int8,
        received_minor -> Int8,
        mid_rate -> Text,
        rate -> Text,
        rate_set_at -> Timestamptz,
        cost_basis_points -> Int4,
        reference_cost_basis_points -> Nullable<Int4>,
        allocations -> Jsonb,
        base_minor -> Int8,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    remittance.beneficiaries (beneficiary_id) {
        beneficiary_id -> Uuid,
        sender_id -> Uuid,
        channel -> Text,
        institution -> Text,
        country -> Text,
        sealed_name -> Bytea,
        sealed_account -> Nullable<Bytea>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    remittance.remittances (remittance_id) {
        remittance_id -> Uuid,
        quote_id -> Uuid,
        sender_id -> Uuid,
        beneficiary_id -> Uuid,
        institution -> Text,
        corridor -> Text,
        reference -> Text,
        state -> Text,
        source_currency -> Text,
        target_currency -> Text,
        sent_minor -> Int8,
        fee_minor -> Int8,
        family_minor -> Int8,
        at_mid_minor -> Int8,
        received_minor -> Int8,
        rate -> Text,
        mid_rate -> Text,
        allocations -> Jsonb,
        base_minor -> Int8,
        created_at -> Timestamptz,
        pay_by -> Timestamptz,
        funded_at -> Nullable<Timestamptz>,
        claim_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    remittance.remittance_history (remittance_id, ordinal) {
        remittance_id -> Uuid,
        ordinal -> Int8,
        state -> Text,
        cause -> Text,
        actor -> Text,
        entry -> Nullable<Uuid>,
        happened_at -> Timestamptz,
    }
}

diesel::table! {
    remittance.pay_ins (pay_in_id) {
        pay_in_id -> Uuid,
        provider -> Text,
        provider_reference -> Text,
        amount_minor -> Int8,
        currency -> Text,
        value_date -> Date,
        sealed_text -> Bytea,
        state -> Text,
        reason -> Nullable<Text>,
        remittance_id -> Nullable<Uuid>,
        received_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(rates, quotes, beneficiaries, remittances, remittance_history, pay_ins);
