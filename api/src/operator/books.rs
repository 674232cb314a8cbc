use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use ledger::{AccountCode, BookAccount, BookId, Position, Shown, Transfer, TransferId};
use onboarding::Operator;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admission::Admitted;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::{Faults, Problem};
use crate::wire::whole::whole;
use crate::wire::{MoneyBody, words};

/// An account of a book.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountOfBook)]
pub(super) struct PlaceBody {
    /// The book's number; 1, or one of those in the configuration.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 32767, example = 2)]
    book: i16,
    #[schema(
        max_length = 120,
        pattern = "^(assets|liabilities|equity|revenue|expenses)(:[a-z0-9-]+){1,5}$",
        example = "equity:capital"
    )]
    account: String,
}

impl From<BookAccount> for PlaceBody {
    fn from(place: BookAccount) -> Self {
        Self { book: place.book.number(), account: place.account.to_string() }
    }
}

impl PlaceBody {
    pub(super) fn read(&self, pointer: &str, faults: &mut Faults) -> Option<BookAccount> {
        let account =
            faults.check(&format!("{pointer}/account"), "account-code", AccountCode::try_new(&self.account))?;
        Some(BookAccount { book: BookId::new(self.book), account })
    }
}

/// A transfer between books.
#[derive(Serialize, ToSchema)]
#[schema(as = BookTransfer)]
pub(super) struct TransferBody {
    /// That of the proposal by which it was ordered.
    id: Uuid,
    from: PlaceBody,
    to: PlaceBody,
    amount: MoneyBody,
    description: Option<String>,
    #[schema(value_type = words::BookTransferState)]
    state: &'static str,
    /// Why a book refused its leg.
    reason: Option<String>,
    /// How often recovery took it up.
    attempts: i16,
    created_at: DateTime<Utc>,
    departed_at: Option<DateTime<Utc>>,
    /// When it came to its end.
    settled_at: Option<DateTime<Utc>>,
}

impl From<Transfer> for TransferBody {
    fn from(transfer: Transfer) -> Self {
        let order = transfer.order;
        Self {
            id: order.id.uuid(),
            from: order.from.into(),
            to: order.to.into(),
            amount: order.amount.into(),
            description: order.description,
            state: transfer.state.word(),
            reason: transfer.reason,
            attempts: transfer.attempts,
            created_at: transfer.created_at,
            departed_at: transfer.departed_at,
            settled_at: transfer.settled_at,
        }
    }
}

/// Which transfers are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TransferFilter {
    /// The book that they leave.
    #[param(minimum = 1, maximum = 32767)]
    from_book: i16,
    /// All when left out.
    #[param(inline)]
    shown: Option<ShownTransfers>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// Which transfers are shown.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ShownTransfers {
    All,
    Unsettled,
}

/// A page of transfers, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct BookTransferPage {
    items: Vec<TransferBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// What one book owes another one in a currency.
#[derive(Serialize, ToSchema)]
#[schema(as = BookPosition)]
pub(super) struct PositionBody {
    /// The book that owes.
    from_book: i16,
    /// The book that is owed.
    to_book: i16,
    /// What the first one owes by its own accounts.
    owed: MoneyBody,
    /// What the second one claims by its own accounts.
    claimed: MoneyBody,
    /// What left the first one and is not in the second one yet.
    in_flight: MoneyBody,
    /// Whether what is owed is claimed or in flight.
    agrees: bool,
}

impl From<Position> for PositionBody {
    fn from(position: Position) -> Self {
        Self {
            from_book: position.from.number(),
            to_book: position.to.number(),
            owed: position.owed.into(),
            claimed: position.claimed.into(),
            in_flight: position.in_flight.into(),
            agrees: position.difference_minor() == 0,
        }
    }
}

/// Transfers out of a book, the oldest first.
#[utoipa::path(tag = "books", security(("token" = [])), params(TransferFilter),
    responses((status = 200, description = "A page", body = BookTransferPage), ReadProblems))]
#[get("/book-transfers")]
pub(super) async fn list_book_transfers(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    filter: web::Query<TransferFilter>,
) -> Result<HttpResponse, Problem> {
    let TransferFilter { from_book, shown, limit, cursor } = filter.into_inner();
    let page = Page::new(limit, cursor);
    let limit = page.limit()?;
    let after = page.after::<Uuid>()?.map(|(time, id)| (time, TransferId::from_uuid(id)));
    let mut faults = Faults::default();
    let book = BookId::new(from_book);
    if faults.check("from_book", "unknown-book", house.clearing.book(book)).is_none() {
        return Err(faults.problem());
    }
    let shown = match shown {
        None | Some(ShownTransfers::All) => Shown::All,
        Some(ShownTransfers::Unsettled) => Shown::Unsettled,
    };
    let found = house.clearing.list(book, shown, after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.created_at, last.order.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(BookTransferPage { items: found.into_iter().map(TransferBody::from).collect(), next }))
}

/// What each book owes each other one, in each currency.
#[utoipa::path(tag = "books", security(("token" = [])),
    responses((status = 200, description = "The positions", body = [PositionBody]), ReadProblems))]
#[get("/book-positions")]
pub(super) async fn list_book_positions(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
) -> Result<HttpResponse, Problem> {
    let positions = house.clearing.positions().await?;
    Ok(HttpResponse::Ok().json(positions.into_iter().map(PositionBody::from).collect::<Vec<_>>()))
}
