//! The ledger's promises, against a real PostgreSQL.

mod effects;
mod exports;
mod fixture;
mod load;
mod posting;
mod protection;
mod reading;
