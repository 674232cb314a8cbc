//! A contact belongs to who reads its mail, whoever else registers it.

use onboarding::{Error, REGISTERED_ALREADY_TEMPLATE};
use tests::Result;

use crate::door::{Door, wrong};

const AWA: &str = "awa@example.org";
const HERS: &str = "baobab-au-bord-du-fleuve";
const THIEFS: &str = "what-a-thief-would-choose";
const HOME: &str = "192.0.2.1";

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_registers_a_contact_first_gets_nothing() -> Result {
    let door = Door::new().await?;
    door.register(AWA, THIEFS).await?;
    door.register(AWA, HERS).await?;
    let codes = door.codes(AWA).await?;
    assert_eq!(codes.len(), 2, "each registration has a code of its own");
    door.confirm(AWA, &codes[1]).await??;
    door.sign_in(AWA, HERS, HOME).await??;
    assert!(matches!(door.sign_in(AWA, THIEFS, HOME).await?, Err(Error::WrongCredentials)));
    assert!(matches!(door.confirm(AWA, &codes[0]).await?, Err(Error::WrongCode)), "the other code died");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_registers_just_before_the_confirmation_gets_nothing() -> Result {
    let door = Door::new().await?;
    door.register(AWA, HERS).await?;
    let hers = door.codes(AWA).await?.pop().ok_or("no code")?;
    door.register(AWA, THIEFS).await?;
    // A code sent again could be the thief's: none is.
    door.wait(60);
    door.resend(AWA).await?;
    assert_eq!(door.codes(AWA).await?.len(), 2);
    door.confirm(AWA, &hers).await??;
    door.sign_in(AWA, HERS, HOME).await??;
    assert!(matches!(door.sign_in(AWA, THIEFS, HOME).await?, Err(Error::WrongCredentials)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_registrations_wait_at_most_and_the_newest_stay() -> Result {
    let door = Door::new().await?;
    for number in 0..4 {
        door.register(AWA, &format!("{HERS}-{number}")).await?;
    }
    let codes = door.codes(AWA).await?;
    assert!(matches!(door.confirm(AWA, &codes[0]).await?, Err(Error::WrongCode)));
    door.confirm(AWA, &codes[1]).await??;
    door.sign_in(AWA, &format!("{HERS}-1"), HOME).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_can_be_asked_for_each_minute_and_five_times_a_day() -> Result {
    let door = Door::new().await?;
    door.register(AWA, HERS).await?;
    door.resend(AWA).await?;
    door.wait(59);
    door.resend(AWA).await?;
    assert_eq!(door.codes(AWA).await?.len(), 1, "a minute lies between two messages");
    for _ in 0..8 {
        door.wait(60);
        door.resend(AWA).await?;
        door.register("binta@example.org", HERS).await?;
    }
    assert_eq!(door.codes(AWA).await?.len(), 5);
    assert_eq!(door.codes("binta@example.org").await?.len(), 5);
    door.wait(24 * 3600);
    door.resend(AWA).await?;
    let codes = door.codes(AWA).await?;
    assert_eq!(codes.len(), 6);
    assert!(matches!(door.confirm(AWA, &codes[4]).await?, Err(Error::WrongCode)), "another one replaced it");
    door.confirm(AWA, &codes[5]).await??;

    // The owner of a confirmed contact is not flooded either.
    for _ in 0..8 {
        door.register(AWA, THIEFS).await?;
    }
    let notices = door.notices(AWA).await?;
    let told = notices.iter().filter(|notice| notice.template == REGISTERED_ALREADY_TEMPLATE).count();
    assert_eq!(told, 4, "with the code of today, five messages");
    door.sign_in(AWA, HERS, HOME).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_codes_of_a_contact_are_tried_fifteen_times_a_day() -> Result {
    let door = Door::new().await?;
    door.register(AWA, HERS).await?;
    for _ in 0..3 {
        let wrong = wrong(&door.codes(AWA).await?);
        for _ in 0..5 {
            assert!(matches!(door.confirm(AWA, &wrong).await?, Err(Error::WrongCode)));
        }
        door.wait(60);
        door.resend(AWA).await?;
    }
    let codes = door.codes(AWA).await?;
    assert_eq!(codes.len(), 4);
    assert!(matches!(door.confirm(AWA, &codes[3]).await?, Err(Error::WrongCode)), "the day's tries are used up");
    door.wait(24 * 3600);
    door.resend(AWA).await?;
    door.confirm(AWA, &door.codes(AWA).await?[4]).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_of_a_code_at_the_same_moment_cannot_share_one() -> Result {
    let door = Door::new().await?;
    door.register(AWA, HERS).await?;
    let codes = door.codes(AWA).await?;
    let wrong = wrong(&codes);
    let tries = futures_util::future::join_all((0..5).map(|_| door.confirm(AWA, &wrong))).await;
    for one in tries {
        assert!(matches!(one?, Err(Error::WrongCode)));
    }
    assert!(matches!(door.confirm(AWA, &codes[0]).await?, Err(Error::WrongCode)), "all five are used up");
    Ok(())
}
