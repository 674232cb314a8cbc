use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ledger::{BasisPoints, Currency, Money};
use platform::clock::Clock;
use platform::database::Database;

use super::{Allocation, Quote, QuoteId, QuoteRequest, SenderId, quote};
use crate::rate::Rates;
use crate::schema::quotes;
use crate::{Corridors, Error};

/// All quotes.
#[derive(Clone)]
pub struct Quotes {
    database: Database,
    clock: Clock,
    corridors: std::sync::Arc<Corridors>,
    rates: Rates,
}

#[derive(Queryable, Insertable, Selectable)]
#[diesel(table_name = quotes)]
struct Row {
    quote_id: QuoteId,
    sender_id: SenderId,
    corridor: String,
    source_currency: String,
    target_currency: String,
    sent_minor: i64,
    fee_minor: i64,
    family_minor: i64,
    at_mid_minor: i64,
    received_minor: i64,
    mid_rate: String,
    rate: String,
    rate_set_at: DateTime<Utc>,
    cost_basis_points: i32,
    reference_cost_basis_points: Option<i32>,
    allocations: serde_json::Value,
    base_minor: i64,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl Quotes {
    /// The quotes of a database.
    #[must_use]
    pub const fn new(database: Database, clock: Clock, corridors: std::sync::Arc<Corridors>, rates: Rates) -> Self {
        Self { database, clock, corridors, rates }
    }

    /// A price, without keeping it.
    ///
    /// # Errors
    /// Every reason for which a quote is refused.
    pub async fn preview(&self, request: &QuoteRequest) -> Result<Quote, Error> {
        let rates = self.rates.table().await?;
        quote(QuoteId::generate(), request, &self.corridors, &rates, self.clock.now())
    }

    /// Makes and keeps a quote; a repeated id answers the quote that was made first.
    ///
    /// # Errors
    /// Every reason for which a quote is refused.
    pub async fn make(&self, sender: SenderId, id: QuoteId, request: &QuoteRequest) -> Result<Quote, Error> {
        let mut connection = self.database.connection().await?;
        if let Some(known) = find_in(&mut connection, sender, id, self.corridors.base).await? {
            return Ok(known);
        }
        drop(connection);
        let rates = self.rates.table().await?;
        let made = quote(id, request, &self.corridors, &rates, self.clock.now())?;
        let mut connection = self.database.connection().await?;
        diesel::insert_into(quotes::table)
            .values(Row::of(sender, &made)?)
            .on_conflict_do_nothing()
            .execute(&mut connection)
            .await?;
        find_in(&mut connection, sender, id, self.corridors.base).await?.ok_or(Error::NotFound("quote"))
    }

    /// A sender's quote.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not theirs.
    pub async fn get(&self, sender: SenderId, id: QuoteId) -> Result<Quote, Error> {
        let mut connection = self.database.connection().await?;
        find_in(&mut connection, sender, id, self.corridors.base).await?.ok_or(Error::NotFound("quote"))
    }
}

pub(crate) async fn find_in(
    connection: &mut AsyncPgConnection,
    sender: SenderId,
    id: QuoteId,
    base: Currency,
) -> Result<Option<Quote>, Error> {
    let row: Option<Row> = quotes::table
        .find(id)
        .filter(quotes::sender_id.eq(sender))
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(|row| row.quote(base)).transpose()
}

impl Row {
    fn of(sender: SenderId, quote: &Quote) -> Result<Self, Error> {
        let points = |points: BasisPoints| i32::try_from(points.value()).unwrap_or(i32::MAX);
        Ok(Self {
            quote_id: quote.id,
            sender_id: sender,
            corridor: quote.corridor.to_string(),
            source_currency: quote.sent.currency().to_string(),
            target_currency: quote.received.currency().to_string(),
            sent_minor: quote.sent.minor(),
            fee_minor: quote.fee.minor(),
            family_minor: quote.family.minor(),
            at_mid_minor: quote.at_mid.minor(),
            received_minor: quote.received.minor(),
            mid_rate: quote.mid_rate.to_string(),
            rate: quote.rate.to_string(),
            rate_set_at: quote.rate_set_at,
            cost_basis_points: points(quote.cost),
            reference_cost_basis_points: quote.reference_cost.map(points),
            allocations: serde_json::to_value(&quote.allocations)?,
            base_minor: quote.in_base.minor(),
            created_at: quote.created_at,
            expires_at: quote.expires_at,
        })
    }

    fn quote(self, base: Currency) -> Result<Quote, Error> {
        let currency = |code: &str| Currency::try_new(code).map_err(|_| Error::Corrupt("a currency"));
        let (source, target) = (currency(&self.source_currency)?, currency(&self.target_currency)?);
        let points = |points: i32| BasisPoints::new(points.unsigned_abs());
        let allocations: Vec<Allocation> = serde_json::from_value(self.allocations)?;
        Ok(Quote {
            id: self.quote_id,
            corridor: crate::corridor::stored(self.corridor),
            sent: Money::from_minor(self.sent_minor, source),
            fee: Money::from_minor(self.fee_minor, source),
            family: Money::from_minor(self.family_minor, source),
            at_mid: Money::from_minor(self.at_mid_minor, target),
            received: Money::from_minor(self.received_minor, target),
            mid_rate: self.mid_rate.parse().map_err(|_| Error::Corrupt("a rate"))?,
            rate: self.rate.parse().map_err(|_| Error::Corrupt("a rate"))?,
            rate_set_at: self.rate_set_at,
            cost: points(self.cost_basis_points),
            reference_cost: self.reference_cost_basis_points.map(points),
            allocations,
            in_base: Money::from_minor(self.base_minor, base),
            created_at: self.created_at,
            expires_at: self.expires_at,
        })
    }
}
