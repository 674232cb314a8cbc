//! What the book must satisfy by itself, whatever the clients were told.

use std::time::{Duration, Instant};

use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tests::Result;

use crate::session::{Session, Who};

/// Recovery takes a transfer up after half a minute, and looks every five seconds.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// Rules, each with a query that answers a line for every breach.
const RULES: &[(&str, &str)] = &[
    (
        "sequences run from 1 to the head without a gap",
        "select format('%s after %s', sequence, previous) as breach
        from (
            select sequence, lag(sequence, 1, 0::int8) over (partition by book_id order by sequence) as previous
            from ledger.entries
        ) as e
        where sequence <> previous + 1
        union all
        select format('the head of book %s is %s of %s entries', b.book_id, b.last_sequence, e.count)
        from ledger.books b
        cross join lateral (select count(*) from ledger.entries where book_id = b.book_id) as e
        where b.last_sequence <> e.count",
    ),
    (
        "every entry balances in each commodity, and each whole book too",
        "select format('entry %s differs by %s', sequence, sum(amount_minor)) as breach
        from ledger.postings
        group by book_id, sequence, commodity
        having sum(amount_minor) <> 0
        union all
        select format('commodity %s of book %s differs by %s', commodity, book_id, sum(balance_minor))
        from ledger.accounts
        group by book_id, commodity
        having sum(balance_minor) <> 0",
    ),
    (
        "every account holds the sum of its postings",
        "select a.code as breach
        from ledger.accounts a
        left join ledger.postings p using (book_id, account)
        group by a.book_id, a.account, a.code, a.balance_minor
        having coalesce(sum(p.amount_minor), 0) <> a.balance_minor",
    ),
    (
        "every entry is about a remittance or a transfer between the books",
        "select format('entry %s of book %s, %s', e.sequence, e.book_id, e.kind) as breach
        from ledger.entries e
        where not exists (select from remittance.remittances m where m.remittance_id = e.subject)
          and not exists (select from ledger.transfers t where t.transfer_id = e.subject)",
    ),
    (
        "a remittance is funded at most once and ended at most once, and only after it was funded",
        "select format('%s: %s funded, %s ended', subject, funded, ended) as breach
        from (
            select
                subject,
                count(*) filter (where kind = 'remittance-funded') as funded,
                count(*) filter (where kind in ('remittance-paid-out', 'remittance-refunded', 'remittance-cancelled'))
                    as ended
            from ledger.entries
            where kind like 'remittance-%'
            group by subject
        ) as e
        where funded <> 1 or ended > 1",
    ),
    (
        "a remittance's state is what its entries say",
        "select format('%s is %s, its entries are %s', m.remittance_id, m.state, e.kinds) as breach
        from remittance.remittances m
        cross join lateral (
            select coalesce(array_agg(replace(kind, 'remittance-', '') order by sequence), '{}') as kinds
            from ledger.entries
            where subject = m.remittance_id
        ) as e
        where not case m.state
            when 'awaiting-funds' then e.kinds = '{}'
            when 'cancelled' then e.kinds in ('{}', '{funded,cancelled}')
            when 'paid-out' then e.kinds = '{funded,paid-out}'
            when 'refunded' then e.kinds = '{funded,refunded}'
            when 'funded' then e.kinds = '{funded}'
            when 'submitted' then e.kinds = '{funded}'
            when 'ready-for-pickup' then e.kinds = '{funded}'
            else false
        end",
    ),
    (
        "a remittance's state is its last step, and it came into each state once",
        "select format('%s is %s, its steps are %s', m.remittance_id, m.state, h.states) as breach
        from remittance.remittances m
        cross join lateral (
            select array_agg(state order by ordinal) as states, count(distinct state) as different
            from remittance.remittance_history
            where remittance_id = m.remittance_id
        ) as h
        where h.states is null
           or h.states[1] <> 'awaiting-funds'
           or h.states[cardinality(h.states)] <> m.state
           or h.different <> cardinality(h.states)",
    ),
    (
        "steps and entries name one another",
        "select format('%s %s', h.remittance_id, h.state) as breach
        from remittance.remittance_history h
        left join ledger.entries e on e.entry_key = h.entry
        where h.entry is not null
          and (e.subject is distinct from h.remittance_id or e.kind <> 'remittance-' || h.state)
        union all
        select format('entry %s has no step', e.sequence)
        from ledger.entries e
        where e.kind like 'remittance-%'
          and not exists (select from remittance.remittance_history h where h.entry = e.entry_key)",
    ),
    (
        "a funded remittance has one matched pay-in of what was to be paid, any other none",
        "select format('%s in state %s has %s', m.remittance_id, m.state, p.amounts) as breach
        from remittance.remittances m
        cross join lateral (
            select coalesce(array_agg(amount_minor), '{}') as amounts
            from remittance.pay_ins
            where remittance_id = m.remittance_id
              and state = 'matched'
              and currency = m.source_currency
        ) as p
        where p.amounts <> case when m.funded_at is null then '{}' else array[m.sent_minor + m.fee_minor] end
        union all
        select format('pay-in %s is %s', pay_in_id, state)
        from remittance.pay_ins
        where not (state = 'matched' and remittance_id is not null or state = 'unmatched' and remittance_id is null)",
    ),
    (
        "each remittance moved exactly what it had to through pay-in, transit, wallet and payables",
        "select format('%s %s: %s, %s, %s, %s', remittance_id, state, paid_in, in_transit, wallet, payables) as breach
        from (
            select
                m.*,
                coalesce(sum(p.amount_minor) filter (where a.code like 'assets:pay-in:%'), 0) as paid_in,
                -coalesce(sum(p.amount_minor) filter (where a.code like 'liabilities:in-transit:%'), 0) as in_transit,
                -coalesce(sum(p.amount_minor) filter (where a.code like 'liabilities:wallets:%'), 0) as wallet,
                -coalesce(sum(p.amount_minor) filter (where a.code like 'liabilities:payables:%'), 0) as payables
            from remittance.remittances m
            left join ledger.entries e on e.subject = m.remittance_id
            left join ledger.postings p using (book_id, sequence)
            left join ledger.accounts a using (book_id, account)
            group by m.remittance_id
        ) as moved
        where paid_in <> case when funded_at is null then 0 else sent_minor + fee_minor end
           or in_transit <> case
               when state in ('funded', 'submitted', 'ready-for-pickup') then family_minor + fee_minor
               else 0
           end
           or wallet <> case
               when state = 'refunded' then family_minor + fee_minor
               when state = 'cancelled' and funded_at is not null then sent_minor + fee_minor
               else 0
           end
           or payables <> case when state = 'paid-out' then received_minor else 0 end",
    ),
    (
        "a project's commitments are what it raised and what its escrow holds",
        "select format('%s: %s committed, %s raised, %s in escrow', project_id, committed, raised, escrow) as breach
        from (
            select
                project_id,
                raised_minor as raised,
                (
                    select coalesce(sum(amount_minor), 0)
                    from coinvestment.commitments c
                    where c.project_id = p.project_id
                      and c.state = 'held'
                ) as committed,
                (
                    select -coalesce(sum(balance_minor), 0)
                    from ledger.accounts
                    where code = 'liabilities:escrow:' || p.project_id
                ) as escrow
            from coinvestment.projects p
        ) as sums
        where committed <> raised or committed <> escrow or committed = 0",
    ),
    (
        "each commitment is held, or withdrawn with its remittance",
        "select format('%s is %s, its remittance is %s', c.commitment_id, c.state, m.state) as breach
        from coinvestment.commitments c
        left join remittance.remittances m using (remittance_id)
        where c.state <> case m.state when 'cancelled' then 'withdrawn' else 'held' end
           or c.amount_minor is distinct from (
               select sum((part->>'minor')::int8)
               from jsonb_array_elements(m.allocations) part
           )",
    ),
    (
        "each transfer is at its end, and its entries in both books are those of its state",
        "select format('%s is %s, its entries are %s', t.transfer_id, t.state, e.legs) as breach
        from ledger.transfers t
        cross join lateral (
            select coalesce(array_agg(book_id || replace(kind, 'transfer-', ' ') order by booked_at, kind), '{}') as legs
            from ledger.entries
            where subject = t.transfer_id
        ) as e
        where not case t.state
            when 'refused' then e.legs = '{}'
            when 'arrived' then
                e.legs @> array[t.from_book || ' departed', t.to_book || ' arrived'] and cardinality(e.legs) = 2
            when 'returned' then
                e.legs @> array[t.from_book || ' departed', t.from_book || ' returned'] and cardinality(e.legs) = 2
            else false
        end",
    ),
    (
        "what one book owes the other claims, and both are what arrived",
        "select format('book %s owes %s, book %s claims %s, %s arrived', f, owed, t, claimed, arrived) as breach
        from (values (1, 2), (2, 1)) as pair (f, t)
        cross join (select distinct commodity from ledger.transfers) as c
        cross join lateral (
            select
                coalesce((
                    select -sum(balance_minor)
                    from ledger.accounts
                    where book_id = f
                      and code = 'liabilities:clearing:book-' || t
                      and commodity = c.commodity
                ), 0) as owed,
                coalesce((
                    select sum(balance_minor)
                    from ledger.accounts
                    where book_id = t
                      and code = 'assets:clearing:book-' || f
                      and commodity = c.commodity
                ), 0) as claimed,
                coalesce((
                    select sum(amount_minor)
                    from ledger.transfers
                    where from_book = f
                      and to_book = t
                      and state = 'arrived'
                      and commodity = c.commodity
                ), 0) as arrived
        ) as sums
        where owed <> claimed or owed <> arrived",
    ),
];

#[derive(diesel::QueryableByName)]
struct Breach {
    #[diesel(sql_type = Text)]
    breach: String,
}

/// Checks all rules as the owner of the tables.
pub async fn check_rules(owner: &mut AsyncPgConnection) -> Result {
    let mut breaches = Vec::new();
    for (rule, query) in RULES {
        let found: Vec<Breach> =
            diesel::sql_query(*query).load(owner).await.map_err(|error| format!("{rule}: {error}"))?;
        breaches.extend(found.into_iter().map(|found| format!("{rule}: {}", found.breach)));
    }
    assert!(breaches.is_empty(), "{} breaches\n{}", breaches.len(), breaches.join("\n"));
    Ok(())
}

/// Waits until recovery has brought every transfer to its end, and checks what the books owe one another.
pub async fn check_positions(session: &Session) -> Result {
    let began = Instant::now();
    loop {
        let positions =
            session.read(Who::Operator, "/operator/book-positions").await?.ok_or("the operator's surface")?;
        let positions = positions.as_array().ok_or("positions are a list")?;
        assert!(positions.iter().all(|position| position["agrees"] == true), "{positions:?}");
        let mut unsettled = 0;
        for book in [1, 2] {
            let path = format!("/operator/book-transfers?from_book={book}&shown=unsettled&limit=100");
            let page = session.read(Who::Operator, &path).await?.ok_or("the operator's surface")?;
            unsettled += page["items"].as_array().ok_or("a page has items")?.len();
        }
        if unsettled == 0 {
            return Ok(());
        }
        if began.elapsed() > SETTLED_WITHIN {
            return Err(format!("{unsettled} transfers between the books are left on their way: {positions:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Checks what an auditor can see: no differences, and a book that can be recomputed.
pub async fn check_by_audit(session: &Session) -> Result {
    let read = async |path: &str| -> Result<serde_json::Value> {
        Ok(session.read(Who::Auditor, path).await?.ok_or("the audit surface does not answer")?)
    };
    let balance = read("/audit/trial-balance").await?;
    let differences = balance["differences"].as_array().ok_or("a trial balance has differences")?;
    assert!(differences.iter().all(|difference| difference["minor"] == "0"), "{differences:?}");
    let verification = read("/audit/verification").await?;
    assert_eq!(verification["holds"], true, "{verification}");
    // The trial balance is of book 1, the verification of both.
    let entries = |of: &serde_json::Value| of.as_i64().ok_or("entries are counted");
    let (verified, of_first) = (entries(&verification["entries"])?, entries(&balance["sequence"])?);
    assert!(verified > of_first && of_first > 0, "{verified} entries are verified, {of_first} of them in book 1");
    let safeguarding = read("/audit/safeguarding").await?;
    assert_eq!(safeguarding["holds"], true, "{safeguarding}");
    Ok(())
}
