//! Diesel's view of the schema `ledger`; equal to the migrated database, which a test checks.
#![allow(missing_docs)]

mod reconciliation;

pub use reconciliation::*;

diesel::table! {
    ledger.books (book_id) {
        book_id -> Int2,
        name -> Text,
        last_sequence -> Int8,
        last_account -> Int8,
        last_booked_at -> Timestamptz,
        frontier -> Bytea,
        closed_through -> Nullable<Date>,
    }
}

diesel::table! {
    ledger.accounts (book_id, account) {
        book_id -> Int2,
        account -> Int8,
        code -> Text,
        commodity -> Int4,
        kind -> Text,
        floor_minor -> Nullable<Int8>,
        balance_minor -> Int8,
        last_sequence -> Int8,
        opened_at -> Timestamptz,
        salt -> Nullable<Uuid>,
        commitment -> Bytea,
    }
}

diesel::table! {
    ledger.entries (book_id, sequence) {
        book_id -> Int2,
        sequence -> Int8,
        entry_key -> Uuid,
        fingerprint -> Uuid,
        booked_at -> Timestamptz,
        effective_date -> Date,
        kind -> Text,
        description -> Nullable<Text>,
        subject -> Nullable<Uuid>,
        metadata -> Nullable<Jsonb>,
        salt -> Nullable<Uuid>,
    }
}

diesel::table! {
    ledger.postings (book_id, sequence, ordinal) {
        book_id -> Int2,
        ordinal -> Int2,
        commodity -> Int4,
        sequence -> Int8,
        account -> Int8,
        amount_minor -> Int8,
        balance_minor -> Int8,
    }
}

diesel::table! {
    ledger.units (number) {
        number -> Int4,
        code -> Text,
        name -> Text,
        decimals -> Int2,
        subject -> Uuid,
        opened_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.lots (book_id, sequence, ordinal, lot_sequence, lot_number) {
        book_id -> Int2,
        ordinal -> Int2,
        lot_number -> Int2,
        commodity -> Int4,
        cost_commodity -> Nullable<Int4>,
        acquired_on -> Date,
        sequence -> Int8,
        lot_sequence -> Int8,
        account -> Int8,
        amount_minor -> Int8,
        cost_minor -> Nullable<Int8>,
    }
}

diesel::table! {
    ledger.refusals (refusal_id) {
        refusal_id -> Int8,
        book_id -> Int2,
        entry_key -> Uuid,
        kind -> Text,
        reason -> Text,
        detail -> Text,
        refused_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.reversals (book_id, reverses) {
        book_id -> Int2,
        reverses -> Int8,
        sequence -> Int8,
    }
}

diesel::table! {
    ledger.adjustments (book_id, sequence) {
        book_id -> Int2,
        sequence -> Int8,
        first_approver -> Uuid,
        second_approver -> Uuid,
    }
}

diesel::table! {
    ledger.period_changes (book_id, sequence) {
        book_id -> Int2,
        sequence -> Int8,
        change -> Text,
        through -> Date,
        first_approver -> Uuid,
        second_approver -> Nullable<Uuid>,
    }
}

diesel::table! {
    ledger.closing_balances (book_id, sequence, account) {
        book_id -> Int2,
        commodity -> Int4,
        sequence -> Int8,
        account -> Int8,
        balance_minor -> Int8,
    }
}

diesel::table! {
    ledger.close_records (book_id, sequence) {
        book_id -> Int2,
        sequence -> Int8,
        accounts -> Int8,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.proposals (book_id, proposal_id) {
        book_id -> Int2,
        proposal_id -> Uuid,
        kind -> Text,
        content -> Text,
        digest -> Bytea,
        proposed_by -> Uuid,
        proposed_at -> Timestamptz,
        lapses_at -> Timestamptz,
        state -> Text,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        entry_key -> Nullable<Uuid>,
    }
}

diesel::table! {
    ledger.holds (book_id, hold_id) {
        book_id -> Int2,
        hold_id -> Uuid,
        commodity -> Int4,
        account -> Int8,
        amount_minor -> Int8,
        remaining_minor -> Int8,
        expires_at -> Timestamptz,
        placed_sequence -> Int8,
        last_sequence -> Int8,
    }
}

diesel::table! {
    ledger.hold_changes (book_id, sequence, ordinal) {
        book_id -> Int2,
        ordinal -> Int2,
        commodity -> Int4,
        sequence -> Int8,
        account -> Int8,
        hold_id -> Uuid,
        change -> Text,
        amount_minor -> Int8,
    }
}

diesel::table! {
    ledger.log_tiles (book_id, level, tile) {
        book_id -> Int2,
        level -> Int2,
        tile -> Int8,
        root -> Bytea,
        hashes -> Bytea,
    }
}

diesel::table! {
    ledger.log_checkpoints (book_id, size) {
        book_id -> Int2,
        size -> Int8,
        root -> Bytea,
        note -> Text,
        signed_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.log_cosignatures (book_id, size, witness) {
        book_id -> Int2,
        size -> Int8,
        witness -> Text,
        line -> Text,
        witnessed_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.log_keys (book_id, verifier_key) {
        book_id -> Int2,
        verifier_key -> Text,
        signs_from -> Timestamptz,
        signs_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ledger.loads (book_id, file_sha256) {
        book_id -> Int2,
        file_sha256 -> Bytea,
        source -> Text,
        started_at -> Timestamptz,
        updated_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        reached_byte -> Int8,
        reached_line -> Int8,
        booked -> Int8,
        refused -> Int8,
    }
}

diesel::table! {
    ledger.transfers (from_book, transfer_id) {
        from_book -> Int2,
        to_book -> Int2,
        commodity -> Int4,
        transfer_id -> Uuid,
        amount_minor -> Int8,
        source -> Text,
        destination -> Text,
        description -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        attempts -> Int2,
        created_at -> Timestamptz,
        due_at -> Timestamptz,
        departed_at -> Nullable<Timestamptz>,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    books,
    accounts,
    entries,
    postings,
    refusals,
    reversals,
    adjustments,
    period_changes,
    closing_balances,
    close_records,
    proposals,
    holds,
    hold_changes,
    units,
    lots,
    log_tiles,
    log_checkpoints,
    log_cosignatures,
    log_keys,
    reconciled_accounts,
    reconciliation_statements,
    reconciliation_runs,
    reconciliation_matches,
    reconciliation_unmatches,
    reconciliation_items,
    reconciliation_breaks,
    reconciliation_break_events
);
