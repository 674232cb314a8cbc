//! The money arrives: as a camt.054 message, as a CSV file, and by hand. Some of it fits nothing.

use std::fmt::Write as _;

use chrono::Utc;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use super::rows::Outcome;
use super::sending::Sent;
use super::{AT_ONCE, Failure, Stage, text};

/// Pays in what is to be paid: a third in each way.
pub(super) async fn pay_in(stage: &Stage, sent: &[Sent<'_>]) -> Result<(), Failure> {
    let paying: Vec<&Sent<'_>> = sent.iter().filter(|sent| sent.row.outcome != Outcome::Unpaid).collect();
    stage.step("the money arrives", paying.len());
    let third = paying.len().div_ceil(3);
    let mut parts = paying.chunks(third.max(1));
    if let Some(part) = parts.next() {
        by_camt_054(stage, part).await?;
    }
    if let Some(part) = parts.next() {
        by_csv(stage, part).await?;
    }
    for part in parts {
        by_hand(stage, part).await?;
    }
    Ok(())
}

fn amount(sent: &Sent<'_>) -> Result<(String, String), Failure> {
    Ok((text(&sent.to_pay, "/amount")?, text(&sent.to_pay, "/currency")?))
}

async fn by_camt_054(stage: &Stage, part: &[&Sent<'_>]) -> Result<(), Failure> {
    let today = Utc::now().date_naive();
    let mut entries = String::new();
    let mut entry = |amount: &str, currency: &str, text: &str| {
        let reference = Uuid::now_v7().simple().to_string();
        write!(
            entries,
            "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><Dt>{today}</Dt></BookgDt><ValDt><Dt>{today}</Dt></ValDt><AcctSvcrRef>{reference}</AcctSvcrRef>\
             <NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )
    };
    for sent in part {
        let (amount, currency) = amount(sent)?;
        // Banks drop hyphens and turn everything into capitals.
        entry(&amount, &currency, &format!("VIREMENT {}", sent.reference.replace('-', " ")))?;
    }
    // Two that nobody can match by themselves.
    entry("42.00", "EUR", "sans reference, pour la famille")?;
    entry("17.00", "EUR", "TRG-00000-00000")?;
    let message = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"><BkToCstmrDbtCdtNtfctn>\
         <GrpHdr><MsgId>{}</MsgId></GrpHdr><Ntfctn><Id>1</Id>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>",
        Uuid::now_v7().simple()
    );
    let path = "/v1/operator/pay-ins/files/camt.054?provider=bank";
    let taken = stage.client.post_file(&stage.operator, path, "application/xml", message).await?;
    count(stage, &taken, part.len())
}

async fn by_csv(stage: &Stage, part: &[&Sent<'_>]) -> Result<(), Failure> {
    let today = Utc::now().date_naive();
    let mut file = "provider_reference,amount,currency,value_date,text\n".to_owned();
    for sent in part {
        let (amount, currency) = amount(sent)?;
        writeln!(file, "{},{amount},{currency},{today},{}", Uuid::now_v7(), sent.reference)?;
    }
    let path = "/v1/operator/pay-ins/files/csv?provider=card";
    let taken = stage.client.post_file(&stage.operator, path, "text/csv", file).await?;
    count(stage, &taken, part.len())
}

fn count(stage: &Stage, taken: &Value, expected: usize) -> Result<(), Failure> {
    let matched = taken.get("matched").and_then(Value::as_u64).unwrap_or(0);
    if matched != expected as u64 {
        return Err(format!("{matched} of {expected} pay-ins of a file found their remittance").into());
    }
    stage.bar.inc(matched);
    Ok(())
}

async fn by_hand(stage: &Stage, part: &[&Sent<'_>]) -> Result<(), Failure> {
    stream::iter(part)
        .map(|sent| async move {
            let body = json!({
                "provider": "card", "provider_reference": Uuid::now_v7(), "amount": sent.to_pay,
                "value_date": Utc::now().date_naive(), "text": sent.reference,
            });
            let kept = stage.client.post(&stage.operator, "/v1/operator/pay-ins", &body).await?;
            if text(&kept, "/state")? != "matched" {
                return Err("a pay-in by hand did not find its remittance".into());
            }
            stage.bar.inc(1);
            Ok::<_, Failure>(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
