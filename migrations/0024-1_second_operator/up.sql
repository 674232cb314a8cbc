-- A credential of an institution acts in its name, so it takes two operators like an operator does; and of every
-- credential it is known who made it, who let it in and who took it back.

alter table onboarding.credentials
    add column issued_by uuid,
    add column approved_by uuid,
    add column approved_at timestamptz,
    add column revoked_by uuid;
update onboarding.credentials set approved_at = created_at;
alter table onboarding.credentials
    add constraint credentials_issuer foreign key (issued_by) references onboarding.operators (operator_id),
    add constraint credentials_approver foreign key (approved_by) references onboarding.operators (operator_id),
    add constraint credentials_revoker foreign key (revoked_by) references onboarding.operators (operator_id),
    add constraint credentials_approved_by_another check (approved_by is null or approved_by <> issued_by),
    add constraint credentials_approved_whole check (approved_by is null or approved_at is not null),
    add constraint credentials_revoked_whole check (revoked_by is null or revoked_at is not null);
comment on column onboarding.credentials.issued_by is 'The operator who asked for it; none for the first operator''s, and for those of before.';
comment on column onboarding.credentials.approved_by is 'The second operator, where it took one.';
comment on column onboarding.credentials.approved_at is 'From then on it lets its holder in.';
comment on column onboarding.credentials.revoked_by is 'The operator who took it back.';
create index credentials_by_age on onboarding.credentials (holder_id, created_at, client_id);
drop index onboarding.credentials_by_holder;

grant update (approved_by, approved_at, revoked_by) on onboarding.credentials to teranga_server;
