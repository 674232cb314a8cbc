//! `targets.simple.csv` of OpenSanctions: a target a row, with lists between semicolons. The newest change dates it.

use std::io::BufRead;

use chrono::NaiveDate;

use super::elements::Bounded;
use super::{ListFault, Publisher};
use crate::screening::birth_date::PartialDate;
use crate::screening::entry::{EntryKind, ListEntry};

/// The columns that are read; others may stand among them.
const COLUMNS: [&str; 7] = ["id", "schema", "name", "aliases", "birth_date", "countries", "last_change"];

pub(super) struct OpenSanctions<R: BufRead> {
    reader: csv::Reader<Bounded<R>>,
    /// Where each of [`COLUMNS`] stands, once the first line was read.
    places: Option<[usize; 7]>,
    published_on: Option<NaiveDate>,
}

impl<R: BufRead> OpenSanctions<R> {
    pub(super) fn new(file: R) -> Self {
        Self { reader: csv::Reader::from_reader(Bounded::new(file)), places: None, published_on: None }
    }

    fn places(&mut self) -> Result<[usize; 7], ListFault> {
        if let Some(places) = self.places {
            return Ok(places);
        }
        let headers = self.reader.headers().map_err(|error| ListFault::new("line 1", error))?;
        let mut places = [0; 7];
        for (place, column) in places.iter_mut().zip(COLUMNS) {
            let found = headers.iter().position(|header| header == column);
            *place = found.ok_or_else(|| ListFault::new("line 1", format!("the column {column} is missing")))?;
        }
        self.places = Some(places);
        Ok(places)
    }

    fn read(&mut self, row: &csv::StringRecord, places: [usize; 7]) -> Result<ListEntry, String> {
        let field = |column: usize| row.get(places[column]).unwrap_or_default().trim();
        let list = |column: usize| field(column).split(';').map(str::trim).filter(|item| !item.is_empty());
        let mut entry = ListEntry::new(match field(1) {
            "Person" => EntryKind::Person,
            "Vessel" | "Airplane" | "Vehicle" | "CryptoWallet" | "Security" => EntryKind::Thing,
            _ => EntryKind::Organisation,
        });
        field(0).clone_into(&mut entry.reference);
        entry.name(field(2));
        list(3).for_each(|alias| entry.name(alias));
        for date in list(4) {
            let date: PartialDate =
                date.get(..10).unwrap_or(date).parse().map_err(|fault| format!("birth_date: {fault}"))?;
            entry.births.push(date);
        }
        list(5).for_each(|country| entry.country(country));
        if let Some(text) = field(6).get(..10) {
            let date = text.parse().map_err(|_| "last_change is no date".to_owned())?;
            self.published_on = self.published_on.max(Some(date));
        }
        entry.checked()
    }
}

impl<R: BufRead> Publisher for OpenSanctions<R> {
    fn next(&mut self) -> Result<Option<ListEntry>, ListFault> {
        let places = self.places()?;
        self.reader.get_mut().begin();
        let mut row = csv::StringRecord::new();
        let line = self.reader.position().line();
        match self.reader.read_record(&mut row) {
            Ok(false) => Ok(None),
            Ok(true) => self.read(&row, places).map(Some).map_err(|what| ListFault::new(format!("line {line}"), what)),
            Err(error) => Err(ListFault::new(format!("line {line}"), error)),
        }
    }

    fn published_on(&self) -> Option<NaiveDate> {
        self.published_on
    }
}
