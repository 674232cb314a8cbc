//! Who guesses is locked out, whoever they guess at; the owner elsewhere is not.

use diesel_async::RunQueryDsl;
use onboarding::{Contact, Error};
use tests::Result;

use crate::door::Door;

const AWA: &str = "awa@example.org";
const NOBODY: &str = "nobody@example.org";
const HERS: &str = "baobab-au-bord-du-fleuve";
const GUESS: &str = "not-the-password";
const HOME: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.7";

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_nobody_has_answers_like_one_that_somebody_has() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let mut locked = 0;
    for wait in [0, 0, 0, 0, 0, 0, 1, 2, 0, 600, 30] {
        door.wait(wait);
        let known = door.seen(AWA, GUESS, ELSEWHERE).await?;
        assert_eq!(known, door.seen(NOBODY, GUESS, ELSEWHERE).await?);
        locked += usize::from(known.starts_with("too many failed sign-ins"));
    }
    assert!(locked > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_same_moment_all_count() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let guesses = futures_util::future::join_all((0..40).map(|_| door.sign_in(AWA, GUESS, ELSEWHERE))).await;
    let mut looked_at = 0;
    for guess in guesses {
        looked_at += usize::from(matches!(guess?, Err(Error::WrongCredentials)));
    }
    assert_eq!(looked_at, 5, "the others were refused before their password was looked at");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_from_elsewhere_does_not_lock_out_the_owner() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    for _ in 0..6 {
        door.seen(AWA, GUESS, ELSEWHERE).await?;
    }
    assert!(matches!(door.sign_in(AWA, HERS, ELSEWHERE).await?, Err(Error::Locked { .. })));
    door.sign_in(AWA, HERS, HOME).await??;
    // The neighbour in a household's network shares its lock; the owner's success elsewhere lifts nothing there.
    assert!(matches!(door.sign_in(AWA, HERS, ELSEWHERE).await?, Err(Error::Locked { .. })));
    door.wait(2);
    door.sign_in(AWA, HERS, ELSEWHERE).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_from_everywhere_is_stopped_for_a_quarter_of_an_hour_at_most() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    for number in 0..100 {
        assert!(matches!(
            door.sign_in(AWA, GUESS, &format!("203.0.113.{number}")).await?,
            Err(Error::WrongCredentials)
        ));
    }
    assert!(matches!(door.sign_in(AWA, HERS, HOME).await?, Err(Error::Locked { seconds: 1..=900 })));
    for number in 100..120 {
        door.wait(901);
        door.seen(AWA, GUESS, &format!("203.0.113.{number}")).await?;
    }
    door.wait(901);
    door.sign_in(AWA, HERS, HOME).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_forgets_the_failures_and_so_does_an_hour() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(matches!(door.sign_in(AWA, GUESS, HOME).await?, Err(Error::WrongCredentials)));
        }
        door.sign_in(AWA, HERS, HOME).await??;
    }
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(matches!(door.sign_in(NOBODY, GUESS, HOME).await?, Err(Error::WrongCredentials)));
        }
        door.wait(3600);
    }
    // What counts no more is not kept either.
    door.sign_in(AWA, HERS, HOME).await??;
    assert_eq!(rows(&door).await?, 1, "only the row over all networks of the last contact");
    Ok(())
}

async fn rows(door: &Door) -> Result<i64> {
    use diesel::QueryDsl;
    use diesel_async::RunQueryDsl;
    let mut owner = door.test.owner().await?;
    Ok(onboarding::schema::sign_in_failures::table.count().get_result(&mut owner).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_hashed_anew_when_it_is_to_cost_more() -> Result {
    #[derive(diesel::QueryableByName)]
    struct Stored {
        #[diesel(sql_type = diesel::sql_types::Text)]
        password_hash: String,
    }
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let stored = async || -> Result<String> {
        let text = "select password_hash from onboarding.people";
        let mut owner = door.test.owner().await?;
        Ok(diesel::sql_query(text).get_result::<Stored>(&mut owner).await?.password_hash)
    };
    let before = stored().await?;
    assert!(before.starts_with("$argon2id$v=19$m=64,t=1"), "{before}");
    let stricter = door.stricter(128)?;
    let sign_in = async |password: &str| {
        let contact = Contact::try_new(AWA)?;
        let entered = stricter.sign_in(&contact, &password.to_owned().into(), Door::network(HOME)?, None).await;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(entered.is_ok())
    };
    assert!(!sign_in(GUESS).await?);
    assert_eq!(stored().await?, before);
    assert!(sign_in(HERS).await?);
    let after = stored().await?;
    assert!(after.starts_with("$argon2id$v=19$m=128,t=1"), "{after}");
    assert!(sign_in(HERS).await?);
    assert_eq!(stored().await?, after, "once");
    Ok(())
}
