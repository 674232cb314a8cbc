//! Co-investment, against a real ledger and a real PostgreSQL.

mod campaign;
mod concurrency;
mod milestones;
mod refunds;
mod schema;
mod vetting;
mod village;
