//! The surfaces of the house: HTTP for five audiences, the background workers, the command line.
//!
//! A handler parses into domain types, asks a room, and answers; money moves only through the ledger's writer. Each
//! audience has its own folder, its own credentials and its own OpenAPI document:
//!
//! | folder | base | for |
//! | --- | --- | --- |
//! | `mobile` | `/v1/mobile` | migrants and families |
//! | `partner` | `/v1/partner` | institutions |
//! | `audit` | `/v1/audit` | auditors |
//! | `operator` | `/v1/operator` | our own staff |
//! | `public` | `/v1/public` | anybody |
//!
//! [`house`] opens the rooms and hands one's answers to another; [`server`] serves them.

mod acquainted;
mod admission;
mod audit;
mod body;
mod child_money;
mod command_line;
pub mod configuration;
mod cursor;
mod demo;
mod following;
mod funding;
pub mod house;
mod idempotency;
mod keys;
mod languages;
mod log_keys;
mod logs;
mod mail;
mod metrics;
mod mobile;
mod openapi;
mod operator;
mod partner;
mod problem;
mod public;
mod request_limits;
mod schema;
mod screened;
mod seal;
pub mod server;
mod sign_in_settings;
mod tokens;
mod wire;
mod workers;

pub use command_line::run;
