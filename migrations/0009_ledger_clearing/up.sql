-- Transfers between books: two legs, each an entry of its own book, and one outcome.
--
-- The row moves with the legs: the unit of work that books a leg carries the change of state, so both commit together.
-- Every unique key starts with a book, so that the table can be distributed as the books are.

create table ledger.transfers (
    from_book smallint not null,
    to_book smallint not null,
    commodity integer not null,
    transfer_id uuid not null,
    amount_minor bigint not null,
    source text not null,
    destination text not null,
    description text,
    state text not null,
    reason text,
    attempts smallint not null default 0,
    created_at timestamptz not null,
    due_at timestamptz not null,
    departed_at timestamptz,
    settled_at timestamptz,
    constraint transfers_pkey primary key (from_book, transfer_id),
    constraint transfers_between_two_books check (from_book <> to_book),
    constraint transfers_amount_positive check (amount_minor > 0),
    constraint transfers_state_known check (state in ('initiated', 'departed', 'arrived', 'returned', 'refused')),
    constraint transfers_reason_where_refused check ((reason is not null) = (state in ('returned', 'refused'))),
    constraint transfers_departed_at_known check (
        (departed_at is not null) = (state in ('departed', 'arrived', 'returned'))
    ),
    constraint transfers_settled_at_known check (
        (settled_at is not null) = (state in ('arrived', 'returned', 'refused'))
    )
) with (fillfactor = 70);
create index transfers_by_age on ledger.transfers (from_book, created_at, transfer_id);
create index transfers_unsettled on ledger.transfers (from_book, due_at) where settled_at is null;
comment on table ledger.transfers is 'Amounts on their way from an account of one book to an account of another one. Only what says how far it came ever changes.';
comment on column ledger.transfers.transfer_id is 'Given by whoever wants the transfer; the keys of its entries are derived from it and from_book.';
comment on column ledger.transfers.amount_minor is 'In minor units of the commodity.';
comment on column ledger.transfers.source is 'Code of the account in from_book that is debited.';
comment on column ledger.transfers.destination is 'Code of the account in to_book that is credited.';
comment on column ledger.transfers.state is 'initiated: nothing booked yet; departed: booked in from_book; arrived: booked in both; returned: booked in from_book and taken back there; refused: nothing booked, for good.';
comment on column ledger.transfers.reason is 'Why a book refused its leg.';
comment on column ledger.transfers.attempts is 'How often recovery took it up; each time it waits longer.';
comment on column ledger.transfers.due_at is 'When recovery takes it up if it is not settled by then.';

grant select on ledger.transfers to teranga_server, teranga_reader;
grant insert on ledger.transfers to teranga_server;
grant update (state, reason, attempts, due_at, departed_at, settled_at) on ledger.transfers to teranga_server;
