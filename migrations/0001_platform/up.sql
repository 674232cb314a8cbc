-- Roles, and the outbox that every room writes to.
--
-- Roles belong to the whole cluster, so another database of it may have made them already, or be making them now.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['teranga_server', 'teranga_reader'] loop
        begin
            execute format('create role %I nologin', wanted);
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;

create schema platform;

create table platform.outbox (
    message_id uuid not null,
    topic text not null,
    sealed_payload bytea not null,
    created_at timestamptz not null default now(),
    due_at timestamptz not null default now(),
    attempts integer not null default 0,
    delivered_at timestamptz,
    dead_at timestamptz,
    last_error text,
    constraint outbox_pkey primary key (message_id),
    constraint outbox_attempts_not_negative check (attempts >= 0),
    constraint outbox_ends_once check (delivered_at is null or dead_at is null)
);
create index outbox_due on platform.outbox (due_at) where delivered_at is null and dead_at is null;
comment on table platform.outbox is 'Messages to the outside, written in the transaction that caused them and delivered at least once.';
comment on column platform.outbox.message_id is 'Goes with the message, so that a receiver can tell a repeat.';
comment on column platform.outbox.sealed_payload is 'Encrypted: a mail holds an address and a code.';
comment on column platform.outbox.dead_at is 'When delivery was given up; the message is kept for a person.';

grant usage on schema platform to teranga_server;
grant select, insert on platform.outbox to teranga_server;
grant update (due_at, attempts, delivered_at, dead_at, last_error) on platform.outbox to teranga_server;
