//! ISO 20022 camt.054, the bank's debit and credit notification, of any version.
//!
//! Only what a pay-in needs is read: `Ntfctn/Ntry`, booked credits, and in them each `NtryDtls/TxDtls`. An entry
//! without details is one pay-in. Where the details name their amounts, these must sum to the entry's.

use chrono::NaiveDate;
use ledger::{Currency, Money};
use quick_xml::events::Event;
use serde::Deserialize;

use super::{BankFile, bounded, fault};
use crate::{Error, NewPayIn};

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.";

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "BkToCstmrDbtCdtNtfctn")]
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Ntfctn")]
    notifications: Vec<Notification>,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Ntry", default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "Amt")]
    amount: Amount,
    #[serde(rename = "CdtDbtInd")]
    direction: String,
    #[serde(rename = "RvslInd")]
    reversal: Option<String>,
    #[serde(rename = "Sts")]
    status: Status,
    #[serde(rename = "BookgDt")]
    booking_date: Option<Date>,
    #[serde(rename = "ValDt")]
    value_date: Option<Date>,
    #[serde(rename = "AcctSvcrRef")]
    reference: Option<String>,
    #[serde(rename = "AddtlNtryInf")]
    information: Option<String>,
    #[serde(rename = "NtryDtls", default)]
    details: Vec<EntryDetails>,
}

#[derive(Deserialize)]
struct Amount {
    #[serde(rename = "@Ccy")]
    currency: String,
    #[serde(rename = "$text")]
    decimal: String,
}

/// A word up to version 7, a code in an element of its own since.
#[derive(Deserialize)]
struct Status {
    #[serde(rename = "$text")]
    word: Option<String>,
    #[serde(rename = "Cd")]
    code: Option<String>,
}

#[derive(Deserialize)]
struct Date {
    #[serde(rename = "Dt")]
    date: Option<String>,
    #[serde(rename = "DtTm")]
    time: Option<String>,
}

#[derive(Deserialize)]
struct EntryDetails {
    #[serde(rename = "TxDtls", default)]
    transactions: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    #[serde(rename = "Refs")]
    references: Option<References>,
    #[serde(rename = "Amt")]
    amount: Option<Amount>,
    #[serde(rename = "AmtDtls")]
    amount_details: Option<AmountDetails>,
    #[serde(rename = "RmtInf")]
    remittance: Option<RemittanceInformation>,
}

#[derive(Deserialize)]
struct References {
    #[serde(rename = "AcctSvcrRef")]
    servicer: Option<String>,
    #[serde(rename = "TxId")]
    transaction: Option<String>,
    #[serde(rename = "EndToEndId")]
    end_to_end: Option<String>,
}

#[derive(Deserialize)]
struct AmountDetails {
    #[serde(rename = "TxAmt")]
    transaction: Option<TransactionAmount>,
}

#[derive(Deserialize)]
struct TransactionAmount {
    #[serde(rename = "Amt")]
    amount: Amount,
}

#[derive(Deserialize)]
struct RemittanceInformation {
    #[serde(rename = "Ustrd", default)]
    unstructured: Vec<String>,
    #[serde(rename = "Strd", default)]
    structured: Vec<Structured>,
}

#[derive(Deserialize)]
struct Structured {
    #[serde(rename = "CdtrRefInf")]
    creditor: Option<CreditorReference>,
}

#[derive(Deserialize)]
struct CreditorReference {
    #[serde(rename = "Ref")]
    reference: Option<String>,
}

/// Reads the credits that a camt.054 message reports.
///
/// # Errors
/// [`Error::File`] with what is wrong and in which entry.
pub fn read_camt_054(provider: &str, file: &[u8]) -> Result<BankFile, Error> {
    let text = bounded(file)?;
    look_at(text)?;
    let document: Document =
        quick_xml::de::from_str(text).map_err(|error| fault(format!("it is no camt.054 message: {error}")))?;
    let mut read = BankFile::default();
    let entries = document.message.notifications.iter().flat_map(|notification| &notification.entries);
    for (entry, number) in entries.zip(1..) {
        let at = |error: Error| match error {
            Error::File { what } => fault(format!("entry {number}: {what}")),
            other => fault(format!("entry {number}: {other}")),
        };
        if entry.is_booked_credit().map_err(at)? {
            for pay_in in entry.pay_ins(provider).map_err(at)? {
                read.add(pay_in)?;
            }
        } else {
            read.passed_over += 1;
        }
    }
    read.checked()
}

/// Goes through the whole document once: it must be well-formed, a camt.054 message, and without a document type,
/// whose entities could be made to grow without bound.
fn look_at(text: &str) -> Result<(), Error> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut root = false;
    loop {
        match reader.read_event().map_err(|error| fault(format!("it is no well-formed XML: {error}")))? {
            Event::DocType(_) => return Err(fault("XML with a document type is not read")),
            Event::Start(element) if !root => {
                root = true;
                let in_namespace = element.attributes().filter_map(Result::ok).any(|attribute| {
                    attribute.key.as_namespace_binding().is_some() && attribute.value.starts_with(NAMESPACE)
                });
                if element.local_name().as_ref() != "Document" || !in_namespace {
                    return Err(fault(format!("it is no camt.054 message: its root is no Document of {NAMESPACE}*")));
                }
            }
            Event::Eof if root => return Ok(()),
            Event::Eof => return Err(fault("it is no XML")),
            _ => {}
        }
    }
}

impl Entry {
    fn is_booked_credit(&self) -> Result<bool, Error> {
        let status = self.status.code.as_deref().or(self.status.word.as_deref()).map(str::trim);
        let credit = match self.direction.trim() {
            "CRDT" => true,
            "DBIT" => false,
            _ => return Err(fault("CdtDbtInd is neither CRDT nor DBIT")),
        };
        let reversal = matches!(self.reversal.as_deref().map(str::trim), Some("true" | "1"));
        match status {
            Some("BOOK") => Ok(credit && !reversal),
            Some("PDNG" | "INFO" | "FUTR") => Ok(false),
            _ => Err(fault("Sts is none of BOOK, PDNG, INFO, FUTR")),
        }
    }

    fn pay_ins(&self, provider: &str) -> Result<Vec<NewPayIn>, Error> {
        let whole = self.amount.money()?;
        let date = self.date()?;
        let transactions: Vec<&Transaction> = self.details.iter().flat_map(|details| &details.transactions).collect();
        if transactions.is_empty() {
            let reference = self.reference.as_deref().ok_or_else(|| fault("AcctSvcrRef is missing"))?;
            let text = self.information.as_deref().unwrap_or("");
            return Ok(vec![NewPayIn::try_new(provider, reference, whole, date, text)?]);
        }
        let single = transactions.len() == 1;
        let mut sum = Money::zero(whole.currency());
        let mut pay_ins = Vec::with_capacity(transactions.len());
        for (transaction, number) in transactions.into_iter().zip(1..) {
            let amount = match transaction.amount() {
                Some(amount) => amount.money()?,
                None if single => whole,
                None => return Err(fault(format!("transaction {number}: its amount is missing"))),
            };
            sum = sum.checked_add(amount)?;
            let reference = transaction.reference(self.reference.as_deref(), single, number)?;
            pay_ins.push(NewPayIn::try_new(provider, &reference, amount, date, &transaction.text())?);
        }
        if sum != whole {
            return Err(fault(format!("its transactions sum to {sum}, not to {whole}")));
        }
        Ok(pay_ins)
    }

    fn date(&self) -> Result<NaiveDate, Error> {
        let date = self.value_date.as_ref().or(self.booking_date.as_ref());
        let text = date.and_then(|date| date.date.as_deref().or(date.time.as_deref()));
        let text = text.ok_or_else(|| fault("ValDt and BookgDt are missing"))?.trim();
        text.get(..10).and_then(|day| day.parse().ok()).ok_or_else(|| fault("ValDt is no date"))
    }
}

impl Transaction {
    fn amount(&self) -> Option<&Amount> {
        let detailed = self.amount_details.as_ref().and_then(|details| details.transaction.as_ref());
        self.amount.as_ref().or(detailed.map(|detailed| &detailed.amount))
    }

    /// The bank's name for the transaction; an entry of one transaction may name it at the entry.
    fn reference(&self, of_entry: Option<&str>, single: bool, number: usize) -> Result<String, Error> {
        let references = self.references.as_ref();
        let own = references.and_then(|known| known.servicer.as_ref().or(known.transaction.as_ref()));
        match (own, of_entry) {
            (Some(own), _) => Ok(own.clone()),
            (None, Some(entry)) if single => Ok(entry.to_owned()),
            (None, Some(entry)) => Ok(format!("{entry}/{number}")),
            (None, None) => Err(fault(format!("transaction {number}: the bank's reference is missing"))),
        }
    }

    /// All that the payer can have written, in one line.
    fn text(&self) -> String {
        let information = self.remittance.as_ref();
        let free = information.into_iter().flat_map(|information| &information.unstructured);
        let structured = information
            .into_iter()
            .flat_map(|information| &information.structured)
            .filter_map(|structured| structured.creditor.as_ref()?.reference.as_ref());
        let end_to_end = self.references.iter().filter_map(|references| references.end_to_end.as_ref());
        free.chain(structured).chain(end_to_end).map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }
}

impl Amount {
    /// ISO 20022 writes a decimal with up to five fraction digits, so zeros may be missing or too many.
    fn money(&self) -> Result<Money, Error> {
        let currency = Currency::try_new(&self.currency).map_err(|error| fault(error.to_string()))?;
        let decimals = usize::try_from(currency.decimals()).unwrap_or(0);
        let given = self.decimal.trim();
        let (whole, fraction) = given.split_once('.').unwrap_or((given, ""));
        let fraction = fraction.trim_end_matches('0');
        let exact = match decimals {
            0 if fraction.is_empty() => whole.to_owned(),
            _ => format!("{whole}.{fraction:0<decimals$}"),
        };
        Money::parse(&exact, currency).map_err(|error| fault(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
