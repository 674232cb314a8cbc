-- Units of projects: what is kept beside currencies, registered once for all books.

create table ledger.units (
    number integer generated always as identity (start with 100000),
    code text not null,
    name text not null,
    decimals smallint not null,
    subject uuid not null,
    opened_at timestamptz not null,
    constraint units_pkey primary key (number),
    constraint units_code_unique unique (code),
    -- Below are the numbers of ISO 4217; what each process remembers of units stays small.
    constraint units_number_within check (number between 100000 and 199999),
    constraint units_code_in_form check (code ~ '^unit:[a-z][a-z0-9-]{0,17}[a-z0-9]$'),
    constraint units_name_within check (char_length(name) between 1 and 120),
    constraint units_decimals_within check (decimals between 0 and 6)
);
comment on table ledger.units is 'Units of projects. Never changed: entries that move units name the definition in their leaf of the log.';
comment on column ledger.units.number is 'Its number in the columns that are called commodity.';
comment on column ledger.units.code is 'How it is called everywhere else: unit:solar-1.';
comment on column ledger.units.name is 'What people call it; never personal data.';
comment on column ledger.units.decimals is 'Decimals of its smallest part, in which amounts of it are counted.';
comment on column ledger.units.subject is 'The project whose units they are.';

create trigger units_append_only
before update or delete or truncate on ledger.units
for each statement execute function ledger.refuse_change();

grant select on ledger.units to teranga_server, teranga_reader;
grant insert on ledger.units to teranga_server;
