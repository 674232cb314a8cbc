//! The surface of migrants and families.

mod account;
mod beneficiaries;
mod children;
mod documents;
mod households;
mod privacy;
mod projects;
mod quotes;
mod recovery;
mod referrals;
mod remittances;
mod second_factors;
mod sign_in;
mod wallet;

use utoipa_actix_web::service_config::ServiceConfig;

/// All endpoints under `/v1/mobile`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(account::register)
        .service(account::send_code_again)
        .service(account::confirm_contact)
        .service(privacy::list_consents)
        .service(privacy::withdraw_consent)
        .service(privacy::list_data_reads)
        .service(sign_in::sign_in)
        .service(sign_in::sign_in_by_second_factor)
        .service(sign_in::refresh)
        .service(sign_in::list_devices)
        .service(sign_in::sign_out)
        .service(sign_in::send_device_code)
        .service(sign_in::prove_device)
        .service(sign_in::ask_second_factor)
        .service(sign_in::show_second_factor)
        .service(second_factors::list_second_factors)
        .service(second_factors::begin_one_time_codes)
        .service(second_factors::confirm_one_time_codes)
        .service(second_factors::begin_passkey)
        .service(second_factors::confirm_passkey)
        .service(second_factors::remove_second_factor)
        .service(recovery::ask_recovery)
        .service(recovery::begin_recovery)
        .service(recovery::complete_recovery)
        .service(recovery::cancel_recovery)
        .service(recovery::change_password)
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
        .service(projects::list_commitments)
        .service(households::make_household)
        .service(households::list_households)
        .service(households::read_household)
        .service(households::invite_member)
        .service(households::withdraw_invitation)
        .service(households::accept_invitation)
        .service(households::add_recipient)
        .service(households::renew_recipient_code)
        .service(households::remove_recipient)
        .service(households::make_beneficiary_of_recipient)
        .service(households::make_head)
        .service(households::remove_member)
        .configure(children::routes);
}
