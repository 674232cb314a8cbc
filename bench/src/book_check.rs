//! The check of a result: after each run, what was counted is there, and every balance is the sum of its postings.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use crate::Result;

/// Tables that hold a book, the ledger's own or a yardstick's.
#[derive(Clone, Debug)]
pub struct BookTables {
    name: &'static str,
    accounts: String,
    entries: String,
    postings: String,
}

impl BookTables {
    /// The ledger's.
    pub fn of_ledger() -> Self {
        Self::of("ledger", "ledger.")
    }

    /// Those of the yardstick whose tables begin with `prefix`.
    pub fn of_yardstick(prefix: &'static str) -> Self {
        Self::of(prefix, &format!("yardstick.{prefix}_"))
    }

    fn of(name: &'static str, prefix: &str) -> Self {
        Self {
            name,
            accounts: format!("{prefix}accounts"),
            entries: format!("{prefix}entries"),
            postings: format!("{prefix}postings"),
        }
    }
}

/// Where a book stood when it was looked at last.
pub struct BookCheck {
    tables: BookTables,
    last_sequence: i64,
    balances: BTreeMap<i64, i64>,
}

impl BookCheck {
    /// Looks at a book whose past is believed.
    pub async fn begin(client: &Client, tables: BookTables) -> Result<Self> {
        let text = format!("select coalesce(max(sequence), 0) from {} where book_id = 1", tables.entries);
        let last_sequence = client.query_one(&text, &[]).await?.get(0);
        let balances = balances(client, &tables).await?;
        Ok(Self { tables, last_sequence, balances })
    }

    /// Looks at it again after a run that counted so many transfers.
    pub async fn check(&mut self, client: &Client, done: u64) -> Result {
        let name = self.tables.name;
        let text =
            format!("select count(*), max(sequence) from {} where book_id = 1 and sequence > $1", self.tables.entries);
        let row = client.query_one(&text, &[&self.last_sequence]).await?;
        let (entries, last): (i64, Option<i64>) = (row.get(0), row.get(1));
        if u64::try_from(entries)? != done {
            return Err(format!("{name}: {done} transfers were acknowledged and {entries} entries are there").into());
        }
        let text = format!(
            "select account, count(*), sum(amount_minor)::int8 from {} where book_id = 1 and sequence > $1 group by account",
            self.tables.postings
        );
        let mut postings = 0;
        for row in client.query(&text, &[&self.last_sequence]).await? {
            postings += row.get::<_, i64>(1);
            *self.balances.entry(row.get(0)).or_default() += row.get::<_, i64>(2);
        }
        if postings != 2 * entries {
            return Err(format!("{name}: {entries} entries have {postings} postings").into());
        }
        let total: i64 = self.balances.values().sum();
        if total != 0 {
            return Err(format!("{name}: all balances together are {total}, not zero").into());
        }
        let stored = balances(client, &self.tables).await?;
        if let Some((account, sum)) = self.balances.iter().find(|(account, sum)| stored.get(account) != Some(sum)) {
            let balance = stored.get(account);
            return Err(format!("{name}: account {account} says {balance:?}, its postings say {sum}").into());
        }
        let below = format!(
            "select count(*)
            from {}
            where case when kind in ('asset', 'expense') then balance_minor else -balance_minor end < floor_minor",
            self.tables.accounts
        );
        let below: i64 = client.query_one(&below, &[]).await?.get(0);
        if below != 0 {
            return Err(format!("{name}: {below} accounts are below their floor").into());
        }
        self.last_sequence = last.unwrap_or(self.last_sequence);
        Ok(())
    }
}

async fn balances(client: &Client, tables: &BookTables) -> Result<BTreeMap<i64, i64>> {
    let text = format!("select account, balance_minor from {}", tables.accounts);
    Ok(client.query(&text, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}
