-- People, the institutions that serve them, and who else may look or act.
-- Columns named sealed_* hold encrypted personal data; *_index columns are keyed hashes to find it by.

create schema onboarding;

create table onboarding.people (
    person_id uuid not null,
    state text not null,
    tier smallint not null,
    contact_kind text not null,
    contact_index bytea not null,
    sealed_contact bytea not null,
    password_hash text not null,
    language text not null,
    country text,
    sealed_name bytea,
    sealed_birth_date bytea,
    sealed_address bytea,
    registered_at timestamptz not null,
    constraint people_pkey primary key (person_id),
    constraint people_contact_unique unique (contact_index),
    constraint people_state_known check (state in ('registered', 'verified', 'restricted', 'closed')),
    constraint people_tier_known check (tier between 0 and 3),
    constraint people_contact_kind_known check (contact_kind in ('mail', 'phone')),
    constraint people_country_code check (country ~ '^[A-Z]{2}$')
);
comment on table onboarding.people is 'Everybody who registered. What a person is to others (sender, officer, investor) is a relation, kept elsewhere.';
comment on column onboarding.people.tier is '0 contact confirmed, 1 identity stated, 2 document seen, 3 source of funds known.';
comment on column onboarding.people.password_hash is 'Until the contact is confirmed, that of the newest registration; then that of the confirmed one.';

create table onboarding.confirmations (
    confirmation_id uuid not null,
    person_id uuid not null,
    password_hash text not null,
    language text not null,
    code_index bytea not null,
    tries_left integer not null,
    expires_at timestamptz not null,
    constraint confirmations_pkey primary key (confirmation_id),
    constraint confirmations_person foreign key (person_id) references onboarding.people (person_id),
    constraint confirmations_code_once unique (person_id, code_index),
    constraint confirmations_tries_not_negative check (tries_left >= 0)
);
comment on table onboarding.confirmations is 'Registrations of a contact that wait for their code, which is hashed. Several may wait: anybody can register a contact, and only its owner reads the codes.';
comment on column onboarding.confirmations.password_hash is 'Of this registration: its code makes this password good, and no other.';

create table onboarding.message_allowances (
    person_id uuid not null,
    since timestamptz not null,
    messages integer not null,
    tries integer not null,
    last_message_at timestamptz,
    constraint message_allowances_pkey primary key (person_id),
    constraint message_allowances_person foreign key (person_id) references onboarding.people (person_id),
    constraint message_allowances_not_negative check (messages >= 0 and tries >= 0)
);
comment on table onboarding.message_allowances is 'What was sent to a contact unasked, and how often its codes were tried, in the day that began at since.';

create table onboarding.sign_in_failures (
    contact_index bytea not null,
    network_index bytea not null,
    failures integer not null,
    since timestamptz not null,
    locked_until timestamptz,
    constraint sign_in_failures_pkey primary key (contact_index, network_index),
    constraint sign_in_failures_not_negative check (failures >= 0)
);
create index sign_in_failures_by_age on onboarding.sign_in_failures (since);
comment on table onboarding.sign_in_failures is 'Failed sign-ins in the hour that began at since, for contacts that are known and that are not alike.';
comment on column onboarding.sign_in_failures.network_index is 'Of the network that they came from; empty in the row that counts those of all networks.';
comment on column onboarding.sign_in_failures.locked_until is 'Until when sign-in is refused.';

create table onboarding.institutions (
    institution_id uuid not null,
    code text not null,
    name text not null,
    country text not null,
    regions text[] not null,
    languages text[] not null,
    products text[] not null,
    state text not null,
    created_at timestamptz not null,
    constraint institutions_pkey primary key (institution_id),
    constraint institutions_code_unique unique (code),
    constraint institutions_code_form check (code ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    constraint institutions_country_code check (country ~ '^[A-Z]{2}$'),
    constraint institutions_state_known check (state in ('applied', 'approved', 'live', 'suspended'))
);
comment on table onboarding.institutions is 'Partner institutions: microfinance, banks, mobile money.';
comment on column onboarding.institutions.code is 'Its name in account codes.';

create table onboarding.operators (
    operator_id uuid not null,
    name text not null,
    created_at timestamptz not null,
    constraint operators_pkey primary key (operator_id)
);
comment on table onboarding.operators is 'Our own staff.';

create table onboarding.audit_grants (
    grant_id uuid not null,
    auditor text not null,
    ends_at timestamptz not null,
    created_at timestamptz not null,
    constraint audit_grants_pkey primary key (grant_id)
);
comment on table onboarding.audit_grants is 'What a named auditor may read, until when. No grant shows personal data.';

create table onboarding.audit_reads (
    read_id bigint generated always as identity,
    grant_id uuid not null,
    what text not null,
    read_at timestamptz not null,
    constraint audit_reads_pkey primary key (read_id),
    constraint audit_reads_grant foreign key (grant_id) references onboarding.audit_grants (grant_id)
);
comment on table onboarding.audit_reads is 'Every read by an auditor.';

create table onboarding.credentials (
    client_id uuid not null,
    holder_kind text not null,
    holder_id uuid not null,
    secret_digest bytea not null,
    created_at timestamptz not null,
    revoked_at timestamptz,
    constraint credentials_pkey primary key (client_id),
    constraint credentials_holder_kind_known check (holder_kind in ('institution', 'operator', 'auditor'))
);
create index credentials_by_holder on onboarding.credentials (holder_id);
comment on table onboarding.credentials is 'Client credentials. Secrets are 256 random bits, so a plain digest keeps them; several may be valid while one is replaced.';

create table onboarding.referrals (
    referral_id uuid not null,
    person_id uuid not null,
    institution_id uuid not null,
    need text not null,
    region text not null,
    language text not null,
    score integer not null,
    reasons text[] not null,
    state text not null,
    consent_id uuid,
    sealed_family_member bytea,
    sealed_account_number bytea,
    declined_because text,
    proposed_at timestamptz not null,
    answered_at timestamptz,
    constraint referrals_pkey primary key (referral_id),
    constraint referrals_person foreign key (person_id) references onboarding.people (person_id),
    constraint referrals_institution foreign key (institution_id) references onboarding.institutions (institution_id),
    constraint referrals_state_known check (state in ('proposed', 'accepted-by-person', 'sent', 'account-opened', 'declined'))
);
create index referrals_by_person on onboarding.referrals (person_id, referral_id);
create index referrals_by_institution on onboarding.referrals (institution_id, referral_id);
comment on table onboarding.referrals is 'A family proposed to an institution that serves it.';

create table onboarding.consents (
    consent_id uuid not null,
    person_id uuid not null,
    institution_id uuid not null,
    purpose text not null,
    shared text[] not null,
    given_at timestamptz not null,
    ends_at timestamptz not null,
    withdrawn_at timestamptz,
    constraint consents_pkey primary key (consent_id),
    constraint consents_person foreign key (person_id) references onboarding.people (person_id),
    constraint consents_institution foreign key (institution_id) references onboarding.institutions (institution_id)
);
create index consents_by_person on onboarding.consents (person_id);
alter table onboarding.referrals
    add constraint referrals_consent foreign key (consent_id) references onboarding.consents (consent_id);
comment on table onboarding.consents is 'What a person lets an institution know, for what and until when; each row is a receipt.';

grant usage on schema onboarding to teranga_server;
grant select, insert on all tables in schema onboarding to teranga_server;
-- What is told once stays as it was told: operators, grants of audit and reads under them.
grant update (state, tier, password_hash, language, country, sealed_name, sealed_birth_date, sealed_address)
    on onboarding.people to teranga_server;
grant update (code_index, tries_left, expires_at) on onboarding.confirmations to teranga_server;
grant update (since, messages, tries, last_message_at) on onboarding.message_allowances to teranga_server;
grant update (failures, since, locked_until) on onboarding.sign_in_failures to teranga_server;
grant update (state) on onboarding.institutions to teranga_server;
grant update (revoked_at) on onboarding.credentials to teranga_server;
grant update (state, consent_id, sealed_family_member, sealed_account_number, declined_because, answered_at)
    on onboarding.referrals to teranga_server;
grant update (withdrawn_at) on onboarding.consents to teranga_server;
grant delete on onboarding.confirmations, onboarding.sign_in_failures to teranga_server;
