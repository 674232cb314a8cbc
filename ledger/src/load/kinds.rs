use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::LineFault;
use crate::EntryKind;

/// Kinds that files may bring into one process. Each is kept for as long as the process lives.
const MAX_LOADED_KINDS: usize = 256;
/// Characters of a kind.
const MAX_KIND: usize = 60;

static KNOWN: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

/// The kind of that name. A kind is a word of the program everywhere else; a file's words are made so here, each once.
pub(super) fn kind(name: &str) -> Result<EntryKind, LineFault> {
    let in_form = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if name.is_empty() || name.len() > MAX_KIND || !name.bytes().all(in_form) {
        return Err(LineFault::Kind { kind: name.chars().take(MAX_KIND).collect() });
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(name) = known.get(name) {
        return Ok(EntryKind::new(name));
    }
    if known.len() >= MAX_LOADED_KINDS {
        return Err(LineFault::TooManyKinds { most: MAX_LOADED_KINDS });
    }
    let name: &'static str = Box::leak(name.into());
    known.insert(name);
    Ok(EntryKind::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_word_in_lower_case_and_made_once() {
        let first = kind("opening-balance").expect("a kind");
        let second = kind("opening-balance").expect("a kind");
        assert!(std::ptr::eq(first.name(), second.name()));
        for name in ["", "Opening", "opening balance", "ouverture-d\u{e9}but", &"a".repeat(MAX_KIND + 1)] {
            assert!(matches!(kind(name), Err(LineFault::Kind { .. })), "{name:?}");
        }
    }
}
