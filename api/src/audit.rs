//! The surface of auditors: reads only, through a database role that can change nothing; every read is recorded.

mod access;
mod accounts;
mod book;
mod entries;
mod export;
mod feed;
mod log;
mod moment;
mod periods;
mod statement;
mod trial_balance;
mod units;
mod view;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use book::SafeguardingBody;
pub(crate) use moment::dates;

/// All endpoints under `/v1/audit`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(access::give_token)
        .service(trial_balance::read_trial_balance)
        .service(book::read_balance)
        .service(accounts::read_account_tree)
        .service(statement::read_statement)
        .service(entries::list_entries)
        .service(entries::read_entry)
        .service(book::read_safeguarding)
        .service(book::verify_book)
        .service(periods::list_closed_periods)
        .service(periods::list_balances_of_close)
        .service(units::list_audited_units)
        .service(units::read_cap_table)
        .service(feed::list_feed)
        .service(feed::follow_entries)
        .service(log::read_checkpoint)
        .service(log::read_tile)
        .service(log::prove_inclusion)
        .service(log::prove_consistency)
        .service(export::export_hledger_journal)
        .service(export::export_file)
        .service(export::read_manifest)
        .service(export::export_statement);
}
