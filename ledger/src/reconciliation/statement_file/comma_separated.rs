//! Comma-separated values: a line a record, and what the columns are called said beforehand.
//!
//! Such a file says nothing of its statement, so the person who loads it does: id, account, balances.

use std::io::BufRead;

use chrono::NaiveDate;
use csv::StringRecord;

use super::bounded::Bounded;
use super::{End, FileFault, Head, Line, Part, Parts, comparable_reference, minor_units, name, one_line};
use crate::Money;

/// How a file writes decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1234.50`
    Point,
    /// `1234,50`
    Comma,
}

/// In which columns amounts stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvAmounts {
    /// One column; what went out has a minus sign.
    Signed(String),
    /// Two columns without signs: money that came in, and money that went out.
    InAndOut(String, String),
}

/// What the columns are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvColumns {
    /// The date on which the money moved.
    pub date: String,
    /// The amounts.
    pub amounts: CsvAmounts,
    /// What the payment says it is about, if there is such a column.
    pub reference: Option<String>,
    /// The bank's own name for it, if there is such a column.
    pub bank_reference: Option<String>,
    /// What the bank passed on, if there is such a column.
    pub text: Option<String>,
}

/// What a file of comma-separated values does not say of its statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvStatement {
    /// Its id.
    pub id: String,
    /// The account at the bank.
    pub external_account: String,
    /// The day of the opening balance.
    pub opens_on: NaiveDate,
    /// The day of the closing balance.
    pub closes_on: NaiveDate,
    /// The balance before the first line; positive where the bank owes it to us.
    pub opening: Money,
    /// The balance after the last line.
    pub closing: Money,
}

/// How a file of comma-separated values is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvLayout {
    /// Between two values: a comma, a semicolon, a tab.
    pub delimiter: u8,
    /// How decimals are written.
    pub decimal_mark: DecimalMark,
    /// How dates are written, in the words of `strftime`: `%d.%m.%Y`.
    pub date_format: String,
    /// The columns.
    pub columns: CsvColumns,
    /// The statement.
    pub statement: CsvStatement,
}

pub(super) struct Csv<R> {
    reader: csv::Reader<Bounded<R>>,
    layout: CsvLayout,
    places: Option<Places>,
    record: StringRecord,
    ended: bool,
}

struct Places {
    date: usize,
    amount: usize,
    outgoing: Option<usize>,
    reference: Option<usize>,
    bank_reference: Option<usize>,
    text: Option<usize>,
}

impl<R: BufRead> Csv<R> {
    pub(super) fn new(file: Bounded<R>, layout: CsvLayout) -> Self {
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(layout.delimiter).has_headers(false).trim(csv::Trim::All);
        Self { reader: builder.from_reader(file), layout, places: None, record: StringRecord::new(), ended: false }
    }

    fn read(&mut self) -> Result<bool, FileFault> {
        self.reader.get_mut().begin();
        let read = self.reader.read_record(&mut self.record);
        read.map_err(|error| {
            let line = error.position().map_or_else(|| self.reader.position().line(), csv::Position::line);
            FileFault::new(format!("line {line}"), error)
        })
    }

    fn line_number(&self) -> String {
        format!("line {}", self.record.position().map_or(0, csv::Position::line))
    }

    fn begin(&mut self) -> Result<Part, FileFault> {
        if !self.read()? {
            return Err(FileFault::new("line 1", "the columns are missing"));
        }
        let places = columns_at(&self.record, &self.layout.columns);
        self.places = Some(places.map_err(|what| FileFault::new("line 1", what))?);
        let CsvStatement { id, external_account, opens_on, opening, closing, .. } = &self.layout.statement;
        let said = |what: String| FileFault::new("the statement", what);
        if opening.currency() != closing.currency() {
            return Err(said("its balances are in two currencies".to_owned()));
        }
        Ok(Part::Opened(Head {
            external_id: name(id).map_err(said)?,
            external_number: String::new(),
            external_account: comparable_reference(external_account).unwrap_or_default(),
            currency: opening.currency(),
            opens_on: *opens_on,
            opening_minor: opening.minor(),
        }))
    }

    fn line(&self, places: &Places) -> Result<Line, String> {
        let value = |place: Option<usize>| place.and_then(|place| self.record.get(place)).unwrap_or("");
        let day = value(Some(places.date));
        let occurs_on = NaiveDate::parse_from_str(day, &self.layout.date_format)
            .map_err(|_| format!("{day:.20} is no date in the form {}", self.layout.date_format))?;
        let amount_minor = match places.outgoing {
            None => self.signed(value(Some(places.amount)))?,
            Some(outgoing) => match (value(Some(places.amount)), value(Some(outgoing))) {
                (incoming, "") => self.unsigned(incoming)?,
                ("", outgoing) => -self.unsigned(outgoing)?,
                _ => return Err("it has an amount that came in and one that went out".to_owned()),
            },
        };
        Ok(Line {
            occurs_on,
            amount_minor,
            reference: comparable_reference(value(places.reference)),
            bank_reference: comparable_reference(value(places.bank_reference)),
            text: one_line([value(places.text)].into_iter()),
        })
    }

    fn signed(&self, text: &str) -> Result<i64, String> {
        match text.strip_prefix('-') {
            Some(outgoing) => Ok(-self.unsigned(outgoing)?),
            None => self.unsigned(text.strip_prefix('+').unwrap_or(text)),
        }
    }

    fn unsigned(&self, text: &str) -> Result<i64, String> {
        let currency = self.layout.statement.opening.currency();
        match self.layout.decimal_mark {
            DecimalMark::Point => minor_units(text, currency),
            DecimalMark::Comma if text.contains('.') => Err(format!("{text:.40} is not written with a comma")),
            DecimalMark::Comma => minor_units(&text.replace(',', "."), currency),
        }
    }
}

impl<R: BufRead + Send> Parts for Csv<R> {
    fn next(&mut self) -> Result<Option<Part>, FileFault> {
        if self.ended {
            return Ok(None);
        }
        if self.places.is_none() {
            return self.begin().map(Some);
        }
        while self.read()? {
            let Some(places) = &self.places else { break };
            let line = self.line(places).map_err(|what| FileFault::new(self.line_number(), what))?;
            if line.amount_minor != 0 {
                return Ok(Some(Part::Line(line)));
            }
        }
        self.ended = true;
        let CsvStatement { closes_on, closing, .. } = self.layout.statement;
        Ok(Some(Part::Closed(End { closes_on, closing_minor: closing.minor() })))
    }
}

fn columns_at(header: &StringRecord, columns: &CsvColumns) -> Result<Places, String> {
    let at = |wanted: &str| {
        let mut found = header.iter().enumerate().filter(|(_, name)| name.trim_start_matches('\u{feff}') == wanted);
        match (found.next(), found.next()) {
            (Some((place, _)), None) => Ok(place),
            (None, _) => Err(format!("there is no column {wanted:.40}")),
            _ => Err(format!("there are two columns {wanted:.40}")),
        }
    };
    let optional = |wanted: &Option<String>| wanted.as_deref().map(at).transpose();
    let (amount, outgoing) = match &columns.amounts {
        CsvAmounts::Signed(signed) => (at(signed)?, None),
        CsvAmounts::InAndOut(incoming, outgoing) => (at(incoming)?, Some(at(outgoing)?)),
    };
    Ok(Places {
        date: at(&columns.date)?,
        amount,
        outgoing,
        reference: optional(&columns.reference)?,
        bank_reference: optional(&columns.bank_reference)?,
        text: optional(&columns.text)?,
    })
}
