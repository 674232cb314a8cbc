-- Remittances: rates, quotes, beneficiaries, remittances and the pay-ins that fund them.
-- Amounts are in minor units of the currency column beside them; sealed_* columns hold encrypted personal data.

create schema remittance;

create table remittance.rates (
    rate_id bigint generated always as identity,
    base text not null,
    counter text not null,
    rate text not null,
    nature text not null,
    set_at timestamptz not null,
    source text not null,
    constraint rates_pkey primary key (rate_id),
    constraint rates_pair_once unique (base, counter, set_at),
    constraint rates_currency_codes check (base ~ '^[A-Z]{3}$' and counter ~ '^[A-Z]{3}$'),
    constraint rates_positive check (rate ~ '^[0-9]+(\.[0-9]+)?$' and rate::numeric > 0),
    constraint rates_nature_known check (nature in ('market', 'pegged'))
);
comment on table remittance.rates is 'Mid rates as they were set; never changed, the newest of a pair counts.';
comment on column remittance.rates.rate is 'Units of counter for one of base, as an exact decimal.';
comment on column remittance.rates.nature is 'pegged: fixed by treaty, so it does not grow stale.';

create table remittance.quotes (
    quote_id uuid not null,
    sender_id uuid not null,
    corridor text not null,
    source_currency text not null,
    target_currency text not null,
    sent_minor bigint not null,
    fee_minor bigint not null,
    family_minor bigint not null,
    at_mid_minor bigint not null,
    received_minor bigint not null,
    mid_rate text not null,
    rate text not null,
    rate_set_at timestamptz not null,
    cost_basis_points integer not null,
    reference_cost_basis_points integer,
    allocations jsonb not null,
    base_minor bigint not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint quotes_pkey primary key (quote_id),
    constraint quotes_currency_codes check (source_currency ~ '^[A-Z]{3}$' and target_currency ~ '^[A-Z]{3}$'),
    constraint quotes_amounts_positive check (sent_minor > 0 and fee_minor >= 0 and family_minor > 0 and received_minor > 0)
);
create index quotes_by_sender on remittance.quotes (sender_id, created_at);
comment on table remittance.quotes is 'Firm offers; nothing in one changes after it is made.';
comment on column remittance.quotes.sent_minor is 'Without the fee.';
comment on column remittance.quotes.family_minor is 'What of sent is converted and paid out; the rest is allocated.';
comment on column remittance.quotes.at_mid_minor is 'family at the mid rate, in the target currency.';
comment on column remittance.quotes.cost_basis_points is 'Fee and margin as a share of sent, in hundredths of a percent.';
comment on column remittance.quotes.reference_cost_basis_points is 'The same for 200 USD or its equal.';
comment on column remittance.quotes.base_minor is 'sent in the base currency, for limits.';

create table remittance.beneficiaries (
    beneficiary_id uuid not null,
    sender_id uuid not null,
    channel text not null,
    institution text not null,
    country text not null,
    sealed_name bytea not null,
    sealed_account bytea,
    created_at timestamptz not null,
    constraint beneficiaries_pkey primary key (beneficiary_id),
    constraint beneficiaries_channel_known check (channel in ('bank-account', 'mobile-wallet', 'cash', 'institution-account')),
    constraint beneficiaries_account_given check ((channel = 'cash') = (sealed_account is null))
);
create index beneficiaries_by_sender on remittance.beneficiaries (sender_id, created_at);
comment on table remittance.beneficiaries is 'Who is paid, where and how.';

create table remittance.remittances (
    remittance_id uuid not null,
    quote_id uuid not null,
    sender_id uuid not null,
    beneficiary_id uuid not null,
    institution text not null,
    corridor text not null,
    reference text not null,
    state text not null,
    source_currency text not null,
    target_currency text not null,
    sent_minor bigint not null,
    fee_minor bigint not null,
    family_minor bigint not null,
    at_mid_minor bigint not null,
    received_minor bigint not null,
    rate text not null,
    mid_rate text not null,
    allocations jsonb not null,
    base_minor bigint not null,
    created_at timestamptz not null,
    pay_by timestamptz not null,
    funded_at timestamptz,
    claim_id uuid,
    constraint remittances_pkey primary key (remittance_id),
    constraint remittances_quote_once unique (quote_id),
    constraint remittances_reference_unique unique (reference),
    constraint remittances_quote foreign key (quote_id) references remittance.quotes (quote_id),
    constraint remittances_beneficiary foreign key (beneficiary_id) references remittance.beneficiaries (beneficiary_id),
    constraint remittances_state_known check (state in ('awaiting-funds', 'funded', 'submitted', 'ready-for-pickup',
        'paid-out', 'expired', 'cancelled', 'rejected', 'refunded', 'recalled')),
    constraint remittances_currency_codes check (source_currency ~ '^[A-Z]{3}$' and target_currency ~ '^[A-Z]{3}$'),
    constraint remittances_amounts_positive check (sent_minor > 0 and fee_minor >= 0 and family_minor > 0 and received_minor > 0)
) with (fillfactor = 80);
create index remittances_by_sender on remittance.remittances (sender_id, created_at, remittance_id);
create index remittances_by_institution on remittance.remittances (institution, created_at, remittance_id);
create index remittances_unpaid on remittance.remittances (pay_by) where state = 'awaiting-funds';
create index remittances_to_submit on remittance.remittances (institution, funded_at) where state = 'funded';
create index remittances_by_claim on remittance.remittances (claim_id) where claim_id is not null;
comment on table remittance.remittances is 'Accepted quotes on their way to a beneficiary.';
comment on column remittance.remittances.reference is 'What the sender writes on the transfer, so that the pay-in finds its remittance.';
comment on column remittance.remittances.claim_id is 'With which request the institution fetched it, so that a repeated request is answered with the same.';
comment on column remittance.remittances.allocations is 'What was placed elsewhere than with the family: project, amount and commitment.';

create table remittance.remittance_history (
    remittance_id uuid not null,
    ordinal bigint generated always as identity,
    state text not null,
    cause text not null,
    actor text not null,
    entry uuid,
    happened_at timestamptz not null,
    constraint remittance_history_pkey primary key (remittance_id, ordinal),
    constraint remittance_history_remittance foreign key (remittance_id) references remittance.remittances (remittance_id)
);
comment on table remittance.remittance_history is 'Every state that a remittance came into, why and by whom.';
comment on column remittance.remittance_history.entry is 'The ledger entry that caused it, where money moved.';

create table remittance.pay_ins (
    pay_in_id uuid not null,
    provider text not null,
    provider_reference text not null,
    amount_minor bigint not null,
    currency text not null,
    value_date date not null,
    sealed_text bytea not null,
    state text not null,
    reason text,
    remittance_id uuid,
    received_at timestamptz not null,
    constraint pay_ins_pkey primary key (pay_in_id),
    constraint pay_ins_provider_reference_once unique (provider, provider_reference),
    constraint pay_ins_amount_positive check (amount_minor > 0),
    constraint pay_ins_currency_code check (currency ~ '^[A-Z]{3}$'),
    constraint pay_ins_state_known check (state in ('received', 'matched', 'unmatched', 'credited')),
    constraint pay_ins_remittance foreign key (remittance_id) references remittance.remittances (remittance_id)
);
create index pay_ins_open on remittance.pay_ins (received_at, pay_in_id) where state in ('received', 'unmatched');
comment on table remittance.pay_ins is 'Money that arrived, matched to a remittance or kept for a person to decide.';
comment on column remittance.pay_ins.sealed_text is 'What the payer wrote: often a name.';

grant usage on schema remittance to teranga_server;
grant select, insert on all tables in schema remittance to teranga_server;
grant update (state, family_minor, at_mid_minor, received_minor, allocations, funded_at, claim_id)
    on remittance.remittances to teranga_server;
grant update (state, reason, remittance_id) on remittance.pay_ins to teranga_server;
