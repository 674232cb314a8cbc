//! The statement of one account as ISO 20022 `camt.053.001.08`.
//!
//! A credit is what raises the account on its normal side: for a wallet what came in, and for an account of ours at a
//! bank what the bank's own statement calls a credit too, so both can be laid side by side. The account's number here is
//! its identification; its code, which may be longer than the schema allows, is its name and stands in full at the end.
//! The statement is made 'at' the time of the last entry of the view, so that the same view gives the same bytes.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::stream::{self, StreamExt};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{Export, Pieces, print};
use crate::schema::accounts;
use crate::{AccountCode, After, Amount, AsOf, Currency, Error, MAX_STATEMENT_LINES, Sequence, StatementLine};

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";
/// Characters of a name in the schema.
const MAX_NAME: usize = 70;
/// Characters of a code in the schema.
const MAX_CODE: usize = 35;

/// The account of a statement.
struct Holder {
    code: AccountCode,
    shown: String,
    currency: Currency,
    number: i64,
}

impl Export {
    /// The statement of an account over the export's entries. The code is the one that the export shows, a pseudonym in
    /// the place of a person.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when there is none.
    pub async fn statement_camt053(&self, code: &AccountCode, currency: Currency) -> Result<Pieces, Error> {
        let holder = self.holder(code, currency).await?;
        let before = AsOf::Sequence(Sequence::new(self.first - 1));
        let opening = self.ledger.balance(&holder.code, currency, before).await?;
        let closing = self.ledger.balance(&holder.code, currency, AsOf::Sequence(self.last())).await?;
        let beginning = self.beginning(&holder, opening, closing)?;
        let ending = ending(&holder)?;
        let export = self.clone();
        let start = After { sequence: Sequence::new(self.first - 1), ordinal: i16::MAX };
        let lines = stream::try_unfold((holder, Some(start)), move |(holder, after)| {
            let export = export.clone();
            async move {
                let Some(after) = after else { return Ok(None) };
                let (piece, next) = export.lines(&holder, after).await?;
                Ok(Some((piece, (holder, next))))
            }
        });
        Ok(stream::iter([Ok(beginning)]).chain(lines).chain(stream::iter([Ok(ending)])).boxed())
    }

    /// The account that appears under that code, if something was booked on it by the end of the export.
    async fn holder(&self, code: &AccountCode, currency: Currency) -> Result<Holder, Error> {
        let unknown = || Error::UnknownAccount { code: code.clone(), commodity: currency.into() };
        let stored = self.subjects.code_of(code, &self.ledger.chart).ok_or_else(unknown)?;
        let mut connection = self.ledger.database.connection().await?;
        let number = accounts::table
            .filter(accounts::book_id.eq(self.ledger.book.number()))
            .filter(accounts::code.eq(stored.as_str()))
            .filter(accounts::commodity.eq(currency.number()))
            .select(accounts::account)
            .first(&mut connection)
            .await
            .optional()?
            .ok_or_else(unknown)?;
        drop(connection);
        let beginning = self.ledger.statement(&stored, currency, After::BEGINNING, 1).await?;
        if beginning.lines.as_slice().first().is_none_or(|line| line.sequence > self.last()) {
            return Err(unknown());
        }
        Ok(Holder { code: stored, shown: code.to_string(), currency, number })
    }

    fn beginning(&self, holder: &Holder, opening: Amount, closing: Amount) -> Result<Vec<u8>, Error> {
        let id = format!("{}-{}-{}-{}", self.ledger.book.number(), holder.number, self.first, self.last);
        let made = printed(|out| print::moment(out, self.closed_at, b':'));
        let mut xml = Xml::new();
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.event(Event::Start(BytesStart::new("Document").with_attributes([("xmlns", NAMESPACE)])))?;
        xml.open("BkToCstmrStmt")?;
        xml.within(&["GrpHdr"], |xml| {
            xml.leaf("MsgId", &cut(&id, MAX_CODE))?;
            xml.leaf("CreDtTm", &made)
        })?;
        xml.open("Stmt")?;
        xml.leaf("Id", &cut(&id, MAX_CODE))?;
        xml.leaf("CreDtTm", &made)?;
        xml.within(&["FrToDt"], |xml| {
            xml.leaf("FrDtTm", &printed(|out| print::moment(out, self.opened_at, b':')))?;
            xml.leaf("ToDtTm", &made)
        })?;
        xml.within(&["Acct"], |xml| {
            xml.within(&["Id", "Othr"], |xml| {
                xml.leaf("Id", &format!("{}-{}", self.ledger.book.number(), holder.number))
            })?;
            xml.leaf("Ccy", holder.currency.code())?;
            xml.leaf("Nm", &cut(&holder.shown, MAX_NAME))
        })?;
        xml.balance("OPBD", opening, self.opened_at.date_naive())?;
        xml.balance("CLBD", closing, self.closed_at.date_naive())?;
        Ok(xml.done())
    }

    async fn lines(&self, holder: &Holder, after: After) -> Result<(Vec<u8>, Option<After>), Error> {
        let page = self.ledger.statement(&holder.code, holder.currency, after, MAX_STATEMENT_LINES).await?;
        let mut xml = Xml::new();
        let mut next = None;
        for line in &page.lines {
            if line.sequence > self.last() {
                return Ok((xml.done(), None));
            }
            xml.entry(line)?;
            next = Some(After { sequence: line.sequence, ordinal: line.ordinal });
        }
        Ok((xml.done(), next))
    }
}

fn ending(holder: &Holder) -> Result<Vec<u8>, Error> {
    let mut xml = Xml::new();
    xml.leaf("AddtlStmtInf", &holder.shown)?;
    for name in ["Stmt", "BkToCstmrStmt", "Document"] {
        xml.close(name)?;
    }
    Ok(xml.done())
}

fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    print(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// A piece of the document.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn new() -> Self {
        Self(Writer::new(Vec::new()))
    }

    fn done(self) -> Vec<u8> {
        let mut piece = self.0.into_inner();
        piece.push(b'\n');
        piece
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), Error> {
        self.0.write_event(event).map_err(|error| Error::Unwritable(error.to_string()))
    }

    fn open(&mut self, name: &str) -> Result<(), Error> {
        self.event(Event::Start(BytesStart::new(name)))
    }

    fn close(&mut self, name: &str) -> Result<(), Error> {
        self.event(Event::End(BytesEnd::new(name)))
    }

    fn leaf(&mut self, name: &str, text: &str) -> Result<(), Error> {
        self.open(name)?;
        self.event(Event::Text(BytesText::new(text)))?;
        self.close(name)
    }

    /// Writes inside of elements that stand inside of each other.
    fn within(&mut self, names: &[&str], write: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        names.iter().try_for_each(|name| self.open(name))?;
        write(self)?;
        names.iter().rev().try_for_each(|name| self.close(name))
    }

    fn amount(&mut self, amount: Amount) -> Result<(), Error> {
        let start = BytesStart::new("Amt").with_attributes([("Ccy", amount.commodity().code())]);
        self.event(Event::Start(start))?;
        self.event(Event::Text(BytesText::new(&printed(|out| print::magnitude(out, amount)))))?;
        self.close("Amt")?;
        self.leaf("CdtDbtInd", if amount.minor() < 0 { "DBIT" } else { "CRDT" })
    }

    fn balance(&mut self, code: &str, held: Amount, day: chrono::NaiveDate) -> Result<(), Error> {
        self.within(&["Bal"], |xml| {
            xml.within(&["Tp", "CdOrPrtry"], |xml| xml.leaf("Cd", code))?;
            xml.amount(held)?;
            xml.within(&["Dt"], |xml| xml.leaf("Dt", &printed(|out| print::day(out, day))))
        })
    }

    fn entry(&mut self, line: &StatementLine) -> Result<(), Error> {
        self.within(&["Ntry"], |xml| {
            xml.leaf("NtryRef", &format!("{}-{}", line.sequence.number(), line.ordinal))?;
            xml.amount(line.amount)?;
            xml.within(&["Sts"], |xml| xml.leaf("Cd", "BOOK"))?;
            let booked = printed(|out| print::moment(out, line.booked_at, b':'));
            xml.within(&["BookgDt"], |xml| xml.leaf("DtTm", &booked))?;
            let effective = printed(|out| print::day(out, line.effective_date));
            xml.within(&["ValDt"], |xml| xml.leaf("Dt", &effective))?;
            // Without its hyphens a UUID fits into the 35 characters of a reference.
            xml.leaf("AcctSvcrRef", &line.entry.simple().to_string())?;
            xml.within(&["BkTxCd", "Prtry"], |xml| xml.leaf("Cd", &cut(&line.kind, MAX_CODE)))?;
            match line.description.as_deref().filter(|description| !description.is_empty()) {
                Some(description) => xml.leaf("AddtlNtryInf", description),
                None => Ok(()),
            }
        })
    }
}
