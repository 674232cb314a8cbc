//! The ledger: books of double entries, correct to the minor unit.
//!
//! A business room describes what happened as an [`Entry`], names the changes of state that it causes as [`Effect`]s
//! and hands both over as one [`UnitOfWork`]. The [`Ledger`] books it whole or not at all, once per
//! [`IdempotencyKey`], and answers when it is durable with a [`Receipt`]: the sequence in the book and the balances
//! that it left.
//!
//! # Promises
//! 1. Every entry balances per currency; every balance is the sum of its postings; the trial balance is zero.
//! 2. An acknowledged entry survives a kill at any moment; what was not acknowledged is whole or absent.
//! 3. No floor is ever crossed, whatever the concurrency.
//! 4. Sequences have no gaps and no duplicates.
//! 5. Entries and postings cannot be changed with the server's database role.
//! 6. A change of business state commits with its entry or not at all.
//!
//! # What is not here yet
//! Holds, periods, several books with transfers between them, the transparency log, and exports other than hledger's
//! journal. Their words are in the project's glossary; nothing here pretends to do them.
//!
//! # Where things are
//! [`Ledger`] posts and reads; `writer` is the one task that writes a book; `balances`, `statement` and `export` read;
//! [`verify`](Ledger::verify) recomputes everything from the postings; [`reconciliation`] holds statements from outside
//! against accounts.

mod account;
mod balances;
mod book;
mod entry;
mod error;
mod export;
mod log;
mod money;
pub mod reconciliation;
mod safeguarding;
pub mod schema;
mod statement;
mod unit_of_work;
mod verification;
mod writer;

pub use account::{AccountCode, AccountKind, Balance, Chart, ChartError, InvalidAccountCode, Side, Template};
pub use balances::{AsOf, TrialBalance};
pub use book::{BookId, BookSettings, Ledger, WriterTask};
pub use entry::{
    Entry, EntryBuilder, EntryError, EntryKind, MAX_DESCRIPTION, MAX_METADATA_BYTES, MAX_POSTINGS, Posting,
};
pub use error::Error;
pub use money::{BasisPoints, Currency, MAX_MINOR_UNITS, Money, MoneyError, Rounding, UnknownCurrency};
pub use safeguarding::{RatesOfTheDay, Safeguarding, SafeguardingLine};
pub use statement::{After, MAX_STATEMENT_LINES, Statement, StatementLine};
pub use unit_of_work::{
    Effect, EffectKind, IdempotencyKey, MAX_EFFECTS, Outcome, PostError, Receipt, Refusal, Sequence, UnitOfWork,
};
pub use verification::{Check, Difference, Verification};
pub use writer::{BatchReport, MAX_BATCH_UNITS, MAX_QUEUED_UNITS, Observer};
