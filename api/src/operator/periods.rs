use actix_web::{HttpRequest, HttpResponse, get, web};
use onboarding::Operator;

use super::proposals::book;
use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::Problem;
use crate::wire::period::{self, AccountBalance, ClosingBalancePage, NumberedPage, PeriodChangePage};

/// Closes and reopenings of a book, the newest first.
#[utoipa::path(tag = "books", security(("token" = [])),
    params(("book" = i16, Path, minimum = 1, maximum = 32767), NumberedPage),
    responses((status = 200, description = "A page", body = PeriodChangePage), ReadProblems))]
#[get("/books/{book}/periods")]
pub(super) async fn list_periods(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    number: web::Path<i16>,
    page: web::Query<NumberedPage>,
) -> Result<HttpResponse, Problem> {
    period::list(&request, book(&house, *number)?, &page).await
}

/// What a close found: the balances of what had taken effect by its date, as known then.
#[utoipa::path(tag = "books", security(("token" = [])),
    params(("book" = i16, Path, minimum = 1, maximum = 32767), ("sequence" = i64, Path, minimum = 1), NumberedPage),
    responses((status = 200, description = "A page", body = ClosingBalancePage), ReadProblems))]
#[get("/books/{book}/periods/{sequence}/balances")]
pub(super) async fn list_closing_balances(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    place: web::Path<(i16, i64)>,
    page: web::Query<NumberedPage>,
) -> Result<HttpResponse, Problem> {
    let (number, close) = *place;
    period::balances(&request, book(&house, number)?, close, &page, |balance| AccountBalance::from(balance)).await
}
