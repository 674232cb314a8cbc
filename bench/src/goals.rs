//! The goals: who is measured against whom, and what is asked.

use std::fmt;

use crate::posting::batch_callers;
use crate::quantity::{Grouped, Hundredths};
use crate::workload::Pattern;

/// The row of the bytes on disk, which nobody runs for.
pub const DISK_ROW: u8 = 12;
/// The row of the rate against the size of a batch, which is drawn too.
pub const CURVE_ROW: u8 = 14;
/// The numbers of all rows; 6, 7 and 11 are not measured here.
pub const ROW_NUMBERS: [u8; 11] = [1, 2, 3, 4, 5, 8, 9, 10, DISK_ROW, 13, CURVE_ROW];
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
}

impl Contender {
    pub const fn phase(self) -> Phase {
        match self {
            Self::Ledger(_)
            | Self::LedgerAlone
            | Self::LedgerBatches(_)
            | Self::Naive(_)
            | Self::SetBased
            | Self::BareCommit => Phase::Writing,
            Self::Export | Self::Copy | Self::Verify | Self::ReadRows => Phase::Reading,
            Self::BalanceNow | Self::BalanceAtDate | Self::BalanceAtSequence => Phase::Past,
        }
    }

    /// What its rate counts.
    pub const fn counts(self) -> &'static str {
        match self.phase() {
            Phase::Writing if matches!(self, Self::BareCommit) => "commits",
            Phase::Writing => "transfers",
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

const ROWS: [Row; 15] = [
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

/// Those who have to run for these rows, each once.
pub fn contenders(rows: &[u8]) -> Vec<Contender> {
    let mut contenders: Vec<Contender> = wanted(rows).flat_map(|row| [row.subject, row.against]).collect();
    contenders.sort_unstable();
    contenders.dedup();
    contenders
}

/// The rows of those numbers.
pub fn wanted(rows: &[u8]) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| rows.contains(&row.number))
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
        assert_eq!(contenders(&[1, 2, 3, 4]).len(), 5);
        assert_eq!(contenders(&[5]), [Contender::LedgerAlone, Contender::BareCommit]);
        assert_eq!(contenders(&[13, CURVE_ROW]).len(), 6);
    }

    #[test]
    fn every_row_has_a_number_that_can_be_asked_for() {
        assert!(ROWS.iter().all(|row| ROW_NUMBERS.contains(&row.number)));
    }
}
