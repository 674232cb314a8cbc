-- Who lets in further members of staff, and who sends them away.

alter table onboarding.operators
    add column made_by uuid,
    add column approved_by uuid,
    add column approved_at timestamptz,
    add column revoked_by uuid,
    add column revoked_at timestamptz;
update onboarding.operators set approved_at = created_at;
alter table onboarding.operators
    add constraint operators_approved_by_another check (approved_by is null or approved_by <> made_by),
    add constraint operators_revoked_whole check ((revoked_by is null) or (revoked_at is not null));
comment on column onboarding.operators.made_by is 'The operator who asked for this one; none for the first, or one that was made on the machine itself.';
comment on column onboarding.operators.approved_by is 'The second operator who let this one in; none for the first two, or one that was made on the machine itself.';
comment on column onboarding.operators.approved_at is 'From then on this one is let in.';
comment on column onboarding.operators.revoked_at is 'From then on this one is let in no more.';

grant update (approved_by, approved_at, revoked_by, revoked_at) on onboarding.operators to teranga_server;
