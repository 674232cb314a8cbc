//! What was measured: the runs that count, and the rows that follow from them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::goals::{BARE_BYTES, Contender, DISK_GOAL, DISK_ROW, Row, START_GOAL, START_ROW};
use crate::measure::Sample;
use crate::quantity::{Hundredths, median};
use crate::starting::Start;

/// The runs that count, by contender and in order; and the bytes that a transfer takes and the starts, where they were
/// looked at.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<Contender, Vec<Sample>>,
    bytes_each: Option<u64>,
    starts: Vec<Start>,
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

    /// Keeps a start of both.
    pub fn add_start(&mut self, start: Start) {
        self.starts.push(start);
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

    /// These rows, and those that nobody runs for, in their order.
    pub fn lines(&self, rows: &[Row]) -> Vec<Line> {
        let mut lines: Vec<Line> = rows.iter().map(|row| self.line(row)).collect();
        lines.extend(self.bytes_each.map(size_line));
        lines.extend((!self.starts.is_empty()).then(|| start_line(&self.starts)));
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

fn start_line(starts: &[Start]) -> Line {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let ratios = || starts.iter().map(|start| Hundredths::of_times(start.house, start.postgres));
    let figure = median(starts.iter().map(|start| milliseconds(start.house)).collect());
    let against_figure = median(starts.iter().map(|start| milliseconds(start.postgres)).collect());
    Line {
        row: START_ROW,
        what: "start to the first answer".to_owned(),
        figure,
        against: "PostgreSQL alone".to_owned(),
        against_figure,
        unit: "ms".to_owned(),
        ratio: Hundredths::ratio(figure, against_figure),
        range: ratios().min().zip(ratios().max()).map(|(least, most)| [least, most]),
        goal: format!("<= {} ms more", START_GOAL.as_millis()),
        holds: Some(figure <= against_figure + milliseconds(START_GOAL)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_may_take_so_much_longer_and_no_more() {
        let start = |house| Start { house: Duration::from_millis(house), postgres: Duration::from_millis(100) };
        assert_eq!(start_line(&[start(600)]).holds, Some(true));
        assert_eq!(start_line(&[start(601)]).holds, Some(false));
    }
}
