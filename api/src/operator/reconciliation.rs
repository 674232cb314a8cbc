//! Statements from outside against accounts of the book.
//!
//! None of this moves money, and each step is either repeated without harm or refused by the state that it left; so no
//! idempotency key is asked for.

mod breaks;
mod loading;
pub(super) mod upload;
mod wire;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use ledger::Sequence;
use ledger::reconciliation::{Rule, RunRules, Tolerances};
use onboarding::Operator;
use utoipa_actix_web::service_config::ServiceConfig;

use self::wire::{
    AccountBody, Addressed, MatchBody, NewAccount, NewMatch, NewRun, Place, ReasonBody, RunBody, StandingBody,
    StatementBody, StatementPage,
};
use crate::admission::Admitted;
use crate::body::Body;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::currency;

/// All endpoints of reconciliation.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(open_account)
        .service(list_accounts)
        .service(loading::load_camt_053)
        .service(loading::load_mt940)
        .service(loading::load_csv)
        .service(list_statements)
        .service(run_rules)
        .service(read_standing)
        .service(match_by_hand)
        .service(read_match)
        .service(undo_match)
        .service(breaks::list_breaks)
        .service(breaks::read_history)
        .service(breaks::take_step);
}

/// Takes statements for an account from now on. Doing it again changes nothing.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), request_body = NewAccount,
    responses((status = 200, description = "The account", body = AccountBody), WriteProblems))]
#[post("/reconciliation/accounts")]
async fn open_account(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    body: Body<NewAccount>,
) -> Result<HttpResponse, Problem> {
    let given = &body.value;
    let mut faults = Faults::default();
    let code = faults.check("/account", "account-code", given.account.parse());
    let currency = currency(&given.currency, "/currency", &mut faults);
    let (Some(code), Some(currency)) = (code, currency) else { return Err(faults.problem()) };
    let begins_after = Sequence::new(given.begins_after);
    let opened = house.reconciliation.open_account(&code, currency, &given.external_account, begins_after).await?;
    Ok(HttpResponse::Ok().json(AccountBody::from(opened)))
}

/// The accounts that statements are taken for.
#[utoipa::path(tag = "reconciliation", security(("token" = [])),
    responses((status = 200, description = "The accounts", body = [AccountBody]), ReadProblems))]
#[get("/reconciliation/accounts")]
async fn list_accounts(house: web::Data<House>, _operator: Admitted<Operator>) -> Result<HttpResponse, Problem> {
    let accounts = house.reconciliation.accounts().await?;
    Ok(HttpResponse::Ok().json(accounts.into_iter().map(AccountBody::from).collect::<Vec<_>>()))
}

/// An account's statements by closing date, the oldest first, each with whether it continues the one before it.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed, Page),
    responses((status = 200, description = "A page", body = StatementPage), ReadProblems))]
#[get("/reconciliation/accounts/{account}/{currency}/statements")]
async fn list_statements(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let (limit, after) = (page.limit()?, Place::read(page.cursor())?);
    let found = house.reconciliation.statements(&code, currency, after.map(Place::parts), limit).await?;
    let next = cursor::next(&found, limit, |last| Place::write(last.closes_on, last.statement));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(StatementPage { items: found.into_iter().map(StatementBody::from).collect(), next }))
}

/// Matches an account's lines and postings by the rules, and opens a break for each that remains.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed), request_body = NewRun,
    responses((status = 200, description = "What the run did", body = RunBody), WriteProblems))]
#[post("/reconciliation/accounts/{account}/{currency}/runs")]
async fn run_rules(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    body: Body<NewRun>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let usual = Tolerances::USUAL;
    let days = body.value.tolerance_days.unwrap_or_else(|| usual.days());
    let minor = body.value.tolerance_minor.unwrap_or_else(|| usual.minor());
    let mut rules = RunRules { tolerances: Tolerances::try_new(days, minor)?, ..RunRules::default() };
    if let Some(named) = &body.value.rules {
        let mut faults = Faults::default();
        rules.rules = named
            .iter()
            .enumerate()
            .filter_map(|(place, name)| {
                let rule = Rule::named(name).filter(|rule| Rule::ORDER.contains(rule));
                faults.check(&format!("/rules/{place}"), "rule", rule.ok_or("it is none of the rules"))
            })
            .collect();
        faults.finish()?;
    }
    let run = house.reconciliation.run(&code, currency, &rules, operator.id().uuid()).await?;
    Ok(HttpResponse::Ok().json(RunBody::from(run)))
}

/// How an account stands: its breaks by age, and both sides with what explains their difference.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed),
    responses((status = 200, description = "How it stands today", body = StandingBody), ReadProblems))]
#[get("/reconciliation/accounts/{account}/{currency}/standing")]
async fn read_standing(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    account: web::Path<Addressed>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let standing = house.reconciliation.standing(&code, currency, house.ledger.today()).await?;
    Ok(HttpResponse::Ok().json(StandingBody::from(standing)))
}

/// Matches open items by hand. What lines and postings differ by becomes a break.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed), request_body = NewMatch,
    responses((status = 201, description = "The match", body = MatchBody), WriteProblems))]
#[post("/reconciliation/accounts/{account}/{currency}/matches")]
async fn match_by_hand(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    body: Body<NewMatch>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let NewMatch { items, reason } = &body.value;
    let person = operator.id().uuid();
    let number = house.reconciliation.match_by_hand(&code, currency, items, reason, person).await?;
    let made = house.reconciliation.match_of(&code, currency, number).await?;
    Ok(HttpResponse::Created().json(MatchBody::from(made)))
}

/// A match with its items, its rule and why.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed, ("number" = i64, Path, minimum = 1)),
    responses((status = 200, description = "The match", body = MatchBody), ReadProblems))]
#[get("/reconciliation/accounts/{account}/{currency}/matches/{number}")]
async fn read_match(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    number: web::Path<wire::Numbered>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let found = house.reconciliation.match_of(&code, currency, number.number).await?;
    Ok(HttpResponse::Ok().json(MatchBody::from(found)))
}

/// Takes a match apart. Its items are breaks again, and the rules leave them alone from then on.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed, ("number" = i64, Path, minimum = 1)),
    request_body = ReasonBody,
    responses((status = 204, description = "It is taken apart"), WriteProblems))]
#[post("/reconciliation/accounts/{account}/{currency}/matches/{number}/undoing")]
async fn undo_match(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    number: web::Path<wire::Numbered>,
    body: Body<ReasonBody>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let person = operator.id().uuid();
    house.reconciliation.unmatch(&code, currency, number.number, &body.value.reason, person).await?;
    Ok(HttpResponse::NoContent().finish())
}
