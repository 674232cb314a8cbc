-- The balance of an account by the end of a day, of all that is known: the question about the past that is asked most.
-- Asked in two steps, for the place in the book first and for the balance there then, it costs a second way to and fro,
-- which is longer than all that is looked for.

create function ledger.balance_on(book smallint, number bigint, known bigint, day date, day_over timestamptz)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
    base bigint := ledger.last_booked_before(book, day_over, known);
begin
    if base = 0 and not exists (select from ledger.crossing(book, base, known, day, 9223372036854775807)) then
        return null;
    end if;
    return ledger.balance_at(book, number, base, known, day, 9223372036854775807);
end
$$;
comment on function ledger.balance_on(smallint, bigint, bigint, date, timestamptz) is 'Balance of an account, debits positive, of what is known and had taken effect by the end of a day, which is over at an instant. Null where nothing had taken effect in the whole book.';

revoke execute on function ledger.balance_on(smallint, bigint, bigint, date, timestamptz) from public;
grant execute on function ledger.balance_on(smallint, bigint, bigint, date, timestamptz) to teranga_server, teranga_reader;

-- The same answers as before, at half the price: one statement that halves, where a loop started one for each step.
create or replace function ledger.last_booked_before(book smallint, instant timestamptz, newest bigint) returns bigint
language plpgsql
stable
parallel safe
as $$
declare
    last bigint;
begin
    if instant is null then
        return newest;
    end if;
    with recursive halving (low, high) as (
        select 0::bigint, newest
        union all
        select case when middle.booked_at < instant then middle.sequence else h.low end,
            case when middle.booked_at < instant then h.high else middle.sequence - 1 end
        from halving h
        cross join lateral (
            select e.sequence, e.booked_at
            from ledger.entries e
            where e.book_id = book
              and e.sequence = h.low + (h.high - h.low + 1) / 2
            offset 0
        ) middle
        where h.low < h.high
    )
    select h.high
    into strict last
    from halving h
    where h.low >= h.high;
    return last;
end
$$;
