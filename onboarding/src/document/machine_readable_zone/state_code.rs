use crate::Country;

/// A state or organisation as documents name it: three letters of ISO 3166-1, or of ICAO 9303 part 3, section 5.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateCode([u8; 3]);

impl StateCode {
    /// Reads one to three letters with fillers behind: Germany is D.
    pub(super) fn read(text: &str) -> Option<Self> {
        let letters = text.trim_end_matches('<');
        let is_code = !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_uppercase());
        is_code.then_some(())?;
        text.as_bytes().try_into().ok().map(Self)
    }

    /// The letters.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('<')
    }

    /// The country, where it is one: an organisation, a refugee's or a stateless person's code is none.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        let code = match self.text() {
            "D" => "DE",
            // Those of the United Kingdom's nationals who are not its citizens.
            "GBD" | "GBN" | "GBO" | "GBP" | "GBS" => "GB",
            text => rust_iso3166::ALL.iter().find(|country| country.alpha3 == text)?.alpha2,
        };
        Country::try_new(code).ok()
    }
}

impl std::fmt::Display for StateCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.text())
    }
}

impl std::fmt::Debug for StateCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_documents_are_countries_where_they_can_be() {
        let country =
            |text: &str| StateCode::read(text).and_then(|code| code.country()).map(|country| country.code().to_owned());
        assert_eq!(country("D<<").as_deref(), Some("DE"));
        assert_eq!(country("SEN").as_deref(), Some("SN"));
        assert_eq!(country("GBN").as_deref(), Some("GB"));
        for none in ["UTO", "XXB", "UNO", "<<<", "S1N"] {
            assert_eq!(country(none), None, "{none}");
        }
    }
}
