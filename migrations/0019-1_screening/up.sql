-- Screening: lists of sanctions by version, whom they name, who is held against them, and the cases that come of it.
-- Names on lists are public. Columns named sealed_* hold encrypted personal data.

create table onboarding.screening_versions (
    version bigint generated always as identity,
    list text not null,
    format text not null,
    published_on date,
    digest bytea not null,
    entries integer not null,
    added integer not null,
    changed integer not null,
    removed integer not null,
    loaded_by uuid,
    loaded_at timestamptz not null,
    constraint screening_versions_pkey primary key (version),
    constraint screening_versions_operator foreign key (loaded_by) references onboarding.operators (operator_id),
    constraint screening_versions_list_form check (list ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    constraint screening_versions_digest_is_sha256 check (length(digest) = 32),
    constraint screening_versions_counts_not_negative
        check (entries >= 0 and added >= 0 and changed >= 0 and removed >= 0)
);
create index screening_versions_by_list on onboarding.screening_versions (list, version);
comment on table onboarding.screening_versions is 'Files of lists as they were loaded, each a version of its list; numbered in the order in which they came into force.';
comment on column onboarding.screening_versions.published_on is 'As the publisher dates the list.';
comment on column onboarding.screening_versions.digest is 'SHA-256 of the file.';
comment on column onboarding.screening_versions.loaded_by is 'The operator; empty for one who loaded it on the command line.';

create table onboarding.screening_entries (
    entry_id bigint generated always as identity,
    list text not null,
    reference text not null,
    kind text not null,
    names text[] not null,
    births text[] not null,
    countries text[] not null,
    digest bytea not null,
    since_version bigint not null,
    until_version bigint,
    constraint screening_entries_pkey primary key (entry_id),
    constraint screening_entries_since foreign key (since_version) references onboarding.screening_versions (version),
    constraint screening_entries_until foreign key (until_version) references onboarding.screening_versions (version),
    constraint screening_entries_kind_known check (kind in ('person', 'organisation', 'thing')),
    constraint screening_entries_digest_is_sha256 check (length(digest) = 32),
    constraint screening_entries_in_order check (until_version > since_version)
);
create unique index screening_entries_current on onboarding.screening_entries (list, reference) where until_version is null;
comment on table onboarding.screening_entries is 'Whom lists name. A changed entry is a new row; nothing but the end of a row is ever changed.';
comment on column onboarding.screening_entries.reference is 'The publisher''s number for it.';
comment on column onboarding.screening_entries.births is 'Birth dates, of which parts may not be known: 1970-03-12, 1970-03, 1970, 1968/1972, ~1970.';
comment on column onboarding.screening_entries.digest is 'SHA-256 of what screening looks at, to tell a changed entry from one that stayed.';
comment on column onboarding.screening_entries.until_version is 'The version that changed it or left it out.';

create table onboarding.screening_subjects (
    subject_id uuid not null,
    kind text not null,
    owner_id uuid not null,
    revision integer not null,
    country text,
    sealed_name bytea,
    sealed_birth_date bytea,
    screened_through bigint not null,
    entered_at timestamptz not null,
    constraint screening_subjects_pkey primary key (subject_id),
    constraint screening_subjects_kind_known check (kind in ('person', 'beneficiary', 'officer')),
    constraint screening_subjects_country_code check (country ~ '^[A-Z]{2}$'),
    constraint screening_subjects_revision_counts check (revision > 0)
) with (fillfactor = 80);
create index screening_subjects_to_screen on onboarding.screening_subjects (screened_through, subject_id);
comment on table onboarding.screening_subjects is 'Who is held against the lists: people, and those whom they pay.';
comment on column onboarding.screening_subjects.owner_id is 'The person in whose account it shows.';
comment on column onboarding.screening_subjects.revision is 'Counts what was said of the subject: another name is held against the lists anew.';
comment on column onboarding.screening_subjects.sealed_name is 'Empty once it is erased.';
comment on column onboarding.screening_subjects.screened_through is 'The newest version that it was held against; -1 before the first time.';

create table onboarding.screening_cases (
    case_id uuid not null,
    subject_id uuid not null,
    subject_revision integer not null,
    entry_id bigint not null,
    score integer not null,
    sealed_reasons bytea not null,
    state text not null,
    first_confirmed_by uuid,
    opened_at timestamptz not null,
    decided_at timestamptz,
    constraint screening_cases_pkey primary key (case_id),
    constraint screening_cases_pair_once unique (subject_id, subject_revision, entry_id),
    constraint screening_cases_subject foreign key (subject_id) references onboarding.screening_subjects (subject_id),
    constraint screening_cases_entry foreign key (entry_id) references onboarding.screening_entries (entry_id),
    constraint screening_cases_first foreign key (first_confirmed_by) references onboarding.operators (operator_id),
    constraint screening_cases_state_known check (state in ('open', 'cleared', 'confirmed')),
    constraint screening_cases_score_in_bounds check (score between 0 and 1000),
    constraint screening_cases_decided_at_a_time check ((state = 'open') = (decided_at is null)),
    constraint screening_cases_confirmed_by_two check (state <> 'confirmed' or first_confirmed_by is not null)
) with (fillfactor = 80);
create index screening_cases_by_state on onboarding.screening_cases (state, opened_at, case_id);
create index screening_cases_that_wait on onboarding.screening_cases (subject_id) where state in ('open', 'confirmed');
comment on table onboarding.screening_cases is 'Somebody may be whom a list names: for a person to decide. A pair that is decided is not opened again.';
comment on column onboarding.screening_cases.score is 'How like they are, in thousandths.';
comment on column onboarding.screening_cases.first_confirmed_by is 'The operator who said first that they are one; another one has to say it, too.';

create table onboarding.screening_case_history (
    case_id uuid not null,
    ordinal bigint generated always as identity,
    event text not null,
    operator_id uuid,
    sealed_reason bytea,
    happened_at timestamptz not null,
    constraint screening_case_history_pkey primary key (case_id, ordinal),
    constraint screening_case_history_case foreign key (case_id) references onboarding.screening_cases (case_id),
    constraint screening_case_history_operator foreign key (operator_id) references onboarding.operators (operator_id),
    constraint screening_case_history_event_known check (event in ('opened', 'confirmed-first', 'confirmed', 'cleared')),
    constraint screening_case_history_decided_by_somebody
        check ((event = 'opened') = (operator_id is null) and (event = 'opened') = (sealed_reason is null))
);
comment on table onboarding.screening_case_history is 'What happened to a case: who, when and why.';

create trigger screening_versions_append_only
before update or delete or truncate on onboarding.screening_versions
for each statement execute function ledger.refuse_change();

create trigger screening_case_history_append_only
before update or delete or truncate on onboarding.screening_case_history
for each statement execute function ledger.refuse_change();

grant select, insert
    on onboarding.screening_versions, onboarding.screening_entries, onboarding.screening_subjects,
        onboarding.screening_cases, onboarding.screening_case_history
    to teranga_server;
grant update (until_version) on onboarding.screening_entries to teranga_server;
grant update (owner_id, revision, country, sealed_name, sealed_birth_date, screened_through)
    on onboarding.screening_subjects to teranga_server;
grant update (state, first_confirmed_by, decided_at) on onboarding.screening_cases to teranga_server;
