-- What an institution says of a payout that it made before a case was opened stands in that case, too.

alter table onboarding.screening_case_history
    drop constraint screening_case_history_event_known,
    drop constraint screening_case_history_decided_by_somebody;
alter table onboarding.screening_case_history
    add constraint screening_case_history_event_known
        check (event in ('opened', 'noted', 'confirmed-first', 'confirmed', 'cleared')),
    add constraint screening_case_history_decided_by_somebody
        check ((event in ('opened', 'noted')) = (operator_id is null) and (event = 'opened') = (sealed_reason is null));
comment on column onboarding.screening_case_history.sealed_reason is
    'Why an operator decided, or what was noted; empty for what screening itself did.';
