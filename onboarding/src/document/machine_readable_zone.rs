//! Machine-readable zones of travel documents, after ICAO 9303: passports (TD3, part 4), cards of three lines (TD1,
//! part 5) and of two (TD2, part 6).
//!
//! Pure: a text is read or refused with the place of its fault, and never panics. Every check digit is verified, the
//! composite one too, so a digit that was misread or changed in what they cover is refused. Letters are safe only
//! against some changes: A, K and U weigh the same by the standard's own sum.

mod check_digit;
mod dates;
mod layout;
mod state_code;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;

pub use dates::PrintedBirthDate;
pub use layout::ZoneForm;
pub use state_code::StateCode;

use layout::Zone;

/// A part of a machine-readable zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneField {
    /// What kind of document it is.
    DocumentCode,
    /// Who issued it.
    Issuer,
    /// Its number.
    Number,
    /// The holder's nationality.
    Nationality,
    /// The holder's birth date.
    BirthDate,
    /// The holder's sex as printed.
    Sex,
    /// Until when it is valid.
    ExpiryDate,
    /// What the issuer adds.
    OptionalData,
    /// The holder's names.
    Names,
    /// All that the composite check digit covers.
    Whole,
}

impl ZoneField {
    /// What people call it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::DocumentCode => "the document code",
            Self::Issuer => "the issuing state",
            Self::Number => "the document number",
            Self::Nationality => "the nationality",
            Self::BirthDate => "the date of birth",
            Self::Sex => "the sex",
            Self::ExpiryDate => "the date of expiry",
            Self::OptionalData => "the optional data",
            Self::Names => "the names",
            Self::Whole => "the whole zone",
        }
    }
}

/// Why a text is no machine-readable zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneFault {
    /// Other lines than any form has.
    #[error("a machine-readable zone has 3 lines of 30 characters, 2 of 36 or 2 of 44")]
    Form,
    /// A character that is never printed there.
    #[error("line {line}, position {position}: only A to Z, 0 to 9 and < stand in a machine-readable zone")]
    Character {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        position: usize,
    },
    /// Something was misread or changed.
    #[error("the check digit of {} does not fit: something was misread", .0.words())]
    CheckDigit(ZoneField),
    /// A part that is not of its form.
    #[error("{} is not as ICAO 9303 has it", .0.words())]
    Field(ZoneField),
}

/// The sex as it is printed. It is read because the form has it; nothing of ours keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintedSex {
    /// F.
    Female,
    /// M.
    Male,
    /// A filler.
    Unspecified,
}

/// What a machine-readable zone says.
#[derive(Clone, PartialEq, Eq)]
pub struct MachineReadableZone {
    /// Its form.
    pub form: ZoneForm,
    /// What kind of document it is, in one or two letters: P, ID, AR.
    pub document_code: String,
    /// Who issued it.
    pub issuer: StateCode,
    /// Its number: letters and digits, without what stands between them.
    pub number: String,
    /// The holder's nationality, or that they have none.
    pub nationality: StateCode,
    /// When the holder was born, as far as it is known.
    pub birth_date: PrintedBirthDate,
    /// The sex as printed.
    pub sex: PrintedSex,
    /// The last day on which it is valid.
    pub expires_on: NaiveDate,
    /// Surname, or whatever the issuer takes for the main part of the name; perhaps cut off.
    pub surname: String,
    /// The other names; empty where there are none, perhaps cut off.
    pub given_names: String,
}

/// Prints no personal data.
impl std::fmt::Debug for MachineReadableZone {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MachineReadableZone").field("form", &self.form).finish_non_exhaustive()
    }
}

impl MachineReadableZone {
    /// Reads the lines of a zone, as printed. The years have two digits; today's date tells the century.
    ///
    /// # Errors
    /// [`ZoneFault`], the first one that is found.
    pub fn read(lines: &[impl AsRef<str>], today: NaiveDate) -> Result<Self, ZoneFault> {
        let zone = Zone::try_new(lines)?;
        let layout = zone.layout();
        let document_code = document_code(&zone)?;
        let issuer = StateCode::read(zone.at(layout.issuer)).ok_or(ZoneFault::Field(ZoneField::Issuer))?;
        let number = number(&zone)?;
        check(zone.at(layout.birth_date), zone.at(layout.birth_check), ZoneField::BirthDate)?;
        let birth_date =
            PrintedBirthDate::read(zone.at(layout.birth_date), today).ok_or(ZoneFault::Field(ZoneField::BirthDate))?;
        let sex = sex(zone.at(layout.sex)).ok_or(ZoneFault::Field(ZoneField::Sex))?;
        check(zone.at(layout.expiry), zone.at(layout.expiry_check), ZoneField::ExpiryDate)?;
        let expires_on = dates::expiry(zone.at(layout.expiry), today).ok_or(ZoneFault::Field(ZoneField::ExpiryDate))?;
        let nationality =
            StateCode::read(zone.at(layout.nationality)).ok_or(ZoneFault::Field(ZoneField::Nationality))?;
        if let Some(place) = layout.optional_check {
            let (data, digit) = (zone.at(layout.optional), zone.at(place));
            // Part 4, 4.2.2: where nothing stands there, the check digit may be a filler.
            if !(digit == "<" && data.bytes().all(|byte| byte == b'<')) {
                check(data, digit, ZoneField::OptionalData)?;
            }
        }
        let whole: String = layout.composite.iter().map(|span| zone.at(*span)).collect();
        check(&whole, zone.at(layout.composite_check), ZoneField::Whole)?;
        let (surname, given_names) = names(zone.at(layout.names)).ok_or(ZoneFault::Field(ZoneField::Names))?;
        Ok(Self {
            form: zone.form(),
            document_code,
            issuer,
            number,
            nationality,
            birth_date,
            sex,
            expires_on,
            surname,
            given_names,
        })
    }
}

fn check(covered: &str, digit: &str, field: ZoneField) -> Result<(), ZoneFault> {
    if check_digit::fits(covered, digit) { Ok(()) } else { Err(ZoneFault::CheckDigit(field)) }
}

/// Passports begin with P; cards with A, C or I. Visas have no composite check digit and are none of these.
fn document_code(zone: &Zone<'_>) -> Result<String, ZoneFault> {
    let text = zone.at(zone.layout().document_code);
    let first = match zone.form() {
        ZoneForm::Td3 => text.starts_with('P'),
        ZoneForm::Td1 | ZoneForm::Td2 => text.starts_with(['A', 'C', 'I']),
    };
    let rest_is_letter_or_filler = !text.contains(|character: char| character.is_ascii_digit());
    if first && rest_is_letter_or_filler {
        return Ok(text.trim_end_matches('<').to_owned());
    }
    Err(ZoneFault::Field(ZoneField::DocumentCode))
}

/// The number. Where a card's number is longer than its nine places, a filler stands for the check digit, and the rest
/// goes on at the start of the optional data, with the check digit of all of it behind (parts 5 and 6, 4.2.2).
fn number(zone: &Zone<'_>) -> Result<String, ZoneFault> {
    let layout = zone.layout();
    let (head, digit) = (zone.at(layout.number), zone.at(layout.number_check));
    let printed = if digit == "<" && zone.form() != ZoneForm::Td3 {
        let rest = zone.at(layout.optional).split('<').next().unwrap_or_default();
        let (tail, digit) = rest.split_at_checked(rest.len().saturating_sub(1)).unwrap_or_default();
        if tail.is_empty() {
            return Err(ZoneFault::CheckDigit(ZoneField::Number));
        }
        let printed = format!("{head}{tail}");
        check(&printed, digit, ZoneField::Number)?;
        printed
    } else {
        check(head, digit, ZoneField::Number)?;
        head.to_owned()
    };
    // A filler in a number stands for what cannot be printed, such as a hyphen.
    let number = printed.replace('<', "");
    if number.is_empty() { Err(ZoneFault::Field(ZoneField::Number)) } else { Ok(number) }
}

fn sex(text: &str) -> Option<PrintedSex> {
    match text {
        "F" => Some(PrintedSex::Female),
        "M" => Some(PrintedSex::Male),
        "<" => Some(PrintedSex::Unspecified),
        _ => None,
    }
}

/// Two fillers part the main name from the others, one filler parts the words of either (part 3, 4.6).
fn names(text: &str) -> Option<(String, String)> {
    if text.starts_with('<') || text.contains(|character: char| character.is_ascii_digit()) {
        return None;
    }
    let (surname, given_names) = text.split_once("<<").unwrap_or((text, ""));
    let words = |part: &str| part.split('<').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    Some((words(surname), words(given_names)))
}
