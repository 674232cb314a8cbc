use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use ledger::Currency;
use platform::database::Database;

use super::{RateNature, RateTable, SetRate};
use crate::Error;
use crate::schema::rates;

/// All rates that were ever set.
#[derive(Clone)]
pub struct Rates {
    database: Database,
    base: Currency,
}

impl Rates {
    /// The rates of a database, against a base currency.
    #[must_use]
    pub const fn new(database: Database, base: Currency) -> Self {
        Self { database, base }
    }

    /// Keeps rates; one that was set at the same time already is left as it is. Answers how many were new.
    ///
    /// # Errors
    /// [`Error::RatesFile`] for a rate against another base than ours.
    pub async fn set(&self, set: &[SetRate]) -> Result<usize, Error> {
        if let Some(other) = set.iter().find(|set| set.base != self.base || set.counter == self.base) {
            let expected = self.base;
            return Err(Error::RatesFile(format!(
                "{}/{}: rates are given as units of another currency for one {expected}",
                other.base, other.counter
            )));
        }
        let rows: Vec<_> = set
            .iter()
            .map(|set| {
                (
                    rates::base.eq(set.base.code()),
                    rates::counter.eq(set.counter.code()),
                    rates::rate.eq(set.rate.to_string()),
                    rates::nature.eq(match set.nature {
                        RateNature::Market => "market",
                        RateNature::Pegged => "pegged",
                    }),
                    rates::set_at.eq(set.set_at),
                    rates::source.eq(set.source.chars().take(200).collect::<String>()),
                )
            })
            .collect();
        let mut connection = self.database.connection().await?;
        Ok(diesel::insert_into(rates::table).values(rows).on_conflict_do_nothing().execute(&mut connection).await?)
    }

    /// The newest rates.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn table(&self) -> Result<RateTable, Error> {
        self.table_at(DateTime::<Utc>::MAX_UTC).await
    }

    /// The rates that were the newest at a time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn table_at(&self, time: DateTime<Utc>) -> Result<RateTable, Error> {
        // The database's times do not reach as far as ours.
        let time = time.min(DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(time));
        let mut connection = self.database.connection().await?;
        let rows: Vec<(String, String, String, String, DateTime<Utc>, String)> = rates::table
            .filter(rates::base.eq(self.base.code()))
            .filter(rates::set_at.le(time))
            .distinct_on((rates::base, rates::counter))
            .order((rates::base, rates::counter, rates::set_at.desc()))
            .select((rates::base, rates::counter, rates::rate, rates::nature, rates::set_at, rates::source))
            .load(&mut connection)
            .await?;
        let newest = rows
            .into_iter()
            .map(|(base, counter, rate, nature, set_at, source)| {
                Ok(SetRate {
                    base: Currency::try_new(&base).map_err(|_| Error::Corrupt("a currency"))?,
                    counter: Currency::try_new(&counter).map_err(|_| Error::Corrupt("a currency"))?,
                    rate: rate.parse().map_err(|_| Error::Corrupt("a rate"))?,
                    nature: if nature == "pegged" { RateNature::Pegged } else { RateNature::Market },
                    set_at,
                    source,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(RateTable { base: self.base, newest })
    }
}
