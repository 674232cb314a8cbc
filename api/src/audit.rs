//! The surface of auditors: reads only, through a database role that can change nothing; every read is recorded.

mod access;
mod accounts;
mod book;
mod entries;
mod feed;
mod journal;
mod log;
mod moment;
mod statement;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use book::SafeguardingBody;
pub(crate) use feed::Streams;

/// All endpoints under `/v1/audit`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(access::give_token)
        .service(book::read_trial_balance)
        .service(book::read_balance)
        .service(accounts::read_account_tree)
        .service(statement::read_statement)
        .service(entries::list_entries)
        .service(entries::read_entry)
        .service(book::read_safeguarding)
        .service(book::verify_book)
        .service(feed::list_feed)
        .service(feed::follow_entries)
        .service(journal::export_hledger_journal)
        .service(log::read_checkpoint)
        .service(log::read_tile)
        .service(log::prove_inclusion)
        .service(log::prove_consistency);
}
