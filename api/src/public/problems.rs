use actix_web::http::header::{CONTENT_LANGUAGE, VARY};
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::languages;
use crate::openapi::OpenProblems;
use crate::problem::{Problem, kinds};

/// What a kind of problem means.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemPage {
    name: &'static str,
    status: u16,
    title: String,
    /// What to do about it.
    advice: String,
}

/// What a kind of problem means, and what to do about it, in the language of `Accept-Language`.
#[utoipa::path(tag = "problems", params(("name" = String, Path, example = "not-found")),
    responses((status = 200, description = "The kind", body = ProblemPage), OpenProblems))]
#[get("/problems/{name}")]
pub(super) async fn read_problem(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let kind = kinds::ALL.iter().find(|kind| kind.name == *name);
    let kind = kind.ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such kind of problem"))?;
    let language = languages::asked_for(&request);
    let (title, advice) = (kind.title(language), kind.advice(language));
    let headers = [(CONTENT_LANGUAGE, language.code()), (VARY, "Accept-Language")];
    let mut response = HttpResponse::Ok();
    headers.into_iter().for_each(|header| _ = response.insert_header(header));
    Ok(response.json(ProblemPage { name: kind.name, status: kind.status, title, advice }))
}
