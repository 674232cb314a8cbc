-- A case shows the name for which it was opened, beside the one that its subject has now.

alter table onboarding.screening_cases add column sealed_name bytea;
comment on column onboarding.screening_cases.sealed_name is
    'The subject''s name when the case was opened; empty in cases of before, and once it is erased.';
