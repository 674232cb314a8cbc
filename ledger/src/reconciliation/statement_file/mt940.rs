//! SWIFT MT940: fields `:20:`, `:25:`, `:28C:`, `:60F:`, then `:61:` and `:86:` a line, then `:62F:`.
//!
//! A part of a statement (`:60M:`, `:62M:`) stands as a statement of its own: its number tells it from the others.

use std::collections::VecDeque;
use std::io::{BufRead, Read as _};

use chrono::{Datelike, NaiveDate};

use super::bounded::Bounded;
use super::{End, FileFault, Head, Line, Part, Parts, comparable_reference, minor_units, name, one_line};
use crate::Currency;

/// Bytes that a field with its further lines may have.
const MAX_FIELD_BYTES: usize = 8 << 10;
/// The longest line.
const MAX_LINE_BYTES: u64 = 4 << 10;

pub(super) struct Mt940<R> {
    file: Bounded<R>,
    line_number: u64,
    /// The field that further lines may still belong to, with its tag and its line.
    field: Option<(String, String, u64)>,
    head: (String, String, String),
    currency: Option<Currency>,
    line: Option<Line>,
    found: VecDeque<Part>,
    ended: bool,
}

impl<R: BufRead> Mt940<R> {
    pub(super) fn new(file: Bounded<R>) -> Self {
        Self {
            file,
            line_number: 0,
            field: None,
            head: (String::new(), String::new(), String::new()),
            currency: None,
            line: None,
            found: VecDeque::new(),
            ended: false,
        }
    }

    fn read_line(&mut self) -> Result<Option<String>, FileFault> {
        self.file.begin();
        self.line_number += 1;
        let place = format!("line {}", self.line_number);
        let fault = |what: String| FileFault::new(place.as_str(), what);
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes);
        read.map_err(|error| fault(error.to_string()))?;
        if bytes.len() as u64 == MAX_LINE_BYTES {
            return Err(fault(format!("it has {MAX_LINE_BYTES} bytes or more")));
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let text = String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8".to_owned()))?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// Takes the next line; false at the end of the file.
    fn advance(&mut self) -> Result<bool, FileFault> {
        let Some(line) = self.read_line()? else {
            self.ended = true;
            self.settle()?;
            return Ok(false);
        };
        if let Some((tag, value)) = tagged(&line) {
            self.settle()?;
            self.field = Some((tag.to_owned(), value.to_owned(), self.line_number));
        } else if line.trim_start_matches('\u{1}') == "-" || line.starts_with("-}") {
            self.settle()?;
        } else if let Some((_, value, _)) = &mut self.field {
            if value.len() + line.len() > MAX_FIELD_BYTES {
                return Err(FileFault::new(format!("line {}", self.line_number), "its field is too long"));
            }
            value.push('\n');
            value.push_str(&line);
        } else if !line.trim().is_empty() && !line.starts_with('{') {
            return Err(FileFault::new(format!("line {}", self.line_number), "it belongs to no field of MT940"));
        }
        Ok(true)
    }

    /// A field is whole, since another one or the end follows.
    fn settle(&mut self) -> Result<(), FileFault> {
        let Some((tag, value, number)) = self.field.take() else { return Ok(()) };
        self.take(&tag, &value).map_err(|what| FileFault::new(format!("line {number}, :{tag}:"), what))
    }

    fn take(&mut self, tag: &str, value: &str) -> Result<(), String> {
        match tag {
            "20" => self.head = (name(value)?, String::new(), String::new()),
            "25" => self.head.2 = comparable_reference(value).ok_or("it is no account")?,
            "28C" | "28" => self.head.1 = name(value)?,
            "60F" | "60M" => {
                let (opening_minor, opens_on, currency) = balance(value)?;
                self.currency = Some(currency);
                let (external_id, external_number, external_account) = self.head.clone();
                let head = Head { external_id, external_number, external_account, currency, opens_on, opening_minor };
                self.found.push_back(Part::Opened(head));
            }
            "61" => {
                self.finish_line();
                let currency = self.currency.ok_or("the opening balance (:60F:) is missing before it")?;
                self.line = Some(statement_line(value, currency)?);
            }
            "86" => {
                if let Some(line) = &mut self.line {
                    describe(line, value);
                }
            }
            "62F" | "62M" => {
                self.finish_line();
                let (closing_minor, closes_on, currency) = balance(value)?;
                if self.currency.take() != Some(currency) {
                    return Err("it is in another currency than the opening balance".to_owned());
                }
                self.found.push_back(Part::Closed(End { closes_on, closing_minor }));
            }
            _ => {}
        }
        Ok(())
    }

    fn finish_line(&mut self) {
        self.found.extend(self.line.take().filter(|line| line.amount_minor != 0).map(Part::Line));
    }
}

impl<R: BufRead + Send> Parts for Mt940<R> {
    fn next(&mut self) -> Result<Option<Part>, FileFault> {
        while self.found.is_empty() && !self.ended {
            self.advance()?;
        }
        Ok(self.found.pop_front())
    }
}

/// The tag and the value of a line that begins a field: `:61:…`.
fn tagged(line: &str) -> Option<(&str, &str)> {
    // The text block of a whole SWIFT message may begin on the line of its first field.
    let line = line.rsplit_once("{4:").map_or(line, |(_, text)| text);
    let (tag, value) = line.strip_prefix(':')?.split_once(':')?;
    let known = (2..=3).contains(&tag.len()) && tag.as_bytes()[..2].iter().all(u8::is_ascii_digit);
    known.then_some((tag, value))
}

/// `C260301EUR1234,56`.
fn balance(value: &str) -> Result<(i64, NaiveDate, Currency), String> {
    let (sign, rest) = value.trim().split_at_checked(1).ok_or("it is no balance")?;
    let (day, rest) = rest.split_at_checked(6).ok_or("it is no balance")?;
    let (currency, amount) = rest.split_at_checked(3).ok_or("it is no balance")?;
    let currency = Currency::try_new(currency).map_err(|error| error.to_string())?;
    let minor = minor_units(&amount.replace(',', "."), currency)?;
    match sign {
        "C" => Ok((minor, date(day)?, currency)),
        "D" => Ok((-minor, date(day)?, currency)),
        _ => Err("a balance is C or D".to_owned()),
    }
}

/// `2603020302CR101,50NTRFOURS//THEIRS`, and what the bank says of it on the next line.
fn statement_line(value: &str, currency: Currency) -> Result<Line, String> {
    let (first, supplement) = value.split_once('\n').unwrap_or((value, ""));
    let (day, rest) = first.split_at_checked(6).ok_or("its value date is missing")?;
    let occurs_on = date(day)?;
    let rest = match rest.split_at_checked(4) {
        Some((entry_day, rest)) if entry_day.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => rest,
    };
    // A reversed credit takes money away, a reversed debit brings it back.
    let marks = [("RC", -1), ("RD", 1), ("C", 1), ("D", -1)];
    let (mark, sign) = marks.into_iter().find(|(mark, _)| rest.starts_with(mark)).ok_or("it is neither C nor D")?;
    let rest = rest[mark.len()..].trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ',').ok_or("its type is missing")?;
    let minor = minor_units(&rest[..end].replace(',', "."), currency)?;
    let references = rest[end..].get(4..).ok_or("its type is missing")?;
    let (ours, theirs) = references.split_once("//").unwrap_or((references, ""));
    Ok(Line {
        occurs_on,
        amount_minor: sign * minor,
        reference: comparable_reference(ours),
        bank_reference: comparable_reference(theirs),
        text: one_line([supplement].into_iter()),
    })
}

/// `:86:` in the form of German banks (`?20EREF+…?21SVWZ+…`), or free.
fn describe(line: &mut Line, value: &str) {
    let joined: String = value.lines().collect();
    let mut text = String::new();
    let mut subfields = joined.split('?');
    text.push_str(subfields.next().unwrap_or(""));
    for subfield in subfields {
        let digits = subfield.bytes().take_while(u8::is_ascii_digit).count();
        // Numbers cut words where a line is full; a blank would cut a reference.
        text.push_str(if digits >= 2 { &subfield[2..] } else { subfield });
    }
    for mark in ["EREF+", "KREF+"] {
        if line.reference.is_none()
            && let Some((_, after)) = text.split_once(mark)
        {
            let end = after.find('+').map_or(after.len(), |plus| plus.saturating_sub(4));
            line.reference = after.get(..end).and_then(comparable_reference);
        }
    }
    line.text = one_line([line.text.clone().as_str(), text.as_str()].into_iter());
}

/// `YYMMDD`, of this century.
fn date(text: &str) -> Result<NaiveDate, String> {
    let wrong = || format!("{text:.10} is no date YYMMDD");
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let day = NaiveDate::parse_from_str(text, "%y%m%d").map_err(|_| wrong())?;
    day.with_year(2000 + day.year().rem_euclid(100)).ok_or_else(wrong)
}
