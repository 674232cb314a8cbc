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
/// How long one waits before asking for the lock again.
const BETWEEN_TRIES: std::time::Duration = std::time::Duration::from_millis(100);

/// Brings the database to the newest schema; `url` is that of the tables' owner. Answers what was run.
///
/// # Errors
/// [`Error::Migration`] with the first that failed; it left nothing behind.
pub async fn run(url: &SecretString) -> Result<Vec<String>, Error> {
    let mut connection = owner_connection(url).await?;
    take_turn(&mut connection).await?;
    // The lock ends with the connection.
    with_harness(connection, |harness| {
        let run = harness.run_pending_migrations(MIGRATIONS).map_err(|error| Error::Migration(error.to_string()))?;
        Ok(run.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Waits for the lock by asking again and again: a statement that waits inside the database would hold a snapshot, and
/// whoever builds an index concurrently waits for every snapshot, so the two would wait for each other.
async fn take_turn(connection: &mut AsyncPgConnection) -> Result<(), Error> {
    #[derive(diesel::QueryableByName)]
    struct Turn {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        taken: bool,
    }
    loop {
        let turn: Turn = diesel::sql_query("select pg_try_advisory_lock($1) as taken")
            .bind::<diesel::sql_types::BigInt, _>(LOCK)
            .get_result(connection)
            .await?;
        if turn.taken {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
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
