//! The goals: who is measured against whom, and what is asked.

use std::fmt;
use std::time::Duration;

use crate::posting::batch_callers;
use crate::quantity::{Grouped, Hundredths};
use crate::workload::Pattern;

/// The row of the bytes on disk, which nobody runs for.
pub const DISK_ROW: u8 = 12;
/// The row of the rate against the size of a batch, which is drawn too.
pub const CURVE_ROW: u8 = 14;
/// The row of remittances over HTTP.
pub const REMITTANCE_ROW: u8 = 6;
/// The row of the rate against the size of the book, which is drawn.
pub const GROWTH_ROW: u8 = 7;
/// The row of the starts, which are timed and not counted.
pub const START_ROW: u8 = 11;
/// The numbers of all rows.
pub const ROW_NUMBERS: [u8; 14] =
    [1, 2, 3, 4, 5, REMITTANCE_ROW, GROWTH_ROW, 8, 9, 10, START_ROW, DISK_ROW, 13, CURVE_ROW];
/// Postings in the small book of the row of growth.
pub const SMALL_BOOK: u64 = 100_000;
/// How many times smaller than the largest the books are in which the rate is measured, the largest last.
const STAGES: [u64; 3] = [20, 4, 1];
/// How much longer than PostgreSQL's own a start may take.
pub const START_GOAL: Duration = Duration::from_millis(500);
/// Bytes on disk of a transfer in the bare tables.
pub const BARE_BYTES: u64 = 380;
/// What is asked of them.
pub const DISK_GOAL: Goal = Goal::SizeAtMost(Hundredths(1_50));

/// Who runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    /// Callers through the ledger's own API.
    Ledger(Pattern),
    /// A single caller, uniform pairs.
    LedgerAlone,
    /// Callers who hand in so many transfers at once, uniform pairs.
    LedgerBatches(usize),
    /// Senders who accept a quote over HTTP, each paid in as soon as it is accepted.
    Remittances,
    /// Callers through the ledger's own API, uniform pairs, in a book that has grown to so many postings.
    GrownBook(u64),
    /// The same in a small book, beside the one that has grown so far.
    SmallBook(u64),
    /// One transaction a transfer, uniform pairs or a hot account.
    Naive(Pattern),
    /// Statements of a thousand transfers, uniform pairs.
    SetBased,
    /// A row a commit.
    BareCommit,
    /// The journal for hledger.
    Export,
    /// `COPY` of the rows that are in it.
    Copy,
    /// The verification of the book.
    Verify,
    /// Its entries and postings, read.
    ReadRows,
    /// The balance of an account with many postings, now.
    BalanceNow,
    /// By the end of a day that is past.
    BalanceAtDate,
    /// After an entry that is past.
    BalanceAtSequence,
}

/// When a contender runs: those of a phase take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reads the book as it was filled.
    Reading,
    /// Makes it longer.
    Writing,
    /// Reads a book whose entries are spread over a year.
    Past,
    /// Makes a book longer that has grown to so many postings.
    Growing(u64),
}

impl Contender {
    pub const fn phase(self) -> Phase {
        match self {
            Self::Ledger(_)
            | Self::LedgerAlone
            | Self::LedgerBatches(_)
            | Self::Remittances
            | Self::Naive(_)
            | Self::SetBased
            | Self::BareCommit => Phase::Writing,
            Self::Export | Self::Copy | Self::Verify | Self::ReadRows => Phase::Reading,
            Self::BalanceNow | Self::BalanceAtDate | Self::BalanceAtSequence => Phase::Past,
            Self::GrownBook(postings) | Self::SmallBook(postings) => Phase::Growing(postings),
        }
    }

    /// What its rate counts.
    pub const fn counts(self) -> &'static str {
        match self.phase() {
            Phase::Writing if matches!(self, Self::BareCommit) => "commits",
            Phase::Writing if matches!(self, Self::Remittances) => "remittances",
            Phase::Writing | Phase::Growing(_) => "transfers",
            Phase::Reading if matches!(self, Self::Export | Self::Copy) => "postings",
            Phase::Reading => "entries",
            Phase::Past => "answers",
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Ledger(Pattern::Uniform) => "ledger, 256 callers, uniform",
            Self::Ledger(Pattern::Hot) => "ledger, 256 callers, hot",
            Self::LedgerAlone => "ledger, a single caller",
            Self::LedgerBatches(size) => {
                let text = format!("ledger, {} callers, {} each", batch_callers(*size), Grouped(*size as u64));
                return formatter.pad(&text);
            }
            Self::Remittances => "remittances over HTTP",
            Self::GrownBook(postings) => return formatter.pad(&format!("ledger, {} postings", Grouped(*postings))),
            Self::SmallBook(_) => return formatter.pad(&format!("ledger, {} postings", Grouped(SMALL_BOOK))),
            Self::Naive(Pattern::Uniform) => "naive, 32 connections, uniform",
            Self::Naive(Pattern::Hot) => "naive, 32 connections, hot",
            Self::SetBased => "bare set-based, 1,000 a batch",
            Self::BareCommit => "bare commit of a row",
            Self::Export => "journal for hledger",
            Self::Copy => "COPY TO STDOUT, joined",
            Self::Verify => "verification of the book",
            Self::ReadRows => "its rows read, one connection",
            Self::BalanceNow => "balance now",
            Self::BalanceAtDate => "balance at a past date",
            Self::BalanceAtSequence => "balance at a past sequence",
        })
    }
}

/// A row of the goals: one contender against another.
#[derive(Clone, Copy)]
pub struct Row {
    pub number: u8,
    pub subject: Contender,
    pub against: Contender,
    pub goal: Goal,
}

/// What is asked of the ratio of two figures, subject to yardstick.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At least so many times the rate.
    RateAtLeast(Hundredths),
    /// At most so many times the time.
    TimeAtMost(Hundredths),
    /// At most so many times the size.
    SizeAtMost(Hundredths),
    /// Nothing: the ratio of the rates is shown.
    Shown,
}

const ROWS: [Row; 16] = [
    row(1, Contender::Ledger(Pattern::Hot), Contender::Naive(Pattern::Hot), Goal::RateAtLeast(Hundredths(25_00))),
    row(
        2,
        Contender::Ledger(Pattern::Uniform),
        Contender::Naive(Pattern::Uniform),
        Goal::RateAtLeast(Hundredths(4_50)),
    ),
    row(3, Contender::Ledger(Pattern::Uniform), Contender::SetBased, Goal::RateAtLeast(Hundredths(70))),
    row(4, Contender::Ledger(Pattern::Hot), Contender::Ledger(Pattern::Uniform), Goal::RateAtLeast(Hundredths(1_00))),
    row(5, Contender::LedgerAlone, Contender::BareCommit, Goal::TimeAtMost(Hundredths(2_00))),
    row(REMITTANCE_ROW, Contender::Remittances, Contender::Ledger(Pattern::Uniform), Goal::RateAtLeast(Hundredths(25))),
    row(8, Contender::BalanceAtDate, Contender::BalanceNow, Goal::TimeAtMost(Hundredths(3_00))),
    row(8, Contender::BalanceAtSequence, Contender::BalanceNow, Goal::TimeAtMost(Hundredths(3_00))),
    row(9, Contender::Export, Contender::Copy, Goal::RateAtLeast(Hundredths(30))),
    row(10, Contender::Verify, Contender::ReadRows, Goal::RateAtLeast(Hundredths(30))),
    row(13, Contender::LedgerBatches(50), Contender::SetBased, Goal::Shown),
    row(CURVE_ROW, Contender::LedgerBatches(1), Contender::SetBased, Goal::Shown),
    row(CURVE_ROW, Contender::LedgerBatches(10), Contender::SetBased, Goal::Shown),
    row(CURVE_ROW, Contender::LedgerBatches(50), Contender::SetBased, Goal::Shown),
    row(CURVE_ROW, Contender::LedgerBatches(200), Contender::SetBased, Goal::Shown),
    row(CURVE_ROW, Contender::LedgerBatches(1_000), Contender::SetBased, Goal::Shown),
];

const fn row(number: u8, subject: Contender, against: Contender, goal: Goal) -> Row {
    Row { number, subject, against, goal }
}

impl Goal {
    /// The ratio that the goal speaks of.
    pub fn ratio(self, subject: u64, against: u64) -> Hundredths {
        match self {
            Self::RateAtLeast(_) | Self::SizeAtMost(_) | Self::Shown => Hundredths::ratio(subject, against),
            Self::TimeAtMost(_) => Hundredths::ratio(against, subject),
        }
    }

    /// Whether it is reached, where something is asked.
    pub fn holds(self, ratio: Hundredths) -> Option<bool> {
        match self {
            Self::RateAtLeast(least) => Some(ratio >= least),
            Self::TimeAtMost(most) | Self::SizeAtMost(most) => Some(ratio <= most),
            Self::Shown => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&match self {
            Self::RateAtLeast(least) => format!(">= {least}x"),
            Self::TimeAtMost(most) => format!("<= {most}x the time"),
            Self::SizeAtMost(most) => format!("<= {most}x"),
            Self::Shown => "-".to_owned(),
        })
    }
}

/// The sizes, in postings, at which a book that grows so far is looked at; each once, and none below the small book.
pub fn stages(largest: u64) -> Vec<u64> {
    let mut sizes: Vec<u64> = STAGES.iter().map(|part| (largest / part).max(SMALL_BOOK)).collect();
    sizes.dedup();
    sizes
}

/// The rows of those numbers, with a book that grows to so many postings.
pub fn wanted(numbers: &[u8], largest: u64) -> Vec<Row> {
    let growth = stages(largest).into_iter().map(|size| {
        let goal = if size == largest { Goal::RateAtLeast(Hundredths(80)) } else { Goal::Shown };
        row(GROWTH_ROW, Contender::GrownBook(size), Contender::SmallBook(size), goal)
    });
    let mut rows: Vec<Row> = ROWS.into_iter().chain(growth).filter(|row| numbers.contains(&row.number)).collect();
    rows.sort_by_key(|row| row.number);
    rows
}

/// Those who have to run for these rows, each once.
pub fn contenders(rows: &[Row]) -> Vec<Contender> {
    let mut contenders: Vec<Contender> = rows.iter().flat_map(|row| [row.subject, row.against]).collect();
    contenders.sort_unstable();
    contenders.dedup();
    contenders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_goal_asks_for_more_and_a_time_goal_for_less() {
        let rate = Goal::RateAtLeast(Hundredths(4_50));
        assert_eq!([450, 449].map(|subject| rate.holds(rate.ratio(subject, 100))), [Some(true), Some(false)]);
        let time = Goal::TimeAtMost(Hundredths(2_00));
        assert_eq!([50, 49].map(|subject| time.holds(time.ratio(subject, 100))), [Some(true), Some(false)]);
    }

    #[test]
    fn a_size_goal_asks_for_less_and_what_is_only_shown_for_nothing() {
        let most = BARE_BYTES * 3 / 2;
        assert_eq!(
            [most, most + 4].map(|size| DISK_GOAL.holds(DISK_GOAL.ratio(size, BARE_BYTES))),
            [Some(true), Some(false)]
        );
        assert_eq!(Goal::Shown.holds(Hundredths(1)), None);
    }

    #[test]
    fn each_contender_runs_once_however_many_rows_name_it() {
        let of = |numbers: &[u8]| contenders(&wanted(numbers, 20_000_000));
        assert_eq!(of(&[1, 2, 3, 4]).len(), 5);
        assert_eq!(of(&[5]), [Contender::LedgerAlone, Contender::BareCommit]);
        assert_eq!(of(&[13, CURVE_ROW]).len(), 6);
        assert_eq!(of(&[GROWTH_ROW]).len(), 6);
    }

    #[test]
    fn every_row_has_a_number_that_can_be_asked_for() {
        assert!(ROWS.iter().all(|row| ROW_NUMBERS.contains(&row.number)));
    }

    #[test]
    fn a_book_grows_in_stages_and_only_its_last_size_has_a_goal() {
        assert_eq!(stages(20_000_000), [1_000_000, 5_000_000, 20_000_000]);
        assert_eq!(stages(2_000_000), [100_000, 500_000, 2_000_000]);
        assert_eq!(stages(SMALL_BOOK), [SMALL_BOOK]);
        let asked =
            wanted(&[GROWTH_ROW], 20_000_000).iter().map(|row| row.goal.holds(Hundredths(1_00))).collect::<Vec<_>>();
        assert_eq!(asked, [None, None, Some(true)]);
    }
}
