//! What everything stands on: the database, ids, the clock, encryption of personal data, the outbox.
//!
//! This room knows no money and no people. It gives the others
//! - [`postgres::EmbeddedPostgres`]: a private PostgreSQL, run when no external one is named;
//! - [`database::Database`]: a pool of connections that hold the server's role and nothing more;
//! - [`migrations`]: the SQL of `migrations/`, run in order by the owner of the tables;
//! - [`define_id!`]: ids that cannot be mixed up;
//! - [`clock::Clock`]: the time, which tests can set;
//! - [`cipher::Cipher`]: personal data sealed at rest, and blind indexes to find it by;
//! - [`tls`]: the provider of cryptography that HTTP clients find;
//! - [`outbox`]: messages to the outside that commit with what caused them;
//! - [`unseen`]: characters by which texts look alike and are not.

pub mod cipher;
pub mod clock;
pub mod database;
mod error;
pub mod id;
pub mod migrations;
pub mod outbox;
pub mod postgres;
pub mod schema;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tls;
pub mod unseen;

pub use error::Error;
