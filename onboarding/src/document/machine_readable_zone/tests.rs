use proptest::prelude::*;

use super::*;

/// The specimens of Utopia, as printed in ICAO 9303 parts 5, 6 and 4.
const TD1: [&str; 3] =
    ["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"];
const TD2: [&str; 2] = ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"];
const TD3: [&str; 2] = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"];
/// Numbers of more than nine places.
const LONG_TD1: [&str; 3] =
    ["I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<"];
const LONG_TD2: [&str; 2] = ["I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<", "D23145890<UTO3407127M95071227349<<<8"];

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 2).unwrap_or_default()
}

fn read(lines: &[&str]) -> Result<MachineReadableZone, ZoneFault> {
    MachineReadableZone::read(lines, today())
}

fn day(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

#[test]
fn the_specimens_of_utopia_are_read() -> Result<(), ZoneFault> {
    for (lines, form, code, number) in [
        (&TD1[..], ZoneForm::Td1, "I", "D23145890"),
        (&TD2[..], ZoneForm::Td2, "I", "D23145890"),
        (&TD3[..], ZoneForm::Td3, "P", "L898902C3"),
    ] {
        let zone = read(lines)?;
        assert_eq!((zone.form, zone.document_code.as_str(), zone.number.as_str()), (form, code, number));
        assert_eq!((zone.surname.as_str(), zone.given_names.as_str()), ("ERIKSSON", "ANNA MARIA"));
        assert_eq!((zone.issuer.text(), zone.nationality.text()), ("UTO", "UTO"));
        assert_eq!(zone.birth_date.latest(today()), day("1974-08-12"));
        assert_eq!(Some(zone.expires_on), day("2012-04-15"));
        assert_eq!(zone.sex, PrintedSex::Female);
    }
    Ok(())
}

#[test]
fn a_long_number_goes_on_in_the_optional_data() -> Result<(), ZoneFault> {
    for lines in [&LONG_TD1[..], &LONG_TD2[..]] {
        let zone = read(lines)?;
        assert_eq!((zone.number.as_str(), zone.given_names.as_str()), ("D23145890734", "PETER JOHN"));
    }
    let changed = LONG_TD1[0].replace("7349", "7359");
    let refused = read(&[changed.as_str(), LONG_TD1[1], LONG_TD1[2]]);
    assert_eq!(refused, Err(ZoneFault::CheckDigit(ZoneField::Number)));
    let cut_off = LONG_TD1[0].replace("7349", "<<<<");
    let refused = read(&[cut_off.as_str(), LONG_TD1[1], LONG_TD1[2]]);
    assert_eq!(refused, Err(ZoneFault::CheckDigit(ZoneField::Number)));
    Ok(())
}

#[test]
fn a_fault_is_told_with_its_place() {
    assert_eq!(read(&[]), Err(ZoneFault::Form));
    assert_eq!(read(&TD1[..2]), Err(ZoneFault::Form));
    assert_eq!(read(&[TD3[0], TD2[1]]), Err(ZoneFault::Form));
    let changed = |from: &str, to: &str| read(&[&TD3[0].replacen(from, to, 1), &TD3[1].replacen(from, to, 1)]);
    assert_eq!(changed("ANNA", "Anna"), Err(ZoneFault::Character { line: 1, position: 17 }));
    assert_eq!(changed("ANNA", "ÀNNA"), Err(ZoneFault::Character { line: 1, position: 16 }));
    assert_eq!(changed("P<", "V<"), Err(ZoneFault::Field(ZoneField::DocumentCode)));
    assert_eq!(changed("P<UTO", "P<<<<"), Err(ZoneFault::Field(ZoneField::Issuer)));
    assert_eq!(changed("36UTO", "36U2O"), Err(ZoneFault::Field(ZoneField::Nationality)));
    assert_eq!(changed("L898902C3", "L898902C4"), Err(ZoneFault::CheckDigit(ZoneField::Number)));
    assert_eq!(changed("740812", "740813"), Err(ZoneFault::CheckDigit(ZoneField::BirthDate)));
    assert_eq!(changed("2F1", "2X1"), Err(ZoneFault::Field(ZoneField::Sex)));
    assert_eq!(changed("120415", "220415"), Err(ZoneFault::CheckDigit(ZoneField::ExpiryDate)));
    assert_eq!(changed("ZE184226B", "ZE184226C"), Err(ZoneFault::CheckDigit(ZoneField::OptionalData)));
    assert_eq!(changed("<<10", "<<11"), Err(ZoneFault::CheckDigit(ZoneField::Whole)));
    assert_eq!(changed("ERIKSSON", "<RIKSSON"), Err(ZoneFault::Field(ZoneField::Names)));
    assert_eq!(changed("ERIKSSON", "ERIK550N"), Err(ZoneFault::Field(ZoneField::Names)));
}

/// Somebody's document, as a printer would set it.
#[derive(Clone, Debug)]
struct Holder {
    form: ZoneForm,
    number: String,
    born: String,
    sex: char,
    expires: String,
    issuer: String,
    surname: String,
    given_names: Vec<String>,
    optional: String,
}

fn filled(text: &str, width: usize) -> String {
    text.chars().chain(std::iter::repeat('<')).take(width).collect()
}

fn with_digit(text: &str) -> String {
    format!("{text}{}", check_digit::of(text))
}

impl Holder {
    fn print(&self) -> Vec<String> {
        let names = filled(&format!("{}<<{}", self.surname, self.given_names.join("<")), self.form.width());
        let (born, expires) = (with_digit(&self.born), with_digit(&self.expires));
        let state = filled(&self.issuer, 3);
        let (number, optional) = match self.number.split_at_checked(9).filter(|(_, tail)| !tail.is_empty()) {
            Some((head, tail)) => (format!("{head}<"), format!("{tail}{}", check_digit::of(&self.number))),
            None => (with_digit(&filled(&self.number, 9)), self.optional.clone()),
        };
        match self.form {
            ZoneForm::Td1 => {
                let (first, after) = (format!("{number}{}", filled(&optional, 15)), filled("", 11));
                let digit = check_digit::of(&format!("{first}{born}{expires}{after}"));
                vec![format!("I<{state}{first}"), format!("{born}{}{expires}{state}{after}{digit}", self.sex), names]
            }
            ZoneForm::Td2 => {
                let after = filled(&optional, 7);
                let digit = check_digit::of(&format!("{number}{born}{expires}{after}"));
                vec![
                    format!("ID{state}{}", &names[..31]),
                    format!("{number}{state}{born}{}{expires}{after}{digit}", self.sex),
                ]
            }
            ZoneForm::Td3 => {
                let after = with_digit(&filled(&self.optional, 14));
                let digit = check_digit::of(&format!("{number}{born}{expires}{after}"));
                vec![
                    format!("P<{state}{}", &names[..39]),
                    format!("{number}{state}{born}{}{expires}{after}{digit}", self.sex),
                ]
            }
        }
    }
}

prop_compose! {
    fn day_of_two_digits()(year in 0..100_u8, month in 1..=12_u8, day in 1..=28_u8) -> String {
        format!("{year:02}{month:02}{day:02}")
    }
}

fn holders() -> impl Strategy<Value = Holder> {
    let born = prop_oneof![day_of_two_digits(), Just("74<<<<".to_owned()), Just("<<<<<<".to_owned())];
    let form = prop_oneof![
        ("[A-Z0-9]{1,12}").prop_map(|number| (ZoneForm::Td1, number)),
        ("[A-Z0-9]{1,12}").prop_map(|number| (ZoneForm::Td2, number)),
        ("[A-Z0-9]{1,9}").prop_map(|number| (ZoneForm::Td3, number)),
    ];
    let names = ("[A-Z]{2,6}", proptest::collection::vec("[A-Z]{2,5}", 0..3));
    let rest = (prop_oneof![Just('F'), Just('M'), Just('<')], day_of_two_digits(), "[A-Z0-9]{0,7}");
    (form, born, names, rest).prop_map(|((form, number), born, (surname, given_names), (sex, expires, optional))| {
        Holder { form, number, born, sex, expires, issuer: "SEN".to_owned(), surname, given_names, optional }
    })
}

/// The positions of a line that a check digit covers, or is.
fn covered(form: ZoneForm) -> Vec<layout::Span> {
    let layout = form.layout();
    layout.composite.iter().copied().chain([layout.composite_check]).collect()
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(holder in holders()) {
        let zone = MachineReadableZone::read(&holder.print(), today())?;
        prop_assert_eq!(zone.form, holder.form);
        prop_assert_eq!(zone.number, holder.number);
        prop_assert_eq!(zone.surname, holder.surname);
        prop_assert_eq!(zone.given_names, holder.given_names.join(" "));
        prop_assert_eq!(zone.birth_date.to_string(), holder.born);
        prop_assert_eq!(zone.expires_on.format("%y%m%d").to_string(), holder.expires);
        prop_assert_eq!(zone.issuer.country().map(String::from), Some("SN".to_owned()));
    }

    #[test]
    fn a_changed_digit_of_what_is_checked_is_refused(holder in holders(), by in 1..10_u32) {
        let printed = holder.print();
        for span in covered(holder.form) {
            for at in span.from - 1..span.through {
                let mut lines: Vec<Vec<char>> = printed.iter().map(|line| line.chars().collect()).collect();
                let place = &mut lines[span.line - 1][at];
                let Some(digit) = place.to_digit(10) else { continue };
                *place = char::from_digit((digit + by) % 10, 10).unwrap_or('<');
                let lines: Vec<String> = lines.into_iter().map(String::from_iter).collect();
                prop_assert!(MachineReadableZone::read(&lines, today()).is_err(), "{:?}", lines);
            }
        }
    }

    #[test]
    fn no_text_is_too_much(lines in proptest::collection::vec(".*", 0..4)) {
        prop_assert!(MachineReadableZone::read(&lines, today()).is_err());
    }

    #[test]
    fn no_lines_of_the_right_form_are_too_much(
        lines in prop_oneof![
            proptest::collection::vec("[A-Z0-9<]{30}", 3),
            proptest::collection::vec("[A-Z0-9<]{36}", 2),
            proptest::collection::vec("[A-Z0-9<]{44}", 2),
            proptest::collection::vec("P<[<éA-Z0-9]{42}", 2),
        ]
    ) {
        let _ = MachineReadableZone::read(&lines, today());
    }
}
