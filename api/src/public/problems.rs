use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::OpenProblems;
use crate::problem::{Problem, kinds};

/// What a kind of problem means.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemPage {
    name: &'static str,
    status: u16,
    title: &'static str,
    /// What to do about it.
    advice: &'static str,
}

/// What a kind of problem means, and what to do about it.
#[utoipa::path(tag = "problems", params(("name" = String, Path, example = "not-found")),
    responses((status = 200, description = "The kind", body = ProblemPage), OpenProblems))]
#[get("/problems/{name}")]
pub(super) async fn read_problem(name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let kind = kinds::ALL.iter().find(|kind| kind.name == *name);
    let kind = kind.ok_or_else(|| Problem::new(&kinds::NOT_FOUND, "there is no such kind of problem"))?;
    let page = ProblemPage { name: kind.name, status: kind.status, title: kind.title, advice: kind.advice };
    Ok(HttpResponse::Ok().json(page))
}
