//! Who has to wait before money moves on. Another room knows; this one asks in its own words.

use std::collections::HashSet;
use std::future::Future;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Error;

/// That nobody has to wait.
///
/// # Errors
/// [`Error::UnderReview`].
pub(crate) fn nobody_waits(waiting: &HashSet<Uuid>) -> Result<(), Error> {
    if waiting.is_empty() { Ok(()) } else { Err(Error::UnderReview) }
}

/// Knows which senders and beneficiaries have to wait, because somebody looks at who they are.
pub trait Clearance: Sync {
    /// Which of these have to wait.
    fn waiting(&self, parties: Vec<Uuid>) -> impl Future<Output = Result<HashSet<Uuid>, Error>> + Send;

    /// Since when the first of these has had to wait; none when none has to.
    fn waiting_since(&self, parties: Vec<Uuid>) -> impl Future<Output = Result<Option<DateTime<Utc>>, Error>> + Send;
}
