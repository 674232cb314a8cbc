//! Lots and units from the tables, as the leaves of entries with units need them.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::leaf::{LeafLot, LeafUnit};
use crate::schema::lots;
use crate::units::{Units, is_unit};
use crate::{BookId, Error};

/// A part of a lot as it is booked.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct LotRow {
    pub(crate) sequence: i64,
    pub(crate) ordinal: i16,
    pub(crate) lot_sequence: i64,
    pub(crate) lot_number: i16,
    pub(crate) account: i64,
    pub(crate) commodity: i32,
    pub(crate) acquired_on: NaiveDate,
    pub(crate) amount: i64,
    pub(crate) cost_commodity: Option<i32>,
    pub(crate) cost: Option<i64>,
}

impl LotRow {
    pub(super) fn leaf(&self) -> LeafLot {
        LeafLot {
            ordinal: self.ordinal,
            lot: (self.lot_sequence, self.lot_number),
            amount: self.amount,
            acquired_on: self.acquired_on.to_epoch_days(),
            cost: self.cost_commodity.zip(self.cost),
        }
    }
}

/// The lots of the entries after `after` up to `to`, in order.
pub(super) async fn read_lots(
    connection: &mut AsyncPgConnection,
    book: BookId,
    after: i64,
    to: i64,
) -> QueryResult<Vec<LotRow>> {
    lots::table
        .filter(lots::book_id.eq(book.number()))
        .filter(lots::sequence.gt(after))
        .filter(lots::sequence.le(to))
        .order((lots::sequence, lots::ordinal, lots::lot_sequence, lots::lot_number))
        .select((
            lots::sequence,
            lots::ordinal,
            lots::lot_sequence,
            lots::lot_number,
            lots::account,
            lots::commodity,
            lots::acquired_on,
            lots::amount_minor,
            lots::cost_commodity,
            lots::cost_minor,
        ))
        .load(connection)
        .await
}

/// The units among those commodities, each once, by number, with what stands for their definitions.
///
/// # Errors
/// [`Error::Corrupt`] for one that is not registered, or that is of no lot and no hold.
pub(super) fn leaf_units(units: &Units, commodities: impl Iterator<Item = i32>) -> Result<Vec<LeafUnit>, Error> {
    let numbers: BTreeSet<i32> = commodities.filter(|number| is_unit(*number)).collect();
    let leaf = |number| {
        let unit = units.find(number).and_then(crate::Commodity::unit);
        let unit = unit.ok_or_else(|| Error::Corrupt(format!("commodity {number} is no unit with lots")))?;
        Ok(LeafUnit { number, definition: unit.digest() })
    };
    numbers.into_iter().map(leaf).collect()
}
