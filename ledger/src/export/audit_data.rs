//! The files of the AICPA's Audit Data Standards for the general ledger, as CSV with the standard's field names.
//!
//! Amounts of the detail are without a sign, which their indicator says; those of the trial balance are debits positive.
//! Days and times are those of ISO 8601, times by UTC. `docs/ledger/exports.md` says what each field holds.

use chrono::Datelike;

use super::page::{EntryRow, Page, PostingRow};
use super::{Export, Part, print};
use crate::account::AccountKind;
use crate::{AccountCode, Chart, Error, Lot};

/// Who enters what no person enters.
const ENTERED_BY: &str = "ledger";

/// Bytes of an ordinary row; a longer one is written in pieces.
const ROW_BYTES: usize = 1_024;

const GENERAL_LEDGER: [&str; 25] = [
    "Journal_ID",
    "Journal_ID_Line_Number",
    "JE_Header_Description",
    "JE_Line_Description",
    "Source",
    "Business_Unit_Code",
    "Effective_Date",
    "Fiscal_Year",
    "Period",
    "GL_Account_Number",
    "Amount",
    "Amount_Credit_Debit_Indicator",
    "Amount_Currency",
    "Entered_By",
    "Entered_Date",
    "Entered_Time",
    "Approved_By",
    "Last_Modified_By",
    "Last_Modified_Date",
    "Last_Modified_Time",
    "Reversal_Indicator",
    "Reversal_Journal_ID",
    "Segment01",
    "Segment02",
    "Segment03",
];

const TRIAL_BALANCE: [&str; 7] = [
    "GL_Account_Number",
    "Business_Unit_Code",
    "Fiscal_Year",
    "Period",
    "Amount_Beginning",
    "Amount_Ending",
    "Amount_Currency",
];

const CHART_OF_ACCOUNTS: [&str; 7] = [
    "GL_Account_Number",
    "GL_Account_Name",
    "FS_Caption",
    "Account_Type",
    "Account_Subtype",
    "GL_Account_Description",
    "Parent_GL_Account_Number",
];

pub(super) fn general_ledger(export: &Export) -> Vec<Part> {
    let book = export.book_name.clone();
    let entries = move |page: &Page, out: &mut Vec<u8>| {
        let mut cells = Cells::default();
        for entry in &page.entries {
            for posting in page.postings(entry) {
                detail(&mut cells, entry, posting, &book);
                cells.end_row(out)?;
            }
        }
        Ok(())
    };
    vec![Part::Text(header(&GENERAL_LEDGER)), Part::Entries(Box::new(entries))]
}

fn header(names: &[&str]) -> String {
    names.join(",") + "\n"
}

fn detail(cells: &mut Cells, entry: &EntryRow, posting: &PostingRow, book: &str) {
    let booked = entry.booked_at;
    cells.with(|out| print::number(out, entry.sequence));
    cells.with(|out| print::number(out, posting.ordinal.into()));
    cells.text(entry.description.as_deref().unwrap_or(&entry.kind));
    cells.text("");
    cells.text(&entry.kind);
    cells.text(book);
    cells.with(|out| print::day(out, entry.effective_date));
    cells.with(|out| print::number(out, entry.effective_date.year().into()));
    cells.with(|out| print::number(out, entry.effective_date.month().into()));
    cells.text(&posting.account.code);
    cells.with(|out| print::magnitude(out, posting.amount()));
    cells.text(if posting.amount_minor > 0 { "D" } else { "C" });
    cells.text(posting.account.commodity.code());
    cells.text(ENTERED_BY);
    cells.with(|out| print::day(out, booked.date_naive()));
    cells.with(|out| print::time(out, booked, b':'));
    cells.with(|out| {
        for (approver, place) in entry.approvers.iter().flatten().zip(0..) {
            if place > 0 {
                out.push(b' ');
            }
            print::id(out, *approver);
        }
    });
    // An entry is never modified: what was entered last is what was entered.
    cells.text(ENTERED_BY);
    cells.with(|out| print::day(out, booked.date_naive()));
    cells.with(|out| print::time(out, booked, b':'));
    cells.text(if entry.reverses.is_some() { "Y" } else { "N" });
    cells.with(|out| entry.reverses.into_iter().for_each(|reverses| print::number(out, reverses)));
    cells.with(|out| print::id(out, entry.key));
    cells.with(|out| entry.subject.into_iter().for_each(|subject| print::id(out, subject)));
    cells.with(|out| lots(&posting.lots, out));
}

/// The lots of units, each as its name, day, units and cost: `20-1 2024-05-01 60 600.00 EUR; ...`.
fn lots(lots: &[Lot], out: &mut Vec<u8>) {
    for (lot, place) in lots.iter().zip(0..) {
        if place > 0 {
            print::text(out, "; ");
        }
        print::text(out, &lot.name.to_string());
        out.push(b' ');
        print::day(out, lot.acquired_on);
        out.push(b' ');
        print::magnitude(out, lot.amount);
        if let Some(cost) = lot.cost {
            out.push(b' ');
            print::magnitude(out, cost.into());
            out.push(b' ');
            print::text(out, cost.currency().code());
        }
    }
}

pub(super) fn trial_balance(export: &Export) -> Vec<Part> {
    let book = export.book_name.clone();
    let closed_on = export.closed_at.date_naive();
    let accounts = move |account: &super::Opened, out: &mut Vec<u8>| -> Result<(), Error> {
        let mut cells = Cells::default();
        cells.text(&account.named.code);
        cells.text(&book);
        cells.with(|out| print::number(out, closed_on.year().into()));
        cells.with(|out| print::number(out, closed_on.month().into()));
        cells.with(|out| print::decimal(out, account.opening()));
        cells.with(|out| print::decimal(out, account.closing()));
        cells.text(account.named.commodity.code());
        cells.end_row(out)
    };
    vec![Part::Text(header(&TRIAL_BALANCE)), Part::Accounts(Box::new(accounts))]
}

pub(super) fn chart_of_accounts(export: &Export) -> Vec<Part> {
    let chart = export.ledger.chart.clone();
    let accounts = move |account: &super::Opened, out: &mut Vec<u8>| -> Result<(), Error> {
        if !account.leads {
            return Ok(());
        }
        let code = account.named.code.as_str();
        let mut cells = Cells::default();
        cells.text(code);
        cells.text(code);
        cells.text(caption(account.named.kind));
        cells.text(caption(account.named.kind));
        cells.text(code.split(':').nth(1).unwrap_or_default());
        cells.text(description(&chart, code));
        cells.text(code.rsplit_once(':').map_or("", |(parent, _)| parent));
        cells.end_row(out)
    };
    vec![Part::Text(header(&CHART_OF_ACCOUNTS)), Part::Accounts(Box::new(accounts))]
}

fn description<'a>(chart: &'a Chart, code: &str) -> &'a str {
    let template = AccountCode::try_new(code).ok().and_then(|code| chart.template(&code));
    template.map_or("", crate::Template::description)
}

const fn caption(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Asset => "Assets",
        AccountKind::Liability => "Liabilities",
        AccountKind::Equity => "Equity",
        AccountKind::Revenue => "Revenue",
        AccountKind::Expense => "Expenses",
    }
}

/// The cells of a row, one behind the other; the same memory for all rows of a page.
#[derive(Default)]
struct Cells {
    record: csv::ByteRecord,
    cell: Vec<u8>,
}

impl Cells {
    fn text(&mut self, text: &str) {
        self.record.push_field(text.as_bytes());
    }

    fn with(&mut self, print: impl FnOnce(&mut Vec<u8>)) {
        self.cell.clear();
        print(&mut self.cell);
        self.record.push_field(&self.cell);
    }

    fn end_row(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut writer = csv::WriterBuilder::new().buffer_capacity(ROW_BYTES).from_writer(out);
        let written = writer.write_byte_record(&self.record).and_then(|()| writer.flush().map_err(Into::into));
        self.record.clear();
        written.map_err(|error| Error::Unwritable(error.to_string()))
    }
}
