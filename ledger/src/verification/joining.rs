//! Stretches joined in the book's order, and the book's own rows compared with what came out.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::accounts::Facts;
use super::stretch::Checked;
use super::{Differences, Kind, Verification, besides, holds, lots};
use crate::log::LogCheck;
use crate::schema::books;
use crate::{BookId, Error};

/// Everything up to the stretch that was joined last.
pub(super) struct Joined {
    book: BookId,
    differences: Differences,
    entries: i64,
    postings: i64,
    /// Balance and newest entry of each account.
    balances: HashMap<i64, (i64, i64)>,
    last_booked_at: Option<DateTime<Utc>>,
    log: LogCheck,
    log_is_whole: bool,
}

impl Joined {
    pub(super) fn new(book: BookId, log: LogCheck) -> Self {
        Self {
            book,
            differences: Differences::default(),
            entries: 0,
            postings: 0,
            balances: HashMap::new(),
            last_booked_at: None,
            log,
            log_is_whole: true,
        }
    }

    pub(super) async fn take(&mut self, connection: &mut AsyncPgConnection, checked: Checked) -> Result<(), Error> {
        let Checked { after, to, differences, postings, entries, hashes, runs, first_booked_at, last_booked_at } =
            checked;
        self.differences.join(differences);
        self.entries += entries;
        self.postings += postings;
        if let (Some(before), Some(first)) = (self.last_booked_at, first_booked_at)
            && first < before
        {
            let what = "it was booked before the entry that it follows".to_owned();
            self.differences.found(Kind::Time, self.book, after + 1, None, what);
        }
        self.last_booked_at = last_booked_at.or(self.last_booked_at);
        for (account, run) in runs {
            let before = self.balances.get(&account).map_or(0, |(balance, _)| *balance);
            if run.before != before {
                let what = format!("the balance before it is taken to be {}, not {before}", run.before);
                self.differences.found(Kind::Running, self.book, run.first.0, Some(run.first.1), what);
            }
            self.balances.insert(account, (run.last, run.last_sequence));
        }
        // Behind a gap the tree is another one, which says nothing more.
        self.log_is_whole &= i64::try_from(hashes.len()) == Ok(to - after);
        if self.log_is_whole
            && let Some((sequence, what)) = self.log.go_on(connection, &hashes).await?
        {
            self.log_is_whole = false;
            let kind = if what.contains("checkpoint") { Kind::Signature } else { Kind::Log };
            self.differences.found(kind, self.book, sequence, None, what);
        }
        Ok(())
    }

    pub(super) async fn finish(
        mut self,
        connection: &mut AsyncPgConnection,
        head: i64,
        facts: &Facts,
    ) -> Result<Verification, Error> {
        if self.log_is_whole
            && let Some((sequence, what)) = self.log.finish(connection).await?
        {
            self.differences.found(Kind::Log, self.book, sequence, None, what);
        }
        self.compare_accounts(facts);
        self.compare_book(connection, head, facts).await?;
        holds::check(connection, self.book, head, facts, &mut self.differences).await?;
        lots::check(connection, self.book, head, &mut self.differences).await?;
        besides::check(connection, self.book, head, &mut self.differences).await?;
        Ok(Verification {
            entries: self.entries,
            postings: self.postings,
            checkpoints: self.log.checkpoints,
            checks: self.differences.into_checks(),
        })
    }

    fn compare_accounts(&mut self, facts: &Facts) {
        for account in facts.all() {
            let (balance, last) = self.balances.remove(&account.number).unwrap_or((0, 0));
            let fault = account.fault(&facts.units).or_else(|| {
                if account.balance_minor != balance {
                    Some(format!("it says {}, its postings {balance}", account.balance_minor))
                } else if account.last_sequence < last {
                    Some(format!("it says that entry {} touched it last, not {last}", account.last_sequence))
                } else {
                    None
                }
            });
            if let Some(fault) = fault {
                let what = format!("account {}: {fault}", account.code);
                self.differences.found(Kind::Account, self.book, account.last_sequence, None, what);
            }
        }
    }

    /// The book's own row, beside what the entries say.
    async fn compare_book(
        &mut self,
        connection: &mut AsyncPgConnection,
        head: i64,
        facts: &Facts,
    ) -> Result<(), Error> {
        let (accounts, booked_at, closed_through): (i64, DateTime<Utc>, Option<NaiveDate>) = books::table
            .filter(books::book_id.eq(self.book.number()))
            .select((books::last_account, books::last_booked_at, books::closed_through))
            .first(connection)
            .await?;
        let opened = facts.all().last().map_or(0, |account| account.number);
        if accounts != opened {
            let what = format!("the book counts {accounts} accounts, the newest is number {opened}");
            self.differences.found(Kind::Account, self.book, None, None, what);
        }
        if self.last_booked_at.is_some_and(|last| last != booked_at) {
            let what = format!("the book says that it was booked at {booked_at}");
            self.differences.found(Kind::Time, self.book, head, None, what);
        }
        let said = besides::closed_through(connection, self.book, head).await?;
        if said != closed_through {
            let what = format!("the book is closed through {closed_through:?}, its entries say {said:?}");
            self.differences.found(Kind::Period, self.book, None, None, what);
        }
        Ok(())
    }
}
