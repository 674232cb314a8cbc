//! Problems: how every failure is told, after RFC 9457.
//!
//! Each kind has a stable `type` with a page of its own at `/v1/public/problems/{name}`, made from the table in
//! [`kinds`]. What went wrong inside is logged and never told.
//!
//! Whoever makes a problem says in English what happened. In another language it is told by what the kind and the codes
//! of the faults mean; which language that is, the middleware says that also names the request.

mod from_rooms;
pub(crate) mod kinds;

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use onboarding::Language;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use kinds::Kind;

use crate::languages::{self, Isolation};

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// A failure, told by RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// What kind of problem; the address is a page about it.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    kind: String,
    /// The kind, in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened this time, and what would be right.
    detail: String,
    /// The request's id, for whoever helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Every fault of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// The word that OAuth 2 (RFC 6749) has for it, at token endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// What is wrong with one part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// Where, as a JSON Pointer into the body (RFC 6901), or the parameter's name.
    pub(crate) pointer: String,
    /// Which rule, in a stable word.
    pub(crate) code: &'static str,
    /// What would be right.
    pub(crate) detail: String,
}

/// A failure on its way out. It is small, since it stands in every result.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: Box<str>,
    faults: Box<[Fault]>,
    values: Box<[(&'static str, String)]>,
    retry_after_seconds: Option<u32>,
    oauth_error: Option<&'static str>,
    allow: Option<Box<str>>,
    instance: Option<Box<str>>,
    language: Language,
}

impl Problem {
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into().into_boxed_str(),
            faults: Box::default(),
            values: Box::default(),
            retry_after_seconds: None,
            oauth_error: None,
            allow: None,
            instance: None,
            language: Language::En,
        }
    }

    /// What is wrong inside is logged with the request's id; the caller hears that it is our fault.
    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed for a reason of ours");
        Self::new(&kinds::INTERNAL, "something failed on our side; nothing was half done, and it can be tried again")
    }

    pub(crate) fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults.into_boxed_slice();
        self
    }

    /// Names what the other languages say in their texts too, by the names of their variables.
    pub(crate) fn naming<const N: usize>(self, values: [(&'static str, String); N]) -> Self {
        Self { values: Box::new(values), ..self }
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    pub(crate) fn named_by_oauth(mut self, error: &'static str) -> Self {
        self.oauth_error = Some(error);
        self
    }

    /// The address knows other methods.
    pub(crate) fn method_not_allowed(methods: &str) -> Self {
        let problem = Self::new(&kinds::METHOD_NOT_ALLOWED, format!("this address knows {methods}"));
        Self { allow: Some(methods.into()), ..problem }
    }

    /// The problem of a request of that id, told in that language.
    pub(crate) fn of_request(self, id: String, language: Language) -> Self {
        Self { instance: Some(id.into_boxed_str()), language, ..self }
    }

    /// Whether the same may go well in a moment: something did not answer, or too much was waiting.
    pub(crate) fn is_passing(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The body, naming the request where it is known.
    pub(crate) fn text(&self) -> String {
        let body = ProblemBody {
            kind: format!("/v1/public/problems/{}", self.kind.name),
            title: self.kind.title(self.language),
            status: self.kind.status,
            detail: self.detail(),
            instance: self.instance.as_deref().map(ToOwned::to_owned),
            errors: self.faults.iter().map(|fault| self.told(fault)).collect(),
            error: self.oauth_error,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// What happened, or in other languages than English what it means.
    fn detail(&self) -> String {
        if self.language == Language::En {
            return self.detail.to_string();
        }
        match &self.faults[..] {
            [] if self.values.is_empty() => self.kind.advice(self.language),
            [] => self.say(&format!("kind-{}.detail", self.kind.name), &[]),
            [only] if only.pointer.is_empty() => self.told(only).detail,
            [only] => self.say("one-fault", &[("pointer", &only.pointer), ("detail", &self.told(only).detail)]),
            several => self.say("several-faults", &[("number", &several.len().to_string())]),
        }
    }

    fn told(&self, fault: &Fault) -> Fault {
        let detail = match self.language {
            Language::En => fault.detail.clone(),
            _ => self.say(&format!("fault-{}", fault.code), &[]),
        };
        Fault { pointer: fault.pointer.clone(), code: fault.code, detail }
    }

    /// A text with the values that the problem names, and further ones. That it can be said is seen by the tests.
    fn say(&self, text: &str, further: &[(&str, &str)]) -> String {
        let named = self.values.iter().map(|(name, value)| (*name, value.as_str()));
        let values: Vec<(&str, &str)> = named.chain(further.iter().copied()).collect();
        languages::say(self.language, text, &values, Isolation::WhereNeeded).unwrap_or_else(|unsaid| {
            tracing::error!(%unsaid, "a text is missing");
            self.kind.title(self.language)
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.kind.title(Language::En))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status()).body(self.text());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.code()));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(Ok(methods)) = self.allow.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::ALLOW, methods);
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Collects every fault of a request before it is refused.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// The value, or a fault noted.
    pub(crate) fn check<T, E: fmt::Display>(
        &mut self,
        pointer: &str,
        code: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|error| self.add(pointer, code, error.to_string())).ok()
    }

    /// Whether none was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(Fault { pointer: pointer.into(), code, detail: detail.into() });
    }

    /// The problem with all faults noted so far; for when a value is missing because of one.
    pub(crate) fn problem(self) -> Problem {
        let detail = match &self.0[..] {
            [only] => format!("{}: {}", only.pointer, only.detail),
            several => format!("{} fields are faulty; see errors", several.len()),
        };
        Problem::new(&kinds::INVALID, detail).with_faults(self.0)
    }

    /// The value, where there is one and nothing is faulty; else the problem with all faults.
    pub(crate) fn finish_with<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.problem()),
        }
    }

    /// Nothing, or the problem with all faults.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(self.problem()) }
    }
}
