//! Connections: what they may do, and what is told when there is none.

use diesel_async::RunQueryDsl;
use platform::database::{Access, Database};
use platform::testing::TestDatabase;
use secrecy::{ExposeSecret, SecretString};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(diesel::QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    idle_in_transaction_session_timeout: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_keeps_a_transaction_open_and_does_nothing() -> Result {
    let test = TestDatabase::create().await?;
    for access in [Access::Server, Access::Reader] {
        let mut connection = Database::connect(test.owner_url(), 1, access)?.connection().await?;
        let setting: Setting =
            diesel::sql_query("show idle_in_transaction_session_timeout").get_result(&mut connection).await?;
        assert_eq!(setting.idle_in_transaction_session_timeout, "1min", "{access:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_refused_says_why_and_not_the_password() -> Result {
    let test = TestDatabase::create().await?;
    let url: SecretString = test.owner_url().expose_secret().replace("teranga@", "nobody-here:very-secret@").into();
    let database = Database::connect(&url, 1, Access::Server)?;
    let pooled = database.connection().await.err().ok_or("a connection for nobody")?.to_string();
    let dedicated = database.dedicated_connection().await.err().ok_or("a connection for nobody")?.to_string();
    for told in [pooled, dedicated] {
        assert!(told.contains("role \"nobody-here\" does not exist"), "{told}");
        assert!(!told.contains("very-secret"), "{told}");
    }
    let nowhere: SecretString = "postgresql://teranga:very-secret@127.0.0.1:1/teranga".to_owned().into();
    let told = platform::database::owner_connection(&nowhere).await.err().ok_or("a server on port 1")?.to_string();
    assert!(told.contains("refused") && !told.contains("very-secret"), "{told}");
    Ok(())
}
