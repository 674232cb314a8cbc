//! Diesel's view of the schema `api`; equal to the migrated database, which a test checks.

diesel::table! {
    api.idempotency_keys (audience, subject, key) {
        audience -> Text,
        subject -> Uuid,
        key -> Text,
        fingerprint -> Bytea,
        started_at -> Timestamptz,
        status -> Nullable<Int2>,
        sealed_answer -> Nullable<Bytea>,
    }
}
