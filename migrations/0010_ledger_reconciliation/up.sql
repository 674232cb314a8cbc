-- Reconciliation: statements from outside beside the postings of an account, what matches, and what breaks.
--
-- Both sides stand in one table of items, numbered per account, so that one pass over what is open sees both. Numbers
-- come from the account's row, whose lock lets one load or one matching of an account run at a time.

create table ledger.reconciled_accounts (
    book_id smallint not null,
    commodity integer not null,
    account bigint not null,
    begins_after bigint not null,
    external_account text not null,
    collected_through bigint not null,
    last_statement bigint not null default 0,
    last_item bigint not null default 0,
    last_run bigint not null default 0,
    last_match bigint not null default 0,
    last_break bigint not null default 0,
    opened_at timestamptz not null,
    constraint reconciled_accounts_pkey primary key (book_id, account),
    constraint reconciled_accounts_external_unique unique (book_id, external_account, commodity)
) with (fillfactor = 50);
comment on table ledger.reconciled_accounts is 'Accounts that statements from outside are matched against; the row is the lock of an account''s reconciliation.';
comment on column ledger.reconciled_accounts.external_account is 'What the statements call the account, such as its IBAN: letters and digits only, upper-case.';
comment on column ledger.reconciled_accounts.begins_after is 'Entry after which postings are reconciled; what was before is taken as agreed.';
comment on column ledger.reconciled_accounts.collected_through is 'Newest entry whose postings on the account are among the items.';

create table ledger.reconciliation_statements (
    book_id smallint not null,
    commodity integer not null,
    account bigint not null,
    statement bigint not null,
    external_id text not null,
    external_number text not null,
    opens_on date not null,
    closes_on date not null,
    opening_minor bigint not null,
    closing_minor bigint not null,
    lines integer not null,
    digest bytea not null,
    loaded_by uuid not null,
    loaded_at timestamptz not null,
    constraint reconciliation_statements_pkey primary key (book_id, account, statement),
    constraint reconciliation_statements_external_unique
        unique (book_id, account, external_id, external_number, closes_on),
    constraint reconciliation_statements_digest_is_sha256 check (length(digest) = 32)
);
create index reconciliation_statements_by_date on ledger.reconciliation_statements (book_id, account, closes_on, statement);
comment on table ledger.reconciliation_statements is 'Statements from outside, as they were loaded; each at most once.';
comment on column ledger.reconciliation_statements.external_number is 'The sender''s sequence number; empty where it has none.';
comment on column ledger.reconciliation_statements.closing_minor is 'Debits of the account positive, in minor units: a credit balance at a bank is a debit here.';
comment on column ledger.reconciliation_statements.digest is 'SHA-256 of what the statement says, to tell a repeated one from a changed one.';

create table ledger.reconciliation_runs (
    book_id smallint not null,
    commodity integer not null,
    account bigint not null,
    run bigint not null,
    tolerance_days integer not null,
    tolerance_minor bigint not null,
    matched integer not null,
    opened integer not null,
    run_by uuid not null,
    run_at timestamptz not null,
    constraint reconciliation_runs_pkey primary key (book_id, account, run)
);
comment on table ledger.reconciliation_runs is 'Matchings by the rules, with the tolerances that were in force.';
comment on column ledger.reconciliation_runs.opened is 'Breaks that the run opened.';

create table ledger.reconciliation_matches (
    book_id smallint not null,
    commodity integer not null,
    account bigint not null,
    match_number bigint not null,
    difference_minor bigint not null,
    run bigint,
    lines integer not null,
    postings integer not null,
    rule text not null,
    reason text,
    matched_by uuid not null,
    matched_at timestamptz not null,
    constraint reconciliation_matches_pkey primary key (book_id, account, match_number),
    constraint reconciliation_matches_rule_known check (rule in (
        'reference-and-amount', 'bank-reference-and-amount', 'reference-group', 'amount-and-date',
        'amount-tolerance', 'one-line-many-postings', 'one-posting-many-lines', 'by-hand'
    )),
    constraint reconciliation_matches_by_hand_has_reason check ((rule = 'by-hand') = (run is null and reason is not null))
);
create index reconciliation_matches_with_difference on ledger.reconciliation_matches (book_id, account, match_number)
    where difference_minor <> 0;
comment on table ledger.reconciliation_matches is 'Groups of items that belong together, by which rule or by whom. The members are the items that name the group.';
comment on column ledger.reconciliation_matches.difference_minor is 'Lines less postings; kept visible as a break.';
comment on column ledger.reconciliation_matches.matched_by is 'Who matched by hand, or who let the rules run.';

create table ledger.reconciliation_unmatches (
    book_id smallint not null,
    account bigint not null,
    match_number bigint not null,
    items bigint[] not null,
    reason text not null,
    unmatched_by uuid not null,
    unmatched_at timestamptz not null,
    constraint reconciliation_unmatches_pkey primary key (book_id, account, match_number)
);
comment on table ledger.reconciliation_unmatches is 'Matches that a person took apart, with the items that they had.';

create table ledger.reconciliation_items (
    book_id smallint not null,
    by_hand_only boolean not null default false,
    commodity integer not null,
    account bigint not null,
    item bigint not null,
    statement bigint,
    sequence bigint,
    amount_minor bigint not null,
    match_number bigint,
    place integer not null,
    occurs_on date not null,
    reference text,
    bank_reference text,
    sealed_text bytea,
    constraint reconciliation_items_pkey primary key (book_id, account, item),
    constraint reconciliation_items_of_one_side check (num_nonnulls(statement, sequence) = 1),
    constraint reconciliation_items_amount_not_zero check (amount_minor <> 0)
) with (fillfactor = 80);
create unique index reconciliation_items_line_unique on ledger.reconciliation_items (book_id, account, statement, place)
    where statement is not null;
create unique index reconciliation_items_posting_unique on ledger.reconciliation_items (book_id, account, sequence, place)
    where sequence is not null;
create index reconciliation_items_open on ledger.reconciliation_items (book_id, account, item)
    where match_number is null;
create index reconciliation_items_by_match on ledger.reconciliation_items (book_id, account, match_number)
    where match_number is not null;
comment on table ledger.reconciliation_items is 'Lines of statements and postings of the book, side by side. Only what matches them changes.';
comment on column ledger.reconciliation_items.by_hand_only is 'The rules leave it alone: a person took its match apart or wrote it off.';
comment on column ledger.reconciliation_items.statement is 'The statement that the line stands on; null for a posting.';
comment on column ledger.reconciliation_items.sequence is 'The entry that the posting belongs to; null for a line.';
comment on column ledger.reconciliation_items.place is 'The line in its statement, or the posting in its entry.';
comment on column ledger.reconciliation_items.amount_minor is 'Debit of the account positive, in minor units: a credit at a bank is a debit here.';
comment on column ledger.reconciliation_items.occurs_on is 'Value date of a line, effective date of a posting.';
comment on column ledger.reconciliation_items.reference is 'What it says it is about: ASCII letters and digits only, upper-case.';
comment on column ledger.reconciliation_items.bank_reference is 'The bank''s own name for a line, in the same form.';
comment on column ledger.reconciliation_items.sealed_text is 'What the bank passed on; encrypted, since payers write their names there.';

create table ledger.reconciliation_breaks (
    book_id smallint not null,
    commodity integer not null,
    account bigint not null,
    break_number bigint not null,
    item bigint,
    match_number bigint,
    amount_minor bigint not null,
    occurs_on date not null,
    candidates integer not null,
    cause text not null,
    state text not null,
    owner uuid,
    last_event integer not null,
    opened_at timestamptz not null,
    constraint reconciliation_breaks_pkey primary key (book_id, account, break_number),
    constraint reconciliation_breaks_of_one_thing check (num_nonnulls(item, match_number) = 1),
    constraint reconciliation_breaks_item_unique unique (book_id, account, item),
    constraint reconciliation_breaks_match_unique unique (book_id, account, match_number),
    constraint reconciliation_breaks_cause_known check (cause in (
        'nothing-fits', 'ambiguous', 'amount-differs', 'unmatched', 'difference'
    )),
    constraint reconciliation_breaks_state_known check (state in (
        'open', 'assigned', 'explained', 'corrected', 'written-off', 'settled'
    ))
) with (fillfactor = 80);
create index reconciliation_breaks_live on ledger.reconciliation_breaks (book_id, account, occurs_on, break_number)
    where state in ('open', 'assigned');
comment on table ledger.reconciliation_breaks is 'What does not agree: an item without a match, or a match with a difference. As its events left it.';
comment on column ledger.reconciliation_breaks.candidates is 'Items of the other side that might have fitted, when it was opened.';

create table ledger.reconciliation_break_events (
    book_id smallint not null,
    account bigint not null,
    break_number bigint not null,
    ordinal integer not null,
    event text not null,
    person uuid not null,
    owner uuid,
    entry_sequence bigint,
    reason text,
    happened_at timestamptz not null,
    constraint reconciliation_break_events_pkey primary key (book_id, account, break_number, ordinal),
    constraint reconciliation_break_events_known check (event in (
        'opened', 'assigned', 'explained', 'corrected', 'written-off', 'settled', 'reopened'
    )),
    constraint reconciliation_break_events_correction_names_entry check (
        (event = 'corrected') = (entry_sequence is not null)
    )
);
comment on table ledger.reconciliation_break_events is 'The history of each break.';
comment on column ledger.reconciliation_break_events.entry_sequence is 'The entry that corrects.';

create trigger reconciliation_statements_append_only
before update or delete or truncate on ledger.reconciliation_statements
for each statement execute function ledger.refuse_change();

create trigger reconciliation_runs_append_only
before update or delete or truncate on ledger.reconciliation_runs
for each statement execute function ledger.refuse_change();

create trigger reconciliation_matches_append_only
before update or delete or truncate on ledger.reconciliation_matches
for each statement execute function ledger.refuse_change();

create trigger reconciliation_unmatches_append_only
before update or delete or truncate on ledger.reconciliation_unmatches
for each statement execute function ledger.refuse_change();

create trigger reconciliation_items_say_the_same
before update of book_id, commodity, account, item, statement, sequence, amount_minor, place, occurs_on, reference,
    bank_reference, sealed_text or delete or truncate on ledger.reconciliation_items
for each statement execute function ledger.refuse_change();

create trigger reconciliation_break_events_append_only
before update or delete or truncate on ledger.reconciliation_break_events
for each statement execute function ledger.refuse_change();

grant select on ledger.reconciled_accounts, ledger.reconciliation_statements, ledger.reconciliation_runs,
    ledger.reconciliation_matches, ledger.reconciliation_unmatches, ledger.reconciliation_items,
    ledger.reconciliation_breaks, ledger.reconciliation_break_events to teranga_server, teranga_reader;
grant insert on ledger.reconciled_accounts, ledger.reconciliation_statements, ledger.reconciliation_runs,
    ledger.reconciliation_matches, ledger.reconciliation_unmatches, ledger.reconciliation_items,
    ledger.reconciliation_breaks, ledger.reconciliation_break_events to teranga_server;
grant update (collected_through, last_statement, last_item, last_run, last_match, last_break)
    on ledger.reconciled_accounts to teranga_server;
grant update (match_number, by_hand_only) on ledger.reconciliation_items to teranga_server;
grant update (state, owner, last_event) on ledger.reconciliation_breaks to teranga_server;
