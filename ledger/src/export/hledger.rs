//! The journal for hledger and for ledger, which read nearly the same.
//!
//! Accounts and commodities are declared and every posting asserts the balance that it left, so a check proves the whole
//! history and not only its sums. An entry's first date is the day it was booked, because assertions are read in that
//! order; its second date is the day it took effect.
//!
//! A posting of units is a line for each lot, with the whole cost behind `@@`; its last line asserts the balance.
//!
//! A part begins with an entry that *assigns* what every account held before. Alone it opens the accounts; behind the
//! part before it, it moves nothing. So parts are joined by putting them one behind the other. Where a part is missing
//! between, that entry moves what the missing one did: `hledger register 'desc:balances after'` shows it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::accounts::Opened;
use super::page::{EntryRow, Page, PostingRow};
use super::{Export, Part, print};
use crate::account::AccountKind;
use crate::{Amount, Commodity, Error, Lot, Money};

/// Who reads the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Hledger,
    Ledger,
}

/// What a comment on an entry may be called; ledger wants them declared.
const TAGS: [&str; 9] = ["entry", "booked", "subject", "metadata", "reverses", "approved-by", "period", "hold", "lot"];

pub(super) fn parts(export: &Export, dialect: Dialect) -> Vec<Part> {
    let mut declared = BTreeSet::new();
    let accounts = Part::accounts(move |account, out| {
        if declared.insert(account.named.commodity) {
            commodity(account.named.commodity, dialect, out);
        }
        declare(account, out);
    });
    let mut parts = vec![Part::Text(beginning(export)), accounts];
    if export.is_continued() {
        let before = export.first - 1;
        let mut opening = Vec::new();
        opening.push(b'\n');
        print::day(&mut opening, export.opened_at.date_naive());
        let _ = writeln!(Text(&mut opening), " * ({before}) balances after entry {before}");
        parts.push(Part::Text(String::from_utf8_lossy(&opening).into_owned()));
        parts.push(Part::accounts(open));
    }
    parts.push(Part::Text("\n".to_owned()));
    parts.push(Part::Entries(Box::new(entries)));
    parts
}

/// Formatted text behind bytes; writing into memory cannot fail, so results of `write!` are dropped.
struct Text<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        print::text(self.0, text);
        Ok(())
    }
}

fn beginning(export: &Export) -> String {
    let mut text = format!("; {}: entries {} through {}\n\n", export.book_name, export.first, export.last);
    for tag in TAGS {
        let _ = writeln!(text, "tag {tag}");
    }
    text.push('\n');
    text
}

/// Declares a commodity.
fn commodity(commodity: Commodity, dialect: Dialect, out: &mut Vec<u8>) {
    let example = Amount::from_minor(10_i64.pow(3 + commodity.decimals()), commodity);
    let mark = if commodity.decimals() == 0 { "." } else { "" };
    let mut symbol = Vec::new();
    print::symbol(&mut symbol, commodity);
    let symbol = String::from_utf8_lossy(&symbol);
    let _ = match dialect {
        Dialect::Hledger => writeln!(Text(out), "commodity {example}{mark} {symbol}"),
        Dialect::Ledger => writeln!(Text(out), "commodity {symbol}\n    format {example} {symbol}"),
    };
}

fn declare(account: &Opened, out: &mut Vec<u8>) {
    if !account.leads {
        return;
    }
    print::text(out, "account ");
    print::text(out, &account.named.code);
    print::text(out, "\n    ; type: ");
    out.push(match account.named.kind {
        AccountKind::Asset => b'A',
        AccountKind::Liability => b'L',
        AccountKind::Equity => b'E',
        AccountKind::Revenue => b'R',
        AccountKind::Expense => b'X',
    });
    out.push(b'\n');
}

fn open(account: &Opened, out: &mut Vec<u8>) {
    if account.opening().is_zero() {
        return;
    }
    print::text(out, "    ");
    print::text(out, &account.named.code);
    print::text(out, "  = ");
    print::with_symbol(out, account.opening());
    out.push(b'\n');
}

fn entries(page: &Page, out: &mut Vec<u8>) -> Result<(), Error> {
    for entry in &page.entries {
        head(entry, out);
        for change in page.changes(entry) {
            tag(out, "hold");
            print::id(out, change.hold);
            let _ = write!(Text(out), " {} ", change.change);
            print::with_symbol(out, change.amount());
            let _ = writeln!(Text(out), " on {}", change.account.code);
        }
        for posting in page.postings(entry) {
            match posting.lots.split_last() {
                None => line(posting, posting.amount(), None, out),
                Some((last, others)) => {
                    for lot in others {
                        line(posting, lot.amount, lot.cost, out);
                        out.push(b'\n');
                        lot_tag(lot, out);
                    }
                    line(posting, last.amount, last.cost, out);
                }
            }
            print::text(out, " = ");
            print::with_symbol(out, posting.balance());
            out.push(b'\n');
            if let Some(last) = posting.lots.last() {
                lot_tag(last, out);
            }
        }
        out.push(b'\n');
    }
    Ok(())
}

/// A posting, or the part of it that is of one lot, with the lot's whole cost.
fn line(posting: &PostingRow, amount: Amount, cost: Option<Money>, out: &mut Vec<u8>) {
    print::text(out, "    ");
    print::text(out, &posting.account.code);
    print::text(out, "  ");
    print::with_symbol(out, amount);
    if let Some(cost) = cost {
        print::text(out, " @@ ");
        print::magnitude(out, cost.into());
        out.push(b' ');
        print::symbol(out, cost.currency().into());
    }
}

fn lot_tag(lot: &Lot, out: &mut Vec<u8>) {
    tag(out, "lot");
    let _ = writeln!(Text(out), "{} acquired {}", lot.name, lot.acquired_on);
}

fn tag(out: &mut Vec<u8>, name: &str) {
    print::text(out, "    ; ");
    print::text(out, name);
    print::text(out, ": ");
}

fn head(entry: &EntryRow, out: &mut Vec<u8>) {
    let booked = entry.booked_at.date_naive();
    print::day(out, booked);
    if entry.effective_date != booked {
        out.push(b'=');
        print::day(out, entry.effective_date);
    }
    print::text(out, " * (");
    print::number(out, entry.sequence);
    print::text(out, ") ");
    print::text(out, &entry.kind);
    if let Some(description) = entry.description.as_deref().filter(|description| !description.is_empty()) {
        // A semicolon would start a comment, and a bar splits payee from note.
        print::text(out, ": ");
        print::text(out, &description.replace([';', '|'], ","));
    }
    out.push(b'\n');
    tag(out, "entry");
    print::id(out, entry.key);
    out.push(b'\n');
    // Colons would make names of further tags out of hours.
    tag(out, "booked");
    print::moment(out, entry.booked_at, b'-');
    out.push(b'\n');
    if let Some(subject) = entry.subject {
        tag(out, "subject");
        print::id(out, subject);
        out.push(b'\n');
    }
    rare(entry, out);
}

/// What few entries have.
fn rare(entry: &EntryRow, out: &mut Vec<u8>) {
    if let Some(metadata) = &entry.metadata {
        tag(out, "metadata");
        // As a text without colons, for the same reason.
        print::text(out, &metadata.replace(':', "="));
        out.push(b'\n');
    }
    if let Some(reverses) = entry.reverses {
        tag(out, "reverses");
        print::number(out, reverses);
        out.push(b'\n');
    }
    for approver in entry.approvers.iter().flatten() {
        tag(out, "approved-by");
        print::id(out, *approver);
        out.push(b'\n');
    }
    if let Some(period) = &entry.period {
        tag(out, "period");
        let _ = write!(Text(out), "{} through {}", period.change, period.through);
        out.push(b'\n');
    }
}
