//! Check digits: ICAO 9303 part 3, 4.9.

/// What the characters are multiplied by, over and over.
const WEIGHTS: [u32; 3] = [7, 3, 1];

/// What a character counts: digits themselves, A to Z 10 to 35, fillers nothing.
fn value(character: char) -> u32 {
    character.to_digit(36).unwrap_or(0)
}

/// The check digit of a text of capital letters, digits and fillers.
pub(super) fn of(covered: &str) -> u32 {
    let products = covered.chars().zip(WEIGHTS.iter().cycle()).map(|(character, weight)| value(character) * weight);
    products.sum::<u32>() % 10
}

/// Whether a digit is the one of a text.
pub(super) fn fits(covered: &str, digit: &str) -> bool {
    digit.parse() == Ok(of(covered))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of part 3, appendix A.
    #[test]
    fn the_printed_examples_come_out() {
        assert_eq!(of("520727"), 3);
        assert_eq!(of("AB2134<<<"), 5);
        assert!(!fits("520727", "<"));
        assert!(!fits("520727", ""));
    }
}
