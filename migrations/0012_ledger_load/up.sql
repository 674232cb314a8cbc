-- Bulk load: which file brought entries into a book, and how far each one came.

create table ledger.loads (
    book_id smallint not null,
    file_sha256 bytea not null,
    source text not null,
    started_at timestamptz not null,
    updated_at timestamptz not null,
    finished_at timestamptz,
    reached_byte bigint not null default 0,
    reached_line bigint not null default 1,
    booked bigint not null default 0,
    refused bigint not null default 0,
    constraint loads_pkey primary key (book_id, file_sha256),
    constraint loads_file_is_sha256 check (length(file_sha256) = 32),
    constraint loads_reached_within check (reached_byte >= 0 and reached_line >= 1),
    constraint loads_counts_not_negative check (booked >= 0 and refused >= 0)
);
create index loads_by_source on ledger.loads (book_id, source, started_at);
comment on table ledger.loads is 'Files that were loaded in bulk. What keeps an entry from being booked twice is its key; this only lets a run that was cut off go on where it was.';
comment on column ledger.loads.file_sha256 is 'SHA-256 of the file: the same file is not loaded under two sources.';
comment on column ledger.loads.source is 'The name that keys of entries without one of their own are derived from.';
comment on column ledger.loads.finished_at is 'When the end of the file was reached; null while a run is under way or was cut off.';
comment on column ledger.loads.reached_byte is 'Everything before this place of the file is answered: booked or refused.';
comment on column ledger.loads.reached_line is 'The line at that place, counted from 1.';
comment on column ledger.loads.booked is 'Entries before that place that are in the book, by this run or an earlier one.';
comment on column ledger.loads.refused is 'Entries before that place that were refused.';

grant select on ledger.loads to teranga_server, teranga_reader;
grant insert, update on ledger.loads to teranga_server;
