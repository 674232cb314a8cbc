//! The kinds of problems: one table, from which the answers and their pages are made.

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its name in the address of its page; never changed.
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    pub(crate) title: &'static str,
    /// What to do about it.
    pub(crate) advice: &'static str,
}

macro_rules! kinds {
    ($($constant:ident = $status:literal $name:literal, $title:literal, $advice:literal;)*) => {
        $(pub(crate) const $constant: Kind = Kind { name: $name, status: $status, title: $title, advice: $advice };)*

        /// All kinds.
        pub(crate) const ALL: &[Kind] = &[$($constant),*];
    };
}

kinds! {
    MALFORMED = 400 "malformed-request", "The request cannot be read",
        "Send what the OpenAPI document describes: JSON with the fields named there, and no others.";
    KEY_MISSING = 400 "idempotency-key-missing", "The Idempotency-Key is missing or faulty",
        "Send a header Idempotency-Key with 1 to 64 visible ASCII characters, a fresh one for each thing to be done, and the same one for every retry of it.";
    UNAUTHENTICATED = 401 "unauthenticated", "Nobody is signed in",
        "Get a token for this surface and send it as Authorization: Bearer. Tokens of another surface are not taken.";
    WRONG_CREDENTIALS = 401 "wrong-credentials", "The credentials are not right",
        "Check them. Which part is wrong is not told.";
    FORBIDDEN = 403 "forbidden", "This is not allowed",
        "The account may not do this as it stands; the detail says why.";
    LIMIT_REACHED = 403 "limit-reached", "This goes beyond what may be sent",
        "Send less or to fewer people, wait, or let us know more of you to lift the limit.";
    TWO_PEOPLE = 403 "two-people", "It takes two people",
        "Somebody else than the one who asked for it has to approve it.";
    OUTSIDE_GRANT = 403 "outside-grant", "The grant does not show this",
        "Ask within the books, the days and the data that the grant names; the operator can make another grant.";
    UNDER_REVIEW = 403 "under-review", "This waits for our staff",
        "Nothing is lost: the money stays where it is. Try again when you hear from us, or ask us.";
    NOT_FOUND = 404 "not-found", "There is no such thing here",
        "Check the address. What belongs to others is answered in the same way as what is not there.";
    METHOD_NOT_ALLOWED = 405 "method-not-allowed", "This cannot be done at this address",
        "See the header Allow for what can.";
    WRONG_STATE = 409 "wrong-state", "The state does not allow it",
        "Read the thing again: it has moved on, or has not come so far.";
    OTHER_CONTENT = 409 "other-content", "What is approved is not what is there",
        "Read it again, look at it, and approve it with its digest.";
    STILL_RUNNING = 409 "still-running", "The request with this key is still running",
        "Wait a moment and send it again with the same key.";
    QUOTE_EXPIRED = 409 "quote-expired", "The quote has expired",
        "Ask for a new quote.";
    RATE_STALE = 409 "rate-stale", "There is no fresh rate",
        "No quote is given on an old rate. Try again when a rate has been set.";
    TOO_LATE = 409 "too-late-to-cancel", "The time for cancelling has run out",
        "A remittance can be cancelled within 30 minutes of its pay-in.";
    CODE_TAKEN = 409 "code-taken", "The code is taken",
        "Choose another one.";
    BELOW_FLOOR = 409 "not-enough-money", "There is not enough money on the account",
        "Choose a smaller amount.";
    TOO_LARGE = 413 "too-large", "The request is too large",
        "Bodies have at most 256 KiB, bank files 10 MiB, statements and lists 512 MiB.";
    MEDIA_TYPE = 415 "unsupported-media-type", "The body is in a form that is not read here",
        "Send the Content-Type that the OpenAPI document names.";
    INVALID = 422 "invalid-request", "The request has faults",
        "See errors: each names the field, the rule and what would be right.";
    KEY_REUSED = 422 "idempotency-key-reused", "The key was used for another request",
        "Use a fresh Idempotency-Key for each thing to be done.";
    FILE_REFUSED = 422 "file-refused", "The file is refused",
        "Nothing of it was taken. Mend what the detail names and send the whole file again.";
    TOO_MANY_REQUESTS = 429 "too-many-requests", "Too many requests",
        "Wait as long as Retry-After says.";
    INTERNAL = 500 "internal", "Something failed on our side",
        "Try again with the same Idempotency-Key; tell us the instance if it stays.";
    BUSY = 503 "busy", "Too much is waiting",
        "Try again after Retry-After with the same Idempotency-Key.";
    UNAVAILABLE = 503 "unavailable", "The service cannot be reached at the moment",
        "Whether the request was carried out is not known; the same Idempotency-Key tells, and nothing is done twice.";
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
