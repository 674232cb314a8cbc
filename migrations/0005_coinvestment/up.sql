-- Co-investment: projects, what is committed to them, their milestones and what is ordered to be paid out.
-- Amounts are in minor units of the currency column beside them; sealed_* columns hold encrypted personal data.

create schema coinvestment;

create table coinvestment.projects (
    project_id uuid not null,
    owner_id uuid not null,
    kind text not null,
    terms text not null,
    title text not null,
    summary text not null,
    institution text not null,
    currency text not null,
    minimum_minor bigint not null,
    maximum_minor bigint not null,
    raised_minor bigint not null default 0,
    deadline timestamptz not null,
    state text not null,
    checklist text[] not null default '{}',
    rejected_because text,
    submitted_at timestamptz not null,
    constraint projects_pkey primary key (project_id),
    constraint projects_kind_known check (kind in ('community', 'business')),
    constraint projects_terms_known check (terms in ('gift')),
    constraint projects_state_known check (state in ('submitted', 'vetted', 'rejected', 'open', 'funded', 'failed',
        'in-progress', 'completed')),
    constraint projects_currency_code check (currency ~ '^[A-Z]{3}$'),
    constraint projects_amounts_in_order check (0 < minimum_minor and minimum_minor <= maximum_minor),
    constraint projects_raised_in_bounds check (raised_minor between 0 and maximum_minor),
    constraint projects_rejected_with_reason check ((state = 'rejected') = (rejected_because is not null))
) with (fillfactor = 80);
create index projects_by_owner on coinvestment.projects (owner_id, submitted_at);
create index projects_by_institution on coinvestment.projects (institution, submitted_at);
create index projects_open on coinvestment.projects (deadline) where state = 'open';
create index projects_to_refund on coinvestment.projects (project_id) where state = 'failed' and raised_minor > 0;
comment on table coinvestment.projects is 'What people put money together for. Title and summary are public.';
comment on column coinvestment.projects.institution is 'The code of the institution that vets the project and pays its suppliers.';
comment on column coinvestment.projects.raised_minor is 'The sum of the commitments that are held, confirmed or invested.';
comment on column coinvestment.projects.checklist is 'What the institution confirmed when it vetted the project.';

create table coinvestment.project_history (
    project_id uuid not null,
    ordinal bigint generated always as identity,
    state text not null,
    cause text not null,
    actor text not null,
    entry uuid,
    happened_at timestamptz not null,
    constraint project_history_pkey primary key (project_id, ordinal),
    constraint project_history_project foreign key (project_id) references coinvestment.projects (project_id)
);
comment on table coinvestment.project_history is 'Every state that a project came into, why and by whom.';
comment on column coinvestment.project_history.entry is 'The ledger entry that caused it, where money moved.';

create table coinvestment.commitments (
    commitment_id uuid not null,
    project_id uuid not null,
    contributor_id uuid not null,
    remittance_id uuid not null,
    amount_minor bigint not null,
    currency text not null,
    state text not null,
    entry uuid not null,
    committed_at timestamptz not null,
    returned_entry uuid,
    returned_at timestamptz,
    constraint commitments_pkey primary key (commitment_id),
    constraint commitments_remittance_once unique (remittance_id, project_id),
    constraint commitments_project foreign key (project_id) references coinvestment.projects (project_id),
    constraint commitments_amount_positive check (amount_minor > 0),
    constraint commitments_currency_code check (currency ~ '^[A-Z]{3}$'),
    constraint commitments_state_known check (state in ('held', 'confirmed', 'invested', 'refunded', 'withdrawn')),
    constraint commitments_returned_by_entry check ((state in ('refunded', 'withdrawn')) = (returned_entry is not null)),
    constraint commitments_returned_at_a_time check ((returned_entry is null) = (returned_at is null))
) with (fillfactor = 80);
create index commitments_by_project on coinvestment.commitments (project_id, state);
create index commitments_by_contributor on coinvestment.commitments (contributor_id, committed_at);
comment on table coinvestment.commitments is 'What people put into projects, each as a part of a remittance.';
comment on column coinvestment.commitments.entry is 'The ledger entry that brought the money into escrow.';
comment on column coinvestment.commitments.returned_entry is 'The ledger entry that gave the money back.';

create table coinvestment.milestones (
    milestone_id uuid not null,
    project_id uuid not null,
    ordinal integer not null,
    title text not null,
    share_basis_points integer not null,
    sealed_supplier bytea not null,
    amount_minor bigint,
    currency text not null,
    state text not null,
    sealed_evidence bytea,
    reported_at timestamptz,
    release_entry uuid,
    released_at timestamptz,
    constraint milestones_pkey primary key (milestone_id),
    constraint milestones_ordinal_once unique (project_id, ordinal),
    constraint milestones_project foreign key (project_id) references coinvestment.projects (project_id),
    constraint milestones_share_in_bounds check (share_basis_points between 1 and 10000),
    constraint milestones_amount_positive check (amount_minor > 0),
    constraint milestones_currency_code check (currency ~ '^[A-Z]{3}$'),
    constraint milestones_state_known check (state in ('planned', 'reported', 'released')),
    constraint milestones_reported_with_evidence check (state = 'planned' or (sealed_evidence is not null
        and reported_at is not null and amount_minor is not null)),
    constraint milestones_released_by_entry check ((state = 'released') = (release_entry is not null)),
    constraint milestones_released_at_a_time check ((release_entry is null) = (released_at is null))
);
create index milestones_reported on coinvestment.milestones (milestone_id) where state = 'reported';
comment on table coinvestment.milestones is 'The steps of a project, each with its share of the money.';
comment on column coinvestment.milestones.amount_minor is 'Fixed when the campaign is funded: the share of what was raised.';

create table coinvestment.approvals (
    milestone_id uuid not null,
    party_kind text not null,
    party text not null,
    approved_at timestamptz not null,
    constraint approvals_pkey primary key (milestone_id, party_kind),
    constraint approvals_milestone foreign key (milestone_id) references coinvestment.milestones (milestone_id),
    constraint approvals_party_kind_known check (party_kind in ('institution', 'operator'))
);
comment on table coinvestment.approvals is 'Who agreed that a reported milestone was reached; one of each kind of party counts.';

create table coinvestment.disbursements (
    disbursement_id uuid not null,
    milestone_id uuid not null,
    institution text not null,
    amount_minor bigint not null,
    currency text not null,
    state text not null,
    entry uuid not null,
    ordered_at timestamptz not null,
    reference text,
    paid_at timestamptz,
    constraint disbursements_pkey primary key (disbursement_id),
    constraint disbursements_milestone_once unique (milestone_id),
    constraint disbursements_milestone foreign key (milestone_id) references coinvestment.milestones (milestone_id),
    constraint disbursements_amount_positive check (amount_minor > 0),
    constraint disbursements_currency_code check (currency ~ '^[A-Z]{3}$'),
    constraint disbursements_state_known check (state in ('ordered', 'paid')),
    constraint disbursements_paid_with_reference check ((state = 'paid') = (reference is not null and paid_at is not null))
);
create index disbursements_by_institution on coinvestment.disbursements (institution, ordered_at);
comment on table coinvestment.disbursements is 'What an institution is ordered to pay to a supplier.';
comment on column coinvestment.disbursements.reference is 'The name that the institution gave to its payment.';

grant usage on schema coinvestment to teranga_server;
grant select, insert on all tables in schema coinvestment to teranga_server;
grant update (state, raised_minor, checklist, rejected_because) on coinvestment.projects to teranga_server;
grant update (state, returned_entry, returned_at) on coinvestment.commitments to teranga_server;
grant update (state, amount_minor, sealed_evidence, reported_at, release_entry, released_at)
    on coinvestment.milestones to teranga_server;
grant update (state, reference, paid_at) on coinvestment.disbursements to teranga_server;
