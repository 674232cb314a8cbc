//! The ledger's promises, against a real PostgreSQL.

mod effects;
mod exports;
mod feed;
mod fixture;
mod load;
mod posting;
mod protection;
mod reading;
