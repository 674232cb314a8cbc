//! Second factors: codes by time and passkeys, at sign-in and when money goes out.

use onboarding::{Assurance, Challenge, Error, FactorAnswer, FactorKind, Person, SignIn};
use secrecy::ExposeSecret;
use tests::Result;
use totp_rs::{Algorithm, Builder, Secret};

use crate::authenticator::Authenticator;
use crate::door::{DOMAIN, Door, ORIGIN};

const AWA: &str = "awa@example.org";
const HERS: &str = "baobab-au-bord-du-fleuve";
const HOME: &str = "192.0.2.1";
const HOUR: i64 = 3_600;

/// What an authenticator app shows at the door's time.
fn shown(door: &Door, secret: &str) -> Result<String> {
    let secret = Secret::try_from_base32(secret).map_err(|error| error.to_string())?;
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_secret(secret);
    let totp = builder.with_account_name("app").build().map_err(|error| error.to_string())?;
    Ok(totp.generate(u64::try_from(door.clock.now().timestamp())?).to_string())
}

fn code(text: &str) -> FactorAnswer {
    FactorAnswer::Totp(text.to_owned().into())
}

async fn with_an_app(door: &Door) -> Result<(Person, String)> {
    door.member(AWA, HERS).await?;
    let awa = door.recognised(&door.entered(AWA, HERS, HOME).await?).await?;
    let app = door.people.begin_one_time_codes(&awa, Some("Phone")).await?;
    let secret = app.secret.expose_secret().to_owned();
    let first = shown(door, &secret)?;
    door.people.confirm_one_time_codes(&awa, app.id, &first.into(), Door::network(HOME)?).await?;
    door.wait(30);
    Ok((awa, secret))
}

async fn asked(door: &Door) -> Result<Challenge> {
    match door.sign_in(AWA, HERS, HOME).await?? {
        SignIn::SecondFactor(challenge) => Ok(challenge),
        SignIn::Admitted(_) => Err("nobody asked for the second factor".into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_not_confirmed_is_not_asked_for() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let awa = door.recognised(&door.entered(AWA, HERS, HOME).await?).await?;
    let app = door.people.begin_one_time_codes(&awa, None).await?;
    let refused =
        door.people.confirm_one_time_codes(&awa, app.id, &"12345x".to_owned().into(), Door::network(HOME)?).await;
    assert!(matches!(refused, Err(Error::WrongCode)));
    assert!(matches!(door.sign_in(AWA, HERS, HOME).await?, Ok(SignIn::Admitted(_))));
    assert!(door.people.second_factors(&awa).await?.is_empty());
    assert!(matches!(door.people.ask_second_factor(&awa).await, Err(Error::NotFound(_))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_alone_lets_nobody_in_who_has_an_app() -> Result {
    let door = Door::new().await?;
    let (awa, secret) = with_an_app(&door).await?;
    let factors = door.people.second_factors(&awa).await?;
    assert_eq!(
        factors.iter().map(|factor| (factor.kind, factor.name.as_deref())).collect::<Vec<_>>(),
        [(FactorKind::Totp, Some("Phone"))]
    );
    assert_eq!(door.last_template(AWA).await?, "second-factors-changed");

    let challenge = asked(&door).await?;
    assert!(challenge.totp && challenge.passkey.is_none());
    let network = Door::network(HOME)?;
    let wrong = door.people.sign_in_by_second_factor(challenge.id, code("abcdef"), network).await;
    assert!(matches!(wrong, Err(Error::WrongSecondFactor)));
    let now = shown(&door, &secret)?;
    let entered = door.people.sign_in_by_second_factor(challenge.id, code(&now), network).await?;
    assert_eq!(door.recognised(&entered).await?.assurance(), Assurance::Strong);
    // Neither the challenge nor the code is good again.
    let again = door.people.sign_in_by_second_factor(challenge.id, code(&now), network).await;
    assert!(matches!(again, Err(Error::WrongSecondFactor)));
    let replayed = door.people.sign_in_by_second_factor(asked(&door).await?.id, code(&now), network).await;
    assert!(matches!(replayed, Err(Error::WrongSecondFactor)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_lets_one_of_many_in() -> Result {
    let door = Door::new().await?;
    let (_, secret) = with_an_app(&door).await?;
    let now = shown(&door, &secret)?;
    let mut challenges = Vec::new();
    for _ in 0..4 {
        challenges.push(asked(&door).await?);
    }
    let network = Door::network(HOME)?;
    let tries = challenges.iter().map(|one| door.people.sign_in_by_second_factor(one.id, code(&now), network));
    let entered = futures_util::future::join_all(tries).await.into_iter().filter(|tried| tried.is_ok()).count();
    assert_eq!(entered, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_at_codes_is_stopped_and_the_owner_hears_of_it() -> Result {
    let door = Door::new().await?;
    let (_, secret) = with_an_app(&door).await?;
    let challenge = asked(&door).await?;
    let elsewhere = Door::network("198.51.100.7")?;
    for _ in 0..5 {
        let guess = door.people.sign_in_by_second_factor(challenge.id, code("000000"), elsewhere).await;
        assert!(matches!(guess, Err(Error::WrongSecondFactor)), "{guess:?}");
    }
    assert_eq!(door.last_template(AWA).await?, "second-factor-guessed");
    let next = asked(&door).await?;
    let locked = door.people.sign_in_by_second_factor(next.id, code("000000"), elsewhere).await;
    assert!(matches!(locked, Err(Error::Locked { .. })), "{locked:?}");
    // The owner, elsewhere, comes in.
    let now = shown(&door, &secret)?;
    door.people.sign_in_by_second_factor(next.id, code(&now), Door::network(HOME)?).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_due_again_after_a_quarter_of_an_hour() -> Result {
    let door = Door::new().await?;
    let (_, secret) = with_an_app(&door).await?;
    let network = Door::network(HOME)?;
    let now = shown(&door, &secret)?;
    let entered = door.people.sign_in_by_second_factor(asked(&door).await?.id, code(&now), network).await?;
    door.wait(900);
    let awa = door.recognised(&entered).await?;
    assert!(matches!(awa.must_be_strong(), Err(Error::SecondFactorNeeded)));
    assert!(matches!(door.people.send_device_code(&awa).await, Err(Error::SecondFactorNeeded)));
    let factor = door.people.second_factors(&awa).await?.pop().ok_or("a factor")?;
    assert!(matches!(door.people.remove_second_factor(&awa, factor.id).await, Err(Error::SecondFactorNeeded)));

    let challenge = door.people.ask_second_factor(&awa).await?;
    // A challenge belongs to the device that asked, and a sign-in's is for nothing else.
    let other = asked(&door).await?;
    let now = shown(&door, &secret)?;
    assert!(door.people.show_second_factor(&awa, other.id, code(&now), network).await.is_err());
    assert!(door.people.sign_in_by_second_factor(challenge.id, code(&now), network).await.is_err());
    door.people.show_second_factor(&awa, challenge.id, code(&now), network).await?;
    let awa = door.recognised(&entered).await?;
    assert_eq!(awa.assurance(), Assurance::Strong);
    door.people.remove_second_factor(&awa, factor.id).await?;
    assert!(matches!(door.sign_in(AWA, HERS, HOME).await?, Ok(SignIn::Admitted(_))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_and_answers_and_its_copy_does_not() -> Result {
    let door = Door::new().await?;
    door.member(AWA, HERS).await?;
    let awa = door.recognised(&door.entered(AWA, HERS, HOME).await?).await?;
    let network = Door::network(HOME)?;
    let mut phone = Authenticator::new(DOMAIN, ORIGIN)?;
    let (challenge, request) = door.people.begin_passkey(&awa).await?;
    let mut phisher = Authenticator::new(DOMAIN, "https://teranga.example.evil.example")?;
    let phished = door.people.confirm_passkey(&awa, challenge, None, phisher.make(&request)?).await;
    assert!(matches!(phished, Err(Error::WrongSecondFactor)), "another origin");
    let factor = door.people.confirm_passkey(&awa, challenge, Some("Phone"), phone.make(&request)?).await?;
    assert_eq!((factor.kind, factor.name.as_deref()), (FactorKind::Passkey, Some("Phone")));
    let again = door.people.confirm_passkey(&awa, challenge, None, phone.make(&request)?).await;
    assert!(matches!(again, Err(Error::WrongSecondFactor)), "the challenge is gone");

    door.wait(HOUR);
    let asked_for = asked(&door).await?;
    assert!(!asked_for.totp);
    let answer = phone.sign(asked_for.passkey.as_ref().ok_or("a request")?)?;
    let entered =
        door.people.sign_in_by_second_factor(asked_for.id, FactorAnswer::Passkey(answer.clone()), network).await?;
    assert_eq!(door.recognised(&entered).await?.assurance(), Assurance::Strong);

    // The old answer does not fit a new challenge; a copy whose counter stood still is not taken either.
    let next = asked(&door).await?;
    let replayed = door.people.sign_in_by_second_factor(next.id, FactorAnswer::Passkey(answer), network).await;
    assert!(matches!(replayed, Err(Error::WrongSecondFactor)));
    phone.counter = 0;
    let copied = phone.sign(next.passkey.as_ref().ok_or("a request")?)?;
    let copied = door.people.sign_in_by_second_factor(next.id, FactorAnswer::Passkey(copied), network).await;
    assert!(matches!(copied, Err(Error::WrongSecondFactor)));
    for nonsense in [serde_json::json!({}), serde_json::json!(7), serde_json::json!({ "id": "x" })] {
        let refused = door.people.sign_in_by_second_factor(next.id, FactorAnswer::Passkey(nonsense), network).await;
        assert!(matches!(refused, Err(Error::WrongSecondFactor)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_does_not_outlive_the_password_that_asked_for_it() -> Result {
    let door = Door::new().await?;
    let (_, secret) = with_an_app(&door).await?;
    let network = Door::network(HOME)?;
    let of_the_thief = asked(&door).await?;
    let now = shown(&door, &secret)?;
    let entered = door.people.sign_in_by_second_factor(asked(&door).await?.id, code(&now), network).await?;
    let awa = door.recognised(&entered).await?;
    let (old, new) = (HERS.to_owned().into(), "fromager-de-la-place".to_owned().into());
    door.people.change_password(&awa, &old, &new, network).await?;
    door.wait(30);
    let now = shown(&door, &secret)?;
    let late = door.people.sign_in_by_second_factor(of_the_thief.id, code(&now), network).await;
    assert!(matches!(late, Err(Error::WrongSecondFactor)), "{late:?}");
    Ok(())
}
