//! Handovers: a child who came of age takes over the account that was kept for them.
//!
//! A code is given by an agent of an institution, who saw the document of whoever stands at the counter, or by a
//! guardian. It is entered by the grown-up child in an account of their own. What is stated there has to be the child's
//! name and birth date; with a guardian's code, we have to have seen the document that says so, or a guardian could open
//! a second account and be the child.

mod store;

use chrono::NaiveDate;
use ledger::AccountCode;

pub use store::Handovers;

use super::{Child, ChildId, SeenBirth};
use crate::household::{CodeId, SeenDocument};
use crate::person::text;
use crate::{Error, PersonId};

/// Who stands at an institution's counter, as their document says.
#[derive(Clone)]
pub struct HandoverStatement {
    account_number: String,
    name: String,
    birth_date: NaiveDate,
    seen: SeenDocument,
}

impl HandoverStatement {
    /// What an agent states.
    ///
    /// # Errors
    /// [`Error::Text`] for a faulty name or number.
    pub fn try_new(account_number: &str, name: &str, birth_date: NaiveDate, seen: SeenDocument) -> Result<Self, Error> {
        let account_number = text("account_number", account_number)?.replace(['-', ' '], "").to_ascii_uppercase();
        Ok(Self { account_number, name: text("name", name)?, birth_date, seen })
    }
}

/// An account that may be taken over, by whom and by which code.
#[derive(Clone)]
pub struct Claim {
    pub(super) child: Child,
    /// None when it was used before.
    pub(super) code: Option<CodeId>,
    pub(super) by: PersonId,
}

impl Claim {
    /// Whose account it was kept for.
    #[must_use]
    pub const fn child(&self) -> ChildId {
        self.child.id
    }

    /// The account in the ledger.
    ///
    /// # Errors
    /// Never for an id.
    pub fn account(&self) -> Result<AccountCode, Error> {
        self.child.account()
    }

    /// Whether it has been taken over already, by the same person.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.child.handed_over_to == Some(self.by)
    }

    /// The currency that is moved.
    #[must_use]
    pub const fn currency(&self) -> ledger::Currency {
        self.child.currency()
    }
}

/// Whether two names are written for one person: the same words, in any order, case and script.
fn is_same_name(one: &str, other: &str) -> bool {
    let words = |name: &str| {
        let latin = any_ascii::any_ascii(name).to_lowercase();
        let mut words: Vec<String> = latin
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        words.sort_unstable();
        words
    };
    let one = words(one);
    !one.is_empty() && one == words(other)
}

/// Whether somebody who says so is the child.
fn is_child(child: &Child, said: &SeenBirth) -> bool {
    child.birth_date == said.birth_date && is_same_name(&child.name, &said.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_another_order_case_or_script() {
        for (one, other) in
            [("Awa Ndiaye", "NDIAYE Awa"), ("Aïssata Bâ", "aissata ba"), ("Jean-Paul Sarr", "Sarr Jean Paul")]
        {
            assert!(is_same_name(one, other), "{one} {other}");
        }
        for (one, other) in [("Awa Ndiaye", "Awa"), ("Awa Ndiaye", "Awa Diop"), ("", ""), ("-", "-")] {
            assert!(!is_same_name(one, other), "{one} {other}");
        }
    }
}
