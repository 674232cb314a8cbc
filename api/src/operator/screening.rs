//! Lists of sanctions, and the cases that come of them.
//!
//! None of this moves money, and each step is either repeated without harm or refused by the state that it left; so no
//! idempotency key is asked for.

mod wire;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use onboarding::Operator;
use onboarding::screening::{
    CaseFilter, CaseId, CaseState, ListFormat, ListLoad, ListName, MAX_LIST_ENTRIES, Removals, Verdict,
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use self::wire::{
    CaseBody, CasePage, CaseQuery, CaseWithHistory, FormatQuery, ListLoaded, ListVersionBody, ListVersionPage,
    SubjectBody, SubjectPage, SubjectQuery, VerdictBody,
};
use super::reconciliation::upload;
use crate::admission::Admitted;
use crate::body::{Body, is_of_type};
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem, kinds};

/// All endpoints of screening.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(load_list)
        .service(list_versions)
        .service(list_cases)
        .service(list_subjects)
        .service(read_case)
        .service(clear_case)
        .service(confirm_case);
}

/// Loads a list in its publisher's own form: whole or not at all. It replaces what the list said before; the same file
/// again changes nothing. One that leaves out more than a tenth of the list is refused unless it is said how many may
/// go. Who is known is held against it within seconds.
#[utoipa::path(tag = "screening", security(("token" = [])),
    params(("list" = String, Path, pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", example = "un"), FormatQuery),
    request_body(content((String = "application/xml"), (String = "text/csv"))),
    responses((status = 200, description = "The version that is in force", body = ListLoaded), WriteProblems))]
#[post("/screening/lists/{list}/versions")]
pub(super) async fn load_list(
    request: HttpRequest,
    house: web::Data<House>,
    operator: Admitted<Operator>,
    list: web::Path<String>,
    query: web::Query<FormatQuery>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::default();
    let name = faults.check("list", "list", ListName::try_new(&list));
    let format = ListFormat::from_word(&query.format).ok_or("it is no form that is read here");
    let format = faults.check("format", "format", format);
    let most = MAX_LIST_ENTRIES;
    let removing = query.removing.map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    if removing.is_some_and(|number| number > most) {
        faults.add("removing", "removing", format!("a list has at most {most} entries"));
        return Err(faults.problem());
    }
    let removals = removing.map_or(Removals::AFew, Removals::UpTo);
    let (Some(name), Some(format)) = (name, format) else { return Err(faults.problem()) };
    let (wanted, other) = match format {
        ListFormat::OpensanctionsCsv => ("text/csv", "application/xml"),
        _ => ("application/xml", "text/csv"),
    };
    if is_of_type(&request, other) {
        faults.add("format", "format", format!("a list of this form is read as {wanted}, and this is {other}"));
        return Err(faults.problem());
    }
    if !is_of_type(&request, wanted) {
        return Err(Problem::new(&kinds::MEDIA_TYPE, format!("a list of this form is read as {wanted}")));
    }
    let file = upload::to_file(body).await?;
    let loaded = house.screening.load_list(&name, format, file, removals, Some(operator.id())).await?;
    let answer = match loaded {
        ListLoad::Loaded(version) => ListLoaded { is_new: true, version: version.into() },
        ListLoad::Unchanged(version) => ListLoaded { is_new: false, version: version.into() },
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// Versions of all lists, the newest first.
#[utoipa::path(tag = "screening", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = ListVersionPage), ReadProblems))]
#[get("/screening/versions")]
pub(super) async fn list_versions(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let found = house.screening.list_versions(page.number()?, limit).await?;
    let next = cursor::next(&found, limit, |last| last.version.to_string());
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(ListVersionPage { items: found.into_iter().map(ListVersionBody::from).collect(), next }))
}

/// Cases in a state, the oldest first; the open ones when none is named.
#[utoipa::path(tag = "screening", security(("token" = [])), params(CaseQuery),
    responses((status = 200, description = "A page", body = CasePage), ReadProblems))]
#[get("/screening/cases")]
pub(super) async fn list_cases(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    query: web::Query<CaseQuery>,
) -> Result<HttpResponse, Problem> {
    let CaseQuery { state, owner, subject, list, limit, cursor } = query.into_inner();
    let page = Page::new(limit, cursor);
    let (limit, after) = (page.limit()?, page.after::<Uuid>()?.map(|(time, id)| (time, CaseId::from_uuid(id))));
    let mut faults = Faults::default();
    let state = state.map(|word| CaseState::from_word(&word).ok_or("it is no state of a case"));
    let state = state.map(|state| faults.check("state", "state", state).ok_or(())).transpose();
    let list_is_named =
        list.as_deref().is_none_or(|list| faults.check("list", "list", ListName::try_new(list)).is_some());
    let (Ok(state), true) = (state, list_is_named) else { return Err(faults.problem()) };
    let found = house.screening.cases(&CaseFilter { state, owner, subject, list }, after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.opened_at, last.id.uuid()));
    let mut response = cursor::answer(&request, next.as_deref());
    response.insert_header(("Cache-Control", "no-store"));
    Ok(response.json(CasePage { items: found.into_iter().map(CaseBody::from).collect(), next }))
}

/// Whom cases in a state are about, the longest waiting first: one name may be like many on the lists.
#[utoipa::path(tag = "screening", security(("token" = [])), params(SubjectQuery),
    responses((status = 200, description = "A page", body = SubjectPage), ReadProblems))]
#[get("/screening/subjects")]
pub(super) async fn list_subjects(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    query: web::Query<SubjectQuery>,
) -> Result<HttpResponse, Problem> {
    let SubjectQuery { state, limit, cursor } = query.into_inner();
    let page = Page::new(limit, cursor);
    let (limit, after) = (page.limit()?, page.after::<Uuid>()?);
    let state = named_state(state)?.unwrap_or(CaseState::Open);
    let found = house.screening.subjects_with_cases(state, after, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.first_opened_at, last.id));
    let mut response = cursor::answer(&request, next.as_deref());
    response.insert_header(("Cache-Control", "no-store"));
    Ok(response.json(SubjectPage { items: found.into_iter().map(SubjectBody::from).collect(), next }))
}

fn named_state(word: Option<String>) -> Result<Option<CaseState>, Problem> {
    let Some(word) = word else { return Ok(None) };
    let mut faults = Faults::default();
    let state = CaseState::from_word(&word).ok_or("it is no state of a case");
    faults.check("state", "state", state).map(Some).ok_or_else(|| faults.problem())
}

/// One case, with what happened to it.
#[utoipa::path(tag = "screening", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The case", body = CaseWithHistory), ReadProblems))]
#[get("/screening/cases/{id}")]
pub(super) async fn read_case(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let (case, past) = house.screening.case(CaseId::from_uuid(*id)).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(CaseWithHistory::new(case, past)))
}

/// Says that somebody is not whom the list names. What waited goes on.
#[utoipa::path(tag = "screening", security(("token" = [])), params(("id" = Uuid, Path)), request_body = VerdictBody,
    responses((status = 200, description = "The case", body = CaseBody), WriteProblems))]
#[post("/screening/cases/{id}/clearance")]
pub(super) async fn clear_case(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
    body: Body<VerdictBody>,
) -> Result<HttpResponse, Problem> {
    decide(&house, &operator, *id, Verdict::Clear, &body.value).await
}

/// Says that somebody is whom the list names. Another operator has to say it, too; what waits goes on waiting.
#[utoipa::path(tag = "screening", security(("token" = [])), params(("id" = Uuid, Path)), request_body = VerdictBody,
    responses((status = 200, description = "The case", body = CaseBody), WriteProblems))]
#[post("/screening/cases/{id}/confirmation")]
pub(super) async fn confirm_case(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
    body: Body<VerdictBody>,
) -> Result<HttpResponse, Problem> {
    decide(&house, &operator, *id, Verdict::Confirm, &body.value).await
}

async fn decide(
    house: &House,
    operator: &Operator,
    id: Uuid,
    verdict: Verdict,
    body: &VerdictBody,
) -> Result<HttpResponse, Problem> {
    let case = house.screening.decide(operator, CaseId::from_uuid(id), verdict, &body.reason).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(CaseBody::from(case)))
}
