use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::{CapTableQuery, UnitCode};
use onboarding::Auditor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::moment::Asked;
use super::view::View;
use crate::admission::Admitted;
use crate::cursor::{self, Page, faulty_cursor};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem, kinds};
use crate::wire::amount::AmountBody;
use crate::wire::unit::{UnitBody, UnitPage};

/// Which page of a cap table, at which moment.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CapTablePage {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// As known after the entry of that sequence; now when left out.
    #[param(minimum = 0)]
    as_of_sequence: Option<i64>,
    /// As known at that time.
    known_at: Option<DateTime<Utc>>,
    /// Only what had taken effect by the end of that day.
    effective_date: Option<NaiveDate>,
    /// Waits up to two seconds until the book that is read has come so far.
    #[param(minimum = 0)]
    at_least_sequence: Option<i64>,
    /// Holders at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended; it keeps to what was known then.
    #[param(max_length = 80)]
    cursor: Option<String>,
}

/// A page of a cap table: the trial balance of a unit.
#[derive(Serialize, ToSchema)]
#[schema(as = CapTable)]
pub(super) struct CapTableBody {
    /// The newest entry that is known.
    sequence: i64,
    unit: UnitBody,
    /// All units that were issued and not taken back; the holders of all pages sum to it.
    issued: AmountBody,
    holders: Vec<HolderBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// What somebody holds.
#[derive(Serialize, ToSchema)]
#[schema(as = Holder)]
pub(super) struct HolderBody {
    /// The account as exports name it, a pseudonym in the place of a person.
    account: String,
    held: AmountBody,
}

impl CapTablePage {
    /// What is known, and the account after which the page begins.
    fn asked(&self) -> Result<(Asked, Option<i64>), Problem> {
        let asked = Asked {
            as_of_sequence: self.as_of_sequence,
            known_at: self.known_at,
            effective_date: self.effective_date,
            at_least_sequence: self.at_least_sequence,
        };
        let Some(text) = &self.cursor else { return Ok((asked, None)) };
        let read = text.split_once('.').and_then(|(known, place)| {
            let (known, place): (i64, i64) = (known.parse().ok()?, place.parse().ok()?);
            (known >= 0 && place >= 0).then_some((known, place))
        });
        let (known, place) = read.ok_or_else(faulty_cursor)?;
        Ok((Asked { as_of_sequence: Some(known), known_at: None, ..asked }, Some(place)))
    }
}

/// The registered units.
#[utoipa::path(tag = "units", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = UnitPage), ReadProblems))]
#[get("/units")]
pub(super) async fn list_audited_units(
    request: HttpRequest,
    house: web::Data<House>,
    _auditor: Admitted<Auditor>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let page = UnitPage::read(&house.audited, &page).await?;
    Ok(cursor::answer(&request, page.next.as_deref()).json(page))
}

/// The cap table of a unit, at any moment: who holds how many, and how many were issued.
#[utoipa::path(tag = "units", security(("token" = [])),
    params(("unit" = String, Path, example = "unit:solar-1"), CapTablePage),
    responses((status = 200, description = "A page", body = CapTableBody), ReadProblems))]
#[get("/units/{unit}/cap-table")]
pub(super) async fn read_cap_table(
    request: HttpRequest,
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    code: web::Path<String>,
    page: web::Query<CapTablePage>,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let code = faults.check("unit", "unit-code", UnitCode::try_new(&code)).ok_or_else(|| faults.problem())?;
    let limit = cursor::limit(page.limit)?;
    let (asked, after) = page.asked()?;
    let view = View::open(&house, &auditor, page.book).await?;
    let moment = asked.moment(&view).await?;
    let unit = view.ledger.unit(&code).await?;
    let unit = unit.ok_or_else(|| Problem::new(&kinds::NOT_FOUND, format!("{code} is not registered")))?;
    let table = view.ledger.cap_table(CapTableQuery { unit, moment, after, limit }, view.subjects()).await?;
    let sequence = table.sequence.number();
    let next = table.lines.last().filter(|_| table.goes_on).map(|last| format!("{sequence}.{}", last.place));
    let holders = table.lines.into_iter().map(|line| HolderBody { account: line.account, held: line.held.into() });
    Ok(cursor::answer(&request, next.as_deref()).json(CapTableBody {
        sequence,
        unit: unit.into(),
        issued: table.issued.into(),
        holders: holders.collect(),
        next,
    }))
}
