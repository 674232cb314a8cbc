-- Lots: what postings of units are made of, with what was paid for them and when.

create table ledger.lots (
    book_id smallint not null,
    ordinal smallint not null,
    lot_number smallint not null,
    commodity integer not null,
    cost_commodity integer,
    acquired_on date not null,
    sequence bigint not null,
    lot_sequence bigint not null,
    account bigint not null,
    amount_minor bigint not null,
    cost_minor bigint,
    constraint lots_pkey primary key (book_id, sequence, ordinal, lot_sequence, lot_number),
    constraint lots_amount_not_zero check (amount_minor <> 0),
    constraint lots_look_back check (lot_sequence between 1 and sequence),
    constraint lots_number_positive check (lot_number > 0),
    constraint lots_of_units check (commodity >= 100000),
    constraint lots_cost_in_currency check (
        (cost_commodity is null) = (cost_minor is null)
        and cost_commodity < 100000
        and (cost_minor = 0 or sign(cost_minor) = sign(amount_minor))
    )
);
create index lots_by_account on ledger.lots (book_id, account, lot_sequence, lot_number);
comment on table ledger.lots is 'The lots that a posting of units is made of; their amounts sum to the posting''s. What leaves one account arrives on another, so that each lot sums to zero in each entry.';
comment on column ledger.lots.ordinal is 'The posting in its entry.';
comment on column ledger.lots.lot_sequence is 'The entry by which the units of the lot were issued; with lot_number it names the lot.';
comment on column ledger.lots.lot_number is 'Which lot of that entry, from 1.';
comment on column ledger.lots.commodity is 'The unit.';
comment on column ledger.lots.cost_commodity is 'The currency of the cost; null when no cost is known.';
comment on column ledger.lots.acquired_on is 'The day from which the units count as had; it stays with the lot.';
comment on column ledger.lots.amount_minor is 'Debits positive, in the unit''s smallest parts.';
comment on column ledger.lots.cost_minor is 'What was paid for that many, debits positive, in minor units of the currency.';

create function ledger.check_lots_balance() returns trigger
language plpgsql
as $$
begin
    if exists (
        select 1
        from given
        group by book_id, sequence, commodity, lot_sequence, lot_number
        having sum(amount_minor) <> 0
            or coalesce(sum(cost_minor), 0) <> 0
    ) then
        raise exception 'an entry does not pass its lots on whole'
            using errcode = 'check_violation', constraint = 'lots_balance';
    end if;
    return null;
end
$$;
comment on function ledger.check_lots_balance() is 'What is given of a lot is received, units and cost; checked once per statement, over all its rows.';

create trigger lots_balance
after insert on ledger.lots
referencing new table as given
for each statement execute function ledger.check_lots_balance();

create trigger lots_append_only
before update or delete or truncate on ledger.lots
for each statement execute function ledger.refuse_change();

grant select on ledger.lots to teranga_server, teranga_reader;
grant insert on ledger.lots to teranga_server;
