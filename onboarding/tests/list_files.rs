//! Lists in their publishers' forms: what is read of them, and what is refused. Everybody in them is invented.

use onboarding::screening::{EntryKind, ListEntry, ListFault, ListFile, ListFormat};

const UN: &str = include_str!("screening/un.xml");
const OFAC: &str = include_str!("screening/ofac.xml");
const EU: &str = include_str!("screening/eu.xml");
const OPENSANCTIONS: &str = include_str!("screening/opensanctions.csv");

fn read(format: ListFormat, text: &str) -> Result<(Vec<ListEntry>, Option<String>), ListFault> {
    let mut file = ListFile::new(format, text.as_bytes());
    let entries = file.by_ref().collect::<Result<Vec<_>, _>>()?;
    Ok((entries, file.published_on().map(|date| date.to_string())))
}

fn fault(format: ListFormat, text: &str) -> String {
    read(format, text).expect_err("it is faulty").to_string()
}

fn births(entry: &ListEntry) -> Vec<String> {
    entry.births.iter().map(ToString::to_string).collect()
}

#[test]
fn the_united_nations_list_is_read() -> Result<(), ListFault> {
    let (entries, published_on) = read(ListFormat::UnXml, UN)?;
    assert_eq!(published_on.as_deref(), Some("2026-01-15"));
    let [kassoum, yerima, transports] = &entries[..] else { panic!("three entries") };
    assert_eq!((kassoum.reference.as_str(), kassoum.kind), ("9100001", EntryKind::Person));
    let names = ["KASSOUM OULD BRAHIM TAMBADOU", "قاسم ولد إبراهيم تمبادو", "Qassim Tambadu", "Abou Taleb"];
    assert_eq!(kassoum.names, names);
    assert_eq!((births(kassoum), kassoum.countries.clone()), (vec!["1971-04-23".to_owned()], vec!["ML".to_owned()]));
    assert_eq!(births(yerima), ["~1968", "1972/1974"]);
    assert_eq!(yerima.countries, ["NE", "NG"]);
    assert_eq!(transports.kind, EntryKind::Organisation);
    assert_eq!(transports.names, ["TRANSPORTS DU GRAND FLEUVE", "TGF Convoyage"]);
    Ok(())
}

#[test]
fn the_treasurys_list_is_read() -> Result<(), ListFault> {
    let (entries, published_on) = read(ListFormat::OfacXml, OFAC)?;
    assert_eq!(published_on.as_deref(), Some("2026-01-20"));
    assert_eq!(entries[0].names, ["Bandiougou WAGUE", "Bandjougou OUAGUE", "\"LE CHAUFFEUR\""]);
    assert_eq!(births(&entries[0]), ["1969-11-05", "~1970"]);
    assert_eq!(entries[0].countries, ["ML"]);
    let kinds: Vec<EntryKind> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Person, EntryKind::Organisation, EntryKind::Thing]);
    Ok(())
}

#[test]
fn the_european_unions_list_is_read() -> Result<(), ListFault> {
    let (entries, published_on) = read(ListFormat::EuXml, EU)?;
    assert_eq!(published_on.as_deref(), Some("2026-01-18"));
    assert_eq!(entries[0].names, ["Souhaïb El Mekkaoui", "صهيب المكاوي"]);
    assert_eq!(
        (births(&entries[0]), entries[0].countries.len()),
        (vec!["1975-09-30".to_owned(), "~1976".to_owned()], 1)
    );
    assert_eq!(entries[1].names, ["Société Minière \"Les Dunes\""]);
    assert!(entries[1].countries.is_empty(), "00 is no country");
    Ok(())
}

#[test]
fn a_list_of_opensanctions_is_read() -> Result<(), ListFault> {
    let (entries, published_on) = read(ListFormat::OpensanctionsCsv, OPENSANCTIONS)?;
    assert_eq!(published_on.as_deref(), Some("2026-01-12"));
    assert_eq!(entries[0].names, ["Fodié Tounkaranké", "Fodie Tunkaranke", "Фодие Тункаранке"]);
    assert_eq!(
        (births(&entries[0]), entries[0].countries.join(" ")),
        (vec!["1980-02".to_owned(), "1981".to_owned()], "ML SN".to_owned())
    );
    assert_eq!(entries[2].kind, EntryKind::Thing);
    Ok(())
}

#[test]
fn a_faulty_file_is_refused_with_the_place() {
    for (format, text, said) in [
        (ListFormat::UnXml, UN.replace("1971-04-23", "23/04/1971"), "DATE, byte"),
        (ListFormat::UnXml, UN.replace("<DATAID>9100002</DATAID>", ""), "the publisher's number"),
        (ListFormat::UnXml, UN.replace("9100002", "9100001"), "entry 9100001: it is there twice"),
        (ListFormat::UnXml, UN.replace("dateGenerated", "made"), "dateGenerated is no date"),
        (ListFormat::UnXml, UN[..UN.find("<SORT_KEY/>").unwrap_or(0)].to_owned(), "the XML ends too early"),
        (ListFormat::UnXml, UN.replace("</INDIVIDUALS>", "</PEOPLE>"), "no well-formed XML"),
        (ListFormat::UnXml, EU.to_owned(), "its root is no CONSOLIDATED_LIST"),
        (ListFormat::UnXml, "<CONSOLIDATED_LIST dateGenerated=\"2026-01-01\"/>".to_owned(), "it names nobody"),
        (ListFormat::UnXml, String::new(), "the XML ends too early"),
        (ListFormat::OfacXml, OFAC.replace(">3<", ">4<"), "announces 4 entries and has 3"),
        (ListFormat::OfacXml, OFAC.replace("05 Nov 1969", "someday"), "dateOfBirth, byte"),
        (ListFormat::OfacXml, OFAC.replace("Vessel", "Balloon"), "sdnType, byte"),
        (ListFormat::OfacXml, OFAC.replace("01/20/2026", "2026-01-20"), "Publish_Date, byte"),
        (ListFormat::EuXml, EU.replace("code=\"person\"", "code=\"robot\""), "subjectType, byte"),
        (ListFormat::EuXml, EU.replace("birthdate=\"1975-09-30\"", "birthdate=\"1975-09-31\""), "birthdate, byte"),
        (ListFormat::EuXml, EU.replace("wholeName=", "w="), "entry 900102 has no name"),
        (ListFormat::OpensanctionsCsv, OPENSANCTIONS.replace("\"aliases\"", "\"aka\""), "line 1: the column aliases"),
        (ListFormat::OpensanctionsCsv, OPENSANCTIONS.replace("1980-02;", "1980-14;"), "line 2: birth_date"),
        (ListFormat::OpensanctionsCsv, OPENSANCTIONS.replace("\"km\",", ""), "line 4"),
        (ListFormat::OpensanctionsCsv, OPENSANCTIONS.replace("invented-2", ""), "line 3: the publisher's number"),
    ] {
        let told = fault(format, &text);
        assert!(told.contains(said), "{told:?} tells {said:?}");
    }
}

#[test]
fn no_file_takes_more_memory_than_its_bounds() {
    let endless = UN.replace("Qassim Tambadu", &"Q".repeat(1 << 20));
    assert!(fault(ListFormat::UnXml, &endless).contains("bytes"));
    let deep = format!("<CONSOLIDATED_LIST dateGenerated=\"2026-01-01\">{}", "<A>".repeat(100));
    assert!(fault(ListFormat::UnXml, &deep).contains("too deep"));
    let bomb = format!("<!DOCTYPE x [<!ENTITY a \"aaaa\">]>{}", UN.replace("Abou", "&a;"));
    assert!(fault(ListFormat::UnXml, &bomb).contains("document type"));
    let many = UN.replace("<ALIAS_NAME/>", &"<ALIAS_NAME>A</ALIAS_NAME>".repeat(3));
    assert!(read(ListFormat::UnXml, &many).is_ok());
    let long = OPENSANCTIONS.replace("Kayes", &"K".repeat(1 << 20));
    assert!(fault(ListFormat::OpensanctionsCsv, &long).contains("bytes"));
}
