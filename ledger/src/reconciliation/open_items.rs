//! How statements over all open items of an account begin. Their first two binds are the book and the account.

/// The items that the rules may take: what is in no match and was never taken out of one.
pub(super) const OPEN_ITEMS: &str = "with open_items as materialized (
        select item, sequence is null as is_line, amount_minor, occurs_on, reference, bank_reference
        from ledger.reconciliation_items
        where book_id = $1
          and account = $2
          and match_number is null
          and not by_hand_only
    )";

/// Behind [`OPEN_ITEMS`]: the references that are open on both sides.
pub(super) const SHARED: &str = "shared as (
        select reference
        from open_items
        where reference is not null
        group by reference
        having bool_or(is_line) and bool_or(not is_line)
    )";
