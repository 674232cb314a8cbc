//! Reconciliation: statements from outside, matched against an account of the book.
//!
//! An account is opened for reconciliation under the name that statements call it by. Loading a statement puts its lines
//! beside the account's postings; a run matches both by the [`Rule`]s, from the most certain to the least; what remains
//! open is a [`Break`] with an age, an owner and a history. A person may match by hand, or take a match apart.
//!
//! # Invariants
//! 1. A file is loaded whole or not at all, and each statement at most once.
//! 2. An item (a line or a posting) is in at most one match, and what it says never changes.
//! 3. A rule takes only what is the only answer; several answers are left to a person and named as such.
//! 4. A match's difference is never lost: it is a break of its own.
//! 5. Every item without a match has a break after a run.
//!
//! # Order and cost
//! The row of the reconciled account is locked first, so that loads, runs and decisions of one account take turns;
//! nothing of the book itself is locked. Rules for one line and one posting are statements over all open items, whose
//! memory PostgreSQL bounds; the search for sums sees a bounded number of the oldest ones.

mod account;
mod breaks;
mod by_hand;
mod error;
mod loading;
mod open_items;
mod rule;
mod run;
mod statement_file;
mod statements;
mod subset_sums;

use platform::cipher::Cipher;
use platform::database::Database;

pub use account::ReconciledAccount;
pub use breaks::{
    AGE_BOUNDS, AgeBucket, Break, BreakCause, BreakEvent, BreakPast, BreakState, BreakStep, BreakSubject,
    MAX_BREAKS_SHOWN, MAX_REASON, Standing,
};
pub use by_hand::{MAX_HAND_ITEMS, Match, MatchedItem};
pub use error::ReconciliationError;
pub use loading::{Load, LoadedStatement};
pub use rule::{MAX_TOLERANCE_DAYS, MAX_TOLERANCE_MINOR, Rule, Tolerances};
pub use run::{MAX_SEARCHED_ITEMS, Run, RunRules};
pub use statement_file::{
    CsvAmounts, CsvColumns, CsvLayout, CsvStatement, DecimalMark, FileFault, MAX_FILE_LINES, MAX_FILE_STATEMENTS,
    MAX_STATEMENT_FILE_BYTES, StatementFormat, comparable_reference,
};
pub use statements::{ExternalStatement, MAX_STATEMENTS_SHOWN, Succession};

use crate::Ledger;

/// What the texts of lines are sealed for.
const TEXT: &str = "ledger.reconciliation_items.sealed_text";

/// Finds a reference of the house in what a payer wrote.
pub type ReferenceFinder = fn(&str) -> Option<String>;

/// Matches statements from outside against the accounts of a book. Cheap to clone.
#[derive(Clone)]
pub struct Reconciliation {
    ledger: Ledger,
    database: Database,
    cipher: Cipher,
    find_reference: ReferenceFinder,
}

impl Reconciliation {
    /// The reconciliation of a book; what payers wrote is sealed by `cipher` and searched by `find_reference`.
    #[must_use]
    pub fn new(ledger: Ledger, cipher: Cipher, find_reference: ReferenceFinder) -> Self {
        let database = ledger.database.clone();
        Self { ledger, database, cipher, find_reference }
    }
}
