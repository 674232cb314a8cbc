-- Documents by which people show who they are and where their money comes from, their images, what operators decided,
-- and who looked at whose personal data.
-- Columns named sealed_* hold encrypted personal data; *_index columns are keyed hashes to find it by.

create table onboarding.documents (
    document_id uuid not null,
    person_id uuid not null,
    kind text not null,
    state text not null,
    revision integer not null,
    country text,
    number_index bytea,
    sealed_number bytea,
    sealed_holder bytea,
    sealed_statement bytea,
    expires_on date,
    images smallint not null,
    rejected_because text,
    first_accepted_by uuid,
    submitted_at timestamptz not null,
    decided_at timestamptz,
    reminded_at timestamptz,
    constraint documents_pkey primary key (document_id),
    constraint documents_person foreign key (person_id) references onboarding.people (person_id),
    constraint documents_first foreign key (first_accepted_by) references onboarding.operators (operator_id),
    constraint documents_kind_known check (kind in (
        'passport', 'national-card', 'consular-card', 'residence-permit', 'refugee-paper', 'asylum-paper',
        'source-of-funds'
    )),
    constraint documents_state_known check (state in (
        'submitted', 'in-review', 'accepted', 'rejected', 'withdrawn', 'expired', 'outdated'
    )),
    constraint documents_country_code check (country ~ '^[A-Z]{2}$'),
    constraint documents_images_in_bounds check (images between 0 and 4),
    constraint documents_paper_is_identified check (
        (kind = 'source-of-funds') = (number_index is null)
        and (kind = 'source-of-funds') = (sealed_number is null)
        and (kind = 'source-of-funds') = (country is null)
        and (kind = 'source-of-funds') = (sealed_statement is not null)
    ),
    constraint documents_paper_expires check (kind = 'source-of-funds' or expires_on is not null),
    constraint documents_accepted_expires check (state <> 'accepted' or expires_on is not null),
    constraint documents_rejected_for_a_reason check ((state = 'rejected') = (rejected_because is not null)),
    constraint documents_accepted_by_two check (
        state <> 'accepted'
        or kind not in ('refugee-paper', 'asylum-paper', 'source-of-funds')
        or first_accepted_by is not null
    )
) with (fillfactor = 80);
create index documents_that_wait on onboarding.documents (submitted_at, document_id)
    where state in ('submitted', 'in-review');
create index documents_by_person on onboarding.documents (person_id, submitted_at);
create index documents_by_number on onboarding.documents (number_index) where number_index is not null;
create index documents_to_expire on onboarding.documents (expires_on)
    where state in ('submitted', 'in-review', 'accepted');
comment on table onboarding.documents is 'What people show of themselves: papers, and what they say of where their money comes from. Accepted and valid ones carry the tier.';
comment on column onboarding.documents.revision is 'Counts the changes of its images: a verdict names the one that was looked at.';
comment on column onboarding.documents.number_index is 'Of country, kind and number: the same document in the hands of two people has the same one.';
comment on column onboarding.documents.sealed_holder is 'What the machine-readable zone says of the holder, as JSON; not the sex that is printed there.';
comment on column onboarding.documents.sealed_statement is 'What the person says of where their money comes from.';
comment on column onboarding.documents.expires_on is 'The last day on which it is valid; of a source of funds once it is accepted.';
comment on column onboarding.documents.first_accepted_by is 'The operator who accepted it first, where it takes two.';
comment on column onboarding.documents.reminded_at is 'When the person was reminded that it expires soon.';

create table onboarding.document_images (
    document_id uuid not null,
    ordinal smallint not null,
    width integer not null,
    height integer not null,
    sealed_image bytea not null,
    stored_at timestamptz not null,
    constraint document_images_pkey primary key (document_id, ordinal),
    constraint document_images_document foreign key (document_id) references onboarding.documents (document_id),
    constraint document_images_ordinal_in_bounds check (ordinal between 1 and 4),
    constraint document_images_size_positive check (width > 0 and height > 0)
);
-- What is encrypted cannot be compressed.
alter table onboarding.document_images alter column sealed_image set storage external;
comment on table onboarding.document_images is 'Images of documents, written anew from their pixels without anything else that came with them, and sealed each for its place.';

create table onboarding.document_history (
    document_id uuid not null,
    ordinal bigint generated always as identity,
    event text not null,
    operator_id uuid,
    sealed_note bytea,
    happened_at timestamptz not null,
    constraint document_history_pkey primary key (document_id, ordinal),
    constraint document_history_document foreign key (document_id) references onboarding.documents (document_id),
    constraint document_history_operator foreign key (operator_id) references onboarding.operators (operator_id),
    constraint document_history_event_known check (event in (
        'submitted', 'accepted-first', 'accepted', 'rejected', 'withdrawn', 'expired', 'outdated'
    )),
    constraint document_history_decided_by_somebody check (
        (event in ('accepted-first', 'accepted', 'rejected')) = (operator_id is not null)
        and (operator_id is null) = (sealed_note is null)
    )
);
comment on table onboarding.document_history is 'What happened to a document: who, when and what they noted.';

create table onboarding.personal_data_reads (
    read_id bigint generated always as identity,
    person_id uuid not null,
    reader_kind text not null,
    reader_id uuid not null,
    what text not null,
    read_at timestamptz not null,
    constraint personal_data_reads_pkey primary key (read_id),
    constraint personal_data_reads_person foreign key (person_id) references onboarding.people (person_id),
    constraint personal_data_reads_reader_kind_known check (reader_kind in ('operator', 'institution', 'auditor'))
);
create index personal_data_reads_by_person on onboarding.personal_data_reads (person_id, read_id);
comment on table onboarding.personal_data_reads is 'Who looked at whose personal data: written with the read itself, before anything is shown.';
comment on column onboarding.personal_data_reads.what is 'What was looked at, by its id; nothing of its content.';

create trigger document_history_append_only
before update or delete or truncate on onboarding.document_history
for each statement execute function ledger.refuse_change();

create trigger personal_data_reads_append_only
before update or delete or truncate on onboarding.personal_data_reads
for each statement execute function ledger.refuse_change();

grant select, insert
    on onboarding.documents, onboarding.document_images, onboarding.document_history, onboarding.personal_data_reads
    to teranga_server;
grant update (state, revision, expires_on, images, rejected_because, first_accepted_by, decided_at, reminded_at)
    on onboarding.documents to teranga_server;
grant update (width, height, sealed_image, stored_at) on onboarding.document_images to teranga_server;
grant delete on onboarding.document_images to teranga_server;
