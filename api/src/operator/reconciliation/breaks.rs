use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::Sequence;
use ledger::reconciliation::{Break, BreakPast, BreakState, BreakStep};
use onboarding::Operator;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::wire::{Addressed, Numbered, Place, SubjectBody};
use crate::admission::Admitted;
use crate::body::Body;
use crate::cursor::{self, Page};
use crate::house::House;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Faults, Problem};
use crate::wire::whole::whole;
use crate::wire::{MoneyBody, words};

/// Something that does not agree.
#[derive(Serialize, ToSchema)]
#[schema(as = Break)]
pub(super) struct BreakBody {
    number: i64,
    subject: SubjectBody,
    /// By how much; positive where money came in, or where lines exceed postings.
    amount: MoneyBody,
    /// Since when it is outstanding.
    occurs_on: NaiveDate,
    /// Days since then, by the server's clock.
    age_days: i64,
    reference: Option<String>,
    /// What the bank passed on.
    text: Option<String>,
    #[schema(value_type = words::BreakCause)]
    cause: &'static str,
    /// How many things of the other side might have fitted when it was opened.
    candidates: i32,
    #[schema(value_type = words::BreakState)]
    state: &'static str,
    /// Who has taken it on.
    owner: Option<Uuid>,
    opened_at: DateTime<Utc>,
}

impl BreakBody {
    fn new(one: Break, today: NaiveDate) -> Self {
        Self {
            number: one.number,
            subject: one.subject.into(),
            amount: one.amount.into(),
            occurs_on: one.occurs_on,
            age_days: (today - one.occurs_on).num_days(),
            reference: one.reference,
            text: one.text,
            cause: one.cause.word(),
            candidates: one.candidates,
            state: one.state.word(),
            owner: one.owner,
            opened_at: one.opened_at,
        }
    }
}

/// A page of breaks, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct BreakPage {
    items: Vec<BreakBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// One event of a break's history.
#[derive(Serialize, ToSchema)]
#[schema(as = BreakPast)]
pub(super) struct BreakEventBody {
    #[schema(value_type = words::BreakEvent)]
    event: &'static str,
    /// Who did it, or who let the rules run.
    person: Uuid,
    owner: Option<Uuid>,
    /// The sequence of the entry that corrects.
    entry: Option<i64>,
    reason: Option<String>,
    happened_at: DateTime<Utc>,
}

impl From<BreakPast> for BreakEventBody {
    fn from(past: BreakPast) -> Self {
        Self {
            event: past.event.word(),
            person: past.person,
            owner: past.owner,
            entry: past.entry.map(Sequence::number),
            reason: past.reason,
            happened_at: past.happened_at,
        }
    }
}

/// What is done about a break.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum StepBody {
    /// Takes it on, or gives it to somebody.
    Assign {
        /// Who has it from now on.
        owner: Uuid,
    },
    /// Says why, and that it will settle.
    Explain {
        #[schema(min_length = 1, max_length = 500)]
        reason: String,
    },
    /// Names the entry that corrects it.
    Correct {
        /// The entry's sequence; it touches the account.
        #[serde(deserialize_with = "whole")]
        #[schema(minimum = 1)]
        entry: i64,
        #[schema(min_length = 1, max_length = 500)]
        reason: String,
    },
    /// Gives it up.
    WriteOff {
        #[schema(min_length = 1, max_length = 500)]
        reason: String,
    },
    /// Makes it a break again.
    Reopen {
        #[schema(min_length = 1, max_length = 500)]
        reason: String,
    },
}

impl From<&StepBody> for BreakStep {
    fn from(body: &StepBody) -> Self {
        match body {
            StepBody::Assign { owner } => Self::Assign { owner: *owner },
            StepBody::Explain { reason } => Self::Explain { reason: reason.clone() },
            StepBody::Correct { entry, reason } => {
                Self::Correct { entry: Sequence::new(*entry), reason: reason.clone() }
            }
            StepBody::WriteOff { reason } => Self::WriteOff { reason: reason.clone() },
            StepBody::Reopen { reason } => Self::Reopen { reason: reason.clone() },
        }
    }
}

/// Where a break stands after a step.
#[derive(Serialize, ToSchema)]
pub(super) struct StepTaken {
    #[schema(value_type = words::BreakState)]
    state: &'static str,
}

/// Which breaks are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BreakFilter {
    /// Those that are open or assigned when left out.
    #[param(value_type = Option<words::BreakState>)]
    state: Option<String>,
    /// Items at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// Where the page before ended.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// An account's breaks in a state, the oldest first; those that are open or assigned when none is named.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed, BreakFilter),
    responses((status = 200, description = "A page", body = BreakPage), ReadProblems))]
#[get("/reconciliation/accounts/{account}/{currency}/breaks")]
pub(super) async fn list_breaks(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    filter: web::Query<BreakFilter>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let BreakFilter { state, limit, cursor } = filter.into_inner();
    let page = Page::new(limit, cursor);
    let (limit, after) = (page.limit()?, Place::read(page.cursor())?);
    let states = match state.as_deref() {
        None => vec![BreakState::Open, BreakState::Assigned],
        Some(word) => {
            let mut faults = Faults::default();
            let state = faults.check("state", "state", BreakState::of_word(word).ok_or("it is no state of a break"));
            vec![state.ok_or_else(|| faults.problem())?]
        }
    };
    let found = house.reconciliation.breaks(&code, currency, &states, after.map(Place::parts), limit).await?;
    let next = cursor::next(&found, limit, |last| Place::write(last.occurs_on, last.number));
    let mut response = cursor::answer(&request, next.as_deref());
    let today = house.ledger.today();
    Ok(response.json(BreakPage { items: found.into_iter().map(|one| BreakBody::new(one, today)).collect(), next }))
}

/// The history of a break.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed, ("number" = i64, Path, minimum = 1)),
    responses((status = 200, description = "What happened", body = [BreakEventBody]), ReadProblems))]
#[get("/reconciliation/accounts/{account}/{currency}/breaks/{number}/history")]
pub(super) async fn read_history(
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    number: web::Path<Numbered>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let past = house.reconciliation.break_history(&code, currency, number.number).await?;
    Ok(HttpResponse::Ok().json(past.into_iter().map(BreakEventBody::from).collect::<Vec<_>>()))
}

/// Takes a break a step further: somebody takes it on, then explains it, names the entry that corrects it, or writes it
/// off.
#[utoipa::path(tag = "reconciliation", security(("token" = [])), params(Addressed, ("number" = i64, Path, minimum = 1)),
    request_body = StepBody,
    responses((status = 200, description = "Where it stands", body = StepTaken), WriteProblems))]
#[post("/reconciliation/accounts/{account}/{currency}/breaks/{number}/steps")]
pub(super) async fn take_step(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    account: web::Path<Addressed>,
    number: web::Path<Numbered>,
    body: Body<StepBody>,
) -> Result<HttpResponse, Problem> {
    let (code, currency) = account.checked()?;
    let (step, person) = (BreakStep::from(&body.value), operator.id().uuid());
    let state = house.reconciliation.step(&code, currency, number.number, &step, person).await?;
    Ok(HttpResponse::Ok().json(StepTaken { state: state.word() }))
}
