//! The ledger's promises, against a real PostgreSQL.

mod effects;
mod exports;
mod fixture;
mod holds;
mod model;
mod periods;
mod posting;
mod protection;
mod reading;
