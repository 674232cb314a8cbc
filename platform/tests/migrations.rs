//! Migrations: processes that start at once take turns.

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use platform::testing::TestDatabase;
use platform::{database, migrations};
use secrecy::{ExposeSecret, SecretString};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(diesel::QueryableByName)]
struct Invalid {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    indexes: i64,
}

/// Building an index concurrently waits for everybody's snapshot, so whoever waits for a turn must not hold one.
#[tokio::test(flavor = "multi_thread")]
async fn three_that_migrate_at_once_wait_for_each_other_and_not_for_ever() -> Result {
    let test = TestDatabase::create().await?;
    let empty = format!("{}_empty", test.name());
    test.owner().await?.batch_execute(&format!("create database {empty} template template0")).await?;
    let url: SecretString = test.owner_url().expose_secret().replace(test.name(), &empty).into();
    let (first, second, third) = tokio::try_join!(migrations::run(&url), migrations::run(&url), migrations::run(&url))?;
    let mut counts = [first.len(), second.len(), third.len()];
    counts.sort_unstable();
    assert!(counts[0] == 0 && counts[1] == 0 && counts[2] > 0, "one runs all of them: {counts:?}");
    assert!(!migrations::is_pending(&url).await?);
    let invalid: Invalid = diesel::sql_query("select count(*) as indexes from pg_index where not indisvalid")
        .get_result(&mut database::owner_connection(&url).await?)
        .await?;
    assert_eq!(invalid.indexes, 0);
    Ok(())
}
