-- What is done to a book by hand is proposed by one person and carried out by the approval of another. And names that
-- are erased stay erased: no writer books on an account whose name is gone, whatever it remembers.

create table ledger.proposals (
    book_id smallint not null,
    proposal_id uuid not null,
    kind text not null,
    content text not null,
    digest bytea not null,
    proposed_by uuid not null,
    proposed_at timestamptz not null,
    lapses_at timestamptz not null,
    state text not null default 'proposed',
    decided_by uuid,
    decided_at timestamptz,
    entry_key uuid,
    constraint proposals_pkey primary key (book_id, proposal_id),
    constraint proposals_kind_known check (
        kind in ('close', 'reopening', 'adjustment', 'reversal', 'correction', 'erasure')
    ),
    constraint proposals_digest_is_sha256 check (length(digest) = 32),
    constraint proposals_lapse_later check (lapses_at > proposed_at),
    constraint proposals_state_known check (state in ('proposed', 'carried-out', 'withdrawn')),
    constraint proposals_decided check (
        (state = 'proposed') = (decided_by is null)
        and (decided_by is null) = (decided_at is null)
    ),
    constraint proposals_by_two check (state <> 'carried-out' or decided_by <> proposed_by),
    constraint proposals_entry_where_carried_out check (entry_key is null or state = 'carried-out')
) with (fillfactor = 80);
create index proposals_by_age on ledger.proposals (book_id, proposed_at desc, proposal_id desc);
create index proposals_waiting on ledger.proposals (book_id, proposed_at desc, proposal_id desc) where state = 'proposed';
comment on table ledger.proposals is 'Closes, reopenings, adjustments, reversals, corrections and erasures as they were proposed. Only what says how they ended changes, once.';
comment on column ledger.proposals.content is 'What is proposed, as JSON. Where a name was erased it stands as erased.';
comment on column ledger.proposals.digest is 'SHA-256 of book and content as they were proposed; an approval names it.';
comment on column ledger.proposals.lapses_at is 'From then on nobody can approve it.';
comment on column ledger.proposals.decided_by is 'Who approved it and so carried it out, or who withdrew it.';
comment on column ledger.proposals.entry_key is 'The entry that carried it out; an erasure has none.';

grant select on ledger.proposals to teranga_server, teranga_reader;
grant insert on ledger.proposals to teranga_server;
grant update (state, decided_by, decided_at, entry_key) on ledger.proposals to teranga_server;

create table ledger.close_records (
    book_id smallint not null,
    sequence bigint not null,
    accounts bigint not null,
    recorded_at timestamptz not null,
    constraint close_records_pkey primary key (book_id, sequence),
    constraint close_records_accounts_not_negative check (accounts >= 0)
);
comment on table ledger.close_records is 'Closes whose trial balance is recorded in closing_balances, whole.';
comment on column ledger.close_records.accounts is 'Rows of it; none where nothing had taken effect by the closed date.';

insert into ledger.close_records (book_id, sequence, accounts, recorded_at)
select book_id, sequence, count(*), now()
from ledger.closing_balances
group by book_id, sequence;

create trigger close_records_append_only
before update or delete or truncate on ledger.close_records
for each statement execute function ledger.refuse_change();

grant select on ledger.close_records to teranga_server, teranga_reader;
grant insert on ledger.close_records to teranga_server;

create or replace function ledger.finish(
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
declare
    moved bigint;
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
      and a.account = change.account
      and a.salt is not null;
    get diagnostics moved = row_count;
    if moved <> cardinality(touched) then
        raise exception 'an account of book % has lost its name', book
            using errcode = 'serialization_failure';
    end if;
end
$$;
comment on function ledger.finish(smallint, bigint, bigint, timestamptz, bytea, bigint[], bigint[]) is 'Takes the book''s lock and moves its head and the balances, or fails when somebody else moved it first or an account was erased meanwhile. Rows may be sent ahead of it, so that the lock is held for as short a time as can be.';

-- The book's lock comes first: a batch that is on its way has moved the balances by then, or fails.
create or replace function ledger.erase_code(book smallint, erased_code text) returns setof bigint
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform 1
    from ledger.books
    where book_id = book
    for update;
    return query
        update ledger.accounts a
        set code = regexp_replace(a.code, '[^:]+$', 'erased-' || a.account),
            salt = null
        where a.book_id = book
          and a.code = erased_code
          and a.salt is not null
          and a.balance_minor = 0
          and not exists (
              select 1
              from ledger.holds h
              where h.book_id = a.book_id
                and h.account = a.account
                and h.remaining_minor > 0
          )
        returning a.account;
    if not found then
        return;
    end if;
    if exists (select 1 from ledger.accounts where book_id = book and code = erased_code) then
        return;
    end if;
    update ledger.refusals
    set detail = replace(detail, erased_code, regexp_replace(erased_code, '[^:]+$', 'erased'))
    where book_id = book
      and position(erased_code in detail) > 0;
    update ledger.proposals
    set content = replace(content, erased_code, regexp_replace(erased_code, '[^:]+$', 'erased'))
    where book_id = book
      and position(erased_code in content) > 0;
end
$$;
comment on function ledger.erase_code(smallint, text) is 'Takes the name and the salt from accounts that hold nothing and reserve nothing, and the name from refusals and proposals. Commitments stay, so every proof stays valid and says nothing of whose they were.';
