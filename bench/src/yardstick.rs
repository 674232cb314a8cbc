//! The yardsticks: what PostgreSQL does of the same work without the ledger.
//!
//! Their tables live in the schema `yardstick`. They have the ledger's columns and indexes and start with the ledger's
//! rows, but neither its check constraints nor its triggers: whatever that saves is in the yardstick's favour.

pub mod commit;
pub mod naive;
pub mod set_based;

use tokio_postgres::Client;

use crate::Result;

/// The number of the only book.
pub const BOOK: i16 = 1;
/// The ISO 4217 number of the euro.
pub const EURO: i32 = 978;

/// Makes the schema.
pub async fn create_schema(client: &Client) -> Result {
    Ok(client.batch_execute("create schema yardstick").await?)
}

/// Makes copies of the ledger's tables whose names begin with `prefix`, rows and indexes included.
pub async fn copy_books(client: &Client, prefix: &str) -> Result {
    let text = format!(
        "create table yardstick.{prefix}_accounts (like ledger.accounts including defaults including indexes)
             with (fillfactor = 50);
         create table yardstick.{prefix}_entries (like ledger.entries including defaults including indexes);
         create table yardstick.{prefix}_postings (like ledger.postings including defaults including indexes);
         insert into yardstick.{prefix}_accounts select * from ledger.accounts order by account;
         insert into yardstick.{prefix}_entries select * from ledger.entries order by sequence;
         insert into yardstick.{prefix}_postings select * from ledger.postings order by sequence, ordinal;"
    );
    Ok(client.batch_execute(&text).await?)
}

/// The wallets' numbers, by their place.
pub async fn wallet_numbers(client: &Client, prefix: &str) -> Result<Vec<i64>> {
    let text = format!(
        "select account
        from yardstick.{prefix}_accounts
        where code like 'liabilities:wallets:%'
        order by code"
    );
    Ok(client.query(&text, &[]).await?.iter().map(|row| row.get(0)).collect())
}
