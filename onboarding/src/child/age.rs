//! Ages. A day begins at midnight UTC, as everywhere in the house.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

use super::ChildError;
use crate::Error;

/// The years after which somebody is of age, in every country that we serve.
const YEARS: i32 = 18;
/// The year in which the oldest people who live can have been born.
const EARLIEST_BIRTH: i32 = 1900;

/// The eighteenth birthday; for who was born on 29 February, 1 March.
#[must_use]
pub fn of_age_on(birth_date: NaiveDate) -> NaiveDate {
    let year = birth_date.year() + YEARS;
    birth_date.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 3, 1)).unwrap_or(NaiveDate::MAX)
}

/// The moment at which that day begins.
pub(super) fn of_age_at(birth_date: NaiveDate) -> DateTime<Utc> {
    of_age_on(birth_date).and_time(NaiveTime::MIN).and_utc()
}

/// The first day of the year of that day, which is all that is kept in clear.
pub(super) fn may_be_of_age_from(birth_date: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(of_age_on(birth_date).year(), 1, 1).unwrap_or(birth_date)
}

pub(super) fn require_minor(birth_date: NaiveDate, now: DateTime<Utc>) -> Result<(), Error> {
    if birth_date > now.date_naive() {
        return Err(ChildError::NotBorn.into());
    }
    if of_age_at(birth_date) <= now { Err(ChildError::NotMinor.into()) } else { Ok(()) }
}

/// Lets in who is of age.
pub(crate) fn require_adult(birth_date: NaiveDate, now: DateTime<Utc>) -> Result<(), Error> {
    if birth_date.year() < EARLIEST_BIRTH {
        return Err(Error::BirthDate { earliest: EARLIEST_BIRTH });
    }
    if of_age_at(birth_date) > now {
        return Err(Error::TooYoung { years: YEARS.unsigned_abs() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_of_age_from_the_first_moment_of_the_eighteenth_birthday() -> Result<(), Box<dyn std::error::Error>> {
        for (born, of_age) in [("2008-03-02", "2026-03-02"), ("2008-02-29", "2026-03-01"), ("2010-12-31", "2028-12-31")]
        {
            let (born, of_age): (NaiveDate, NaiveDate) = (born.parse()?, of_age.parse()?);
            assert_eq!(of_age_on(born), of_age);
            assert!(may_be_of_age_from(born) <= of_age);
            let at = of_age_at(born);
            assert!(require_minor(born, at - chrono::Duration::microseconds(1)).is_ok());
            assert!(require_minor(born, at).is_err());
            assert!(require_adult(born, at).is_ok());
            assert!(require_adult(born, at - chrono::Duration::microseconds(1)).is_err());
        }
        Ok(())
    }
}
