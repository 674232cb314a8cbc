//! What the writer reads and finds for entries that move units of projects.

use std::collections::HashSet;

use diesel::result::Error as DieselError;
use diesel_async::AsyncPgConnection;

use super::accounts::Slot;
use super::lots::{Move, MoveSide, Piece, Said};
use super::memory::Memory;
use super::store;
use crate::account::Side;
use crate::lots::{LotName, SaidOfLots};
use crate::unit_of_work::{Refusal, UnitOfWork};
use crate::{AccountCode, Commodity, Entry, Sequence};

impl Memory {
    /// Why an account is not to be found.
    pub(super) fn unfound(&self, code: &AccountCode, commodity: Commodity) -> Refusal {
        match Refusal::no_account(&self.chart, code, commodity) {
            _ if code.is_erased() => Refusal::AccountErased(code.clone()),
            Refusal::UnknownAccount(_) if self.chart.template(code).is_some() => Refusal::UnknownUnit(commodity),
            refusal => refusal,
        }
    }

    /// Reads what those who give units hold of lots, as it is now.
    pub(super) async fn read_lots(
        &mut self,
        connection: &mut AsyncPgConnection,
        units: &[UnitOfWork],
    ) -> Result<(), DieselError> {
        self.accounts.lots.forget_all();
        let postings = units.iter().filter(|unit| unit.entry.has_units()).flat_map(|unit| unit.entry.postings());
        let holders: HashSet<Slot> = postings
            .filter(|posting| posting.account().kind().normal_side() == Side::Credit)
            .filter_map(|posting| self.accounts.find(posting.account(), posting.amount().commodity()))
            .filter(|slot| self.accounts.get(*slot).number != 0)
            .collect();
        if holders.is_empty() {
            return Ok(());
        }
        let numbers: Vec<i64> = holders.iter().map(|slot| self.accounts.get(*slot).number).collect();
        let mut held = store::load_lots(connection, self.head.book, &numbers).await?;
        for slot in holders {
            let pieces = held.remove(&self.accounts.get(slot).number).unwrap_or_default();
            self.accounts.lots.remember(slot, pieces);
        }
        Ok(())
    }

    /// What the postings of units do to lots; `amounts` has slot and amount of every posting.
    pub(super) fn moves(&self, entry: &Entry, amounts: &[(Slot, i64)]) -> Vec<Move> {
        let numbered = entry.postings().iter().zip(amounts).zip(1_i16..);
        let of_units = numbered.filter(|((posting, _), _)| posting.amount().commodity().unit().is_some());
        of_units
            .map(|((posting, &(slot, amount_minor)), ordinal)| Move {
                ordinal,
                slot,
                commodity: posting.amount().commodity(),
                amount_minor,
                side: match (posting.account().kind().normal_side(), amount_minor > 0) {
                    (Side::Debit, true) => MoveSide::Issues,
                    (Side::Credit, true) => MoveSide::Gives,
                    (_, false) => MoveSide::Receives,
                },
                said: said(posting.lots()),
            })
            .collect()
    }
}

fn said(lots: &SaidOfLots) -> Said {
    /// Stands where the entry's sequence will.
    const NAMELESS: LotName = LotName { sequence: Sequence::new(0), number: 0 };
    match lots {
        SaidOfLots::Nothing => Said::Nothing,
        SaidOfLots::Given(given) => Said::Given(given.iter().map(|given| (given.lot, given.amount.minor())).collect()),
        SaidOfLots::Issued(issued) => Said::Issued(
            issued
                .iter()
                .map(|issued| Piece {
                    lot: NAMELESS,
                    acquired_on: issued.acquired_on,
                    amount_minor: issued.amount.minor(),
                    cost: issued.cost.map(|cost| (cost.currency().number(), cost.minor())),
                })
                .collect(),
        ),
    }
}
