-- Reading the past of a book: as it was known after an entry, and by effective date.
--
-- Most entries take effect on the day (UTC) on which they are booked, and booking times never run backwards. So what
-- took effect by a day is the running balance at the last entry booked by that day, corrected by the few entries that
-- take effect on another day than they were booked on: the shifted ones. The indexes that find those, and the others
-- that only reads need, follow one a migration, because an index that is built beside the writer stands alone.

create function ledger.last_booked_before(book smallint, instant timestamptz, newest bigint) returns bigint
language plpgsql
stable
parallel safe
as $$
declare
    low bigint := 0;
    high bigint := newest;
    middle bigint;
    booked timestamptz;
begin
    while instant is not null and low < high loop
        middle := low + (high - low + 1) / 2;
        select e.booked_at
        into strict booked
        from ledger.entries e
        where e.book_id = book
          and e.sequence = middle;
        if booked < instant then
            low := middle;
        else
            high := middle - 1;
        end if;
    end loop;
    return high;
end
$$;
comment on function ledger.last_booked_before(smallint, timestamptz, bigint) is 'Sequence of the last entry booked before an instant, up to the newest that is asked about; zero when there is none, and the newest itself without an instant. Halves the primary key: sequences have no gaps and booking times never run backwards.';

create function ledger.shifted(days daterange) returns setof ledger.entries
language sql
stable
parallel safe
rows 100
as $$
    -- The index alone is to find them, whatever is asked for besides: with figures of a smaller book the planner would
    -- read a whole other index to narrow down a handful of rows. So nothing is asked for inside of the offset.
    select e.*
    from ledger.entries e
    where e.effective_date <> (e.booked_at at time zone 'UTC')::date
      and daterange(
          least(e.effective_date, (e.booked_at at time zone 'UTC')::date),
          greatest(e.effective_date, (e.booked_at at time zone 'UTC')::date),
          '[]'
      ) && days
    offset 0
$$;
comment on function ledger.shifted(daterange) is 'Entries, of all books, that take effect on another day than they were booked on, where the days from the one to the other meet those days.';

create function ledger.crossing(book smallint, base bigint, known bigint, day date, on_day bigint)
returns table (sequence bigint, sign integer)
language sql
stable
parallel safe
rows 10
as $$
    select e.sequence, case when e.sequence <= base then -1 else 1 end
    from ledger.shifted(daterange(day, day, '[]')) e
    where e.book_id = book
      and e.sequence <= known
      and day is not null
      and (e.sequence <= base) <> (e.effective_date < day or e.effective_date = day and e.sequence <= on_day)
$$;
comment on function ledger.crossing(smallint, bigint, bigint, date, bigint) is 'Shifted entries between which a balance at the base and one by effective date differ: those that count and are booked after the base (1), those that do not and are booked before it (-1). An entry counts when it is known and took effect before the day, or on it with a sequence up to on_day.';

create function ledger.balance_at(book smallint, number bigint, base bigint, known bigint, day date, on_day bigint)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
    running bigint;
    correction numeric;
begin
    select p.balance_minor
    into running
    from ledger.postings p
    where p.book_id = book
      and p.account = number
      and p.sequence <= base
    order by p.sequence desc, p.ordinal desc
    limit 1;
    if day is not null then
        select sum(c.sign * moved.minor)
        into correction
        from ledger.crossing(book, base, known, day, on_day) c
        cross join lateral (
            select sum(p.amount_minor) as minor
            from ledger.postings p
            where p.book_id = book
              and p.account = number
              and p.sequence = c.sequence
        ) moved;
    end if;
    return coalesce(running, 0) + coalesce(correction, 0);
end
$$;
comment on function ledger.balance_at(smallint, bigint, bigint, bigint, date, bigint) is 'Balance of an account, debits positive: the running one at the base, corrected by the entries that cross the day when there is one. Costs one look into an index, and one more for each entry that crosses.';

revoke execute on function ledger.last_booked_before(smallint, timestamptz, bigint),
    ledger.shifted(daterange),
    ledger.crossing(smallint, bigint, bigint, date, bigint),
    ledger.balance_at(smallint, bigint, bigint, bigint, date, bigint) from public;
grant execute on function ledger.last_booked_before(smallint, timestamptz, bigint),
    ledger.shifted(daterange),
    ledger.crossing(smallint, bigint, bigint, date, bigint),
    ledger.balance_at(smallint, bigint, bigint, bigint, date, bigint) to teranga_server, teranga_reader;
