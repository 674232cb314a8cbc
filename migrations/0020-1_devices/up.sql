-- Devices that people are signed in on, their second factors, and the recovery of an account.
-- Columns named sealed_* hold encrypted personal data or secrets; *_index columns are keyed hashes.

alter table onboarding.people
    add column confirmed_at timestamptz,
    add column limits_lowered_until timestamptz;
comment on column onboarding.people.confirmed_at is 'When the contact was confirmed; empty for those from before this was kept.';
comment on column onboarding.people.limits_lowered_until is 'Until when little can be sent, after an account was recovered.';

create table onboarding.devices (
    device_id uuid not null,
    person_id uuid not null,
    sealed_name bytea,
    sealed_secret bytea not null,
    generation integer not null,
    signed_in_at timestamptz not null,
    refreshed_at timestamptz not null,
    proven_at timestamptz,
    second_factor_at timestamptz,
    code_index bytea,
    code_tries_left integer not null default 0,
    code_expires_at timestamptz,
    ended_at timestamptz,
    ended_because text,
    constraint devices_pkey primary key (device_id),
    constraint devices_person foreign key (person_id) references onboarding.people (person_id),
    constraint devices_generation_counts check (generation >= 0),
    constraint devices_tries_not_negative check (code_tries_left >= 0),
    constraint devices_code_whole check ((code_index is null) = (code_expires_at is null)),
    constraint devices_end_whole check ((ended_at is null) = (ended_because is null)),
    constraint devices_end_known check (ended_because in
        ('signed-out', 'idle', 'crowded-out', 'token-reused', 'password-changed', 'recovered'))
);
create index devices_by_person on onboarding.devices (person_id, device_id);
comment on table onboarding.devices is 'Where a person is signed in: each row is one family of refresh tokens.';
comment on column onboarding.devices.sealed_secret is 'What the refresh tokens of this device are made with.';
comment on column onboarding.devices.generation is 'The refresh token that is good now; an earlier one ends the device.';
comment on column onboarding.devices.proven_at is 'When more than the password showed that it is the person''s.';
comment on column onboarding.devices.second_factor_at is 'When a second factor was last shown on it.';
comment on column onboarding.devices.code_index is 'Of the code that was sent to the contact to prove it.';

create table onboarding.second_factors (
    factor_id uuid not null,
    person_id uuid not null,
    kind text not null,
    sealed_name bytea,
    sealed_secret bytea not null,
    credential_index bytea,
    last_step bigint,
    made_at timestamptz not null,
    confirmed_at timestamptz,
    constraint second_factors_pkey primary key (factor_id),
    constraint second_factors_person foreign key (person_id) references onboarding.people (person_id),
    constraint second_factors_credential_once unique (credential_index),
    constraint second_factors_kind_known check (kind in ('totp', 'passkey')),
    constraint second_factors_passkey_named check ((kind = 'passkey') = (credential_index is not null))
);
create index second_factors_by_person on onboarding.second_factors (person_id, factor_id);
comment on table onboarding.second_factors is 'What a person shows beside the password: codes by time (RFC 6238), passkeys (WebAuthn).';
comment on column onboarding.second_factors.last_step is 'The time step of the last code, which is good once.';

create table onboarding.second_factor_challenges (
    challenge_id uuid not null,
    person_id uuid not null,
    device_id uuid,
    sealed_device_name bytea,
    sealed_passkey_state bytea,
    purpose text not null,
    tries_left integer not null,
    expires_at timestamptz not null,
    constraint second_factor_challenges_pkey primary key (challenge_id),
    constraint second_factor_challenges_person foreign key (person_id) references onboarding.people (person_id),
    constraint second_factor_challenges_device foreign key (device_id) references onboarding.devices (device_id),
    constraint second_factor_challenges_purpose_known check (purpose in ('sign-in', 'authentication', 'enrolment')),
    constraint second_factor_challenges_device_fits check ((device_id is null) = (purpose = 'sign-in')),
    constraint second_factor_challenges_tries_not_negative check (tries_left >= 0)
);
create index second_factor_challenges_by_person on onboarding.second_factor_challenges (person_id);
create index second_factor_challenges_by_age on onboarding.second_factor_challenges (expires_at);
comment on table onboarding.second_factor_challenges is 'Second factors that are asked for and not shown yet.';

create table onboarding.recoveries (
    recovery_id uuid not null,
    person_id uuid not null,
    state text not null,
    code_index bytea not null,
    tries_left integer not null,
    code_expires_at timestamptz not null,
    key_digest bytea,
    by_second_factor boolean not null default false,
    ready_at timestamptz,
    asked_at timestamptz not null,
    ended_at timestamptz,
    constraint recoveries_pkey primary key (recovery_id),
    constraint recoveries_person foreign key (person_id) references onboarding.people (person_id),
    constraint recoveries_state_known check (state in ('asked', 'waiting', 'completed', 'cancelled')),
    constraint recoveries_waiting_whole check ((state = 'asked') = (key_digest is null) and (key_digest is null) = (ready_at is null)),
    constraint recoveries_tries_not_negative check (tries_left >= 0)
);
create unique index recoveries_one_waiting on onboarding.recoveries (person_id) where state = 'waiting';
create index recoveries_by_person on onboarding.recoveries (person_id, recovery_id);
comment on table onboarding.recoveries is 'Accounts whose owner lost the password or a second factor. A recovery waits, so that the owner can stop a thief''s.';
comment on column onboarding.recoveries.key_digest is 'SHA-256 of what was handed to whoever read the code: only they can complete it.';
comment on column onboarding.recoveries.by_second_factor is 'Whether a second factor was shown too: then it waits for nothing, and takes none away.';
comment on column onboarding.recoveries.ready_at is 'From when on it can be completed.';

-- A contact's allowance of messages is counted by purpose, so that whoever uses up one leaves the others.
alter table onboarding.message_allowances
    add column purpose text not null default 'registration'
        constraint message_allowances_purpose_known check (purpose in ('registration', 'device')),
    drop constraint message_allowances_pkey,
    add constraint message_allowances_pkey primary key (person_id, purpose);

grant select, insert on onboarding.devices, onboarding.second_factors, onboarding.second_factor_challenges,
    onboarding.recoveries to teranga_server;
grant update (confirmed_at, limits_lowered_until) on onboarding.people to teranga_server;
grant update (generation, refreshed_at, proven_at, second_factor_at, code_index, code_tries_left, code_expires_at,
    ended_at, ended_because) on onboarding.devices to teranga_server;
grant update (sealed_secret, last_step, confirmed_at) on onboarding.second_factors to teranga_server;
grant update (tries_left) on onboarding.second_factor_challenges to teranga_server;
grant update (state, code_index, tries_left, code_expires_at, key_digest, by_second_factor,
    ready_at, ended_at) on onboarding.recoveries to teranga_server;
grant delete on onboarding.second_factor_challenges, onboarding.second_factors, onboarding.recoveries to teranga_server;
