//! Reading lots: those of postings, and what an account holds.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Lot, LotName};
use crate::balances::currency;
use crate::schema::lots;
use crate::units::{Unit, Units, is_unit};
use crate::{AccountCode, Amount, AsOf, BookId, Commodity, Error, Ledger, Money, Sequence};

/// Lots of an account that one page has at most.
pub const MAX_PAGE_LOTS: i64 = 500;

/// The lots of postings, by entry and place in it.
#[derive(Debug, Default)]
pub(crate) struct LotsOfPostings(HashMap<(i64, i16), Vec<Lot>>);

impl LotsOfPostings {
    /// The lots of the entries after `after` up to `to`, oldest first; `commodities` are those of their postings, and
    /// where no units are among them nothing is read. The caller bounds how many.
    pub(crate) async fn read(
        connection: &mut AsyncPgConnection,
        book: BookId,
        units: &Units,
        (after, to): (i64, i64),
        commodities: Vec<i32>,
    ) -> Result<Self, Error> {
        type Row = (i64, i16, (i64, i16), i32, NaiveDate, i64, Option<i32>, Option<i64>);
        if !commodities.into_iter().any(is_unit) {
            return Ok(Self::default());
        }
        let rows: Vec<Row> = lots::table
            .filter(lots::book_id.eq(book.number()))
            .filter(lots::sequence.gt(after))
            .filter(lots::sequence.le(to))
            .order((lots::sequence, lots::ordinal, lots::acquired_on, lots::lot_sequence, lots::lot_number))
            .select((
                lots::sequence,
                lots::ordinal,
                (lots::lot_sequence, lots::lot_number),
                lots::commodity,
                lots::acquired_on,
                lots::amount_minor,
                lots::cost_commodity,
                lots::cost_minor,
            ))
            .load(connection)
            .await?;
        units.learn(connection, rows.iter().map(|row| row.3).collect()).await?;
        let mut found = HashMap::<(i64, i16), Vec<Lot>>::new();
        for (sequence, ordinal, (lot_sequence, number), commodity, acquired_on, amount, cost_commodity, cost) in rows {
            let lot = Lot {
                name: LotName { sequence: Sequence::new(lot_sequence), number },
                acquired_on,
                amount: Amount::from_minor(amount, units.commodity(commodity)?),
                cost: money(cost_commodity, cost)?,
            };
            found.entry((sequence, ordinal)).or_default().push(lot);
        }
        Ok(Self(found))
    }

    /// Those of one posting.
    pub(crate) fn take(&mut self, sequence: i64, ordinal: i16) -> Vec<Lot> {
        self.0.remove(&(sequence, ordinal)).unwrap_or_default()
    }
}

fn money(commodity: Option<i32>, minor: Option<i64>) -> Result<Option<Money>, Error> {
    let cost = commodity.zip(minor).map(|(commodity, minor)| Ok(Money::from_minor(minor, currency(commodity)?)));
    cost.transpose()
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = BigInt)]
    lot_sequence: i64,
    #[diesel(sql_type = SmallInt)]
    lot_number: i16,
    #[diesel(sql_type = Date)]
    acquired_on: NaiveDate,
    #[diesel(sql_type = Nullable<Integer>)]
    cost_commodity: Option<i32>,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    cost: Option<i64>,
}

impl Ledger {
    /// The lots that an account holds of a unit, as known then, in the order of their names after one; amounts and costs
    /// on the account's normal side, at most [`MAX_PAGE_LOTS`].
    ///
    /// # Errors
    /// [`Error::SequenceAhead`], [`Error::NotYet`] or [`Error::BeforeHistory`] for a moment of which nothing can be
    /// said.
    pub async fn lots(
        &self,
        code: &AccountCode,
        unit: Unit,
        known: AsOf,
        after: Option<LotName>,
        limit: i64,
    ) -> Result<Vec<Lot>, Error> {
        // Diesel has no comparison of rows.
        const TEXT: &str = "select l.lot_sequence, l.lot_number, min(l.acquired_on) as acquired_on,
                min(l.cost_commodity) as cost_commodity, sum(l.amount_minor)::int8 as amount,
                sum(l.cost_minor)::int8 as cost
            from ledger.lots l
            join ledger.accounts a on a.book_id = l.book_id and a.account = l.account
            where a.book_id = $1
              and a.code = $2
              and a.commodity = $3
              and l.sequence <= $4
              and (l.lot_sequence, l.lot_number) > ($5, $6)
            group by l.lot_sequence, l.lot_number
            having sum(l.amount_minor) <> 0
            order by l.lot_sequence, l.lot_number
            limit $7";
        let known = self.cut(known.into()).await?.known;
        let (sequence, number) = after.map_or((0, 0), |lot| (lot.sequence.number(), lot.number));
        let mut connection = self.database.connection().await?;
        let rows: Vec<HeldRow> = diesel::sql_query(TEXT)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<Text, _>(code.as_str())
            .bind::<Integer, _>(unit.number())
            .bind::<BigInt, _>(known)
            .bind::<BigInt, _>(sequence)
            .bind::<SmallInt, _>(number)
            .bind::<BigInt, _>(limit.clamp(1, MAX_PAGE_LOTS))
            .load(&mut connection)
            .await?;
        let sign = match code.kind().normal_side() {
            crate::Side::Debit => 1,
            crate::Side::Credit => -1,
        };
        let lot = |row: HeldRow| {
            Ok(Lot {
                name: LotName { sequence: Sequence::new(row.lot_sequence), number: row.lot_number },
                acquired_on: row.acquired_on,
                amount: Amount::from_minor(sign * row.amount, Commodity::Unit(unit)),
                cost: money(row.cost_commodity, row.cost.map(|cost| sign * cost))?,
            })
        };
        rows.into_iter().map(lot).collect()
    }
}
