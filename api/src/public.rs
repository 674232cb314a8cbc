//! The surface of anybody: no account, no credentials.

mod institutions;
mod keys;
mod log;
mod prices;
mod problems;
mod projects;

use utoipa_actix_web::service_config::ServiceConfig;

/// All endpoints under `/v1/public`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(prices::list_corridors)
        .service(prices::read_price)
        .service(institutions::list_institutions)
        .service(projects::list_projects)
        .service(projects::read_project)
        .service(keys::read_keys)
        .service(log::read_log_keys)
        .service(log::read_checkpoint)
        .service(log::read_checkpoint_of_size)
        .service(log::add_cosignature)
        .service(log::read_tile)
        .service(problems::read_problem);
}
