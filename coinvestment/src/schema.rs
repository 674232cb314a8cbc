//! Diesel's view of the schema `coinvestment`; equal to the migrated database, which a test checks.
#![allow(missing_docs)]

diesel::table! {
    coinvestment.projects (project_id) {
        project_id -> Uuid,
        owner_id -> Uuid,
        kind -> Text,
        terms -> Text,
        title -> Text,
        summary -> Text,
        institution -> Text,
        currency -> Text,
        minimum_minor -> Int8,
        maximum_minor -> Int8,
        raised_minor -> Int8,
        deadline -> Timestamptz,
        state -> Text,
        checklist -> Array<Text>,
        rejected_because -> Nullable<Text>,
        submitted_at -> Timestamptz,
    }
}

diesel::table! {
    coinvestment.project_history (project_id, ordinal) {
        project_id -> Uuid,
        ordinal -> Int8,
        state -> Text,
        cause -> Text,
        actor -> Text,
        entry -> Nullable<Uuid>,
        happened_at -> Timestamptz,
    }
}

diesel::table! {
    coinvestment.commitments (commitment_id) {
        commitment_id -> Uuid,
        project_id -> Uuid,
        contributor_id -> Uuid,
        remittance_id -> Uuid,
        amount_minor -> Int8,
        currency -> Text,
        state -> Text,
        entry -> Uuid,
        committed_at -> Timestamptz,
        returned_entry -> Nullable<Uuid>,
        returned_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    coinvestment.milestones (milestone_id) {
        milestone_id -> Uuid,
        project_id -> Uuid,
        ordinal -> Int4,
        title -> Text,
        share_basis_points -> Int4,
        sealed_supplier -> Bytea,
        amount_minor -> Nullable<Int8>,
        currency -> Text,
        state -> Text,
        sealed_evidence -> Nullable<Bytea>,
        reported_at -> Nullable<Timestamptz>,
        release_entry -> Nullable<Uuid>,
        released_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    coinvestment.approvals (milestone_id, party_kind) {
        milestone_id -> Uuid,
        party_kind -> Text,
        party -> Text,
        approved_at -> Timestamptz,
    }
}

diesel::table! {
    coinvestment.disbursements (disbursement_id) {
        disbursement_id -> Uuid,
        milestone_id -> Uuid,
        institution -> Text,
        amount_minor -> Int8,
        currency -> Text,
        state -> Text,
        entry -> Uuid,
        ordered_at -> Timestamptz,
        reference -> Nullable<Text>,
        paid_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(commitments -> projects (project_id));
diesel::joinable!(milestones -> projects (project_id));
diesel::joinable!(approvals -> milestones (milestone_id));
diesel::joinable!(disbursements -> milestones (milestone_id));

diesel::allow_tables_to_appear_in_same_query!(
    projects,
    project_history,
    commitments,
    milestones,
    approvals,
    disbursements,
);
