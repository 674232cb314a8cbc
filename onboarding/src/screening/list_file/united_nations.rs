//! `CONSOLIDATED_LIST`: individuals with up to four parts of a name, and entities; aliases of each.

use std::io::BufRead;

use chrono::NaiveDate;

use super::elements::{Attributes, Elements, Step};
use super::{ListFault, Publisher};
use crate::screening::birth_date::PartialDate;
use crate::screening::entry::{EntryKind, ListEntry};

const INDIVIDUAL: &str = "/CONSOLIDATED_LIST/INDIVIDUALS/INDIVIDUAL";
const ENTITY: &str = "/CONSOLIDATED_LIST/ENTITIES/ENTITY";

pub(super) struct UnitedNations<R: BufRead> {
    elements: Elements<R>,
    published_on: Option<NaiveDate>,
    entry: ListEntry,
    /// The parts of the main name, in order.
    parts: Vec<String>,
    birth: Birth,
}

/// What an entry says of one birth date.
#[derive(Default)]
struct Birth {
    about: bool,
    date: Option<NaiveDate>,
    year: Option<i32>,
    between: (Option<i32>, Option<i32>),
}

impl Birth {
    fn read(self) -> Option<PartialDate> {
        let date = self.date.map(PartialDate::day).or_else(|| self.year.map(PartialDate::year));
        let between = || PartialDate::between(self.between.0?, self.between.1?);
        let date = date.or_else(between)?;
        Some(if self.about { date.about() } else { date })
    }
}

impl<R: BufRead> UnitedNations<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            elements: Elements::new(file, "CONSOLIDATED_LIST"),
            published_on: None,
            entry: ListEntry::new(EntryKind::Person),
            parts: Vec::new(),
            birth: Birth::default(),
        }
    }

    fn enter(&mut self, attributes: &Attributes) -> Result<(), ListFault> {
        match self.elements.path() {
            "/CONSOLIDATED_LIST" => {
                let date = attributes.get("dateGenerated").and_then(|text| text.get(..10)?.parse().ok());
                let fault = || self.elements.fault("dateGenerated is no date");
                self.published_on = Some(date.ok_or_else(fault)?);
            }
            INDIVIDUAL => self.begin(EntryKind::Person),
            ENTITY => self.begin(EntryKind::Organisation),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, kind: EntryKind) {
        self.entry = ListEntry::new(kind);
        self.parts.clear();
    }

    /// Takes what stood in an element; true when an entry is whole.
    fn leave(&mut self, text: &str) -> Result<bool, ListFault> {
        let path = self.elements.path();
        let Some(field) = path.strip_prefix(INDIVIDUAL).or_else(|| path.strip_prefix(ENTITY)) else { return Ok(false) };
        match field {
            "" => {
                let name = self.parts.join(" ");
                let aliases = std::mem::take(&mut self.entry.names);
                self.entry.name(&name);
                aliases.iter().for_each(|alias| self.entry.name(alias));
                return Ok(true);
            }
            "/DATAID" => text.clone_into(&mut self.entry.reference),
            "/FIRST_NAME" | "/SECOND_NAME" | "/THIRD_NAME" | "/FOURTH_NAME" if !text.is_empty() => {
                self.parts.push(text.to_owned());
            }
            "/NAME_ORIGINAL_SCRIPT" | "/INDIVIDUAL_ALIAS/ALIAS_NAME" | "/ENTITY_ALIAS/ALIAS_NAME" => {
                self.entry.name(text)
            }
            "/NATIONALITY/VALUE" | "/INDIVIDUAL_ADDRESS/COUNTRY" | "/ENTITY_ADDRESS/COUNTRY" => {
                self.entry.country(text)
            }
            "/INDIVIDUAL_DATE_OF_BIRTH/TYPE_OF_DATE" => self.birth.about = text.eq_ignore_ascii_case("approximately"),
            "/INDIVIDUAL_DATE_OF_BIRTH/DATE" if !text.is_empty() => {
                let date = text.get(..10).and_then(|text| text.parse().ok());
                self.birth.date = Some(date.ok_or_else(|| self.elements.fault("it is no date such as 1970-03-12"))?);
            }
            "/INDIVIDUAL_DATE_OF_BIRTH/YEAR" => self.birth.year = self.year(text)?,
            "/INDIVIDUAL_DATE_OF_BIRTH/FROM_YEAR" => self.birth.between.0 = self.year(text)?,
            "/INDIVIDUAL_DATE_OF_BIRTH/TO_YEAR" => self.birth.between.1 = self.year(text)?,
            "/INDIVIDUAL_DATE_OF_BIRTH" => {
                let birth = std::mem::take(&mut self.birth).read();
                self.entry.births.extend(birth);
            }
            _ => {}
        }
        Ok(false)
    }

    fn year(&self, text: &str) -> Result<Option<i32>, ListFault> {
        if text.is_empty() {
            return Ok(None);
        }
        let year = text.parse().ok().filter(|year| (1800..=2200).contains(year));
        year.map(Some).ok_or_else(|| self.elements.fault("it is no year"))
    }
}

impl<R: BufRead> Publisher for UnitedNations<R> {
    fn next(&mut self) -> Result<Option<ListEntry>, ListFault> {
        while let Some(step) = self.elements.next()? {
            let whole = match step {
                Step::Entered(attributes) => self.enter(&attributes).map(|()| false)?,
                Step::Left(text) => self.leave(&text)?,
            };
            if whole {
                let entry = std::mem::replace(&mut self.entry, ListEntry::new(EntryKind::Person));
                return entry.checked().map(Some).map_err(|what| self.elements.fault(what));
            }
        }
        Ok(None)
    }

    fn published_on(&self) -> Option<NaiveDate> {
        self.published_on
    }
}
