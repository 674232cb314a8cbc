//! Keys that were booked lately, so that a retry in the same minutes does not cost its neighbours their speed.

use std::collections::HashMap;

use uuid::Uuid;

use super::batch::Booked;

/// Keys of one generation; two are kept.
const GENERATION: usize = 65_536;

/// The last keys that were booked. What is booked never changes, so nothing in here can be wrong.
#[derive(Debug, Default)]
pub(super) struct Recent {
    young: HashMap<Uuid, Booked>,
    old: HashMap<Uuid, Booked>,
}

impl Recent {
    pub(super) fn find(&self, key: Uuid) -> Option<Booked> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    pub(super) fn remember(&mut self, key: Uuid, booked: Booked) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, booked);
    }
}
