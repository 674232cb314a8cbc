//! Households and what is kept for their children.

use onboarding::screening::Screening;
use onboarding::{Children, Guardians, Handovers, Households, Invitations, Spendings};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::Database;

/// What handlers ask about families.
pub(crate) struct Families {
    pub(crate) households: Households,
    pub(crate) invitations: Invitations,
    pub(crate) children: Children,
    pub(crate) guardians: Guardians,
    pub(crate) spendings: Spendings,
    pub(crate) handovers: Handovers,
}

impl Families {
    /// The families of a database.
    pub(super) fn new(database: &Database, cipher: &Cipher, clock: &Clock, screening: &Screening) -> Self {
        let ground = || (database.clone(), cipher.clone(), clock.clone());
        let (first, second, third) = (ground(), ground(), ground());
        let children = Children::new(third.0, third.1, third.2);
        Self {
            households: Households::new(first.0, first.1, first.2),
            invitations: Invitations::new(second.0, second.1, second.2, screening.clone()),
            guardians: Guardians::new(children.clone()),
            spendings: Spendings::new(children.clone()),
            handovers: Handovers::new(children.clone()),
            children,
        }
    }
}
