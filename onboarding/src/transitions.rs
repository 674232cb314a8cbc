//! The tables of transitions in the modules' headers, for the tests that hold them against the code.

use std::collections::BTreeSet;

/// From, event, to.
pub(crate) type Transition = (String, String, String);

/// What the header of a module says.
pub(crate) fn documented(source: &str) -> BTreeSet<Transition> {
    source
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .filter(|line| !line.starts_with("from") && !line.starts_with("---"))
        .map(|line| {
            let mut cells = line.split('|').map(|cell| cell.trim().to_owned());
            let mut next = || cells.next().unwrap_or_default();
            (next(), next(), next())
        })
        .collect()
}

/// One transition, in the words of its states and event.
pub(crate) fn transition(from: &str, event: &str, to: &str) -> Transition {
    (from.to_owned(), event.to_owned(), to.to_owned())
}
