//! Breaks: what does not agree, and what people do about it.
//!
//! | state       | assigned | explained | corrected | written-off | settled | reopened |
//! | ----------- | -------- | --------- | --------- | ----------- | ------- | -------- |
//! | open        | assigned |           |           |             | settled |          |
//! | assigned    | assigned | explained | corrected | written-off | settled |          |
//! | explained   |          |           |           |             | settled | open     |
//! | corrected   |          |           |           |             |         | open     |
//! | written-off |          |           |           |             |         | open     |
//! | settled     |          |           |           |             |         | open     |
//!
//! Whoever explains, corrects or writes off has taken the break on before, so that it has an owner. A break settles by
//! itself when its item finds a match, or when the match whose difference it is was taken apart.

mod ageing;
mod opening;
mod store;

pub use ageing::{AGE_BOUNDS, AgeBucket, Standing};
pub(super) use opening::{open_breaks, open_differences, settle_matched};
pub(super) use store::checked_reason;
pub use store::{Break, BreakPast, BreakStep, BreakSubject, MAX_BREAKS_SHOWN, MAX_REASON};

use std::fmt;

/// Where a break stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakState {
    /// Nobody has taken it on.
    Open,
    /// Somebody has.
    Assigned,
    /// It is known why, and it will settle.
    Explained,
    /// An entry corrects it.
    Corrected,
    /// Nothing more will come of it.
    WrittenOff,
    /// It agrees now.
    Settled,
}

/// What happens to a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakEvent {
    /// It was found.
    Opened,
    /// Somebody takes it on, or it is given to another person.
    Assigned,
    /// It was said why.
    Explained,
    /// An entry was named that corrects it.
    Corrected,
    /// It was given up.
    WrittenOff,
    /// Its item found a match, or its match was taken apart.
    Settled,
    /// It is a break again.
    Reopened,
}

/// Why there is a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakCause {
    /// Nothing of the other side comes near.
    NothingFits,
    /// More than one thing of the other side fits, and none is more right than another.
    Ambiguous,
    /// The other side names the same, with another amount.
    AmountDiffers,
    /// A person took its match apart.
    Unmatched,
    /// A match has a difference.
    Difference,
}

impl BreakState {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Assigned, Self::Explained, Self::Corrected, Self::WrittenOff, Self::Settled];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assigned => "assigned",
            Self::Explained => "explained",
            Self::Corrected => "corrected",
            Self::WrittenOff => "written-off",
            Self::Settled => "settled",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The state after an event, where the state allows it.
    #[must_use]
    pub const fn after(self, event: BreakEvent) -> Option<Self> {
        Some(match (self, event) {
            (Self::Open | Self::Assigned, BreakEvent::Assigned) => Self::Assigned,
            (Self::Assigned, BreakEvent::Explained) => Self::Explained,
            (Self::Assigned, BreakEvent::Corrected) => Self::Corrected,
            (Self::Assigned, BreakEvent::WrittenOff) => Self::WrittenOff,
            (Self::Open | Self::Assigned | Self::Explained, BreakEvent::Settled) => Self::Settled,
            (Self::Explained | Self::Corrected | Self::WrittenOff | Self::Settled, BreakEvent::Reopened) => Self::Open,
            _ => return None,
        })
    }
}

impl BreakEvent {
    /// All events.
    pub const ALL: [Self; 7] = [
        Self::Opened,
        Self::Assigned,
        Self::Explained,
        Self::Corrected,
        Self::WrittenOff,
        Self::Settled,
        Self::Reopened,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Assigned => "assigned",
            Self::Explained => "explained",
            Self::Corrected => "corrected",
            Self::WrittenOff => "written-off",
            Self::Settled => "settled",
            Self::Reopened => "reopened",
        }
    }

    /// The event of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
    }
}

impl BreakCause {
    /// All causes.
    pub const ALL: [Self; 5] =
        [Self::NothingFits, Self::Ambiguous, Self::AmountDiffers, Self::Unmatched, Self::Difference];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NothingFits => "nothing-fits",
            Self::Ambiguous => "ambiguous",
            Self::AmountDiffers => "amount-differs",
            Self::Unmatched => "unmatched",
            Self::Difference => "difference",
        }
    }

    /// The cause of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

impl fmt::Display for BreakState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl fmt::Display for BreakEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells of a table of transitions: state, event, state after.
    fn told(text: &str, mark: &str) -> Vec<(String, String, String)> {
        let rows: Vec<Vec<String>> = text
            .lines()
            .filter_map(|line| line.trim_start_matches("//!").trim().strip_prefix('|')?.strip_suffix('|'))
            .map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect())
            .collect();
        let start = rows.iter().position(|row| row[0] == "state" && row.len() == 7).expect(mark);
        let events = &rows[start];
        rows[start + 2..start + 8]
            .iter()
            .flat_map(|row| (1..7).map(|at| (row[0].clone(), events[at].clone(), row[at].clone())))
            .collect()
    }

    #[test]
    fn the_tables_of_transitions_say_what_happens() {
        let guide = include_str!("../../../docs/ledger/reconciliation.md");
        for (text, mark) in [(include_str!("breaks.rs"), "breaks.rs"), (guide, "the guide")] {
            let cells = told(text, mark);
            assert_eq!(cells.len(), 36, "{mark}");
            for (state, event, after) in cells {
                let from = BreakState::of_word(&state).unwrap_or_else(|| panic!("{mark}: {state}"));
                let event = BreakEvent::of_word(&event).unwrap_or_else(|| panic!("{mark}: {event}"));
                let happens = from.after(event).map_or("", BreakState::word);
                assert_eq!(happens, after, "{mark}: {from} {event}");
            }
        }
        assert!(BreakState::ALL.iter().all(|state| state.after(BreakEvent::Opened).is_none()));
    }
}
