//! The surface of auditors: reads only, through a database role that can change nothing; every read is recorded.

mod access;
mod book;
mod feed;
mod journal;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use book::SafeguardingBody;
pub(crate) use feed::Streams;

/// All endpoints under `/v1/audit`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(access::give_token)
        .service(book::read_trial_balance)
        .service(book::read_balance)
        .service(book::read_statement)
        .service(book::read_safeguarding)
        .service(book::verify_book)
        .service(feed::list_entries)
        .service(feed::follow_entries)
        .service(journal::export_hledger_journal);
}
