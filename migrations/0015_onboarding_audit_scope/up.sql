-- What a grant shows: which books, which days, and whether people stand in it by their own ids. Nothing is said of the
-- grants that were made before, so they get what is ordinary: book 1, all days, pseudonyms.

alter table onboarding.audit_grants
    add column books smallint[] not null default array[1],
    add column booked_from date,
    add column booked_through date,
    add column shows_personal_data boolean not null default false,
    add constraint audit_grants_books_named check (
        cardinality(books) between 1 and 100
        and array_position(books, null) is null
        and 1 <= all (books)
    ),
    add constraint audit_grants_days_in_order check (booked_from <= booked_through);
comment on table onboarding.audit_grants is 'What a named auditor may read, until when. A grant stays as it was made; it is revoked by its credential.';
comment on column onboarding.audit_grants.books is 'The books that may be read.';
comment on column onboarding.audit_grants.booked_from is 'Entries booked on that day (UTC) or later may be read, and what the accounts held before it; all when null.';
comment on column onboarding.audit_grants.booked_through is 'Entries booked on that day or before may be read; all when null.';
comment on column onboarding.audit_grants.shows_personal_data is 'Whether people and what belongs to them appear by their own ids, and entries with their metadata.';
create index audit_grants_by_age on onboarding.audit_grants (created_at, grant_id);
