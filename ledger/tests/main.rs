//! The ledger's promises, against a real PostgreSQL.

mod effects;
mod exports;
mod feed;
mod fixture;
mod holds;
mod log;
mod logged_book;
mod model;
mod periods;
mod load;
mod posting;
mod protection;
mod reading;
