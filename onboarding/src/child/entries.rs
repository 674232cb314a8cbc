//! The entries of protected accounts. None of them credits a guardian.

use chrono::NaiveDate;
use ledger::{AccountCode, Entry, EntryBuilder, EntryKind, Money};
use uuid::Uuid;

use super::{ChildId, DepositId, Purpose, SpendingId};
use crate::{Error, InstitutionCode, PersonId};

const DEPOSITED: EntryKind = EntryKind::new("child-deposit");
const ORDERED: EntryKind = EntryKind::new("child-spending");
const RETURNED: EntryKind = EntryKind::new("child-spending-returned");
const HANDED_OVER: EntryKind = EntryKind::new("child-handed-over");

/// All entries of this room. Each moves the state of a child with it, so none is taken back by hand.
pub const ENTRY_KINDS: &[EntryKind] = &[DEPOSITED, ORDERED, RETURNED, HANDED_OVER];

pub(super) fn protected(child: ChildId) -> Result<AccountCode, Error> {
    code("liabilities:savings", child)
}

pub(super) fn wallet(person: PersonId) -> Result<AccountCode, Error> {
    code("liabilities:wallets", person)
}

fn payables(institution: &InstitutionCode) -> Result<AccountCode, Error> {
    code("liabilities:payables", institution.as_str())
}

fn code(parent: &str, holder: impl std::fmt::Display) -> Result<AccountCode, Error> {
    AccountCode::held_by(parent, holder).map_err(|_| Error::Corrupt("an account code"))
}

fn about(kind: EntryKind, date: NaiveDate, subject: Uuid) -> EntryBuilder {
    Entry::builder(kind, date).subject(subject)
}

/// Somebody puts money out of their wallet into the account.
pub(super) fn deposited(
    date: NaiveDate,
    (id, child, person): (DepositId, ChildId, PersonId),
    amount: Money,
) -> Result<Entry, Error> {
    Ok(about(DEPOSITED, date, id.uuid()).debit(wallet(person)?, amount).credit(protected(child)?, amount).build()?)
}

/// An institution is to pay: from now on we owe it.
pub(super) fn ordered(
    date: NaiveDate,
    (id, child, institution): (SpendingId, ChildId, &InstitutionCode),
    purpose: Purpose,
    amount: Money,
) -> Result<Entry, Error> {
    Ok(about(ORDERED, date, id.uuid())
        .description(purpose.word())
        .debit(protected(child)?, amount)
        .credit(payables(institution)?, amount)
        .build()?)
}

/// The institution cannot pay: the money is the child's again.
pub(super) fn returned(
    date: NaiveDate,
    (id, institution): (SpendingId, &InstitutionCode),
    to: AccountCode,
    amount: Money,
) -> Result<Entry, Error> {
    Ok(about(RETURNED, date, id.uuid()).debit(payables(institution)?, amount).credit(to, amount).build()?)
}

/// The grown-up child has all of it.
pub(super) fn handed_over(date: NaiveDate, child: ChildId, to: PersonId, amount: Money) -> Result<Entry, Error> {
    Ok(about(HANDED_OVER, date, child.uuid()).debit(protected(child)?, amount).credit(wallet(to)?, amount).build()?)
}
