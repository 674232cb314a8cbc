//! The ledger: books of double entries, correct to the minor unit.

mod account;
mod entry;
mod money;
mod unit_of_work;

pub use account::{AccountCode, AccountKind, Balance, Chart, ChartError, InvalidAccountCode, Side, Template};
pub use entry::{
    Entry, EntryBuilder, EntryError, EntryKind, MAX_DESCRIPTION, MAX_METADATA_BYTES, MAX_POSTINGS, Posting,
};
pub use money::{BasisPoints, Currency, MAX_MINOR_UNITS, Money, MoneyError, Rounding, UnknownCurrency};
pub use unit_of_work::{
    Effect, EffectKind, IdempotencyKey, MAX_EFFECTS, Outcome, PostError, Receipt, Refusal, Sequence, UnitOfWork,
};
