//! What an entry changes in the commitments: one set-based statement a kind.
//!
//! Each locks the projects first, in one order, and applies only where their state still fits as it is under that
//! lock; it answers one row for each change that it made.

use ledger::{Effect, EffectKind};
use serde::Serialize;
use uuid::Uuid;

use crate::Error;

/// Takes the commitments of a batch in the order of its units, each if it fits into what those before it left. One
/// that is too large is passed over and takes no room from those after it; a running sum would let it.
static COMMITTED: EffectKind = EffectKind {
    name: "project-committed",
    statement: "with recursive input as (
            select distinct on ((r->'payload'->>'commitment')::uuid)
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'commitment')::uuid as commitment,
                (r->'payload'->>'project')::uuid as project,
                (r->'payload'->>'contributor')::uuid as contributor,
                (r->'payload'->>'remittance')::uuid as remittance,
                (r->'payload'->>'amount_minor')::int8 as amount_minor,
                r->'payload'->>'currency' as currency
            from jsonb_array_elements($1::jsonb) r
            order by (r->'payload'->>'commitment')::uuid, (r->>'unit')::int4
        ), locked as (
            select p.project_id, p.currency, p.deadline, p.maximum_minor - p.raised_minor as left_minor
            from coinvestment.projects p
            where p.project_id = any (array(select project from input))
              and p.state = 'open'
            order by p.project_id
            for update of p
        ), wanted as (
            select input.*, row_number() over (partition by input.project order by input.unit) as place
            from input
            join locked on locked.project_id = input.project
            where locked.currency = input.currency
              and locked.deadline > input.booked_at
              and not exists (
                  select
                  from coinvestment.commitments c
                  where c.remittance_id = input.remittance
                    and c.project_id = input.project
              )
        ), queues as (
            select wanted.project, locked.left_minor, array_agg(wanted.amount_minor order by wanted.place) as amounts
            from wanted
            join locked on locked.project_id = wanted.project
            group by wanted.project, locked.left_minor
        ), walk as (
            select queues.project, 0::int8 as place, queues.left_minor, false as fits
            from queues
            union all
            select
                queues.project,
                walk.place + 1,
                walk.left_minor - case when next.amount_minor <= walk.left_minor then next.amount_minor else 0 end,
                next.amount_minor <= walk.left_minor
            from walk
            join queues on queues.project = walk.project
            cross join lateral (select queues.amounts[walk.place + 1] as amount_minor) as next
            where walk.place < cardinality(queues.amounts)
        ), placed as (
            insert into coinvestment.commitments (commitment_id, project_id, contributor_id, remittance_id,
                amount_minor, currency, state, entry, committed_at)
            select wanted.commitment, wanted.project, wanted.contributor, wanted.remittance,
                wanted.amount_minor, wanted.currency, 'held', wanted.entry, wanted.booked_at
            from wanted
            join walk on walk.project = wanted.project and walk.place = wanted.place
            where walk.fits
            on conflict do nothing
            returning commitment_id, project_id, amount_minor
        ), raised as (
            update coinvestment.projects p
            set raised_minor = p.raised_minor + added.amount_minor
            from (
                select project_id, sum(amount_minor)::int8 as amount_minor
                from placed
                group by project_id
            ) as added
            where p.project_id = added.project_id
        )
        select input.unit
        from placed
        join input on input.commitment = placed.commitment_id",
};

/// Gives back what is held in a campaign that still runs.
static WITHDRAWN: EffectKind = EffectKind {
    name: "commitment-withdrawn",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'commitment')::uuid as commitment,
                (r->'payload'->>'project')::uuid as project
            from jsonb_array_elements($1::jsonb) r
        ), locked as (
            select p.project_id
            from coinvestment.projects p
            where p.project_id = any (array(select project from input))
              and p.state = 'open'
            order by p.project_id
            for update of p
        ), changed as (
            update coinvestment.commitments c
            set state = 'withdrawn',
                returned_entry = input.entry,
                returned_at = input.booked_at
            from input
            join locked on locked.project_id = input.project
            where c.commitment_id = input.commitment
              and c.project_id = input.project
              and c.state = 'held'
            returning input.unit, c.project_id, c.amount_minor
        ), lowered as (
            update coinvestment.projects p
            set raised_minor = p.raised_minor - gone.amount_minor
            from (
                select project_id, sum(amount_minor)::int8 as amount_minor
                from changed
                group by project_id
            ) as gone
            where p.project_id = gone.project_id
        )
        select unit from changed",
};

/// Gives back what is held in a campaign that failed.
static REFUNDED: EffectKind = EffectKind {
    name: "commitment-refunded",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'commitment')::uuid as commitment,
                (r->'payload'->>'project')::uuid as project
            from jsonb_array_elements($1::jsonb) r
        ), locked as (
            select p.project_id
            from coinvestment.projects p
            where p.project_id = any (array(select project from input))
              and p.state = 'failed'
            order by p.project_id
            for update of p
        ), changed as (
            update coinvestment.commitments c
            set state = 'refunded',
                returned_entry = input.entry,
                returned_at = input.booked_at
            from input
            join locked on locked.project_id = input.project
            where c.commitment_id = input.commitment
              and c.project_id = input.project
              and c.state = 'held'
            returning input.unit, c.project_id, c.amount_minor
        ), lowered as (
            update coinvestment.projects p
            set raised_minor = p.raised_minor - gone.amount_minor
            from (
                select project_id, sum(amount_minor)::int8 as amount_minor
                from changed
                group by project_id
            ) as gone
            where p.project_id = gone.project_id
        )
        select unit from changed",
};

#[derive(Serialize)]
pub(super) struct Committed<'a> {
    pub(super) commitment: Uuid,
    pub(super) project: Uuid,
    pub(super) contributor: Uuid,
    pub(super) remittance: Uuid,
    pub(super) amount_minor: i64,
    pub(super) currency: &'a str,
}

pub(super) fn committed(payload: &Committed<'_>) -> Result<Effect, Error> {
    Ok(Effect::try_new(&COMMITTED, payload)?)
}

pub(super) fn withdrawn(commitment: Uuid, project: Uuid) -> Result<Effect, Error> {
    Ok(Effect::try_new(&WITHDRAWN, &serde_json::json!({ "commitment": commitment, "project": project }))?)
}

pub(super) fn refunded(commitment: Uuid, project: Uuid) -> Result<Effect, Error> {
    Ok(Effect::try_new(&REFUNDED, &serde_json::json!({ "commitment": commitment, "project": project }))?)
}
