//! Statements from outside, and what they were matched with.

diesel::table! {
    ledger.reconciled_accounts (book_id, account) {
        book_id -> Int2,
        commodity -> Int4,
        account -> Int8,
        begins_after -> Int8,
        external_account -> Text,
        collected_through -> Int8,
        last_statement -> Int8,
        last_item -> Int8,
        last_run -> Int8,
        last_match -> Int8,
        last_break -> Int8,
        opened_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.reconciliation_statements (book_id, account, statement) {
        book_id -> Int2,
        commodity -> Int4,
        account -> Int8,
        statement -> Int8,
        external_id -> Text,
        external_number -> Text,
        opens_on -> Date,
        closes_on -> Date,
        opening_minor -> Int8,
        closing_minor -> Int8,
        lines -> Int4,
        digest -> Bytea,
        loaded_by -> Uuid,
        loaded_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.reconciliation_runs (book_id, account, run) {
        book_id -> Int2,
        commodity -> Int4,
        account -> Int8,
        run -> Int8,
        tolerance_days -> Int4,
        tolerance_minor -> Int8,
        matched -> Int4,
        opened -> Int4,
        run_by -> Uuid,
        run_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.reconciliation_matches (book_id, account, match_number) {
        book_id -> Int2,
        commodity -> Int4,
        account -> Int8,
        match_number -> Int8,
        difference_minor -> Int8,
        run -> Nullable<Int8>,
        lines -> Int4,
        postings -> Int4,
        rule -> Text,
        reason -> Nullable<Text>,
        matched_by -> Uuid,
        matched_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.reconciliation_unmatches (book_id, account, match_number) {
        book_id -> Int2,
        account -> Int8,
        match_number -> Int8,
        items -> Array<Int8>,
        reason -> Text,
        unmatched_by -> Uuid,
        unmatched_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.reconciliation_items (book_id, account, item) {
        book_id -> Int2,
        by_hand_only -> Bool,
        commodity -> Int4,
        account -> Int8,
        item -> Int8,
        statement -> Nullable<Int8>,
        sequence -> Nullable<Int8>,
        amount_minor -> Int8,
        match_number -> Nullable<Int8>,
        place -> Int4,
        occurs_on -> Date,
        reference -> Nullable<Text>,
        bank_reference -> Nullable<Text>,
        sealed_text -> Nullable<Bytea>,
    }
}

diesel::table! {
    ledger.reconciliation_breaks (book_id, account, break_number) {
        book_id -> Int2,
        commodity -> Int4,
        account -> Int8,
        break_number -> Int8,
        item -> Nullable<Int8>,
        match_number -> Nullable<Int8>,
        amount_minor -> Int8,
        occurs_on -> Date,
        candidates -> Int4,
        cause -> Text,
        state -> Text,
        owner -> Nullable<Uuid>,
        last_event -> Int4,
        opened_at -> Timestamptz,
    }
}

diesel::table! {
    ledger.reconciliation_break_events (book_id, account, break_number, ordinal) {
        book_id -> Int2,
        account -> Int8,
        break_number -> Int8,
        ordinal -> Int4,
        event -> Text,
        person -> Uuid,
        owner -> Nullable<Uuid>,
        entry_sequence -> Nullable<Int8>,
        reason -> Nullable<Text>,
        happened_at -> Timestamptz,
    }
}
