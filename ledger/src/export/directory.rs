use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Subjects;
use super::page::Named;
use crate::account::AccountRole;
use crate::balances::stored_code;
use crate::schema::accounts;
use crate::units::Units;
use crate::{BookId, Chart, Error};

/// Accounts whose codes are kept for the next pages; beyond it they are asked for again.
const MAX_KNOWN_ACCOUNTS: usize = 100_000;

/// The codes of accounts by their numbers, as they appear; bounded.
pub(crate) struct Directory {
    book: BookId,
    chart: Chart,
    units: Units,
    subjects: Subjects,
    known: Mutex<HashMap<i64, Arc<Named>>>,
}

impl Directory {
    pub(crate) fn new(book: BookId, chart: Chart, units: Units, subjects: Subjects) -> Self {
        Self { book, chart, units, subjects, known: Mutex::default() }
    }

    /// Makes the units among those numbers known.
    pub(super) async fn learn(&self, connection: &mut AsyncPgConnection, numbers: Vec<i32>) -> QueryResult<()> {
        self.units.learn(connection, numbers).await
    }

    pub(crate) fn name(&self, number: i64, code: &str, commodity: i32) -> Result<Named, Error> {
        let code = stored_code(code)?;
        let shown = self.subjects.code(&code, &self.chart);
        Ok(Named { number, code: shown, commodity: self.units.commodity(commodity)?, kind: code.kind() })
    }

    /// How an account of that code counts in the safeguarding equation.
    pub(super) fn role(&self, code: &str) -> Result<AccountRole, Error> {
        Ok(self.chart.template(&stored_code(code)?).map(crate::Template::role).unwrap_or_default())
    }

    /// The accounts of those numbers.
    pub(super) async fn find(
        &self,
        connection: &mut AsyncPgConnection,
        wanted: impl Iterator<Item = i64>,
    ) -> Result<HashMap<i64, Arc<Named>>, Error> {
        let mut found = HashMap::new();
        let mut missing = BTreeSet::new();
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for number in wanted {
                match known.get(&number) {
                    Some(named) => drop(found.insert(number, Arc::clone(named))),
                    None => drop(missing.insert(number)),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let rows: Vec<(i64, String, i32)> = accounts::table
            .filter(accounts::book_id.eq(self.book.number()))
            .filter(accounts::account.eq_any(missing))
            .select((accounts::account, accounts::code, accounts::commodity))
            .load(connection)
            .await?;
        self.learn(connection, rows.iter().map(|row| row.2).collect()).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + rows.len() > MAX_KNOWN_ACCOUNTS {
            known.clear();
        }
        for (number, code, commodity) in rows {
            let named = Arc::new(self.name(number, &code, commodity)?);
            known.insert(number, Arc::clone(&named));
            found.insert(number, named);
        }
        Ok(found)
    }
}
