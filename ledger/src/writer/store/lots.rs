//! Lots: reading what accounts hold of them, writing what a batch moved.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, SmallInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::super::lots::Piece;
use super::super::plan::Plan;
use super::{Bind, Prepared};
use crate::lots::LotName;
use crate::{BookId, Sequence};

/// What those accounts hold of lots, by account; credits, on whose side units are held, count as positive.
pub(in super::super) async fn load_lots(
    connection: &mut AsyncPgConnection,
    book: BookId,
    accounts: &[i64],
) -> QueryResult<HashMap<i64, Vec<Piece>>> {
    const TEXT: &str = "select account, lot_sequence, lot_number, min(acquired_on), min(cost_commodity),
            -sum(amount_minor)::int8, -sum(cost_minor)::int8
        from ledger.lots
        where book_id = $1
          and account = any($2)
        group by account, lot_sequence, lot_number
        having sum(amount_minor) <> 0";
    type SqlRow = (BigInt, BigInt, SmallInt, Date, Nullable<Integer>, BigInt, Nullable<BigInt>);
    type Row = (i64, i64, i16, NaiveDate, Option<i32>, i64, Option<i64>);
    let binds = vec![Bind::SmallInt(book.number()), Bind::BigInts(accounts)];
    let rows: Vec<Row> = Prepared::<SqlRow>::new(TEXT, binds).load(connection).await?;
    let mut held = HashMap::<i64, Vec<Piece>>::new();
    for (account, sequence, number, acquired_on, currency, amount_minor, cost) in rows {
        let lot = LotName { sequence: Sequence::new(sequence), number };
        held.entry(account).or_default().push(Piece { lot, acquired_on, amount_minor, cost: currency.zip(cost) });
    }
    Ok(held)
}

/// Writes the lots that the plan's postings move.
pub(super) async fn write_lots(connection: &mut AsyncPgConnection, plan: &Plan) -> QueryResult<()> {
    const TEXT: &str = "insert into ledger.lots (book_id, ordinal, lot_number, commodity, cost_commodity, acquired_on,
            sequence, lot_sequence, account, amount_minor, cost_minor)
        select $1, ordinal, lot_number, commodity, cost_commodity, acquired_on, sequence, lot_sequence, account,
            amount_minor, cost_minor
        from unnest($2::int2[], $3::int2[], $4::int4[], $5::int8[], $6::date[], $7::int8[], $8::int8[], $9::int8[],
            $10::int8[], $11::int8[])
            as lot (ordinal, lot_number, commodity, cost_commodity, acquired_on, sequence, lot_sequence, account,
                amount_minor, cost_minor)";
    let lots = &plan.lots;
    if lots.is_empty() {
        return Ok(());
    }
    let ordinals: Vec<i16> = lots.iter().map(|lot| lot.ordinal).collect();
    let numbers: Vec<i16> = lots.iter().map(|lot| lot.piece.lot.number).collect();
    let commodities: Vec<i32> = lots.iter().map(|lot| lot.commodity).collect();
    let currencies: Vec<Option<i64>> = lots.iter().map(|lot| lot.piece.cost.map(|(number, _)| number.into())).collect();
    let dates: Vec<NaiveDate> = lots.iter().map(|lot| lot.piece.acquired_on).collect();
    let sequences: Vec<i64> = lots.iter().map(|lot| lot.sequence).collect();
    let lot_sequences: Vec<i64> = lots.iter().map(|lot| lot.piece.lot.sequence.number()).collect();
    let accounts: Vec<i64> = lots.iter().map(|lot| lot.account).collect();
    let amounts: Vec<i64> = lots.iter().map(|lot| lot.amount_minor()).collect();
    let costs: Vec<Option<i64>> = lots.iter().map(|lot| lot.cost_minor()).collect();
    let binds = vec![
        Bind::SmallInt(plan.before.book.number()),
        Bind::SmallInts(&ordinals),
        Bind::SmallInts(&numbers),
        Bind::Integers(&commodities),
        Bind::OptionalBigInts(&currencies),
        Bind::Dates(&dates),
        Bind::BigInts(&sequences),
        Bind::BigInts(&lot_sequences),
        Bind::BigInts(&accounts),
        Bind::BigInts(&amounts),
        Bind::OptionalBigInts(&costs),
    ];
    Prepared::<()>::new(TEXT, binds).execute(connection).await?;
    Ok(())
}
