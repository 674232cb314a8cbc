//! Taking an entry back: a new entry with the postings turned round, which names the old one. Once only.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::balances::stored_code;
use crate::schema::{accounts, entries, hold_changes, period_changes, postings};
use crate::{Amount, EntryBuilder, EntryKind, Error, Ledger, Sequence};

impl Ledger {
    /// An entry that takes back another one, effective today; further postings make it a correction, which takes back
    /// and books anew in one.
    ///
    /// That it is the only one to do so is decided when it is booked: see [`crate::Refusal::AlreadyReversed`].
    ///
    /// # Errors
    /// [`Error::SequenceAhead`] for an entry that is not booked, [`Error::NotReversible`] for one that changed a hold
    /// or a period.
    pub async fn reversal(&self, entry: Sequence, kind: EntryKind) -> Result<EntryBuilder, Error> {
        self.require(entry).await?;
        let asked = entry.number();
        let mut connection = self.database.connection().await?;
        let book = self.book.number();
        let not_reversible = |reason| Error::NotReversible { sequence: asked, reason };
        let changes_holds: bool = diesel::select(diesel::dsl::exists(
            hold_changes::table.filter(hold_changes::book_id.eq(book)).filter(hold_changes::sequence.eq(asked)),
        ))
        .get_result(&mut connection)
        .await?;
        if changes_holds {
            return Err(not_reversible("it changed a hold"));
        }
        let changes_period: bool = diesel::select(diesel::dsl::exists(
            period_changes::table.filter(period_changes::book_id.eq(book)).filter(period_changes::sequence.eq(asked)),
        ))
        .get_result(&mut connection)
        .await?;
        if changes_period {
            return Err(not_reversible("it changed a period"));
        }
        let subject: Option<uuid::Uuid> = entries::table
            .filter(entries::book_id.eq(book))
            .filter(entries::sequence.eq(asked))
            .select(entries::subject)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or_else(|| not_reversible("there is no such entry"))?;
        let rows: Vec<(String, i32, i64)> = postings::table
            .inner_join(
                accounts::table
                    .on(accounts::book_id.eq(postings::book_id).and(accounts::account.eq(postings::account))),
            )
            .filter(postings::book_id.eq(book))
            .filter(postings::sequence.eq(asked))
            .order(postings::ordinal)
            .select((accounts::code, accounts::commodity, postings::amount_minor))
            .load(&mut connection)
            .await?;
        self.units.learn(&mut connection, rows.iter().map(|row| row.1).collect()).await?;
        let mut reversal = crate::Entry::builder(kind, self.today()).reversing(entry);
        if let Some(subject) = subject {
            reversal = reversal.subject(subject);
        }
        for (code, commodity, amount) in rows {
            let code = stored_code(&code)?;
            let size = amount.checked_abs().ok_or_else(|| Error::Corrupt(format!("an amount of {amount}")))?;
            let size = Amount::from_minor(size, self.units.commodity(commodity)?);
            reversal = if amount > 0 { reversal.credit(code, size) } else { reversal.debit(code, size) };
        }
        Ok(reversal)
    }
}
