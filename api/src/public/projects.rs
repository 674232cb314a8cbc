use actix_web::{HttpResponse, get, web};
use coinvestment::ProjectId;
use uuid::Uuid;

use crate::house::House;
use crate::openapi::OpenProblems;
use crate::problem::{Problem, kinds};
use crate::wire::project::ProjectBody;

/// Projects that one list shows at most.
const MOST_SHOWN: i64 = 100;

/// Projects whose campaign is open.
#[utoipa::path(tag = "projects",
    responses((status = 200, description = "The projects", body = [ProjectBody]), OpenProblems))]
#[get("/projects")]
pub(super) async fn list_projects(house: web::Data<House>) -> Result<HttpResponse, Problem> {
    let open = house.projects.open_projects(MOST_SHOWN).await?;
    Ok(HttpResponse::Ok().json(ProjectBody::read_all(&house, open).await?))
}

/// A project that was vetted, whatever became of it.
#[utoipa::path(tag = "projects", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The project", body = ProjectBody), OpenProblems))]
#[get("/projects/{id}")]
pub(super) async fn read_project(house: web::Data<House>, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let project = house.projects.get(ProjectId::from_uuid(*id)).await?;
    if !project.state.is_public() {
        return Err(Problem::new(&kinds::NOT_FOUND, "there is no such project"));
    }
    Ok(HttpResponse::Ok().json(ProjectBody::read(&house, project).await?))
}
