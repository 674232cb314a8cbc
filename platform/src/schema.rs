//! Diesel's view of the schema `platform`; equal to the migrated database, which a test checks.
#![allow(missing_docs)]

diesel::table! {
    platform.outbox (message_id) {
        message_id -> Uuid,
        topic -> Text,
        sealed_payload -> Bytea,
        created_at -> Timestamptz,
        due_at -> Timestamptz,
        attempts -> Int4,
        delivered_at -> Nullable<Timestamptz>,
        dead_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
    }
}
