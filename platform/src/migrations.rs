//! The database's schema, moved forward.
//!
//! The SQL of `migrations/` is compiled in. Two processes that start at once take turns by an advisory lock.

use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::SecretString;

use crate::Error;
use crate::database::owner_connection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");
/// The advisory lock of whoever migrates; any number that nothing else uses.
const LOCK: i64 = 7_306_087_001;

/// Brings the database to the newest schema; `url` is that of the tables' owner. Answers what was run.
///
/// # Errors
/// [`Error::Migration`] with the first that failed; it left nothing behind.
pub async fn run(url: &SecretString) -> Result<Vec<String>, Error> {
    let mut connection = owner_connection(url).await?;
    diesel::sql_query("select pg_advisory_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(&mut connection)
        .await?;
    // The lock ends with the connection.
    with_harness(connection, |harness| {
        let run = harness.run_pending_migrations(MIGRATIONS).map_err(|error| Error::Migration(error.to_string()))?;
        Ok(run.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Whether a migration has not been run yet; needs the owner's URL.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_pending(url: &SecretString) -> Result<bool, Error> {
    let connection = owner_connection(url).await?;
    with_harness(connection, |harness| {
        harness.has_pending_migration(MIGRATIONS).map_err(|error| Error::Migration(error.to_string()))
    })
    .await
}

/// Runs blocking work of diesel's migration harness away from the asynchronous threads.
async fn with_harness<T: Send + 'static>(
    connection: AsyncPgConnection,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(move || work(&mut AsyncMigrationHarness::new(connection)))
        .await
        .map_err(|error| Error::Migration(error.to_string()))?
}
