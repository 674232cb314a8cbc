use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::page::{EntryRow, FeedEntry, FeedPosting, MAX_FEED_ENTRIES, MAX_PAGE_LINES};
use crate::balances::stored_code;
use crate::schema::{accounts, entries, postings, reversals};
use crate::{AccountCode, Amount, Error, Ledger, Order, Sequence};

/// Entries that touch some accounts, in order, and where the book stood when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPage {
    /// The entries, each with its postings on these accounts alone and without what it did to holds.
    pub entries: Vec<FeedEntry>,
    /// Whether more of them follow.
    pub goes_on: bool,
    /// The newest entry of the book.
    pub head: Sequence,
}

impl Ledger {
    /// The entries after a place that have postings on these accounts, oldest first; `limit` is bounded by
    /// [`MAX_FEED_ENTRIES`]. Accounts that are not opened yet are none, and behind a place that the book has not reached
    /// nothing is yet: whoever sees some accounts only is not told how far the book has come.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn own_entries_after(
        &self,
        accounts: &[AccountCode],
        after: Sequence,
        limit: i64,
    ) -> Result<OwnPage, Error> {
        let head = self.head().await?;
        let (asked, newest) = (after.number(), head.number());
        if asked >= newest {
            return Ok(OwnPage { entries: Vec::new(), goes_on: false, head });
        }
        let limit = limit.clamp(1, MAX_FEED_ENTRIES);
        let numbers = self.own_accounts(accounts).await?;
        let mut sequences = self.sequences_touching(&numbers, (asked, newest), Order::OldestFirst, limit + 1).await?;
        let mut goes_on = i64::try_from(sequences.len()).is_ok_and(|found| found > limit);
        if goes_on {
            sequences.pop();
        }
        let mut connection = self.database.connection().await?;
        let (mut own, last_whole) = self.own_postings(&mut connection, &numbers, &sequences).await?;
        if let Some(last) = last_whole {
            sequences.retain(|sequence| *sequence <= last);
            goes_on = true;
        }
        let mut taken_back = self.own_reversals(&mut connection, &sequences).await?;
        let entries = self.own_rows(&mut connection, &sequences).await?.into_iter().map(|row| FeedEntry {
            reverses: taken_back.remove(&row.0).map(Sequence::new),
            postings: own.remove(&row.0).unwrap_or_default(),
            ..FeedEntry::bare(row)
        });
        Ok(OwnPage { entries: entries.collect(), goes_on, head })
    }

    async fn own_accounts(&self, codes: &[AccountCode]) -> Result<Vec<i64>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(accounts::table
            .filter(accounts::book_id.eq(self.book.number()))
            .filter(accounts::code.eq_any(codes.iter().map(AccountCode::as_str)))
            .select(accounts::account)
            .load(&mut connection)
            .await?)
    }

    async fn own_rows(&self, connection: &mut AsyncPgConnection, sequences: &[i64]) -> Result<Vec<EntryRow>, Error> {
        Ok(entries::table
            .filter(entries::book_id.eq(self.book.number()))
            .filter(entries::sequence.eq_any(sequences))
            .order(entries::sequence)
            .select((
                entries::sequence,
                entries::entry_key,
                entries::booked_at,
                entries::effective_date,
                entries::kind,
                entries::description,
                entries::subject,
                entries::metadata,
            ))
            .load(connection)
            .await?)
    }

    async fn own_reversals(
        &self,
        connection: &mut AsyncPgConnection,
        sequences: &[i64],
    ) -> Result<HashMap<i64, i64>, Error> {
        let rows: Vec<(i64, i64)> = reversals::table
            .filter(reversals::book_id.eq(self.book.number()))
            .filter(reversals::sequence.eq_any(sequences))
            .select((reversals::sequence, reversals::reverses))
            .load(connection)
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// The postings on these accounts, and the last entry whose postings are whole when not all fit.
    async fn own_postings(
        &self,
        connection: &mut AsyncPgConnection,
        numbers: &[i64],
        sequences: &[i64],
    ) -> Result<(HashMap<i64, Vec<FeedPosting>>, Option<i64>), Error> {
        let rows: Vec<(i64, String, i32, i64, i64)> = postings::table
            .inner_join(
                accounts::table
                    .on(accounts::book_id.eq(postings::book_id).and(accounts::account.eq(postings::account))),
            )
            .filter(postings::book_id.eq(self.book.number()))
            .filter(postings::sequence.eq_any(sequences))
            .filter(postings::account.eq_any(numbers))
            .order((postings::sequence, postings::ordinal))
            .limit(MAX_PAGE_LINES)
            .select((
                postings::sequence,
                accounts::code,
                postings::commodity,
                postings::amount_minor,
                postings::balance_minor,
            ))
            .load(connection)
            .await?;
        let is_cut = i64::try_from(rows.len()) == Ok(MAX_PAGE_LINES);
        let last_whole = rows.as_slice().last().filter(|_| is_cut).map(|row| row.0 - 1);
        let mut by_entry = HashMap::<i64, Vec<FeedPosting>>::new();
        self.units.learn(connection, rows.iter().map(|row| row.2).collect()).await?;
        for (sequence, code, commodity, amount, balance) in rows {
            let commodity = self.units.commodity(commodity)?;
            by_entry.entry(sequence).or_default().push(FeedPosting {
                account: stored_code(&code)?,
                amount: Amount::from_minor(amount, commodity),
                balance: Amount::from_minor(balance, commodity),
                // An institution's own accounts hold money alone.
                lots: Vec::new(),
            });
        }
        Ok((by_entry, last_whole))
    }
}
