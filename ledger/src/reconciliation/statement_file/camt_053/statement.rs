//! What the fields of a `Stmt` come to.

use chrono::NaiveDate;

use super::super::{End, Head, Line, Part, comparable_reference, minor_units, name, one_line};
use crate::Currency;

/// Transactions that one entry may list.
const MAX_TRANSACTIONS: usize = 50_000;
/// Texts that are kept of one transaction.
const MAX_TEXTS: usize = 16;

/// A statement, as far as it is read.
#[derive(Default)]
pub(super) struct Statement {
    id: String,
    number: String,
    account: String,
    balance: Balance,
    opening: Option<Balance>,
    closing: Option<Balance>,
    currency: Option<Currency>,
    opened: bool,
    entries: u32,
    entry: Entry,
    transaction: Transaction,
}

#[derive(Clone, Default)]
struct Balance {
    code: String,
    amount: Option<(i64, Currency)>,
    credit: Option<bool>,
    date: Option<NaiveDate>,
}

#[derive(Default)]
struct Entry {
    amount: Option<(i64, Currency)>,
    credit: Option<bool>,
    status: String,
    booking_date: Option<NaiveDate>,
    value_date: Option<NaiveDate>,
    bank_reference: Option<String>,
    information: String,
    transactions: Vec<Transaction>,
}

#[derive(Default)]
struct Transaction {
    amount: Option<(i64, Currency)>,
    detailed_amount: Option<(i64, Currency)>,
    credit: Option<bool>,
    bank_reference: Option<String>,
    creditor_reference: Option<String>,
    end_to_end: Option<String>,
    texts: Vec<String>,
}

impl Statement {
    /// The entry that is being read.
    pub(super) const fn entries(&self) -> u32 {
        self.entries
    }

    /// An entry begins: what stands before the first one is the head.
    pub(super) fn head(&mut self) -> Result<Option<Head>, String> {
        self.entries = self.entries.saturating_add(1);
        self.opened()
    }

    fn opened(&mut self) -> Result<Option<Head>, String> {
        if std::mem::replace(&mut self.opened, true) {
            return Ok(None);
        }
        let opening = self.opening.as_ref().ok_or("its opening balance (OPBD or PRCD) is missing")?;
        let (opening_minor, opens_on, currency) = opening.settled()?;
        self.currency = Some(currency);
        Ok(Some(Head {
            external_id: self.id.clone(),
            external_number: self.number.clone(),
            external_account: self.account.clone(),
            currency,
            opens_on,
            opening_minor,
        }))
    }

    /// The end of the statement.
    pub(super) fn close(&mut self) -> Result<Vec<Part>, String> {
        let head = self.opened()?;
        let closing = self.closing.as_ref().ok_or("its closing balance (CLBD) is missing")?;
        let (closing_minor, closes_on, currency) = closing.settled()?;
        self.same(currency)?;
        let end = Part::Closed(End { closes_on, closing_minor });
        Ok(head.map(Part::Opened).into_iter().chain([end]).collect())
    }

    /// The end of a field; `text` is what stands in it.
    pub(super) fn take(&mut self, field: &str, text: &str, currency: Option<&str>) -> Result<Vec<Part>, String> {
        if let Some(field) = field.strip_prefix("/Ntry/NtryDtls/TxDtls") {
            self.take_of_transaction(field, text, currency)?;
        } else if let Some(field) = field.strip_prefix("/Ntry") {
            return self.take_of_entry(field, text, currency);
        } else if let Some(field) = field.strip_prefix("/Bal") {
            self.take_of_balance(field, text, currency)?;
        } else {
            match field {
                "/Id" => self.id = name(text)?,
                "/ElctrncSeqNb" => self.number = name(text)?,
                "/LglSeqNb" if self.number.is_empty() => self.number = name(text)?,
                "/Acct/Id/IBAN" | "/Acct/Id/Othr/Id" => {
                    self.account = comparable_reference(text).ok_or("it is no account")?;
                }
                _ => {}
            }
        }
        Ok(Vec::new())
    }

    fn take_of_balance(&mut self, field: &str, text: &str, currency: Option<&str>) -> Result<(), String> {
        let balance = &mut self.balance;
        match field {
            "/Tp/CdOrPrtry/Cd" => text.clone_into(&mut balance.code),
            "/Amt" => balance.amount = Some(amount(text, currency)?),
            "/CdtDbtInd" => balance.credit = Some(is_credit(text)?),
            "/Dt/Dt" | "/Dt/DtTm" => balance.date = Some(date(text)?),
            "" => {
                let balance = std::mem::take(&mut self.balance);
                match balance.code.as_str() {
                    "OPBD" => self.opening = Some(balance),
                    "PRCD" if self.opening.is_none() => self.opening = Some(balance),
                    "CLBD" => self.closing = Some(balance),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_of_entry(&mut self, field: &str, text: &str, currency: Option<&str>) -> Result<Vec<Part>, String> {
        let entry = &mut self.entry;
        match field {
            "/Amt" => entry.amount = Some(amount(text, currency)?),
            "/CdtDbtInd" => entry.credit = Some(is_credit(text)?),
            // A word up to version 7, a code in an element of its own since.
            "/Sts" | "/Sts/Cd" if !text.is_empty() => text.clone_into(&mut entry.status),
            "/BookgDt/Dt" | "/BookgDt/DtTm" => entry.booking_date = Some(date(text)?),
            "/ValDt/Dt" | "/ValDt/DtTm" => entry.value_date = Some(date(text)?),
            "/AcctSvcrRef" => entry.bank_reference = comparable_reference(text),
            "/AddtlNtryInf" => entry.information = one_line([text].into_iter()),
            "" => {
                let entry = std::mem::take(&mut self.entry);
                return self.lines(entry);
            }
            _ => {}
        }
        Ok(Vec::new())
    }

    fn take_of_transaction(&mut self, field: &str, text: &str, currency: Option<&str>) -> Result<(), String> {
        let transaction = &mut self.transaction;
        match field {
            "/Amt" => transaction.amount = Some(amount(text, currency)?),
            "/AmtDtls/TxAmt/Amt" => transaction.detailed_amount = Some(amount(text, currency)?),
            "/CdtDbtInd" => transaction.credit = Some(is_credit(text)?),
            "/Refs/AcctSvcrRef" => transaction.bank_reference = comparable_reference(text),
            "/Refs/EndToEndId" => transaction.end_to_end = comparable_reference(text),
            "/RmtInf/Strd/CdtrRefInf/Ref" => transaction.creditor_reference = comparable_reference(text),
            "/RmtInf/Ustrd" if transaction.texts.len() < MAX_TEXTS => {
                transaction.texts.push(one_line([text].into_iter()));
            }
            "" => {
                if self.entry.transactions.len() >= MAX_TRANSACTIONS {
                    return Err(format!("an entry lists at most {MAX_TRANSACTIONS} transactions"));
                }
                self.entry.transactions.push(std::mem::take(&mut self.transaction));
            }
            _ => {}
        }
        Ok(())
    }

    /// The lines that an entry comes to.
    fn lines(&self, entry: Entry) -> Result<Vec<Part>, String> {
        match entry.status.as_str() {
            "BOOK" => {}
            "PDNG" | "INFO" | "FUTR" => return Ok(Vec::new()),
            _ => return Err("Sts is none of BOOK, PDNG, INFO, FUTR".to_owned()),
        }
        let (minor, currency) = entry.amount.ok_or("Amt is missing")?;
        self.same(currency)?;
        let credit = entry.credit.ok_or("CdtDbtInd is missing")?;
        let occurs_on = entry.value_date.or(entry.booking_date).ok_or("ValDt and BookgDt are missing")?;
        let whole = signed(minor, credit);
        let amounts = amounts(&entry.transactions, whole, currency, credit)?;
        let Some(amounts) = amounts else {
            let mut line =
                Line { occurs_on, amount_minor: whole, reference: None, bank_reference: None, text: String::new() };
            if let [only] = entry.transactions.as_slice() {
                line = only.line(occurs_on, whole);
            }
            line.bank_reference = entry.bank_reference.or(line.bank_reference);
            if line.text.is_empty() {
                line.text = entry.information;
            }
            return Ok(Some(line).filter(|line| line.amount_minor != 0).map(Part::Line).into_iter().collect());
        };
        let lines = entry.transactions.iter().zip(amounts).filter(|(_, amount)| *amount != 0);
        Ok(lines.map(|(transaction, amount)| Part::Line(transaction.line(occurs_on, amount))).collect())
    }

    fn same(&self, currency: Currency) -> Result<(), String> {
        match self.currency {
            Some(own) if own != currency => Err(format!("it is in {currency}, the statement in {own}")),
            _ => Ok(()),
        }
    }
}

/// What each of several transactions moves, where all name it in the entry's currency; they must sum to the entry.
fn amounts(
    transactions: &[Transaction],
    whole: i64,
    currency: Currency,
    credit: bool,
) -> Result<Option<Vec<i64>>, String> {
    if transactions.len() < 2 {
        return Ok(None);
    }
    let named = |transaction: &Transaction| {
        let mut amounts = [transaction.amount, transaction.detailed_amount].into_iter().flatten();
        let (minor, _) = amounts.find(|(_, own)| *own == currency)?;
        Some(signed(minor, transaction.credit.unwrap_or(credit)))
    };
    let Some(amounts) = transactions.iter().map(named).collect::<Option<Vec<i64>>>() else { return Ok(None) };
    let sum: i128 = amounts.iter().copied().map(i128::from).sum();
    if sum == i128::from(whole) {
        return Ok(Some(amounts));
    }
    Err(format!("its transactions sum to {sum} minor units, not to {whole}"))
}

impl Transaction {
    fn line(&self, occurs_on: NaiveDate, amount_minor: i64) -> Line {
        Line {
            occurs_on,
            amount_minor,
            reference: self.creditor_reference.clone().or_else(|| self.end_to_end.clone()),
            bank_reference: self.bank_reference.clone(),
            text: one_line(self.texts.iter().map(String::as_str)),
        }
    }
}

impl Balance {
    fn settled(&self) -> Result<(i64, NaiveDate, Currency), String> {
        let (minor, currency) = self.amount.ok_or_else(|| format!("the balance {} has no Amt", self.code))?;
        let credit = self.credit.ok_or_else(|| format!("the balance {} has no CdtDbtInd", self.code))?;
        let date = self.date.ok_or_else(|| format!("the balance {} has no Dt", self.code))?;
        Ok((signed(minor, credit), date, currency))
    }
}

const fn signed(minor: i64, credit: bool) -> i64 {
    if credit { minor } else { -minor }
}

fn amount(text: &str, currency: Option<&str>) -> Result<(i64, Currency), String> {
    let currency = Currency::try_new(currency.unwrap_or("")).map_err(|error| error.to_string())?;
    Ok((minor_units(text, currency)?, currency))
}

fn is_credit(text: &str) -> Result<bool, String> {
    match text {
        "CRDT" => Ok(true),
        "DBIT" => Ok(false),
        _ => Err("CdtDbtInd is neither CRDT nor DBIT".to_owned()),
    }
}

fn date(text: &str) -> Result<NaiveDate, String> {
    text.get(..10).and_then(|day| day.parse().ok()).ok_or_else(|| "it is no date".to_owned())
}
