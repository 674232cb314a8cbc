use super::*;

const ENTRY: &str = "<Ntry><Amt Ccy=\"EUR\">101.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
    <BookgDt><Dt>2026-01-31</Dt></BookgDt><ValDt><Dt>2026-02-01</Dt></ValDt><AcctSvcrRef>B-1</AcctSvcrRef>\
    <NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>\
    <RmtInf><Ustrd>TRG 7K3MQ</Ustrd><Ustrd>9X2AF &amp; merci</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>";

fn document(entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"{NAMESPACE}08\"><BkToCstmrDbtCdtNtfctn>\
         <GrpHdr><MsgId>1</MsgId></GrpHdr><Ntfctn><Id>1</Id>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    )
}

fn read(entries: &str) -> Result<BankFile, Error> {
    read_camt_054("bank", document(entries).as_bytes())
}

#[test]
fn a_booked_credit_is_a_pay_in() -> Result<(), Error> {
    let file = read(ENTRY)?;
    let [pay_in] = &file.pay_ins[..] else { panic!("{file:?}") };
    assert_eq!((pay_in.amount.to_string().as_str(), pay_in.provider_reference.as_str()), ("101.50", "B-1"));
    assert_eq!(pay_in.value_date.to_string(), "2026-02-01");
    assert_eq!(pay_in.text, "TRG 7K3MQ 9X2AF & merci NOTPROVIDED");
    Ok(())
}

#[test]
fn a_prefix_and_the_newer_status_change_nothing() -> Result<(), Error> {
    let plain = document(&ENTRY.replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>"));
    let prefixed = plain.replace("</", "</n:").replace("<n:?", "<?");
    let mut text = String::new();
    for (index, piece) in prefixed.split('<').enumerate() {
        match piece.chars().next() {
            _ if index == 0 => text.push_str(piece),
            Some('/' | '?') => text.push_str(&format!("<{piece}")),
            _ => text.push_str(&format!("<n:{piece}")),
        }
    }
    let text = text.replace("xmlns=", "xmlns:n=");
    assert_eq!(read_camt_054("bank", text.as_bytes())?, read(ENTRY)?);
    Ok(())
}

#[test]
fn a_collective_entry_is_split_and_must_sum() -> Result<(), Error> {
    let details = |second: &str| {
        format!(
            "<Ntry><Amt Ccy=\"XOF\">300</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><ValDt>\
             <DtTm>2026-02-01T10:00:00Z</DtTm></ValDt><AcctSvcrRef>B-2</AcctSvcrRef><NtryDtls>\
             <TxDtls><Amt Ccy=\"XOF\">100.00</Amt></TxDtls>\
             <TxDtls><AmtDtls><TxAmt><Amt Ccy=\"XOF\">{second}</Amt></TxAmt></AmtDtls></TxDtls></NtryDtls></Ntry>"
        )
    };
    let file = read(&details("200"))?;
    let references: Vec<&str> = file.pay_ins.iter().map(|pay_in| pay_in.provider_reference.as_str()).collect();
    assert_eq!(references, ["B-2/1", "B-2/2"]);
    assert!(read(&details("201")).is_err());
    assert!(read(&details("200.5")).is_err());
    Ok(())
}

#[test]
fn debits_reversals_and_pending_entries_are_passed_over() -> Result<(), Error> {
    let others = [
        ENTRY.replace("CRDT", "DBIT"),
        ENTRY.replace("BOOK", "PDNG"),
        ENTRY.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>"),
    ];
    let file = read(&others.concat())?;
    assert_eq!((file.pay_ins.len(), file.passed_over), (0, 3));
    Ok(())
}

#[test]
fn what_is_no_camt_054_is_refused_whole() {
    let bomb = "<!DOCTYPE Document [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    let bombed = document(&ENTRY.replace("merci", "&b;")).replacen("?>", &format!("?>{bomb}"), 1);
    let outside = "<!DOCTYPE Document SYSTEM \"file:///etc/passwd\">";
    for (text, what) in [
        (String::new(), "no XML"),
        ("this is no XML".to_owned(), "no XML"),
        ("<Document>".to_owned(), "root"),
        ("<html xmlns=\"http://www.w3.org/1999/xhtml\"></html>".to_owned(), "root"),
        (document(ENTRY).replace("camt.054", "camt.053"), "root"),
        (document(ENTRY).replace("</Ntry>", ""), "well-formed"),
        (bombed, "document type"),
        (document(ENTRY).replacen("?>", &format!("?>{outside}"), 1), "document type"),
        (document(&ENTRY.replace("merci", "&unknown;")), "unknown"),
        (document(&ENTRY.replace("101.50", "-101.50")), "above zero"),
        (document(&ENTRY.replace("101.50", "1e9")), "entry 1"),
        (document(&ENTRY.replace("EUR", "EUX")), "EUX"),
        (document(&ENTRY.replace("2026-02-01", "soon")), "date"),
        (document(&ENTRY.replace("<AcctSvcrRef>B-1</AcctSvcrRef>", "")), "reference"),
        (document(&format!("{ENTRY}{ENTRY}")), "twice"),
    ] {
        let error = read_camt_054("bank", text.as_bytes()).expect_err(&text).to_string();
        assert!(error.contains(what), "{error} ({what})");
    }
    let huge = format!("{}{}", document(ENTRY), " ".repeat(super::super::MAX_FILE_BYTES));
    assert!(read_camt_054("bank", huge.as_bytes()).is_err());
}
