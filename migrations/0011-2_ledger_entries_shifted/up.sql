-- Only shifted entries are in it: one that takes effect on the day it is booked costs nothing here. A range from one day
-- to the other lets a single look find those that a day lies between.
create index concurrently entries_shifted on ledger.entries using gist (
    daterange(
        least(effective_date, (booked_at at time zone 'UTC')::date),
        greatest(effective_date, (booked_at at time zone 'UTC')::date),
        '[]'
    )
)
where effective_date <> (booked_at at time zone 'UTC')::date;
