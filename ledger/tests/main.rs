//! The ledger's promises, against a real PostgreSQL.

mod clearing;
mod effects;
mod exports;
mod faults;
mod feed;
mod fixture;
mod held;
mod history;
mod holds;
mod lists;
mod load;
mod log;
mod logged_book;
mod model;
mod periods;
mod posting;
mod process;
mod proposals;
mod protection;
mod reading;
mod reconciliation;
mod replica;
mod simulator;
mod tampering;
mod things;
mod units;
