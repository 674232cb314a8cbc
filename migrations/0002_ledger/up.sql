-- The ledger: books, accounts, entries, postings.
--
-- Keys are small on purpose (smallint book, bigint sequence and account): half of the cost of posting is the b-trees.
-- There are no foreign keys on postings: the writer guarantees what they would, and one check per statement repeats
-- the balance.

create schema ledger;

create table ledger.books (
    book_id smallint not null,
    name text not null,
    last_sequence bigint not null default 0,
    last_account bigint not null default 0,
    last_booked_at timestamptz not null default 'epoch',
    constraint books_pkey primary key (book_id),
    constraint books_name_unique unique (name),
    constraint books_last_sequence_not_negative check (last_sequence >= 0),
    constraint books_last_account_not_negative check (last_account >= 0)
) with (fillfactor = 50);
comment on table ledger.books is 'A complete set of accounts with one order of entries; its row is the lock that gives the order.';
comment on column ledger.books.last_sequence is 'Sequence of the newest entry; sequences have no gaps.';
comment on column ledger.books.last_account is 'Number of the account opened last.';
comment on column ledger.books.last_booked_at is 'When the newest entry was booked; booking times never run backwards, whatever the clock does.';

create table ledger.accounts (
    book_id smallint not null,
    account bigint not null,
    code text not null,
    commodity integer not null,
    kind text not null,
    floor_minor bigint,
    balance_minor bigint not null default 0,
    last_sequence bigint not null default 0,
    opened_at timestamptz not null,
    constraint accounts_pkey primary key (book_id, account),
    constraint accounts_code_unique unique (book_id, code, commodity),
    constraint accounts_kind_known check (kind in ('asset', 'liability', 'equity', 'revenue', 'expense')),
    -- The floor once more, by the database: an account whose normal side is credit keeps a negative balance.
    constraint accounts_floor_kept check (
        floor_minor is null
        or case when kind in ('asset', 'expense') then balance_minor else -balance_minor end >= floor_minor
    )
) with (fillfactor = 50);
comment on table ledger.accounts is 'Accounts, each of one currency, with the balance after their newest posting. Updated once a batch, and never on an indexed column, so that updates stay in their page.';
comment on column ledger.accounts.commodity is 'ISO 4217 number of the currency; numbers from 100000 on are kept for units of projects.';
comment on column ledger.accounts.floor_minor is 'Least balance on the normal side that may remain after an entry; none when null.';
comment on column ledger.accounts.balance_minor is 'Sum of all postings, debits positive, in minor units.';
comment on column ledger.accounts.last_sequence is 'Sequence of the newest entry that touched the account.';

create table ledger.entries (
    book_id smallint not null,
    sequence bigint not null,
    entry_key uuid not null,
    fingerprint uuid not null,
    booked_at timestamptz not null,
    effective_date date not null,
    kind text not null,
    description text,
    subject uuid,
    metadata jsonb,
    constraint entries_pkey primary key (book_id, sequence),
    constraint entries_key_unique unique (book_id, entry_key),
    constraint entries_sequence_positive check (sequence > 0)
);
comment on table ledger.entries is 'What happened. Never changed, never deleted; a mistake is answered by a reversing entry.';
comment on column ledger.entries.entry_key is 'Idempotency key: at most one entry ever has it.';
comment on column ledger.entries.fingerprint is 'First 16 bytes of the SHA-256 of the content, to tell a retry from a reuse of the key.';
comment on column ledger.entries.subject is 'What the entry is about: a remittance, a project.';

create table ledger.postings (
    book_id smallint not null,
    ordinal smallint not null,
    commodity integer not null,
    sequence bigint not null,
    account bigint not null,
    amount_minor bigint not null,
    balance_minor bigint not null,
    constraint postings_pkey primary key (book_id, sequence, ordinal),
    constraint postings_amount_not_zero check (amount_minor <> 0)
);
create index postings_by_account on ledger.postings (book_id, account, sequence, ordinal);
comment on table ledger.postings is 'Amounts on accounts; those of an entry sum to zero in each commodity. Columns are ordered so that no byte is lost to alignment.';
comment on column ledger.postings.commodity is 'That of the account, repeated so that the balance of an entry can be checked without a join.';
comment on column ledger.postings.amount_minor is 'Debit positive, credit negative, in minor units.';
comment on column ledger.postings.balance_minor is 'Balance of the account after this posting, debits positive.';

create table ledger.refusals (
    refusal_id bigint generated always as identity,
    book_id smallint not null,
    entry_key uuid not null,
    kind text not null,
    reason text not null,
    detail text not null,
    refused_at timestamptz not null,
    constraint refusals_pkey primary key (refusal_id)
);
comment on table ledger.refusals is 'Attempts that were refused, with the reason; outside the sequence.';

create function ledger.refuse_change() returns trigger
language plpgsql
as $$
begin
    raise exception 'ledger.% is append-only', tg_table_name
        using errcode = 'restrict_violation',
              hint = 'answer a mistake by a reversing entry';
end
$$;
comment on function ledger.refuse_change() is 'Entries and postings are never changed, whatever the role.';

create trigger entries_append_only
before update or delete or truncate on ledger.entries
for each statement execute function ledger.refuse_change();

create trigger postings_append_only
before update or delete or truncate on ledger.postings
for each statement execute function ledger.refuse_change();

create function ledger.check_entries_balance() returns trigger
language plpgsql
as $$
begin
    if exists (
        select 1
        from posted
        group by book_id, sequence, commodity
        having sum(amount_minor) <> 0
    ) then
        raise exception 'an entry does not balance'
            using errcode = 'check_violation', constraint = 'postings_balance';
    end if;
    return null;
end
$$;
comment on function ledger.check_entries_balance() is 'Debits equal credits per entry and commodity; checked once per statement, over all its rows.';

create trigger postings_balance
after insert on ledger.postings
referencing new table as posted
for each statement execute function ledger.check_entries_balance();

create function ledger.advance(book smallint, expected bigint, next bigint, booked timestamptz) returns void
language plpgsql
as $$
begin
    update ledger.books
    set last_sequence = next,
        last_booked_at = booked
    where book_id = book
      and last_sequence = expected;
    if not found then
        raise exception 'book % is not at sequence %', book, expected
            using errcode = 'serialization_failure';
    end if;
end
$$;
comment on function ledger.advance(smallint, bigint, bigint, timestamptz) is 'Takes the book''s lock and moves its head, or fails when somebody else moved it first: lets the writer send a whole batch in one round trip.';

grant usage on schema ledger to teranga_server, teranga_reader;
grant select on all tables in schema ledger to teranga_server, teranga_reader;
grant insert, update on ledger.books to teranga_server;
grant insert on ledger.accounts to teranga_server;
grant update (balance_minor, last_sequence) on ledger.accounts to teranga_server;
grant insert on ledger.entries, ledger.postings, ledger.refusals to teranga_server;
revoke execute on function ledger.advance(smallint, bigint, bigint, timestamptz) from public;
grant execute on function ledger.advance(smallint, bigint, bigint, timestamptz) to teranga_server;
