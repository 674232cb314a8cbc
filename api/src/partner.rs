//! The surface of institutions.

mod access;
mod child_payments;
mod disbursements;
mod feed;
mod payouts;
mod projects;
mod recipients;
mod referrals;

use utoipa_actix_web::service_config::ServiceConfig;

/// All endpoints under `/v1/partner`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(access::give_token)
        .service(payouts::claim_payouts)
        .service(payouts::list_payouts)
        .service(payouts::read_payout)
        .service(payouts::make_payout_ready)
        .service(payouts::confirm_payout)
        .service(payouts::reject_payout)
        .service(referrals::list_referrals)
        .service(referrals::open_account)
        .service(referrals::decline_referral)
        .service(projects::list_projects)
        .service(projects::vet_project)
        .service(projects::list_milestones)
        .service(projects::approve_milestone)
        .service(disbursements::list_disbursements)
        .service(disbursements::confirm_disbursement)
        .service(recipients::confirm_recipient)
        .service(recipients::make_handover_code)
        .service(child_payments::list_child_payments)
        .service(child_payments::confirm_child_payment)
        .service(child_payments::decline_child_payment)
        .service(feed::list_own_entries)
        .service(feed::follow_own_entries);
}
