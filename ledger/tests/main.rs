//! The ledger's promises, against a real PostgreSQL.

mod effects;
mod exports;
mod fixture;
mod history;
mod lists;
mod posting;
mod protection;
mod reading;
