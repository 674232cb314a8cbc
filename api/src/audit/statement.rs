use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{Page, Period, PeriodStatement, Place, Sequence, StatementLine, StatementQuery};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::book::account;
use super::moment::{Asked, dates};
use super::view::View;
use crate::admission::Admitted;
use crate::cursor::{self, faulty_cursor};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem};
use crate::wire::amount::{AmountBody, commodity};

/// By which days a period is meant.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum By {
    /// The days of booking, in UTC, in the order of the book.
    #[default]
    Booked,
    /// The days of effect, in their order.
    Effective,
}

/// From which end a statement is read.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Start {
    #[default]
    Oldest,
    Newest,
}

/// Which page of the statement of which period.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PeriodPage {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// ISO 4217, or the code of a unit.
    #[param(pattern = "^([A-Z]{3}|unit:[a-z][a-z0-9-]{0,17}[a-z0-9])$")]
    currency: String,
    /// The first day of the period; together with `through`.
    from: Option<NaiveDate>,
    /// The last day of the period.
    through: Option<NaiveDate>,
    /// By which days the period is meant; `booked` when left out.
    #[param(inline)]
    by: Option<By>,
    /// The first entry of the period, in place of days; together with `through_sequence`.
    #[param(minimum = 1)]
    from_sequence: Option<i64>,
    /// The last entry of the period.
    #[param(minimum = 1)]
    through_sequence: Option<i64>,
    /// Where the first page is: at the oldest lines when left out.
    #[param(inline)]
    start: Option<Start>,
    /// As known after the entry of that sequence; now when left out.
    #[param(minimum = 0)]
    as_of_sequence: Option<i64>,
    /// As known at that time.
    known_at: Option<DateTime<Utc>>,
    /// Waits up to two seconds until the book that is read has come so far.
    #[param(minimum = 0)]
    at_least_sequence: Option<i64>,
    /// Lines at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `next` or `previous` of another page; it keeps to what was known then.
    #[param(max_length = 80)]
    cursor: Option<String>,
}

/// A line of a statement.
#[derive(Serialize, ToSchema)]
#[schema(as = StatementLine)]
pub(super) struct LineBody {
    /// The entry's place in the book.
    sequence: i64,
    /// The entry's id.
    entry: Uuid,
    booked_at: DateTime<Utc>,
    effective_date: NaiveDate,
    kind: String,
    description: Option<String>,
    /// What it was about: a remittance, a project.
    subject: Option<Uuid>,
    /// On the account's normal side.
    amount: AmountBody,
    balance: AmountBody,
}

impl From<StatementLine> for LineBody {
    fn from(line: StatementLine) -> Self {
        Self {
            sequence: line.sequence.number(),
            entry: line.entry,
            booked_at: line.booked_at,
            effective_date: line.effective_date,
            kind: line.kind,
            description: line.description,
            subject: line.subject,
            amount: line.amount.into(),
            balance: line.balance.into(),
        }
    }
}

/// A page of the statement of a period, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = PeriodStatement)]
pub(super) struct PeriodStatementBody {
    /// The newest entry that is known.
    sequence: i64,
    /// The balance at the beginning of the period, on the account's normal side.
    opening: AmountBody,
    /// The balance at the end of the period.
    closing: AmountBody,
    /// The balance before the first line of the page.
    before: AmountBody,
    lines: Vec<LineBody>,
    /// The balance after the last line of the page.
    after: AmountBody,
    /// The cursor of the page with older lines, where there is one.
    previous: Option<String>,
    /// The cursor of the page with newer lines, where there is one.
    next: Option<String>,
}

fn write_cursor(known: Sequence, side: &str, place: Place) -> String {
    let (known, sequence) = (known.number(), place.sequence.number());
    format!("{known}.{side}.{}.{sequence}.{}", place.effective_date, place.ordinal)
}

fn read_cursor(text: &str) -> Result<(i64, Page), Problem> {
    let parse = || {
        let [known, side, day, sequence, ordinal] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
        let place = Place {
            effective_date: day.parse().ok()?,
            sequence: Sequence::new(sequence.parse().ok()?),
            ordinal: ordinal.parse().ok()?,
        };
        let page = match side {
            "after" => Page::After(place),
            "before" => Page::Before(place),
            _ => return None,
        };
        Some((known.parse().ok()?, page))
    };
    let (known, page) = parse().ok_or_else(faulty_cursor)?;
    let (Page::After(place) | Page::Before(place)) = page else { return Err(faulty_cursor()) };
    let mut faults = Faults::default();
    dates(("cursor", Some(place.effective_date)), ("cursor", None), &mut faults);
    faults.finish()?;
    Ok((known, page))
}

impl PeriodPage {
    fn period(&self, faults: &mut Faults) -> Period {
        let days = dates(("from", self.from), ("through", self.through), faults);
        match (days.from, days.through, self.from_sequence, self.through_sequence) {
            (None, None, None, None) => Period::Whole,
            (Some(from), Some(through), None, None) => match self.by.unwrap_or_default() {
                By::Booked => Period::Booked(from, through),
                By::Effective => Period::Effective(from, through),
            },
            (None, None, Some(from), Some(through)) => Period::Sequences(Sequence::new(from), Sequence::new(through)),
            _ => {
                let right = "a period has from and through, or from_sequence and through_sequence";
                faults.add("from", "period", right);
                Period::Whole
            }
        }
    }

    async fn query(&self, view: &View, period: Period) -> Result<StatementQuery, Problem> {
        let limit = cursor::limit(self.limit)?;
        let mut asked = Asked {
            as_of_sequence: self.as_of_sequence,
            known_at: self.known_at,
            at_least_sequence: self.at_least_sequence,
            ..Asked::default()
        };
        let page = match (&self.cursor, self.start.unwrap_or_default()) {
            (None, Start::Oldest) => Page::First,
            (None, Start::Newest) => Page::Last,
            (Some(text), _) => {
                let (known, page) = read_cursor(text)?;
                asked = Asked { as_of_sequence: Some(known), known_at: None, ..asked };
                page
            }
        };
        Ok(StatementQuery { period, known: asked.as_of(view).await?, page, limit })
    }
}

/// The period as far as the grant shows it.
async fn shown(period: Period, view: &View) -> Result<Period, Problem> {
    let Some(window) = view.window() else { return Ok(period) };
    match period {
        Period::Whole if window.after < window.through => {
            Ok(Period::Sequences(Sequence::new(window.after + 1), Sequence::new(window.through)))
        }
        Period::Whole => {
            let mut faults = Faults::default();
            faults.add("", "no-extent", "nothing was booked on the days of the grant");
            Err(faults.problem())
        }
        Period::Sequences(first, last) => {
            view.extent(Some(first.number()), Some(last.number()), "through_sequence").await?;
            Ok(period)
        }
        Period::Booked(from, through) => {
            view.booked(ledger::Dates { from: Some(from), through: Some(through) })?;
            Ok(period)
        }
        Period::Effective(..) => view.require_all_days("a period by days of effect").map(|()| period),
    }
}

impl PeriodStatementBody {
    fn of(statement: PeriodStatement, view: &View) -> Self {
        let known = statement.sequence;
        Self {
            sequence: known.number(),
            opening: statement.opening.into(),
            closing: statement.closing.into(),
            before: statement.before.into(),
            lines: statement
                .lines
                .into_iter()
                .map(|line| LineBody::from(StatementLine { subject: view.subject(line.subject), ..line }))
                .collect(),
            after: statement.after.into(),
            previous: statement.older.map(|place| write_cursor(known, "before", place)),
            next: statement.newer.map(|place| write_cursor(known, "after", place)),
        }
    }
}

/// The statement of one account: all of it, or that of a period, with the balances at its ends.
#[utoipa::path(tag = "book", security(("token" = [])),
    params(("account" = String, Path, max_length = 120,
        pattern = "^(assets|liabilities|equity|revenue|expenses)(:[a-z0-9-]+){1,5}$", example = "revenue:fees:eur-xof"), PeriodPage),
    responses((status = 200, description = "A page", body = PeriodStatementBody), ReadProblems))]
#[get("/accounts/{account}/statement")]
pub(super) async fn read_statement(
    request: HttpRequest,
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    code: web::Path<String>,
    page: web::Query<PeriodPage>,
) -> Result<HttpResponse, Problem> {
    let code = account(&code)?;
    let mut faults = Faults::default();
    let period = page.period(&mut faults);
    faults.finish()?;
    let commodity = commodity(&house, &page.currency, "currency").await?;
    let view = View::open(&house, &auditor, page.book).await?;
    let code = view.code_of(&code)?;
    let query = page.query(&view, shown(period, &view).await?).await?;
    let statement = view.ledger.statement_of(&code, commodity, query).await.map_err(|error| view.said(error))?;
    let statement = PeriodStatementBody::of(statement, &view);
    Ok(cursor::answer(&request, statement.next.as_deref()).json(statement))
}
