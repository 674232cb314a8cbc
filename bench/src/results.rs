//! What was measured: the runs that count, and the rows that follow from them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::goals::{BARE_BYTES, Contender, DISK_GOAL, DISK_ROW, Row, wanted};
use crate::measure::Sample;
use crate::quantity::{Hundredths, median};

/// The runs that count, by contender and in order; and the bytes that a transfer takes, where they were looked at.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<Contender, Vec<Sample>>,
    bytes_each: Option<u64>,
}

/// A row as it is printed and written: two figures and what became of the goal.
#[derive(Debug, Serialize)]
pub struct Line {
    pub row: u8,
    pub what: String,
    pub figure: u64,
    pub against: String,
    pub against_figure: u64,
    /// What both figures count.
    pub unit: String,
    #[serde(rename = "ratio_hundredths")]
    pub ratio: Hundredths,
    /// The least and the greatest ratio of a round.
    #[serde(rename = "range_hundredths")]
    pub range: Option<[Hundredths; 2]>,
    pub goal: String,
    /// Whether the goal is reached, where there is one.
    pub holds: Option<bool>,
}

impl Results {
    pub fn add(&mut self, contender: Contender, sample: Sample) {
        self.samples.entry(contender).or_default().push(sample);
    }

    /// Keeps the bytes on disk of a transfer.
    pub const fn add_bytes_each(&mut self, bytes: u64) {
        self.bytes_each = Some(bytes);
    }

    fn of(&self, contender: Contender) -> &[Sample] {
        self.samples.get(&contender).map_or(&[], Vec::as_slice)
    }

    /// The median rate.
    pub fn rate(&self, contender: Contender) -> u64 {
        median(self.of(contender).iter().map(|sample| sample.tally.rate()).collect())
    }

    /// The rates of both in each round.
    fn pairs(&self, one: Contender, other: Contender) -> impl Iterator<Item = (u64, u64)> {
        let rates = |contender| self.of(contender).iter().map(|sample: &Sample| sample.tally.rate());
        rates(one).zip(rates(other))
    }

    /// The run of median rate, or the one just below.
    pub fn typical(&self, contender: Contender) -> Option<&Sample> {
        let mut samples: Vec<&Sample> = self.of(contender).iter().collect();
        samples.sort_by_key(|sample| sample.tally.rate());
        samples.get(samples.len().saturating_sub(1) / 2).copied()
    }

    /// The rows of those numbers, in their order.
    pub fn lines(&self, numbers: &[u8]) -> Vec<Line> {
        let mut lines: Vec<Line> = wanted(numbers).map(|row| self.line(row)).collect();
        lines.extend(self.bytes_each.map(size_line));
        lines.sort_by_key(|line| line.row);
        lines
    }

    fn line(&self, row: &Row) -> Line {
        let Row { number, subject, against, goal } = row;
        let ratios = || self.pairs(*subject, *against).map(|(one, other)| goal.ratio(one, other));
        let (figure, against_figure) = (self.rate(*subject), self.rate(*against));
        let ratio = goal.ratio(figure, against_figure);
        Line {
            row: *number,
            what: subject.to_string(),
            figure,
            against: against.to_string(),
            against_figure,
            unit: format!("{}/s", subject.counts()),
            ratio,
            range: ratios().min().zip(ratios().max()).map(|(least, most)| [least, most]),
            goal: goal.to_string(),
            holds: goal.holds(ratio),
        }
    }
}

fn size_line(bytes: u64) -> Line {
    let ratio = DISK_GOAL.ratio(bytes, BARE_BYTES);
    Line {
        row: DISK_ROW,
        what: "a transfer on disk, with indexes".to_owned(),
        figure: bytes,
        against: "the bare tables".to_owned(),
        against_figure: BARE_BYTES,
        unit: "bytes".to_owned(),
        ratio,
        range: None,
        goal: DISK_GOAL.to_string(),
        holds: DISK_GOAL.holds(ratio),
    }
}
