use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::{Reconciliation, ReconciliationError, comparable_reference};
use crate::balances::stored_code;
use crate::schema::{accounts, reconciled_accounts};
use crate::{AccountCode, Currency, Error, Sequence};

/// For statements over all items of an account, which may take longer than a request.
const SETTINGS: &str = "set statement_timeout = '30min'; set client_connection_check_interval = '2s'";

/// An account that statements are taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciledAccount {
    /// The account.
    pub code: AccountCode,
    /// Its currency.
    pub currency: Currency,
    /// What statements call it: letters and digits only, upper-case.
    pub external_account: String,
}

/// The account's row, locked: numbers are given from here.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = reconciled_accounts)]
pub(super) struct Locked {
    pub(super) account: i64,
    pub(super) commodity: i32,
    pub(super) external_account: String,
    pub(super) collected_through: i64,
    pub(super) last_statement: i64,
    pub(super) last_item: i64,
    pub(super) last_run: i64,
    pub(super) last_match: i64,
    pub(super) last_break: i64,
}

/// Somebody's turn at an account, until the transaction ends.
pub(super) struct Turn {
    pub(super) book: i16,
    pub(super) locked: Locked,
    pub(super) currency: Currency,
    pub(super) person: Uuid,
    pub(super) at: DateTime<Utc>,
}

impl Reconciliation {
    /// Takes statements for an account from now on, under the name that they call it by. Postings up to the entry
    /// `begins_after` are taken as agreed. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when nothing was ever booked on it, [`Error::SequenceAhead`] for an entry that is not yet
    /// booked, [`ReconciliationError::ExternalAccount`] when the name is none, is another account's, or is not the one
    /// that was given before.
    pub async fn open_account(
        &self,
        code: &AccountCode,
        currency: Currency,
        external_account: &str,
        begins_after: Sequence,
    ) -> Result<ReconciledAccount, ReconciliationError> {
        let fault = |what| ReconciliationError::ExternalAccount {
            external_account: external_account.chars().take(super::statement_file::MAX_NAME).collect(),
            what,
        };
        let name = comparable_reference(external_account).ok_or_else(|| fault("it has no letters and digits"))?;
        self.ledger.require(begins_after).await?;
        let book = self.ledger.book().number();
        let mut connection = self.database.connection().await?;
        let number: i64 = accounts::table
            .filter(accounts::book_id.eq(book))
            .filter(accounts::code.eq(code.as_str()))
            .filter(accounts::commodity.eq(currency.number()))
            .select(accounts::account)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or_else(|| Error::UnknownAccount { code: code.clone(), commodity: currency.into() })?;
        diesel::insert_into(reconciled_accounts::table)
            .values((
                reconciled_accounts::book_id.eq(book),
                reconciled_accounts::commodity.eq(currency.number()),
                reconciled_accounts::account.eq(number),
                reconciled_accounts::begins_after.eq(begins_after.number()),
                reconciled_accounts::external_account.eq(&name),
                reconciled_accounts::collected_through.eq(begins_after.number()),
                reconciled_accounts::opened_at.eq(self.ledger.now()),
            ))
            .on_conflict_do_nothing()
            .execute(&mut connection)
            .await?;
        let kept: Option<String> = reconciled_accounts::table
            .find((book, number))
            .select(reconciled_accounts::external_account)
            .first(&mut connection)
            .await
            .optional()?;
        match kept {
            Some(kept) if kept == name => {
                Ok(ReconciledAccount { code: code.clone(), currency, external_account: name })
            }
            Some(_) => Err(fault("the account has another one already")),
            None => Err(fault("it is another account's already")),
        }
    }

    /// The accounts that statements are taken for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn accounts(&self) -> Result<Vec<ReconciledAccount>, ReconciliationError> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<(String, i32, String)> = reconciled_accounts::table
            .inner_join(
                accounts::table.on(accounts::book_id
                    .eq(reconciled_accounts::book_id)
                    .and(accounts::account.eq(reconciled_accounts::account))),
            )
            .filter(reconciled_accounts::book_id.eq(self.ledger.book().number()))
            .order((accounts::code, accounts::commodity))
            .select((accounts::code, accounts::commodity, reconciled_accounts::external_account))
            .load(&mut connection)
            .await?;
        rows.into_iter()
            .map(|(code, commodity, external_account)| {
                let code = stored_code(&code)?;
                Ok(ReconciledAccount { code, currency: crate::balances::currency(commodity)?, external_account })
            })
            .collect()
    }

    /// The number of a reconciled account.
    pub(super) async fn number_of(
        &self,
        connection: &mut AsyncPgConnection,
        code: &AccountCode,
        currency: Currency,
    ) -> Result<i64, ReconciliationError> {
        let number: Option<i64> = reconciled_accounts::table
            .inner_join(
                accounts::table.on(accounts::book_id
                    .eq(reconciled_accounts::book_id)
                    .and(accounts::account.eq(reconciled_accounts::account))),
            )
            .filter(accounts::book_id.eq(self.ledger.book().number()))
            .filter(accounts::code.eq(code.as_str()))
            .filter(accounts::commodity.eq(currency.number()))
            .select(reconciled_accounts::account)
            .first(connection)
            .await
            .optional()?;
        number.ok_or_else(|| ReconciliationError::NotReconciled { code: code.clone(), currency })
    }

    /// Takes the account's turn until the transaction ends.
    pub(super) async fn turn(
        &self,
        connection: &mut AsyncPgConnection,
        code: &AccountCode,
        currency: Currency,
        person: Uuid,
    ) -> Result<Turn, ReconciliationError> {
        let book = self.ledger.book().number();
        let number = self.number_of(connection, code, currency).await?;
        let locked = reconciled_accounts::table
            .find((book, number))
            .select(Locked::as_select())
            .for_update()
            .first(connection)
            .await
            .map_err(|error| match error.to_string().contains("lock timeout") {
                true => ReconciliationError::Busy { code: code.clone(), currency },
                false => error.into(),
            })?;
        Ok(Turn { book, locked, currency, person, at: self.ledger.now() })
    }

    /// A connection of one's own for long work: whoever stops waiting drops it, and the database notices and stops too.
    pub(super) async fn long_connection(&self) -> Result<AsyncPgConnection, ReconciliationError> {
        let mut connection = self.database.dedicated_connection().await?;
        connection.batch_execute(SETTINGS).await?;
        Ok(connection)
    }
}

impl Turn {
    /// Lets the statements that follow join by hashes.
    ///
    /// Nobody has counted the items that were put there a moment ago, so the planner takes them for a handful and would
    /// look at all of one side for each of the other.
    pub(super) async fn read_each_side_once(
        &self,
        connection: &mut AsyncPgConnection,
    ) -> Result<(), ReconciliationError> {
        const SETTINGS: &str = "set local enable_nestloop = off; set local work_mem = '64MB'";
        Ok(connection.batch_execute(SETTINGS).await?)
    }

    /// Keeps the numbers that were given.
    pub(super) async fn keep_numbers(&self, connection: &mut AsyncPgConnection) -> Result<(), ReconciliationError> {
        let locked = &self.locked;
        diesel::update(reconciled_accounts::table.find((self.book, locked.account)))
            .set((
                reconciled_accounts::collected_through.eq(locked.collected_through),
                reconciled_accounts::last_statement.eq(locked.last_statement),
                reconciled_accounts::last_item.eq(locked.last_item),
                reconciled_accounts::last_run.eq(locked.last_run),
                reconciled_accounts::last_match.eq(locked.last_match),
                reconciled_accounts::last_break.eq(locked.last_break),
            ))
            .execute(connection)
            .await?;
        Ok(())
    }
}
