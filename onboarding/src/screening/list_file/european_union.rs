//! `export`: `sanctionEntity` with its names, citizenships and birth dates, all in attributes.

use std::io::BufRead;

use chrono::NaiveDate;

use super::elements::{Attributes, Elements, Step};
use super::{ListFault, Publisher};
use crate::screening::birth_date::PartialDate;
use crate::screening::entry::{EntryKind, ListEntry};

const ENTITY: &str = "/export/sanctionEntity";

pub(super) struct EuropeanUnion<R: BufRead> {
    elements: Elements<R>,
    published_on: Option<NaiveDate>,
    entry: ListEntry,
}

impl<R: BufRead> EuropeanUnion<R> {
    pub(super) fn new(file: R) -> Self {
        let entry = ListEntry::new(EntryKind::Organisation);
        Self { elements: Elements::new(file, "export"), published_on: None, entry }
    }

    fn enter(&mut self, attributes: &Attributes) -> Result<(), ListFault> {
        match self.elements.path() {
            "/export" => {
                let date = attributes.get("generationDate").and_then(|text| text.get(..10)?.parse().ok());
                self.published_on = Some(date.ok_or_else(|| self.elements.fault("generationDate is no date"))?);
                return Ok(());
            }
            ENTITY => {
                let number = attributes.get("logicalId").or_else(|| attributes.get("euReferenceNumber"));
                let number =
                    number.ok_or_else(|| self.elements.fault("it has neither logicalId nor euReferenceNumber"))?;
                self.entry = ListEntry::new(EntryKind::Organisation);
                number.clone_into(&mut self.entry.reference);
                return Ok(());
            }
            _ => {}
        }
        match self.elements.path().strip_prefix(ENTITY) {
            Some("/subjectType") => {
                self.entry.kind = match attributes.get("code") {
                    Some("person") => EntryKind::Person,
                    Some("enterprise") => EntryKind::Organisation,
                    _ => return Err(self.elements.fault("code is neither person nor enterprise")),
                };
            }
            Some("/nameAlias") => {
                let parts =
                    ["firstName", "middleName", "lastName"].map(|part| attributes.get(part).unwrap_or_default());
                let whole = attributes.get("wholeName").map_or_else(|| parts.join(" "), ToOwned::to_owned);
                self.entry.name(&whole);
            }
            Some("/citizenship" | "/address") => {
                // 00 stands for a country that is not known.
                let code = attributes.get("countryIso2Code").filter(|code| *code != "00");
                if let Some(code) = code {
                    self.entry.country(code);
                }
            }
            Some("/birthdate") => {
                let birth = self.birth(attributes)?;
                self.entry.births.extend(birth);
            }
            _ => {}
        }
        Ok(())
    }

    fn birth(&self, attributes: &Attributes) -> Result<Option<PartialDate>, ListFault> {
        let fault = |name: &str| self.elements.fault(format!("{name} is no date"));
        let number = |name: &'static str| -> Result<Option<i32>, ListFault> {
            attributes.get(name).map(|text| text.parse().map_err(|_| fault(name))).transpose()
        };
        if attributes.get("calendarType").is_some_and(|calendar| calendar != "GREGORIAN") {
            return Ok(None);
        }
        let day = attributes.get("birthdate").map(|text| text.parse().map_err(|_| fault("birthdate"))).transpose()?;
        let date =
            match (day, number("year")?, number("monthOfYear")?, number("yearRangeFrom")?, number("yearRangeTo")?) {
                (Some(day), ..) => Some(PartialDate::day(day)),
                (None, Some(year), Some(month), ..) => {
                    let month = u32::try_from(month).ok().and_then(|month| PartialDate::month(year, month));
                    Some(month.ok_or_else(|| fault("monthOfYear"))?)
                }
                (None, Some(year), ..) => Some(PartialDate::year(year)),
                (None, None, _, Some(from), Some(to)) => {
                    Some(PartialDate::between(from, to).ok_or_else(|| fault("yearRangeTo"))?)
                }
                _ => None,
            };
        let about = attributes.get("circa") == Some("true");
        Ok(date.map(|date| if about { date.about() } else { date }))
    }
}

impl<R: BufRead> Publisher for EuropeanUnion<R> {
    fn next(&mut self) -> Result<Option<ListEntry>, ListFault> {
        while let Some(step) = self.elements.next()? {
            match step {
                Step::Entered(attributes) => self.enter(&attributes)?,
                Step::Left(_) if self.elements.path() == ENTITY => {
                    let entry = std::mem::replace(&mut self.entry, ListEntry::new(EntryKind::Organisation));
                    return entry.checked().map(Some).map_err(|what| self.elements.fault(what));
                }
                Step::Left(_) => {}
            }
        }
        Ok(None)
    }

    fn published_on(&self) -> Option<NaiveDate> {
        self.published_on
    }
}
