//! The goals: who is measured against whom, and what is asked.

use std::fmt;

use crate::quantity::Hundredths;
use crate::workload::Pattern;

/// Who runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    /// Callers through the ledger's own API.
    Ledger(Pattern),
    /// A single caller, uniform pairs.
    LedgerAlone,
    /// One transaction a transfer, uniform pairs or a hot account.
    Naive(Pattern),
    /// Statements of a thousand transfers, uniform pairs.
    SetBased,
    /// A row a commit.
    BareCommit,
}

impl fmt::Display for Contender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Ledger(Pattern::Uniform) => "ledger, 256 callers, uniform",
            Self::Ledger(Pattern::Hot) => "ledger, 256 callers, hot",
            Self::LedgerAlone => "ledger, a single caller",
            Self::Naive(Pattern::Uniform) => "naive, 32 connections, uniform",
            Self::Naive(Pattern::Hot) => "naive, 32 connections, hot",
            Self::SetBased => "bare set-based, 1,000 a batch",
            Self::BareCommit => "bare commit of a row",
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

/// What is asked of the ratio of two rates, subject to yardstick.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At least so many times the rate.
    RateAtLeast(Hundredths),
    /// At most so many times the time.
    TimeAtMost(Hundredths),
}

const ROWS: [Row; 5] = [
    Row {
        number: 1,
        subject: Contender::Ledger(Pattern::Hot),
        against: Contender::Naive(Pattern::Hot),
        goal: Goal::RateAtLeast(Hundredths(25_00)),
    },
    Row {
        number: 2,
        subject: Contender::Ledger(Pattern::Uniform),
        against: Contender::Naive(Pattern::Uniform),
        goal: Goal::RateAtLeast(Hundredths(4_50)),
    },
    Row {
        number: 3,
        subject: Contender::Ledger(Pattern::Uniform),
        against: Contender::SetBased,
        goal: Goal::RateAtLeast(Hundredths(70)),
    },
    Row {
        number: 4,
        subject: Contender::Ledger(Pattern::Hot),
        against: Contender::Ledger(Pattern::Uniform),
        goal: Goal::RateAtLeast(Hundredths(1_00)),
    },
    Row {
        number: 5,
        subject: Contender::LedgerAlone,
        against: Contender::BareCommit,
        goal: Goal::TimeAtMost(Hundredths(2_00)),
    },
];

impl Goal {
    /// The ratio that the goal speaks of.
    pub fn ratio(self, subject: u64, against: u64) -> Hundredths {
        match self {
            Self::RateAtLeast(_) => Hundredths::ratio(subject, against),
            Self::TimeAtMost(_) => Hundredths::ratio(against, subject),
        }
    }

    pub fn holds(self, ratio: Hundredths) -> bool {
        match self {
            Self::RateAtLeast(least) => ratio >= least,
            Self::TimeAtMost(most) => ratio <= most,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&match self {
            Self::RateAtLeast(least) => format!(">= {least}x"),
            Self::TimeAtMost(most) => format!("<= {most}x the time"),
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
        assert!(rate.holds(rate.ratio(450, 100)) && !rate.holds(rate.ratio(449, 100)));
        let time = Goal::TimeAtMost(Hundredths(2_00));
        assert!(time.holds(time.ratio(50, 100)) && !time.holds(time.ratio(49, 100)));
    }

    #[test]
    fn each_contender_runs_once_however_many_rows_name_it() {
        assert_eq!(contenders(&[1, 2, 3, 4]).len(), 5);
        assert_eq!(contenders(&[5]), [Contender::LedgerAlone, Contender::BareCommit]);
    }
}
