//! Cases: somebody may be whom a list names, and people decide.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | open | cleared | cleared |
//! | open | confirmed-first | open |
//! | open | confirmed | confirmed |
//! | open | noted | open |
//! | confirmed | noted | confirmed |
//!
//! One operator clears. Two confirm: the first says so, and another one has to say so, too. A pair of a subject and an
//! entry that is decided is not opened again; another name, or another version of the entry, is another pair.

use serde::Serialize;

use crate::{Error, OperatorId};

platform::define_id!(CaseId, "Somebody who may be whom a list names.");

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseState {
    /// Nobody has decided.
    Open,
    /// They are two.
    Cleared,
    /// They are one.
    Confirmed,
}

/// What happens to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseEvent {
    /// Screening found it.
    Opened,
    /// An operator says that they are two.
    Cleared,
    /// An operator says that they are one; another one has to say it, too.
    ConfirmedFirst,
    /// Another operator says so, too.
    Confirmed,
    /// Something was told that whoever decides should know.
    Noted,
}

/// What an operator says of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are two.
    Clear,
    /// They are one.
    Confirm,
}

impl CaseState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Open, Self::Cleared, Self::Confirmed];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cleared => "cleared",
            Self::Confirmed => "confirmed",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`Error::WrongState`] when the event does not fit.
    pub fn after(self, event: CaseEvent) -> Result<Self, Error> {
        match (self, event) {
            (Self::Open, CaseEvent::ConfirmedFirst) => Ok(Self::Open),
            (Self::Open, CaseEvent::Cleared) => Ok(Self::Cleared),
            (Self::Open, CaseEvent::Confirmed) => Ok(Self::Confirmed),
            (Self::Open | Self::Confirmed, CaseEvent::Noted) => Ok(self),
            (state, event) => Err(Error::WrongState { thing: "case", state: state.word(), wanted: event.word() }),
        }
    }

    /// What an operator's verdict is to a case, where there is anything left to say: none when it was said before.
    ///
    /// # Errors
    /// [`Error::WrongState`] when it was decided otherwise.
    pub fn event(
        self,
        first: Option<OperatorId>,
        verdict: Verdict,
        by: OperatorId,
    ) -> Result<Option<CaseEvent>, Error> {
        let event = match (self, verdict, first) {
            (Self::Cleared, Verdict::Clear, _) | (Self::Confirmed, Verdict::Confirm, _) => return Ok(None),
            (_, Verdict::Clear, _) => CaseEvent::Cleared,
            (Self::Open, Verdict::Confirm, Some(first)) if first == by => return Ok(None),
            (Self::Open, Verdict::Confirm, None) => CaseEvent::ConfirmedFirst,
            (_, Verdict::Confirm, _) => CaseEvent::Confirmed,
        };
        self.after(event)?;
        Ok(Some(event))
    }
}

impl CaseEvent {
    /// All events.
    pub const ALL: [Self; 5] = [Self::Opened, Self::Cleared, Self::ConfirmedFirst, Self::Confirmed, Self::Noted];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Cleared => "cleared",
            Self::ConfirmedFirst => "confirmed-first",
            Self::Confirmed => "confirmed",
            Self::Noted => "noted",
        }
    }

    pub(super) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|event| event.word() == word).ok_or(Error::Corrupt("an event of a case"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_of_transitions_is_what_the_code_does() {
        let documented: BTreeSet<String> = include_str!("case.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | "))
            .filter(|line| !line.starts_with("from") && !line.starts_with("---"))
            .map(|line| line.trim_end_matches(" |").to_owned())
            .collect();
        let coded: BTreeSet<String> = CaseState::ALL
            .into_iter()
            .flat_map(|state| CaseEvent::ALL.map(|event| (state, event)))
            .filter_map(|(state, event)| {
                let after = state.after(event).ok()?;
                Some(format!("{} | {} | {}", state.word(), event.word(), after.word()))
            })
            .collect();
        assert_eq!(documented, coded);
    }

    #[test]
    fn two_confirm_and_one_clears() -> Result<(), Error> {
        let (one, other) = (OperatorId::generate(), OperatorId::generate());
        let open = CaseState::Open;
        assert_eq!(open.event(None, Verdict::Confirm, one)?, Some(CaseEvent::ConfirmedFirst));
        assert_eq!(open.event(Some(one), Verdict::Confirm, one)?, None, "saying it twice is saying it once");
        assert_eq!(open.event(Some(one), Verdict::Confirm, other)?, Some(CaseEvent::Confirmed));
        assert_eq!(open.event(Some(one), Verdict::Clear, other)?, Some(CaseEvent::Cleared));
        assert_eq!(CaseState::Cleared.event(None, Verdict::Clear, one)?, None);
        assert!(CaseState::Cleared.event(None, Verdict::Confirm, one).is_err());
        assert!(CaseState::Confirmed.event(Some(one), Verdict::Clear, other).is_err());
        Ok(())
    }
}
