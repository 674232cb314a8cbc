//! The kinds of problems: one table, from which the answers and their pages are made. What each is called, and what to
//! do about it, stands in `config/languages/*/problems.ftl`.

use onboarding::Language;

use crate::languages;

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its name in the address of its page; never changed.
    pub(crate) name: &'static str,
    pub(crate) status: u16,
}

impl Kind {
    /// What it is called.
    pub(crate) fn title(&self, language: Language) -> String {
        languages::plain(language, &format!("kind-{}", self.name))
    }

    /// What to do about it.
    pub(crate) fn advice(&self, language: Language) -> String {
        languages::plain(language, &format!("kind-{}.advice", self.name))
    }
}

macro_rules! kinds {
    ($($constant:ident = $status:literal $name:literal;)*) => {
        $(pub(crate) const $constant: Kind = Kind { name: $name, status: $status };)*

        /// All kinds.
        pub(crate) const ALL: &[Kind] = &[$($constant),*];
    };
}

kinds! {
    MALFORMED = 400 "malformed-request";
    KEY_MISSING = 400 "idempotency-key-missing";
    UNAUTHENTICATED = 401 "unauthenticated";
    WRONG_CREDENTIALS = 401 "wrong-credentials";
    FORBIDDEN = 403 "forbidden";
    LIMIT_REACHED = 403 "limit-reached";
    TWO_PEOPLE = 403 "two-people";
    OUTSIDE_GRANT = 403 "outside-grant";
    DEVICE_NOT_PROVEN = 403 "device-not-proven";
    SECOND_FACTOR_NEEDED = 403 "second-factor-needed";
    UNDER_REVIEW = 403 "under-review";
    NOT_FOUND = 404 "not-found";
    METHOD_NOT_ALLOWED = 405 "method-not-allowed";
    WRONG_STATE = 409 "wrong-state";
    OTHER_CONTENT = 409 "other-content";
    STILL_RUNNING = 409 "still-running";
    QUOTE_EXPIRED = 409 "quote-expired";
    RATE_STALE = 409 "rate-stale";
    TOO_EARLY = 409 "too-early";
    TOO_LATE = 409 "too-late-to-cancel";
    CODE_TAKEN = 409 "code-taken";
    BELOW_FLOOR = 409 "not-enough-money";
    TOO_LARGE = 413 "too-large";
    MEDIA_TYPE = 415 "unsupported-media-type";
    INVALID = 422 "invalid-request";
    KEY_REUSED = 422 "idempotency-key-reused";
    FILE_REFUSED = 422 "file-refused";
    TOO_MANY_REQUESTS = 429 "too-many-requests";
    INTERNAL = 500 "internal";
    BUSY = 503 "busy";
    UNAVAILABLE = 503 "unavailable";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_an_address() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
    }
}
