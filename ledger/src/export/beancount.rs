//! The journal for beancount.
//!
//! Beancount wants every part of an account's name capitalised: `liabilities:wallets:amina` is
//! `Liabilities:Wallets:Amina`, and the account's `code` says how it is called here. A part that starts with a hyphen
//! gets `XX` in front, which nothing else starts with. Balances are asserted exactly, for the accounts that a day
//! touched, at the start of the next; and for all accounts at the end.
//!
//! A posting of units is a line for each lot with its cost. Which lot is given is said by us, so that beancount is told to
//! match none itself (`booking_method`); a part that begins later opens with units without their lots.
//!
//! What a part adds to be checked alone stands between lines `;; opening` and `;; end of opening`, and between
//! `;; closing` and `;; end of closing`. Parts are joined by leaving the opening of all but the first and the closing of
//! all but the last out.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Days, NaiveDate};

use super::accounts::Opened;
use super::page::{EntryRow, Named, Page};
use super::{Export, Part, print};
use crate::{Amount, Commodity, Error, Lot};

/// Accounts whose balances are asserted at the end of a day. Those that a day touches beyond them are asserted at the
/// end of the next day that touches them, or at the end of the journal; so memory stays bounded.
const MAX_ASSERTED_A_DAY: usize = 50_000;

pub(super) fn parts(export: &Export) -> Vec<Part> {
    let opened_on = export.opened_at.date_naive();
    let mut parts = vec![Part::Text(beginning(export))];
    if export.is_continued() {
        parts.push(Part::accounts(|account, out| {
            if account.leads && account.known {
                open(account, out);
            }
        }));
        let mut head = Vec::new();
        print::day(&mut head, opened_on);
        print::text(&mut head, " * \"opening\" \"balances after entry ");
        print::number(&mut head, export.first - 1);
        print::text(&mut head, "\"\n");
        parts.push(Part::Text(String::from_utf8_lossy(&head).into_owned()));
        parts.push(Part::accounts(|account, out| {
            if !account.opening().is_zero() {
                line(out, &account.named.code, account.opening());
            }
        }));
    }
    parts.push(Part::Text(";; end of opening\n\n".to_owned()));
    parts.push(Part::accounts(|account, out| {
        if account.leads && !account.known {
            open(account, out);
        }
    }));
    parts.push(Part::Text("\n".to_owned()));
    let mut day = Day::default();
    parts.push(Part::Entries(Box::new(move |page, out| entries(page, &mut day, out))));
    let closed_on = export.closed_at.date_naive();
    parts.push(Part::Text(";; closing\n".to_owned()));
    parts.push(Part::accounts(move |account, out| {
        balance(out, next_day(closed_on), &account.named.code, account.closing());
    }));
    parts.push(Part::Text(";; end of closing\n".to_owned()));
    parts
}

fn beginning(export: &Export) -> String {
    let mut out = Vec::new();
    print::text(&mut out, ";; opening\n");
    print::text(&mut out, "option \"title\" ");
    quoted(&mut out, &format!("{}: entries {} through {}", export.book_name, export.first, export.last));
    print::text(
        &mut out,
        "\noption \"name_income\" \"Revenue\"\n\
        option \"booking_method\" \"NONE\"\n\n",
    );
    String::from_utf8_lossy(&out).into_owned()
}

fn next_day(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// The name of an account. No two codes have the same one, since a code has no capitals.
fn name(out: &mut Vec<u8>, code: &str) {
    for (place, segment) in code.split(':').enumerate() {
        if place > 0 {
            out.push(b':');
        }
        match segment.as_bytes() {
            [first, rest @ ..] if first.is_ascii_alphanumeric() => {
                out.push(first.to_ascii_uppercase());
                out.extend_from_slice(rest);
            }
            other => {
                print::text(out, "XX");
                out.extend_from_slice(other);
            }
        }
    }
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn open(account: &Opened, out: &mut Vec<u8>) {
    print::day(out, account.opened_at.date_naive());
    print::text(out, " open ");
    name(out, &account.named.code);
    print::text(out, "\n  code: ");
    quoted(out, &account.named.code);
    out.push(b'\n');
}

fn line(out: &mut Vec<u8>, code: &str, amount: Amount) {
    print::text(out, "  ");
    name(out, code);
    print::text(out, "  ");
    units(out, amount);
    out.push(b'\n');
}

/// A decimal with what it is of.
fn units(out: &mut Vec<u8>, amount: Amount) {
    print::decimal(out, amount);
    out.push(b' ');
    currency(out, amount.commodity());
}

/// Beancount's name for it: a unit's is `UNIT.SOLAR-1`, since it wants capitals and takes no colon.
fn currency(out: &mut Vec<u8>, commodity: Commodity) {
    let name = |byte: u8| if byte == b':' { b'.' } else { byte.to_ascii_uppercase() };
    out.extend(commodity.code().bytes().map(name));
}

/// The part of a posting that is of one lot: its whole cost, the day it counts as had from, and its name.
fn lot(out: &mut Vec<u8>, code: &str, lot: &Lot) {
    print::text(out, "  ");
    name(out, code);
    print::text(out, "  ");
    units(out, lot.amount);
    if let Some(cost) = lot.cost {
        print::text(out, " {{");
        print::magnitude(out, cost.into());
        out.push(b' ');
        print::text(out, cost.currency().code());
        print::text(out, ", ");
        print::day(out, lot.acquired_on);
        print::text(out, ", ");
        quoted(out, &lot.name.to_string());
        print::text(out, "}}");
    }
    out.push(b'\n');
}

fn balance(out: &mut Vec<u8>, day: NaiveDate, code: &str, held: Amount) {
    print::day(out, day);
    print::text(out, " balance ");
    name(out, code);
    print::text(out, "  ");
    print::decimal(out, held);
    // Without a tolerance of its own an assertion forgives a minor unit.
    print::text(out, " ~ ");
    units(out, Amount::zero(held.commodity()));
    out.push(b'\n');
}

/// What the accounts that a day touched held after it, by their numbers.
#[derive(Default)]
struct Day {
    date: Option<NaiveDate>,
    balances: BTreeMap<i64, (Arc<Named>, i64)>,
}

impl Day {
    /// Asserts what the day left, if another one has begun.
    fn turn_to(&mut self, date: NaiveDate, out: &mut Vec<u8>) {
        if let Some(ended) = self.date.replace(date).filter(|ended| *ended != date) {
            for (account, minor) in std::mem::take(&mut self.balances).into_values() {
                balance(out, next_day(ended), &account.code, Amount::from_minor(minor, account.commodity));
            }
            out.push(b'\n');
        }
    }

    fn keep(&mut self, account: &Arc<Named>, balance_minor: i64) {
        if let Some((_, held)) = self.balances.get_mut(&account.number) {
            *held = balance_minor;
        } else if self.balances.len() < MAX_ASSERTED_A_DAY {
            self.balances.insert(account.number, (Arc::clone(account), balance_minor));
        }
    }
}

fn entries(page: &Page, day: &mut Day, out: &mut Vec<u8>) -> Result<(), Error> {
    for entry in &page.entries {
        day.turn_to(entry.booked_at.date_naive(), out);
        head(entry, out);
        for change in page.changes(entry) {
            let what =
                format!("{} {} {} {}", change.change, change.amount(), change.account.commodity, change.account.code);
            fact(out, &format!("hold-{}", change.ordinal), &format!("{} {what}", change.hold));
        }
        for posting in page.postings(entry) {
            match posting.lots.as_slice() {
                [] => line(out, &posting.account.code, posting.amount()),
                lots => lots.iter().for_each(|held| lot(out, &posting.account.code, held)),
            }
            day.keep(&posting.account, posting.balance_minor);
        }
        out.push(b'\n');
    }
    Ok(())
}

fn fact(out: &mut Vec<u8>, name: &str, value: &str) {
    print::text(out, "  ");
    print::text(out, name);
    print::text(out, ": ");
    quoted(out, value);
    out.push(b'\n');
}

fn head(entry: &EntryRow, out: &mut Vec<u8>) {
    print::day(out, entry.booked_at.date_naive());
    print::text(out, " * ");
    quoted(out, &entry.kind);
    out.push(b' ');
    quoted(out, entry.description.as_deref().unwrap_or_default());
    print::text(out, "\n  sequence: ");
    print::number(out, entry.sequence);
    print::text(out, "\n  entry: \"");
    print::id(out, entry.key);
    print::text(out, "\"\n  booked: \"");
    print::moment(out, entry.booked_at, b':');
    print::text(out, "\"\n  effective: ");
    print::day(out, entry.effective_date);
    out.push(b'\n');
    if let Some(subject) = entry.subject {
        fact(out, "subject", &subject.to_string());
    }
    if let Some(metadata) = &entry.metadata {
        fact(out, "metadata", metadata);
    }
    if let Some(reverses) = entry.reverses {
        print::text(out, "  reverses: ");
        print::number(out, reverses);
        out.push(b'\n');
    }
    for (approver, place) in entry.approvers.iter().flatten().zip(1..) {
        fact(out, &format!("approver-{place}"), &approver.to_string());
    }
    if let Some(period) = &entry.period {
        fact(out, "period", &format!("{} through {}", period.change, period.through));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_capitalised_and_stay_apart() {
        let named = |code| {
            let mut out = Vec::new();
            name(&mut out, code);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(named("liabilities:wallets:amina"), "Liabilities:Wallets:Amina");
        assert_eq!(named("assets:pay-in:1bank"), "Assets:Pay-in:1bank");
        assert_eq!(named("assets:-x"), "Assets:XX-x");
        assert_eq!(named("assets:xx-x"), "Assets:Xx-x");
    }
}
