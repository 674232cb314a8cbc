//! Reconciliation: statements from outside, against a real PostgreSQL.

mod bank;
mod breaks;
mod loading;
mod rules;
