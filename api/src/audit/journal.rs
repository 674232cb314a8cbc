use actix_web::{HttpResponse, get, web};
use futures_util::TryStreamExt;
use onboarding::Auditor;

use crate::admission::Admitted;
use crate::house::House;
use crate::openapi::ReadProblems;
use crate::problem::Problem;

/// The whole journal in hledger's format, streamed. A failure on the way ends it early, without its last line.
#[utoipa::path(tag = "journal", security(("token" = [])),
    responses((status = 200, description = "The journal", body = String, content_type = "text/plain"), ReadProblems))]
#[get("/journal.hledger")]
pub(super) async fn export_hledger_journal(
    house: web::Data<House>,
    _auditor: Admitted<Auditor>,
) -> Result<HttpResponse, Problem> {
    let journal = house.audited.hledger_journal().await?;
    let pieces = journal.map_ok(web::Bytes::from).map_err(|error| {
        tracing::error!(%error, "an export was cut off");
        actix_web::error::ErrorInternalServerError("the export was cut off")
    });
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("Content-Disposition", "attachment; filename=\"teranga.journal\""))
        .streaming(Box::pin(pieces)))
}
