//! Birth dates as lists know them: a day, a month, a year, or years between which somebody was born.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

/// Years that "about" may be off.
const ABOUT: i32 = 1;

/// A birth date of which a part may not be known. Written `1970-03-12`, `1970-03`, `1970`, `1968/1972` or `~1970`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartialDate {
    from: i32,
    to: i32,
    month: Option<u32>,
    day: Option<u32>,
    about: bool,
}

/// The text is no date, nor a part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no date such as 1970-03-12, 1970-03, 1970, 1968/1972 or ~1970")]
pub struct InvalidPartialDate(String);

/// What a person's birth date says beside one of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Agreement {
    /// Years lie between them.
    FarApart,
    /// A few years lie between them.
    Apart,
    /// They neither agree nor lie apart.
    Open,
    /// As far as the list knows, they agree.
    YearAgrees,
    /// Day and month stand in each other's place.
    Swapped,
    /// The same day.
    SameDay,
}

impl PartialDate {
    /// A year.
    #[must_use]
    pub const fn year(year: i32) -> Self {
        Self { from: year, to: year, month: None, day: None, about: false }
    }

    /// Years between which somebody was born; none where they are not in order.
    #[must_use]
    pub fn between(from: i32, to: i32) -> Option<Self> {
        (from <= to).then_some(Self { to, ..Self::year(from) })
    }

    /// A month; none where there is no such month.
    #[must_use]
    pub fn month(year: i32, month: u32) -> Option<Self> {
        (1..=12).contains(&month).then_some(Self { month: Some(month), ..Self::year(year) })
    }

    /// A day.
    #[must_use]
    pub fn day(date: NaiveDate) -> Self {
        Self { month: Some(date.month()), day: Some(date.day()), ..Self::year(date.year()) }
    }

    /// The same, but not for sure.
    #[must_use]
    pub const fn about(mut self) -> Self {
        self.about = true;
        self
    }

    pub(super) fn beside(&self, born: NaiveDate) -> Agreement {
        let slack = if self.about { ABOUT } else { 0 };
        let (from, to) = (self.from - slack, self.to + slack);
        if born.year() < from || born.year() > to {
            let apart = (from - born.year()).max(born.year() - to);
            return match apart {
                1 => Agreement::Open,
                2..=4 => Agreement::Apart,
                _ => Agreement::FarApart,
            };
        }
        match (self.month, self.day) {
            (Some(month), Some(day)) if (month, day) == (born.month(), born.day()) => Agreement::SameDay,
            (Some(month), Some(day)) if (month, day) == (born.day(), born.month()) => Agreement::Swapped,
            // Where only the year is known, registers write the first of January.
            (Some(1), Some(1)) => Agreement::YearAgrees,
            (Some(_), Some(_)) if (born.month(), born.day()) == (1, 1) => Agreement::YearAgrees,
            (Some(_), Some(_)) => Agreement::Open,
            (Some(month), None) if month != born.month() => Agreement::Open,
            _ => Agreement::YearAgrees,
        }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.about {
            formatter.write_str("~")?;
        }
        write!(formatter, "{:04}", self.from)?;
        match (self.month, self.day) {
            (Some(month), Some(day)) => write!(formatter, "-{month:02}-{day:02}"),
            (Some(month), None) => write!(formatter, "-{month:02}"),
            _ if self.to != self.from => write!(formatter, "/{:04}", self.to),
            _ => Ok(()),
        }
    }
}

impl FromStr for PartialDate {
    type Err = InvalidPartialDate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (about, rest) = text.strip_prefix('~').map_or((false, text), |rest| (true, rest));
            let parsed = if let Some((from, to)) = rest.split_once('/') {
                Self::between(year(from)?, year(to)?)
            } else {
                match rest.split('-').collect::<Vec<_>>()[..] {
                    [only] => Some(Self::year(year(only)?)),
                    [of, month] => Self::month(year(of)?, month.parse().ok()?),
                    [of, month, day] => {
                        NaiveDate::from_ymd_opt(year(of)?, month.parse().ok()?, day.parse().ok()?).map(Self::day)
                    }
                    _ => None,
                }
            };
            parsed.map(|date| if about { date.about() } else { date })
        };
        parse().ok_or_else(|| InvalidPartialDate(text.chars().take(40).collect()))
    }
}

fn year(text: &str) -> Option<i32> {
    let year: i32 = text.trim().parse().ok()?;
    (1800..=2200).contains(&year).then_some(year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_it_is_read() -> Result<(), InvalidPartialDate> {
        for text in ["1970-03-12", "1970-03", "1970", "1968/1972", "~1970", "~1970-03-12"] {
            assert_eq!(text.parse::<PartialDate>()?.to_string(), text);
        }
        for faulty in ["", "70", "1970-13", "1970-02-30", "1972/1968", "12.03.1970", "1970-03-12-1", "x"] {
            assert!(faulty.parse::<PartialDate>().is_err(), "{faulty}");
        }
        Ok(())
    }

    #[test]
    fn dates_agree_as_far_as_they_are_known() -> Result<(), Box<dyn std::error::Error>> {
        let born = NaiveDate::from_ymd_opt(1970, 3, 12).ok_or("a date")?;
        for (listed, agreement) in [
            ("1970-03-12", Agreement::SameDay),
            ("1970-12-03", Agreement::Swapped),
            ("1970-01-01", Agreement::YearAgrees),
            ("1970", Agreement::YearAgrees),
            ("1968/1971", Agreement::YearAgrees),
            ("~1971", Agreement::YearAgrees),
            ("1970-04", Agreement::Open),
            ("1970-03-13", Agreement::Open),
            ("1971", Agreement::Open),
            ("1973", Agreement::Apart),
            ("1958/1962", Agreement::FarApart),
        ] {
            assert_eq!(listed.parse::<PartialDate>()?.beside(born), agreement, "{listed}");
        }
        Ok(())
    }
}
