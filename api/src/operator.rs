//! The surface of our own staff.

mod access;
mod audit_grants;
mod books;
mod child_payments;
mod credentials;
mod dead_letters;
mod documents;
mod guardians;
mod institutions;
mod milestones;
mod pay_ins;
mod periods;
mod proposals;
mod rates;
mod reconciliation;
mod remittances;
mod screening;
mod staff;
mod units;

use utoipa_actix_web::service_config::ServiceConfig;

/// All endpoints under `/v1/operator`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(access::give_token)
        .service(audit_grants::grant_audit)
        .service(audit_grants::list_audit_grants)
        .service(audit_grants::revoke_audit_grant)
        .service(access::read_safeguarding)
        .service(staff::make_operator)
        .service(staff::approve_operator)
        .service(staff::revoke_operator)
        .service(staff::list_operators)
        .service(dead_letters::list_dead_letters)
        .service(dead_letters::redeliver_dead_letter)
        .service(dead_letters::take_bounce)
        .service(institutions::apply_institution)
        .service(institutions::approve_institution)
        .service(institutions::launch_institution)
        .service(institutions::suspend_institution)
        .service(credentials::issue_credential)
        .service(credentials::list_credentials)
        .service(credentials::approve_credential)
        .service(credentials::revoke_credential)
        .service(rates::set_rates)
        .service(rates::list_rates)
        .service(pay_ins::receive_pay_in)
        .service(pay_ins::receive_csv_file)
        .service(pay_ins::receive_camt_054_file)
        .service(pay_ins::list_pay_ins)
        .service(pay_ins::match_pay_in)
        .service(pay_ins::credit_pay_in)
        .service(books::list_book_transfers)
        .service(books::list_book_positions)
        .service(proposals::propose)
        .service(proposals::preview_proposal)
        .service(proposals::list_proposals)
        .service(proposals::read_proposal)
        .service(proposals::approve_proposal)
        .service(proposals::withdraw_proposal)
        .service(periods::list_periods)
        .service(periods::list_closing_balances)
        .service(guardians::list_waiting_guardians)
        .service(guardians::consent_to_guardian)
        .service(child_payments::list_ordered_child_payments)
        .service(child_payments::return_child_payment)
        .service(milestones::list_milestones)
        .service(milestones::approve_milestone)
        .service(remittances::return_remittance)
        .service(units::register_unit)
        .service(units::list_units)
        .configure(reconciliation::routes)
        .configure(screening::routes)
        .configure(documents::routes);
}
