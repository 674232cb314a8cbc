//! What a release changes: the milestone, the order to pay, and with the first and the last one the project.

use ledger::{Effect, EffectKind};
use serde::Serialize;
use uuid::Uuid;

use crate::Error;

/// Approvals are only ever added, so counting them without a lock can refuse too early but never allow too much.
static RELEASED: EffectKind = EffectKind {
    name: "milestone-released",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'entry')::uuid as entry,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'milestone')::uuid as milestone,
                (r->'payload'->>'project')::uuid as project,
                (r->'payload'->>'disbursement')::uuid as disbursement,
                (r->'payload'->>'amount_minor')::int8 as amount_minor,
                (r->'payload'->>'approvals_needed')::int8 as approvals_needed
            from jsonb_array_elements($1::jsonb) r
        ), locked as (
            select p.project_id, p.institution, p.state
            from coinvestment.projects p
            where p.project_id = any (array(select project from input))
              and p.state in ('funded', 'in-progress')
            order by p.project_id
            for update of p
        ), changed as (
            update coinvestment.milestones m
            set state = 'released',
                release_entry = input.entry,
                released_at = input.booked_at
            from input
            join locked on locked.project_id = input.project
            where m.milestone_id = input.milestone
              and m.project_id = input.project
              and m.state = 'reported'
              and m.amount_minor = input.amount_minor
              and input.approvals_needed <= (
                  select count(*)
                  from coinvestment.approvals a
                  where a.milestone_id = m.milestone_id
              )
            returning input.*, m.currency, locked.institution
        ), ordered as (
            insert into coinvestment.disbursements (disbursement_id, milestone_id, institution, amount_minor, currency,
                state, entry, ordered_at)
            select disbursement, milestone, institution, amount_minor, currency, 'ordered', entry, booked_at
            from changed
        ), advanced as (
            select
                locked.project_id,
                locked.state = 'funded' as begins,
                not exists (
                    select
                    from coinvestment.milestones m
                    where m.project_id = locked.project_id
                      and m.state <> 'released'
                      and m.milestone_id <> all (array(select milestone from changed))
                ) as finishes,
                (array_agg(changed.entry order by changed.unit))[1] as first_entry,
                (array_agg(changed.entry order by changed.unit desc))[1] as last_entry,
                max(changed.booked_at) as booked_at
            from changed
            join locked on locked.project_id = changed.project
            group by locked.project_id, locked.state
        ), project as (
            update coinvestment.projects p
            set state = case when advanced.finishes then 'completed' else 'in-progress' end
            from advanced
            where p.project_id = advanced.project_id
        ), invested as (
            update coinvestment.commitments c
            set state = 'invested'
            from advanced
            where c.project_id = advanced.project_id
              and advanced.begins
              and c.state = 'confirmed'
        ), history as (
            insert into coinvestment.project_history (project_id, state, cause, actor, entry, happened_at)
            select advanced.project_id, step.state, step.cause, 'teranga', step.entry, advanced.booked_at
            from advanced
            cross join lateral (
                values
                    (1, advanced.begins, 'in-progress', 'the first tranche was released', advanced.first_entry),
                    (2, advanced.finishes, 'completed', 'the last tranche was released', advanced.last_entry)
            ) as step (ordinal, happens, state, cause, entry)
            where step.happens
            order by advanced.project_id, step.ordinal
        )
        select unit from changed",
};

#[derive(Serialize)]
pub(super) struct Released {
    pub(super) milestone: Uuid,
    pub(super) project: Uuid,
    pub(super) disbursement: Uuid,
    pub(super) amount_minor: i64,
    pub(super) approvals_needed: usize,
}

pub(super) fn released(payload: &Released) -> Result<Effect, Error> {
    Ok(Effect::try_new(&RELEASED, payload)?)
}
