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
