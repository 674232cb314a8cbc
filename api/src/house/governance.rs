//! What people do to books by hand, and whether the books hold.

use chrono::Duration;
use ledger::{AsOf, Check, Clearing, Difference, Ledger, ProposalRules, Proposals, Safeguarding, Verification};

use super::House;
use crate::problem::Problem;

/// How long something that is done by hand waits for the second person.
const PROPOSALS_LAPSE_AFTER: Duration = Duration::days(7);

/// What is checked of clients' money.
const SAFEGUARDING_CHECK: &str = "clients' money is covered by what is kept for it";

impl House {
    /// What is done to a book by hand: entries that moved the state of a room are left to the room.
    pub(crate) fn proposals(&self, book: &Ledger) -> Proposals {
        let bound_kinds = [remittance::ENTRY_KINDS, coinvestment::ENTRY_KINDS].concat().into();
        let rules = ProposalRules { lapses_after: PROPOSALS_LAPSE_AFTER, bound_kinds };
        Proposals::new(book.clone(), self.clearing.clone(), rules)
    }

    /// Recomputes every book, and whether clients' money is covered in each at the newest rates.
    pub(crate) async fn verify(
        &self,
        books: &Clearing,
        log_keys: &[String],
        progress: impl FnMut(i64, i64) + Send,
    ) -> Result<Verification, Problem> {
        let mut verification = books.verify_with_keys(log_keys, progress).await?;
        let rates = self.rates.table().await?;
        let mut difference = None;
        for book in books.books() {
            let equation = Safeguarding::of(&book.trial_balance(AsOf::Now).await?, book.chart(), &rates);
            let equation = equation.map_err(|error| Problem::internal(&error))?;
            if !equation.holds() && difference.is_none() {
                let what = equation.shortfall();
                difference = Some(Difference { book: book.book(), sequence: None, posting: None, what });
            }
        }
        verification.checks.push(Check { name: SAFEGUARDING_CHECK, difference });
        Ok(verification)
    }
}
