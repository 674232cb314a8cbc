//! The ledger's promises, against a real PostgreSQL.

mod effects;
mod exports;
mod fixture;
mod posting;
mod protection;
mod reading;
mod reconciliation;
