use chrono::{Datelike, NaiveDate};

/// A birth date as printed: two digits of the year, and no more than is known (part 3, 4.8).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PrintedBirthDate {
    year: Option<u8>,
    month: Option<u8>,
    day: Option<u8>,
}

impl PrintedBirthDate {
    /// Reads YYMMDD, where fillers stand for what is not known. None when no day that was can be meant.
    pub(super) fn read(text: &str, today: NaiveDate) -> Option<Self> {
        let [year, month, day] = parts(text)?;
        let printed = Self { year, month, day };
        let month_is_one = month.is_none_or(|month| (1..=12).contains(&month));
        let day_is_one = day.is_none_or(|day| (1..=31).contains(&day));
        let is_there = match (year, month, day) {
            (Some(_), Some(_), Some(_)) => printed.latest(today).is_some(),
            // Of a leap year, where the year is not known.
            (None, Some(month), Some(day)) => NaiveDate::from_ymd_opt(2000, month.into(), day.into()).is_some(),
            _ => true,
        };
        (month_is_one && day_is_one && is_there).then_some(printed)
    }

    /// The latest such day up to today, where all of it is known: a person of a hundred years is taken for a child.
    #[must_use]
    pub fn latest(self, today: NaiveDate) -> Option<NaiveDate> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        let century = today.year() - today.year().rem_euclid(100);
        [century, century - 100]
            .into_iter()
            .filter_map(|century| NaiveDate::from_ymd_opt(century + i32::from(year), month.into(), day.into()))
            .find(|date| *date <= today)
    }

    /// Whether it can be this day, of whichever century.
    #[must_use]
    pub fn may_be(self, date: NaiveDate) -> bool {
        self.year.is_none_or(|year| i32::from(year) == date.year().rem_euclid(100))
            && self.month.is_none_or(|month| u32::from(month) == date.month())
            && self.day.is_none_or(|day| u32::from(day) == date.day())
    }
}

/// As printed.
impl std::fmt::Display for PrintedBirthDate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [self.year, self.month, self.day] {
            match part {
                Some(number) => write!(formatter, "{number:02}")?,
                None => formatter.write_str("<<")?,
            }
        }
        Ok(())
    }
}

/// Prints no personal data.
impl std::fmt::Debug for PrintedBirthDate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PrintedBirthDate")
    }
}

/// The last day of validity: of all with these digits the one nearest to today.
pub(super) fn expiry(text: &str, today: NaiveDate) -> Option<NaiveDate> {
    let [Some(year), Some(month), Some(day)] = parts(text)? else { return None };
    let century = today.year() - today.year().rem_euclid(100);
    [century - 100, century, century + 100]
        .into_iter()
        .filter_map(|century| NaiveDate::from_ymd_opt(century + i32::from(year), month.into(), day.into()))
        .min_by_key(|date| date.signed_duration_since(today).num_days().abs())
}

/// Three parts of two digits or two fillers each.
fn parts(text: &str) -> Option<[Option<u8>; 3]> {
    let part = |from: usize| -> Option<Option<u8>> {
        match text.get(from..from + 2)? {
            "<<" => Some(None),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
            _ => None,
        }
    };
    (text.len() == 6).then_some(())?;
    Some([part(0)?, part(2)?, part(4)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn a_birth_date_lies_in_the_past_and_an_expiry_is_near() {
        let today = day("2026-03-02");
        let born = |text: &str| PrintedBirthDate::read(text, today).and_then(|printed| printed.latest(today));
        assert_eq!(born("740812"), Some(day("1974-08-12")));
        assert_eq!(born("260302"), Some(day("2026-03-02")));
        assert_eq!(born("260303"), Some(day("1926-03-03")));
        assert_eq!(born("000229"), Some(day("2000-02-29")), "1900 had no such day");
        assert_eq!(born("010229"), None);
        assert_eq!(expiry("120415", today), Some(day("2012-04-15")));
        assert_eq!(expiry("701231", today), Some(day("2070-12-31")));
        assert_eq!(expiry("<<<<<<", today), None);
        assert_eq!(expiry("261301", today), None);
    }

    #[test]
    fn what_is_not_known_of_a_birth_date_fits_any_day() {
        let today = day("2026-03-02");
        let may_be = |text: &str, date: &str| PrintedBirthDate::read(text, today).map(|known| known.may_be(day(date)));
        assert_eq!(may_be("<<<<<<", "1974-08-12"), Some(true));
        assert_eq!(may_be("74<<<<", "1974-08-12"), Some(true));
        assert_eq!(may_be("74<<<<", "1975-08-12"), Some(false));
        assert_eq!(may_be("7408<<", "1974-09-12"), Some(false));
        assert_eq!(may_be("740812", "1874-08-12"), Some(true), "two digits do not tell the century");
        assert_eq!(may_be("<<0230", "1974-08-12"), None);
        assert_eq!(may_be("7<0812", "1974-08-12"), None);
        assert_eq!(may_be("741308", "1974-08-12"), None);
    }
}
