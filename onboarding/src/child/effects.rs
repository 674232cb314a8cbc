//! What an entry changes around a protected account: one set-based statement a kind.
//!
//! Each first takes the child's row at the version that the decision rests on and raises it; so of two decisions that
//! rest on the same version one is booked, in this batch or any other. Whatever else has to hold of the spending, the
//! code or the state stands in the same condition, and cannot have changed as long as the version stands.

use chrono::{DateTime, Utc};
use ledger::{Effect, EffectKind};
use serde::Serialize;
use uuid::Uuid;

use crate::Error;

/// Deposits rest on nothing but that the account is protected: any number of them are booked together.
static DEPOSITED: EffectKind = EffectKind {
    name: "child-deposited",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'deposit')::uuid as deposit,
                (r->'payload'->>'child')::uuid as child,
                (r->'payload'->>'person')::uuid as person,
                (r->'payload'->>'amount_minor')::int8 as amount_minor,
                r->'payload'->>'currency' as currency,
                (r->'payload'->>'protected_until')::timestamptz as protected_until
            from jsonb_array_elements($1::jsonb) r
        ), taken as (
            update onboarding.children c
            set version = c.version + 1
            where c.child_id = any (array(select child from input where booked_at < protected_until))
              and c.state = 'protected'
            returning c.child_id
        ), kept as (
            insert into onboarding.child_deposits (deposit_id, child_id, person_id, amount_minor, currency, entry,
                deposited_at)
            select input.deposit, input.child, input.person, input.amount_minor, input.currency, input.entry,
                input.booked_at
            from input
            join taken on taken.child_id = input.child
            on conflict do nothing
            returning deposit_id
        )
        select input.unit
        from kept
        join input on input.deposit = kept.deposit_id",
};

static ORDERED: EffectKind = EffectKind {
    name: "child-spending-ordered",
    statement: "with input as (
            select distinct on ((r->'payload'->>'child')::uuid)
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'child')::uuid as child,
                (r->'payload'->>'version')::int8 as version,
                (r->'payload'->>'protected_until')::timestamptz as protected_until,
                (r->'payload'->>'spending')::uuid as spending,
                r->'payload'->>'purpose' as purpose,
                (r->'payload'->>'amount_minor')::int8 as amount_minor,
                r->'payload'->>'currency' as currency,
                r->'payload'->>'institution' as institution,
                decode(r->'payload'->>'sealed_note', 'hex') as sealed_note,
                (r->'payload'->>'requested_by')::uuid as requested_by,
                (r->'payload'->>'requested_at')::timestamptz as requested_at,
                (r->'payload'->>'approved_by')::uuid as approved_by
            from jsonb_array_elements($1::jsonb) r
            order by (r->'payload'->>'child')::uuid, (r->>'unit')::int4
        ), taken as (
            update onboarding.children c
            set version = c.version + 1
            from input
            where c.child_id = input.child
              and c.version = input.version
              and c.state = 'protected'
              and input.booked_at < input.protected_until
              and not exists (
                  select
                  from onboarding.child_spendings s
                  where s.spending_id = input.spending
                    and s.state <> 'requested'
              )
            returning input.*
        ), kept as (
            insert into onboarding.child_spendings as s (spending_id, child_id, purpose, amount_minor, currency,
                institution, sealed_note, requested_by, requested_at, state, approved_by, entry, ordered_at)
            select spending, child, purpose, amount_minor, currency, institution, sealed_note, requested_by,
                requested_at, 'ordered', approved_by, entry, booked_at
            from taken
            on conflict (spending_id) do update
            set state = 'ordered',
                approved_by = excluded.approved_by,
                entry = excluded.entry,
                ordered_at = excluded.ordered_at
            where s.state = 'requested'
        )
        select unit from taken",
};

static RETURNED: EffectKind = EffectKind {
    name: "child-spending-returned",
    statement: "with input as (
            select distinct on ((r->'payload'->>'child')::uuid)
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'child')::uuid as child,
                (r->'payload'->>'version')::int8 as version,
                (r->'payload'->>'spending')::uuid as spending,
                decode(r->'payload'->>'sealed_reason', 'hex') as sealed_reason
            from jsonb_array_elements($1::jsonb) r
            order by (r->'payload'->>'child')::uuid, (r->>'unit')::int4
        ), taken as (
            update onboarding.children c
            set version = c.version + 1
            from input
            where c.child_id = input.child
              and c.version = input.version
              and exists (
                  select
                  from onboarding.child_spendings s
                  where s.spending_id = input.spending
                    and s.state = 'ordered'
              )
            returning input.*
        ), kept as (
            update onboarding.child_spendings s
            set state = 'declined',
                answered_at = taken.booked_at,
                sealed_reason = taken.sealed_reason,
                returned_entry = taken.entry
            from taken
            where s.spending_id = taken.spending
        )
        select unit from taken",
};

static HANDED_OVER: EffectKind = EffectKind {
    name: "child-handed-over",
    statement: "with input as (
            select distinct on ((r->'payload'->>'child')::uuid)
                (r->>'unit')::int4 as unit,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'child')::uuid as child,
                (r->'payload'->>'version')::int8 as version,
                (r->'payload'->>'person')::uuid as person,
                (r->'payload'->>'code')::uuid as code
            from jsonb_array_elements($1::jsonb) r
            order by (r->'payload'->>'child')::uuid, (r->>'unit')::int4
        ), taken as (
            update onboarding.children c
            set version = c.version + 1,
                state = 'handed-over',
                handed_over_to = input.person,
                handed_over_at = input.booked_at
            from input
            where c.child_id = input.child
              and c.version = input.version
              and c.state in ('protected', 'of-age')
            returning input.*
        ), used as (
            update onboarding.household_codes k
            set used_at = taken.booked_at
            from taken
            where k.code_id = taken.code
              and k.used_at is null
        ), ended as (
            update onboarding.child_spendings s
            set state = 'cancelled',
                answered_at = taken.booked_at
            from taken
            where s.child_id = taken.child
              and s.state = 'requested'
        )
        select unit from taken",
};

#[derive(Serialize)]
pub(super) struct Deposited<'a> {
    pub(super) deposit: Uuid,
    pub(super) child: Uuid,
    pub(super) person: Uuid,
    pub(super) amount_minor: i64,
    pub(super) currency: &'a str,
    pub(super) protected_until: DateTime<Utc>,
}

#[derive(Serialize)]
pub(super) struct Ordered<'a> {
    pub(super) child: Uuid,
    pub(super) version: i64,
    pub(super) protected_until: DateTime<Utc>,
    pub(super) spending: Uuid,
    pub(super) purpose: &'a str,
    pub(super) amount_minor: i64,
    pub(super) currency: &'a str,
    pub(super) institution: &'a str,
    /// In hexadecimal.
    pub(super) sealed_note: String,
    pub(super) requested_by: Uuid,
    pub(super) requested_at: DateTime<Utc>,
    pub(super) approved_by: Option<Uuid>,
}

#[derive(Serialize)]
pub(super) struct Returned {
    pub(super) child: Uuid,
    pub(super) version: i64,
    pub(super) spending: Uuid,
    /// In hexadecimal.
    pub(super) sealed_reason: String,
}

#[derive(Serialize)]
pub(super) struct HandedOver {
    pub(super) child: Uuid,
    pub(super) version: i64,
    pub(super) person: Uuid,
    pub(super) code: Option<Uuid>,
}

fn effect(kind: &'static EffectKind, payload: &impl Serialize) -> Result<Effect, Error> {
    Effect::try_new(kind, payload).map_err(|_| Error::Corrupt("what an entry causes"))
}

pub(super) fn deposited(payload: &Deposited<'_>) -> Result<Effect, Error> {
    effect(&DEPOSITED, payload)
}

pub(super) fn ordered(payload: &Ordered<'_>) -> Result<Effect, Error> {
    effect(&ORDERED, payload)
}

pub(super) fn returned(payload: &Returned) -> Result<Effect, Error> {
    effect(&RETURNED, payload)
}

pub(super) fn handed_over(payload: &HandedOver) -> Result<Effect, Error> {
    effect(&HANDED_OVER, payload)
}
