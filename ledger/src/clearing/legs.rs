//! The legs of a transfer as units of work: an entry in one book, with the change of state that commits with it.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::ClearingError;
use super::transfer::{Leg, Transfer, TransferOrder};
use crate::{AccountCode, BookId, Effect, EffectKind, Entry, EntryKind, IdempotencyKey, UnitOfWork};

const DEPARTED: EntryKind = EntryKind::new("transfer-departed");
const ARRIVED: EntryKind = EntryKind::new("transfer-arrived");
const RETURNED: EntryKind = EntryKind::new("transfer-returned");

/// Moves transfers from one state to the next. One kind for all legs, so that one statement locks all transfers of a
/// batch, in one order: the writers of two books meet at a row and never wait for one another in a circle.
static MOVED: EffectKind = EffectKind {
    name: "transfer-moved",
    statement: "with input as (
            select
                (r->>'unit')::int4 as unit,
                (r->>'booked_at')::timestamptz as booked_at,
                (r->'payload'->>'from_book')::int2 as from_book,
                (r->'payload'->>'transfer')::uuid as transfer,
                r->'payload'->>'before' as before,
                r->'payload'->>'after' as after,
                r->'payload'->>'reason' as reason
            from jsonb_array_elements($1::jsonb) r
        ), locked as (
            select t.from_book, t.transfer_id
            from ledger.transfers t
            where (t.from_book, t.transfer_id) in (select from_book, transfer from input)
            order by t.from_book, t.transfer_id
            for update of t
        )
        update ledger.transfers t
        set state = input.after,
            reason = input.reason,
            departed_at = coalesce(t.departed_at, input.booked_at),
            settled_at = case when input.after = 'departed' then null else input.booked_at end
        from input
        join locked on locked.from_book = input.from_book and locked.transfer_id = input.transfer
        where t.from_book = input.from_book
          and t.transfer_id = input.transfer
          and t.state = input.before
        returning input.unit",
};

/// The account by which a book owes another one.
pub(super) fn owed_to(book: BookId) -> Result<AccountCode, ClearingError> {
    Ok(AccountCode::held_by("liabilities:clearing", format_args!("book-{}", book.number()))?)
}

/// The account by which a book claims from another one.
pub(super) fn claimed_from(book: BookId) -> Result<AccountCode, ClearingError> {
    Ok(AccountCode::held_by("assets:clearing", format_args!("book-{}", book.number()))?)
}

/// The book in which a leg is booked.
pub(super) const fn book_of(leg: Leg, order: &TransferOrder) -> BookId {
    match leg {
        Leg::Departure | Leg::Return => order.from.book,
        Leg::Arrival => order.to.book,
    }
}

/// The unit that books a leg and moves the transfer; `reason` is why a return is needed.
pub(super) fn unit(
    leg: Leg,
    transfer: &Transfer,
    date: NaiveDate,
    reason: Option<&str>,
) -> Result<UnitOfWork, ClearingError> {
    let order = &transfer.order;
    let payload = json!({
        "from_book": order.from.book.number(),
        "transfer": order.id,
        "before": leg.before().word(),
        "after": leg.after().word(),
        "reason": reason,
    });
    let unit = UnitOfWork::new(key(leg, order), entry(leg, order, date)?);
    Ok(unit.causing(Effect::try_new(&MOVED, &payload)?))
}

/// The entry of a leg. It is made from the order alone, so every retry makes the same one.
pub(super) fn entry(leg: Leg, order: &TransferOrder, date: NaiveDate) -> Result<Entry, ClearingError> {
    let (from, to, amount) = (&order.from, &order.to, order.amount);
    let (kind, debit, credit, other) = match leg {
        Leg::Departure => (DEPARTED, from.account.clone(), owed_to(to.book)?, to),
        Leg::Arrival => (ARRIVED, claimed_from(from.book)?, to.account.clone(), from),
        Leg::Return => (RETURNED, owed_to(to.book)?, from.account.clone(), to),
    };
    let mut entry = Entry::builder(kind, date)
        .subject(order.id.uuid())
        .metadata(json!({ "other_book": other.book.number(), "other_account": other.account }))
        .debit(debit, amount)
        .credit(credit, amount);
    if let Some(description) = &order.description {
        entry = entry.description(description);
    }
    Ok(entry.build()?)
}

/// The one key of a leg. The book that the transfer comes from is part of it: two books may give the same id.
fn key(leg: Leg, order: &TransferOrder) -> IdempotencyKey {
    let transfer = Uuid::new_v5(&order.id.uuid(), &order.from.book.number().to_be_bytes());
    let kind = match leg {
        Leg::Departure => DEPARTED,
        Leg::Arrival => ARRIVED,
        Leg::Return => RETURNED,
    };
    IdempotencyKey::derived(transfer, kind.name())
}
