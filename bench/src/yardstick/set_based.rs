//! Bare set-based writing: the rows of a thousand transfers in one statement, nothing checked, over one connection.
//!
//! What PostgreSQL can take in of these rows by SQL. The statement has the shape of the ledger's own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::{BOOK, EURO, wallet_numbers};
use crate::Result;
use crate::measure::Tally;
use crate::server::Server;
use crate::workload::{Pattern, Transfers};

/// What the tables' names begin with.
pub const PREFIX: &str = "bare";
/// Transfers that one statement writes.
const BATCH: i64 = 1_000;

const STATEMENT: &str = "with entries as (
        insert into yardstick.bare_entries (book_id, sequence, entry_key, fingerprint, booked_at, effective_date, kind)
        select $1, sequence, entry_key, entry_key, now(), current_date, 'transfer'
        from unnest($2::int8[], $3::uuid[]) as entry (sequence, entry_key)
    ), postings as (
        insert into yardstick.bare_postings (book_id, ordinal, commodity, sequence, account, amount_minor, balance_minor)
        select $1, ordinal, $4, sequence, account, amount, balance
        from unnest($5::int2[], $6::int8[], $7::int8[], $8::int8[], $9::int8[])
            as posting (ordinal, sequence, account, amount, balance)
    )
    update yardstick.bare_accounts a
    set balance_minor = touched.balance,
        last_sequence = $10
    from unnest($11::int8[], $12::int8[]) as touched (account, balance)
    where a.book_id = $1
      and a.account = touched.account";

/// The connection, ready to go, and the balances, which nobody else moves.
pub struct SetBased {
    client: Client,
    statement: Statement,
    wallets: Vec<i64>,
    balances: BTreeMap<i64, i64>,
    sequence: i64,
}

#[derive(Default)]
struct Rows {
    sequences: Vec<i64>,
    keys: Vec<Uuid>,
    ordinals: Vec<i16>,
    posting_sequences: Vec<i64>,
    accounts: Vec<i64>,
    amounts: Vec<i64>,
    balances: Vec<i64>,
    touched: BTreeMap<i64, i64>,
}

impl SetBased {
    /// Makes the tables and connects.
    pub async fn prepare(server: &Server, client: &Client) -> Result<Self> {
        super::copy_books(client, PREFIX).await?;
        let sequence = client.query_one("select max(sequence) from yardstick.bare_entries", &[]).await?.get(0);
        let balances = client.query("select account, balance_minor from yardstick.bare_accounts", &[]).await?;
        let balances = balances.iter().map(|row| (row.get(0), row.get(1))).collect();
        let wallets = wallet_numbers(client, PREFIX).await?;
        let client = server.connect().await?;
        let statement = client.prepare(STATEMENT).await?;
        Ok(Self { client, statement, wallets, balances, sequence })
    }

    /// Writes batches for so long.
    pub async fn run(&mut self, pattern: Pattern, length: Duration, seed: u64) -> Result<Tally> {
        let mut transfers = Transfers::new(pattern, seed);
        let started = Instant::now();
        let mut batches = 0;
        while started.elapsed() < length {
            self.write(&mut transfers).await?;
            batches += 1;
        }
        let done = batches * u64::try_from(BATCH)?;
        Ok(Tally { done, elapsed: started.elapsed(), batches: Some(batches) })
    }

    async fn write(&mut self, transfers: &mut Transfers) -> Result {
        let mut rows = Rows::default();
        for _ in 0..BATCH {
            self.sequence += 1;
            let transfer = transfers.next();
            rows.sequences.push(self.sequence);
            rows.keys.push(Uuid::now_v7());
            for (ordinal, wallet, amount) in
                [(1, transfer.debit, transfer.cents), (2, transfer.credit, -transfer.cents)]
            {
                let account = self.wallets[wallet];
                let balance = self.balances.entry(account).or_default();
                *balance += amount;
                rows.ordinals.push(ordinal);
                rows.posting_sequences.push(self.sequence);
                rows.accounts.push(account);
                rows.amounts.push(amount);
                rows.balances.push(*balance);
                rows.touched.insert(account, *balance);
            }
        }
        let (touched, left): (Vec<i64>, Vec<i64>) = rows.touched.into_iter().unzip();
        self.client
            .execute(
                &self.statement,
                &[
                    &BOOK,
                    &rows.sequences,
                    &rows.keys,
                    &EURO,
                    &rows.ordinals,
                    &rows.posting_sequences,
                    &rows.accounts,
                    &rows.amounts,
                    &rows.balances,
                    &self.sequence,
                    &touched,
                    &left,
                ],
            )
            .await?;
        Ok(())
    }
}
