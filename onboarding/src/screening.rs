//! Screening: whether somebody may be a person on a list of sanctions, and who decides that.
//!
//! # What it promises
//! - Names are compared across scripts, orders and spellings by pure functions; a score comes with its reasons in words.
//! - A list is loaded whole or not at all; a load is a version, and the same file again changes nothing.
//! - Who is entered is held against the lists at once, and again whenever a list changes, by any number of processes.
//! - A likeness from the threshold on is a case for people to decide; who has one waits, and nothing is lost.
//! - Names on lists are public. What is known of people, and why a score is high, is sealed.

mod birth_date;
mod case;
mod cases;
mod entry;
mod grouped;
mod index;
mod likeness;
mod list_file;
mod lists;
mod name;
mod score;
mod sound;
mod spellings;
mod store;
mod subject;
mod waiting;

pub use birth_date::{InvalidPartialDate, PartialDate};
pub use case::{CaseEvent, CaseId, CaseState, Verdict};
pub use cases::{Case, CaseEntry, CaseFilter, CasePast, CaseSubject};
pub use entry::{EntryKind, ListEntry};
pub use grouped::SubjectWithCases;
pub use index::{EntryNumber, Hit, Index, Matcher};
pub use likeness::Kinship;
pub use list_file::{ListFault, ListFile, ListFormat, MAX_LIST_ENTRIES, MAX_LIST_FILE_BYTES};
pub use lists::{InvalidListName, ListLoad, ListName, ListVersion, Removals};
pub use name::Name;
pub use score::{Evidence, Score, ScoreReason, compare};
pub use spellings::{Spellings, SpellingsFault};
pub use store::Screening;
pub use subject::{Facts, Subject, SubjectKind};
