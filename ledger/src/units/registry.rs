//! The register of units: the table, and what each process knows of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono::{DateTime, SubsecRound as _, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Facts, MAX_UNIT_DECIMALS, MAX_UNIT_NAME, MAX_UNITS, NewUnit, Unit, UnitCode, is_unit};
use crate::schema::units;
use crate::{Commodity, Currency, Error, Ledger, UnknownCommodity};

/// Units that one page of a list has at most.
const MAX_PAGE_UNITS: i64 = 500;

type Row = (i32, String, String, i16, Uuid, DateTime<Utc>);

/// Definitions that this process has met, by what stands for them in the log. A unit is registered by an operator,
/// once, and for at most [`MAX_UNITS`] of them, so what is kept for ever here stays small.
static MET: Mutex<Option<HashMap<[u8; 32], &'static Facts>>> = Mutex::new(None);

fn unit(row: Row) -> Unit {
    let facts = Facts::new(row);
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    Unit(met.get_or_insert_default().entry(facts.digest).or_insert_with(|| Box::leak(Box::new(facts))))
}

/// What a process knows of the register. Cheap to clone; all clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Units(Arc<RwLock<HashMap<i32, Unit>>>);

impl Units {
    /// Makes the units among those numbers known.
    pub(crate) async fn learn(&self, connection: &mut AsyncPgConnection, mut numbers: Vec<i32>) -> QueryResult<()> {
        numbers.retain(|number| is_unit(*number));
        if numbers.is_empty() {
            return Ok(());
        }
        numbers.sort_unstable();
        numbers.dedup();
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            numbers.retain(|number| !known.contains_key(number));
        }
        if numbers.is_empty() {
            return Ok(());
        }
        let rows: Vec<Row> =
            units::table.filter(units::number.eq_any(numbers)).select(units::all_columns).load(connection).await?;
        for row in rows {
            self.keep(row);
        }
        Ok(())
    }

    fn keep(&self, row: Row) -> Unit {
        let unit = unit(row);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(unit.number(), unit);
        unit
    }

    /// The commodity of that number, if it is a currency or a unit that is known.
    pub(crate) fn find(&self, number: i32) -> Option<Commodity> {
        if !is_unit(number) {
            return Currency::from_number(number).map(Commodity::Currency);
        }
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&number).copied().map(Commodity::Unit)
    }

    /// The commodity of that number, as the tables keep it.
    pub(crate) fn commodity(&self, number: i32) -> Result<Commodity, Error> {
        self.find(number).ok_or_else(|| Error::Corrupt(format!("commodity {number} is neither currency nor unit")))
    }
}

/// Whether a unit was registered by this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// By this call.
    Registered,
    /// Before, with the same content.
    AlreadyRegistered,
}

/// Why a unit was not registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The code is taken by another definition.
    #[error("{code} was registered before as {name:?} with {decimals} decimals for project {subject}")]
    Taken {
        /// The code.
        code: &'static str,
        /// The name that it has.
        name: &'static str,
        /// The decimals that it has.
        decimals: u32,
        /// The project that it belongs to.
        subject: Uuid,
    },
    /// The name is empty, too long, or not one line.
    #[error("a unit's name has 1 to {MAX_UNIT_NAME} characters on one line")]
    Name,
    /// There are too many decimals.
    #[error("a unit has 0 to {MAX_UNIT_DECIMALS} decimals, not {0}")]
    Decimals(u8),
    /// No number is left.
    #[error("no more than {MAX_UNITS} units can be registered")]
    TooMany,
    /// The register could not be read or written.
    #[error(transparent)]
    Ledger(#[from] Error),
}

impl Ledger {
    /// Registers a unit, once and for all books; saying the same again changes nothing.
    ///
    /// # Errors
    /// [`UnitError::Taken`] for a code that means something else already; [`UnitError::Name`] and
    /// [`UnitError::Decimals`] for what no unit has.
    pub async fn register_unit(&self, new: NewUnit) -> Result<(Unit, Registration), UnitError> {
        if !(1..=MAX_UNIT_NAME).contains(&new.name.chars().count()) || new.name.chars().any(char::is_control) {
            return Err(UnitError::Name);
        }
        if new.decimals > MAX_UNIT_DECIMALS {
            return Err(UnitError::Decimals(new.decimals));
        }
        if let Some(known) = self.unit(&new.code).await? {
            return known.said_again(&new);
        }
        let mut connection = self.database.connection().await.map_err(Error::from)?;
        let inserted: Result<Option<Row>, DieselError> = diesel::insert_into(units::table)
            .values((
                units::code.eq(new.code.as_str()),
                units::name.eq(&new.name),
                units::decimals.eq(i16::from(new.decimals)),
                units::subject.eq(new.subject),
                units::opened_at.eq(self.now().trunc_subsecs(6)),
            ))
            .on_conflict(units::code)
            .do_nothing()
            .returning(units::all_columns)
            .get_result(&mut connection)
            .await
            .optional();
        drop(connection);
        match inserted {
            Ok(Some(row)) => Ok((self.units.keep(row), Registration::Registered)),
            // Somebody else was first.
            Ok(None) => match self.unit(&new.code).await? {
                Some(known) => known.said_again(&new),
                None => Err(Error::Corrupt(format!("{} is taken and not there", new.code)).into()),
            },
            Err(DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, information))
                if information.constraint_name() == Some("units_number_within") =>
            {
                Err(UnitError::TooMany)
            }
            Err(error) => Err(Error::from(error).into()),
        }
    }

    /// The unit of that code, if it is registered.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn unit(&self, code: &UnitCode) -> Result<Option<Unit>, Error> {
        let mut connection = self.database.connection().await?;
        let row: Option<Row> = units::table
            .filter(units::code.eq(code.as_str()))
            .select(units::all_columns)
            .first(&mut connection)
            .await
            .optional()?;
        Ok(row.map(|row| self.units.keep(row)))
    }

    /// Units in the order of their registration, after one; at most `limit`, up to 500.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn units(&self, after: Option<i32>, limit: i64) -> Result<Vec<Unit>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = units::table
            .filter(units::number.gt(after.unwrap_or(0)))
            .order(units::number)
            .limit(limit.clamp(1, MAX_PAGE_UNITS))
            .select(units::all_columns)
            .load(&mut connection)
            .await?;
        Ok(rows.into_iter().map(|row| self.units.keep(row)).collect())
    }

    /// The currency or registered unit of that code.
    ///
    /// # Errors
    /// `Ok(Err(…))` when the code is of neither; an error when the database cannot be reached.
    pub async fn commodity(&self, code: &str) -> Result<Result<Commodity, UnknownCommodity>, Error> {
        let unknown = || UnknownCommodity { code: code.chars().take(40).collect() };
        if let Ok(code) = UnitCode::try_new(code) {
            return Ok(self.unit(&code).await?.map(Commodity::Unit).ok_or_else(unknown));
        }
        Ok(Currency::try_new(code).map(Commodity::Currency).map_err(|_| unknown()))
    }
}

impl Unit {
    fn said_again(self, new: &NewUnit) -> Result<(Self, Registration), UnitError> {
        let said = (new.name.as_str(), u32::from(new.decimals), new.subject);
        if said == (self.name(), self.decimals(), self.subject()) {
            return Ok((self, Registration::AlreadyRegistered));
        }
        let (name, decimals, subject) = (self.name(), self.decimals(), self.subject());
        Err(UnitError::Taken { code: self.code(), name, decimals, subject })
    }
}
