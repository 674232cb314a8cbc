//! Erasure of names: the right to be forgotten beside a log that forgets nothing.

use diesel::sql_types::{BigInt, SmallInt, Text};
use diesel_async::RunQueryDsl;

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
    /// An account that still holds or reserves something keeps its name. Whoever erases a name makes sure that nothing
    /// is booked under it any more: the writer of another process that knows the code already goes on booking to the account.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn erase(&self, code: &AccountCode) -> Result<Vec<i64>, Error> {
        // The function does what the server's role may not do by itself; diesel has no set-returning functions.
        const TEXT: &str = "select account from ledger.erase_code($1, $2) as erased (account)";
        let mut connection = self.database.connection().await?;
        let erased: Vec<Erased> = diesel::sql_query(TEXT)
            .bind::<SmallInt, _>(self.book.number())
            .bind::<Text, _>(code.as_str())
            .load(&mut connection)
            .await?;
        self.queue.submit(Vec::new(), Purpose::Forget).await.map_err(|error| Error::Writer(error.to_string()))?;
        tracing::info!(accounts = erased.len(), "erased a name");
        Ok(erased.into_iter().map(|erased| erased.account).collect())
    }
}
