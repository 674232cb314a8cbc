//! Around each request: its bounds, its log line, its metrics, the request's id in every answer, and the language of
//! those who are refused.

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LANGUAGE, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use tracing_actix_web::RequestId;

use super::Answered;
use crate::house::House;
use crate::languages;
use crate::problem::{Problem, kinds};
use crate::request_limits::Limits;

/// Reads the whole book, which may take longer than other requests.
const VERIFICATION: &str = "/v1/audit/verification";
const VERIFICATION_WITHIN: Duration = Duration::from_secs(15 * 60);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Refuses clients that ask too often, and requests that take too long.
pub(super) async fn bound(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Answered {
    let limits = request.app_data::<web::Data<Limits>>().cloned();
    let house = request.app_data::<web::Data<House>>().cloned();
    let (Some(limits), Some(house)) = (limits, house) else { return next.call(request).await.map(boxed) };
    let client = request.peer_addr().map(|address| address.ip());
    // The route, not the path as it was written: `%74okens` is `tokens` too.
    let route = request.match_pattern().unwrap_or_default();
    let remaining = match client.map(|client| limits.check(client, &route)).transpose() {
        Ok(remaining) => remaining,
        Err(problem) => return Ok(refused(request, problem)),
    };
    let within = match route.as_str() {
        VERIFICATION => VERIFICATION_WITHIN,
        _ => Duration::from_secs(house.configuration.settings.server.request_timeout_seconds),
    };
    let Ok(answered) = tokio::time::timeout(within, next.call(request)).await else {
        return Err(Problem::new(&kinds::UNAVAILABLE, "the request took too long").retry_after(1).into());
    };
    let mut response = boxed(answered?);
    if let Some(remaining) = remaining {
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("ratelimit-limit"), HeaderValue::from(remaining.limit));
        headers.insert(HeaderName::from_static("ratelimit-remaining"), HeaderValue::from(remaining.remaining));
    }
    Ok(response)
}

/// Counts, logs and names each request.
pub(super) async fn observe(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Answered {
    let started = Instant::now();
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let language = languages::asked_for(&request);
    let house = request.app_data::<web::Data<House>>().cloned();
    let method = known_method(request.method());
    let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
    let count = |status: u16| {
        let took = started.elapsed();
        if let Some(house) = &house {
            house.metrics.count_request(method, &route, status, took);
        }
        tracing::info!(method, status, took_ms = took.as_millis(), "answered");
    };
    let mut response = match next.call(request).await {
        Ok(response) => boxed(response),
        Err(error) => {
            count(error.as_response_error().status_code().as_u16());
            let problem = error.as_error::<Problem>().cloned();
            return Err(problem.map_or(error, |problem| problem.of_request(id, language).into()));
        }
    };
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    if let Some(problem) = problem {
        response.headers_mut().insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
        response = response.map_body(|_, _| BoxBody::new(problem.of_request(id.clone(), language).text()));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    count(response.status().as_u16());
    Ok(response)
}

/// A method that somebody made up must not become a series of its own.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn boxed(response: ServiceResponse<impl MessageBody + 'static>) -> ServiceResponse<BoxBody> {
    response.map_into_boxed_body()
}

fn refused(request: ServiceRequest, problem: Problem) -> ServiceResponse<BoxBody> {
    let error: Error = problem.into();
    let (request, _) = request.into_parts();
    ServiceResponse::from_err(error, request)
}
