//! Lost passwords and second factors: the owner comes back, and a thief of one of them does not come in.

use onboarding::{Contact, Error, RecoveryBegun, RecoveryId, SignIn};
use tests::Result;

use crate::door::{Door, wrong};

const AWA: &str = "awa@example.org";
const HERS: &str = "baobab-au-bord-du-fleuve";
const NEW: &str = "fromager-de-la-place";
const HOME: &str = "192.0.2.1";
const HOUR: i64 = 3_600;

async fn ask(door: &Door, contact: &str) -> Result<RecoveryId> {
    Ok(door.people.ask_recovery(&Contact::try_new(contact)?, Door::network(HOME)?).await?)
}

async fn begin(door: &Door) -> Result<(RecoveryId, RecoveryBegun)> {
    let id = ask(door, AWA).await?;
    let code = door.codes(AWA).await?.pop().ok_or("a code")?;
    Ok((id, door.people.begin_recovery(id, &code, None, Door::network(HOME)?).await?))
}

async fn complete(door: &Door, id: RecoveryId, key: &str) -> std::result::Result<(), Error> {
    door.people.complete_recovery(id, &key.to_owned().into(), &NEW.to_owned().into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_nobody_has_looks_like_one_that_somebody_has() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let (known, unknown) = (ask(&door, AWA).await?, ask(&door, "nobody@example.org").await?);
    let codes = door.codes(AWA).await?;
    for id in [known, unknown] {
        for _ in 0..6 {
            let tried = door.people.begin_recovery(id, &wrong(&codes), None, Door::network(HOME)?).await;
            assert!(matches!(tried, Err(Error::WrongCode)));
        }
    }
    // Those tries were the thief's own: the owner's next one is not touched by them.
    begin(&door).await?;
    assert_eq!(door.notices("nobody@example.org").await?.len(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_the_mail_alone_waits_and_the_owner_can_stop_it() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let entered = door.entered(AWA, HERS, HOME).await?;
    let (id, begun) = begin(&door).await?;
    assert_eq!(door.last_template(AWA).await?, "recovery-begun");
    assert!(matches!(complete(&door, id, begun.key.reveal()).await, Err(Error::TooEarly { .. })));
    let awa = door.recognised(&entered).await?;
    assert_eq!(door.people.waiting_recovery(&awa).await?, Some(begun.ready_at));

    // A stolen phone cannot stop it without the password; the owner can.
    let network = Door::network(HOME)?;
    let stolen = door.people.cancel_recovery(&awa, &"not-the-password".to_owned().into(), network).await;
    assert!(matches!(stolen, Err(Error::WrongCredentials)));
    door.people.cancel_recovery(&awa, &HERS.to_owned().into(), network).await?;
    door.wait(72 * HOUR);
    assert!(matches!(complete(&door, id, begun.key.reveal()).await, Err(Error::NoRecovery)));
    door.entered(AWA, HERS, HOME).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_wait_there_is_a_new_password_and_little_can_be_sent() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let old = door.entered(AWA, HERS, HOME).await?;
    let (id, begun) = begin(&door).await?;
    door.wait(72 * HOUR - 1);
    assert!(matches!(complete(&door, id, begun.key.reveal()).await, Err(Error::TooEarly { .. })));
    door.wait(1);
    for (id, key) in [(id, "0".repeat(64)), (RecoveryId::generate(), begun.key.reveal().to_owned())] {
        assert!(matches!(complete(&door, id, &key).await, Err(Error::NoRecovery)));
    }
    complete(&door, id, begun.key.reveal()).await?;
    assert!(matches!(complete(&door, id, begun.key.reveal()).await, Err(Error::NoRecovery)), "once");

    assert!(door.recognised(&old).await.is_err());
    assert!(door.people.refresh(&old.refresh_token.reveal().into()).await.is_err());
    assert!(matches!(door.sign_in(AWA, HERS, HOME).await?, Err(Error::WrongCredentials)));
    let entered = door.entered(AWA, NEW, HOME).await?;
    assert!(door.recognised(&entered).await?.has_lowered_limits());
    assert!(door.recognised(&entered).await?.must_be_strong().is_err(), "a code proves the device first");
    door.wait(30 * 24 * HOUR);
    assert!(!door.recognised(&entered).await?.has_lowered_limits());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_that_nobody_completes_runs_out_and_a_later_one_takes_its_place() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let (first, begun_first) = begin(&door).await?;
    door.wait(HOUR);
    let (second, begun) = begin(&door).await?;
    door.wait(72 * HOUR);
    assert!(matches!(complete(&door, first, begun_first.key.reveal()).await, Err(Error::NoRecovery)));
    door.wait(7 * 24 * HOUR);
    assert!(matches!(complete(&door, second, begun.key.reveal()).await, Err(Error::NoRecovery)));
    assert!(matches!(door.sign_in(AWA, HERS, HOME).await?, Ok(SignIn::Admitted(_))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_flooded_with_codes() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let mut refused = 0;
    for number in 0..40 {
        let network = Door::network(&format!("192.0.2.{number}"))?;
        refused += u8::from(door.people.ask_recovery(&Contact::try_new(AWA)?, network).await.is_err());
    }
    assert!(refused >= 28, "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_password_alone_stops_no_recovery() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    door.wait(HOUR);
    let thief = door.recognised(&door.entered(AWA, HERS, HOME).await?).await?;
    let (id, begun) = begin(&door).await?;
    let stopped = door.people.cancel_recovery(&thief, &HERS.to_owned().into(), Door::network(HOME)?).await;
    assert!(matches!(stopped, Err(Error::DeviceNotProven)), "{stopped:?}");
    door.wait(72 * HOUR);
    complete(&door, id, begun.key.reveal()).await?;
    Ok(())
}
