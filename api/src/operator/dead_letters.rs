use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use onboarding::Operator;
use platform::outbox::{DeadLetter, Redelivery, dead_letters, redeliver, return_to_sender};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::body::{File, is_of_type};
use crate::cursor::{self, Page};
use crate::house::House;
use crate::mail::bounce::DeliveryReport;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{Problem, kinds};

/// A message that was given up. To whom it goes and what it says is not shown.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(super) struct DeadLetterBody {
    id: Uuid,
    /// By which way it was to go, such as mail or phone.
    topic: String,
    /// What went wrong the last time.
    error: Option<String>,
    /// How often it was tried; once where trying again would be of no use.
    attempts: i32,
    created_at: DateTime<Utc>,
    given_up_at: DateTime<Utc>,
}

impl From<DeadLetter> for DeadLetterBody {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { id, topic, last_error, attempts, created_at, dead_at } = letter;
        Self { id, topic, error: last_error, attempts, created_at, given_up_at: dead_at }
    }
}

/// A page of messages that were given up, the last one first.
#[derive(Serialize, ToSchema)]
pub(super) struct DeadLetterPage {
    items: Vec<DeadLetterBody>,
    /// The cursor of the next page, where there is one.
    next: Option<String>,
}

/// Messages to people that were given up, the last one first.
#[utoipa::path(tag = "messages", security(("token" = [])), params(Page),
    responses((status = 200, description = "A page", body = DeadLetterPage), ReadProblems))]
#[get("/dead-letters")]
pub(super) async fn list_dead_letters(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    page: web::Query<Page>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let found = dead_letters(&mut *house.database.connection().await?, page.after()?, limit).await?;
    let next = cursor::next(&found, limit, |last| cursor::write(last.dead_at, last.id));
    let mut response = cursor::answer(&request, next.as_deref());
    Ok(response.json(DeadLetterPage { items: found.into_iter().map(DeadLetterBody::from).collect(), next }))
}

/// Has a message delivered again that was given up, with all its attempts before it. It keeps its id, so that who has it
/// already can tell. What is not given up is refused, so a repeated request does nothing.
#[utoipa::path(tag = "messages", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is tried again"), WriteProblems))]
#[post("/dead-letters/{id}/redelivery")]
pub(super) async fn redeliver_dead_letter(
    house: web::Data<House>,
    operator: Admitted<Operator>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    match redeliver(&mut *house.database.connection().await?, *id).await? {
        Redelivery::Due => {
            tracing::info!(message_id = %id, operator = %operator.id().uuid(), "had a dead letter delivered again");
            Ok(HttpResponse::NoContent().finish())
        }
        Redelivery::NotDead => Err(Problem::new(&kinds::WRONG_STATE, "the message is not given up")),
        Redelivery::Unknown => Err(Problem::new(&kinds::NOT_FOUND, "there is no such message")),
    }
}

/// What a delivery report says.
#[derive(Serialize, ToSchema)]
pub(super) struct Bounce {
    /// The message that it is about.
    message: Uuid,
    /// Why, in the words of RFC 3463, such as 5.1.1.
    status: String,
    /// Whether the message is a dead letter now. A mail that is only late is not.
    given_up: bool,
}

/// Takes a delivery report (RFC 3464) as it came to the sender's address. A mail that came back becomes a dead letter.
/// Taking the same report again changes nothing.
#[utoipa::path(tag = "messages", security(("token" = [])),
    request_body(content = String, content_type = "message/rfc822"),
    responses((status = 200, description = "What it says", body = Bounce), WriteProblems))]
#[post("/bounces")]
pub(super) async fn take_bounce(
    request: HttpRequest,
    house: web::Data<House>,
    _operator: Admitted<Operator>,
    report: File,
) -> Result<HttpResponse, Problem> {
    if !is_of_type(&request, "message/rfc822") {
        return Err(Problem::new(&kinds::MEDIA_TYPE, "a report is read as message/rfc822"));
    }
    let unread = || Problem::new(&kinds::FILE_REFUSED, "this is no delivery report (RFC 3464) on a mail of ours");
    let DeliveryReport { message, status, is_final } = DeliveryReport::read(&report.bytes).ok_or_else(unread)?;
    if is_final {
        let reason = format!("it came back: {status}");
        let known = return_to_sender(&mut *house.database.connection().await?, message, &reason).await?;
        known.then_some(()).ok_or_else(unread)?;
        tracing::info!(message_id = %message, status, "a mail came back");
    }
    Ok(HttpResponse::Ok().json(Bounce { message, status, given_up: is_final }))
}
