//! The journal in hledger's format, streamed in pages.
//!
//! Accounts and commodities are declared and every posting asserts the balance that it left, so that
//! `hledger check --strict` proves the whole history and not only its sums. An entry's first date is the day it was
//! booked, because assertions are read in that order; its second date is the day it took effect (`--date2` in hledger).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::{Stream, stream};
use uuid::Uuid;

use crate::account::AccountKind;
use crate::balances::currency;
use crate::schema::{accounts, entries, postings};
use crate::{AccountCode, Currency, Error, Ledger, Money, Sequence};

/// Entries that are read and printed at once: bounds the memory, whatever the length of the book.
const PAGE_ENTRIES: i64 = 1_000;

type EntryRow = (i64, Uuid, DateTime<Utc>, NaiveDate, String, Option<String>, Option<Uuid>);
type PostingRow = (i64, i64, i64, i64);

struct Declared {
    code: String,
    currency: Currency,
}

enum Page {
    Declarations,
    After(Sequence),
}

impl Ledger {
    /// The journal up to the sequence that is newest now, as pieces of text.
    ///
    /// # Errors
    /// When the book's head cannot be read; a later failure ends the stream with its error.
    pub async fn hledger_journal(&self) -> Result<impl Stream<Item = Result<String, Error>> + use<>, Error> {
        let until = self.head().await?;
        let ledger = self.clone();
        let numbered = std::sync::Arc::new(ledger.declared().await?);
        Ok(stream::try_unfold(Some(Page::Declarations), move |page| {
            let (ledger, numbered) = (ledger.clone(), std::sync::Arc::clone(&numbered));
            async move {
                match page {
                    None => Ok(None),
                    Some(Page::Declarations) => {
                        Ok(Some((declarations(&numbered, until), Some(Page::After(Sequence::new(0))))))
                    }
                    Some(Page::After(after)) => {
                        let to = Sequence::new(until.number().min(after.number() + PAGE_ENTRIES));
                        let text = ledger.hledger_page(after, to, &numbered).await?;
                        let next = (to < until).then_some(Page::After(to));
                        Ok(Some((text, next)))
                    }
                }
            }
        }))
    }

    async fn declared(&self) -> Result<std::collections::BTreeMap<i64, Declared>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<(i64, String, i32)> = accounts::table
            .filter(accounts::book_id.eq(self.book.number()))
            .select((accounts::account, accounts::code, accounts::commodity))
            .load(&mut connection)
            .await?;
        rows.into_iter()
            .map(|(number, code, commodity)| Ok((number, Declared { code, currency: currency(commodity)? })))
            .collect()
    }

    async fn hledger_page(
        &self,
        after: Sequence,
        to: Sequence,
        declared: &std::collections::BTreeMap<i64, Declared>,
    ) -> Result<String, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<EntryRow> = entries::table
            .filter(entries::book_id.eq(self.book.number()))
            .filter(entries::sequence.gt(after.number()))
            .filter(entries::sequence.le(to.number()))
            .order(entries::sequence)
            .select((
                entries::sequence,
                entries::entry_key,
                entries::booked_at,
                entries::effective_date,
                entries::kind,
                entries::description,
                entries::subject,
            ))
            .load(&mut connection)
            .await?;
        let lines: Vec<PostingRow> = postings::table
            .filter(postings::book_id.eq(self.book.number()))
            .filter(postings::sequence.gt(after.number()))
            .filter(postings::sequence.le(to.number()))
            .order((postings::sequence, postings::ordinal))
            .select((postings::sequence, postings::account, postings::amount_minor, postings::balance_minor))
            .load(&mut connection)
            .await?;
        let mut lines = lines.into_iter().peekable();
        let mut text = String::new();
        for row in rows {
            header(&mut text, &row);
            while let Some((_, account, amount, balance)) = lines.next_if(|line| line.0 == row.0) {
                let account = declared
                    .get(&account)
                    .ok_or_else(|| Error::Corrupt(format!("entry {} names account {account}", row.0)))?;
                let money = |minor| Money::from_minor(minor, account.currency);
                line(&mut text, &account.code, money(amount), money(balance));
            }
            text.push('\n');
        }
        Ok(text)
    }
}

// Writing into a String cannot fail, so the results of `writeln!` are dropped.

fn declarations(declared: &std::collections::BTreeMap<i64, Declared>, until: Sequence) -> String {
    let mut text = format!("; journal up to entry {}\n\n", until.number());
    let currencies: BTreeSet<Currency> = declared.values().map(|account| account.currency).collect();
    for currency in currencies {
        let example = Money::from_minor(10_i64.pow(3 + currency.decimals()), currency);
        let mark = if currency.decimals() == 0 { "." } else { "" };
        let _ = writeln!(text, "commodity {example}{mark} {currency}");
    }
    text.push('\n');
    let codes: BTreeSet<&str> = declared.values().map(|account| account.code.as_str()).collect();
    for code in codes {
        let kind = AccountCode::try_new(code).map_or("", |code| match code.kind() {
            AccountKind::Asset => "A",
            AccountKind::Liability => "L",
            AccountKind::Equity => "E",
            AccountKind::Revenue => "R",
            AccountKind::Expense => "X",
        });
        let _ = writeln!(text, "account {code}  ; type:{kind}");
    }
    text.push('\n');
    text
}

fn header(text: &mut String, (sequence, key, booked_at, effective, kind, description, subject): &EntryRow) {
    let booked = booked_at.date_naive();
    let _ = write!(text, "{booked}");
    if *effective != booked {
        let _ = write!(text, "={effective}");
    }
    // A semicolon would start a comment, and a bar splits payee from note.
    let description = description.as_deref().unwrap_or("").replace([';', '|'], ",");
    let separator = if description.is_empty() { "" } else { ": " };
    let _ = writeln!(text, " * ({sequence}) {kind}{separator}{description}");
    let _ = write!(text, "    ; entry:{key}, booked:{}", booked_at.format("%Y-%m-%dT%H-%M-%S%.6fZ"));
    if let Some(subject) = subject {
        let _ = write!(text, ", subject:{subject}");
    }
    text.push('\n');
}

fn line(text: &mut String, code: &str, amount: Money, balance: Money) {
    let currency = amount.currency();
    let _ = writeln!(text, "    {code:<60}  {amount:>20} {currency} = {balance} {currency}");
}
