//! Whole numbers in JSON, where 3 and 3.0 are the same number.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use serde_json::Number;

fn read<T: FromStr, E: serde::de::Error>(number: &Number) -> Result<T, E> {
    let text = number.to_string();
    let written_out = match number.as_f64() {
        // So large a number has no fraction; a small one is no whole number anyway.
        Some(large) if text.contains('e') && !text.contains("e-") => format!("{large:.0}"),
        _ => text,
    };
    let whole = written_out.strip_suffix(".0").unwrap_or(&written_out);
    whole.parse().map_err(|_| E::custom("expected a whole number within bounds"))
}

/// Reads a whole number, however it is written.
pub(crate) fn whole<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error> {
    read(&Number::deserialize(deserializer)?)
}

/// Reads a whole number, however it is written, or null.
pub(crate) fn whole_or_none<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::<Number>::deserialize(deserializer)?.map(|number| read(&number)).transpose()
}

/// Reads whole numbers, however each is written.
pub(crate) fn all_whole<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Vec::<Number>::deserialize(deserializer)?.iter().map(read).collect()
}

/// Reads whole numbers, however each is written, or null.
pub(crate) fn all_whole_or_none<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    Option::<Vec<Number>>::deserialize(deserializer)?.map(|numbers| numbers.iter().map(read).collect()).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<u32, serde_json::Error> {
        whole(&mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn a_whole_number_may_be_written_with_an_empty_fraction() {
        assert_eq!(read("2490.0").expect("a whole number"), 2490);
        assert_eq!(read("1e3").expect("a whole number"), 1000);
        let large: i64 = whole(&mut serde_json::Deserializer::from_str("-3e18")).expect("a whole number");
        assert_eq!(large, -3_000_000_000_000_000_000);
        for faulty in ["2490.5", "-1", "-1.0", "1e-30", "1e30", "4294967296", "\"7\"", "null"] {
            assert!(read(faulty).is_err(), "{faulty}");
        }
    }
}
