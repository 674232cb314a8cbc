//! Who has to wait before money is released. Another room knows; this one asks in its own words.

use std::collections::HashSet;
use std::future::Future;

use uuid::Uuid;

use crate::Error;

/// Knows which owners of projects and which suppliers have to wait, because somebody looks at who they are. A supplier
/// is known by the id of the milestone for which it is paid.
pub trait Clearance: Sync {
    /// Which of these have to wait.
    fn waiting(&self, parties: Vec<Uuid>) -> impl Future<Output = Result<HashSet<Uuid>, Error>> + Send;
}
