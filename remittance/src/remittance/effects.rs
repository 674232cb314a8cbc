//! What an entry changes in this room's tables: one set-based statement a kind.
//!
//! Each applies only where the state still fits, writes the history with the entry that caused it, and answers the
//! units for which it did.

use ledger::{Effect, EffectKind};
use serde::Serialize;
use uuid::Uuid;

use super::Handover;
use crate::Error;

static FUNDED: EffectKind = EffectKind {
    name: "remittance-funded",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'remittance')::uuid as remittance,
                (r->'payload'->>'pay_in')::uuid as pay_in,
                (r->'payload'->>'family_minor')::int8 as family_minor,
                (r->'payload'->>'at_mid_minor')::int8 as at_mid_minor,
                (r->'payload'->>'received_minor')::int8 as received_minor,
                r->'payload'->'allocations' as allocations
            from jsonb_array_elements($1::jsonb) r
        ), changed as (
            update remittance.remittances m
            set state = 'funded',
                funded_at = input.booked_at,
                family_minor = input.family_minor,
                at_mid_minor = input.at_mid_minor,
                received_minor = input.received_minor,
                allocations = input.allocations
            from input
            where m.remittance_id = input.remittance
              and m.state = 'awaiting-funds'
            returning input.*
        ), matched as (
            update remittance.pay_ins p
            set state = 'matched',
                reason = null,
                remittance_id = changed.remittance
            from changed
            where p.pay_in_id = changed.pay_in
              and p.state in ('received', 'unmatched')
            returning changed.*
        ), history as (
            insert into remittance.remittance_history (remittance_id, state, cause, actor, entry, happened_at)
            select remittance, 'funded', 'the pay-in arrived', 'pay-in ' || pay_in, entry, booked_at
            from matched
        )
        select unit from matched",
};

static PAID_OUT: EffectKind = EffectKind {
    name: "remittance-paid-out",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'remittance')::uuid as remittance,
                r->'payload'->>'institution' as institution,
                r->'payload'->>'cause' as cause
            from jsonb_array_elements($1::jsonb) r
        ), changed as (
            update remittance.remittances m
            set state = 'paid-out'
            from input
            where m.remittance_id = input.remittance
              and m.institution = input.institution
              and m.state in ('submitted', 'ready-for-pickup')
            returning input.*
        ), history as (
            insert into remittance.remittance_history (remittance_id, state, cause, actor, entry, happened_at)
            select remittance, 'paid-out', cause, institution, entry, booked_at
            from changed
        )
        select unit from changed",
};

static REFUNDED: EffectKind = EffectKind {
    name: "remittance-refunded",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'remittance')::uuid as remittance,
                r->'payload'->>'institution' as institution,
                r->'payload'->>'reason' as reason
            from jsonb_array_elements($1::jsonb) r
        ), changed as (
            update remittance.remittances m
            set state = 'refunded'
            from input
            where m.remittance_id = input.remittance
              and m.institution = input.institution
              and m.state in ('submitted', 'ready-for-pickup')
            returning input.*
        ), history as (
            insert into remittance.remittance_history (remittance_id, state, cause, actor, entry, happened_at)
            select remittance, step.state, step.cause, step.actor, step.entry, booked_at
            from changed
            cross join lateral (
                values
                    (1, 'rejected', reason, institution, null::uuid),
                    (2, 'refunded', 'to the sender''s wallet', 'teranga', changed.entry)
            ) as step (ordinal, state, cause, actor, entry)
            order by remittance, step.ordinal
        )
        select unit from changed",
};

static RETURNED: EffectKind = EffectKind {
    name: "remittance-returned",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'remittance')::uuid as remittance,
                r->'payload'->>'by' as actor
            from jsonb_array_elements($1::jsonb) r
        ), changed as (
            update remittance.remittances m
            set state = 'refunded'
            from input
            where m.remittance_id = input.remittance
              and m.state in ('funded', 'submitted', 'ready-for-pickup')
            returning input.*
        ), history as (
            insert into remittance.remittance_history (remittance_id, state, cause, actor, entry, happened_at)
            select remittance, 'refunded', 'the institution was stopped', actor, entry, booked_at
            from changed
        )
        select unit from changed",
};

static CANCELLED: EffectKind = EffectKind {
    name: "remittance-cancelled",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'remittance')::uuid as remittance,
                (r->'payload'->>'funded_after')::timestamptz as funded_after
            from jsonb_array_elements($1::jsonb) r
        ), changed as (
            update remittance.remittances m
            set state = 'cancelled'
            from input
            where m.remittance_id = input.remittance
              and m.state in ('funded', 'submitted', 'ready-for-pickup')
              and m.funded_at >= input.funded_after
            returning input.*
        ), history as (
            insert into remittance.remittance_history (remittance_id, state, cause, actor, entry, happened_at)
            select remittance, 'cancelled', 'the sender gave it up in time', 'sender', entry, booked_at
            from changed
        )
        select unit from changed",
};

static CREDITED: EffectKind = EffectKind {
    name: "pay-in-credited",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->'payload'->>'remittance')::uuid as remittance,
                (r->'payload'->>'pay_in')::uuid as pay_in
            from jsonb_array_elements($1::jsonb) r
        )
        update remittance.pay_ins p
        set state = 'credited',
            remittance_id = input.remittance
        from input
        where p.pay_in_id = input.pay_in
          and p.state in ('received', 'unmatched')
        returning input.unit",
};

#[derive(Serialize)]
pub(super) struct Funded<'a> {
    pub(super) remittance: Uuid,
    pub(super) pay_in: Uuid,
    pub(super) family_minor: i64,
    pub(super) at_mid_minor: i64,
    pub(super) received_minor: i64,
    pub(super) allocations: &'a [crate::Allocation],
}

pub(super) fn funded(payload: &Funded<'_>) -> Result<Effect, Error> {
    Ok(Effect::try_new(&FUNDED, payload)?)
}

pub(super) fn paid_out(remittance: Uuid, institution: &str, handover: Handover) -> Result<Effect, Error> {
    let cause = match handover {
        Handover::Ahead => "the institution paid".to_owned(),
        Handover::Done(at) => format!("the institution paid at {}, as it says", at.format("%Y-%m-%dT%H:%M:%SZ")),
    };
    let payload = serde_json::json!({ "remittance": remittance, "institution": institution, "cause": cause });
    Ok(Effect::try_new(&PAID_OUT, &payload)?)
}

pub(super) fn refunded(remittance: Uuid, institution: &str, reason: &str) -> Result<Effect, Error> {
    let payload = serde_json::json!({ "remittance": remittance, "institution": institution, "reason": reason });
    Ok(Effect::try_new(&REFUNDED, &payload)?)
}

pub(super) fn returned(remittance: Uuid, by: &str) -> Result<Effect, Error> {
    let payload = serde_json::json!({ "remittance": remittance, "by": by });
    Ok(Effect::try_new(&RETURNED, &payload)?)
}

pub(super) fn cancelled(remittance: Uuid, funded_after: chrono::DateTime<chrono::Utc>) -> Result<Effect, Error> {
    let payload = serde_json::json!({ "remittance": remittance, "funded_after": funded_after });
    Ok(Effect::try_new(&CANCELLED, &payload)?)
}

pub(crate) fn pay_in_credited(remittance: Uuid, pay_in: Uuid) -> Result<Effect, Error> {
    let payload = serde_json::json!({ "remittance": remittance, "pay_in": pay_in });
    Ok(Effect::try_new(&CREDITED, &payload)?)
}
