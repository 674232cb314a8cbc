//! Quantities as they are printed: whole numbers inside, digits grouped outside.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// A number that is printed with its thousands apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grouped(pub u64);

impl fmt::Display for Grouped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        formatter.pad(&text)
    }
}

/// A number with two decimals, kept in hundredths and written as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Hundredths(pub u64);

impl Hundredths {
    /// `part` divided by `whole`; zero when there is no whole.
    pub fn ratio(part: u64, whole: u64) -> Self {
        let hundredths = (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(0);
        Self(u64::try_from(hundredths).unwrap_or(u64::MAX))
    }

    /// `part` divided by `whole`, for times.
    pub fn of_times(part: Duration, whole: Duration) -> Self {
        Self::ratio(nanoseconds(part), nanoseconds(whole))
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("{}.{:02}", self.0 / 100, self.0 % 100))
    }
}

/// The nanoseconds of a time; a bench does not last for 584 years.
pub fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The middle of some values, or the mean of the two in the middle; zero of none.
pub fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match values.len() {
        0 => 0,
        count if count % 2 == 1 => values[middle],
        _ => values[middle - 1].midpoint(values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_people_read_them() {
        let text: Vec<String> = [0, 999, 1_000, 1_234_567].map(|number| Grouped(number).to_string()).into();
        assert_eq!(text, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(Hundredths::ratio(5, 4).to_string(), "1.25");
        assert_eq!(Hundredths::ratio(1, 0).to_string(), "0.00");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(vec![4, 1, 2, 9]), 3);
        assert_eq!(median(Vec::new()), 0);
    }
}
