use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Reconciliation, ReconciliationError};
use crate::schema::reconciliation_statements as statements;
use crate::{AccountCode, Currency, Money};

/// Statements that one list shows at most.
pub const MAX_STATEMENTS_SHOWN: i64 = 200;

/// How a statement stands to the one before it, by closing date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// There is none before it.
    First,
    /// It opens with the balance that the one before it closed with.
    Continues,
    /// It does not: a statement is missing between them.
    Gap,
}

/// A statement from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalStatement {
    /// Its number here.
    pub statement: i64,
    /// Its id outside.
    pub external_id: String,
    /// Its number outside; empty where it has none.
    pub external_number: String,
    /// The day of the opening balance.
    pub opens_on: NaiveDate,
    /// The day of the closing balance.
    pub closes_on: NaiveDate,
    /// The balance before the first line; positive where the other side owes it to us.
    pub opening: Money,
    /// The balance after the last line.
    pub closing: Money,
    /// How many lines it has.
    pub lines: i32,
    /// Whether it continues the one before it.
    pub succession: Succession,
    /// Who loaded it.
    pub loaded_by: Uuid,
    /// When.
    pub loaded_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = statements)]
struct Row {
    statement: i64,
    external_id: String,
    external_number: String,
    opens_on: NaiveDate,
    closes_on: NaiveDate,
    opening_minor: i64,
    closing_minor: i64,
    lines: i32,
    loaded_by: Uuid,
    loaded_at: DateTime<Utc>,
}

impl Reconciliation {
    /// An account's statements by closing date, the oldest first, after the one that was shown last.
    ///
    /// # Errors
    /// [`ReconciliationError::NotReconciled`].
    pub async fn statements(
        &self,
        code: &AccountCode,
        currency: Currency,
        after: Option<(NaiveDate, i64)>,
        limit: i64,
    ) -> Result<Vec<ExternalStatement>, ReconciliationError> {
        let mut connection = self.database.connection().await?;
        let account = self.number_of(&mut connection, code, currency).await?;
        let of_account = || {
            statements::table
                .filter(statements::book_id.eq(self.ledger.book().number()))
                .filter(statements::account.eq(account))
        };
        let mut page = of_account()
            .order((statements::closes_on, statements::statement))
            .limit(limit.clamp(1, MAX_STATEMENTS_SHOWN))
            .select(Row::as_select())
            .into_boxed();
        let mut before: Option<i64> = None;
        if let Some((closes_on, statement)) = after {
            page = page.filter(
                statements::closes_on
                    .gt(closes_on)
                    .or(statements::closes_on.eq(closes_on).and(statements::statement.gt(statement))),
            );
            before = of_account()
                .filter(
                    statements::closes_on
                        .lt(closes_on)
                        .or(statements::closes_on.eq(closes_on).and(statements::statement.le(statement))),
                )
                .order((statements::closes_on.desc(), statements::statement.desc()))
                .select(statements::closing_minor)
                .first(&mut connection)
                .await
                .optional()?;
        }
        let rows: Vec<Row> = page.load(&mut connection).await?;
        let shown = rows.into_iter().map(|row| {
            let succession = match before.replace(row.closing_minor) {
                None => Succession::First,
                Some(closing) if closing == row.opening_minor => Succession::Continues,
                Some(_) => Succession::Gap,
            };
            row.statement(currency, succession)
        });
        Ok(shown.collect())
    }
}

impl Row {
    fn statement(self, currency: Currency, succession: Succession) -> ExternalStatement {
        ExternalStatement {
            statement: self.statement,
            external_id: self.external_id,
            external_number: self.external_number,
            opens_on: self.opens_on,
            closes_on: self.closes_on,
            opening: Money::from_minor(self.opening_minor, currency),
            closing: Money::from_minor(self.closing_minor, currency),
            lines: self.lines,
            succession,
            loaded_by: self.loaded_by,
            loaded_at: self.loaded_at,
        }
    }
}
