mod body;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use ledger::{BookId, Ledger, ProposalId, Proposals, ProposalsShown};
use onboarding::Operator;
use uuid::Uuid;

use self::body::{
    Approval, BookAndProposal, NewProposal, PreviewBody, ProposalBody, ProposalFilter, ProposalPage, ShownProposals,
};
use crate::admission::Admitted;
use crate::body::Body;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::idempotency::{Answer, Key, KeyHeader, once};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};

/// The book of a number in the path.
pub(super) fn book(house: &House, number: i16) -> Result<&Ledger, Problem> {
    let mut faults = Faults::default();
    faults.check("book", "unknown-book", house.clearing.book(BookId::new(number))).ok_or_else(|| faults.problem())
}

fn proposals(house: &House, number: i16) -> Result<Proposals, Problem> {
    Ok(house.proposals(book(house, number)?))
}

/// Proposes something to be done to a book by hand. Nothing happens until another operator approves it. What could not
/// be carried out now is refused at once.
#[utoipa::path(tag = "books", security(("token" = [])),
    params(("book" = i16, Path, minimum = 1, maximum = 32767), KeyHeader), request_body = NewProposal,
    responses((status = 201, description = "The proposal", body = ProposalBody), WriteProblems))]
#[post("/books/{book}/proposals")]
pub(super) async fn propose(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    number: web::Path<i16>,
    key: Key,
    given: Body<NewProposal>,
) -> Result<HttpResponse, Problem> {
    let proposals = proposals(&house, *number)?;
    let terms = given.value.terms()?;
    once(&house, &*operator, &key, given.digest, async |seed| {
        let proposal = proposals.propose(ProposalId::from_uuid(seed), &terms, operator.id().uuid()).await?;
        Answer::created(ProposalBody::from(&proposal))
    })
    .await
}

/// Says what carrying out a proposal now would book and leave, or why it would be refused. Writes nothing.
#[utoipa::path(tag = "books", security(("token" = [])),
    params(("book" = i16, Path, minimum = 1, maximum = 32767)), request_body = NewProposal,
    responses((status = 200, description = "What would be booked", body = PreviewBody), WriteProblems))]
#[post("/books/{book}/proposals/preview")]
pub(super) async fn preview_proposal(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    number: web::Path<i16>,
    given: Body<NewProposal>,
) -> Result<HttpResponse, Problem> {
    let terms = given.value.terms()?;
    let preview = proposals(&house, *number)?.preview(&terms, operator.id().uuid()).await?;
    Ok(HttpResponse::Ok().json(PreviewBody::from(preview)))
}

/// Proposals for a book, the newest first.
#[utoipa::path(tag = "books", security(("token" = [])),
    params(("book" = i16, Path, minimum = 1, maximum = 32767), ProposalFilter),
    responses((status = 200, description = "A page", body = ProposalPage), ReadProblems))]
#[get("/books/{book}/proposals")]
pub(super) async fn list_proposals(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    number: web::Path<i16>,
    filter: web::Query<ProposalFilter>,
) -> Result<HttpResponse, Problem> {
    let ProposalFilter { shown, limit, cursor } = filter.into_inner();
    let page = Page::new(limit, cursor);
    let limit = page.limit()?;
    let after = page.after::<Uuid>()?.map(|(time, id)| (time, ProposalId::from_uuid(id)));
    let shown = match shown {
        None | Some(ShownProposals::All) => ProposalsShown::All,
        Some(ShownProposals::Waiting) => ProposalsShown::Waiting,
    };
    let found = proposals(&house, *number)?.list(shown, after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.proposed_at, last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(ProposalPage { items: found.iter().map(ProposalBody::from).collect(), next }))
}

/// One proposal as it stands.
#[utoipa::path(tag = "books", security(("token" = [])), params(BookAndProposal),
    responses((status = 200, description = "The proposal", body = ProposalBody), ReadProblems))]
#[get("/books/{book}/proposals/{id}")]
pub(super) async fn read_proposal(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    place: web::Path<BookAndProposal>,
) -> Result<HttpResponse, Problem> {
    let proposal = proposals(&house, place.book)?.get(ProposalId::from_uuid(place.id)).await?;
    Ok(HttpResponse::Ok().json(ProposalBody::from(&proposal)))
}

/// Approves a proposal and so carries it out, both in one moment. The digest says what was seen; another operator than
/// the one who proposed it has to. What is refused stays proposed.
#[utoipa::path(tag = "books", security(("token" = [])), params(BookAndProposal, KeyHeader), request_body = Approval,
    responses((status = 200, description = "The proposal, carried out", body = ProposalBody), WriteProblems))]
#[post("/books/{book}/proposals/{id}/approval")]
pub(super) async fn approve_proposal(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    place: web::Path<BookAndProposal>,
    key: Key,
    given: Body<Approval>,
) -> Result<HttpResponse, Problem> {
    let proposals = proposals(&house, place.book)?;
    let digest = given.value.digest()?;
    once(&house, &*operator, &key, given.digest, async |_| {
        let id = ProposalId::from_uuid(place.id);
        Answer::ok(ProposalBody::from(&proposals.approve(id, &digest, operator.id().uuid()).await?))
    })
    .await
}

/// Takes a proposal back that nobody has approved; any operator may.
#[utoipa::path(tag = "books", security(("token" = [])), params(BookAndProposal),
    responses((status = 200, description = "The proposal, withdrawn", body = ProposalBody), WriteProblems))]
#[post("/books/{book}/proposals/{id}/withdrawal")]
pub(super) async fn withdraw_proposal(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    place: web::Path<BookAndProposal>,
) -> Result<HttpResponse, Problem> {
    let id = ProposalId::from_uuid(place.id);
    let proposal = proposals(&house, place.book)?.withdraw(id, operator.id().uuid()).await?;
    Ok(HttpResponse::Ok().json(ProposalBody::from(&proposal)))
}
