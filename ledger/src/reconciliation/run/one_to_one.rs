//! The rules that are one statement over all open items, however many these are.
//!
//! Each counts candidates by grouping or by a window, never by joining all lines with all postings: a thousand lines
//! and a thousand postings of one amount cost a sort, not a million pairs.

use crate::reconciliation::Rule;
use crate::reconciliation::open_items::{OPEN_ITEMS, SHARED};

/// Items that one reference may stand on to make a group.
const MAX_GROUP_ITEMS: u32 = 1_000;

/// The statement of a rule. Its binds are book, account, last match, commodity, run, rule, person, time, days of
/// tolerance, minor units of tolerance.
pub(super) fn statement(rule: Rule) -> Option<String> {
    match rule {
        Rule::ReferenceAndAmount => Some(pairs(&by_reference_and_amount("reference"))),
        Rule::BankReferenceAndAmount => Some(pairs(&by_reference_and_amount("bank_reference"))),
        Rule::ReferenceGroup => Some(reference_groups()),
        Rule::AmountAndDate => Some(pairs(BY_AMOUNT_AND_DATE)),
        Rule::AmountTolerance => Some(pairs(BY_REFERENCE_WITHIN_TOLERANCE)),
        Rule::OneLineManyPostings | Rule::OnePostingManyLines | Rule::ByHand => None,
    }
}

/// `column` is the line's reference that has to be the posting's.
fn by_reference_and_amount(column: &str) -> String {
    format!(
        "select l.item as line, p.item as posting, 0::bigint as difference_minor
        from (
            select {column} as named, amount_minor, min(item) as item
            from open_items
            where is_line
              and {column} is not null
            group by {column}, amount_minor
            having count(*) = 1
        ) l
        join (
            select reference as named, amount_minor, min(item) as item
            from open_items
            where not is_line
              and reference is not null
            group by reference, amount_minor
            having count(*) = 1
        ) p using (named, amount_minor)"
    )
}

/// Where a count is one, the least item is the only one: so each knows its candidate without a join.
const BY_AMOUNT_AND_DATE: &str = "select l.item as line, l.posting, 0::bigint as difference_minor
    from seen l
    join seen p on p.item = l.posting
    where l.is_line
      and l.postings = 1
      and not p.is_line
      and p.lines = 1
      and p.line = l.item";

const BY_REFERENCE_WITHIN_TOLERANCE: &str = "select
        min(item) filter (where is_line) as line,
        min(item) filter (where not is_line) as posting,
        (sum(case when is_line then amount_minor else -amount_minor end))::bigint as difference_minor
    from open_items
    where reference is not null
    group by reference
    having count(*) filter (where is_line) = 1
       and count(*) filter (where not is_line) = 1
       and min(sign(amount_minor)) = max(sign(amount_minor))
       and abs(sum(case when is_line then amount_minor else -amount_minor end)) <= $10";

/// Keeps pairs of a line and a posting as matches.
fn pairs(select: &str) -> String {
    format!(
        "{OPEN_ITEMS},
        {SHARED},
        seen as materialized (
            select item, is_line,
                count(*) filter (where is_line) over near as lines,
                min(item) filter (where is_line) over near as line,
                count(*) filter (where not is_line) over near as postings,
                min(item) filter (where not is_line) over near as posting
            from open_items o
            where not exists (select 1 from shared s where s.reference = o.reference)
            window near as (
                partition by amount_minor
                order by occurs_on - date '2000-01-01'
                range between $9 preceding and $9 following
            )
        ),
        pairs as materialized ({select}),
        numbered as materialized (
            select line, posting, difference_minor, $3 + row_number() over (order by line) as match_number
            from pairs
        ),
        kept as (
            insert into ledger.reconciliation_matches
                (book_id, commodity, account, match_number, difference_minor, run, lines, postings, rule, matched_by,
                 matched_at)
            select $1, $4, $2, match_number, difference_minor, $5, 1, 1, $6, $7, $8
            from numbered
        ),
        marked as (
            update ledger.reconciliation_items i
            set match_number = m.match_number
            from (
                select match_number, line as item from numbered
                union all
                select match_number, posting from numbered
            ) m
            where i.book_id = $1
              and i.account = $2
              and i.match_number is null
              and i.item = m.item
        )
        select count(*) as count from numbered where $9 >= 0 and $10 >= 0"
    )
}

fn reference_groups() -> String {
    format!(
        "{OPEN_ITEMS},
        numbered as materialized (
            select reference, lines, postings, $3 + row_number() over (order by first_item) as match_number
            from (
                select reference, min(item) as first_item,
                    count(*) filter (where is_line) as lines,
                    count(*) filter (where not is_line) as postings
                from open_items
                where reference is not null
                group by reference
                having bool_or(is_line)
                   and bool_or(not is_line)
                   and count(*) <= {MAX_GROUP_ITEMS}
                   and sum(case when is_line then amount_minor else -amount_minor end) = 0
            ) fitting
        ),
        kept as (
            insert into ledger.reconciliation_matches
                (book_id, commodity, account, match_number, difference_minor, run, lines, postings, rule, matched_by,
                 matched_at)
            select $1, $4, $2, match_number, 0, $5, lines, postings, $6, $7, $8
            from numbered
        ),
        marked as (
            update ledger.reconciliation_items i
            set match_number = m.match_number
            from (
                select n.match_number, o.item
                from numbered n
                join open_items o using (reference)
            ) m
            where i.book_id = $1
              and i.account = $2
              and i.match_number is null
              and i.item = m.item
        )
        select count(*) as count from numbered where $9 >= 0 and $10 >= 0"
    )
}
