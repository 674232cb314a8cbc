//! `sdnList`: entries with a last and a first name, and aliases that have the same; the file says how many there are.

use std::io::BufRead;

use chrono::NaiveDate;

use super::elements::{Elements, Step};
use super::{ListFault, Publisher};
use crate::screening::birth_date::PartialDate;
use crate::screening::entry::{EntryKind, ListEntry};

const ENTRY: &str = "/sdnList/sdnEntry";
const HEAD: &str = "/sdnList/publshInformation";

pub(super) struct Treasury<R: BufRead> {
    elements: Elements<R>,
    published_on: Option<NaiveDate>,
    announced: Option<usize>,
    entries: usize,
    entry: ListEntry,
    first_name: String,
    last_name: String,
}

impl<R: BufRead> Treasury<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            elements: Elements::new(file, "sdnList"),
            published_on: None,
            announced: None,
            entries: 0,
            entry: ListEntry::new(EntryKind::Organisation),
            first_name: String::new(),
            last_name: String::new(),
        }
    }

    /// Takes what stood in an element; true when an entry is whole.
    fn leave(&mut self, text: &str) -> Result<bool, ListFault> {
        if let Some(field) = self.elements.path().strip_prefix(HEAD) {
            match field {
                "/Publish_Date" => {
                    let date = NaiveDate::parse_from_str(text, "%m/%d/%Y");
                    let fault = |_| self.elements.fault("it is no date such as 05/31/2024");
                    self.published_on = Some(date.map_err(fault)?);
                }
                "/Record_Count" => {
                    self.announced = Some(text.parse().map_err(|_| self.elements.fault("it is no number"))?);
                }
                _ => {}
            }
            return Ok(false);
        }
        let Some(field) = self.elements.path().strip_prefix(ENTRY) else { return Ok(false) };
        // The type always follows the main name.
        let name_is_over = matches!(field, "/sdnType" | "/akaList/aka");
        match field {
            "" => return Ok(true),
            "/uid" => text.clone_into(&mut self.entry.reference),
            "/sdnType" => {
                self.entry.kind = match text {
                    "Individual" => EntryKind::Person,
                    "Entity" => EntryKind::Organisation,
                    "Vessel" | "Aircraft" => EntryKind::Thing,
                    _ => return Err(self.elements.fault("it is no known type of an entry")),
                };
            }
            "/firstName" | "/akaList/aka/firstName" => text.clone_into(&mut self.first_name),
            "/lastName" | "/akaList/aka/lastName" => text.clone_into(&mut self.last_name),
            "/nationalityList/nationality/country"
            | "/citizenshipList/citizenship/country"
            | "/addressList/address/country" => self.entry.country(text),
            "/dateOfBirthList/dateOfBirthItem/dateOfBirth" => {
                let birth = birth(text).ok_or_else(|| self.elements.fault("it is no date of birth"))?;
                self.entry.births.push(birth);
            }
            _ => {}
        }
        if name_is_over {
            self.take_name();
        }
        Ok(false)
    }

    fn take_name(&mut self) {
        let name = format!("{} {}", std::mem::take(&mut self.first_name), std::mem::take(&mut self.last_name));
        self.entry.name(&name);
    }
}

/// `1970`, `Mar 1970`, `12 Mar 1970`, `circa 1970`, `1968 to 1970`.
fn birth(text: &str) -> Option<PartialDate> {
    if let Some((from, to)) = text.split_once(" to ") {
        let year = |text: &str| text.rsplit(' ').next()?.parse::<i32>().ok();
        return PartialDate::between(year(from.trim())?, year(to.trim())?);
    }
    let (about, text) = text.strip_prefix("circa ").map_or((false, text), |rest| (true, rest));
    let day = || NaiveDate::parse_from_str(text, "%d %b %Y").ok().map(PartialDate::day);
    let month = || {
        let first = NaiveDate::parse_from_str(&format!("1 {text}"), "%d %b %Y").ok()?;
        PartialDate::month(chrono::Datelike::year(&first), chrono::Datelike::month(&first))
    };
    let date = text.parse().ok().or_else(day).or_else(month)?;
    Some(if about { PartialDate::about(date) } else { date })
}

impl<R: BufRead> Publisher for Treasury<R> {
    fn next(&mut self) -> Result<Option<ListEntry>, ListFault> {
        while let Some(step) = self.elements.next()? {
            let Step::Left(text) = step else { continue };
            if self.leave(&text)? {
                self.entries += 1;
                self.take_name();
                let entry = std::mem::replace(&mut self.entry, ListEntry::new(EntryKind::Organisation));
                return entry.checked().map(Some).map_err(|what| self.elements.fault(what));
            }
        }
        match self.announced {
            Some(announced) if announced != self.entries => {
                let what = format!("it announces {announced} entries and has {}", self.entries);
                Err(ListFault::new("Record_Count", what))
            }
            _ if self.published_on.is_none() => Err(ListFault::new("Publish_Date", "it is missing")),
            _ => Ok(None),
        }
    }

    fn published_on(&self) -> Option<NaiveDate> {
        self.published_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_birth_are_read_as_the_treasury_writes_them() {
        for (text, read) in [
            ("12 Mar 1970", "1970-03-12"),
            ("Mar 1970", "1970-03"),
            ("1970", "1970"),
            ("circa 1970", "~1970"),
            ("1968 to 1970", "1968/1970"),
            ("circa 1968 to 1970", "1968/1970"),
        ] {
            assert_eq!(birth(text).map(|date| date.to_string()).as_deref(), Some(read), "{text}");
        }
        assert!(birth("soon").is_none());
    }
}
