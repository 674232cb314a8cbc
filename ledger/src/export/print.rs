//! Amounts, days and times as text.
//!
//! A book has millions of them, and the general formatter costs several times what the rest of an export does.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use uuid::Uuid;

use crate::{Amount, Commodity};

/// Digits of the largest 64-bit number.
const MAX_DIGITS: usize = 20;

/// A whole number.
pub(super) fn number(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    padded(out, number.unsigned_abs(), 1);
}

/// A whole number with at least so many digits.
fn padded(out: &mut Vec<u8>, mut rest: u64, width: usize) {
    let mut digits = [b'0'; MAX_DIGITS];
    let mut start = MAX_DIGITS;
    while rest > 0 {
        start -= 1;
        // What remains is below ten.
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[start.min(MAX_DIGITS - width)..]);
}

/// A decimal without its currency, with all decimals of the currency.
pub(super) fn decimal(out: &mut Vec<u8>, amount: Amount) {
    if amount.minor() < 0 {
        out.push(b'-');
    }
    magnitude(out, amount);
}

/// The same without a sign.
pub(super) fn magnitude(out: &mut Vec<u8>, amount: Amount) {
    let decimals = amount.commodity().decimals();
    let scale = 10_u64.pow(decimals);
    let minor = amount.minor().unsigned_abs();
    padded(out, minor / scale, 1);
    if decimals > 0 {
        out.push(b'.');
        padded(out, minor % scale, decimals as usize);
    }
}

/// A decimal with what it is of: `101.50 EUR`. A unit stands between quotes, as hledger and ledger want a symbol with
/// other characters than letters: `12 "unit:solar-1"`.
pub(super) fn with_symbol(out: &mut Vec<u8>, amount: Amount) {
    decimal(out, amount);
    out.push(b' ');
    symbol(out, amount.commodity());
}

/// What an amount is of, between quotes where it is a unit.
pub(super) fn symbol(out: &mut Vec<u8>, commodity: Commodity) {
    let quote: &[u8] = if commodity.unit().is_some() { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    out.extend_from_slice(commodity.code().as_bytes());
    out.extend_from_slice(quote);
}

/// A day: `2026-01-31`.
pub(super) fn day(out: &mut Vec<u8>, day: NaiveDate) {
    padded(out, day.year().unsigned_abs().into(), 4);
    out.push(b'-');
    padded(out, day.month().into(), 2);
    out.push(b'-');
    padded(out, day.day().into(), 2);
}

/// A time of the day, its parts joined by `colon`: `10:30:05`.
pub(super) fn time(out: &mut Vec<u8>, time: DateTime<Utc>, colon: u8) {
    padded(out, time.hour().into(), 2);
    out.push(colon);
    padded(out, time.minute().into(), 2);
    out.push(colon);
    padded(out, time.second().into(), 2);
}

/// A moment to the microsecond, as precise as it is kept: `2026-01-31T10:30:05.000000Z`.
pub(super) fn moment(out: &mut Vec<u8>, moment: DateTime<Utc>, colon: u8) {
    day(out, moment.date_naive());
    out.push(b'T');
    time(out, moment, colon);
    out.push(b'.');
    padded(out, moment.timestamp_subsec_micros().into(), 6);
    out.push(b'Z');
}

/// An id.
pub(super) fn id(out: &mut Vec<u8>, id: Uuid) {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
}

/// A text as it is.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, Money};
    use proptest::prelude::*;

    fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        print(&mut out);
        String::from_utf8(out).expect("text")
    }

    proptest! {
        #[test]
        fn amounts_and_times_are_printed_as_the_general_formatter_does(
            minor in any::<i64>(),
            seconds in 0..4_000_000_000_i64,
            micros in 0..1_000_000_u32,
        ) {
            for code in ["EUR", "XOF", "TND"] {
                let amount = Money::from_minor(minor, Currency::try_new(code).expect("a currency"));
                prop_assert_eq!(printed(|out| decimal(out, amount.into())), amount.to_string());
            }
            prop_assert_eq!(printed(|out| number(out, minor)), minor.to_string());
            let at = DateTime::from_timestamp(seconds, micros * 1_000).expect("a time");
            prop_assert_eq!(printed(|out| moment(out, at, b':')), at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
        }
    }
}
