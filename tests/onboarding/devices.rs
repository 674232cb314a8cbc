//! Devices: refresh tokens that are good once, and who is signed out when.

use onboarding::{Assurance, Error, SignIn};
use tests::Result;

use crate::door::Door;

const AWA: &str = "awa@example.org";
const HERS: &str = "baobab-au-bord-du-fleuve";
const HOME: &str = "192.0.2.1";
const HOUR: i64 = 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_good_once_and_its_copy_signs_the_device_out() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let first = door.entered(AWA, HERS, HOME).await?;
    let second = door.people.refresh(&first.refresh_token.reveal().into()).await?;
    assert_ne!(first.refresh_token.reveal(), second.refresh_token.reveal());
    door.recognised(&second).await?;

    // The answer may be lost on the way: within a minute the same one comes again.
    let again = door.people.refresh(&first.refresh_token.reveal().into()).await?;
    assert_eq!(again.refresh_token.reveal(), second.refresh_token.reveal());
    let third = door.people.refresh(&second.refresh_token.reveal().into()).await?;

    // The first one is old by now: somebody has a copy. Owner and thief are out alike, and the owner hears of it.
    let stolen = door.people.refresh(&first.refresh_token.reveal().into()).await;
    assert!(matches!(stolen, Err(Error::WrongCredentials)), "{stolen:?}");
    let owner = door.people.refresh(&third.refresh_token.reveal().into()).await;
    assert!(matches!(owner, Err(Error::WrongCredentials)), "{owner:?}");
    assert!(matches!(door.recognised(&third).await, Err(error) if error.to_string().contains("cannot be used")));
    assert_eq!(door.last_template(AWA).await?, "token-reused");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_before_is_a_copy_too_once_a_minute_has_passed() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let first = door.entered(AWA, HERS, HOME).await?;
    let second = door.people.refresh(&first.refresh_token.reveal().into()).await?;
    door.wait(61);
    assert!(door.people.refresh(&first.refresh_token.reveal().into()).await.is_err());
    assert!(door.people.refresh(&second.refresh_token.reveal().into()).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invented_token_signs_nobody_out() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let entered = door.entered(AWA, HERS, HOME).await?;
    let true_one = entered.refresh_token.reveal();
    let (front, _) = true_one.rsplit_once('.').ok_or("three parts")?;
    let device = entered.device.uuid().simple();
    let zeros = "0".repeat(64);
    for invented in
        [format!("{front}.{zeros}"), format!("{device}.7.{zeros}"), format!("{device}.-1.00"), String::new()]
    {
        assert!(matches!(door.people.refresh(&invented.into()).await, Err(Error::WrongCredentials)));
    }
    door.people.refresh(&true_one.into()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshes_at_the_same_moment_give_one_token() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let token = door.entered(AWA, HERS, HOME).await?.refresh_token.reveal();
    let refreshed = (0..8).map(|_| {
        let (people, token) = (door.people.clone(), token.clone());
        async move { people.refresh(&token.into()).await.map(|signed_in| signed_in.refresh_token.reveal()) }
    });
    let refreshed = futures_util::future::join_all(refreshed).await;
    let refreshed = refreshed.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
    assert!(refreshed.iter().all(|token| *token == refreshed[0]), "{refreshed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_signed_out_from_elsewhere_at_once_and_only_by_its_owner() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    door.member("baye@example.org", HERS).await?;
    let (lost, kept) = (door.entered(AWA, HERS, HOME).await?, door.entered(AWA, HERS, HOME).await?);
    let awa = door.recognised(&kept).await?;
    let seen: Vec<_> = door.people.devices(&awa).await?.iter().map(|device| device.id).collect();
    assert_eq!(seen, [lost.device, kept.device]);

    let baye = door.recognised(&door.entered("baye@example.org", HERS, HOME).await?).await?;
    assert!(matches!(door.people.sign_out(&baye, lost.device).await, Err(Error::NotFound("device"))));
    door.people.sign_out(&awa, lost.device).await?;
    door.people.sign_out(&awa, lost.device).await?;
    assert!(door.recognised(&lost).await.is_err());
    assert!(door.people.refresh(&lost.refresh_token.reveal().into()).await.is_err());
    assert_eq!(door.people.devices(&awa).await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_not_heard_of_for_long_is_out() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let entered = door.entered(AWA, HERS, HOME).await?;
    door.wait(89 * 24 * HOUR);
    let refreshed = door.people.refresh(&entered.refresh_token.reveal().into()).await?;
    door.wait(90 * 24 * HOUR);
    assert!(door.people.refresh(&refreshed.refresh_token.reveal().into()).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_devices_are_the_most_and_the_idlest_goes() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let first = door.entered(AWA, HERS, HOME).await?;
    door.wait(1);
    let mut last = door.entered(AWA, HERS, HOME).await?;
    for _ in 0..19 {
        door.wait(1);
        last = door.entered(AWA, HERS, HOME).await?;
    }
    assert!(door.recognised(&first).await.is_err());
    assert_eq!(door.people.devices(&door.recognised(&last).await?).await?.len(), 20);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_device_is_proven_by_a_code_to_the_contact() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let first = door.recognised(&door.entered(AWA, HERS, HOME).await?).await?;
    assert_eq!(first.assurance(), Assurance::Strong, "its owner has just read a code for this password");
    door.wait(HOUR);
    let later = door.entered(AWA, HERS, HOME).await?;
    assert_eq!(door.last_template(AWA).await?, "new-device");
    let unproven = door.recognised(&later).await?;
    assert_eq!(unproven.assurance(), Assurance::Password);
    assert!(matches!(unproven.must_be_strong(), Err(Error::DeviceNotProven)));
    assert!(matches!(door.people.begin_one_time_codes(&unproven, None).await, Err(Error::DeviceNotProven)));

    door.people.send_device_code(&unproven).await?;
    assert!(matches!(door.people.send_device_code(&unproven).await, Err(Error::TooManyMessages)));
    let codes = door.codes(AWA).await?;
    let code = codes.last().ok_or("a code")?;
    let wrong = crate::door::wrong(&codes);
    assert!(matches!(door.people.prove_device(&unproven, &wrong).await, Err(Error::WrongCode)));
    door.people.prove_device(&unproven, code).await?;
    assert_eq!(door.recognised(&later).await?.assurance(), Assurance::Strong);
    assert!(matches!(door.people.prove_device(&unproven, code).await, Err(Error::WrongCode)), "a code is good once");

    // Five tries, and then not even the right one.
    door.wait(HOUR);
    let third = door.recognised(&door.entered(AWA, HERS, HOME).await?).await?;
    door.people.send_device_code(&third).await?;
    let codes = door.codes(AWA).await?;
    for _ in 0..5 {
        assert!(door.people.prove_device(&third, &crate::door::wrong(&codes)).await.is_err());
    }
    assert!(door.people.prove_device(&third, codes.last().ok_or("a code")?).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_signs_the_other_devices_out() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let (here, elsewhere) = (door.entered(AWA, HERS, HOME).await?, door.entered(AWA, HERS, HOME).await?);
    let awa = door.recognised(&here).await?;
    let new = "fromager-de-la-place".to_owned();
    let change = |present: &str| {
        let (people, awa, present, new) = (door.people.clone(), awa.clone(), present.to_owned(), new.clone());
        async move {
            people.change_password(&awa, &present.into(), &new.into(), Door::network(HOME)?).await.map_err(Into::into)
        }
    };
    let refused: Result = change("not-the-password").await;
    assert!(refused.is_err());
    let changed: Result = change(HERS).await;
    changed?;
    door.recognised(&here).await?;
    assert!(door.recognised(&elsewhere).await.is_err());
    assert!(door.sign_in(AWA, HERS, HOME).await?.is_err());
    assert!(matches!(door.sign_in(AWA, &new, HOME).await?, Ok(SignIn::Admitted(_))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_by_the_old_password_do_not_outlive_its_change() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let here = door.entered(AWA, HERS, HOME).await?;
    let awa = door.recognised(&here).await?;
    let (old, new) = (HERS.to_owned().into(), "fromager-de-la-place".to_owned().into());
    let network = Door::network(HOME)?;
    let sign_ins = futures_util::future::join_all((0..12).map(|_| door.sign_in(AWA, HERS, "198.51.100.7")));
    let (changed, _) =
        futures_util::future::join(door.people.change_password(&awa, &old, &new, network), sign_ins).await;
    changed?;
    let left: Vec<_> = door.people.devices(&awa).await?.iter().map(|device| device.id).collect();
    assert_eq!(left, [here.device]);
    Ok(())
}
