use actix_web::{HttpRequest, HttpResponse, get, web};
use onboarding::Auditor;

use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::wire::period::{self, AccountBalance, ClosingBalancePage, NumberedPage, PeriodChangePage};

/// Closes and reopenings of the book, the newest first.
#[utoipa::path(tag = "book", security(("token" = [])), params(NumberedPage),
    responses((status = 200, description = "A page", body = PeriodChangePage), ReadProblems))]
#[get("/periods")]
pub(super) async fn list_closed_periods(
    request: HttpRequest,
    house: web::Data<House>,
    _auditor: Admitted<Auditor>,
    page: web::Query<NumberedPage>,
) -> Result<HttpResponse, Problem> {
    period::list(&request, &house.audited, &page).await
}

/// What a close found: the balances of what had taken effect by its date, as known then.
#[utoipa::path(tag = "book", security(("token" = [])),
    params(("sequence" = i64, Path, minimum = 1), NumberedPage),
    responses((status = 200, description = "A page", body = ClosingBalancePage), ReadProblems))]
#[get("/periods/{sequence}/balances")]
pub(super) async fn list_balances_of_close(
    request: HttpRequest,
    house: web::Data<House>,
    _auditor: Admitted<Auditor>,
    close: web::Path<i64>,
    page: web::Query<NumberedPage>,
) -> Result<HttpResponse, Problem> {
    period::balances(&request, &house.audited, *close, &page, |balance| AccountBalance::from(balance)).await
}
