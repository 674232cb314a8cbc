//! The ledger's promises, against a real PostgreSQL.

mod clearing;
mod effects;
mod exports;
mod feed;
mod fixture;
mod holds;
mod load;
mod log;
mod logged_book;
mod model;
mod periods;
mod posting;
mod protection;
mod reading;
