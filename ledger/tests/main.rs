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
mod own_entries;
mod periods;
mod posting;
mod protection;
mod reading;
mod reconciliation;
mod simulator;
mod tampering;
mod trial_balance_pages;
