-- The ledger's full order: holds, reversals, adjustments and periods take their place in a book's sequence beside
-- postings, and each batch moves the head of the book's transparency log.
--
-- What only some entries have stands in tables of its own, so that an ordinary transfer pays nothing for it and no big
-- table is rewritten.

alter table ledger.books
    add column frontier bytea not null default '',
    add column closed_through date;
comment on column ledger.books.frontier is 'Roots of the perfect subtrees of the log over all entries, largest first, 32 bytes each; as many as the last sequence has binary ones.';
comment on column ledger.books.closed_through is 'Last effective date of the closed periods; none when null.';

alter table ledger.accounts
    add column salt uuid,
    add column commitment bytea;
update ledger.accounts set salt = gen_random_uuid();
update ledger.accounts
set commitment = sha256(
    convert_to('teranga account 1', 'UTF8')
    || uuid_send(salt)
    || int4send(commodity)
    || case when floor_minor is null then '\x00'::bytea else '\x01'::bytea || int8send(floor_minor) end
    || convert_to(code, 'UTF8')
);
alter table ledger.accounts
    alter column commitment set not null,
    add constraint accounts_commitment_is_sha256 check (length(commitment) = 32);
comment on column ledger.accounts.salt is 'Random; makes the commitment tell nothing of the code. Null once the code was erased.';
comment on column ledger.accounts.commitment is 'SHA-256 of salt, commodity, floor and code: what stands for the account in the log. Never changes.';

-- An account that was never touched has nothing, even where its floor is above zero.
alter table ledger.accounts
    drop constraint accounts_floor_kept,
    add constraint accounts_floor_kept check (
        floor_minor is null
        or last_sequence = 0
        or case when kind in ('asset', 'expense') then balance_minor else -balance_minor end >= floor_minor
    ) not valid;
alter table ledger.accounts validate constraint accounts_floor_kept;

alter table ledger.entries
    add column salt uuid;
comment on column ledger.entries.salt is 'Random; makes the commitment to description, subject and metadata tell nothing of them. Null where there is none of these.';

create table ledger.reversals (
    book_id smallint not null,
    reverses bigint not null,
    sequence bigint not null,
    constraint reversals_pkey primary key (book_id, reverses),
    constraint reversals_sequence_unique unique (book_id, sequence),
    constraint reversals_look_back check (reverses < sequence)
);
comment on table ledger.reversals is 'Which entry takes back which: each entry at most once.';

create table ledger.adjustments (
    book_id smallint not null,
    sequence bigint not null,
    first_approver uuid not null,
    second_approver uuid not null,
    constraint adjustments_pkey primary key (book_id, sequence),
    constraint adjustments_two_approvers check (first_approver <> second_approver)
);
comment on table ledger.adjustments is 'Entries that may take effect in a closed period, with the two who approved each.';

create table ledger.period_changes (
    book_id smallint not null,
    sequence bigint not null,
    change text not null,
    through date not null,
    first_approver uuid not null,
    second_approver uuid,
    constraint period_changes_pkey primary key (book_id, sequence),
    constraint period_changes_known check (change in ('closed', 'reopened')),
    constraint period_changes_reopened_by_two check (
        change = 'closed' or (second_approver is not null and first_approver <> second_approver)
    )
);
comment on table ledger.period_changes is 'Closing and reopening of a book, each an entry without postings. A close is through its date; after a reopening the book is closed through the day before its date.';

create table ledger.closing_balances (
    book_id smallint not null,
    commodity integer not null,
    sequence bigint not null,
    account bigint not null,
    balance_minor bigint not null,
    constraint closing_balances_pkey primary key (book_id, sequence, account)
);
comment on table ledger.closing_balances is 'The trial balance of a close: what took effect by its date, as known when it was closed.';
comment on column ledger.closing_balances.balance_minor is 'Debits positive, in minor units of the account''s commodity.';

create table ledger.holds (
    book_id smallint not null,
    hold_id uuid not null,
    commodity integer not null,
    account bigint not null,
    amount_minor bigint not null,
    remaining_minor bigint not null,
    expires_at timestamptz not null,
    placed_sequence bigint not null,
    last_sequence bigint not null,
    constraint holds_pkey primary key (book_id, hold_id),
    constraint holds_amount_positive check (amount_minor > 0),
    constraint holds_remaining_within check (remaining_minor between 0 and amount_minor)
) with (fillfactor = 70);
create index holds_live on ledger.holds (book_id, account) where remaining_minor > 0;
create index holds_by_expiry on ledger.holds (book_id, expires_at) where remaining_minor > 0;
comment on table ledger.holds is 'Amounts reserved on accounts, as their changes left them. Whether a hold still counts is decided from expires_at at each read and write.';
comment on column ledger.holds.amount_minor is 'What was reserved, on the account''s normal side, in minor units.';
comment on column ledger.holds.remaining_minor is 'What is neither posted nor released.';

create table ledger.hold_changes (
    book_id smallint not null,
    ordinal smallint not null,
    commodity integer not null,
    sequence bigint not null,
    account bigint not null,
    hold_id uuid not null,
    change text not null,
    amount_minor bigint not null,
    constraint hold_changes_pkey primary key (book_id, sequence, ordinal),
    constraint hold_changes_known check (change in ('placed', 'posted', 'released', 'expired')),
    constraint hold_changes_amount_positive check (amount_minor > 0)
);
create index hold_changes_by_hold on ledger.hold_changes (book_id, hold_id, sequence);
comment on table ledger.hold_changes is 'What happened to holds, as part of entries: reserved, posted in whole or part, released by hand or tidied up after expiry.';
comment on column ledger.hold_changes.amount_minor is 'How much, in minor units of the account''s commodity; always above zero.';

create trigger reversals_append_only
before update or delete or truncate on ledger.reversals
for each statement execute function ledger.refuse_change();

create trigger adjustments_append_only
before update or delete or truncate on ledger.adjustments
for each statement execute function ledger.refuse_change();

create trigger period_changes_append_only
before update or delete or truncate on ledger.period_changes
for each statement execute function ledger.refuse_change();

create trigger closing_balances_append_only
before update or delete or truncate on ledger.closing_balances
for each statement execute function ledger.refuse_change();

create trigger hold_changes_append_only
before update or delete or truncate on ledger.hold_changes
for each statement execute function ledger.refuse_change();

grant select on ledger.reversals, ledger.adjustments, ledger.period_changes, ledger.closing_balances, ledger.holds,
    ledger.hold_changes to teranga_server, teranga_reader;
grant insert on ledger.reversals, ledger.adjustments, ledger.period_changes, ledger.closing_balances, ledger.holds,
    ledger.hold_changes to teranga_server;
grant update (remaining_minor, last_sequence) on ledger.holds to teranga_server;

create function ledger.finish(
    book smallint,
    expected bigint,
    next bigint,
    booked timestamptz,
    frontier_after bytea,
    touched bigint[],
    balances bigint[]
) returns void
language plpgsql
as $$
begin
    update ledger.books
    set last_sequence = next,
        last_booked_at = booked,
        frontier = frontier_after
    where book_id = book
      and last_sequence = expected;
    if not found then
        raise exception 'book % is not at sequence %', book, expected
            using errcode = 'serialization_failure';
    end if;
    update ledger.accounts a
    set balance_minor = change.balance,
        last_sequence = next
    from unnest(touched, balances) as change (account, balance)
    where a.book_id = book
      and a.account = change.account;
end
$$;
comment on function ledger.finish(smallint, bigint, bigint, timestamptz, bytea, bigint[], bigint[]) is 'Takes the book''s lock and moves its head and the balances, or fails when somebody else moved it first. Rows may be sent ahead of it, so that the lock is held for as short a time as can be.';
drop function ledger.advance(smallint, bigint, bigint, timestamptz);
revoke execute on function ledger.finish(smallint, bigint, bigint, timestamptz, bytea, bigint[], bigint[]) from public;
grant execute on function ledger.finish(smallint, bigint, bigint, timestamptz, bytea, bigint[], bigint[])
    to teranga_server;
