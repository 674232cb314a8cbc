use std::fmt;

use super::{Amount, Commodity, MAX_MINOR_UNITS, MoneyError};

/// Reads a decimal with exactly the commodity's decimals; never rounds.
pub(super) fn parse(text: &str, commodity: Commodity) -> Result<i64, MoneyError> {
    let not_a_number = || MoneyError::NotANumber {
        text: text.chars().take(40).collect(),
        example: Amount::from_minor(10_150, commodity).to_string(),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(whole, rest)| (whole, Some(rest)));
    if !digits(whole) || fraction.is_some_and(|fraction| !digits(fraction)) {
        return Err(not_a_number());
    }
    let fraction = fraction.unwrap_or("");
    let expected = commodity.decimals();
    if u32::try_from(fraction.len()) != Ok(expected) {
        return Err(MoneyError::WrongDecimals { commodity, expected, given: fraction.len() });
    }
    let significant = format!("{whole}{fraction}");
    let significant = significant.trim_start_matches('0');
    let magnitude: i64 = match significant {
        "" => 0,
        significant if significant.len() > 16 => return Err(MoneyError::TooLarge),
        significant => significant.parse().map_err(|_| MoneyError::TooLarge)?,
    };
    if magnitude > MAX_MINOR_UNITS {
        return Err(MoneyError::TooLarge);
    }
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// Prints the decimal without what it is of: `101.50`.
pub(super) fn write(formatter: &mut fmt::Formatter<'_>, minor: i64, decimals: u32) -> fmt::Result {
    let sign = if minor < 0 { "-" } else { "" };
    let magnitude = minor.unsigned_abs();
    let scale = 10_u64.pow(decimals);
    match decimals {
        0 => write!(formatter, "{sign}{magnitude}"),
        decimals => {
            let (whole, fraction) = (magnitude / scale, magnitude % scale);
            write!(formatter, "{sign}{whole}.{fraction:0width$}", width = decimals as usize)
        }
    }
}
