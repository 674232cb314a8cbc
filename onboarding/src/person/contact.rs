use lettre::Address;

/// How a person can be reached, and what they sign in with.
#[derive(Clone, PartialEq, Eq)]
pub enum Contact {
    /// A mail address, in lower case.
    Mail(String),
    /// A phone number in E.164 form: `+221771234567`.
    Phone(String),
}

/// The text is neither a mail address nor a phone number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a contact is a mail address such as awa@example.org or a phone number such as +221771234567")]
pub struct ContactError;

impl Contact {
    /// Reads a mail address, or a phone number with its country code.
    ///
    /// # Errors
    /// [`ContactError`] when it is neither.
    pub fn try_new(text: &str) -> Result<Self, ContactError> {
        let text = text.trim();
        if text.len() > 254 || text.chars().any(char::is_control) {
            return Err(ContactError);
        }
        if text.contains('@') {
            let address: Address = text.parse().map_err(|_| ContactError)?;
            return Ok(Self::Mail(address.to_string().to_lowercase()));
        }
        if !text.starts_with('+') {
            return Err(ContactError);
        }
        let number = phonenumber::parse(None, text).map_err(|_| ContactError)?;
        if !phonenumber::is_valid(&number) {
            return Err(ContactError);
        }
        Ok(Self::Phone(number.format().mode(phonenumber::Mode::E164).to_string()))
    }

    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Phone(_) => "phone",
        }
    }

    /// The address or number.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Mail(text) | Self::Phone(text) => text,
        }
    }
}

/// Prints no personal data.
impl std::fmt::Debug for Contact {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_brought_into_one_form() {
        assert_eq!(Contact::try_new(" Awa@Example.org "), Ok(Contact::Mail("awa@example.org".to_owned())));
        assert_eq!(Contact::try_new("+221 77 123 45 67"), Ok(Contact::Phone("+221771234567".to_owned())));
        for text in ["", "awa", "awa@", "771234567", "+1", "a@b\r\nBcc: c@d", "+22177123456789012"] {
            assert_eq!(Contact::try_new(text), Err(ContactError), "{text:?}");
        }
    }
}
