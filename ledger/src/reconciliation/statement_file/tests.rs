use std::io::{BufReader, Cursor};

use super::*;

type Read = Result<Vec<(Surveyed, Vec<Line>)>, FileFault>;

/// All that a file says, if it adds up.
fn read(format: &StatementFormat, file: &str) -> Read {
    let surveyed = survey(&mut *open(format, BufReader::new(Cursor::new(file.to_owned()))))?;
    let mut lines = Vec::new();
    let mut parts = open(format, BufReader::new(Cursor::new(file.to_owned())));
    while let Some(part) = parts.next()? {
        match part {
            Part::Opened(_) => lines.push(Vec::new()),
            Part::Line(line) => lines.last_mut().expect("a statement was opened").push(line),
            Part::Closed(_) => {}
        }
    }
    Ok(surveyed.into_iter().zip(lines).collect())
}

fn amounts(lines: &[Line]) -> Vec<i64> {
    lines.iter().map(|line| line.amount_minor).collect()
}

fn camt(version: &str, closing: &str, entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}\">
        <BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S-1</Id><ElctrncSeqNb>7</ElctrncSeqNb>
        <Acct><Id><IBAN>DE02 1203 0000 0000 2020 51</IBAN></Id><Ccy>EUR</Ccy></Acct>
        <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">10</Amt><CdtDbtInd>CRDT</CdtDbtInd>
        <Dt><Dt>2026-03-01</Dt></Dt></Bal>
        <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
        <Dt><DtTm>2026-03-02T22:00:00+01:00</DtTm></Dt></Bal>{entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

#[test]
fn both_versions_of_camt_053_are_read() -> Result<(), FileFault> {
    let second = camt(
        "02",
        "109.50",
        "<Ntry><Amt Ccy=\"EUR\">101.5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><ValDt><Dt>2026-03-02</Dt></ValDt>
        <AcctSvcrRef>B-1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
        <RmtInf><Ustrd>TRG-7K3MQ &amp; TRG</Ustrd><Ustrd>merci &#33;</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
        <Ntry><Amt Ccy=\"EUR\">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>PDNG</Sts></Ntry>
        <Ntry><Amt Ccy=\"EUR\">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt>
        <AddtlNtryInf>charges</AddtlNtryInf></Ntry>",
    );
    let eighth = camt(
        "08",
        "14",
        "<Ntry><Amt Ccy=\"EUR\">4.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
        <ValDt><Dt>2026-03-02</Dt></ValDt><NtryDtls>
        <TxDtls><Refs><EndToEndId>E-1</EndToEndId></Refs><Amt Ccy=\"EUR\">6.00</Amt></TxDtls>
        <TxDtls><Amt Ccy=\"EUR\">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls></NtryDtls></Ntry>",
    );
    let second = read(&StatementFormat::Camt053, &second)?;
    let (surveyed, lines) = &second[0];
    assert_eq!(surveyed.head.external_account, "DE02120300000000202051");
    assert_eq!((surveyed.head.external_number.as_str(), surveyed.lines), ("7", 2));
    assert_eq!(amounts(lines), [10_150, -200]);
    assert_eq!((lines[0].bank_reference.as_deref(), lines[0].reference.as_deref()), (Some("B1"), None));
    assert_eq!((lines[0].text.as_str(), lines[1].text.as_str()), ("TRG-7K3MQ & TRG merci !", "charges"));
    let eighth = read(&StatementFormat::Camt053, &eighth)?;
    assert_eq!(amounts(&eighth[0].1), [600, -200]);
    assert_eq!(eighth[0].1[0].reference.as_deref(), Some("E1"));
    Ok(())
}

#[test]
fn what_is_wrong_with_a_camt_053_message_is_named_with_its_place() {
    let entry = "<Ntry><Amt Ccy=\"EUR\">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
        <ValDt><Dt>2026-03-02</Dt></ValDt></Ntry>";
    let bomb = camt("02", "11", entry).replacen("?>", "?><!DOCTYPE a [<!ENTITY b \"c\">]>", 1);
    let long = format!("<Ntry><Amt Ccy=\"EUR\">1.00</Amt><AddtlNtryInf>{}</AddtlNtryInf></Ntry>", "x".repeat(100_000));
    for (file, place) in [
        (camt("02", "12", entry), "statement 1: opening and entries come to 11.00"),
        (camt("02", "11", &entry.replace("1.00", "1.005")), "statement 1, entry 1, Amt: EUR is written with 2"),
        (camt("02", "11", &entry.replace("CRDT", "DEBIT")), "statement 1, entry 1, CdtDbtInd"),
        (camt("02", "11", &entry.replace("Ccy=\"EUR\"", "Ccy=\"XOF\"")), "statement 1, entry 1, Ntry: it is in XOF"),
        (camt("02", "11", &entry.replace("2026-03-02", "2026-02-30")), "statement 1, entry 1, Dt"),
        (camt("02", "11", entry).replace("OPBD", "XXXX"), "OPBD or PRCD"),
        (camt("02", "11", entry).replace("</Stmt>", ""), "no well-formed XML"),
        (camt("02", "11", entry).replace("</Document>", ""), "ends too early"),
        (camt("02", "11", entry).replace("camt.053", "camt.054"), "no camt.053 message"),
        (camt("02", "11", &entry.replace("1.00", "&b;")), "entity"),
        (bomb, "document type"),
        (camt("02", "11", &long), "longer than"),
        (String::new(), "ends too early"),
    ] {
        let told = read(&StatementFormat::Camt053, &file).expect_err(place).to_string();
        assert!(told.contains(place), "{place} is not in {told}");
    }
}

const MT940: &str = "{1:F01BANKDEFFXXXX}{4:\r\n:20:STARTUMS\r\n:25:12030000/202051\r\n:28C:00007/001\r\n\
    :60F:C260301EUR10,\r\n:61:2603020302CR101,50NTRFTRG-7K3MQ//B-1\r\nAWA\r\n:86:166?00GUTSCHRIFT?20SVWZ+pour maman\r\n\
    :61:260302D2,NCHGNONREF\r\n:86:charges\r\n:61:260302RC1,5NTRFNONREF\r\n:86:?20EREF+E-?211SVWZ+zurueck\r\n\
    :62F:C260302EUR108,00\r\n:64:C260302EUR108,00\r\n-}\r\n";

#[test]
fn mt940_is_read_with_reversals_and_structured_texts() -> Result<(), FileFault> {
    let read = read(&StatementFormat::Mt940, MT940)?;
    let (surveyed, lines) = &read[0];
    assert_eq!(surveyed.head.external_account, "12030000202051");
    assert_eq!((surveyed.head.external_id.as_str(), surveyed.head.external_number.as_str()), ("STARTUMS", "00007/001"));
    assert_eq!(amounts(lines), [10_150, -200, -150]);
    assert_eq!((lines[0].reference.as_deref(), lines[0].bank_reference.as_deref()), (Some("TRG7K3MQ"), Some("B1")));
    assert_eq!(lines[0].text, "AWA 166GUTSCHRIFTSVWZ+pour maman");
    assert_eq!((lines[1].reference.as_deref(), lines[2].reference.as_deref()), (None, Some("E1")));
    Ok(())
}

#[test]
fn what_is_wrong_with_mt940_is_named_with_its_line() {
    for (from, to, place) in [
        ("108,00\r\n:64", "109,00\r\n:64", "statement 1: opening and entries come to 108.00"),
        ("260302D2", "260332D2", "line 9, :61:"),
        ("260302D2,", "260302X2,", "line 9, :61:: it is neither C nor D"),
        ("D2,N", "D2,005N", "line 9, :61:"),
        (":60F:C260301EUR10,\r\n", "", "line 5, :61:: the opening balance"),
        ("62F:C260302EUR", "62F:C260302XOF", ":62F:"),
        (":62F:", ":99:", "has no end"),
        (":20:", "hello", "no field"),
    ] {
        let told = read(&StatementFormat::Mt940, &MT940.replace(from, to)).expect_err(place).to_string();
        assert!(told.contains(place), "{place} is not in {told}");
    }
}

fn layout() -> CsvLayout {
    let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).expect("a date");
    CsvLayout {
        delimiter: b';',
        decimal_mark: DecimalMark::Comma,
        date_format: "%d.%m.%Y".to_owned(),
        columns: CsvColumns {
            date: "Datum".to_owned(),
            amounts: CsvAmounts::Signed("Betrag".to_owned()),
            reference: Some("Referenz".to_owned()),
            bank_reference: None,
            text: Some("Text".to_owned()),
        },
        statement: CsvStatement {
            id: "march".to_owned(),
            external_account: "DE02".to_owned(),
            opens_on: day(1),
            closes_on: day(31),
            opening: Money::from_minor(0, Currency::EUR),
            closing: Money::from_minor(9_950, Currency::EUR),
        },
    }
}

#[test]
fn comma_separated_values_are_read_by_the_names_of_their_columns() -> Result<(), FileFault> {
    let file = "\u{feff}Datum;Text;Betrag;Referenz\n02.03.2026;\"pour; maman\";101,50;TRG-7K3MQ\n03.03.2026;;-2;\n";
    let read_signed = read(&StatementFormat::Csv(Box::new(layout())), file)?;
    assert_eq!(amounts(&read_signed[0].1), [10_150, -200]);
    assert_eq!(read_signed[0].1[0].text, "pour; maman");
    let mut split = layout();
    split.columns.amounts = CsvAmounts::InAndOut("In".to_owned(), "Out".to_owned());
    split.columns.reference = None;
    let file = "Datum;Text;In;Out\n02.03.2026;a;101,50;\n03.03.2026;b;;2,00\n";
    assert_eq!(amounts(&read(&StatementFormat::Csv(Box::new(split)), file)?[0].1), [10_150, -200]);
    Ok(())
}

#[test]
fn what_is_wrong_with_comma_separated_values_is_named_with_its_line() {
    let format = StatementFormat::Csv(Box::new(layout()));
    let header = "Datum;Text;Betrag;Referenz\n";
    for (lines, place) in [
        ("02.03.2026;a;99,50;\n03.03.2026;a;1.00;\n", "line 3: 1.00 is not written with a comma"),
        ("02.03.2026;a;99,50;\n2026-03-03;a;1,00;\n", "line 3"),
        ("02.03.2026;a;99,50\n", "line 2"),
        ("02.03.2026;a;99,50;\n03.03.2026;a;1,00;\n", "statement 1: opening and entries come to 100.50"),
    ] {
        let told = read(&format, &format!("{header}{lines}")).expect_err(place).to_string();
        assert!(told.contains(place), "{place} is not in {told}");
    }
    let told = read(&format, "Datum;Text\n").expect_err("columns").to_string();
    assert_eq!(told, "line 1: there is no column Betrag");
}

mod any_file {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a file holds, reading it ends with statements that add up or with a fault.
        #[test]
        fn is_read_or_refused(
            cut in 0..1_500_usize,
            noise in "\\PC{0,12}",
            which in 0..3_usize,
        ) {
            let (format, file) = match which {
                0 => (StatementFormat::Camt053, camt("08", "10", "<Ntry><Amt Ccy=\"EUR\">0</Amt></Ntry>")),
                1 => (StatementFormat::Mt940, MT940.to_owned()),
                _ => (StatementFormat::Csv(Box::new(layout())), "Datum;Text;Betrag;Referenz\n02.03.2026;a;99,50;\n".to_owned()),
            };
            let cut = (0..=cut.min(file.len())).rev().find(|cut| file.is_char_boundary(*cut)).unwrap_or(0);
            let file = format!("{}{noise}{}", &file[..cut], &file[cut..]);
            if let Ok(statements) = read(&format, &file) {
                for (surveyed, lines) in statements {
                    let sum: i64 = lines.iter().map(|line| line.amount_minor).sum();
                    prop_assert_eq!(surveyed.head.opening_minor + sum, surveyed.end.closing_minor);
                }
            }
        }
    }
}
