use std::collections::BTreeSet;

use super::*;
use crate::Tier;

#[test]
fn the_table_of_transitions_is_what_the_code_does() {
    let documented: BTreeSet<String> = include_str!("../document.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .filter(|line| !line.starts_with("from") && !line.starts_with("---"))
        .map(|line| line.trim_end_matches(" |").to_owned())
        .collect();
    let coded: BTreeSet<String> = DocumentState::ALL
        .into_iter()
        .flat_map(|state| DocumentEvent::ALL.map(|event| (state, event)))
        .filter_map(|(state, event)| {
            let after = state.after(event).ok()?;
            Some(format!("{} | {} | {}", state.word(), event.word(), after.word()))
        })
        .collect();
    assert_eq!(documented, coded);
}

#[test]
fn one_accepts_a_passport_and_two_a_refugees_paper() -> Result<(), Error> {
    let (one, other) = (OperatorId::generate(), OperatorId::generate());
    let (submitted, in_review) = (DocumentState::Submitted, DocumentState::InReview);
    let (accept, reject) = (DocumentVerdict::Accept, DocumentVerdict::Reject(DocumentRejection::Unreadable));
    let passport = DocumentKind::Paper(PaperKind::Passport);
    assert_eq!(submitted.event(passport, None, accept, one)?, Some(DocumentEvent::Accepted));
    for kind in [PaperKind::RefugeePaper, PaperKind::AsylumPaper]
        .map(DocumentKind::Paper)
        .into_iter()
        .chain([DocumentKind::SourceOfFunds])
    {
        assert_eq!(submitted.event(kind, None, accept, one)?, Some(DocumentEvent::AcceptedFirst));
        assert!(matches!(in_review.event(kind, Some(one), accept, one), Err(Error::SamePerson)));
        assert_eq!(in_review.event(kind, Some(one), accept, other)?, Some(DocumentEvent::Accepted));
        assert_eq!(in_review.event(kind, Some(one), reject, one)?, Some(DocumentEvent::Rejected));
    }
    assert_eq!(DocumentState::Accepted.event(passport, None, accept, other)?, None, "said before");
    assert!(DocumentState::Accepted.event(passport, None, reject, other).is_err());
    assert!(DocumentState::Withdrawn.event(passport, None, accept, other).is_err());
    Ok(())
}

#[test]
fn funds_lift_only_beside_a_paper() {
    let card = DocumentKind::Paper(PaperKind::ConsularCard);
    assert_eq!(DocumentKind::tier_of(&[]), Tier::Identity);
    assert_eq!(DocumentKind::tier_of(&[DocumentKind::SourceOfFunds]), Tier::Identity);
    assert_eq!(DocumentKind::tier_of(&[card]), Tier::Document);
    assert_eq!(DocumentKind::tier_of(&[card, DocumentKind::SourceOfFunds]), Tier::Funds);
}

fn paper(kind: PaperKind, number: &str, expires_on: &str) -> Result<NewPaper, Box<dyn std::error::Error>> {
    let today = "2026-03-02".parse()?;
    // Invented; the check digits fit.
    let zone = ["P<SENNDIAYE<<AWA<FATOU<<<<<<<<<<<<<<<<<<<<<<", "A012345678SEN9004023F3001019<<<<<<<<<<<<<<02"];
    let zone = MachineReadableZone::read(&zone, today)?;
    Ok(NewPaper::try_new(kind, Country::try_new("SN")?, number, expires_on.parse()?, Some(zone), today)?)
}

#[test]
fn a_zone_is_held_against_all_that_is_stated() -> Result<(), Box<dyn std::error::Error>> {
    let born = "1990-04-02".parse()?;
    assert_eq!(paper(PaperKind::Passport, "a 01234567", "2030-01-01")?.disagreements(born), []);
    let another = paper(PaperKind::NationalCard, "A01234568", "2030-01-02")?;
    let all = [Disagreement::Kind, Disagreement::Number, Disagreement::ExpiresOn, Disagreement::BirthDate];
    assert_eq!(another.disagreements("1990-04-03".parse()?), all);
    Ok(())
}

#[test]
fn a_number_and_a_date_of_expiry_are_as_documents_have_them() -> Result<(), Box<dyn std::error::Error>> {
    let (today, senegal) = ("2026-03-02".parse()?, Country::try_new("SN")?);
    let with = |number: &str, expires_on: NaiveDate| {
        NewPaper::try_new(PaperKind::ConsularCard, senegal, number, expires_on, None, today)
    };
    assert!(with("AB-12/345.6", today).is_ok());
    for number in ["", " 12", "-12", "12\n34", "é1", &"1".repeat(33)] {
        assert!(matches!(with(number, today), Err(Error::DocumentNumber { .. })), "{number:?}");
    }
    for expires_on in ["2026-03-01", "2100-01-01"] {
        assert!(matches!(with("1", expires_on.parse()?), Err(Error::ExpiryDate { .. })), "{expires_on}");
    }
    Ok(())
}
