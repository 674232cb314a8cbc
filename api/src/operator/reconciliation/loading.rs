use actix_web::{HttpRequest, HttpResponse, post, web};
use chrono::NaiveDate;
use ledger::Money;
use ledger::reconciliation::{
    CsvAmounts, CsvColumns, CsvLayout, CsvStatement, DecimalMark, Load, LoadedStatement, StatementFormat,
};
use onboarding::Operator;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::upload;
use super::wire::Addressed;
use crate::admission::Admitted;
use crate::body::is_of_type;
use crate::house::House;
use crate::openapi::WriteProblems;
use crate::problem::{Faults, Problem, kinds};

/// What came of a statement file.
#[derive(Serialize, ToSchema)]
pub(super) struct StatementFileTaken {
    statements: Vec<StatementTaken>,
    /// Statements of other accounts, which are left out.
    passed_over: usize,
}

/// What came of a statement.
#[derive(Serialize, ToSchema)]
pub(super) struct StatementTaken {
    /// Its number here.
    statement: i64,
    #[schema(inline)]
    outcome: Outcome,
    /// Its lines, when it was loaded now.
    lines: Option<i32>,
}

/// Whether a statement is new.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Loaded,
    AlreadyLoaded,
}

impl From<Load> for StatementFileTaken {
    fn from(load: Load) -> Self {
        let taken = |statement| match statement {
            LoadedStatement::Loaded { statement, lines } => {
                StatementTaken { statement, outcome: Outcome::Loaded, lines: Some(lines) }
            }
            LoadedStatement::AlreadyLoaded { statement } => {
                StatementTaken { statement, outcome: Outcome::AlreadyLoaded, lines: None }
            }
        };
        Self { statements: load.statements.into_iter().map(taken).collect(), passed_over: load.passed_over }
    }
}

/// How a CSV file is written, and what it does not say of its statement.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CsvQuery {
    /// The statement's id.
    #[param(min_length = 1, max_length = 64)]
    id: String,
    /// The account at the bank.
    #[param(min_length = 1, max_length = 64)]
    external_account: String,
    /// The day of the opening balance.
    opens_on: NaiveDate,
    /// The day of the closing balance.
    closes_on: NaiveDate,
    /// The balance before the first line; positive where the bank owes it to us.
    #[param(pattern = "^-?[0-9]{1,16}([.][0-9]{1,3})?$")]
    opening: String,
    /// The balance after the last line.
    #[param(pattern = "^-?[0-9]{1,16}([.][0-9]{1,3})?$")]
    closing: String,
    /// Between two values; a comma when left out.
    #[param(min_length = 1, max_length = 1)]
    delimiter: Option<char>,
    /// How decimals are written; with a point when left out.
    #[param(inline)]
    decimal_mark: Option<Mark>,
    /// How dates are written, in the words of strftime; `%Y-%m-%d` when left out.
    #[param(max_length = 20, example = "%d.%m.%Y")]
    date_format: Option<String>,
    /// The column of dates.
    #[param(max_length = 64)]
    date: String,
    /// The column of amounts, with a minus sign where money went out.
    #[param(max_length = 64)]
    amount: Option<String>,
    /// The column of what came in, when amounts stand in two columns.
    #[param(max_length = 64)]
    incoming: Option<String>,
    /// The column of what went out, when amounts stand in two columns.
    #[param(max_length = 64)]
    outgoing: Option<String>,
    /// The column of references.
    #[param(max_length = 64)]
    reference: Option<String>,
    /// The column of the bank's own references.
    #[param(max_length = 64)]
    bank_reference: Option<String>,
    /// The column of what the payer wrote.
    #[param(max_length = 64)]
    text: Option<String>,
}

/// How decimals are written.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Mark {
    Point,
    Comma,
}

impl CsvQuery {
    fn layout(self, currency: ledger::Currency) -> Result<CsvLayout, Problem> {
        let mut faults = Faults::default();
        let opening = faults.check("opening", "amount", Money::parse(&self.opening, currency));
        let closing = faults.check("closing", "amount", Money::parse(&self.closing, currency));
        let delimiter = self.delimiter.unwrap_or(',');
        let delimiter = u8::try_from(delimiter).ok().filter(|byte| byte.is_ascii_punctuation() || *byte == b'\t');
        let delimiter = faults.check("delimiter", "delimiter", delimiter.ok_or("a comma, a semicolon, a bar or a tab"));
        let amounts = match (self.amount, self.incoming, self.outgoing) {
            (Some(signed), None, None) => Ok(CsvAmounts::Signed(signed)),
            (None, Some(incoming), Some(outgoing)) => Ok(CsvAmounts::InAndOut(incoming, outgoing)),
            _ => Err("name either the column of amounts or both of what came in and what went out"),
        };
        let amounts = faults.check("amount", "columns", amounts);
        let (Some(opening), Some(closing), Some(delimiter), Some(amounts)) = (opening, closing, delimiter, amounts)
        else {
            return Err(faults.problem());
        };
        Ok(CsvLayout {
            delimiter,
            decimal_mark: match self.decimal_mark {
                None | Some(Mark::Point) => DecimalMark::Point,
                Some(Mark::Comma) => DecimalMark::Comma,
            },
            date_format: self.date_format.unwrap_or_else(|| "%Y-%m-%d".to_owned()),
            columns: CsvColumns {
                date: self.date,
                amounts,
                reference: self.reference,
                bank_reference: self.bank_reference,
                text: self.text,
            },
            statement: CsvStatement {
                id: self.id,
                external_account: self.external_account,
                opens_on: self.opens_on,
                closes_on: self.closes_on,
                opening,
                closing,
            },
        })
    }
}

fn of_type(request: &HttpRequest, wanted: &str) -> Result<(), Problem> {
    if is_of_type(request, wanted) {
        return Ok(());
    }
    Err(Problem::new(&kinds::MEDIA_TYPE, format!("the statement is read as {wanted}")))
}

async fn load(
    house: &House,
    operator: &Operator,
    account: &Addressed,
    format: &StatementFormat,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let file = upload::to_file(body).await?;
    let load = house.reconciliation.load(&code, currency, format, file, operator.id().uuid()).await?;
    Ok(HttpResponse::Ok().json(StatementFileTaken::from(load)))
}

/// Loads an ISO 20022 camt.053 message: whole or not at all. Loading the same statement again changes nothing.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed),
    request_body(content = String, content_type = "application/xml"),
    responses((status = 200, description = "What came of it", body = StatementFileTaken), WriteProblems))]
#[post("/reconciliation/accounts/{account}/{currency}/statements/camt.053")]
pub(super) async fn load_camt_053(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    of_type(&request, "application/xml")?;
    load(&house, &operator, &account, &StatementFormat::Camt053, body).await
}

/// Loads a SWIFT MT940 message: whole or not at all. Loading the same statement again changes nothing.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 200, description = "What came of it", body = StatementFileTaken), WriteProblems))]
#[post("/reconciliation/accounts/{account}/{currency}/statements/mt940")]
pub(super) async fn load_mt940(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    of_type(&request, "text/plain")?;
    load(&house, &operator, &account, &StatementFormat::Mt940, body).await
}

/// Loads a CSV file with the columns that are named: whole or not at all. Loading the same statement again changes
/// nothing.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed, CsvQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, description = "What came of it", body = StatementFileTaken), WriteProblems))]
#[post("/reconciliation/accounts/{account}/{currency}/statements/csv")]
pub(super) async fn load_csv(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    query: web::Query<CsvQuery>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    of_type(&request, "text/csv")?;
    let (_, currency) = account.checked()?;
    let format = StatementFormat::Csv(Box::new(query.into_inner().layout(currency)?));
    load(&house, &operator, &account, &format, body).await
}
