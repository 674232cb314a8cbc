//! A new installation: somebody has to be there who can let others in.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::Utc;
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use onboarding::schema::{credentials, operators};
use onboarding::{Access, Error};
use platform::clock::Clock;
use platform::testing::TestDatabase;
use tests::Result;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_cannot_be_kept_is_not_made() -> Result {
    let test = TestDatabase::create().await?;
    let access = Access::new(test.database()?, Clock::system());
    let refused = access.ensure_operator("first", |_| Err(std::io::Error::other("the disk is full"))).await;
    assert!(matches!(refused, Err(Error::NotKept(_))));
    let mut owner = test.owner().await?;
    assert_eq!(operators::table.count().get_result::<i64>(&mut owner).await?, 0);
    assert_eq!(credentials::table.count().get_result::<i64>(&mut owner).await?, 0);

    let kept = Mutex::new(None);
    let keep = |issued: &onboarding::IssuedCredential| {
        let credential = (issued.client_id, issued.secret.reveal().to_owned());
        kept.lock().map_err(|_| std::io::Error::other("poisoned"))?.replace(credential);
        Ok(())
    };
    assert!(access.ensure_operator("first", keep).await?);
    let (id, secret): (Uuid, String) = kept.lock().map_err(|_| "poisoned")?.take().ok_or("nothing was kept")?;
    access.sign_in_operator(id, &secret.into()).await?;
    assert!(!access.ensure_operator("second", |_| Ok(())).await?);

    // Nobody comes in with a credential that is revoked: that is like a new installation.
    let revoked = diesel::update(credentials::table).set(credentials::revoked_at.eq(Some(Utc::now())));
    revoked.execute(&mut owner).await?;
    assert!(access.ensure_operator("third", |_| Ok(())).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_make_one_operator() -> Result {
    let test = TestDatabase::create().await?;
    let access = Access::new(test.database()?, Clock::system());
    let kept = AtomicUsize::new(0);
    let start = async || {
        let keep = |_: &onboarding::IssuedCredential| {
            kept.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        access.ensure_operator("first", keep).await
    };
    let made = futures_util::future::join_all((0..8).map(|_| start())).await;
    let made = made.into_iter().collect::<std::result::Result<Vec<bool>, Error>>()?;
    assert_eq!(made.into_iter().filter(|made| *made).count(), 1);
    assert_eq!(kept.into_inner(), 1);
    Ok(())
}
