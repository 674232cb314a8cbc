//! Taking an entry back: a new entry with the postings turned round, which names the old one. Once only.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::balances::stored_code;
use crate::lots::LotsOfPostings;
use crate::schema::{accounts, entries, hold_changes, period_changes, postings};
use crate::{
    AccountCode, Amount, Commodity, EntryBuilder, EntryKind, Error, GivenLot, Ledger, Lot, NewLot, Sequence, Side,
};

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
        let rows: Vec<(i16, String, i32, i64)> = postings::table
            .inner_join(
                accounts::table
                    .on(accounts::book_id.eq(postings::book_id).and(accounts::account.eq(postings::account))),
            )
            .filter(postings::book_id.eq(book))
            .filter(postings::sequence.eq(asked))
            .order(postings::ordinal)
            .select((postings::ordinal, accounts::code, accounts::commodity, postings::amount_minor))
            .load(&mut connection)
            .await?;
        let commodities: Vec<i32> = rows.iter().map(|row| row.2).collect();
        self.units.learn(&mut connection, commodities.clone()).await?;
        let span = (asked - 1, asked);
        let mut lots = LotsOfPostings::read(&mut connection, self.book, &self.units, span, commodities).await?;
        let mut reversal = crate::Entry::builder(kind, self.today()).reversing(entry);
        if let Some(subject) = subject {
            reversal = reversal.subject(subject);
        }
        let postings = rows
            .into_iter()
            .map(|(ordinal, code, commodity, amount)| {
                let amount = Amount::from_minor(amount, self.units.commodity(commodity)?);
                Ok(Booked { account: stored_code(&code)?, amount, lots: lots.take(asked, ordinal) })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        for posting in &postings {
            let fate = fate(&postings, posting.amount.commodity()).ok_or_else(|| {
                not_reversible(
                    "it took back some units and passed others on; book what is right as entries of their own",
                )
            })?;
            reversal = posting.turned_round(reversal, fate)?;
        }
        Ok(reversal)
    }
}

/// A posting that is taken back.
struct Booked {
    account: AccountCode,
    amount: Amount,
    lots: Vec<Lot>,
}

/// What became of the units that holders gave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Other holders have them.
    PassedOn,
    /// They were taken back by who issued them, so they are issued again.
    TakenBack,
}

fn fate(postings: &[Booked], commodity: Commodity) -> Option<Fate> {
    let received = postings.iter().filter(|posting| posting.amount.commodity() == commodity);
    let received = received.filter(|posting| posting.amount.minor() < 0 && commodity.unit().is_some());
    let issuers = received.clone().filter(|posting| posting.account.kind().normal_side() == Side::Debit).count();
    match issuers {
        0 => Some(Fate::PassedOn),
        all if all == received.count() => Some(Fate::TakenBack),
        _ => None,
    }
}

impl Booked {
    fn turned_round(&self, reversal: EntryBuilder, fate: Fate) -> Result<EntryBuilder, Error> {
        let beyond = |_| Error::Corrupt(format!("an amount of {}", self.amount));
        let account = self.account.clone();
        let is_holding = account.kind().normal_side() == Side::Credit && !self.lots.is_empty();
        if self.amount.is_positive() {
            return Ok(match fate {
                Fate::TakenBack if is_holding => {
                    let again = |lot: &Lot| NewLot { amount: lot.amount, acquired_on: lot.acquired_on, cost: lot.cost };
                    reversal.credit_lots(account, self.lots.iter().map(again).collect())
                }
                _ => reversal.credit(account, self.amount),
            });
        }
        if !is_holding {
            return Ok(reversal.debit(account, self.amount.checked_neg().map_err(beyond)?));
        }
        // What was received goes back, whatever else is held meanwhile.
        let back = |lot: &Lot| Ok(GivenLot { lot: lot.name, amount: lot.amount.checked_neg().map_err(beyond)? });
        Ok(reversal.debit_lots(account, self.lots.iter().map(back).collect::<Result<_, Error>>()?))
    }
}
