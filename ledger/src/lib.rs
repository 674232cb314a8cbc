//! The ledger: books of double entries, correct to the minor unit.
//!
//! A business room describes what happened as an [`Entry`], names the changes of state that it causes as [`Effect`]s
//! and hands both over as one [`UnitOfWork`]. The [`Ledger`] books it whole or not at all, once per
//! [`IdempotencyKey`], and answers when it is durable with a [`Receipt`]: the sequence in the book and the balances
//! that it left.
//!
//! # Promises
//! 1. Every entry balances per commodity; every balance is the sum of its postings; the trial balance is zero.
//! 2. An acknowledged entry survives a kill at any moment; what was not acknowledged is whole or absent.
//! 3. No floor is ever crossed, whatever the concurrency.
//! 4. Sequences have no gaps and no duplicates.
//! 5. Entries and postings cannot be changed with the server's database role.
//! 6. A change of business state commits with its entry or not at all.
//!
//! # Where things are
//! [`Ledger`] posts and reads; `writer` is the one task that writes a book; `balances`, `statement`, `history` and
//! `export` read; [`verify`](Ledger::verify) recomputes everything from the postings; [`Clearing`] moves money between
//! books; [`reconciliation`] holds statements from outside against accounts.

mod account;
mod balances;
mod book;
mod clearing;
mod entry;
mod error;
mod export;
mod feed;
mod history;
mod hold;
mod load;
mod log;
mod lots;
mod money;
mod period;
mod proposal;
pub mod reconciliation;
mod reversal;
mod safeguarding;
pub mod schema;
mod statement;
mod unit_of_work;
mod units;
mod verification;
mod writer;

pub use account::{AccountCode, AccountKind, Balance, Chart, ChartError, InvalidAccountCode, Side, Template};
pub use balances::{CurrencySum, MAX_PAGE_BALANCES, TrialBalance, TrialBalancePage, TrialBalanceQuery};
pub use book::{BookId, BookSettings, Ledger, WriterTask};
pub use clearing::{
    BookAccount, Clearing, ClearingDifference, ClearingError, ClearingFault, MAX_LISTED_TRANSFERS,
    MAX_NAMED_DIFFERENCES, Position, RECOVERY_AFTER, Recovery, Shown, Transfer, TransferId, TransferOrder,
    TransferState,
};
pub use entry::{
    Entry, EntryBuilder, EntryError, EntryKind, MAX_DESCRIPTION, MAX_HOLD_CHANGES, MAX_METADATA_BYTES, MAX_POSTINGS,
    Posting,
};
pub use error::Error;
pub use export::{
    AccountDifference, Believed, CheckError, CheckedExport, DiffError, Draw, EntryDifference, Export, ExportProof,
    Extent, FileEntry, Format, MAX_SAMPLE, Manifest, ManifestSigner, PackDifference, PackError, Pieces, PseudonymKey,
    SampleError, Sampled, Subjects, Totals, Which, diff_packs, verify_export,
};
pub use feed::{Feed, FeedEntry, FeedHoldChange, FeedPage, FeedPosting, FeedWaker, MAX_FEED_ENTRIES, OwnPage};
pub use history::{
    AccountNode, AccountPrefix, AccountTree, AsOf, BookedEntry, BookedPosting, Dates, EntryFilter, EntryName,
    EntryPage, EntryQuery, InvalidAccountPrefix, InvalidFilter, MAX_EXAMINED_ENTRIES, MAX_FILTERED_ACCOUNTS,
    MAX_METADATA_MATCHES, MAX_PAGE_ENTRIES, MAX_TREE_DEPTH, MAX_TREE_NODES, MetadataFact, Moment, Order, Page, Period,
    PeriodStatement, Place, StatementQuery, TreeQuery, WholeEntry,
};
pub use hold::{Available, Hold, HoldChange, HoldId, MAX_LIVE_HOLDS};
pub use load::{
    InvalidSource, LineFault, LoadError, LoadFile, LoadFormat, LoadMode, LoadOutcome, LoadProgress, LoadReport,
    LoadSource, LoadWitness, MAX_LINE_BYTES, MAX_REHEARSED_ENTRIES, RefusedLine, Stage,
};
pub use log::{
    Checkpoint, CheckpointAt, ConsistencyProof, InclusionProof, Kept, LogEntry, LogError, LogSigner, LogTile,
    LogVerifier, ProvenEntry, PublishedKey, SignedHead, Witness,
};
pub use lots::{GivenLot, Lot, LotName, MAX_LOTS, MAX_PAGE_LOTS, NewLot};
pub use money::{
    Amount, BasisPoints, Commodity, Currency, MAX_MINOR_UNITS, Money, MoneyError, Rounding, UnknownCommodity,
    UnknownCurrency,
};
pub use period::{Approvals, ClosingBalances, PeriodChange, RecordedChange, SameApprover};
pub use proposal::{
    Proposal, ProposalError, ProposalId, ProposalRules, ProposalState, Proposals, ProposalsShown, ProposedAction,
    ProposedLine, ProposedTransfer, Terms,
};
pub use safeguarding::{RatesOfTheDay, Safeguarding, SafeguardingLine};
pub use statement::{After, MAX_STATEMENT_LINES, Statement, StatementLine};
pub use unit_of_work::{
    Effect, EffectKind, IdempotencyKey, MAX_EFFECTS, Outcome, PostError, Receipt, Refusal, Sequence, UnitOfWork,
};
pub use units::{
    CapTable, CapTableLine, CapTableQuery, InvalidUnitCode, MAX_CAP_TABLE_LINES, MAX_UNIT_DECIMALS, MAX_UNIT_NAME,
    MAX_UNITS, NewUnit, Registration, Unit, UnitCode, UnitError,
};
pub use verification::{Check, Difference, Verification};
pub use writer::{BatchReport, MAX_BATCH_UNITS, MAX_QUEUED_UNITS, Observer};
