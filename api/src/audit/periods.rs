use actix_web::{HttpRequest, HttpResponse, get, web};
use onboarding::Auditor;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::View;
use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::wire::period::{self, AccountBalance, ClosingBalancePage, NumberedPage, PeriodChangePage};

/// Which page of a list of which book.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageOfBook {
    /// The book; 1 when left out.
    #[param(minimum = 1, maximum = 32767)]
    book: Option<i16>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended, from its `Link` or `next`.
    #[param(max_length = 19, pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

impl PageOfBook {
    fn into_page(self) -> NumberedPage {
        NumberedPage::new(self.limit, self.cursor)
    }
}

/// Closes and reopenings of a book, the newest first; for grants that show all days.
#[utoipa::path(tag = "book", security(("token" = [])), params(PageOfBook),
    responses((status = 200, description = "A page", body = PeriodChangePage), ReadProblems))]
#[get("/periods")]
pub(super) async fn list_closed_periods(
    request: HttpRequest,
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    page: web::Query<PageOfBook>,
) -> Result<HttpResponse, Problem> {
    let view = View::open(&house, &auditor, page.book).await?;
    view.require_all_days("what was closed")?;
    period::list(&request, &view.ledger, &page.into_inner().into_page()).await
}

/// What a close found: the balances of what had taken effect by its date, as known then; for grants that show all days.
#[utoipa::path(tag = "book", security(("token" = [])),
    params(("sequence" = i64, Path, minimum = 1), PageOfBook),
    responses((status = 200, description = "A page", body = ClosingBalancePage), ReadProblems))]
#[get("/periods/{sequence}/balances")]
pub(super) async fn list_balances_of_close(
    request: HttpRequest,
    house: web::Data<House>,
    auditor: Admitted<Auditor>,
    close: web::Path<i64>,
    page: web::Query<PageOfBook>,
) -> Result<HttpResponse, Problem> {
    let view = View::open(&house, &auditor, page.book).await?;
    view.require_all_days("what a close found")?;
    let shown = |balance: &ledger::Balance| AccountBalance::of(view.code(&balance.account), balance);
    period::balances(&request, &view.ledger, *close, &page.into_inner().into_page(), shown).await
}
