-- Households over two countries, codes that are told from mouth to mouth, recipients without an account, and the
-- protected accounts of minors. Columns named sealed_* hold encrypted personal data.

create table onboarding.households (
    household_id uuid not null,
    sealed_name bytea not null,
    made_by uuid not null,
    made_at timestamptz not null,
    constraint households_pkey primary key (household_id),
    constraint households_maker foreign key (made_by) references onboarding.people (person_id)
);
comment on table onboarding.households is 'A family, wherever its people live.';

create table onboarding.household_members (
    member_id uuid not null,
    household_id uuid not null,
    person_id uuid not null,
    role text not null,
    joined_at timestamptz not null,
    left_at timestamptz,
    constraint household_members_pkey primary key (member_id),
    constraint household_members_household foreign key (household_id) references onboarding.households (household_id),
    constraint household_members_person foreign key (person_id) references onboarding.people (person_id),
    constraint household_members_role_known check (role in ('head', 'member'))
) with (fillfactor = 80);
create unique index household_members_once on onboarding.household_members (household_id, person_id) where left_at is null;
create index household_members_by_person on onboarding.household_members (person_id) where left_at is null;
comment on table onboarding.household_members is 'People of a household who have an account.';

create table onboarding.household_recipients (
    recipient_id uuid not null,
    household_id uuid not null,
    sealed_known_as bytea not null,
    country text not null,
    region text not null,
    added_by uuid not null,
    added_at timestamptz not null,
    sealed_name bytea,
    sealed_birth_date bytea,
    sealed_address bytea,
    document_kind text,
    confirmed_by uuid,
    confirmed_at timestamptz,
    left_at timestamptz,
    constraint household_recipients_pkey primary key (recipient_id),
    constraint household_recipients_household foreign key (household_id)
        references onboarding.households (household_id),
    constraint household_recipients_adder foreign key (added_by) references onboarding.people (person_id),
    constraint household_recipients_institution foreign key (confirmed_by)
        references onboarding.institutions (institution_id),
    constraint household_recipients_country_code check (country ~ '^[A-Z]{2}$'),
    constraint household_recipients_document_known check (document_kind in ('passport', 'national-card',
        'consular-card', 'residence-permit', 'refugee-document', 'voter-card', 'birth-certificate')),
    constraint household_recipients_confirmed_whole check (
        num_nulls(sealed_name, sealed_birth_date, sealed_address, document_kind, confirmed_by, confirmed_at) in (0, 6))
) with (fillfactor = 80);
create index household_recipients_by_household on onboarding.household_recipients (household_id) where left_at is null;
comment on table onboarding.household_recipients is 'People of a household who have no account, and perhaps no mail and no telephone.';
comment on column onboarding.household_recipients.sealed_known_as is 'As the household calls them.';
comment on column onboarding.household_recipients.sealed_name is 'As their document says, read by an agent of the institution.';
comment on column onboarding.household_recipients.document_kind is 'What the agent saw.';

create table onboarding.household_codes (
    code_id uuid not null,
    household_id uuid not null,
    purpose text not null,
    subject_id uuid not null,
    selector text not null,
    secret_index bytea not null,
    tries_left integer not null,
    made_by_kind text not null,
    made_by uuid not null,
    document_kind text,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    withdrawn_at timestamptz,
    constraint household_codes_pkey primary key (code_id),
    constraint household_codes_household foreign key (household_id) references onboarding.households (household_id),
    constraint household_codes_purpose_known check (purpose in ('join', 'confirm', 'hand-over')),
    constraint household_codes_maker_known check (made_by_kind in ('person', 'institution')),
    constraint household_codes_document_known check (document_kind in ('passport', 'national-card', 'consular-card',
        'residence-permit', 'refugee-document', 'voter-card', 'birth-certificate')),
    constraint household_codes_selector_form check (selector ~ '^[0-9A-HJKMNP-TV-Z]{5}$'),
    constraint household_codes_tries_bounded check (tries_left between 0 and 5)
) with (fillfactor = 80);
create unique index household_codes_open on onboarding.household_codes (selector)
    where used_at is null and withdrawn_at is null;
create index household_codes_by_subject on onboarding.household_codes (subject_id);
create index household_codes_used on onboarding.household_codes (selector) where used_at is not null;
create index household_codes_by_household on onboarding.household_codes (household_id, code_id)
    where used_at is null and withdrawn_at is null;
comment on table onboarding.household_codes is 'Codes that are told from mouth to mouth: to join a household, to confirm a recipient, to hand an account over.';
comment on column onboarding.household_codes.subject_id is 'The household, the recipient or the child.';
comment on column onboarding.household_codes.selector is 'The part of the code that finds it; the rest is the secret.';
comment on column onboarding.household_codes.document_kind is 'What an agent saw who made a code to hand an account over.';
comment on column onboarding.household_codes.secret_index is 'A keyed digest of the whole code.';

create table onboarding.household_code_failures (
    holder_kind text not null,
    holder_id uuid not null,
    failures integer not null,
    since timestamptz not null,
    constraint household_code_failures_pkey primary key (holder_kind, holder_id),
    constraint household_code_failures_holder_known check (holder_kind in ('person', 'institution'))
) with (fillfactor = 80);
comment on table onboarding.household_code_failures is 'Wrong codes and wrong names, counted for whoever brings them.';

create table onboarding.children (
    child_id uuid not null,
    household_id uuid not null,
    account_number text not null,
    sealed_name bytea not null,
    sealed_birth_date bytea not null,
    may_be_of_age_from date not null,
    currency text not null,
    limit_minor bigint not null,
    state text not null,
    version bigint not null,
    registered_by uuid not null,
    registered_at timestamptz not null,
    handed_over_to uuid,
    handed_over_at timestamptz,
    constraint children_pkey primary key (child_id),
    constraint children_account_number_once unique (account_number),
    constraint children_household foreign key (household_id) references onboarding.households (household_id),
    constraint children_registrar foreign key (registered_by) references onboarding.people (person_id),
    constraint children_heir foreign key (handed_over_to) references onboarding.people (person_id),
    constraint children_currency_code check (currency ~ '^[A-Z]{3}$'),
    constraint children_limit_positive check (limit_minor > 0),
    constraint children_state_known check (state in ('protected', 'of-age', 'handed-over')),
    constraint children_handed_over_to_somebody check ((state = 'handed-over') = (handed_over_to is not null)
        and (handed_over_to is null) = (handed_over_at is null))
) with (fillfactor = 80);
create index children_by_household on onboarding.children (household_id, child_id);
create index children_to_look_at on onboarding.children (may_be_of_age_from, child_id) where state = 'protected';
comment on table onboarding.children is 'Minors with a protected account: liabilities:savings:{child_id} in the ledger.';
comment on column onboarding.children.account_number is 'What the family calls the account at an institution''s counter. No secret.';
comment on column onboarding.children.may_be_of_age_from is 'The first of January of the year of the eighteenth birthday: the day itself is sealed.';
comment on column onboarding.children.limit_minor is 'Above it two guardians have to agree.';
comment on column onboarding.children.version is 'Counts every change that a decision about the money may rest on; an entry that rests on an older one is refused.';

create table onboarding.child_allowances (
    child_id uuid not null,
    purpose text not null,
    ceiling_minor bigint not null,
    currency text not null,
    institution text,
    constraint child_allowances_pkey primary key (child_id, purpose),
    constraint child_allowances_child foreign key (child_id) references onboarding.children (child_id),
    constraint child_allowances_purpose_known check (purpose in ('school', 'health', 'living')),
    constraint child_allowances_ceiling_positive check (ceiling_minor > 0)
);
comment on table onboarding.child_allowances is 'What a protected account may be spent for, up to how much in any thirty days, and at which institution only.';

create table onboarding.guardians (
    guardian_id uuid not null,
    child_id uuid not null,
    person_id uuid not null,
    state text not null,
    consent text not null,
    named_by uuid not null,
    named_at timestamptz not null,
    accepted_at timestamptz,
    consent_by_guardian uuid,
    consent_by_operator uuid,
    consented_at timestamptz,
    ended_at timestamptz,
    constraint guardians_pkey primary key (guardian_id),
    constraint guardians_child foreign key (child_id) references onboarding.children (child_id),
    constraint guardians_person foreign key (person_id) references onboarding.people (person_id),
    constraint guardians_namer foreign key (named_by) references onboarding.people (person_id),
    constraint guardians_consenting_guardian foreign key (consent_by_guardian) references onboarding.people (person_id),
    constraint guardians_consenting_operator foreign key (consent_by_operator)
        references onboarding.operators (operator_id),
    constraint guardians_state_known check (state in ('named', 'active', 'declined', 'stepped-down')),
    constraint guardians_consent_known check (consent in ('not-needed', 'waiting', 'given')),
    constraint guardians_consent_by_one check (num_nonnulls(consent_by_guardian, consent_by_operator)
        = case consent when 'given' then 1 else 0 end),
    constraint guardians_active_when_agreed check (state <> 'active'
        or (accepted_at is not null and consent <> 'waiting')),
    constraint guardians_not_by_themselves check (consent_by_guardian <> person_id and consent_by_guardian <> named_by)
) with (fillfactor = 80);
create unique index guardians_once on onboarding.guardians (child_id, person_id) where state in ('named', 'active');
create index guardians_by_person on onboarding.guardians (person_id) where state in ('named', 'active');
create index guardians_that_wait on onboarding.guardians (guardian_id) where state = 'named' and consent = 'waiting';
comment on table onboarding.guardians is 'Who may spend for a child: each accepted it, and who came later was agreed to by the other guardian or an operator.';

create table onboarding.child_deposits (
    deposit_id uuid not null,
    child_id uuid not null,
    person_id uuid not null,
    amount_minor bigint not null,
    currency text not null,
    entry uuid not null,
    deposited_at timestamptz not null,
    constraint child_deposits_pkey primary key (deposit_id),
    constraint child_deposits_child foreign key (child_id) references onboarding.children (child_id),
    constraint child_deposits_person foreign key (person_id) references onboarding.people (person_id),
    constraint child_deposits_amount_positive check (amount_minor > 0)
);
create index child_deposits_by_child on onboarding.child_deposits (child_id, deposit_id);
comment on table onboarding.child_deposits is 'What people put into protected accounts out of their wallets.';

create table onboarding.child_spendings (
    spending_id uuid not null,
    child_id uuid not null,
    purpose text not null,
    amount_minor bigint not null,
    currency text not null,
    institution text not null,
    sealed_note bytea not null,
    requested_by uuid not null,
    requested_at timestamptz not null,
    state text not null,
    approved_by uuid,
    entry uuid,
    ordered_at timestamptz,
    answered_by uuid,
    answered_at timestamptz,
    reference text,
    sealed_reason bytea,
    returned_entry uuid,
    constraint child_spendings_pkey primary key (spending_id),
    constraint child_spendings_child foreign key (child_id) references onboarding.children (child_id),
    constraint child_spendings_requester foreign key (requested_by) references onboarding.people (person_id),
    constraint child_spendings_approver foreign key (approved_by) references onboarding.people (person_id),
    constraint child_spendings_purpose_known check (purpose in ('school', 'health', 'living')),
    constraint child_spendings_amount_positive check (amount_minor > 0),
    constraint child_spendings_state_known check (state in ('requested', 'ordered', 'paid', 'declined', 'refused',
        'cancelled')),
    constraint child_spendings_two_people check (approved_by <> requested_by),
    constraint child_spendings_ordered_by_entry check ((state in ('ordered', 'paid', 'declined')) = (entry is not null)
        and (entry is null) = (ordered_at is null)),
    constraint child_spendings_paid_with_reference check ((state = 'paid') = (reference is not null)),
    constraint child_spendings_returned_by_entry check ((state = 'declined') = (returned_entry is not null))
) with (fillfactor = 80);
create index child_spendings_by_child on onboarding.child_spendings (child_id, requested_at, spending_id);
create index child_spendings_by_institution on onboarding.child_spendings (institution, ordered_at, spending_id)
    where entry is not null;
comment on table onboarding.child_spendings is 'What guardians ask for out of a protected account, always to be paid by an institution.';
comment on column onboarding.child_spendings.institution is 'The code of the institution that pays, and that we owe from the order on.';
comment on column onboarding.child_spendings.answered_by is 'The guardian who refused or cancelled; empty for the institution''s answer and for the coming of age.';

grant select, insert
    on onboarding.households, onboarding.household_members, onboarding.household_recipients, onboarding.household_codes,
        onboarding.household_code_failures, onboarding.children, onboarding.child_allowances, onboarding.guardians,
        onboarding.child_deposits, onboarding.child_spendings
    to teranga_server;
grant update (sealed_name) on onboarding.households to teranga_server;
grant update (role, left_at) on onboarding.household_members to teranga_server;
grant update (sealed_name, sealed_birth_date, sealed_address, document_kind, confirmed_by, confirmed_at, left_at)
    on onboarding.household_recipients to teranga_server;
grant update (tries_left, used_at, withdrawn_at) on onboarding.household_codes to teranga_server;
grant update (failures, since) on onboarding.household_code_failures to teranga_server;
grant update (state, version, handed_over_to, handed_over_at) on onboarding.children to teranga_server;
grant update (state, consent, accepted_at, consent_by_guardian, consent_by_operator, consented_at, ended_at)
    on onboarding.guardians to teranga_server;
grant update (state, approved_by, entry, ordered_at, answered_by, answered_at, reference, sealed_reason, returned_entry)
    on onboarding.child_spendings to teranga_server;
