//! The surface of migrants and families.

mod account;
mod beneficiaries;
mod documents;
mod projects;
mod quotes;
mod referrals;
mod remittances;
mod wallet;

use utoipa_actix_web::service_config::ServiceConfig;

/// All endpoints under `/v1/mobile`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(account::register)
        .service(account::send_code_again)
        .service(account::confirm_contact)
        .service(account::sign_in)
        .service(account::read_me)
        .service(account::state_identity)
        .configure(documents::routes)
        .service(quotes::make_quote)
        .service(quotes::read_quote)
        .service(beneficiaries::add_beneficiary)
        .service(beneficiaries::list_beneficiaries)
        .service(remittances::accept_quote)
        .service(remittances::list_remittances)
        .service(remittances::read_remittance)
        .service(remittances::cancel_remittance)
        .service(wallet::read_wallet)
        .service(wallet::read_wallet_statement)
        .service(referrals::propose_institutions)
        .service(referrals::list_referrals)
        .service(referrals::accept_referral)
        .service(referrals::make_beneficiary_of_referral)
        .service(projects::submit_project)
        .service(projects::list_projects)
        .service(projects::open_campaign)
        .service(projects::close_campaign)
        .service(projects::report_milestone)
        .service(projects::list_commitments);
}
