//! Accounts as the table has them.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::account::Side;
use crate::log::account_commitment;
use crate::schema::accounts;
use crate::units::Units;
use crate::{AccountCode, BookId, Error};

/// One account.
#[derive(Queryable)]
pub(super) struct Account {
    pub(super) number: i64,
    pub(super) code: String,
    pub(super) commodity: i32,
    kind: String,
    floor_minor: Option<i64>,
    pub(super) balance_minor: i64,
    pub(super) last_sequence: i64,
    salt: Option<Uuid>,
    commitment: Vec<u8>,
}

/// All accounts of a book.
pub(super) struct Facts {
    accounts: HashMap<i64, Account>,
    pub(super) units: Units,
}

impl Facts {
    pub(super) async fn read(connection: &mut AsyncPgConnection, book: BookId) -> Result<Self, Error> {
        let rows: Vec<Account> = accounts::table
            .filter(accounts::book_id.eq(book.number()))
            .select((
                accounts::account,
                accounts::code,
                accounts::commodity,
                accounts::kind,
                accounts::floor_minor,
                accounts::balance_minor,
                accounts::last_sequence,
                accounts::salt,
                accounts::commitment,
            ))
            .load(connection)
            .await?;
        // Not what this process remembers, but what is in the table now.
        let units = Units::default();
        units.learn(connection, rows.iter().map(|account| account.commodity).collect()).await?;
        let accounts = rows.into_iter().map(|account| (account.number, account)).collect();
        Ok(Self { accounts, units })
    }

    pub(super) fn account(&self, number: i64) -> Option<&Account> {
        self.accounts.get(&number)
    }

    /// All of them, by number.
    pub(super) fn all(&self) -> Vec<&Account> {
        let mut all: Vec<&Account> = self.accounts.values().collect();
        all.sort_by_key(|account| account.number);
        all
    }
}

impl Account {
    /// Whether that balance, less what is held, is below the floor.
    pub(super) fn is_below_floor(&self, debit_positive_minor: i64, held: i128) -> bool {
        let Some(floor) = self.floor_minor else { return false };
        let grows_by_debit = matches!(self.kind.as_str(), "asset" | "expense");
        let normal = i128::from(debit_positive_minor) * if grows_by_debit { 1 } else { -1 };
        normal - held < i128::from(floor)
    }

    /// What is wrong with the account itself: its code, kind, currency and floor are those that it was opened with.
    pub(super) fn fault(&self, units: &Units) -> Option<String> {
        let Ok(code) = AccountCode::try_new(&self.code) else { return Some("its code is none".to_owned()) };
        let grows_by_debit = matches!(self.kind.as_str(), "asset" | "expense");
        if (code.kind().normal_side() == Side::Debit) != grows_by_debit || !self.kind_is_that_of(&code) {
            return Some(format!("it is said to be {}", self.kind));
        }
        if units.find(self.commodity).is_none() {
            return Some("its commodity is none".to_owned());
        }
        // An erased code can be compared with nothing any more; its account's postings still stand by the commitment.
        let Some(salt) = self.salt else {
            let is_erased = code.segments().last() == Some(format!("erased-{}", self.number).as_str());
            return (!is_erased).then(|| "its salt is gone and its code was not erased".to_owned());
        };
        let committed = account_commitment(salt, &code, self.commodity, self.floor_minor);
        (self.commitment != committed).then(|| "it is not the account that was opened".to_owned())
    }

    fn kind_is_that_of(&self, code: &AccountCode) -> bool {
        let root = code.segments().next().unwrap_or_default();
        matches!(
            (root, self.kind.as_str()),
            ("assets", "asset")
                | ("liabilities", "liability")
                | ("equity", "equity")
                | ("revenue", "revenue")
                | ("expenses", "expense")
        )
    }
}
