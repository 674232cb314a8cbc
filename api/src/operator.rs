//! The surface of our own staff.

mod access;
mod books;
mod institutions;
mod milestones;
mod pay_ins;
mod rates;
mod reconciliation;
mod remittances;
mod screening;

use utoipa_actix_web::service_config::ServiceConfig;

/// All endpoints under `/v1/operator`.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(access::give_token)
        .service(access::grant_audit)
        .service(access::read_safeguarding)
        .service(institutions::apply_institution)
        .service(institutions::approve_institution)
        .service(institutions::launch_institution)
        .service(institutions::suspend_institution)
        .service(institutions::issue_credential)
        .service(rates::set_rates)
        .service(rates::list_rates)
        .service(pay_ins::receive_pay_in)
        .service(pay_ins::receive_csv_file)
        .service(pay_ins::receive_camt_054_file)
        .service(pay_ins::list_pay_ins)
        .service(pay_ins::match_pay_in)
        .service(pay_ins::credit_pay_in)
        .service(books::transfer_between_books)
        .service(books::list_book_transfers)
        .service(books::list_book_positions)
        .service(milestones::list_milestones)
        .service(milestones::approve_milestone)
        .service(remittances::return_remittance)
        .configure(reconciliation::routes)
        .configure(screening::routes);
}
