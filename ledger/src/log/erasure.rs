//! Erasure of names: the right to be forgotten beside a log that forgets nothing.

use diesel::sql_types::{BigInt, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::writer::Purpose;
use crate::{AccountCode, Error, Ledger};

#[derive(diesel::QueryableByName)]
struct Erased {
    #[diesel(sql_type = BigInt)]
    account: i64,
}

impl Ledger {
    /// Takes a code from the accounts that have it, one a currency, and destroys what could bind it to the log: each is
    /// called `…:erased-` and its number from now on. Postings, balances and proofs stay. Answers the numbers; none
    /// when there is nothing to erase, or nothing any more.
    ///
    /// An account that still holds or reserves something keeps its name. Nothing is booked on an erased account any
    /// more, by whatever process: see [`crate::Refusal::AccountErased`].
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn erase(&self, code: &AccountCode) -> Result<Vec<i64>, Error> {
        let mut connection = self.database.connection().await?;
        let erased = self.erase_in(&mut connection, code).await?;
        drop(connection);
        self.forget_names().await?;
        Ok(erased)
    }

    /// The same within a transaction; [`Ledger::forget_names`] comes after its commit.
    pub(crate) async fn erase_in(
        &self,
        connection: &mut AsyncPgConnection,
        code: &AccountCode,
    ) -> Result<Vec<i64>, Error> {
        // The function does what the server's role may not do by itself; diesel has no set-returning functions.
        const TEXT: &str = "select account from ledger.erase_code($1, $2) as erased (account)";
        let erased: Vec<Erased> = diesel::sql_query(TEXT)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<Text, _>(code.as_str())
            .load(connection)
            .await?;
        tracing::info!(accounts = erased.len(), "erased a name");
        Ok(erased.into_iter().map(|erased| erased.account).collect())
    }

    /// Lets this process's writer read the names of accounts anew. Those of other processes find out when they book.
    pub(crate) async fn forget_names(&self) -> Result<(), Error> {
        self.queue.submit(Vec::new(), Purpose::Forget).await.map_err(|error| Error::Writer(error.to_string()))?;
        Ok(())
    }
}
