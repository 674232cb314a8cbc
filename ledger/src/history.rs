//! The past of a book: what was known after an entry, what had taken effect by a day, and both at once.
//!
//! # Invariants that the answers stand on
//! Sequences have no gaps and booking times never run backwards, so the last entry booked before an instant is found by
//! halving the primary key. Every posting keeps the balance that it left, so a balance after an entry is one look into
//! an index.
//!
//! # Effective dates
//! Most entries take effect on the day (UTC) on which they are booked. The others are *shifted*, and a partial index
//! holds them alone. What had taken effect by a day is the running balance at the *base*, the last entry booked by that
//! day, corrected by the shifted entries that cross the day: booked by it and effective later, or booked later and
//! effective by it. An ordinary entry pays nothing for this.
//!
//! # Cost
//! A balance costs a number of page reads that grows with the logarithm of the book, and as much again for each entry
//! that crosses the day. Nothing is locked, so a read never waits for the writer; a moment is first fixed to a sequence,
//! and what is known after a sequence never changes.

mod candidates;
mod entries;
mod filter;
mod lines;
mod moment;
mod period;
mod tree;

pub use entries::{BookedEntry, BookedPosting, EntryName, EntryPage, EntryQuery, MAX_PAGE_ENTRIES, Order, WholeEntry};
pub use filter::{
    Dates, EntryFilter, InvalidFilter, MAX_EXAMINED_ENTRIES, MAX_FILTERED_ACCOUNTS, MAX_METADATA_MATCHES, MetadataFact,
};
pub use moment::{AsOf, Moment};
pub use period::{Page, Period, PeriodStatement, Place, StatementQuery};
pub use tree::{
    AccountNode, AccountPrefix, AccountTree, InvalidAccountPrefix, MAX_TREE_DEPTH, MAX_TREE_NODES, TreeQuery,
};

pub(crate) use lines::{Bounds, Line, Toward};
pub(crate) use moment::{Cut, end_of, within_calendar};
