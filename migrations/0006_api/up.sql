-- What the HTTP surfaces themselves have to remember.

create schema api;

create table api.idempotency_keys (
    audience text not null,
    subject uuid not null,
    key text not null,
    fingerprint bytea not null,
    started_at timestamptz not null,
    status smallint,
    sealed_answer bytea,
    constraint idempotency_keys_pkey primary key (audience, subject, key),
    constraint idempotency_keys_answer_whole check ((status is null) = (sealed_answer is null))
);
create index idempotency_keys_by_age on api.idempotency_keys (started_at);
comment on table api.idempotency_keys is 'Keys that callers gave to their requests, with the first answer. Kept for 30 days; the ledger keeps its own keys for ever.';
comment on column api.idempotency_keys.fingerprint is 'SHA-256 of method, path and body: the same key with another request is refused.';
comment on column api.idempotency_keys.sealed_answer is 'Encrypted, since answers hold names and accounts.';

grant usage on schema api to teranga_server;
grant select, insert, update, delete on api.idempotency_keys to teranga_server;
