//! Places and methods that are not there, and the documents that say which are.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, web};
use utoipa::openapi::OpenApi;

use crate::problem::{Faults, Problem, kinds};

/// The documents, and which methods each path knows.
pub(super) struct Documents {
    texts: BTreeMap<&'static str, String>,
    methods: Vec<(Vec<String>, BTreeSet<String>)>,
}

impl Documents {
    pub(super) fn new(documents: Vec<(&'static str, OpenApi)>) -> Self {
        let mut texts = BTreeMap::new();
        let mut methods = Vec::new();
        for (name, document) in documents {
            let value = serde_json::to_value(&document).unwrap_or_default();
            if let Some(paths) = value.get("paths").and_then(serde_json::Value::as_object) {
                for (path, item) in paths {
                    let known = item.as_object().map(|item| item.keys().map(|method| method.to_uppercase()).collect());
                    methods.push((segments(path), known.unwrap_or_default()));
                }
            }
            texts.insert(name, value.to_string());
        }
        Self { texts, methods }
    }

    fn methods(&self, path: &str) -> BTreeSet<String> {
        let wanted = segments(path);
        let fitting = self.methods.iter().filter(|(pattern, _)| fits(pattern, &wanted));
        // An address that is written out is meant before one with a parameter.
        let best = fitting.min_by_key(|(pattern, _)| pattern.iter().filter(|want| want.starts_with('{')).count());
        best.map(|(_, methods)| methods.clone()).unwrap_or_default()
    }
}

fn segments(path: &str) -> Vec<String> {
    path.trim_matches('/').split('/').map(ToOwned::to_owned).collect()
}

fn fits(pattern: &[String], path: &[String]) -> bool {
    pattern.len() == path.len() && pattern.iter().zip(path).all(|(want, have)| want.starts_with('{') || want == have)
}

/// One surface's OpenAPI document.
#[get("/v1/{audience}/openapi.json")]
pub(super) async fn openapi_document(
    documents: web::Data<Documents>,
    audience: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let text = documents.texts.get(audience.as_str()).ok_or_else(no_such_place)?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(text.clone()))
}

/// Answers what no route took.
pub(super) async fn answer(request: HttpRequest) -> HttpResponse {
    HttpResponse::from_error(not_taken(&request))
}

/// What is said of an address whose parameters no route can read, or that no route took: 405 with the methods that
/// there are, or 404.
pub(super) fn not_taken(request: &HttpRequest) -> Problem {
    let documents = request.app_data::<web::Data<Documents>>();
    let methods = documents.map(|documents| documents.methods(request.path())).unwrap_or_default();
    if methods.is_empty() || methods.contains(request.method().as_str()) {
        return no_such_place();
    }
    Problem::method_not_allowed(&methods.into_iter().collect::<Vec<_>>().join(", "))
}

fn no_such_place() -> Problem {
    Problem::new(&kinds::NOT_FOUND, "nothing is at this address")
}

pub(super) fn faulty_form(error: &actix_web::error::UrlencodedError) -> Problem {
    match error.status_code().as_u16() {
        413 => Problem::new(&kinds::TOO_LARGE, "the form is larger than this endpoint takes"),
        415 => Problem::new(&kinds::MEDIA_TYPE, "the body is read as application/x-www-form-urlencoded"),
        _ => Problem::new(&kinds::MALFORMED, "grant_type, client_id and client_secret are read from the form")
            .named_by_oauth("invalid_request"),
    }
}

pub(super) fn faulty_query(error: &actix_web::error::QueryPayloadError) -> Problem {
    let mut faults = Faults::default();
    faults.add("query", "query", error.to_string().chars().take(200).collect::<String>());
    let status = error.status_code();
    tracing::debug!(%status, "a query string was refused");
    faults.problem()
}
